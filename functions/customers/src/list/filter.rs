//! Whom a list shows.

use super::{
    order::{Column, Order},
    statement::Statement,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use shared::{customer::search::Wanted, email, id::UserId, page::Limit, time::Timestamp};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

/// How much somebody may look for, in characters and in words.
const LONGEST: (usize, usize) = (200, 12);

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[serde(default)]
    #[param(schema_with = Limit::schema)]
    pub(crate) limit: Limit,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// The order; a leading `-` turns it round. By the time that is asked for if there is one, else by `id`.
    #[param(schema_with = Order::schema, required = false)]
    sort: Option<Order>,
    /// Whether deleted customers are in the list.
    #[serde(default)]
    #[param(inline)]
    pub(crate) deleted: Deleted,
    /// At most twelve words; each must begin a word of name, surname or e-mail address, whatever case or accents.
    #[serde(default)]
    #[param(value_type = String, max_length = 200, example = "ada lov")]
    pub(crate) q: Words,
    /// Exactly this e-mail address, whatever case.
    pub(crate) email: Option<String>,
    /// Made after this instant.
    pub(crate) created_after: Option<Timestamp>,
    /// Made before this instant.
    pub(crate) created_before: Option<Timestamp>,
    /// Changed last after this instant.
    pub(crate) modified_after: Option<Timestamp>,
    /// Changed last before this instant.
    pub(crate) modified_before: Option<Timestamp>,
    /// Made by this user.
    pub(crate) created_by: Option<UserId>,
    /// Whether they have a picture.
    pub(crate) has_photo: Option<bool>,
    /// Whether `total` is told.
    #[serde(default)]
    pub(crate) count: bool,
}

impl ListQuery {
    /// The order of the list. Unless one is asked for, it is by the time that is asked for, so that a day of years is
    /// read off one place; and else by id.
    pub(crate) fn order(&self) -> Order {
        let created = self.created_after.or(self.created_before);
        let modified = self.modified_after.or(self.modified_before);
        let column = match (created, modified) {
            (Some(_), _) => Column::CreatedAt,
            (None, Some(_)) => Column::LastModifiedAt,
            (None, None) => Column::Id,
        };
        self.sort.unwrap_or_else(|| Order::ascending(column))
    }

    /// What the list is, apart from which page of it: its parameters as they stand in a query.
    pub(crate) fn to_query(&self) -> String {
        let deleted = match self.deleted {
            Deleted::Exclude => "exclude",
            Deleted::Include => "include",
            Deleted::Only => "only",
        };
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let all = [
            ("sort", Some(self.order().to_query())),
            ("deleted", Some(deleted.to_owned())),
            (
                "q",
                Some(self.q.text.clone()).filter(|text| !text.is_empty()),
            ),
            ("email", self.email.clone()),
            ("created_after", time(self.created_after)),
            ("created_before", time(self.created_before)),
            ("modified_after", time(self.modified_after)),
            ("modified_before", time(self.modified_before)),
            ("created_by", self.created_by.map(|id| id.to_string())),
            ("has_photo", self.has_photo.map(|has| has.to_string())),
        ];
        let given = all.into_iter();
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(given.filter_map(|(name, value)| Some((name, value?))))
            .finish()
    }
}

/// Whether a list shows the deleted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Deleted {
    #[default]
    Exclude,
    Include,
    Only,
}

impl Deleted {
    /// The living, the deleted, or both.
    pub(super) const fn among(self) -> &'static [bool] {
        match self {
            Self::Exclude => &[false],
            Self::Include => &[false, true],
            Self::Only => &[true],
        }
    }
}

/// The words that somebody looks for.
#[derive(Debug, Default)]
pub(crate) struct Words {
    text: String,
    pub(super) wanted: Vec<Wanted>,
}

impl Words {
    /// Whether something is looked for that has no word, and that nobody has.
    pub(super) fn are_nobodys(&self) -> bool {
        self.wanted.is_empty() && !self.text.trim().is_empty()
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (characters, words) = LONGEST;
        if text.chars().count() > characters {
            return Err(D::Error::custom(format!(
                "must be at most {characters} characters long"
            )));
        }
        let wanted = Wanted::all(&text);
        if wanted.len() > words {
            return Err(D::Error::custom(format!("must be at most {words} words")));
        }
        Ok(Self { text, wanted })
    }
}

impl Statement {
    /// ` AND` the customer `c` is one that the list shows.
    pub(super) fn and_shown(&mut self, query: &ListQuery, deleted: bool) -> &mut Self {
        self.push(match deleted {
            false => " AND c.deleted_at IS NULL",
            true => " AND c.deleted_at IS NOT NULL",
        })
        .and_email(query)
        .and_created_by(query)
        .and_photo(query)
        .and_created(query)
        .and_modified(query)
        .and_words(query)
    }

    pub(super) fn and_email(&mut self, query: &ListQuery) -> &mut Self {
        if let Some(address) = &query.email {
            self.push(" AND c.email_order = ")
                .bind(email::key(address.trim()).as_str());
        }
        self
    }

    pub(super) fn and_created_by(&mut self, query: &ListQuery) -> &mut Self {
        if let Some(user) = query.created_by {
            self.push(" AND c.created_by = ").bind(user.get());
        }
        self
    }

    pub(super) fn and_photo(&mut self, query: &ListQuery) -> &mut Self {
        if let Some(has) = query.has_photo {
            self.push(" AND c.photographed = ").bind(has);
        }
        self
    }

    pub(super) fn and_created(&mut self, query: &ListQuery) -> &mut Self {
        if let Some(at) = query.created_after {
            self.push(" AND c.created_at > ").bind(at);
        }
        if let Some(at) = query.created_before {
            self.push(" AND c.created_at < ").bind(at);
        }
        self
    }

    pub(super) fn and_modified(&mut self, query: &ListQuery) -> &mut Self {
        if let Some(at) = query.modified_after {
            self.push(" AND c.last_modified_at > ").bind(at);
        }
        if let Some(at) = query.modified_before {
            self.push(" AND c.last_modified_at < ").bind(at);
        }
        self
    }

    fn and_words(&mut self, query: &ListQuery) -> &mut Self {
        for word in &query.q.wanted {
            self.push(" AND INSTR(c.search_text, ")
                .bind(word.in_text().as_str())
                .push(") > 0");
        }
        self
    }
}
