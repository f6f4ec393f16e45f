//! Signing in and out, and the next tokens.

use crate::{
    AuthState,
    model::{Credentials, RefreshRequest},
    store::{
        sessions::{self, Live, Session},
        users,
    },
    tokens::{self, Tokens},
};
use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use jsonwebtoken::jwk::JwkSet;
use shared::{
    body::Body,
    error::{ApiError, ApiResult},
    extract::Json,
    id::SessionId,
    time::Timestamp,
    token::CurrentUser,
};
use std::time::Duration;

/// Carries the refresh token of a browser that signed in through a provider.
const COOKIE: &str = "__Host-refresh";
/// For so long the previous refresh token gives the same successor again: answers get lost, and tabs race.
const FORGIVENESS: Duration = Duration::from_secs(20);
/// How much of a `User-Agent` is kept, in characters.
const USER_AGENT: usize = 200;

/// Signs in with e-mail address and password.
pub(crate) async fn log_in(
    State(auth): State<AuthState>,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> ApiResult<Json<Tokens>> {
    let db = &auth.context.db;
    let user = users::find_to_sign_in(db, &credentials.email_key).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let right = auth.passwords.verify(credentials.password, hash).await?;
    let user = user.filter(|_| right).ok_or(ApiError::InvalidCredentials)?;
    let checked = user.password_hash.as_deref().unwrap_or_default();
    let now = Timestamp::now();
    let session = Session {
        id: SessionId::generate(),
        user_id: user.id,
        counter: 0,
        created_at: now,
        refreshed_at: now,
        client_address: auth.config.client_address(&headers),
        user_agent: user_agent(&headers),
    };
    let mut tx = db.begin().await?;
    if !users::update_last_login(&mut tx, user.id, checked, now).await? {
        return Err(ApiError::InvalidCredentials);
    }
    sessions::insert(&mut tx, &session).await?;
    tx.commit().await?;
    auth.issuer.issue(&session, user.role, now).map(Json)
}

/// Exchanges a refresh token for the next tokens.
pub(crate) async fn refresh_token(
    State(auth): State<AuthState>,
    presented: Presented,
) -> ApiResult<Response> {
    let now = Timestamp::now();
    let (id, counter) = auth
        .issuer
        .open(presented.token())
        .ok_or(ApiError::InvalidRefreshToken)?;
    let Live { session, role } = exchange(&auth, &id, counter, now).await?;
    let mut tokens = auth.issuer.issue(&session, role, now)?;
    if let Presented::Body(_) = presented {
        return Ok(Json(tokens).into_response());
    }
    // What came in the cookie goes back in the cookie: scripts never see it.
    let token = tokens.refresh_token.take().unwrap_or_default();
    let cookie = cookie(&token, tokens.refresh_expires_in)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(tokens)).into_response())
}

/// Moves a session on by one, or forgives the previous token, or ends the session.
async fn exchange(
    auth: &AuthState,
    id: &SessionId,
    counter: i64,
    now: Timestamp,
) -> ApiResult<Live> {
    let db = &auth.context.db;
    let find = async || -> ApiResult<Live> {
        let live = sessions::find_live(db, id).await?;
        live.filter(|live| tokens::expires(&live.session) > now)
            .ok_or(ApiError::InvalidRefreshToken)
    };
    let mut live = find().await?;
    if live.session.counter == counter {
        if sessions::advance(db, id, counter, now).await? {
            live.session.counter += 1;
            live.session.refreshed_at = now;
            return Ok(live);
        }
        live = find().await?;
    }
    let previous = live.session.counter == counter + 1;
    if previous && now.since(live.session.refreshed_at) <= FORGIVENESS {
        return Ok(live);
    }
    // A token that was used before: its owner or a thief has the newer one. Nobody keeps the session.
    sessions::end(db, id, live.session.user_id, now).await?;
    auth.context.verifier.forget();
    tracing::warn!(session.id = %id, user.id = %live.session.user_id, "a used refresh token came back; session ended");
    Err(ApiError::InvalidRefreshToken)
}

/// Ends the session of the access token.
pub(crate) async fn log_out(
    State(auth): State<AuthState>,
    user: CurrentUser,
) -> ApiResult<Response> {
    sessions::end(&auth.context.db, &user.session, user.id, Timestamp::now()).await?;
    auth.context.verifier.forget();
    let cleared = cookie("", 0)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cleared)]).into_response())
}

/// Publishes the keys that check access tokens.
pub(crate) async fn list_keys(
    State(auth): State<AuthState>,
) -> ([(header::HeaderName, HeaderValue); 1], Json<JwkSet>) {
    let keep = HeaderValue::from_static("public, max-age=600");
    let keys = auth.config.verifying_keys.published().clone();
    ([(header::CACHE_CONTROL, keep)], Json(keys))
}

/// A refresh token, and how it came.
#[derive(Debug)]
pub(crate) enum Presented {
    Body(String),
    Cookie(String),
}

impl Presented {
    fn token(&self) -> &str {
        match self {
            Self::Body(token) | Self::Cookie(token) => token,
        }
    }
}

impl FromRequest<AuthState> for Presented {
    type Rejection = ApiError;

    async fn from_request(request: Request, auth: &AuthState) -> ApiResult<Self> {
        let headers = request.headers();
        let cookie = match headers.contains_key(header::CONTENT_TYPE) {
            true => None,
            false => cookie_token(headers),
        };
        let Some(token) = cookie else {
            let Body(RefreshRequest(token)) = Body::from_request(request, auth).await?;
            return Ok(Self::Body(token));
        };
        if !same_origin(headers, &auth.config.cookie_origins) {
            return Err(ApiError::Forbidden(
                "the refresh cookie works only from the product's own pages",
            ));
        }
        Ok(Self::Cookie(token))
    }
}

/// Whether a browser says that the request comes from our own pages, or from a listed origin (Fetch Metadata).
fn same_origin(headers: &HeaderMap, origins: &[String]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let listed =
        || text("origin").is_some_and(|origin| origins.iter().any(|known| known == origin));
    text("sec-fetch-site") == Some("same-origin") || listed()
}

fn cookie_token(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| token.to_owned())
}

fn cookie(token: &str, seconds: u64) -> ApiResult<HeaderValue> {
    let cookie =
        format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    HeaderValue::from_str(&cookie).map_err(|error| ApiError::Internal(error.into()))
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(USER_AGENT).collect())
}
