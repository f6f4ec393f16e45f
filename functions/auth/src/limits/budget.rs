//! How much each limit lets through.

use std::time::Duration;

/// In this time a budget that was used up is whole again.
pub(super) const WINDOW: Duration = Duration::from_secs(60 * 60);

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    /// An account, from wherever it is tried.
    Account,
    /// A client's address, whatever account it tries.
    Address,
    /// An account from one address.
    AccountFromAddress,
    /// An account in a browser in which its owner has signed in.
    Device,
    /// The signed-in user's own password, asked for before it is changed.
    OwnPassword,
}

impl Budget {
    /// How many attempts may fail at once; as many more in each [`WINDOW`].
    const fn attempts(self) -> u32 {
        match self {
            // 720 guesses a day at most, from any number of addresses: a password that is not among the very first that
            // everybody would try holds for years. Three people who forgot theirs still fit.
            Self::Account => 30,
            // An office behind one address on a Monday morning, and still few for who tries one password on many.
            Self::Address => 100,
            // More than anybody mistypes; a guess every six minutes after that.
            Self::AccountFromAddress | Self::OwnPassword => 10,
            // The owner's own browser: nobody else can use it up.
            Self::Device => 20,
        }
    }

    pub(super) fn step(self) -> Duration {
        WINDOW / self.attempts()
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::AccountFromAddress => "account from address",
            Self::Device => "device",
            Self::OwnPassword => "own password",
        }
    }

    /// What else than waiting helps.
    pub(super) const fn otherwise(self) -> &'static str {
        match self {
            Self::OwnPassword => "an administrator can set a new password",
            _ => {
                "a browser in which you have signed in before and a provider's sign-in are not held up"
            }
        }
    }
}
