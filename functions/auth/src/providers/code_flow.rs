//! The authorization code flow that both providers share (RFC 6749, section 4.1, with PKCE), by the oauth2 crate.

use super::http::Http;
use crate::flow::Flow;
use anyhow::anyhow;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, AuthorizationRequest, ClientId,
    ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, ErrorResponse, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
    basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    config::Secret,
    error::{ApiError, ApiResult},
};
use std::{borrow::Cow, fmt, io, pin::Pin};
use url::Url;

/// What a provider's console gives an application.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: Secret,
}

/// Speaks to one provider's authorization and token endpoints.
pub(crate) type Client = oauth2::Client<
    TokenError,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What a token endpoint answers.
pub(crate) type Tokens = StandardTokenResponse<IdToken, BasicTokenType>;

/// What OpenID Connect adds to it (Core 1.0, section 3.1.3.3).
#[derive(Serialize, Deserialize)]
pub(crate) struct IdToken {
    #[serde(default)]
    pub(crate) id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken(***)")
    }
}

/// How a token endpoint refuses: a word (RFC 6749, section 5.2), or an object of Facebook's with a number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TokenError {
    error: Value,
}

impl TokenError {
    /// Whether it is about the code, not about us: used up, too old, or of another flow.
    fn is_about_the_code(&self) -> bool {
        // 100: "invalid parameter", which Facebook says of every code that it does not take.
        self.error == "invalid_grant" || self.error["code"] == 100
    }
}

impl fmt::Display for TokenError {
    /// The word or the number alone: descriptions are free text and could repeat a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Value::String(word) => f.write_str(&super::word(word)),
            object => write!(f, "code {}", object["code"].as_i64().unwrap_or_default()),
        }
    }
}

impl ErrorResponse for TokenError {}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

pub(crate) fn client(
    credentials: &Credentials,
    authorize: Url,
    token: Url,
    auth_type: AuthType,
) -> Client {
    oauth2::Client::new(ClientId::new(credentials.id.clone()))
        .set_client_secret(ClientSecret::new(credentials.secret.reveal().to_owned()))
        .set_auth_type(auth_type)
        .set_auth_uri(AuthUrl::from_url(authorize))
        .set_token_uri(TokenUrl::from_url(token))
}

/// The address at which a person agrees.
pub(crate) fn authorization<'a>(
    client: &'a Client,
    flow: &Flow,
    scopes: &[&str],
) -> ApiResult<AuthorizationRequest<'a>> {
    let verifier = PkceCodeVerifier::new(flow.verifier.clone());
    let scopes = scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
    Ok(client
        .authorize_url(|| CsrfToken::new(flow.state.clone()))
        .set_redirect_uri(redirect_uri(flow)?)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(scopes))
}

/// Exchanges the code that came back.
pub(crate) async fn exchange(
    client: &Client,
    http: &Http,
    flow: &Flow,
    code: &str,
) -> ApiResult<Tokens> {
    let answer = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_redirect_uri(redirect_uri(flow)?)
        .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()))
        .request_async(http)
        .await;
    answer.map_err(|error| match error {
        RequestTokenError::ServerResponse(error) if error.is_about_the_code() => {
            tracing::warn!(provider = flow.provider.as_str(), %error, "a provider does not take its code");
            ApiError::ProviderDenied
        }
        // What could not be read is not shown: it may hold tokens.
        error => ApiError::ProviderError(match error {
            RequestTokenError::ServerResponse(error) => anyhow!("the token endpoint refused: {error}"),
            RequestTokenError::Request(error) => anyhow!("the token endpoint: {error}"),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                anyhow!("the token endpoint's answer is not of its form")
            }
        }),
    })
}

fn redirect_uri(flow: &Flow) -> ApiResult<Cow<'static, RedirectUrl>> {
    let uri = RedirectUrl::new(flow.redirect_uri.clone()).map_err(anyhow::Error::from)?;
    Ok(Cow::Owned(uri))
}
