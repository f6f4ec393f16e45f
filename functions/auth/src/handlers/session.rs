//! Sessions: how one begins, its next tokens, and signing out.

use crate::{
    AuthState, Config,
    cookies::{self, SameSite},
    model::{RefreshIn, RefreshRequest},
    store::sessions::{self, Live, Session},
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
    db::Tx,
    error::{ApiError, ApiResult},
    extract::Json,
    id::{SessionId, UserId},
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

/// Begins a session in the transaction that has found that the user may sign in, and commits it.
pub(crate) async fn begin_session(
    auth: &AuthState,
    mut tx: Tx,
    user: UserId,
    headers: &HeaderMap,
    now: Timestamp,
) -> ApiResult<Session> {
    let session = Session {
        id: SessionId::generate(),
        user_id: user,
        counter: 0,
        created_at: now,
        refreshed_at: now,
        client_address: auth
            .config
            .client_address(headers)
            .map(|address| address.to_string()),
        user_agent: user_agent(headers),
    };
    sessions::insert(&mut tx, &session).await?;
    tx.commit().await?;
    Ok(session)
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
    // What came in the cookie goes back in the cookie.
    let refresh_in = match presented {
        Presented::Body(_) => RefreshIn::Body,
        Presented::Cookie(_) => RefreshIn::Cookie,
    };
    answered(auth.issuer.issue(&session, role, now)?, refresh_in)
}

/// Tokens as whoever asks wants them: the refresh token in the body, or in its cookie.
pub(crate) fn answered(tokens: Tokens, refresh_in: RefreshIn) -> ApiResult<Response> {
    if refresh_in == RefreshIn::Body {
        return Ok(Json(tokens).into_response());
    }
    let (cookie, tokens) = in_cookie(tokens)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(tokens)).into_response())
}

/// Moves the refresh token into its cookie.
pub(crate) fn in_cookie(mut tokens: Tokens) -> ApiResult<(HeaderValue, Tokens)> {
    let token = tokens.refresh_token.take().unwrap_or_default();
    let cookie = cookies::set(COOKIE, &token, SameSite::Strict, tokens.refresh_expires_in)?;
    Ok((cookie, tokens))
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
    let cleared = cookies::set(COOKIE, "", SameSite::Strict, 0)?;
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
            false => cookies::find(headers, COOKIE).map(str::to_owned),
        };
        let Some(token) = cookie else {
            let Body(RefreshRequest {
                refresh_token: token,
            }) = Body::from_request(request, auth).await?;
            return Ok(Self::Body(token));
        };
        from_our_pages(headers, &auth.config)?;
        Ok(Self::Cookie(token))
    }
}

/// Lets a request through if a browser says that it comes from our own pages (Fetch Metadata), or from a listed origin.
///
/// Our own origin counts where the browser does not send Fetch Metadata: one that does says `same-origin` itself.
///
/// # Errors
/// 403 for everybody else.
pub(crate) fn from_our_pages(headers: &HeaderMap, config: &Config) -> ApiResult<()> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let (site, origin) = (text("sec-fetch-site"), text("origin"));
    let is = |known: &String| Some(known.as_str()) == origin;
    let ours = match site {
        Some("same-origin") => true,
        Some(_) => config.other_origins.iter().any(is),
        None => is(&config.own_origin) || config.other_origins.iter().any(is),
    };
    ours.then_some(()).ok_or(ApiError::Forbidden(
        "the refresh cookie works only from the product's own pages",
    ))
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(USER_AGENT).collect())
}
