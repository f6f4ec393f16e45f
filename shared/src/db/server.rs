//! The connections to a MySQL server.

use super::{ACQUIRE_TIMEOUT, outage::Outage};
use crate::on_server;
use sqlx::{
    Connection as _, Executor as _, MySql, MySqlConnection, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    pool::PoolConnection,
};
use std::time::Duration;
use tokio::time::timeout;
use tracing::Instrument as _;

/// How long a connection may lie idle and still be used untested: servers and what is between hang up unseen.
const UNTESTED: Duration = Duration::from_secs(10);

/// How long a transaction that is given up may take to be rolled back; after that its connection is closed.
const ROLLBACK: Duration = Duration::from_secs(1);

/// A MySQL server: the connections to it, and whether it is away.
#[derive(Clone, Debug)]
pub struct MySqlServer {
    pool: MySqlPool,
    outage: Outage,
}

impl MySqlServer {
    pub(super) fn new(options: &MySqlConnectOptions, max_connections: u32) -> Self {
        let outage = Outage::new(options.clone());
        let watched = outage.clone();
        let pool = MySqlPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(move |connection, meta| {
                let outlived = watched.happened_within(meta.age);
                Box::pin(async move {
                    if meta.idle_for > UNTESTED {
                        connection.ping().await?;
                    }
                    Ok(!outlived)
                })
            })
            .connect_lazy_with(options.clone());
        Self { pool, outage }
    }

    /// The connections.
    #[must_use]
    pub const fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    /// A connection for one piece of work.
    ///
    /// # Errors
    /// When none is to be had.
    pub async fn lend(&self) -> sqlx::Result<Lent> {
        let connection = self.pool.acquire().await?;
        Ok(Lent {
            connection,
            settled: true,
        })
    }

    /// Does work of this server's, given up at once when the server is found away.
    ///
    /// # Errors
    /// Those of the work, or [`sqlx::Error::Io`].
    pub async fn reached<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        let span = tracing::info_span!("database", otel.kind = "client", db.system.name = "mysql");
        self.outage.unless_away(work).instrument(span).await
    }

    pub(super) async fn begin(&self) -> sqlx::Result<MySqlTx> {
        let begun = self.reached(async {
            let mut lent = self.lend().await?;
            lent.connection().execute("BEGIN").await?;
            lent.settle();
            Ok(lent)
        });
        Ok(MySqlTx {
            lent: Some(begun.await?),
            server: self.clone(),
        })
    }
}

/// A connection on loan. One whose work was given up half-way is closed: what it still brings belongs to nobody, and it
/// may have fallen silent.
#[derive(Debug)]
pub struct Lent {
    connection: PoolConnection<MySql>,
    settled: bool,
}

impl Lent {
    /// The connection, to work with until [`Lent::settle`].
    pub fn connection(&mut self) -> &mut MySqlConnection {
        self.settled = false;
        &mut self.connection
    }

    /// Says that the work is done, whether well or not.
    pub fn settle(&mut self) {
        self.settled = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.settled {
            self.connection.close_on_drop();
        }
    }
}

/// An open transaction on MySQL. Dropped without a commit it is rolled back, or its connection closed.
#[derive(Debug)]
pub struct MySqlTx {
    /// There until it is dropped or committed.
    lent: Option<Lent>,
    server: MySqlServer,
}

impl MySqlTx {
    /// Its connection, and the server by which its work is watched.
    pub fn parts(&mut self) -> (&mut Lent, &MySqlServer) {
        let lent = self.lent.as_mut();
        let lent = lent.expect("a transaction has its connection until it is over");
        (lent, &self.server)
    }

    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        let (lent, server) = self.parts();
        on_server!(server, lent, connection => connection.execute("COMMIT").await)?;
        self.lent = None;
        Ok(())
    }
}

impl Drop for MySqlTx {
    fn drop(&mut self) {
        let Some(mut lent) = self.lent.take().filter(|lent| lent.settled) else {
            return;
        };
        tokio::spawn(async move {
            let rolled_back = timeout(ROLLBACK, lent.connection().execute("ROLLBACK")).await;
            if matches!(rolled_back, Ok(Ok(_))) {
                lent.settle();
            }
        });
    }
}
