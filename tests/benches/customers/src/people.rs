//! Customers as a shop has them after some years: made from a seed, the same every time.

use crate::{
    names::cultures,
    nation::{Nation, Ranked, local, ratio},
};
use fastrand::Rng;
use std::collections::HashSet;

/// The first and the last day on which customers were made, in microseconds since 1970: 2015-01-01 and 2026-10-01.
const YEARS: (i64, i64) = (1_420_070_400_000_000, 1_790_812_800_000_000);
/// How many users make customers, some of them far more than others.
pub(crate) const USERS: usize = 20;
/// A customer before the database has it.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) surname: String,
    pub(crate) email: String,
    pub(crate) phone: Option<String>,
    pub(crate) notes: Option<&'static str>,
    pub(crate) photo: Option<String>,
    pub(crate) created_by: i64,
    pub(crate) created_at: i64,
    pub(crate) last_modified_at: i64,
    pub(crate) deleted: bool,
}

/// So many people, one after another.
pub(crate) struct People {
    rng: Rng,
    nations: Vec<Nation>,
    shares: Ranked,
    users: Ranked,
    addresses: HashSet<String>,
    made: usize,
    rows: usize,
}

impl People {
    pub(crate) fn new(seed: u64, rows: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self {
            nations: cultures().map(|it| Nation::new(it, &mut rng)).collect(),
            shares: Ranked::weighing(cultures().map(|it| f64::from(it.share))),
            users: Ranked::of(USERS, 1.0, 1.0),
            addresses: HashSet::new(),
            made: 0,
            rows,
            rng,
        }
    }

    /// An address that nobody has yet: people add digits until one is free.
    fn address(&mut self, nation: usize, name: &str, surname: &str) -> String {
        let (local, domain) = {
            let nation = &self.nations[nation];
            (
                local(&mut self.rng, name, surname),
                nation.domain(&mut self.rng, surname),
            )
        };
        let mut address = format!("{local}@{domain}");
        while !self.addresses.insert(address.to_lowercase()) {
            address = format!("{local}{}@{domain}", self.rng.u32(1..10_000));
        }
        address
    }
}

impl Iterator for People {
    type Item = Person;

    fn next(&mut self) -> Option<Person> {
        if self.made == self.rows {
            return None;
        }
        let nation = self.shares.pick(&mut self.rng);
        let (name, surname) = self.nations[nation].person(&mut self.rng);
        let email = self.address(nation, &name.latin, &surname.latin);
        let rng = &mut self.rng;
        let created_at = made_at(self.made, self.rows);
        let left = f64::from(rng.u32(0..1 << 20)) / f64::from(1 << 20);
        let changed = rng.u32(0..100) < 45;
        self.made += 1;
        Some(Person {
            name: name.written,
            surname: surname.written,
            email,
            phone: (rng.u32(0..100) < 70)
                .then(|| format!("+{} {:09}", rng.u32(1..99), rng.u32(0..1_000_000_000))),
            notes: (rng.u32(0..100) < 10)
                .then_some("Prefers to be called in the evening.\nPays by invoice."),
            photo: (rng.u32(0..100) < 25).then(|| format!("{:032x}", rng.u128(..))),
            created_by: i64::try_from(self.users.pick(rng)).unwrap_or_default() + 1,
            created_at,
            last_modified_at: match changed {
                true => created_at + part(YEARS.1 - created_at, left * left),
                false => created_at,
            },
            deleted: rng.u32(0..100) < 3,
        })
    }
}

/// When the customer was made before whom there are so many of all: every year more than the year before.
pub(crate) fn made_at(before: usize, rows: usize) -> i64 {
    YEARS.0 + part(YEARS.1 - YEARS.0, ratio(before, rows).sqrt())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a time, and not a precise one"
)]
fn part(of: i64, how_much: f64) -> i64 {
    (of as f64 * how_much) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_people_each_with_an_address_of_their_own() {
        let make = || People::new(1, 5_000).map(|person| format!("{person:?}"));
        assert!(make().eq(make()));
        let addresses: HashSet<_> = People::new(1, 5_000)
            .map(|it| shared::email::key(&it.email))
            .collect();
        assert_eq!(addresses.len(), 5_000);
        let valid =
            |it: Person| shared::email::Email::parse(&it.email).is_ok() && !it.surname.is_empty();
        assert!(People::new(1, 5_000).all(valid));
    }

    #[test]
    fn every_name_of_another_script_has_its_latin_form() {
        for culture in cultures() {
            for (written, latin) in [
                culture.given,
                culture.syllables,
                culture.surnames,
                culture.stems,
                culture.endings,
            ] {
                let count = |text: &str| text.split_whitespace().count();
                assert!(
                    latin.is_empty() || count(written) == count(latin),
                    "{written}"
                );
            }
        }
    }
}
