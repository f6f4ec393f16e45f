//! The SQL of users.

use crate::model::{NewUser, Status, UserPatch, UserRow};
use shared::{
    body::Change,
    db::{Db, InsertedId as _, Tx},
    id::UserId,
    on_read, on_tx,
    time::Timestamp,
    token::Role,
};

const FIND: &str = "SELECT id, email, name, role, status, created_at, last_login_at, deleted_at, \
    (SELECT GROUP_CONCAT(provider) FROM identities WHERE user_id = users.id) AS providers \
    FROM users WHERE id = ?";

pub(crate) async fn find(db: &Db, id: UserId) -> sqlx::Result<Option<UserRow>> {
    on_read!(db, pool => sqlx::query_as(FIND).bind(id).fetch_optional(pool).await)
}

/// Finds a user as the transaction sees them: a change is answered before it is committed, or it would be refused when
/// only the looking fails.
pub(crate) async fn find_in(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<UserRow>> {
    on_tx!(tx, conn => sqlx::query_as(FIND).bind(id).fetch_optional(conn).await)
}

pub(crate) async fn list(db: &Db, after: i64, rows: i64) -> sqlx::Result<Vec<UserRow>> {
    const SQL: &str = "SELECT id, email, name, role, status, created_at, last_login_at, deleted_at, \
        (SELECT GROUP_CONCAT(provider) FROM identities WHERE user_id = users.id) AS providers \
        FROM users WHERE id > ? AND deleted_at IS NULL ORDER BY id LIMIT ?";
    on_read!(db, pool => sqlx::query_as(SQL).bind(after).bind(rows).fetch_all(pool).await)
}

/// What a sign-in needs of a user.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SignInRow {
    pub(crate) id: UserId,
    #[sqlx(try_from = "String")]
    pub(crate) role: Role,
    pub(crate) password_hash: Option<String>,
}

/// The active user with an address.
pub(crate) async fn find_to_sign_in(db: &Db, email_key: &str) -> sqlx::Result<Option<SignInRow>> {
    const SQL: &str =
        "SELECT id, role, password_hash FROM users WHERE email_key = ? AND status = 'active'";
    on_read!(db, pool => sqlx::query_as(SQL).bind(email_key).fetch_optional(pool).await)
}

pub(crate) async fn find_password_hash(db: &Db, id: UserId) -> sqlx::Result<Option<String>> {
    const SQL: &str = "SELECT password_hash FROM users WHERE id = ?";
    let row: Option<(Option<String>,)> =
        on_read!(db, pool => sqlx::query_as(SQL).bind(id).fetch_optional(pool).await)?;
    Ok(row.and_then(|(hash,)| hash))
}

pub(crate) async fn insert(
    tx: &mut Tx,
    new: &NewUser,
    password_hash: Option<&str>,
    now: Timestamp,
) -> sqlx::Result<i64> {
    const SQL: &str = "INSERT INTO users (email, email_key, name, role, status, password_hash, created_at) \
        VALUES (?, ?, ?, ?, 'active', ?, ?)";
    on_tx!(tx, conn => sqlx::query(SQL)
        .bind(new.email.as_str()).bind(new.email.key()).bind(&new.name).bind(new.role.as_str())
        .bind(password_hash).bind(now)
        .execute(conn).await.map(|done| done.inserted_id()))
}

/// Changes what the patch names and nothing else. False when there is no such user.
pub(crate) async fn update(
    tx: &mut Tx,
    id: UserId,
    patch: &UserPatch,
    password_hash: Option<&str>,
) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE users SET name = CASE WHEN ? = 1 THEN ? ELSE name END, role = COALESCE(?, role), \
        status = COALESCE(?, status), password_hash = COALESCE(?, password_hash) \
        WHERE id = ? AND deleted_at IS NULL";
    let (renamed, name) = match &patch.name {
        Change::Keep => (0, None),
        Change::Clear => (1, None),
        Change::Set(name) => (1, Some(name)),
    };
    let updated = on_tx!(tx, conn => sqlx::query(SQL)
        .bind(renamed).bind(name)
        .bind(patch.role.map(Role::as_str)).bind(patch.status.map(Status::as_str)).bind(password_hash)
        .bind(id).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(updated == 1)
}

/// Replaces the password's hash. False when it is no longer the one that was checked.
pub(crate) async fn update_password(
    tx: &mut Tx,
    id: UserId,
    checked: &str,
    hash: &str,
) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ? AND status = 'active'";
    let updated = on_tx!(tx, conn => sqlx::query(SQL)
        .bind(hash).bind(id).bind(checked).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(updated == 1)
}

/// Notes a sign-in. False when the user may no longer sign in, or not with the password that was checked.
pub(crate) async fn update_last_login(
    tx: &mut Tx,
    id: UserId,
    checked: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE users SET last_login_at = ? WHERE id = ? AND password_hash = ? AND status = 'active'";
    let updated = on_tx!(tx, conn => sqlx::query(SQL)
        .bind(now).bind(id).bind(checked).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(updated == 1)
}

/// Makes whoever else wants to change how an active user signs in wait for this transaction. False when there is none.
pub(crate) async fn lock_active(tx: &mut Tx, id: UserId) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE users SET status = status WHERE id = ? AND status = 'active'";
    let found = on_tx!(tx, conn => sqlx::query(SQL)
        .bind(id).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(found == 1)
}

pub(crate) async fn has_password(tx: &mut Tx, id: UserId) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM users WHERE id = ? AND password_hash IS NOT NULL";
    let count: i64 = on_tx!(tx, conn => sqlx::query_scalar(SQL).bind(id).fetch_one(conn).await)?;
    Ok(count == 1)
}

/// Takes the user out of everything but the history. False when there is no such user.
pub(crate) async fn delete(tx: &mut Tx, id: UserId, now: Timestamp) -> sqlx::Result<bool> {
    const USER: &str = "UPDATE users SET deleted_at = ?, status = 'disabled', email_key = NULL, \
        password_hash = NULL WHERE id = ? AND deleted_at IS NULL";
    const IDENTITIES: &str = "DELETE FROM identities WHERE user_id = ?";
    let deleted = on_tx!(tx, conn => sqlx::query(USER)
        .bind(now).bind(id).execute(conn).await.map(|done| done.rows_affected()))?;
    on_tx!(tx, conn => sqlx::query(IDENTITIES).bind(id).execute(conn).await.map(drop))?;
    Ok(deleted == 1)
}

/// Makes whoever else wants to take an administrator away wait for this transaction.
pub(crate) async fn lock_admins(tx: &mut Tx) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE users SET role = role WHERE role = 'admin'";
    on_tx!(tx, conn => sqlx::query(SQL).execute(conn).await.map(drop))
}

pub(crate) async fn count_active_admins(tx: &mut Tx) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM users WHERE role = 'admin' AND status = 'active'";
    let (count,) = on_tx!(tx, conn => sqlx::query_as(SQL).fetch_one(conn).await)?;
    Ok(count)
}

pub(crate) async fn any(db: &Db) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT id FROM users LIMIT 1";
    let row: Option<(i64,)> = on_read!(db, pool => sqlx::query_as(SQL).fetch_optional(pool).await)?;
    Ok(row.is_some())
}
