//! Google, by its discovery document (OpenID Connect Discovery 1.0): what it says is kept, and so are its keys.

use super::{
    Identity, Name,
    code_flow::{self, Client, Credentials},
    http::Http,
    id_token::{self, Claims, Expected, Keys, Refusal},
    kept::{Kept, lifetime},
};
use crate::flow::Flow;
use anyhow::{Context as _, anyhow};
use axum::http::{Request, Response};
use oauth2::AuthType;
use serde::Deserialize;
use shared::{
    config::{endpoint, is_loopback},
    email::Email,
    error::{ApiError, ApiResult},
    time::Timestamp,
};
use std::{fmt, io, sync::Arc, time::Duration};
use url::Url;

/// `GOOGLE_DISCOVERY_URL`, if it is not set.
pub(crate) const DISCOVERY: &str = "https://accounts.google.com/.well-known/openid-configuration";
/// What an issuer's address is followed by (Discovery 1.0, section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// Google itself, as its discovery document and most of its ID tokens name it.
const GOOGLE: &str = "https://accounts.google.com";
/// As its older ID tokens name it.
const GOOGLE_OF_OLD: &str = "accounts.google.com";
/// The longest issuer that an identity can be kept with, in characters.
const LONGEST_ISSUER: usize = 100;

/// Where the discovery document is, and whose it must be.
#[derive(Debug, Clone)]
pub(crate) struct Discovery {
    address: Url,
    issuer: String,
}

impl Discovery {
    /// Reads `GOOGLE_DISCOVERY_URL`.
    ///
    /// # Errors
    /// What it must be.
    pub(crate) fn parse(value: &str) -> Result<Self, String> {
        let address = endpoint(value)?;
        match value.strip_suffix(WELL_KNOWN) {
            Some(issuer) if issuer.len() <= LONGEST_ISSUER => Ok(Self {
                address,
                issuer: issuer.to_owned(),
            }),
            _ => Err(format!(
                "must be an issuer of at most {LONGEST_ISSUER} characters, followed by {WELL_KNOWN}"
            )),
        }
    }
}

/// Google, for one application. A clone shares what is kept.
#[derive(Clone)]
pub(crate) struct Google(Arc<Inner>);

struct Inner {
    credentials: Credentials,
    discovery: Discovery,
    http: Http,
    document: Kept<Document>,
    keys: Kept<Keys>,
}

/// What we need of a discovery document, checked.
struct Document {
    client: Client,
    keys: Url,
    /// Whether every way back says who sends it (RFC 9207, section 3).
    says_issuer: bool,
}

