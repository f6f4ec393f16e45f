//! Which index a list is read through, and how far.

use super::{
    Found, ListQuery, Listed,
    lead::Lead,
    order::{Column, Place},
    statement::{Statement, Value, bound},
};
use shared::{db::Db, on_read};

/// How many customers are looked at one after another when most of them may not be of the list.
const PIECES: [i64; 3] = [2_000, 8_000, 30_000];
/// How many customers are ordered anew rather than looked for in the list's order.
const FEW: i64 = 4_000;
/// The same where one thing alone is asked, and an index has whoever nearly has it in the list's order.
const FEW_OF_ONE: i64 = 1_000;

/// How the living, or the deleted, of a list are found.
pub(super) struct Plan<'a> {
    db: &'a Db,
    query: &'a ListQuery,
    deleted: bool,
    lead: Lead,
    manner: Manner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// The lead has nobody else, in the order of the list.
    Straight,
    /// The lead has few others, and is ordered afterwards.
    Few,
    /// The lead has others, in the order of the list.
    Looking,
    /// As [`Manner::Looking`] at first; whoever was made or changed in a time may all stand at the list's end.
    InTime,
}

impl<'a> Plan<'a> {
    pub(super) async fn choose(
        db: &'a Db,
        query: &'a ListQuery,
        deleted: bool,
    ) -> sqlx::Result<Self> {
        let plan = |lead, manner| Self {
            db,
            query,
            deleted,
            lead,
            manner,
        };
        if query.email.is_some() {
            return Ok(plan(Lead::Email, Manner::Few));
        }
        let by_id = query.order().column == Column::Id;
        let ordered = Lead::in_order(query);
        let (pairs, mut others) = Lead::all(query);
        others.retain(|other| !ordered.implies(other, query.order()));
        let no_other_pair = pairs.iter().all(|pair| *pair == ordered);
        match &others[..] {
            [] if no_other_pair => return Ok(plan(ordered, Manner::Straight)),
            [Lead::Created | Lead::Modified] if by_id && ordered == Lead::Order => {
                return Ok(plan(others.remove(0), Manner::InTime));
            }
            _ => {}
        }
        let one = by_id && ordered != Lead::Order && no_other_pair && others.len() == 1;
        let few = if one { FEW_OF_ONE } else { FEW };
        // Two words together are rare, as a rule; then nothing else has to be counted.
        for leads in [pairs, others] {
            let rarest = rarest(db, query, deleted, leads, few + 1).await?;
            if let Some((lead, count)) = rarest
                && count <= few
            {
                return Ok(plan(lead, Manner::Few));
            }
        }
        Ok(plan(ordered, Manner::Looking))
    }

    pub(super) async fn find(&self, after: Option<&Place>, rows: i64) -> sqlx::Result<Found> {
        match self.manner {
            Manner::Straight | Manner::Few => {
                let mut statement = self.select();
                statement.reading_rows(&self.lead, self.query, self.deleted);
                let columns = self.lead.columns(self.query.order());
                let customers = self.read(statement, after, None, columns, rows).await?;
                Ok(Found::whole(customers))
            }
            Manner::Looking => self.look(&self.lead, &PIECES, after, rows).await,
            Manner::InTime => {
                let found = self.look(&Lead::Order, &PIECES[..1], after, rows).await?;
                if found.ended.is_none() {
                    return Ok(found);
                }
                let mut statement = self.select();
                statement.reading_first_rows(&self.lead, self.query, self.deleted, after, rows);
                let columns = ("t.customer_id", "t.customer_id");
                let customers = self.read(statement, None, None, columns, rows).await?;
                Ok(Found::whole(customers))
            }
        }
    }

    /// How many customers of the list there are.
    pub(super) async fn count(&self) -> sqlx::Result<i64> {
        let lead = match &self.lead {
            Lead::Order if self.manner == Manner::Looking => &Lead::Table,
            lead => lead,
        };
        let mut statement = Statement::new(self.db.dialect());
        statement
            .push("SELECT COUNT(*)")
            .reading_rows(lead, self.query, self.deleted);
        let (count,): (i64,) =
            on_read!(self.db, pool => bound!(sqlx::query_as, statement).fetch_one(pool).await)?;
        Ok(count)
    }

