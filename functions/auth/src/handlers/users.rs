//! Users, for administrators.

use super::PageQuery;
use crate::{
    AuthState,
    model::{NewUser, Status, User, UserPatch, UserRow},
    store::{sessions, users},
    users as people,
};
use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use serde::Deserialize;
use shared::{
    body::Body,
    db::{Db, Tx},
    error::{ApiError, ApiResult},
    extract::{Json, Path, Query},
    id::UserId,
    page::Page,
    time::Timestamp,
    token::{AdminUser, Role},
};
use utoipa::{IntoParams, ToSchema};

/// The list's path, and which list a cursor belongs to.
const LIST: &str = "/users";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindQuery {
    /// Whether a deleted user is shown too.
    #[serde(default)]
    #[param(inline)]
    deleted: Deleted,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Deleted {
    #[default]
    Exclude,
    Include,
}

/// Lists users by id.
pub(crate) async fn list_users(
    State(auth): State<AuthState>,
    _admin: AdminUser,
    Query(query): Query<PageQuery>,
) -> ApiResult<Page<User>> {
    let cursors = &auth.config.cursors;
    let after = cursors.open(query.cursor.as_deref(), LIST)?.unwrap_or(0);
    let rows = users::list(&auth.context.db, after, query.limit.and_one()).await?;
    let key = |user: &UserRow| user.id.get();
    let page = Page::cut(rows, query.limit, cursors, LIST, key);
    Ok(page
        .map(User::from)
        .linked(&auth.context.public, LIST, &query.limit.to_query()))
}

/// Makes a user.
pub(crate) async fn create_user(
    State(auth): State<AuthState>,
    _admin: AdminUser,
    Body(new): Body<NewUser>,
) -> ApiResult<(StatusCode, [(HeaderName, String); 1], Json<User>)> {
    let user = people::create(&auth.context.db, &auth.passwords, new).await?;
    let location = auth.context.public.join(&format!("/users/{}", user.id));
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(user),
    ))
}

/// Finds a user; with `?deleted=include` also one that a record still names.
pub(crate) async fn find_user(
    State(db): State<Db>,
    _admin: AdminUser,
    Path(id): Path<UserId>,
    Query(query): Query<FindQuery>,
) -> ApiResult<Json<User>> {
    let user = users::find(&db, id).await?;
    user.filter(|user| query.deleted == Deleted::Include || !user.is_deleted())
        .map(|user| Json(user.into()))
        .ok_or(ApiError::NotFound("user"))
}

/// Changes what the body names.
pub(crate) async fn update_user(
    State(auth): State<AuthState>,
    _admin: AdminUser,
    Path(id): Path<UserId>,
    Body(patch): Body<UserPatch>,
) -> ApiResult<Json<User>> {
    let hash = match patch.password.clone() {
        Some(password) => Some(auth.passwords.hash(password).await?),
        None => None,
    };
    let user = people::begun_anew(|| try_update(&auth.context.db, id, &patch, hash.as_deref()));
    let user = user.await?;
    auth.context.verifier.forget();
    Ok(Json(user.into()))
}

async fn try_update(
    db: &Db,
    id: UserId,
    patch: &UserPatch,
    hash: Option<&str>,
) -> ApiResult<UserRow> {
    let disables = patch.status == Some(Status::Disabled);
    let mut tx = db.begin().await?;
    if disables || patch.role == Some(Role::User) {
        users::lock_admins(&mut tx).await?;
    }
    if !users::update(&mut tx, id, patch, hash).await? {
        return Err(ApiError::NotFound("user"));
    }
    if disables || hash.is_some() {
        sessions::end_all(&mut tx, id, None, Timestamp::now()).await?;
    }
    let user = users::find_in(&mut tx, id).await?;
    commit_with_an_admin(tx).await?;
    user.ok_or(ApiError::NotFound("user"))
}

/// Ends a user: no sign-in, no tokens, the address free again. Records that name the user still can.
pub(crate) async fn delete_user(
    State(auth): State<AuthState>,
    _admin: AdminUser,
    Path(id): Path<UserId>,
) -> ApiResult<StatusCode> {
    people::begun_anew(|| try_delete(&auth.context.db, id)).await?;
    auth.context.verifier.forget();
    Ok(StatusCode::NO_CONTENT)
}

async fn try_delete(db: &Db, id: UserId) -> ApiResult<()> {
    let now = Timestamp::now();
    let mut tx = db.begin().await?;
    users::lock_admins(&mut tx).await?;
    if !users::delete(&mut tx, id, now).await? {
        return Err(ApiError::NotFound("user"));
    }
    sessions::end_all(&mut tx, id, None, now).await?;
    commit_with_an_admin(tx).await
}

/// Commits only if somebody can still administer.
async fn commit_with_an_admin(mut tx: Tx) -> ApiResult<()> {
    if users::count_active_admins(&mut tx).await? == 0 {
        return Err(ApiError::LastAdmin);
    }
    Ok(tx.commit().await?)
}
