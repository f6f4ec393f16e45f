//! Lists of customers: every filter and order, and a page of them in about the same time however many there are.
//!
//! Each list is read through an index that is chosen here ([`plan`]): the one that has the customers in the order of
//! the list, or one that leads to so few that they can be ordered afterwards. When neither leads straight to them,
//! customers are looked at in the list's order, and no more than 40,000 of them for one page: a page may then be short
//! although there are more.

mod filter;
mod lead;
mod order;
mod plan;
mod statement;

pub(crate) use filter::{Deleted, ListQuery};
pub(crate) use order::Place;

use order::Order;
use plan::Plan;
use shared::{customer::CustomerRow, db::Db};
use std::{cmp::Reverse, collections::HashSet};

/// A customer of a list.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Listed {
    #[sqlx(flatten)]
    pub(crate) customer: CustomerRow,
    /// The text by which the list is ordered, if it is by one.
    key: String,
}

impl Listed {
    pub(crate) fn place(&self, query: &ListQuery) -> Place {
        Place::of(self, query.order())
    }
}

/// Some customers of a list, in its order.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) customers: Vec<Listed>,
    /// Where the looking ended, if there may be more behind it.
    pub(crate) ended: Option<Place>,
}

/// That a statement has a value for each of its places, whatever is asked.
#[cfg(any(test, fuzzing))]
pub(crate) fn check_statement(query: &ListQuery, after: Option<&Place>) {
    use shared::db::Dialect;
    for dialect in [Dialect::MySql, Dialect::Sqlite] {
        let mut statement = statement::Statement::new(dialect);
        let columns = (query.order().column.sql(), "c.id");
        let statement = statement.and_shown(query, false);
        let statement = statement.between(after, after, query.order(), columns);
        let places = statement.text.matches('?').count();
        assert_eq!(places, statement.values.len(), "{}", statement.text);
    }
}

/// At most `rows` customers of a list, behind a place.
pub(crate) async fn find(
    db: &Db,
    query: &ListQuery,
    after: Option<&Place>,
    rows: i64,
) -> sqlx::Result<Found> {
    let mut found = Found::whole(Vec::new());
    if query.q.are_nobodys() {
        return Ok(found);
    }
    let among = query.deleted.among();
    // Whoever is restored between two looks is in neither, but in the first one more.
    let again = among.iter().take(among.len() - 1);
    for deleted in among.iter().chain(again) {
        let plan = Plan::choose(db, query, *deleted).await?;
        found.merge(plan.find(after, rows).await?, query.order());
    }
    Ok(found)
}

/// How many customers a list has.
pub(crate) async fn total(db: &Db, query: &ListQuery) -> sqlx::Result<i64> {
    let mut total = 0;
    if query.q.are_nobodys() {
        return Ok(total);
    }
    for deleted in query.deleted.among() {
        let plan = Plan::choose(db, query, *deleted).await?;
        total += plan.count().await?;
    }
    Ok(total)
}

impl Found {
    const fn whole(customers: Vec<Listed>) -> Self {
        Self {
            customers,
            ended: None,
        }
    }

    /// Adds what another look found. Behind the place where one of them ended, the order is not known.
    fn merge(&mut self, other: Self, order: Order) {
        // Most lists are one look, which is in order.
        if self.customers.is_empty() && self.ended.is_none() {
            *self = other;
            return;
        }
        let mut ends: Vec<_> = self.ended.take().into_iter().chain(other.ended).collect();
        ends.sort_by(|one, other| order.compare(one, other));
        self.ended = ends.into_iter().next();
        self.customers.extend(other.customers);
        // Whoever is deleted or restored between two looks is in both.
        let mut seen = HashSet::new();
        self.customers
            .sort_by_key(|listed| Reverse(listed.customer.version));
        self.customers
            .retain(|listed| seen.insert(listed.customer.id));
        let place = |listed: &Listed| Place::of(listed, order);
        self.customers
            .sort_by(|one, other| order.compare(&place(one), &place(other)));
        if let Some(end) = &self.ended {
            self.customers
                .retain(|listed| order.compare(&place(listed), end).is_le());
        }
    }
}
