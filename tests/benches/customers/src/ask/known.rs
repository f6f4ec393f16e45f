//! What is known of the customers of a database, to ask for them.

use super::asked;
use crate::{people::made_at, rig::Client};
use anyhow::Context as _;
use fastrand::Rng;
use serde_json::Value;
use shared::{fold, time::Timestamp};

/// How many customers are asked for.
const KNOWN: usize = 400;
/// A word that so few have is rare.
const RARE: i64 = 20;

/// Some of the customers, and words that few have.
pub(crate) struct Known {
    pub(super) rows: usize,
    customers: Vec<Value>,
    rare: Vec<String>,
    rng: Rng,
}

impl Known {
    /// Looks at some customers, living or deleted.
    pub(crate) async fn learn(client: &mut Client, rows: usize) -> anyhow::Result<Self> {
        let mut rng = Rng::with_seed(3);
        let mut customers = Vec::with_capacity(KNOWN);
        for _ in 0..KNOWN {
            let path = format!("/customers/{}?deleted=include", rng.usize(1..=rows));
            customers.push(client.get(&path).await?.body);
        }
        let mut known = Self {
            rows,
            customers,
            rare: Vec::new(),
            rng,
        };
        for index in 0..KNOWN {
            // Half of all have the words of a provider; to count them takes long and tells nothing.
            let mut words = known.words(index);
            let address = known.text(index, "email");
            let domain = address.rsplit('@').next().unwrap_or_default();
            words.retain(|word| !fold::words(domain).any(|other| other == *word));
            for word in words {
                let path = asked(&[("q", &word), ("count", "true"), ("limit", "1")]);
                let total = client.get(&path).await?.body["total"]
                    .as_i64()
                    .context("a total")?;
                if (1..=RARE).contains(&total) {
                    known.rare.push(word);
                }
            }
        }
        anyhow::ensure!(!known.rare.is_empty(), "no word is rare");
        Ok(known)
    }

    fn text(&self, index: usize, field: &str) -> String {
        self.customers[index][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The folded words of a customer.
    pub(super) fn words(&self, index: usize) -> Vec<String> {
        let fields = ["name", "surname", "email"].map(|field| self.text(index, field));
        fields.iter().flat_map(|text| fold::words(text)).collect()
    }

    /// A customer: a popular name comes as often as customers have it.
    fn somebody(&mut self) -> usize {
        self.rng.usize(0..self.customers.len())
    }

    pub(super) fn name(&mut self) -> String {
        let index = self.somebody();
        fold::words(&self.text(index, "name"))
            .next()
            .unwrap_or_default()
    }

    pub(super) fn surname(&mut self) -> String {
        let index = self.somebody();
        fold::words(&self.text(index, "surname"))
            .last()
            .unwrap_or_default()
    }

    /// The name and surname of one customer, cut to so many letters.
    pub(super) fn both(&mut self, letters: usize) -> String {
        let index = self.somebody();
        let word = |field| {
            fold::words(&self.text(index, field))
                .last()
                .unwrap_or_default()
        };
        format!(
            "{} {}",
            cut(&word("name"), letters),
            cut(&word("surname"), letters)
        )
    }

    /// The beginning of a word of somebody: of a name, a surname, or an address.
    pub(super) fn prefix(&mut self, letters: usize) -> String {
        let index = self.somebody();
        let words = self.words(index);
        cut(&words[self.rng.usize(0..words.len())], letters)
    }

    pub(super) fn rare(&mut self) -> String {
        self.rare[self.rng.usize(0..self.rare.len())].clone()
    }

    pub(super) fn email(&mut self) -> String {
        let index = self.somebody();
        self.text(index, "email")
    }

    pub(super) fn user(&mut self) -> String {
        self.rng.usize(1..=crate::people::USERS).to_string()
    }

    /// When this part of all customers had been made, more or less.
    pub(super) fn time(&mut self, part: f64, width: f64) -> String {
        let part = part + self.rng.f64() * width;
        Timestamp::from_seconds(made_at(share(self.rows, part), self.rows) / 1_000_000).to_string()
    }
}

fn cut(word: &str, letters: usize) -> String {
    word.chars().take(letters).collect()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "about so many"
)]
fn share(of: usize, part: f64) -> usize {
    (of as f64 * part) as usize
}