    /// Looks at one piece of the lead after the other until there are enough customers of the list.
    async fn look(
        &self,
        lead: &Lead,
        pieces: &[i64],
        after: Option<&Place>,
        rows: i64,
    ) -> sqlx::Result<Found> {
        let mut found = Found::whole(Vec::new());
        let mut from = after.cloned();
        for piece in pieces {
            let to = self.far(lead, from.as_ref(), *piece).await?;
            let lead = match (lead, &to) {
                (Lead::Order, Some(to)) if self.lie_close(from.as_ref(), to, *piece) => {
                    &Lead::Table
                }
                (lead, _) => lead,
            };
            let mut statement = self.select();
            statement.reading_rows(lead, self.query, self.deleted);
            let missing = rows - i64::try_from(found.customers.len()).unwrap_or(rows);
            let columns = lead.columns(self.query.order());
            let customers = self.read(statement, from.as_ref(), to.as_ref(), columns, missing);
            found.customers.extend(customers.await?);
            let full = i64::try_from(found.customers.len()).is_ok_and(|got| got >= rows);
            if full || to.is_none() {
                return Ok(found);
            }
            from = to;
        }
        found.ended = from;
        Ok(found)
    }

    /// Whether most ids between two places are of the living, or the deleted, that the list is of.
    fn lie_close(&self, from: Option<&Place>, to: &Place, customers: i64) -> bool {
        let order = self.query.order();
        let begin = match from {
            Some(from) => from.id,
            None if order.descending => return false,
            None => 0,
        };
        order.column == Column::Id && (to.id - begin).abs() <= 4 * customers
    }

    fn select(&self) -> Statement {
        const COLUMNS: &str = "SELECT c.id, c.email, c.name, c.surname, c.phone, c.notes, c.photo_id, \
            c.photo_width, c.photo_height, c.created_by, c.last_modified_by, c.created_at, \
            c.last_modified_at, c.version, c.deleted_at, c.erased_at, ";
        let mut statement = Statement::new(self.db.dialect());
        statement
            .push(COLUMNS)
            .push(match self.query.order().column {
                column @ (Column::Surname | Column::Name | Column::Email) => column.sql(),
                Column::Id | Column::CreatedAt | Column::LastModifiedAt => "''",
            });
        statement.push(" AS `key`");
        statement
    }

    /// What a statement reads between two places.
    async fn read(
        &self,
        mut statement: Statement,
        from: Option<&Place>,
        to: Option<&Place>,
        columns: (&'static str, &'static str),
        rows: i64,
    ) -> sqlx::Result<Vec<Listed>> {
        statement.between(from, to, self.query.order(), columns);
        statement.push(" LIMIT ").bind(rows);
        on_read!(self.db, pool => bound!(sqlx::query_as, statement).fetch_all(pool).await)
    }

    /// The place so many customers of the lead behind another; none when there are not so many.
    async fn far(
        &self,
        lead: &Lead,
        from: Option<&Place>,
        customers: i64,
    ) -> sqlx::Result<Option<Place>> {
        let order = self.query.order();
        let columns @ (key, id) = lead.columns(order);
        let mut statement = Statement::new(self.db.dialect());
        statement.push("SELECT ").push(key).push(", ").push(id);
        statement.reading(lead, self.query, self.deleted);
        statement.between(from, None, order, columns);
        statement.push(" LIMIT 1 OFFSET ").bind(customers - 1);
        match order.column {
            Column::Surname | Column::Name | Column::Email => {
                let row: Option<(String, i64)> = on_read!(self.db, pool =>
                    bound!(sqlx::query_as, statement).fetch_optional(pool).await)?;
                Ok(row.map(|(key, id)| Place::new(key, id)))
            }
            Column::Id | Column::CreatedAt | Column::LastModifiedAt => {
                let row: Option<(i64, i64)> = on_read!(self.db, pool =>
                    bound!(sqlx::query_as, statement).fetch_optional(pool).await)?;
                Ok(row.map(|(key, id)| Place::new(key, id)))
            }
        }
    }
}

/// The lead that leads to the fewest customers, and to how many: `most` when there are as many or more.
async fn rarest(
    db: &Db,
    query: &ListQuery,
    deleted: bool,
    mut leads: Vec<Lead>,
    most: i64,
) -> sqlx::Result<Option<(Lead, i64)>> {
    if leads.is_empty() {
        return Ok(None);
    }
    let mut statement = Statement::new(db.dialect());
    for (index, lead) in leads.iter().enumerate() {
        statement.push(if index == 0 {
            "SELECT "
        } else {
            " UNION ALL SELECT "
        });
        statement.bind(i64::try_from(index).unwrap_or(i64::MAX));
        statement.push(" AS n, COUNT(*) AS many FROM (SELECT 1");
        statement
            .reading(lead, query, deleted)
            .push(" LIMIT ")
            .bind(most)
            .push(") m");
    }
    statement.push(" ORDER BY 2, 1 LIMIT 1");
    let (index, customers): (i64, i64) =
        on_read!(db, pool => bound!(sqlx::query_as, statement).fetch_one(pool).await)?;
    let index = usize::try_from(index).unwrap_or_default();
    Ok(Some((leads.swap_remove(index), customers)))
}
