//! The two databases, and running one SQL text on either.
//!
//! MySQL always; SQLite with the `sqlite` feature (the all-in-one, the operator's program, tests).

mod config;
#[cfg(feature = "migrate")]
mod migrate;
mod outage;
mod refusal;
mod scrub;
mod server;

pub use config::DatabaseConfig;
pub use refusal::{is_contention, is_taken, is_unavailable};
pub use server::{Lent, MySqlServer, MySqlTx};

use config::Target;
use sqlx::mysql::MySqlQueryResult;
#[cfg(feature = "sqlite")]
use sqlx::{
    Connection as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqlitePoolOptions, SqliteQueryResult},
};
#[cfg(feature = "sqlite")]
use std::sync::Arc;
use std::time::Duration;
#[cfg(feature = "sqlite")]
use tokio::sync::Mutex;

/// How long a request waits for a free connection before it answers 503. A server that is away is noticed earlier.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// An open database.
#[derive(Clone, Debug)]
pub enum Db {
    /// MySQL, or anything that speaks its protocol.
    MySql(MySqlServer),
    /// One file beside the program.
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePools),
}

/// How SQL is written where the two databases differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL's, and MariaDB's.
    MySql,
    /// SQLite's.
    Sqlite,
}

/// SQLite knows one writer at a time: one connection writes, the others read beside it.
#[cfg(feature = "sqlite")]
#[derive(Clone, Debug)]
pub struct SqlitePools {
    /// For statements that only read.
    pub readers: SqlitePool,
    /// The one connection that writes.
    pub writer: SqlitePool,
    /// Whose turn it is to write the file anew.
    rewriting: Arc<Mutex<()>>,
}

/// An open transaction. Dropping it without [`Tx::commit`] rolls it back.
#[derive(Debug)]
pub enum Tx {
    /// On MySQL.
    MySql(MySqlTx),
    /// On SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite(Transaction<'static, Sqlite>),
}

/// Runs one expression on a lent connection of a MySQL server: watched, and settled when it is done.
#[doc(hidden)]
#[macro_export]
macro_rules! on_server {
    ($server:expr, $lent:expr, $conn:ident => $query:expr) => {
        $server
            .reached(async {
                let lent = $lent;
                let $conn = lent.connection();
                let done = $query;
                lent.settle();
                done
            })
            .await
    };
}

// The arms are chosen here, where the feature is ours: a `cfg` inside a macro is judged in the crate that calls it.

/// Runs one reading expression on whichever database is open.
#[cfg(feature = "sqlite")]
#[macro_export]
macro_rules! on_read {
    ($db:expr, $pool:ident => $query:expr) => {
        match $db {
            $crate::db::Db::MySql(server) => {
                $crate::on_server!(server, &mut server.lend().await?, $pool => $query)
            }
            $crate::db::Db::Sqlite(pools) => {
                let $pool = &pools.readers;
                $query
            }
        }
    };
}
/// Runs one reading expression on the open database.
#[cfg(not(feature = "sqlite"))]
#[macro_export]
macro_rules! on_read {
    ($db:expr, $pool:ident => $query:expr) => {
        match $db {
            $crate::db::Db::MySql(server) => {
                $crate::on_server!(server, &mut server.lend().await?, $pool => $query)
            }
        }
    };
}
/// Runs one expression that is a whole write on whichever database is open.
#[cfg(feature = "sqlite")]
#[macro_export]
macro_rules! on_write {
    ($db:expr, $pool:ident => $query:expr) => {
        match $db {
            $crate::db::Db::MySql(server) => {
                $crate::on_server!(server, &mut server.lend().await?, $pool => $query)
            }
            $crate::db::Db::Sqlite(pools) => {
                let $pool = &pools.writer;
                $query
            }
        }
    };
}
/// Runs one expression that is a whole write on the open database.
#[cfg(not(feature = "sqlite"))]
#[macro_export]
macro_rules! on_write {
    ($db:expr, $pool:ident => $query:expr) => {
        match $db {
            $crate::db::Db::MySql(server) => {
                $crate::on_server!(server, &mut server.lend().await?, $pool => $query)
            }
        }
    };
}
/// Runs one expression in whichever transaction is open.
#[cfg(feature = "sqlite")]
#[macro_export]
macro_rules! on_tx {
    ($tx:expr, $conn:ident => $query:expr) => {
        match $tx {
            $crate::db::Tx::MySql(tx) => {
                let (lent, server) = tx.parts();
                $crate::on_server!(server, lent, $conn => $query)
            }
            $crate::db::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $query
            }
        }
    };
}
/// Runs one expression in the open transaction.
#[cfg(not(feature = "sqlite"))]
#[macro_export]
macro_rules! on_tx {
    ($tx:expr, $conn:ident => $query:expr) => {
        match $tx {
            $crate::db::Tx::MySql(tx) => {
                let (lent, server) = tx.parts();
                $crate::on_server!(server, lent, $conn => $query)
            }
        }
    };
}

