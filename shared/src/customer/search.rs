//! What finds a customer: the folded words of name, surname and e-mail address, and the terms that index them.
//!
//! A word that somebody types must begin a word of the customer. Indexed are the first letters of each word (one, two
//! and three of them), each word whole, and each pair of two words' first two, three and four letters: so one or
//! two words lead to few rows in the order of their ids, however many customers there are. A term only leads to a row;
//! whether the row has the words is read off its `search_text`. docs/decisions/0009-search.md has the figures.

use super::CustomerRow;
use crate::{
    db::{Db, Dialect, Tx},
    email, fold,
    id::CustomerId,
    on_read, on_tx,
    time::Timestamp,
};
use sqlx::QueryBuilder;
use std::collections::BTreeSet;

/// How many different words of a customer are searched. Names of twenty words exist.
const WORDS: usize = 24;
/// How much of a word is compared, in characters.
const WORD: usize = 60;
/// How much of a word is indexed whole, in characters.
const INDEXED: usize = 24;
/// How many first letters of a word are indexed by themselves.
const LETTERS: usize = 3;
/// How many first letters of two words are indexed as a pair, the narrowest pair first; half as many of a script whose
/// words are as short.
const PAIRED: [usize; 3] = [4, 3, 2];
/// The longest name by which customers are ordered, in characters.
const ORDER: usize = 120;

/// The columns that are made from the others, as `insert` and `update` write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The e-mail address, by which customers are ordered and found.
    pub email_order: String,
    /// The name, by which customers are ordered.
    pub name_order: String,
    /// The surname, by which customers are ordered.
    pub surname_order: String,
    /// Every word with a space before it.
    pub search_text: String,
}

impl Folded {
    /// What is made from these values.
    #[must_use]
    pub fn of(name: &str, surname: &str, address: &str) -> Self {
        Self {
            email_order: email::key(address),
            name_order: fold::order(name, ORDER),
            surname_order: fold::order(surname, ORDER),
            search_text: search_text(name, surname, address),
        }
    }
}

impl From<&CustomerRow> for Folded {
    fn from(customer: &CustomerRow) -> Self {
        Self::of(&customer.name, &customer.surname, &customer.email)
    }
}

fn search_text(name: &str, surname: &str, address: &str) -> String {
    let unspaced = |text: &str| !text.is_empty() && text.chars().all(fold::is_unspaced);
    let whole = (unspaced(name) && unspaced(surname)).then(|| format!("{surname}{name}"));
    let all = fold::words(name)
        .chain(fold::words(surname))
        .chain(whole.iter().flat_map(|whole| fold::words(whole)))
        .chain(fold::words(address))
        .chain(fold::parts(name))
        .chain(fold::parts(surname))
        .chain(fold::parts(address));
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    for word in all.map(|word| head(&word, WORD).to_owned()) {
        if seen.len() < WORDS && seen.insert(word.clone()) {
            text.push(' ');
            text.push_str(&word);
        }
    }
    text
}

/// What lets the terms of a `search_text` lead to its customer.
#[must_use]
pub fn terms(search_text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = search_text
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect();
    let mut terms = BTreeSet::new();
    for (index, word) in words.iter().enumerate() {
        for letters in 1..=LETTERS {
            terms.insert(head(word, letters).to_owned());
        }
        terms.insert(head(word, INDEXED).to_owned());
        for other in &words[index + 1..] {
            terms.extend(pairs(word, other).map(Pair::term));
        }
    }
    terms
}

/// The terms of two words, in either order, the narrowest first; none when one of them is too short.
fn pairs<'a>(one: &'a str, other: &'a str) -> impl Iterator<Item = Pair<'a>> {
    PAIRED
        .into_iter()
        .filter_map(move |letters| Some(Pair(begin(one, letters)?, begin(other, letters)?)))
}

/// The first letters of two words.
#[derive(Debug, Clone, Copy)]
struct Pair<'a>(&'a str, &'a str);

