//! Leaving nothing behind of what was erased, where the database would keep it for a while.

use super::Db;

impl Db {
    /// Takes what was overwritten out of SQLite's write-ahead log, once the transaction is committed. Where somebody
    /// reads or writes just then it stays until the log is next begun anew. MySQL has logs of its own: see
    /// docs/operations.md.
    pub(crate) async fn scrub(&self) {
        match self {
            Self::MySql(_) => {}
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                const SQL: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
                if let Err(error) = sqlx::query(SQL).execute(&pools.writer).await {
                    tracing::warn!(%error, "the write-ahead log could not be truncated after an erasure");
                }
            }
        }
    }
}
