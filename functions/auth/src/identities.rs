//! Signing in as whom a provider knows, and linking and unlinking providers.

use crate::{
    AuthState,
    flow::Link,
    handlers::session::begin_session,
    providers::{Identity, Name},
    store::{
        identities,
        sessions::{self, Session},
        users,
    },
    tokens,
};
use axum::http::HeaderMap;
use shared::{
    db,
    error::{ApiError, ApiResult},
    id::UserId,
    time::Timestamp,
    token::Role,
};

/// How often work is begun anew that another request got in the way of.
const ATTEMPTS: u32 = 3;

/// Signs in whoever has the identity. An identity that nobody has yet is linked to the user with its e-mail address,
/// once, if its provider's word is enough for that.
///
/// # Errors
/// 403 `not_registered`, the same for unknown, disabled and deleted users, and for an address whose user has another
/// identity of this provider. 403 `email_not_verified` when the provider's word is enough and it gives none.
pub(crate) async fn sign_in(
    auth: &AuthState,
    identity: &Identity,
    headers: &HeaderMap,
    now: Timestamp,
) -> ApiResult<(Session, Role)> {
    let mut attempt = 1;
    loop {
        match try_to_sign_in(auth, identity, headers, now).await {
            // Somebody else has just linked it, or the user has another one: the next look tells.
            Err(ApiError::Database(error)) if in_the_way(&error) && attempt < ATTEMPTS => {}
            Err(ApiError::Database(error)) if db::is_taken(&error) => {
                let (user, _) = find_by_email(auth, identity).await?;
                let provider = identity.provider.as_str();
                tracing::warn!(user.id = %user, provider, "an identity was refused: the user with its address has another one of this provider");
                return Err(ApiError::NotRegistered);
            }
            done => return done,
        }
        attempt += 1;
    }
}

async fn try_to_sign_in(
    auth: &AuthState,
    identity: &Identity,
    headers: &HeaderMap,
    now: Timestamp,
) -> ApiResult<(Session, Role)> {
    let db = &auth.context.db;
    let owner = identities::find_owner(db, identity).await?;
    let known = owner.is_some();
    let (user, role) = match owner {
        Some(owner) => (owner.id, owner.role),
        None => find_by_email(auth, identity).await?,
    };
    let mut tx = db.begin().await?;
    if !known {
        if !users::lock_active(&mut tx, user).await? {
            return Err(ApiError::NotRegistered);
        }
        identities::insert(&mut tx, identity, user, now).await?;
    }
    if !identities::update_last_login(&mut tx, identity, user, now).await? {
        return Err(ApiError::NotRegistered);
    }
    let session = begin_session(auth, tx, user, headers, now).await?;
    if !known {
        let provider = identity.provider.as_str();
        tracing::info!(user.id = %user, provider, "a verified e-mail address linked a provider to a user");
    }
    Ok((session, role))
}

async fn find_by_email(auth: &AuthState, identity: &Identity) -> ApiResult<(UserId, Role)> {
    if !auth.config.providers.link_by_email(identity.provider) {
        return Err(ApiError::NotRegistered);
    }
    let email = identity.email.as_deref();
    let email = email.ok_or(ApiError::EmailNotVerified)?;
    let user = users::find_to_sign_in(&auth.context.db, email).await?;
    user.map(|user| (user.id, user.role))
        .ok_or(ApiError::NotRegistered)
}

/// Links an identity to the user in whose session the flow began.
///
/// # Errors
/// 401 when that session is over. 409 `identity_taken`.
pub(crate) async fn link(
    auth: &AuthState,
    identity: &Identity,
    link: &Link,
    now: Timestamp,
) -> ApiResult<()> {
    let mut attempt = 1;
    loop {
        match try_to_link(auth, identity, link, now).await {
            Err(ApiError::Database(error)) if db::is_contention(&error) && attempt < ATTEMPTS => {}
            done => return done,
        }
        attempt += 1;
    }
}

async fn try_to_link(
    auth: &AuthState,
    identity: &Identity,
    link: &Link,
    now: Timestamp,
) -> ApiResult<()> {
    let db = &auth.context.db;
    let live = sessions::find_live(db, &link.session).await?;
    let live = live.filter(|live| i64::from(live.session.user_id) == link.user);
    let live = live.filter(|live| tokens::expires(&live.session) > now);
    let user = live.ok_or(ApiError::Unauthenticated)?.session.user_id;
    let mut tx = db.begin().await?;
    // Whoever ends this session, as a new password does, came before us or waits for us.
    if !users::lock_active(&mut tx, user).await?
        || !sessions::lock_open(&mut tx, &link.session).await?
    {
        return Err(ApiError::Unauthenticated);
    }
    match identities::insert(&mut tx, identity, user, now).await {
        Err(error) if db::is_taken(&error) => {}
        done => {
            done?;
            tx.commit().await?;
            tracing::info!(user.id = %user, provider = identity.provider.as_str(), "a user linked a provider");
            return Ok(());
        }
    }
    drop(tx);
    match identities::find_owner(db, identity).await? {
        Some(owner) if owner.id == user => Ok(()),
        Some(_) => Err(ApiError::IdentityTaken(
            "this account at the provider is linked to somebody else here",
        )),
        None => Err(ApiError::IdentityTaken(
            "you have linked another account at this provider; unlink it first",
        )),
    }
}

/// Unlinks a provider from a user.
///
/// # Errors
/// 404 when it is not linked. 409 `last_way_in` when the user has no password and no other provider to sign in with.
pub(crate) async fn unlink(auth: &AuthState, user: UserId, provider: Name) -> ApiResult<()> {
    let mut tx = auth.context.db.begin().await?;
    // Whoever else unlinks one of theirs waits here: two at once must not take one another for the way that is left.
    if !users::lock_active(&mut tx, user).await? {
        return Err(ApiError::Unauthenticated);
    }
    let linked = identities::list(&mut tx, user).await?;
    if !linked.contains(&provider) {
        return Err(ApiError::NotFound("linked provider"));
    }
    let offered = |other: &Name| *other != provider && auth.config.providers.offer(*other);
    if !linked.iter().any(offered) && !users::has_password(&mut tx, user).await? {
        return Err(ApiError::LastWayIn);
    }
    identities::delete(&mut tx, user, provider).await?;
    tx.commit().await?;
    tracing::info!(user.id = %user, provider = provider.as_str(), "a user unlinked a provider");
    Ok(())
}

fn in_the_way(error: &sqlx::Error) -> bool {
    db::is_taken(error) || db::is_contention(error)
}