impl Pair<'_> {
    fn term(self) -> String {
        let Self(one, other) = self;
        match one <= other {
            true => format!("{one} {other}"),
            false => format!("{other} {one}"),
        }
    }
}

/// So many letters, if there are as many.
fn begin(word: &str, letters: usize) -> Option<&str> {
    let letters = match word.chars().next().is_some_and(fold::is_unspaced) {
        true => letters / 2,
        false => letters,
    };
    let begin = head(word, letters);
    (begin.chars().count() == letters).then_some(begin)
}

fn head(word: &str, letters: usize) -> &str {
    match word.char_indices().nth(letters) {
        Some((end, _)) => &word[..end],
        None => word,
    }
}

/// One word that somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted(String);

impl Wanted {
    /// The words that a text asks for, longest first. One that begins another adds nothing and is left out.
    #[must_use]
    pub fn all(text: &str) -> Vec<Self> {
        let mut words: Vec<_> = fold::words(text)
            .map(|word| Self(head(&word, WORD).to_owned()))
            .collect();
        words.sort_by_key(|word| (std::cmp::Reverse(word.0.chars().count()), word.0.clone()));
        let mut kept: Vec<Self> = Vec::new();
        for word in words {
            if !kept.iter().any(|longer| longer.0.starts_with(&word.0)) {
                kept.push(word);
            }
        }
        kept
    }

    /// What stands in the `search_text` of every customer who has the word.
    #[must_use]
    pub fn in_text(&self) -> String {
        format!(" {}", self.0)
    }

    /// A term of every customer who has the word; of nobody else when the word is no longer than it.
    #[must_use]
    pub fn term(&self) -> &str {
        head(&self.0, LETTERS)
    }

    /// From where to before where all terms lie that the word begins; none for a word so short that it is a term.
    #[must_use]
    pub fn range(&self) -> Option<(String, String)> {
        let begin = head(&self.0, INDEXED);
        (begin.chars().count() > LETTERS).then(|| (begin.to_owned(), format!("{begin}\u{10FFFF}")))
    }

    /// The narrowest term of every customer who has both words; none when one is too short. And whether it leads to
    /// nobody else: it holds each of them whole.
    #[must_use]
    pub fn pair(&self, other: &Self) -> Option<(String, [bool; 2])> {
        let pair = pairs(&self.0, &other.0).next()?;
        Some((pair.term(), [pair.0 == self.0, pair.1 == other.0]))
    }
}

/// Brings the terms of a customer from what they were to what they are. `before` is missing for one just made, `after`
/// for one that is gone.
///
/// # Errors
/// When the database does not take it.
pub async fn write_terms(
    tx: &mut Tx,
    before: Option<&CustomerRow>,
    after: Option<&CustomerRow>,
) -> sqlx::Result<()> {
    let Some(id) = before.or(after).map(|customer| customer.id) else {
        return Ok(());
    };
    let listed = |customer: &CustomerRow| {
        let text = Folded::from(customer).search_text;
        (customer.deleted_at.is_some(), text)
    };
    let (before, after) = (before.map(listed), after.map(listed));
    if before == after {
        return Ok(());
    }
    let terms = |listed: Option<(bool, String)>| {
        listed.map_or_else(BTreeSet::new, |(deleted, text)| terms_among(deleted, &text))
    };
    replace(tx, id, &terms(before), &terms(after)).await
}

/// Takes every term of a customer away, also what an older program wrote: `indexed` is the row's own `search_text`.
///
/// # Errors
/// When the database does not take it.
pub(super) async fn remove_terms(
    tx: &mut Tx,
    customer: &CustomerRow,
    indexed: &str,
) -> sqlx::Result<()> {
    let folded = Folded::from(customer).search_text;
    let mut terms = BTreeSet::new();
    for text in [indexed, &folded] {
        terms.extend(terms_among(false, text));
        terms.extend(terms_among(true, text));
    }
    replace(tx, customer.id, &terms, &BTreeSet::new()).await
}