impl Db {
    /// Opens the database that the configuration names. No connection is made until one is needed.
    #[must_use]
    pub fn open(config: &DatabaseConfig) -> Self {
        match &config.target {
            Target::MySql(options) => {
                Self::MySql(MySqlServer::new(options, config.max_connections))
            }
            #[cfg(feature = "sqlite")]
            Target::Sqlite(options) => {
                let pool = |max| {
                    SqlitePoolOptions::new()
                        .max_connections(max)
                        .acquire_timeout(ACQUIRE_TIMEOUT)
                        .idle_timeout(None)
                        .max_lifetime(None)
                        .test_before_acquire(false)
                        // A disk that was full rolls a transaction back by itself, and sqlx goes on counting it: such
                        // a connection would refuse every further transaction.
                        .before_acquire(|connection, _| {
                            let usable = !connection.is_in_transaction();
                            Box::pin(async move { Ok(usable) })
                        })
                        .connect_lazy_with(options.as_ref().clone())
                };
                Self::Sqlite(SqlitePools {
                    readers: pool(config.max_connections),
                    writer: pool(1),
                    rewriting: Arc::default(),
                })
            }
        }
    }

    /// How it wants its SQL.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::MySql(_) => Dialect::MySql,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Begins a transaction; on SQLite as the writer, so that it never has to be upgraded half-way.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::MySql(server) => Tx::MySql(server.begin().await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => Tx::Sqlite(pools.writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> sqlx::Result<()> {
        const SQL: &str = "SELECT 1";
        on_read!(self, pool => sqlx::query(SQL).execute(pool).await.map(drop))
    }

    /// How many connections lie idle, and how many are used.
    #[must_use]
    pub fn connections(&self) -> (i64, i64) {
        let count = |idle: usize, all: u32| {
            let idle = i64::try_from(idle).unwrap_or(i64::MAX);
            (idle, (i64::from(all) - idle).max(0))
        };
        match self {
            Self::MySql(server) => count(server.pool().num_idle(), server.pool().size()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => count(
                pools.readers.num_idle() + pools.writer.num_idle(),
                pools.readers.size() + pools.writer.size(),
            ),
        }
    }

    /// How many connections there may be at once.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        match self {
            Self::MySql(server) => server.pool().options().get_max_connections(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => pools.readers.options().get_max_connections() + 1,
        }
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::MySql(server) => server.pool().close().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
        }
    }
}

impl Tx {
    /// Makes everything done in it lasting.
    ///
    /// # Errors
    /// When the database does not confirm it: it may then have happened or not.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::MySql(tx) => tx.commit().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(tx) => tx.commit().await,
        }
    }
}

/// The id that the database gave the inserted row.
pub trait InsertedId {
    /// The id.
    fn inserted_id(&self) -> i64;
}

impl InsertedId for MySqlQueryResult {
    fn inserted_id(&self) -> i64 {
        i64::try_from(self.last_insert_id()).expect("an AUTO_INCREMENT BIGINT is a positive i64")
    }
}

#[cfg(feature = "sqlite")]
impl InsertedId for SqliteQueryResult {
    fn inserted_id(&self) -> i64 {
        self.last_insert_rowid()
    }
}
