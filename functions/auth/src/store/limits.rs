//! The SQL of limits: what attempts used up of them.

use shared::{
    db::{Db, Dialect, Tx},
    on_read, on_tx, on_write,
    time::Timestamp,
};
use sqlx::QueryBuilder;
use std::time::Duration;

/// What is used up of a limit.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Used {
    pub(crate) name: String,
    /// How much later one attempt makes it free, in microseconds.
    step: i64,
    /// When nothing of it is used up any more.
    pub(crate) free_at: Timestamp,
}

impl Used {
    /// How much later one attempt makes it free.
    pub(crate) fn step(&self) -> Duration {
        Duration::from_micros(self.step.unsigned_abs())
    }
}

/// What is used up of these limits. One that is missing is free.
pub(crate) async fn find(db: &Db, names: &[&str]) -> sqlx::Result<Vec<Used>> {
    on_read!(db, pool => {
        let mut query = QueryBuilder::new("SELECT name, step, free_at FROM sign_in_limits WHERE name IN (");
        let mut list = query.separated(", ");
        for name in names {
            list.push_bind(*name);
        }
        query.push(")");
        query.build_query_as().fetch_all(pool).await
    })
}

/// Uses up one attempt of each of these limits, given in the order of their names: no two wait for each other. None
/// grows beyond one attempt more than fits into `window`.
pub(crate) async fn use_up(
    db: &Db,
    limits: &[(&str, Duration)],
    window: Duration,
    now: Timestamp,
) -> sqlx::Result<()> {
    // Adding to what may be there has no common form.
    let (begin, highest, end) = match db.dialect() {
        Dialect::MySql => (
            " ON DUPLICATE KEY UPDATE free_at = LEAST(GREATEST(free_at, ",
            "), ",
            ") + step",
        ),
        Dialect::Sqlite => (
            " ON CONFLICT (name) DO UPDATE SET free_at = MIN(MAX(free_at, ",
            "), ",
            ") + step",
        ),
    };
    on_write!(db, pool => {
        let mut query = QueryBuilder::new("INSERT INTO sign_in_limits (name, step, free_at) ");
        query.push_values(limits, |mut row, (name, step)| {
            let micros = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
            row.push_bind(*name).push_bind(micros).push_bind(now.plus(*step));
        });
        query.push(begin).push_bind(now).push(highest).push_bind(now.plus(window)).push(end);
        query.build().execute(pool).await.map(drop)
    })
}

/// Gives one attempt of each of these limits back.
pub(crate) async fn give_back(tx: &mut Tx, names: &[&str]) -> sqlx::Result<()> {
    on_tx!(tx, conn => {
        let mut query = QueryBuilder::new("UPDATE sign_in_limits SET free_at = free_at - step WHERE name IN (");
        let mut list = query.separated(", ");
        for name in names {
            list.push_bind(*name);
        }
        query.push(")");
        query.build().execute(conn).await.map(drop)
    })
}

/// How many limits have been free since before an instant.
pub(crate) async fn count_free(db: &Db, before: Timestamp) -> sqlx::Result<u64> {
    const SQL: &str = "SELECT COUNT(*) FROM sign_in_limits WHERE free_at < ?";
    let count: i64 =
        on_read!(db, pool => sqlx::query_scalar(SQL).bind(before).fetch_one(pool).await)?;
    Ok(count.unsigned_abs())
}

/// Deletes so many limits that have been free since before an instant; gives how many those were.
pub(crate) async fn delete_free(db: &Db, before: Timestamp, most: i64) -> sqlx::Result<u64> {
    // MySQL knows no LIMIT in a subquery of IN, and SQLite none in DELETE.
    const MYSQL: &str = "DELETE FROM sign_in_limits WHERE free_at < ? ORDER BY free_at LIMIT ?";
    const SQLITE: &str = "DELETE FROM sign_in_limits WHERE name IN \
        (SELECT name FROM sign_in_limits WHERE free_at < ? ORDER BY free_at LIMIT ?)";
    let sql = match db.dialect() {
        Dialect::MySql => MYSQL,
        Dialect::Sqlite => SQLITE,
    };
    on_write!(db, pool => sqlx::query(sql).bind(before).bind(most).execute(pool).await
        .map(|done| done.rows_affected()))
}

/// Makes every limit free; gives how many were not unused.
pub(crate) async fn delete_all(db: &Db) -> sqlx::Result<u64> {
    const SQL: &str = "DELETE FROM sign_in_limits";
    on_write!(db, pool => sqlx::query(SQL).execute(pool).await.map(|done| done.rows_affected()))
}
