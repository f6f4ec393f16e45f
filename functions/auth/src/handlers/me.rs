//! The signed-in user's own account.

use super::PageQuery;
use crate::{
    AuthState,
    model::{PasswordChange, SessionView, User},
    store::{sessions, users},
    tokens,
};
use axum::{extract::State, http::StatusCode};
use shared::{
    body::Body,
    db::Db,
    error::{ApiError, ApiResult},
    extract::{Json, Path, Query},
    id::{SessionId, UserId},
    page::Page,
    time::Timestamp,
    token::CurrentUser,
};

/// Finds the signed-in user.
pub(crate) async fn find_me(State(db): State<Db>, user: CurrentUser) -> ApiResult<Json<User>> {
    let me = users::find(&db, user.id).await?;
    me.map(|me| Json(me.into()))
        .ok_or(ApiError::Unauthenticated)
}

/// Changes one's own password, and ends every other session.
pub(crate) async fn update_password(
    State(auth): State<AuthState>,
    user: CurrentUser,
    Body(change): Body<PasswordChange>,
) -> ApiResult<StatusCode> {
    let db = &auth.context.db;
    let wrong = || {
        ApiError::invalid_field(
            "current_password",
            "wrong_password",
            "`current_password` is not your password; an administrator can set a new one",
        )
    };
    let attempt = auth.config.limits.own_password(user.id);
    attempt.count(db, Timestamp::now()).await?;
    let hashed = attempt
        .unless_broken(db, hash_new(&auth, user.id, change))
        .await?;
    let (checked, hash) = hashed.ok_or_else(wrong)?;
    let mut tx = db.begin().await?;
    // The user first, as whoever signs in does it: the other way round the two would wait for each other.
    if !users::update_password(&mut tx, user.id, &checked, &hash).await? {
        return Err(wrong());
    }
    attempt.give_back(&mut tx).await?;
    sessions::end_all(&mut tx, user.id, Some(&user.session), Timestamp::now()).await?;
    tx.commit().await?;
    auth.context.verifier.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// The hash that a user's password has, if they know it, and that of their new one.
async fn hash_new(
    auth: &AuthState,
    user: UserId,
    change: PasswordChange,
) -> ApiResult<Option<(String, String)>> {
    let checked = users::find_password_hash(&auth.context.db, user).await?;
    let current = checked.as_deref();
    if !auth.passwords.verify(change.current, current).await? {
        return Ok(None);
    }
    let hash = auth.passwords.hash(change.new).await?;
    Ok(checked.map(|checked| (checked, hash)))
}

/// Lists where the user is signed in, latest first.
pub(crate) async fn list_sessions(
    State(auth): State<AuthState>,
    user: CurrentUser,
    Query(query): Query<PageQuery>,
) -> ApiResult<Page<SessionView>> {
    const LIST: &str = "/me/sessions";
    let (cursors, limit) = (&auth.config.cursors, query.limit);
    let list = format!("{LIST} of {}", user.id);
    let after = cursors.open(query.cursor.as_deref(), &list)?;
    let alive = tokens::alive_since(Timestamp::now());
    let rows = sessions::list(&auth.context.db, user.id, alive, after, limit.and_one()).await?;
    let place =
        |session: &sessions::Session| (session.created_at.micros(), session.id.as_str().to_owned());
    let page = Page::cut(rows, limit, cursors, &list, place);
    let view = |session: sessions::Session| SessionView {
        current: session.id == user.session,
        expires_at: tokens::expires(&session),
        id: session.id,
        created_at: session.created_at,
        refreshed_at: session.refreshed_at,
        client_address: session.client_address,
        user_agent: session.user_agent,
    };
    Ok(page
        .map(view)
        .linked(&auth.context.public, LIST, &limit.to_query()))
}

/// Ends one of the user's sessions.
pub(crate) async fn delete_session(
    State(auth): State<AuthState>,
    user: CurrentUser,
    Path(id): Path<SessionId>,
) -> ApiResult<StatusCode> {
    if !sessions::end(&auth.context.db, &id, user.id, Timestamp::now()).await? {
        return Err(ApiError::NotFound("session"));
    }
    auth.context.verifier.forget();
    Ok(StatusCode::NO_CONTENT)
}
