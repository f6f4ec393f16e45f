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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn google(discovery: &str) -> Google {
        let credentials = Credentials {
            id: "client".to_owned(),
            secret: "secret".to_owned().into(),
        };
        let discovery = Discovery::parse(discovery).expect("an address");
        Google::new(credentials, discovery, Http::new().expect("a client"))
    }

    #[test]
    fn a_discovery_document_is_its_issuers_and_points_to_no_place_of_ours() {
        let google = google(DISCOVERY);
        let is = |changes: Value| {
            let mut document = json!({
                "issuer": GOOGLE,
                "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
                "token_endpoint": "https://oauth2.googleapis.com/token",
                "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
                "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            });
            for (name, value) in changes.as_object().expect("an object") {
                document[name] = value.clone();
            }
            let metadata = serde_json::from_value(document).map_err(|error| error.to_string());
            metadata.and_then(|metadata| google.checked(metadata))
        };
        let post = is(json!({})).expect("a good document");
        assert!(matches!(post.client.auth_type(), AuthType::RequestBody));
        let basic = is(json!({ "token_endpoint_auth_methods_supported": null }));
        assert!(basic.is_ok_and(|it| matches!(it.client.auth_type(), AuthType::BasicAuth)));
        for bad in [
            json!({ "issuer": "https://accounts.google.com/" }),
            json!({ "issuer": GOOGLE_OF_OLD }),
            json!({ "token_endpoint": "http://oauth2.googleapis.com/token" }),
            json!({ "token_endpoint": "http://127.0.0.1:8001/token" }),
            json!({ "jwks_uri": "https://localhost/certs" }),
            json!({ "jwks_uri": "file:///etc/passwd" }),
            json!({ "authorization_endpoint": "javascript:alert(1)" }),
            json!({ "token_endpoint": null }),
        ] {
            assert!(is(bad.clone()).is_err(), "{bad}");
        }
        for bad in [
            "https://accounts.google.com/",
            "http://accounts.google.com/.well-known/openid-configuration",
            "https://accounts.google.com/.well-known/openid-configuration?a",
        ] {
            assert!(Discovery::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn google_vouches_for_the_addresses_that_it_hosts() {
        let vouched = |discovery, email: &str, hd: Option<&str>| {
            let mut claims = json!({
                "iss": "", "aud": "", "sub": "", "exp": 0, "iat": 0,
                "email": email, "email_verified": true,
            });
            if let Some(hd) = hd {
                claims["hd"] = json!(hd);
            }
            let claims: Claims = serde_json::from_value(claims).expect("claims");
            google(discovery).vouched_email(&claims)
        };
        let ada = Some("ada@gmail.com".to_owned());
        assert_eq!(vouched(DISCOVERY, "Ada@Gmail.com", None), ada);
        let ada = Some("ada@example.com".to_owned());
        assert_eq!(
            vouched(DISCOVERY, "ADA@example.com", Some("example.com")),
            ada
        );
        let other = "https://id.example.com/.well-known/openid-configuration";
        assert_eq!(vouched(other, "ada@example.com", None), ada);
        for unproven in [
            "ada@example.com",
            "ada@gmail.com.example.com",
            "ada@evil.com@gmail.com",
            "",
        ] {
            assert_eq!(vouched(DISCOVERY, unproven, None), None, "{unproven}");
        }
        // Other spellings of the same key are other mailboxes.
        for other_mailbox in [
            "ａｄａ@example.com",
            "\u{212a}im@example.com",
            " ada@example.com",
        ] {
            assert_eq!(vouched(other, other_mailbox, None), None, "{other_mailbox}");
        }
    }
}
