//! What people ask lists, by kinds: each kind many times, about other customers each time.

mod known;

pub(crate) use known::Known;

use crate::rig::Client;
use anyhow::Context as _;
use url::form_urlencoded;

const COLUMNS: [&str; 6] = [
    "id",
    "created_at",
    "last_modified_at",
    "surname",
    "name",
    "email",
];
/// How many pages lead half-way through all customers, and at how many of their ends it is asked what follows.
const PAGES: usize = 2_500;
const DEEP: usize = 100;
/// The one kind that finds nobody.
pub(crate) const NOBODY: &str = "q, nobody's word";

/// One kind of question: each time another path.
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) paths: Vec<String>,
}

impl Known {
    /// All kinds, each asked so many times.
    pub(crate) async fn kinds(
        &mut self,
        client: &mut Client,
        times: usize,
    ) -> anyhow::Result<Vec<Kind>> {
        let mut kinds = vec![self.kind("first page", times, |_| Vec::new())];
        for sort in [
            "id",
            "created_at",
            "last_modified_at",
            "surname",
            "name",
            "email",
            "-surname",
            "-last_modified_at",
        ] {
            kinds.push(self.deep(client, times, sort).await?);
        }
        for column in COLUMNS {
            for sign in ["", "-"] {
                let sort = format!("{sign}{column}");
                kinds.push(self.kind(&format!("sort={sort}"), times, |_| {
                    vec![("sort", sort.clone())]
                }));
            }
        }
        kinds.extend(self.filtered(times));
        kinds.extend(self.searched(times));
        kinds.extend(self.searched_otherwise(times));
        Ok(kinds)
    }

