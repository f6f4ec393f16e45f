//! The two databases, and running one SQL text on either.
//!
//! MySQL always; SQLite with the `sqlite` feature (the all-in-one, the operator's program, tests).

#[cfg(feature = "migrate")]
mod migrate;
mod outage;
mod refusal;

pub use refusal::{is_contention, is_taken, is_unavailable};

use crate::config::{Env, parsed};
use outage::Outage;
use sqlx::{
    Connection as _, MySql, MySqlPool, Transaction,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlQueryResult},
};
#[cfg(feature = "sqlite")]
use sqlx::{
    Sqlite, SqlitePool,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult,
        SqliteSynchronous,
    },
};
use std::{fmt, time::Duration};
use tracing::Instrument as _;

/// How long a request waits for a free connection before it answers 503. A server that is away is noticed earlier.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection may lie idle and still be used untested: servers and what is between hang up unseen.
const UNTESTED: Duration = Duration::from_secs(10);
/// How long SQLite waits for another process (such as `admin`) that is writing.
#[cfg(feature = "sqlite")]
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// `DATABASE_URL` and `DATABASE_MAX_CONNECTIONS`.
#[derive(Clone)]
pub struct DatabaseConfig {
    target: Target,
    max_connections: u32,
}

#[derive(Clone)]
enum Target {
    MySql(Box<MySqlConnectOptions>),
    #[cfg(feature = "sqlite")]
    Sqlite(Box<SqliteConnectOptions>),
}

impl DatabaseConfig {
    /// Reads the variables.
    pub fn read(env: &mut Env) -> Option<Self> {
        let target = env.required("DATABASE_URL", Target::parse);
        let max_connections = env.or("DATABASE_MAX_CONNECTIONS", 5, |value| {
            parsed::<u32>(value).and_then(|max| match max {
                0 => Err("must be at least 1".to_owned()),
                max => Ok(max),
            })
        });
        Some(Self {
            target: target?,
            max_connections: max_connections?,
        })
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseConfig(***)")
    }
}

impl Target {
    fn parse(url: &str) -> Result<Self, String> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("mysql") => match url.parse::<MySqlConnectOptions>() {
                Ok(options) => Ok(Self::MySql(Box::new(options.collation("utf8mb4_bin")))),
                Err(error) => Err(format!("is not a MySQL address: {error}")),
            },
            #[cfg(feature = "sqlite")]
            Some("sqlite") => match url.parse::<SqliteConnectOptions>() {
                // FULL: what was acknowledged outlives a power cut, not only a killed process.
                Ok(options) => Ok(Self::Sqlite(Box::new(
                    options
                        .create_if_missing(true)
                        .foreign_keys(true)
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(SqliteSynchronous::Full)
                        .busy_timeout(BUSY_TIMEOUT),
                ))),
                Err(error) => Err(format!("is not an SQLite address: {error}")),
            },
            _ => Err("must begin with mysql:// (or sqlite:// in the all-in-one)".to_owned()),
        }
    }
}

/// An open database.
#[derive(Clone, Debug)]
pub enum Db {
    /// MySQL, or anything that speaks its protocol.
    MySql(MySqlServer),
    /// One file beside the program.
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePools),
}

/// A MySQL server: the connections to it, and whether it is away.
#[derive(Clone, Debug)]
pub struct MySqlServer {
    pool: MySqlPool,
    outage: Outage,
}

impl MySqlServer {
    fn new(options: &MySqlConnectOptions, max_connections: u32) -> Self {
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

/// SQLite knows one writer at a time: one connection writes, the others read beside it.
#[cfg(feature = "sqlite")]
#[derive(Clone, Debug)]
pub struct SqlitePools {
    /// For statements that only read.
    pub readers: SqlitePool,
    /// The one connection that writes.
    pub writer: SqlitePool,
}

/// An open transaction. Dropping it without [`Tx::commit`] rolls it back.
#[derive(Debug)]
pub enum Tx {
    /// On MySQL.
    MySql(Transaction<'static, MySql>),
    /// On SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite(Transaction<'static, Sqlite>),
}

// The arms are chosen here, where the feature is ours: a `cfg` inside a macro is judged in the crate that calls it.

/// Runs one reading expression on whichever database is open.
#[cfg(feature = "sqlite")]
#[macro_export]
macro_rules! on_read {
    ($db:expr, $pool:ident => $query:expr) => {
        match $db {
            $crate::db::Db::MySql(server) => {
                let $pool = server.pool();
                server.reached(async { $query }).await
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
                let $pool = server.pool();
                server.reached(async { $query }).await
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
                let $pool = server.pool();
                server.reached(async { $query }).await
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
                let $pool = server.pool();
                server.reached(async { $query }).await
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
                let $conn = &mut **tx;
                $query
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
                let $conn = &mut **tx;
                $query
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
                })
            }
        }
    }

    /// Begins a transaction; on SQLite as the writer, so that it never has to be upgraded half-way.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::MySql(server) => Tx::MySql(server.reached(server.pool.begin()).await?),
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
            Self::MySql(server) => count(server.pool.num_idle(), server.pool.size()),
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
            Self::MySql(server) => server.pool.options().get_max_connections(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => pools.readers.options().get_max_connections() + 1,
        }
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::MySql(server) => server.pool.close().await,
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