/// The terms of a `search_text` with whether they lead to somebody deleted.
fn terms_among(deleted: bool, search_text: &str) -> BTreeSet<(bool, String)> {
    let terms = terms(search_text).into_iter();
    terms.map(|term| (deleted, term)).collect()
}

async fn replace(
    tx: &mut Tx,
    id: CustomerId,
    old: &BTreeSet<(bool, String)>,
    new: &BTreeSet<(bool, String)>,
) -> sqlx::Result<()> {
    let gone: Vec<_> = old.difference(new).collect();
    let come: Vec<_> = new.difference(old).collect();
    if !gone.is_empty() {
        remove(tx, id, &gone).await?;
    }
    if !come.is_empty() {
        add(tx, id, &come).await?;
    }
    Ok(())
}

async fn add(tx: &mut Tx, id: CustomerId, come: &[&(bool, String)]) -> sqlx::Result<()> {
    // A term that is there already may be left from a program that folds otherwise.
    let insert = match tx {
        Tx::MySql(_) => "INSERT IGNORE INTO customer_terms (deleted, term, customer_id) ",
        #[cfg(feature = "sqlite")]
        Tx::Sqlite(_) => "INSERT OR IGNORE INTO customer_terms (deleted, term, customer_id) ",
    };
    on_tx!(tx, conn => {
        let mut query = QueryBuilder::new(insert);
        query.push_values(come, |mut row, (deleted, term)| {
            row.push_bind(deleted).push_bind(term).push_bind(id);
        });
        query.build().execute(conn).await.map(drop)
    })
}

