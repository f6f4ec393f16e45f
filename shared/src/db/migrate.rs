//! Bringing the schema up to date: what `local` and `admin` alone do.

use super::Db;
use crate::on_read;

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
                let mut connection = server.reached(server.pool().acquire()).await?;
                let locked: Option<i64> =
                    sqlx::query_scalar(LOCK).fetch_one(&mut *connection).await?;
                if locked != Some(1) {
                    return Err(sqlx::Error::Protocol(BUSY.to_owned()).into());
                }
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
    pub async fn schema_version(&self) -> i64 {
        const SQL: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";
        let row: sqlx::Result<(Option<i64>,)> =
            on_read!(self, pool => sqlx::query_as(SQL).fetch_one(pool).await);
        // Without the table there is no schema; without an answer the migration itself will say why.
        row.ok().and_then(|(version,)| version).unwrap_or(0)
    }
}
