//! Transactions on a lent connection.

use super::pool::Lent;
#[cfg(feature = "sqlite")]
use sqlx::SqliteConnection;
use sqlx::{Connection, Executor as _, MySqlConnection};
use std::time::Duration;
use tokio::time::timeout;

/// How long a transaction that is given up may take to be rolled back; after that its connection is closed.
const ROLLBACK: Duration = Duration::from_secs(1);

/// A connection that can be told what has no values.
pub trait Told: Connection + 'static {
    /// Tells it.
    fn tell(&mut self, sql: &'static str) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Told for MySqlConnection {
    async fn tell(&mut self, sql: &'static str) -> sqlx::Result<()> {
        self.execute(sql).await.map(drop)
    }
}

#[cfg(feature = "sqlite")]
impl Told for SqliteConnection {
    async fn tell(&mut self, sql: &'static str) -> sqlx::Result<()> {
        self.execute(sql).await.map(drop)
    }
}

/// An open transaction. Dropped without a commit it is rolled back, or its connection closed.
#[derive(Debug)]
pub struct OpenTx<C: Told> {
    /// There until it is dropped or committed.
    lent: Option<Lent<C>>,
}

impl<C: Told> OpenTx<C> {
    pub(super) async fn begin(mut lent: Lent<C>, sql: &'static str) -> sqlx::Result<Self> {
        let begun = lent.connection().tell(sql).await;
        lent.settle(&begun);
        begun.map(|()| Self { lent: Some(lent) })
    }

    /// Its connection.
    ///
    /// # Panics
    /// Never: it is taken when this is over.
    pub fn lent(&mut self) -> &mut Lent<C> {
        let lent = self.lent.as_mut();
        lent.expect("a transaction has its connection until it is over")
    }

    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        let lent = self.lent();
        let done = lent.connection().tell("COMMIT").await;
        lent.settle(&done);
        done?;
        self.lent = None;
        Ok(())
    }
}

impl<C: Told> Drop for OpenTx<C> {
    fn drop(&mut self) {
        let Some(mut lent) = self.lent.take().filter(Lent::is_settled) else {
            return;
        };
        tokio::spawn(async move {
            if let Ok(done) = timeout(ROLLBACK, lent.connection().tell("ROLLBACK")).await {
                lent.settle(&done);
            }
        });
    }
}
