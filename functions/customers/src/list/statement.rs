//! A statement put together from fixed texts and bound values.

use shared::{db::Dialect, time::Timestamp};

/// SQL with a `?` for each of its values. Its text comes from this program alone: [`Statement::push`] takes nothing else.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) dialect: Dialect,
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

/// What stands for a `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Number(flag.into())
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Number(at.micros())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Statement {
    pub(super) const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            text: String::new(),
            values: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.text.push('?');
        self.values.push(value.into());
        self
    }

    /// The customers, read through this index and no other: the statements are planned here, where it is known what is
    /// asked, and not by the guesses of two databases.
    pub(super) fn customers_by(&mut self, index: &'static str) -> &mut Self {
        let (open, close) = match self.dialect {
            Dialect::MySql => (" FORCE INDEX (", ")"),
            Dialect::Sqlite => (" INDEXED BY ", ""),
        };
        self.push("customers c").push(open).push(index).push(close)
    }

    /// The customers as they lie, in the order of their ids.
    pub(super) fn customers_as_they_lie(&mut self) -> &mut Self {
        self.push(match self.dialect {
            Dialect::MySql => "customers c FORCE INDEX (PRIMARY)",
            Dialect::Sqlite => "customers c NOT INDEXED",
        })
    }

    /// Joins the customers that the table `t` before this leads to, in its order.
    pub(super) fn then_customers(&mut self) -> &mut Self {
        let join = match self.dialect {
            Dialect::MySql => " STRAIGHT_JOIN ",
            Dialect::Sqlite => " CROSS JOIN ",
        };
        self.push(join).push("customers c ON c.id = t.customer_id")
    }
}

/// Binds a statement's values to it.
macro_rules! bound {
    ($query:expr, $statement:expr) => {{
        let mut query = $query(sqlx::AssertSqlSafe($statement.text.as_str()));
        for value in &$statement.values {
            query = match value {
                Value::Number(number) => query.bind(*number),
                Value::Text(text) => query.bind(text),
            };
        }
        query
    }};
}
pub(super) use bound;
