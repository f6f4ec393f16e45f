//! The SQL of identities: whom a provider knows, and who that is here.

use crate::providers::{Identity, Name};
use shared::{
    db::{Db, Tx},
    id::UserId,
    on_read, on_tx,
    time::Timestamp,
    token::Role,
};

/// The user who has an identity.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Owner {
    pub(crate) id: UserId,
    #[sqlx(try_from = "String")]
    pub(crate) role: Role,
}

/// Whoever has an identity, also when they may not sign in.
pub(crate) async fn find_owner(db: &Db, identity: &Identity) -> sqlx::Result<Option<Owner>> {
    const SQL: &str = "SELECT u.id, u.role FROM identities i JOIN users u ON u.id = i.user_id \
        WHERE i.issuer = ? AND i.subject = ?";
    on_read!(db, pool => sqlx::query_as(SQL)
        .bind(&identity.issuer).bind(&identity.subject).fetch_optional(pool).await)
}

/// Links an identity to a user. Unique keys refuse one that somebody has, and a second one of a provider.
pub(crate) async fn insert(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    now: Timestamp,
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO identities (issuer, subject, provider, user_id, linked_at) VALUES (?, ?, ?, ?, ?)";
    on_tx!(tx, conn => sqlx::query(SQL)
        .bind(&identity.issuer).bind(&identity.subject).bind(identity.provider.as_str())
        .bind(user).bind(now)
        .execute(conn).await.map(drop))
}

/// Notes a sign-in. False when the user may no longer sign in, or not with this identity.
pub(crate) async fn update_last_login(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE users SET last_login_at = ? WHERE id = ? AND status = 'active' AND EXISTS \
        (SELECT 1 FROM identities WHERE issuer = ? AND subject = ? AND user_id = users.id)";
    let updated = on_tx!(tx, conn => sqlx::query(SQL)
        .bind(now).bind(user).bind(&identity.issuer).bind(&identity.subject)
        .execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(updated == 1)
}

/// The providers that are linked to a user, and that this version knows.
pub(crate) async fn list(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<Name>> {
    const SQL: &str = "SELECT provider FROM identities WHERE user_id = ?";
    let linked: Vec<String> =
        on_tx!(tx, conn => sqlx::query_scalar(SQL).bind(user).fetch_all(conn).await)?;
    Ok(linked
        .iter()
        .filter_map(|name| Name::parse(name).ok())
        .collect())
}

pub(crate) async fn delete(tx: &mut Tx, user: UserId, provider: Name) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM identities WHERE user_id = ? AND provider = ?";
    on_tx!(tx, conn => sqlx::query(SQL)
        .bind(user).bind(provider.as_str()).execute(conn).await.map(drop))
}
