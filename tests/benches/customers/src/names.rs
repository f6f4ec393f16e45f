//! Given names and surnames as people have them, by where they live: the most frequent first.

mod latin;
mod others;

/// Words in their own script, and the same in the letters of an e-mail address; without the latter where folding the
/// words gives them.
pub(crate) type Table = (&'static str, &'static str);

/// People of one tongue.
pub(crate) struct Culture {
    /// How many customers, beside the shares of the others.
    pub(crate) share: u32,
    /// Given names.
    pub(crate) given: Table,
    /// Of these, one or two make further given names.
    pub(crate) syllables: Table,
    /// Surnames.
    pub(crate) surnames: Table,
    /// Of these and an ending, further surnames are made.
    pub(crate) stems: Table,
    /// What ends them.
    pub(crate) endings: Table,
    /// Whether people have two surnames.
    pub(crate) two_surnames: bool,
    /// Where their companies and providers are.
    pub(crate) domains: &'static str,
}

const NONE: Table = ("", "");

/// Who the customers are.
pub(crate) fn cultures() -> impl Iterator<Item = &'static Culture> {
    latin::CULTURES.iter().chain(&others::CULTURES)
}
