//! Facebook: OAuth with Graph's `/me`, whose `id` is a person's for this one application.
//!
//! The e-mail address is not asked for. Facebook does not say whether it is verified, so it proves nothing.

use super::{
    Identity, Name,
    code_flow::{self, Client, Credentials},
    http::Http,
};
use crate::flow::Flow;
use anyhow::{Context as _, anyhow};
use axum::http::{Request, header};
use oauth2::{AuthType, TokenResponse as _};
use ring::hmac;
use serde::Deserialize;
use shared::{
    config::{Env, endpoint},
    error::{ApiError, ApiResult},
};
use std::{fmt, sync::Arc};
use url::Url;

/// Who vouches for Facebook's ids (its OpenID configuration's `issuer`).
pub(crate) const ISSUER: &str = "https://www.facebook.com";
// Without a version Graph answers as the oldest one that the application may use, so none here ever expires.
const AUTHORIZE: &str = "https://www.facebook.com/dialog/oauth";
const ACCESS_TOKEN: &str = "https://graph.facebook.com/oauth/access_token";
const USER_INFO: &str = "https://graph.facebook.com/me";

/// Where Facebook is.
#[derive(Debug)]
pub(crate) struct Addresses {
    authorize: Url,
    access_token: Url,
    user_info: Url,
}

impl Addresses {
    /// Reads `FACEBOOK_AUTHORIZE_URL`, `FACEBOOK_ACCESS_TOKEN_URL` and `FACEBOOK_USER_INFO_URL`.
    pub(crate) fn read(env: &mut Env) -> Option<Self> {
        let mut address = |name, default: &str| {
            let default = Url::parse(default).expect("a constant address");
            env.or(name, default, endpoint)
        };
        let authorize = address("FACEBOOK_AUTHORIZE_URL", AUTHORIZE);
        let access_token = address("FACEBOOK_ACCESS_TOKEN_URL", ACCESS_TOKEN);
        let user_info = address("FACEBOOK_USER_INFO_URL", USER_INFO);
        if user_info.as_ref().is_some_and(|url| url.query().is_some()) {
            env.mistake(
                "FACEBOOK_USER_INFO_URL",
                "must not hold a query; it is added",
            );
        }
        Some(Self {
            authorize: authorize?,
            access_token: access_token?,
            user_info: user_info?,
        })
    }
}

/// Facebook, for one application. A clone shares everything.
#[derive(Clone)]
pub(crate) struct Facebook(Arc<Inner>);

struct Inner {
    client: Client,
    secret: hmac::Key,
    user_info: Url,
    http: Http,
}

/// What Graph answers about whoever the token belongs to.
#[derive(Deserialize)]
struct Me {
    id: String,
}

impl Facebook {
    pub(crate) fn new(credentials: &Credentials, addresses: Addresses, http: Http) -> Self {
        let secret = credentials.secret.reveal().as_bytes();
        Self(Arc::new(Inner {
            client: code_flow::client(
                credentials,
                addresses.authorize,
                addresses.access_token,
                AuthType::RequestBody,
            ),
            secret: hmac::Key::new(hmac::HMAC_SHA256, secret),
            user_info: addresses.user_info,
            http,
        }))
    }

    pub(super) fn authorize(&self, flow: &Flow) -> ApiResult<Url> {
        let request = code_flow::authorization(&self.0.client, flow, &["public_profile"])?;
        Ok(request.url().0)
    }

    pub(super) async fn identify(&self, flow: &Flow, code: &str) -> ApiResult<Identity> {
        let Inner { client, http, .. } = &*self.0;
        let tokens = code_flow::exchange(client, http, flow, code).await?;
        let subject = self.find_me(tokens.access_token().secret()).await;
        Ok(Identity {
            provider: Name::Facebook,
            issuer: ISSUER.to_owned(),
            subject: subject.map_err(ApiError::ProviderError)?,
            email: None,
        })
    }

    async fn find_me(&self, token: &str) -> anyhow::Result<String> {
        let mut address = self.0.user_info.clone();
        address
            .query_pairs_mut()
            .append_pair("fields", "id")
            .append_pair("appsecret_proof", &self.proof(token));
        let request = Request::get(address.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Vec::new())?;
        let answer = self.0.http.get(request).await;
        let answer = answer.context("the person's description")?;
        let me: Me = serde_json::from_slice(answer.body())
            .map_err(|_| anyhow!("the person's description is not of its form"))?;
        super::subject(me.id).ok_or_else(|| anyhow!("the person has no usable id"))
    }

    /// Shows that who sends the token knows the application's secret (Meta, "Securing Graph API Requests").
    fn proof(&self, token: &str) -> String {
        let tag = hmac::sign(&self.0.secret, token.as_bytes());
        tag.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for Facebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Facebook(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_an_hmac_of_the_token_in_hexadecimal() {
        let mut env = Env::default();
        let addresses = Addresses::read(&mut env).expect("the defaults");
        let credentials = Credentials {
            id: "id".to_owned(),
            secret: "key".to_owned().into(),
        };
        let http = Http::new().expect("a client");
        let facebook = Facebook::new(&credentials, addresses, http);
        // A vector that many implementations are shown by.
        let text = "The quick brown fox jumps over the lazy dog";
        let proof = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert_eq!(facebook.proof(text), proof);
    }
}
