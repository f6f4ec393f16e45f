//! How people of one tongue are called, and what addresses they choose.

use crate::names::{Culture, Table};
use fastrand::Rng;
use shared::fold::fold;

/// Providers of e-mail all over the world, by how many use them.
const PROVIDERS: [(&str, u32); 6] = [
    ("gmail.com", 60),
    ("outlook.com", 11),
    ("hotmail.com", 11),
    ("yahoo.com", 9),
    ("icloud.com", 7),
    ("proton.me", 2),
];
const COMPANIES: [&str; 8] = [
    "group",
    "consulting",
    "shop",
    "labs",
    "systems",
    "trading",
    "legal",
    "design",
];

/// A name, and how it stands in an address.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) written: String,
    pub(crate) latin: String,
}

impl Name {
    fn joined(&self, between: &str, other: &Self) -> Self {
        Self {
            written: format!("{}{between}{}", self.written, other.written),
            latin: format!("{}{}", self.latin, other.latin),
        }
    }
}

/// The names of people of one tongue, and how frequent they are.
pub(crate) struct Nation {
    given: (Vec<Name>, Ranked),
    surnames: (Vec<Name>, Ranked),
    spaced: bool,
    culture: &'static Culture,
}

impl Nation {
    pub(crate) fn new(culture: &'static Culture, rng: &mut Rng) -> Self {
        let mut given = names(culture.given);
        let made = pairs(&names(culture.syllables), &names(culture.syllables), rng);
        given.extend(made);
        let mut surnames = names(culture.surnames);
        surnames.extend(pairs(&names(culture.stems), &names(culture.endings), rng));
        let rank = |names: Vec<Name>, most| {
            let ranked = Ranked::of(names.len(), 4.0, most);
            (names, ranked)
        };
        Self {
            given: rank(given, 0.9),
            surnames: rank(surnames, 0.8),
            spaced: culture.syllables == ("", ""),
            culture,
        }
    }

    pub(crate) fn person(&self, rng: &mut Rng) -> (Name, Name) {
        let one =
            |(names, ranked): &(Vec<Name>, Ranked), rng: &mut Rng| names[ranked.pick(rng)].clone();
        let mut name = one(&self.given, rng);
        if self.spaced && rng.u32(0..100) < 8 {
            let other = one(&self.given, rng);
            name = Name {
                latin: name.latin.clone(),
                ..name.joined(if rng.bool() { " " } else { "-" }, &other)
            };
        }
        let mut surname = one(&self.surnames, rng);
        if self.culture.two_surnames && rng.u32(0..100) < 75 {
            let other = one(&self.surnames, rng);
            surname = Name {
                latin: surname.latin.clone(),
                ..surname.joined(" ", &other)
            };
        }
        (name, surname)
    }

    pub(crate) fn domain(&self, rng: &mut Rng, surname: &str) -> String {
        match rng.u32(0..100) {
            0..58 => {
                let provider = Ranked::weighing(PROVIDERS.iter().map(|(_, many)| f64::from(*many)));
                PROVIDERS[provider.pick(rng)].0.to_owned()
            }
            58..82 => {
                let own: Vec<_> = self.culture.domains.split(' ').collect();
                own[rng.usize(0..own.len())].to_owned()
            }
            _ => {
                let (what, end) = (
                    COMPANIES[rng.usize(0..COMPANIES.len())],
                    ["com", "org", "net"],
                );
                format!("{surname}-{what}.example.{}", end[rng.usize(0..3)])
            }
        }
    }
}

/// What stands before the `@`, as people choose it.
pub(crate) fn local(rng: &mut Rng, name: &str, surname: &str) -> String {
    let first = &name[..name.len().min(1)];
    let digits = match rng.bool() {
        true => format!("{:02}", rng.u32(0..100)),
        false => format!("{}", rng.u32(1950..2010)),
    };
    let local = match rng.u32(0..100) {
        0..24 => format!("{name}.{surname}"),
        24..34 => format!("{name}{surname}"),
        34..41 => format!("{first}.{surname}"),
        41..48 => format!("{first}{surname}"),
        48..54 => format!("{name}_{surname}"),
        54..66 => format!("{name}.{surname}{digits}"),
        66..78 => format!("{name}{surname}{digits}"),
        78..86 => format!("{name}{digits}"),
        86..92 => format!("{surname}.{name}"),
        92..96 => format!("{name}+crm"),
        _ => format!("{}{}", &name[..name.len().min(4)], digits),
    };
    match rng.u32(0..100) {
        0..4 => local.split('.').map(capital).collect::<Vec<_>>().join("."),
        _ => local,
    }
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_uppercase() + rest
}

fn names((written, latin): Table) -> Vec<Name> {
    let latin: Vec<&str> = latin.split_whitespace().collect();
    let all = written.split_whitespace().enumerate();
    all.map(|(index, written)| Name {
        written: written.to_owned(),
        latin: match latin.get(index) {
            Some(latin) => (*latin).to_owned(),
            None => fold(written)
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect(),
        },
    })
    .collect()
}

/// Each of the one with each of the others, in no order.
fn pairs(ones: &[Name], others: &[Name], rng: &mut Rng) -> Vec<Name> {
    let pair = |one: &Name| {
        others
            .iter()
            .map(|other| one.joined("", other))
            .collect::<Vec<_>>()
    };
    let mut all: Vec<_> = ones.iter().flat_map(pair).collect();
    rng.shuffle(&mut all);
    all
}

/// Picks the first more often than the second, and so on.
pub(crate) struct Ranked(Vec<f64>);

impl Ranked {
    /// Each by its rank, as Zipf's law has it: `1 / (rank + head) ^ fall`.
    pub(crate) fn of(many: usize, head: f64, fall: f64) -> Self {
        Self::weighing((0..many).map(|rank| (ratio(rank, 1) + head).powf(-fall)))
    }

    pub(crate) fn weighing(weights: impl Iterator<Item = f64>) -> Self {
        let sums = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self(sums.collect())
    }

    pub(crate) fn pick(&self, rng: &mut Rng) -> usize {
        let all = self.0.last().copied().unwrap_or_default();
        let at = rng.f64() * all;
        self.0
            .partition_point(|sum| *sum <= at)
            .min(self.0.len() - 1)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a million is small")]
pub(crate) fn ratio(one: usize, other: usize) -> f64 {
    one as f64 / other as f64
}
