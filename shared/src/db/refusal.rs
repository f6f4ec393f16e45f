//! What a database's error means for the answer.

use sqlx::mysql::MySqlDatabaseError;

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
