//! Bringing the schema up to date: what `local` and `admin` alone do.

use super::Db;
#[cfg(feature = "sqlite")]
use crate::on_lent;
use crate::{on_read, on_server};

impl Db {
    /// Brings the schema up to date; gives the names of what was missing. Only `local` and `admin` do this.
    ///
    /// Two at once on MySQL wait for one another.
    ///
    /// # Errors
    /// When a migration cannot be applied; MySQL keeps what came before it, SQLite undoes the one that broke.
    pub async fn migrate(&self) -> Result<Vec<String>, sqlx::migrate::MigrateError> {
        let (migrator, before) = match self {
            Self::MySql(server) => {
                // sqlx's own lock waits on MySQL and not on MariaDB, which knows no endless wait.
                const LOCK: &str = "SELECT GET_LOCK(CONCAT(DATABASE(), '.migrate'), 300)";
                const UNLOCK: &str = "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.migrate'))";
                const BUSY: &str = "another migration has been running for five minutes";
                let migrator = sqlx::migrate!("../migrations/mysql");
                let mut lent = server.reached(server.lend()).await?;
                // Given up half-way it is closed, and the lock with it.
                let connection = lent.connection();
                let locked: Option<i64> =
                    sqlx::query_scalar(LOCK).fetch_one(&mut *connection).await?;
                if locked != Some(1) {
                    return Err(sqlx::Error::Protocol(BUSY.to_owned()).into());
                }
                let before = self.schema_version().await;
                migrator.run(&mut *connection).await?;
                let unlocked = sqlx::query(UNLOCK).execute(connection).await;
                lent.settle(&unlocked);
                unlocked?;
                (migrator, before)
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                let migrator = sqlx::migrate!("../migrations/sqlite");
                let before = self.schema_version().await;
                let mut lent = pools.writer.lend().await?;
                migrator.run(&mut *lent.connection()).await?;
                lent.settle(&Ok(()));
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

    /// The number of the latest migration that this program knows.
    #[must_use]
    pub fn known_schema_version(&self) -> i64 {
        let migrator = match self {
            Self::MySql(_) => sqlx::migrate!("../migrations/mysql"),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => sqlx::migrate!("../migrations/sqlite"),
        };
        let versions = migrator.iter().map(|migration| migration.version);
        versions.max().unwrap_or(0)
    }

    /// What the database says it is, and whether the way to it is encrypted, for people.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn describe(&self) -> sqlx::Result<String> {
        match self {
            Self::MySql(server) => {
                const VERSION: &str = "SELECT VERSION()";
                const CIPHER: &str = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";
                let version: String = on_server!(server, &mut server.lend().await?, connection =>
                    sqlx::query_scalar(VERSION).fetch_one(connection).await)?;
                let cipher: (String, String) = on_server!(server, &mut server.lend().await?, connection =>
                    sqlx::query_as(CIPHER).fetch_one(connection).await)?;
                Ok(match cipher.1.as_str() {
                    "" => format!("MySQL {version}, not encrypted"),
                    cipher => format!("MySQL {version}, encrypted with {cipher}"),
                })
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                const VERSION: &str = "SELECT sqlite_version()";
                let version: String = on_lent!(&mut pools.readers.lend().await?, connection =>
                    sqlx::query_scalar(VERSION).fetch_one(connection).await)
                .await?;
                Ok(format!("SQLite {version}"))
            }
        }
    }

    /// The number of the latest migration that was applied; 0 when there is none.
    pub async fn schema_version(&self) -> i64 {
        const SQL: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";
        let row: sqlx::Result<(Option<i64>,)> =
            on_read!(self, pool => sqlx::query_as(SQL).fetch_one(pool).await);
        // Without the table there is no schema; without an answer the migration itself will say why.
        row.ok().and_then(|(version,)| version).unwrap_or(0)
    }
}
