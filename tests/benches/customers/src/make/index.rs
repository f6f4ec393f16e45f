//! The terms of all customers, sorted.

use super::Written;
use shared::customer::search::terms;
use std::collections::HashMap;

/// The terms of all customers: some forty millions, so each text is held once.
#[derive(Default)]
pub(super) struct Index {
    numbers: HashMap<String, u32>,
    /// The customer, the number of the term, and whether it is among the deleted.
    entries: Vec<(u32, u32, bool)>,
}

impl Index {
    pub(super) fn add(&mut self, written: &Written) -> anyhow::Result<()> {
        for term in terms(&written.folded.search_text) {
            let next = u32::try_from(self.numbers.len())?;
            let number = *self.numbers.entry(term).or_insert(next);
            self.entries
                .push((u32::try_from(written.id)?, number, written.person.deleted));
        }
        Ok(())
    }

    /// In the order of the table, so that it is written from its beginning to its end.
    pub(super) fn sorted(self) -> Sorted {
        let mut texts: Vec<(String, u32)> = self.numbers.into_iter().collect();
        texts.sort_unstable();
        let mut ranks = vec![0_u64; texts.len()];
        for ((_, number), rank) in texts.iter().zip(0_u64..) {
            ranks[*number as usize] = rank;
        }
        let entries = self.entries.into_iter();
        let mut keys: Vec<u64> = entries
            .map(|(id, number, deleted)| {
                u64::from(deleted) << 63 | ranks[number as usize] << 32 | u64::from(id)
            })
            .collect();
        keys.sort_unstable();
        Sorted {
            texts: texts.into_iter().map(|(text, _)| text).collect(),
            keys,
        }
    }
}

pub(super) struct Sorted {
    texts: Vec<String>,
    /// Whether deleted in the first bit, then the rank of the term, then the customer in 32 bits.
    pub(super) keys: Vec<u64>,
}

impl Sorted {
    pub(super) fn row(&self, key: u64) -> (i64, &str, i64) {
        let rank = usize::try_from(key << 1 >> 33).unwrap_or_default();
        let id = i64::from(key as u32);
        (i64::from(key >> 63 == 1), &self.texts[rank], id)
    }
}