/// A discovery document (Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Google {
    pub(crate) fn new(credentials: Credentials, discovery: Discovery, http: Http) -> Self {
        Self(Arc::new(Inner {
            credentials,
            discovery,
            http,
            document: Kept::default(),
            keys: Kept::default(),
        }))
    }

    pub(super) fn issuer(&self) -> &str {
        &self.0.discovery.issuer
    }

    pub(super) async fn authorize(&self, flow: &Flow, now: Timestamp) -> ApiResult<Url> {
        let document = self.document(now).await?;
        let request = code_flow::authorization(&document.client, flow, &["openid", "email"])?;
        Ok(request.add_extra_param("nonce", &flow.nonce).url().0)
    }

    /// Whom a code stands for. `said` is whether the way back named its issuer, which then was the right one.
    pub(super) async fn identify(
        &self,
        flow: &Flow,
        code: &str,
        said: bool,
        now: Timestamp,
    ) -> ApiResult<Identity> {
        let document = self.document(now).await?;
        if document.says_issuer && !said {
            tracing::warn!(
                "a way back does not name its issuer, though the provider says that all do"
            );
            return Err(ApiError::InvalidState);
        }
        // Both at once: after a cold start neither waits for the other.
        let (tokens, keys) = tokio::join!(
            code_flow::exchange(&document.client, &self.0.http, flow, code),
            self.0.keys.get(now, self.fetch_keys(&document.keys)),
        );
        let token = tokens?.extra_fields().id_token.clone();
        let token = token.ok_or_else(|| failed(anyhow!("the token endpoint gave no ID token")))?;
        let keys = keys.context("the provider's keys").map_err(failed)?;
        let claims = self.check(&token, flow, &document, &keys, now).await?;
        Ok(Identity {
            provider: Name::Google,
            issuer: self.issuer().to_owned(),
            email: self.vouched_email(&claims),
            subject: super::subject(claims.sub)
                .ok_or_else(|| failed(anyhow!("the person has no usable `sub`")))?,
        })
    }

    async fn check(
        &self,
        token: &str,
        flow: &Flow,
        document: &Document,
        keys: &Arc<Keys>,
        now: Timestamp,
    ) -> ApiResult<Claims> {
        let issuer = self.issuer();
        let old = (issuer == GOOGLE).then_some(GOOGLE_OF_OLD);
        let expected = Expected {
            issuers: &[issuer, old.unwrap_or(issuer)],
            client_id: &self.0.credentials.id,
            nonce: &flow.nonce,
            began: flow.began(),
            now,
        };
        let mut checked = id_token::check(token, keys, &expected);
        if let Err(Refusal::UnknownKey) = checked {
            let fetch = self.fetch_keys(&document.keys);
            let newer = self.0.keys.newer(keys, now, fetch).await;
            let newer = newer.context("the provider's keys").map_err(failed)?;
            checked = id_token::check(token, &newer, &expected);
        }
        checked.map_err(|refusal| failed(anyhow!("the ID token {}", refusal.reason())))
    }

    /// The address that is this person's beyond doubt, as addresses are compared.
    fn vouched_email(&self, claims: &Claims) -> Option<String> {
        let address = claims.verified_email()?;
        let email = Email::parse(address).ok()?;
        // Another spelling in Unicode can be another mailbox: only case may differ from what is compared.
        let key = Some(email.key()).filter(|key| *key == address.to_ascii_lowercase())?;
        // An address elsewhere was proven to Google once, by whoever had it then (Google, "Verify the Google ID token").
        let hosted = key.ends_with("@gmail.com") || claims.is_hosted();
        (self.issuer() != GOOGLE || hosted).then_some(key)
    }

    async fn document(&self, now: Timestamp) -> ApiResult<Arc<Document>> {
        let document = self.0.document.get(now, self.fetch_document()).await;
        document.context("the discovery document").map_err(failed)
    }

    async fn fetch_document(&self) -> io::Result<(Document, Duration)> {
        let answer = self.get(&self.0.discovery.address).await?;
        let metadata: Metadata = serde_json::from_slice(answer.body())
            .map_err(|_| io::Error::other("it is not of its form"))?;
        let document = self.checked(metadata).map_err(io::Error::other)?;
        Ok((document, lifetime(answer.headers())))
    }

    fn checked(&self, metadata: Metadata) -> Result<Document, String> {
        let Discovery { address, issuer } = &self.0.discovery;
        if metadata.issuer != *issuer {
            return Err("it is another issuer's".to_owned());
        }
        // A provider elsewhere has no business to send us to this machine.
        let endpoint = |name: &str, value: &str| match endpoint(value) {
            Ok(url) if !is_loopback(&url) || is_loopback(address) => Ok(url),
            _ => Err(format!("its {name} is not an address of ours to call")),
        };
        // The first that both know; without a list, what the standard says (Discovery 1.0, section 3).
        let methods = metadata.token_endpoint_auth_methods_supported;
        let method = methods.iter().flatten().find_map(|name| match &**name {
            "client_secret_basic" => Some(AuthType::BasicAuth),
            "client_secret_post" => Some(AuthType::RequestBody),
            _ => None,
        });
        Ok(Document {
            client: code_flow::client(
                &self.0.credentials,
                endpoint("authorization_endpoint", &metadata.authorization_endpoint)?,
                endpoint("token_endpoint", &metadata.token_endpoint)?,
                method.unwrap_or(AuthType::BasicAuth),
            ),
            keys: endpoint("jwks_uri", &metadata.jwks_uri)?,
            says_issuer: metadata.authorization_response_iss_parameter_supported,
        })
    }

    async fn fetch_keys(&self, address: &Url) -> io::Result<(Keys, Duration)> {
        let answer = self.get(address).await?;
        let keys = Keys::parse(answer.body()).map_err(io::Error::other)?;
        Ok((keys, lifetime(answer.headers())))
    }

    async fn get(&self, address: &Url) -> io::Result<Response<Vec<u8>>> {
        let request = Request::get(address.as_str()).body(Vec::new());
        self.0.http.get(request.map_err(io::Error::other)?).await
    }
}

fn failed(error: anyhow::Error) -> ApiError {
    ApiError::ProviderError(error)
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Google")
            .field(&self.0.discovery.issuer)
            .finish()
    }
}
