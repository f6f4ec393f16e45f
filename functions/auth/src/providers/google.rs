//! Google, by its discovery document (OpenID Connect Discovery 1.0): what it says is kept, and so are its keys.

use super::{
    Identity, Name,
    code_flow::{self, Credentials},
    discovery::{Discovery, Document},
    http::Http,
    id_token::{self, Claims, Expected, Keys, Refusal},
    kept::{Kept, lifetime},
};
use crate::flow::Flow;
use anyhow::{Context as _, anyhow};
use axum::http::{Request, Response};
use shared::{
    email::Email,
    error::{ApiError, ApiResult},
    time::Timestamp,
};
use std::{fmt, io, sync::Arc, time::Duration};
use url::Url;

/// Google itself, as its discovery document and most of its ID tokens name it.
const GOOGLE: &str = "https://accounts.google.com";
/// As its older ID tokens name it.
const GOOGLE_OF_OLD: &str = "accounts.google.com";
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
        self.0.discovery.issuer()
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
        let Inner {
            discovery,
            credentials,
            ..
        } = &*self.0;
        let answer = self.get(discovery.address()).await?;
        let document = Document::read(answer.body(), discovery, credentials);
        let document = document.map_err(io::Error::other)?;
        Ok((document, lifetime(answer.headers())))
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
            .field(&self.0.discovery.issuer())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::discovery::DISCOVERY;
    use super::*;
    use serde_json::json;

    fn google(discovery: &str) -> Google {
        let credentials = Credentials {
            id: "client".to_owned(),
            secret: "secret".to_owned().into(),
        };
        let discovery = Discovery::parse(discovery).expect("an address");
        Google::new(credentials, discovery, Http::new().expect("a client"))
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
