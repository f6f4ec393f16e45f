//! The connections to a MySQL server.

use super::{ACQUIRE_TIMEOUT, outage::Outage};
use sqlx::{
    Connection as _, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use std::time::Duration;
use tracing::Instrument as _;

/// How long a connection may lie idle and still be used untested: servers and what is between hang up unseen.
const UNTESTED: Duration = Duration::from_secs(10);

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

    /// Does work of this server's, given up at once when the server is found away.
    ///
    /// # Errors
    /// Those of the work, or [`sqlx::Error::Io`].
    pub async fn reached<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        let span = tracing::info_span!("database", otel.kind = "client", db.system.name = "mysql");
        self.outage.unless_away(work).instrument(span).await
    }
}
