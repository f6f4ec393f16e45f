//! A MySQL server: the connections to it, and whether it is away.

use super::{
    outage::Outage,
    pool::{Keeping, Lent, Pool},
    tx::OpenTx,
};
use crate::telemetry::trace;
use sqlx::{MySqlConnection, mysql::MySqlConnectOptions};

/// A MySQL server. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct MySqlServer {
    pool: Pool<MySqlConnection>,
    outage: Outage,
}

impl MySqlServer {
    pub(super) fn new(options: &MySqlConnectOptions, max_connections: u32) -> Self {
        Self {
            pool: Pool::new(options.clone(), max_connections, Keeping::SERVER),
            outage: Outage::new(options.clone()),
        }
    }

    pub(super) const fn pool(&self) -> &Pool<MySqlConnection> {
        &self.pool
    }

    /// A connection for one piece of work, none that has outlived an outage.
    ///
    /// # Errors
    /// When none is to be had.
    pub async fn lend(&self) -> sqlx::Result<Lent<MySqlConnection>> {
        let outlived = |age| self.outage.happened_within(age);
        self.pool.lend_unless(outlived).await
    }

    /// Does work of this server's, given up at once when the server is found away.
    ///
    /// # Errors
    /// Those of the work, or [`sqlx::Error::Io`].
    pub async fn reached<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        // It ends where it is dropped; nothing else stands in it.
        let _span = tracing::info_span!(parent: trace::parent(), "database", otel.kind = "client", db.system.name = "mysql");
        self.outage.unless_away(work).await
    }

    pub(super) async fn begin(&self) -> sqlx::Result<MySqlTx> {
        let begun = self.reached(async { OpenTx::begin(self.lend().await?, "BEGIN").await });
        Ok(MySqlTx {
            tx: begun.await?,
            server: self.clone(),
        })
    }
}

/// An open transaction on MySQL.
#[derive(Debug)]
pub struct MySqlTx {
    tx: OpenTx<MySqlConnection>,
    server: MySqlServer,
}

impl MySqlTx {
    /// Its connection, and the server by which its work is watched.
    pub fn parts(&mut self) -> (&mut Lent<MySqlConnection>, &MySqlServer) {
        (self.tx.lent(), &self.server)
    }

    pub(super) async fn commit(self) -> sqlx::Result<()> {
        let Self { tx, server } = self;
        server.reached(tx.commit()).await
    }
}
