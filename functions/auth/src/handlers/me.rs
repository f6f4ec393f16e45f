//! The signed-in user's own account.

use crate::{
    AuthState,
    model::{PasswordChange, SessionView, User},
    store::{sessions, users},
    tokens,
};
use axum::{extract::State, http::StatusCode};
use serde_json::{Value, json};
use shared::{
    body::Body,
    db::Db,
    error::{ApiError, ApiResult},
    extract::{Json, Path},
    id::SessionId,
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
    let checked = users::find_password_hash(db, user.id).await?;
    let right = auth
        .passwords
        .verify(change.current, checked.as_deref())
        .await?;
    let checked = checked.filter(|_| right).ok_or_else(wrong)?;
    let hash = auth.passwords.hash(change.new).await?;
    let mut tx = db.begin().await?;
    if !users::update_password(&mut tx, user.id, &checked, &hash).await? {
        return Err(wrong());
    }
    sessions::end_all(&mut tx, user.id, Some(&user.session), Timestamp::now()).await?;
    tx.commit().await?;
    auth.context.verifier.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// Lists where the user is signed in, latest first.
pub(crate) async fn list_sessions(
    State(db): State<Db>,
    user: CurrentUser,
) -> ApiResult<Json<Value>> {
    let now = Timestamp::now();
    let sessions = sessions::list(&db, user.id, tokens::alive_since(now)).await?;
    let view = |session: sessions::Session| SessionView {
        current: session.id == user.session,
        expires_at: tokens::expires(&session),
        id: session.id,
        created_at: session.created_at,
        refreshed_at: session.refreshed_at,
        client_address: session.client_address,
        user_agent: session.user_agent,
    };
    let data: Vec<_> = sessions.into_iter().map(view).collect();
    Ok(Json(json!({ "data": data, "next_cursor": null })))
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
