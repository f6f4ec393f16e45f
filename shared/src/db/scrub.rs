//! Leaving nothing behind of what was erased, where SQLite would keep it for a while: in its write-ahead log, and in the
//! gaps of its pages, which it does not overwrite when it moves rows (`secure_delete` is for the rows it deletes).
//! What a server keeps is said in docs/operations.md.

use super::Db;
#[cfg(feature = "sqlite")]
use super::SqlitePools;
#[cfg(feature = "sqlite")]
use crate::on_lent;
use tokio::sync::OwnedMutexGuard;

impl Db {
    /// How many bytes of SQLite's file are in use; none for a server.
    pub(crate) async fn file_size(&self) -> sqlx::Result<Option<i64>> {
        match self {
            Self::MySql(_) => Ok(None),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                const SQL: &str = "SELECT (page_count - freelist_count) * page_size \
                    FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
                on_lent!(&mut pools.readers.lend().await?, connection =>
                    sqlx::query_scalar(SQL).fetch_one(connection).await)
                .await
                .map(Some)
            }
        }
    }

    /// Waits while somebody else writes SQLite's file anew. Nobody does while the turn is held.
    pub(crate) async fn turn_to_rewrite(&self) -> Option<OwnedMutexGuard<()>> {
        match self {
            Self::MySql(_) => None,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => Some(pools.rewriting.clone().lock_owned().await),
        }
    }

    /// Writes SQLite's file anew, so that it holds nothing but what is there. False when somebody read meanwhile, for
    /// whom the log keeps what was.
    pub(crate) async fn rewrite_file(&self) -> sqlx::Result<bool> {
        match self {
            Self::MySql(_) => Ok(true),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => {
                const SQL: &str = "VACUUM";
                on_lent!(&mut pools.writer.lend().await?, connection =>
                    sqlx::query(SQL).execute(connection).await)
                .await?;
                truncate_log(pools).await
            }
        }
    }

    /// Takes what was overwritten out of SQLite's log. False as for [`Db::rewrite_file`].
    pub(crate) async fn truncate_log(&self) -> sqlx::Result<bool> {
        match self {
            Self::MySql(_) => Ok(true),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pools) => truncate_log(pools).await,
        }
    }
}

#[cfg(feature = "sqlite")]
async fn truncate_log(pools: &SqlitePools) -> sqlx::Result<bool> {
    const SQL: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
    let (busy, _, _): (i64, i64, i64) = on_lent!(&mut pools.writer.lend().await?, connection =>
        sqlx::query_as(SQL).fetch_one(connection).await)
    .await?;
    Ok(busy == 0)
}
