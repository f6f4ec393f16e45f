//! The two databases, and running one SQL text on either.
//!
//! MySQL always; SQLite with the `sqlite` feature (the all-in-one, the operator's program, tests).

use crate::config::{Env, parsed};
#[cfg(feature = "sqlite")]
use sqlx::{
    Connection as _, Sqlite, SqlitePool,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult,
        SqliteSynchronous,
    },
};
use sqlx::{
    MySql, MySqlPool, Transaction,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions, MySqlQueryResult},
};
use std::{fmt, time::Duration};

/// How long a request waits for a free connection before it answers 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
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
    MySql(MySqlPool),
    /// One file beside the program.
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePools),
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
            $crate::db::Db::MySql($pool) => $query,
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
            $crate::db::Db::MySql($pool) => $query,
        }
    };
}
/// Runs one expression that is a whole write on whichever database is open.
#[cfg(feature = "sqlite")]
#[macro_export]
macro_rules! on_write {
    ($db:expr, $pool:ident => $query:expr) => {
        match $db {
            $crate::db::Db::MySql($pool) => $query,
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
            $crate::db::Db::MySql($pool) => $query,
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
            Target::MySql(options) => Self::MySql(
                MySqlPoolOptions::new()
                    .max_connections(config.max_connections)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .test_before_acquire(false)
                    .connect_lazy_with(options.as_ref().clone()),
            ),
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
            Self::MySql(pool) => Tx::MySql(pool.begin().await?),
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

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::MySql(pool) => pool.close().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
        }
    }

    /// Brings the schema up to date; gives the names of what was missing. Only `local` and `admin` do this.
    ///
    /// Two at once on MySQL wait for one another.
    ///
    /// # Errors
    /// When a migration cannot be applied; MySQL keeps what came before it, SQLite undoes the one that broke.
    #[cfg(feature = "migrate")]
    pub async fn migrate(&self) -> Result<Vec<String>, sqlx::migrate::MigrateError> {
        let (migrator, before) = match self {
            Self::MySql(pool) => {
                // sqlx's own lock waits on MySQL and not on MariaDB, which knows no endless wait.
                const LOCK: &str = "SELECT GET_LOCK(CONCAT(DATABASE(), '.migrate'), 300)";
                const UNLOCK: &str = "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.migrate'))";
                let migrator = sqlx::migrate!("../migrations/mysql");
                let mut connection = pool.acquire().await?;
                sqlx::query(LOCK).execute(&mut *connection).await?;
                let before = self.schema_version().await;
                migrator.run(&mut *connection).await?;
                sqlx::query(UNLOCK).execute(&mut *connection).await?;
                (migrator, before)
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                let migrator = sqlx::migrate!("../migrations/sqlite");
                let before = self.schema_version().await;
                migrator.run(&pools.writer).await?;
                (migrator, before)
            }
        };
        let missing = migrator
            .iter()
            .filter(|migration| migration.version > before);
        Ok(missing
            .map(|migration| format!("{:04} {}", migration.version, migration.description))
            .collect())
    }

    /// The number of the latest migration that was applied; 0 when there is none.
    #[cfg(feature = "migrate")]
    pub async fn schema_version(&self) -> i64 {
        const SQL: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";
        let row: sqlx::Result<(Option<i64>,)> =
            on_read!(self, pool => sqlx::query_as(SQL).fetch_one(pool).await);
        // Without the table there is no schema; without an answer the migration itself will say why.
        row.ok().and_then(|(version,)| version).unwrap_or(0)
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

/// Whether a unique key refused the row.
#[must_use]
pub fn is_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether another transaction got in the way and the same work may succeed at once when begun anew.
#[must_use]
pub fn is_contention(error: &sqlx::Error) -> bool {
    // ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_CHECKREAD (MariaDB: record changed since last read).
    matches!(mysql_number(error), Some(1205 | 1213 | 1020))
}

/// Whether the fault is the database's state, not ours: the answer is 503 and not 500.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    use sqlx::Error;
    match error {
        Error::PoolTimedOut
        | Error::PoolClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::WorkerCrashed => true,
        Error::Database(sqlite) if mysql_number(error).is_none() => {
            // Primary codes SQLITE_BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN; the low byte of an extended code.
            let code = sqlite.code().and_then(|code| code.parse::<i32>().ok());
            matches!(code.map(|code| code & 0xff), Some(5 | 6 | 8 | 10 | 13 | 14))
        }
        // Too many connections, access denied (a rotated password), server shutting down, read only (a failover).
        _ => {
            is_contention(error)
                || matches!(
                    mysql_number(error),
                    Some(1040 | 1044 | 1045 | 1049 | 1053 | 1203 | 1290 | 1836)
                )
        }
    }
}

fn mysql_number(error: &sqlx::Error) -> Option<u16> {
    error
        .as_database_error()?
        .try_downcast_ref::<MySqlDatabaseError>()
        .map(MySqlDatabaseError::number)
}