    fn kind(
        &mut self,
        name: &str,
        times: usize,
        mut make: impl FnMut(&mut Self) -> Vec<(&'static str, String)>,
    ) -> Kind {
        let path = |_| {
            let pairs = make(self);
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            asked(&pairs)
        };
        Kind {
            name: name.to_owned(),
            paths: (0..times).map(path).collect(),
        }
    }

    /// The pages about half-way through a list: there is no way to them but through all before.
    async fn deep(&self, client: &mut Client, times: usize, sort: &str) -> anyhow::Result<Kind> {
        let limit = (self.rows / 2 / PAGES).to_string();
        let mut path = asked(&[("sort", sort), ("limit", &limit)]);
        let mut deep = Vec::with_capacity(DEEP);
        for page in 1..=PAGES {
            let body = client.get(&path).await?.body;
            let cursor = body["next_cursor"].as_str().context("there is more")?;
            path = asked(&[("sort", sort), ("limit", &limit), ("cursor", cursor)]);
            if page > PAGES - DEEP {
                deep.push(asked(&[("sort", sort), ("cursor", cursor)]));
            }
        }
        let paths = deep.iter().cycle().take(times).cloned().collect();
        Ok(Kind {
            name: format!("half-way through all, sort={sort}"),
            paths,
        })
    }

    fn filtered(&mut self, times: usize) -> Vec<Kind> {
        let mut kinds = vec![
            self.kind("email", times, |it| vec![("email", it.email())]),
            self.kind("created_by", times, |it| vec![("created_by", it.user())]),
            self.kind("has_photo=true", times, |_| {
                vec![("has_photo", "true".into())]
            }),
            self.kind("has_photo=false", times, |_| {
                vec![("has_photo", "false".into())]
            }),
            self.kind("created_after, the last 0.3 %", times, |it| {
                vec![("created_after", it.time(0.996, 0.002))]
            }),
            self.kind("created_after, the last 20 %", times, |it| {
                vec![("created_after", it.time(0.75, 0.1))]
            }),
            self.kind("created_before, the first 1 %", times, |it| {
                vec![("created_before", it.time(0.005, 0.01))]
            }),
            self.kind("created_after and created_before, 10 %", times, |it| {
                vec![
                    ("created_after", it.time(0.4, 0.02)),
                    ("created_before", it.time(0.5, 0.02)),
                ]
            }),
            self.kind("modified_after, the last 1 %", times, |it| {
                vec![("modified_after", it.time(0.994, 0.002))]
            }),
            self.kind("modified_before", times, |it| {
                vec![("modified_before", it.time(0.1, 0.2))]
            }),
            self.kind("created_by, has_photo=true", times, |it| {
                vec![("created_by", it.user()), ("has_photo", "true".into())]
            }),
            self.kind("created_by, created_after", times, |it| {
                vec![
                    ("created_by", it.user()),
                    ("created_after", it.time(0.9, 0.05)),
                ]
            }),
        ];
        for (deleted, sort) in [
            ("only", "id"),
            ("only", "-last_modified_at"),
            ("include", "id"),
            ("include", "surname"),
        ] {
            let name = format!("deleted={deleted}, sort={sort}");
            kinds.push(self.kind(&name, times, |_| {
                vec![("deleted", deleted.into()), ("sort", sort.into())]
            }));
        }
        for sort in ["-created_at", "surname", "-email"] {
            kinds.push(self.kind(&format!("created_by, sort={sort}"), times, |it| {
                vec![("created_by", it.user()), ("sort", sort.into())]
            }));
            kinds.push(
                self.kind(&format!("has_photo=true, sort={sort}"), times, |_| {
                    vec![("has_photo", "true".into()), ("sort", sort.into())]
                }),
            );
            kinds.push(self.kind(
                &format!("created_after, the last 20 %, sort={sort}"),
                times,
                |it| vec![("created_after", it.time(0.75, 0.1)), ("sort", sort.into())],
            ));
        }
        kinds
    }

    fn searched(&mut self, times: usize) -> Vec<Kind> {
        let mut letters: Vec<char> = ('a'..='z')
            .chain("иопсαμκπ王李陈김이佐田مחаשп".chars())
            .collect();
        letters.dedup();
        let mut next = 0;
        vec![
            self.kind("q, a rare word", times, |it| vec![("q", it.rare())]),
            self.kind("q, one letter", times, |_| {
                next += 1;
                vec![("q", letters[next % letters.len()].to_string())]
            }),
            self.kind("q, two letters", times, |it| vec![("q", it.prefix(2))]),
            self.kind("q, three letters", times, |it| vec![("q", it.prefix(3))]),
            self.kind("q, four letters", times, |it| vec![("q", it.prefix(4))]),
            self.kind("q, a name", times, |it| vec![("q", it.name())]),
            self.kind("q, a surname", times, |it| vec![("q", it.surname())]),
            self.kind("q, a name and a surname", times, |it| {
                vec![("q", it.both(60))]
            }),
            self.kind("q, one letter of each", times, |it| vec![("q", it.both(1))]),
            self.kind("q, two letters of each", times, |it| {
                vec![("q", it.both(2))]
            }),
            self.kind("q, three letters of each", times, |it| {
                vec![("q", it.both(3))]
            }),
            self.kind("q, a name and another's surname", times, |it| {
                vec![("q", format!("{} {}", it.name(), it.surname()))]
            }),
            self.kind("q, an address", times, |it| vec![("q", it.email())]),
            self.kind("q, a surname and gmail", times, |it| {
                vec![("q", format!("{} gmail", it.surname()))]
            }),
            self.kind("q, name, surname, com", times, |it| {
                vec![("q", format!("{} com", it.both(60)))]
            }),
            self.kind(NOBODY, times, |it| {
                vec![("q", format!("{}q", it.surname()))]
            }),
        ]
    }

    fn searched_otherwise(&mut self, times: usize) -> Vec<Kind> {
        let mut kinds = vec![
            self.kind("q, a name, has_photo=true", times, |it| {
                vec![("q", it.name()), ("has_photo", "true".into())]
            }),
            self.kind("q, a surname, created_by", times, |it| {
                vec![("q", it.surname()), ("created_by", it.user())]
            }),
            self.kind("q, three letters, created_after", times, |it| {
                vec![("q", it.prefix(3)), ("created_after", it.time(0.9, 0.05))]
            }),
            self.kind("q, one letter, created_by", times, |it| {
                vec![("q", it.prefix(1)), ("created_by", it.user())]
            }),
            self.kind("q, a name and a surname, has_photo=false", times, |it| {
                vec![("q", it.both(60)), ("has_photo", "false".into())]
            }),
            self.kind("q, a name, deleted=only", times, |it| {
                vec![("q", it.name()), ("deleted", "only".into())]
            }),
            self.kind("q, a surname, deleted=include", times, |it| {
                vec![("q", it.surname()), ("deleted", "include".into())]
            }),
        ];
        for sort in [
            "-created_at",
            "last_modified_at",
            "surname",
            "-name",
            "email",
        ] {
            kinds.push(
                self.kind(&format!("q, one letter, sort={sort}"), times, |it| {
                    vec![("q", it.prefix(1)), ("sort", sort.into())]
                }),
            );
            kinds.push(
                self.kind(&format!("q, three letters, sort={sort}"), times, |it| {
                    vec![("q", it.prefix(3)), ("sort", sort.into())]
                }),
            );
            kinds.push(
                self.kind(&format!("q, a surname, sort={sort}"), times, |it| {
                    vec![("q", it.surname()), ("sort", sort.into())]
                }),
            );
            kinds.push(self.kind(
                &format!("q, a name and a surname, sort={sort}"),
                times,
                |it| vec![("q", it.both(60)), ("sort", sort.into())],
            ));
        }
        kinds
    }
}

fn asked(query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("/customers?{query}")
}
