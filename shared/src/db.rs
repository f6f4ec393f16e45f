//! The two databases, and running one SQL text on either.
//!
//! MySQL always; SQLite with the `sqlite` feature (the all-in-one, the operator's program, tests).

mod config;
#[cfg(feature = "migrate")]
mod migrate;
mod outage;
mod pool;
mod refusal;
mod scrub;
mod server;
mod tx;

pub use config::DatabaseConfig;
pub use pool::{Lent, Pool};
pub use refusal::{is_contention, is_taken, is_unavailable};
pub use server::{MySqlServer, MySqlTx};
pub use tx::{OpenTx, Told};

use config::Target;
#[cfg(feature = "sqlite")]
use pool::Keeping;
use sqlx::mysql::MySqlQueryResult;
#[cfg(feature = "sqlite")]
use sqlx::{SqliteConnection, sqlite::SqliteQueryResult};
#[cfg(feature = "sqlite")]
use std::sync::Arc;
#[cfg(feature = "sqlite")]
use tokio::sync::Mutex;

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
    pub readers: Pool<SqliteConnection>,
    /// The one connection that writes.
    pub writer: Pool<SqliteConnection>,
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
    Sqlite(OpenTx<SqliteConnection>),
}

/// The future of one expression on a lent connection, which is settled when it is done.
#[doc(hidden)]
#[macro_export]
macro_rules! on_lent {
    ($lent:expr, $conn:ident => $query:expr) => {
        async {
            let lent = $lent;
            let $conn = lent.connection();
            let done = $query;
            lent.settle(&done);
            done
        }
    };
}

/// Runs one expression on a lent connection of a MySQL server: watched, and settled when it is done.
#[doc(hidden)]
#[macro_export]
macro_rules! on_server {
    ($server:expr, $lent:expr, $conn:ident => $query:expr) => {
        $server
            .reached($crate::on_lent!($lent, $conn => $query))
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
                $crate::on_lent!(&mut pools.readers.lend().await?, $pool => $query).await
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
                $crate::on_lent!(&mut pools.writer.lend().await?, $pool => $query).await
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
                $crate::on_lent!(tx.lent(), $conn => $query).await
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
                let pool = |max| Pool::new(options.as_ref().clone(), max, Keeping::FILE);
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
            Self::Sqlite(pools) => {
                Tx::Sqlite(OpenTx::begin(pools.writer.lend().await?, "BEGIN IMMEDIATE").await?)
            }
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
        let count = |idle: usize, used: usize| {
            let number = |many| i64::try_from(many).unwrap_or(i64::MAX);
            (number(idle), number(used))
        };
        match self {
            Self::MySql(server) => count(server.pool().count_idle(), server.pool().count_used()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => count(
                pools.readers.count_idle() + pools.writer.count_idle(),
                pools.readers.count_used() + pools.writer.count_used(),
            ),
        }
    }

    /// How many connections there may be at once.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        match self {
            Self::MySql(server) => server.pool().max(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => pools.readers.max() + 1,
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
