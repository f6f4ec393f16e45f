//! The SQL of sessions.

use shared::{
    db::{Db, Tx},
    id::{SessionId, UserId},
    on_read, on_tx, on_write,
    time::Timestamp,
    token::Role,
};

/// One sign-in of a user.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    /// How often its refresh token was exchanged; the current token carries this number.
    pub(crate) counter: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) refreshed_at: Timestamp,
    pub(crate) client_address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

/// A session that has not ended, and the role of its user, who is active.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Live {
    #[sqlx(flatten)]
    pub(crate) session: Session,
    #[sqlx(try_from = "String")]
    pub(crate) role: Role,
}

pub(crate) async fn find_live(db: &Db, id: &SessionId) -> sqlx::Result<Option<Live>> {
    const SQL: &str = "SELECT s.id, s.user_id, s.counter, s.created_at, s.refreshed_at, s.client_address, \
        s.user_agent, u.role FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE s.id = ? AND s.ended_at IS NULL AND u.status = 'active'";
    on_read!(db, pool => sqlx::query_as(SQL).bind(id).fetch_optional(pool).await)
}

/// Keeps a session from ending until the transaction is over; false when it has ended.
pub(crate) async fn lock_open(tx: &mut Tx, id: &SessionId) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE sessions SET counter = counter WHERE id = ? AND ended_at IS NULL";
    let found = on_tx!(tx, conn => sqlx::query(SQL)
        .bind(id).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(found == 1)
}

/// The latest hundred sessions of a user that have neither ended nor gone unused for too long.
pub(crate) async fn list(
    db: &Db,
    user: UserId,
    (created_after, refreshed_after): (Timestamp, Timestamp),
    behind: Option<(i64, String)>,
    rows: i64,
) -> sqlx::Result<Vec<Session>> {
    const SQL: &str = "SELECT id, user_id, counter, created_at, refreshed_at, client_address, user_agent \
        FROM sessions WHERE user_id = ? AND ended_at IS NULL AND created_at > ? AND refreshed_at > ? \
        AND (created_at < ? OR created_at = ? AND id > ?) ORDER BY created_at DESC, id LIMIT ?";
    let (at, id) = behind.unwrap_or((i64::MAX, String::new()));
    on_read!(db, pool => sqlx::query_as(SQL)
        .bind(user).bind(created_after).bind(refreshed_after).bind(at).bind(at).bind(id).bind(rows)
        .fetch_all(pool).await)
}

pub(crate) async fn insert(tx: &mut Tx, session: &Session) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO sessions \
        (id, user_id, counter, created_at, refreshed_at, client_address, user_agent) VALUES (?, ?, ?, ?, ?, ?, ?)";
    on_tx!(tx, conn => sqlx::query(SQL)
        .bind(&session.id).bind(session.user_id).bind(session.counter)
        .bind(session.created_at).bind(session.refreshed_at)
        .bind(&session.client_address).bind(&session.user_agent)
        .execute(conn).await.map(drop))
}

/// Counts one exchange of the refresh token. False when somebody else was first, or the session has ended.
pub(crate) async fn advance(
    db: &Db,
    id: &SessionId,
    from: i64,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE sessions SET counter = counter + 1, refreshed_at = ? \
        WHERE id = ? AND counter = ? AND ended_at IS NULL";
    let updated = on_write!(db, pool => sqlx::query(SQL)
        .bind(now).bind(id).bind(from).execute(pool).await.map(|done| done.rows_affected()))?;
    Ok(updated == 1)
}

/// Ends one session of a user. False when there is no such one.
pub(crate) async fn end(
    db: &Db,
    id: &SessionId,
    user: UserId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const SQL: &str =
        "UPDATE sessions SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at IS NULL";
    let updated = on_write!(db, pool => sqlx::query(SQL)
        .bind(now).bind(id).bind(user).execute(pool).await.map(|done| done.rows_affected()))?;
    Ok(updated == 1)
}

/// Ends every session of a user but `spared`.
pub(crate) async fn end_all(
    tx: &mut Tx,
    user: UserId,
    spared: Option<&SessionId>,
    now: Timestamp,
) -> sqlx::Result<()> {
    const SQL: &str =
        "UPDATE sessions SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL AND id <> ?";
    let spared = spared.map_or("", SessionId::as_str);
    on_tx!(tx, conn => sqlx::query(SQL).bind(now).bind(user).bind(spared).execute(conn).await.map(drop))
}

/// How many sessions [`delete_over`] would delete.
pub(crate) async fn count_over(
    db: &Db,
    ended_before: Timestamp,
    (created_before, refreshed_before): (Timestamp, Timestamp),
) -> sqlx::Result<u64> {
    const SQL: &str =
        "SELECT COUNT(*) FROM sessions WHERE ended_at < ? OR created_at < ? OR refreshed_at < ?";
    let count: i64 = on_read!(db, pool => sqlx::query_scalar(SQL)
        .bind(ended_before).bind(created_before).bind(refreshed_before).fetch_one(pool).await)?;
    Ok(count.unsigned_abs())
}

/// Deletes the sessions that ended before an instant, or were too old or too long unused by then.
pub(crate) async fn delete_over(
    db: &Db,
    ended_before: Timestamp,
    (created_before, refreshed_before): (Timestamp, Timestamp),
) -> sqlx::Result<u64> {
    const SQL: &str =
        "DELETE FROM sessions WHERE ended_at < ? OR created_at < ? OR refreshed_at < ?";
    on_write!(db, pool => sqlx::query(SQL)
        .bind(ended_before).bind(created_before).bind(refreshed_before)
        .execute(pool).await.map(|done| done.rows_affected()))
}
