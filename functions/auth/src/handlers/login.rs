//! Signing in with e-mail address and password.

use super::session::{answered, begin_session, from_our_pages};
use crate::{
    AuthState,
    deadline::Deadline,
    model::{Credentials, RefreshIn},
    store::users,
};
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use shared::{
    body::Body,
    error::{ApiError, ApiResult},
    time::Timestamp,
};

/// Signs in with e-mail address and password.
pub(crate) async fn log_in(
    State(auth): State<AuthState>,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> ApiResult<Response> {
    let deadline = Deadline::begin();
    if credentials.refresh_in == RefreshIn::Cookie {
        from_our_pages(&headers, &auth.config)?;
    }
    let signed_in = sign_in(&auth, &headers, credentials).await;
    if let Err(ApiError::InvalidCredentials) = signed_in {
        deadline.reached().await;
    }
    signed_in
}

async fn sign_in(
    auth: &AuthState,
    headers: &HeaderMap,
    credentials: Credentials,
) -> ApiResult<Response> {
    let (db, config, now) = (&auth.context.db, &auth.config, Timestamp::now());
    let user = users::find_to_sign_in(db, &credentials.email_key).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let account = config.limits.account(&credentials.email_key);
    let device = config.devices.find(headers, &account, hash, now);
    let address = config.client_address(headers);
    let attempt = config.limits.sign_in(&account, address, device.as_deref());
    attempt.count(db, now).await?;
    let refresh_in = credentials.refresh_in;
    // One password is hashed, whoever it is.
    let verified = auth.passwords.verify(credentials.password, hash);
    let right = attempt.unless_broken(db, verified).await?;
    let user = user.filter(|_| right);
    let user = user.ok_or(ApiError::InvalidCredentials)?;
    // That may have taken seconds.
    let now = Timestamp::now();
    let checked = user.password_hash.as_deref().unwrap_or_default();
    let mut tx = db.begin().await?;
    if !users::update_last_login(&mut tx, user.id, checked, now).await? {
        return Err(ApiError::InvalidCredentials);
    }
    attempt.give_back(&mut tx).await?;
    let session = begin_session(auth, tx, user.id, headers, now).await?;
    let tokens = auth.issuer.issue(&session, user.role, now)?;
    let mut response = answered(tokens, refresh_in)?;
    // By which the browser is known from now on.
    for cookie in config.devices.keep(headers, &account, checked, now)? {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
