//! Signing in through a provider: out to it, and back.

use super::session::in_cookie;
use crate::{
    AuthState,
    accept::prefers_html,
    answer::Answer,
    cookies,
    flow::{self, Flow, Link},
    identities,
    model::{Departure, Linked, Offered},
    providers::{Name, Provider},
    tokens::Tokens,
};
use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    error::{ApiError, ApiResult},
    extract::{Json, Path, Query},
    time::Timestamp,
};
use utoipa::IntoParams;

impl FromRequestParts<AuthState> for Provider {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, auth: &AuthState) -> ApiResult<Self> {
        let Path(name): Path<String> = Path::from_request_parts(parts, auth).await?;
        auth.config.providers.find(&name)
    }
}

/// Lists the providers that people can sign in with, for a page that shows a button for each.
pub(crate) async fn list_providers(State(auth): State<AuthState>) -> Json<Offered> {
    let offered = |name: &Name| auth.config.providers.offer(*name);
    let names: Vec<_> = Name::ALL.into_iter().filter(offered).collect();
    Json(Offered { providers: names })
}

/// What whoever begins may wish.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// The page to come back to with the refresh cookie, one of those that the product allows: `/signin`.
    #[param(example = "/signin")]
    return_to: Option<String>,
}

/// A flow that has begun: where to go, and the cookies to go with.
pub(crate) struct Begun {
    uri: String,
    cookies: Vec<HeaderValue>,
}

/// Begins a sign-in: the provider's address as JSON, or a browser is sent there.
pub(crate) async fn begin_sign_in(
    State(auth): State<AuthState>,
    provider: Provider,
    Query(wish): Query<Begin>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (page, name) = (prefers_html(&headers), provider.name());
    let return_to = wish.return_to.clone();
    match (
        begin(&auth, &provider, wish, None, &headers).await,
        return_to,
    ) {
        (Ok(begun), _) if page => begun.redirected(),
        (Ok(begun), _) => Ok(begun.in_json()),
        (Err(error @ ApiError::ProviderError(_)), Some(path)) if page => {
            came_to_nothing(error, name, &path)
        }
        (Err(error), _) => Err(error),
    }
}

/// Begins a flow.
///
/// # Errors
/// 400 when the browser wants to come back to a path that is not in the list.
pub(crate) async fn begin(
    auth: &AuthState,
    provider: &Provider,
    wish: Begin,
    link: Option<Link>,
    headers: &HeaderMap,
) -> ApiResult<Begun> {
    let now = Timestamp::now();
    if let Some(path) = &wish.return_to
        && !auth.config.return_to.contains(path)
    {
        return Err(ApiError::MalformedQuery(format!(
            "`return_to` must be one of the paths that RETURN_TO lists: {}",
            auth.config.return_to.join(", ")
        )));
    }
    let uri = provider.redirect_uri();
    let flow = Flow::begin(provider.name(), uri, wish.return_to, link, now);
    Ok(Begun {
        uri: provider.authorize(&flow, now).await?.into(),
        cookies: auth.config.flow_key.keep(&flow, headers)?,
    })
}

impl Begun {
    pub(crate) fn in_json(self) -> Response {
        let body = Json(Departure { uri: self.uri });
        dressed(body.into_response(), self.cookies)
    }

    fn redirected(self) -> ApiResult<Response> {
        Ok(dressed(see_other(&self.uri)?, self.cookies))
    }
}

/// Ends a flow: signs in, or links. A browser that wanted to come back is sent there, with a failure's code if need be.
pub(crate) async fn finish(
    State(auth): State<AuthState>,
    provider: Provider,
    Query(answer): Query<Answer>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let now = Timestamp::now();
    let state = answer.only("state").ok().flatten().unwrap_or_default();
    let flow = auth.config.flow_key.find(&headers, state, now);
    // One of another provider would make this one's code go there (RFC 9700, section 4.4).
    let name = provider.name();
    let flow = flow.filter(|flow| flow.provider == name);
    let done = match &flow {
        Some(flow) => end(&auth, &provider, flow, &answer, &headers, now).await,
        None => Err(ApiError::InvalidState),
    };
    let return_to = flow.as_ref().and_then(|flow| flow.return_to.as_deref());
    let response = match (done, return_to) {
        (Ok(response), _) => response,
        (Err(error), Some(path)) => came_to_nothing(error, name, path)?,
        (Err(error), None) => error.into_response(),
    };
    // Whatever it was, it is over.
    let cookie = flow::cookie_name(state);
    let over = cookies::find(&headers, &cookie).map(|_| flow::cleared(&cookie));
    Ok(dressed(response, over.transpose()?.into_iter().collect()))
}

/// A look at the callback would use up its code: there is only the visit.
pub(crate) async fn refuse_head() -> impl IntoResponse {
    (
        [(header::ALLOW, HeaderValue::from_static("GET"))],
        ApiError::MethodNotAllowed,
    )
}

async fn end(
    auth: &AuthState,
    provider: &Provider,
    flow: &Flow,
    answer: &Answer,
    headers: &HeaderMap,
    now: Timestamp,
) -> ApiResult<Response> {
    let issuer = answer.only("iss")?;
    if issuer.is_some_and(|issuer| issuer != provider.issuer()) {
        return Err(ApiError::InvalidState);
    }
    let (code, said) = (answer.code()?, issuer.is_some());
    let identity = provider.identify(flow, code, said, now).await?;
    // That may have taken seconds.
    let now = Timestamp::now();
    if let Some(link) = &flow.link {
        identities::link(auth, &identity, link, now).await?;
        return linked(flow);
    }
    let (session, role) = identities::sign_in(auth, &identity, headers, now).await?;
    signed_in(flow, auth.issuer.issue(&session, role, now)?)
}

fn signed_in(flow: &Flow, tokens: Tokens) -> ApiResult<Response> {
    let Some(path) = &flow.return_to else {
        return Ok(Json(tokens).into_response());
    };
    let (cookie, _) = in_cookie(tokens)?;
    Ok(dressed(back(flow.provider, path)?, vec![cookie]))
}

fn linked(flow: &Flow) -> ApiResult<Response> {
    let name = flow.provider;
    match &flow.return_to {
        Some(path) => back(name, &format!("{path}?linked={}", name.as_str())),
        None => Ok(Json(Linked { linked: name }).into_response()),
    }
}

/// A browser that wanted to come back gets there with the code of what went wrong, and nothing else about it.
fn came_to_nothing(error: ApiError, name: Name, path: &str) -> ApiResult<Response> {
    let (status, code) = error.status();
    let cause = format!("{:#}", anyhow::Error::new(error));
    match status.is_server_error() {
        true => tracing::error!(code, cause, "a way through a provider failed"),
        false => tracing::info!(code, "a way through a provider came to nothing"),
    }
    back(name, &format!("{path}?error={code}"))
}

/// Back to one of our pages. Facebook appends `#_=_` to its way back, and a browser carries that over to an address
/// without a fragment of its own, be it an empty one.
fn back(from: Name, address: &str) -> ApiResult<Response> {
    match from {
        Name::Google => see_other(address),
        Name::Facebook => see_other(&format!("{address}#")),
    }
}

/// Never 307, which would send a form's body on (RFC 9700, section 4.12).
fn see_other(address: &str) -> ApiResult<Response> {
    let address = HeaderValue::from_str(address).map_err(anyhow::Error::from)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response())
}

/// Adds cookies, and what keeps codes and states out of caches and other sites' logs.
fn dressed(mut response: Response, cookies: Vec<HeaderValue>) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}
