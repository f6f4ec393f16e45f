//! Linking a provider to the signed-in user, and unlinking it.

use super::provider::{Begin, begin};
use crate::{
    AuthState,
    flow::Link,
    identities,
    providers::{Name, Provider},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use shared::{
    error::ApiResult,
    extract::{Path, Query},
    token::CurrentUser,
};

/// Begins to link a provider: the address at which the user agrees, and the flow's cookie. The callback ends it.
pub(crate) async fn begin_link(
    State(auth): State<AuthState>,
    user: CurrentUser,
    provider: Provider,
    Query(wish): Query<Begin>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let link = Link {
        user: user.id.into(),
        session: user.session,
    };
    let begun = begin(&auth, &provider, wish, Some(link), &headers).await?;
    Ok(begun.in_json())
}

/// Unlinks a provider, also one that is not configured any more.
pub(crate) async fn delete_identity(
    State(auth): State<AuthState>,
    user: CurrentUser,
    Path(provider): Path<String>,
) -> ApiResult<StatusCode> {
    identities::unlink(&auth, user.id, Name::parse(&provider)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
