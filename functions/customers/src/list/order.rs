//! How a list is ordered, and a place in it.

use super::{
    Listed,
    statement::{Statement, Value},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use shared::{api::schemas::text, db::Dialect};
use std::cmp::Ordering;
use utoipa::openapi::ObjectBuilder;

/// By what customers are ordered; those who are alike in it, by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Id,
    CreatedAt,
    LastModifiedAt,
    Surname,
    Name,
    Email,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(super) column: Column,
    pub(super) descending: bool,
}

/// What each order is called in a query, and where it is kept.
const COLUMNS: [(Column, &str, &str, &str); 6] = [
    (Column::Id, "id", "c.id", "customers_by_id"),
    (
        Column::CreatedAt,
        "created_at",
        "c.created_at",
        "customers_by_created_at",
    ),
    (
        Column::LastModifiedAt,
        "last_modified_at",
        "c.last_modified_at",
        "customers_by_last_modified_at",
    ),
    (
        Column::Surname,
        "surname",
        "c.surname_order",
        "customers_by_surname",
    ),
    (Column::Name, "name", "c.name_order", "customers_by_name"),
    (
        Column::Email,
        "email",
        "c.email_order",
        "customers_by_email",
    ),
];

impl Column {
    fn entry(self) -> (&'static str, &'static str, &'static str) {
        let (_, name, column, index) = COLUMNS[self as usize];
        (name, column, index)
    }

    /// As SQL, of the table `c`.
    pub(super) fn sql(self) -> &'static str {
        self.entry().1
    }

    /// The index that has the customers in this order.
    pub(super) fn index(self) -> &'static str {
        self.entry().2
    }
}

impl Order {
    /// The words that name an order.
    pub(super) fn schema() -> ObjectBuilder {
        let names = COLUMNS.iter().map(|(_, name, ..)| (*name).to_owned());
        let turned = names.clone().map(|name| format!("-{name}"));
        text()
            .enum_values(Some(names.chain(turned)))
            .description(Some("A leading `-` turns the order round."))
    }

    pub(super) const fn ascending(column: Column) -> Self {
        Self {
            column,
            descending: false,
        }
    }

    /// As it stands in a query.
    pub(super) fn to_query(self) -> String {
        let sign = if self.descending { "-" } else { "" };
        format!("{sign}{}", self.column.entry().0)
    }

    /// Whether one place comes before another in a list of this order.
    pub(super) fn compare(self, one: &Place, other: &Place) -> Ordering {
        let ascending = (&one.key, one.id).cmp(&(&other.key, other.id));
        if self.descending {
            ascending.reverse()
        } else {
            ascending
        }
    }
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text.as_str()),
        };
        let found = COLUMNS.iter().find(|(_, known, ..)| *known == name);
        let (column, ..) = found.ok_or_else(|| {
            D::Error::custom("must be id, created_at, last_modified_at, surname, name or email, after a - for descending")
        })?;
        Ok(Self {
            column: *column,
            descending,
        })
    }
}

/// A place in a list: behind the customer with this key and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(super) key: Key,
    pub(super) id: i64,
}

/// What a list is ordered by. Texts compare byte by byte, as the databases compare them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Key {
    Number(i64),
    Text(String),
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Key> for Value {
    fn from(key: &Key) -> Self {
        match key {
            Key::Number(number) => Self::Number(*number),
            Key::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl Place {
    pub(super) fn new(key: impl Into<Key>, id: i64) -> Self {
        Self {
            key: key.into(),
            id,
        }
    }

    /// Where a customer stands in a list of this order.
    pub(super) fn of(listed: &Listed, order: Order) -> Self {
        let customer = &listed.customer;
        let key = match order.column {
            Column::Id => Key::Number(customer.id.get()),
            Column::CreatedAt => Key::Number(customer.created_at.micros()),
            Column::LastModifiedAt => Key::Number(customer.last_modified_at.micros()),
            Column::Surname | Column::Name | Column::Email => Key::Text(listed.key.clone()),
        };
        Self {
            key,
            id: customer.id.get(),
        }
    }
}

/// Which side of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Behind it in the order of the list.
    Behind,
    /// Before it, or at it.
    UpTo,
}

impl Statement {
    /// ` AND` the row lies between two places; in the order of the list. `columns` are its key and its id.
    pub(super) fn between(
        &mut self,
        from: Option<&Place>,
        to: Option<&Place>,
        order: Order,
        columns: (&'static str, &'static str),
    ) -> &mut Self {
        if let Some(from) = from {
            self.and_side(Side::Behind, from, order, columns);
        }
        if let Some(to) = to {
            self.and_side(Side::UpTo, to, order, columns);
        }
        let direction = if order.descending { " DESC" } else { "" };
        let (key, id) = columns;
        self.push(" ORDER BY ");
        if order.column != Column::Id {
            self.push(key).push(direction).push(", ");
        }
        self.push(id).push(direction)
    }

    fn and_side(
        &mut self,
        side: Side,
        place: &Place,
        order: Order,
        (key, id): (&'static str, &'static str),
    ) -> &mut Self {
        let greater = (side == Side::Behind) != order.descending;
        let strict = if greater { " > " } else { " < " };
        let bound = match (side, greater) {
            (Side::Behind, _) => strict,
            (Side::UpTo, true) => " >= ",
            (Side::UpTo, false) => " <= ",
        };
        if order.column == Column::Id {
            return self.push(" AND ").push(id).push(bound).bind(place.id);
        }
        // Each database reads an index from its middle in one of these forms, and in the other from its end.
        match self.dialect {
            Dialect::MySql => {
                self.push(" AND (").push(key).push(strict).bind(&place.key);
                self.push(" OR (").push(key).push(" = ").bind(&place.key);
                self.push(" AND ")
                    .push(id)
                    .push(bound)
                    .bind(place.id)
                    .push("))")
            }
            Dialect::Sqlite => {
                self.push(" AND (")
                    .push(key)
                    .push(", ")
                    .push(id)
                    .push(")")
                    .push(bound);
                self.push("(")
                    .bind(&place.key)
                    .push(", ")
                    .bind(place.id)
                    .push(")")
            }
        }
    }
}