async fn remove(tx: &mut Tx, id: CustomerId, gone: &[&(bool, String)]) -> sqlx::Result<()> {
    for among in [false, true] {
        let terms = || {
            gone.iter()
                .filter(|(deleted, _)| *deleted == among)
                .map(|(_, term)| term)
        };
        if terms().next().is_none() {
            continue;
        }
        on_tx!(tx, conn => {
            let mut query = QueryBuilder::new("DELETE FROM customer_terms WHERE deleted = ");
            query.push_bind(among).push(" AND customer_id = ").push_bind(id).push(" AND term IN (");
            let mut list = query.separated(", ");
            for term in terms() {
                list.push_bind(term);
            }
            query.push(")");
            query.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// Indexes customers whose row was written by a program that knew no search, or another one. Gives how many.
///
/// # Errors
/// When the database does not answer.
pub async fn index_missing(db: &Db) -> sqlx::Result<u64> {
    const MYSQL: &str = "SELECT id FROM customers WHERE NOT (terms_version <=> version) AND id > ? ORDER BY id LIMIT 100";
    // In the words of the index that has these and no others.
    const SQLITE: &str = "SELECT id FROM customers WHERE terms_version IS NOT version AND id > ? ORDER BY id LIMIT 100";
    let sql = match db.dialect() {
        Dialect::MySql => MYSQL,
        Dialect::Sqlite => SQLITE,
    };
    let (mut indexed, mut last) = (0, 0);
    loop {
        let ids: Vec<(CustomerId,)> =
            on_read!(db, pool => sqlx::query_as(sql).bind(last).fetch_all(pool).await)?;
        let Some((end,)) = ids.last() else {
            return Ok(indexed);
        };
        last = end.get();
        let mut tx = db.begin().await?;
        for (id,) in ids {
            indexed += u64::from(index(&mut tx, id).await?);
        }
        tx.commit().await?;
    }
}

/// False when somebody else wrote the row in between.
async fn index(tx: &mut Tx, id: CustomerId) -> sqlx::Result<bool> {
    const READ: &str = "SELECT name, surname, email, deleted_at, photo_id IS NOT NULL, search_text, version \
        FROM customers WHERE id = ?";
    const WRITE: &str = "UPDATE customers SET email_order = ?, name_order = ?, surname_order = ?, search_text = ?, \
        deleted = ?, photographed = ?, terms_version = ? WHERE id = ? AND version = ?";
    type Row = (String, String, String, Option<Timestamp>, bool, String, i64);
    let (name, surname, address, deleted_at, photographed, old, version): Row =
        on_tx!(tx, conn => sqlx::query_as(READ).bind(id).fetch_one(conn).await)?;
    let (new, deleted) = (Folded::of(&name, &surname, &address), deleted_at.is_some());
    let written = on_tx!(tx, conn => sqlx::query(WRITE)
        .bind(&new.email_order).bind(&new.name_order).bind(&new.surname_order).bind(&new.search_text)
        .bind(deleted).bind(photographed).bind(version).bind(id).bind(version)
        .execute(conn).await.map(|done| done.rows_affected()))?;
    if written == 0 {
        return Ok(false);
    }
    let mut before = terms_among(false, &old);
    before.extend(terms_among(true, &old));
    let after = terms_among(deleted, &new.search_text);
    replace(tx, id, &before, &after).await?;
    // What was thought to be there may not be: whoever wrote the row may have known no terms.
    let all: Vec<_> = after.iter().collect();
    add(tx, id, &all).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, surname: &str, address: &str) -> String {
        search_text(name, surname, address)
    }

    #[test]
    fn each_word_is_searched_once() {
        assert_eq!(
            text("José", "Núñez", "jose.nunez@mail.example.com"),
            " jose nunez mail example com"
        );
        assert_eq!(text("D'Angelo", "X", "d@e.f"), " dangelo x d e f angelo");
        assert_eq!(text("小明", "王", "a@b.c"), " 小明 王 王小明 a b c");
    }

    #[test]
    fn whoever_has_a_word_has_its_terms_and_their_pairs() {
        let customer = text("José María", "Núñez de la O", "pepe77@correo.example");
        let terms = terms(&customer);
        for asked in [
            "j",
            "jo",
            "jose",
            "josé nu",
            "MARIA nunez",
            "corr",
            "pep nun",
            "o",
            "la",
        ] {
            for wanted in Wanted::all(asked) {
                assert!(customer.contains(&wanted.in_text()), "{asked}");
                assert!(terms.contains(wanted.term()), "{asked}");
                let ranged = wanted.range();
                assert!(
                    ranged.is_none_or(|(from, to)| terms.range(from..to).next().is_some()),
                    "{asked}"
                );
            }
            let wanted = Wanted::all(asked);
            if let [one, other, ..] = &wanted[..] {
                let pair = one.pair(other);
                assert!(
                    pair.is_none_or(|(pair, _)| terms.contains(&pair)),
                    "{asked}"
                );
            }
        }
    }

    #[test]
    fn a_word_that_begins_another_is_not_asked_for_twice() {
        let wanted: Vec<_> = Wanted::all("an Anna ann bo")
            .into_iter()
            .map(|word| word.0)
            .collect();
        assert_eq!(wanted, ["anna", "bo"]);
        assert_eq!(Wanted::all(" … ").len(), 0);
    }

    #[test]
    fn the_longest_names_make_a_bounded_index() {
        let words: Vec<String> = ('a'..='z')
            .flat_map(|a| ('a'..='z').map(move |b| format!("{a}{b}x")))
            .collect();
        let long = words.join(" ");
        let text = text(&long, &long, "a@b.c");
        assert_eq!(text.split(' ').count(), WORDS + 1);
        assert!(terms(&text).len() < 700);
        let wide = "ﷺ".repeat(120); // Each grows to eighteen letters.
        assert!(search_text(&wide, &wide, "a@b.c").chars().count() <= WORDS * (WORD + 1));
        assert!(Folded::of(&wide, &wide, "a@b.c").name_order.chars().count() <= ORDER);
    }
}
