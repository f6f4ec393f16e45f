//! What leads to the customers of a list: an index, and the part of it that is read.

use super::{
    filter::ListQuery,
    order::{Column, Order, Place},
    statement::Statement,
};
use shared::customer::search::Wanted;

/// An index and a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lead {
    /// Everybody, in the order of the list.
    Order,
    /// Everybody, in the order of their ids and of the table: the quickest where most are looked at.
    Table,
    /// Whoever has a term, in the order of the ids.
    Term(String),
    /// Whoever has a term in a range, in no order.
    Terms(String, String),
    /// Whoever has the address.
    Email,
    /// Whomever the user made, in the order of the ids.
    CreatedBy,
    /// Whoever has a photo, or none, in the order of the ids.
    Photo,
    /// Whoever was made in the time.
    Created,
    /// Whoever was changed in the time.
    Modified,
}

impl Lead {
    /// Whoever has two of the words, for each two of the longest three; and one for each thing that the query asks for
    /// and that none of these has whole.
    pub(super) fn all(query: &ListQuery) -> (Vec<Self>, Vec<Self>) {
        let words = &query.q.wanted;
        let pairs = pairs(words);
        let in_pair = |word: &Wanted| pairs.iter().any(|(_, whole)| whole.contains(&Some(word)));
        let words = words.iter().filter(|word| !in_pair(word));
        let words = words.map(|word| match word.range() {
            Some((from, to)) => Self::Terms(from, to),
            None => Self::Term(word.term().to_owned()),
        });
        let created = query.created_after.or(query.created_before);
        let modified = query.modified_after.or(query.modified_before);
        let asked = [
            (query.created_by.is_some(), Self::CreatedBy),
            (query.has_photo.is_some(), Self::Photo),
            (created.is_some(), Self::Created),
            (modified.is_some(), Self::Modified),
        ];
        let asked = asked.into_iter().filter(|(asked, _)| *asked);
        let others = words.chain(asked.map(|(_, lead)| lead)).collect();
        let pairs = pairs.into_iter().map(|(term, _)| Self::Term(term));
        (pairs.collect(), others)
    }

    /// The narrowest that has customers in the order of the list.
    pub(super) fn in_order(query: &ListQuery) -> Self {
        if query.order().column != Column::Id {
            return Self::Order;
        }
        match (
            pairs(&query.q.wanted).into_iter().next(),
            &query.q.wanted[..],
        ) {
            (Some((pair, _)), _) => Self::Term(pair),
            (None, [longest, ..]) => Self::Term(longest.term().to_owned()),
            (None, []) if query.created_by.is_some() => Self::CreatedBy,
            (None, []) if query.has_photo.is_some() => Self::Photo,
            (None, []) => Self::Order,
        }
    }

    /// Whether everybody whom this leads to, another leads to as well.
    pub(super) fn implies(&self, other: &Self, order: Order) -> bool {
        let by = |column| *self == Self::Order && order.column == column;
        match other {
            Self::Created if by(Column::CreatedAt) => true,
            Self::Modified if by(Column::LastModifiedAt) => true,
            other => self == other,
        }
    }

    /// The columns by which it has customers in the order of the list: its key, and the id.
    pub(super) fn columns(&self, order: Order) -> (&'static str, &'static str) {
        match self {
            Self::Term(_) if order.column == Column::Id => ("t.customer_id", "t.customer_id"),
            _ => (order.column.sql(), "c.id"),
        }
    }
}

/// The terms of each two of the longest three words, with the words that they hold whole.
fn pairs(words: &[Wanted]) -> Vec<(String, [Option<&Wanted>; 2])> {
    let longest = &words[..words.len().min(3)];
    let each = longest.iter().enumerate();
    let twos = each.flat_map(|(index, one)| longest[index + 1..].iter().map(move |two| (one, two)));
    twos.filter_map(|(one, two)| {
        let (term, [first, second]) = one.pair(two)?;
        Some((term, [first.then_some(one), second.then_some(two)]))
    })
    .collect()
}

impl Statement {
    /// ` FROM` what leads to customers, ` WHERE` it does.
    pub(super) fn reading(&mut self, lead: &Lead, query: &ListQuery, deleted: bool) -> &mut Self {
        match lead {
            Lead::Term(term) => self
                .reading_terms(deleted)
                .push(" AND t.term = ")
                .bind(term.as_str()),
            Lead::Terms(from, to) => self
                .reading_terms(deleted)
                .push(" AND t.term >= ")
                .bind(from.as_str())
                .push(" AND t.term < ")
                .bind(to.as_str()),
            Lead::Order => {
                self.reading_customers(query.order().column.index(), deleted);
                match query.order().column {
                    Column::CreatedAt => self.and_created(query),
                    Column::LastModifiedAt => self.and_modified(query),
                    Column::Id | Column::Surname | Column::Name | Column::Email => self,
                }
            }
            Lead::Table => {
                self.push(" FROM ").customers_as_they_lie();
                self.push(" WHERE c.deleted = ").bind(deleted)
            }
            Lead::Email => self
                .reading_customers(Column::Email.index(), deleted)
                .and_email(query),
            Lead::CreatedBy => self
                .reading_customers("customers_by_created_by", deleted)
                .and_created_by(query),
            Lead::Photo => self
                .reading_customers("customers_by_photo", deleted)
                .and_photo(query),
            Lead::Created => self
                .reading_customers(Column::CreatedAt.index(), deleted)
                .and_created(query),
            Lead::Modified => self
                .reading_customers(Column::LastModifiedAt.index(), deleted)
                .and_modified(query),
        }
    }

    /// ` FROM` the customers that a lead leads to, ` WHERE` the list shows them.
    pub(super) fn reading_rows(
        &mut self,
        lead: &Lead,
        query: &ListQuery,
        deleted: bool,
    ) -> &mut Self {
        match lead {
            Lead::Term(term) => {
                self.push(" FROM customer_terms t").then_customers();
                self.push(" WHERE t.deleted = ").bind(deleted);
                self.push(" AND t.term = ").bind(term.as_str());
            }
            Lead::Terms(..) => {
                self.push(" FROM (SELECT DISTINCT t.customer_id")
                    .reading(lead, query, deleted);
                self.push(") t").then_customers();
                self.push(" WHERE 1 = 1");
            }
            _ => {
                self.reading(lead, query, deleted);
            }
        }
        self.and_shown(query, deleted)
    }

    /// ` FROM` the first customers made or changed in the time, by their ids, ` WHERE` one may go on. Read off the index
    /// alone: the customers of a time are many, and anywhere among the ids.
    pub(super) fn reading_first_rows(
        &mut self,
        lead: &Lead,
        query: &ListQuery,
        deleted: bool,
        behind: Option<&Place>,
        rows: i64,
    ) -> &mut Self {
        self.push(" FROM (SELECT c.id AS customer_id")
            .reading(lead, query, deleted)
            .between(behind, None, query.order(), ("c.id", "c.id"))
            .push(" LIMIT ")
            .bind(rows)
            .push(") t")
            .then_customers()
            .push(" WHERE 1 = 1")
            .and_shown(query, deleted)
    }

    fn reading_terms(&mut self, deleted: bool) -> &mut Self {
        self.push(" FROM customer_terms t WHERE t.deleted = ")
            .bind(deleted)
    }

    fn reading_customers(&mut self, index: &'static str, deleted: bool) -> &mut Self {
        self.push(" FROM ").customers_by(index);
        self.push(" WHERE c.deleted = ").bind(deleted)
    }
}
