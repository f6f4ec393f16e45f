//! What this function alone reads from the environment.

use crate::{
    device::DeviceKey,
    flow::FlowKey,
    keys::SigningKey,
    limits::LimitKey,
    providers::{Providers, configured},
    refresh::RefreshKey,
};
use axum::http::{HeaderMap, HeaderName};
use shared::{
    config::{Env, PublicUrl, key, parsed},
    page::Cursors,
    server,
    token::VerifyingKeys,
};
use std::net::IpAddr;

/// `RETURN_TO`, if it is not set.
const RETURN_TO: &str = "/signin";

/// `SIGNING_KEYS`, `REFRESH_KEY`, `CLIENT_IP_HEADER`, `RETURN_TO` and the providers, with what auth needs of the common
/// part.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SIGNING_KEYS`: the first private key signs access tokens.
    pub(crate) signing_key: SigningKey,
    /// `REFRESH_KEY`: makes refresh tokens; kept outside the database, so that a dump holds no usable token.
    pub(crate) refresh_key: RefreshKey,
    /// Made from `REFRESH_KEY` too: seals the cookies of sign-ins that are under way.
    pub(crate) flow_key: FlowKey,
    /// Made from `REFRESH_KEY` too: names what is limited.
    pub(crate) limits: LimitKey,
    /// Made from `REFRESH_KEY` too: seals the cookies of browsers in which somebody has signed in.
    pub(crate) devices: DeviceKey,
    /// Made from `REFRESH_KEY` too: seals where a page of a list ended.
    pub(crate) cursors: Cursors,
    pub(crate) providers: Providers,
    /// `RETURN_TO`: the paths to which a browser may come back.
    pub(crate) return_to: Vec<String>,
    /// `CLIENT_IP_HEADER`: the one header from which a client's address is read. Unset: unknown.
    client_ip_header: Option<HeaderName>,
    /// Published as `/.well-known/jwks.json`.
    pub(crate) verifying_keys: VerifyingKeys,
    /// `PUBLIC_BASE_URL`, as a browser names our own pages' origin.
    pub(crate) own_origin: String,
    /// `CORS_ALLOWED_ORIGINS`: pages there may use the refresh cookie as well.
    pub(crate) other_origins: Vec<String>,
}

impl Config {
    /// Reads the variables.
    pub fn read(env: &mut Env, common: Option<&server::Config>) -> Option<Self> {
        let signing_key = env.required("SIGNING_KEYS", SigningKey::parse);
        let refresh_key = env.required("REFRESH_KEY", key);
        let providers = Providers::read(env, common.map(|common| &common.public));
        let return_to = env.or("RETURN_TO", vec![RETURN_TO.to_owned()], paths);
        let client_ip_header = env.or("CLIENT_IP_HEADER", None, |name| parsed(name).map(Some));
        let (common, signing_key) = (common?, signing_key?);
        if !common.verifying_keys.contains(signing_key.kid()) {
            env.mistake(
                "SIGNING_KEYS",
                "signs with a key that VERIFYING_KEYS does not hold; publish a key first, sign with it later",
            );
        }
        Some(Self {
            signing_key,
            refresh_key: RefreshKey::new(refresh_key?),
            flow_key: FlowKey::derive(&refresh_key?),
            limits: LimitKey::derive(&refresh_key?),
            devices: DeviceKey::derive(&refresh_key?),
            cursors: Cursors::derive(&refresh_key?),
            providers: providers?,
            return_to: return_to?,
            client_ip_header: client_ip_header?,
            verifying_keys: common.verifying_keys.clone(),
            own_origin: common.public.as_str().to_owned(),
            other_origins: common.cors_origins.clone(),
        })
    }

    /// Notes what is wrong with this function's variables; the secret ones of them may be missing.
    pub fn check(env: &mut Env, public: Option<&PublicUrl>) -> Option<Vec<&'static str>> {
        let refresh_key = env.or("REFRESH_KEY", (), |value| key::<32>(value).map(drop));
        let return_to = env.or("RETURN_TO", (), |value| paths(value).map(drop));
        let header = env.or("CLIENT_IP_HEADER", (), |name| {
            parsed::<HeaderName>(name).map(drop)
        });
        let providers = configured(env, public);
        refresh_key.and(return_to).and(header).and(providers)
    }

    /// The client's address, if the load balancer tells it.
    pub(crate) fn client_address(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let value = headers.get(self.client_ip_header.as_ref()?)?;
        value.to_str().ok()?.parse().ok()
    }
}

/// Paths of our own pages, separated by commas.
fn paths(value: &str) -> Result<Vec<String>, String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let path = |text: &str| {
        let local = text.starts_with('/') && !text.contains("//") && !text.contains("..");
        match local && text.bytes().all(known) && text.len() <= 200 {
            true => Ok(text.to_owned()),
            false => Err(format!("holds `{text}`, which is no path such as /signin")),
        }
    };
    value.split(',').map(str::trim).map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_comes_back_to_our_own_pages_alone() {
        assert_eq!(paths("/signin, /app/a").map(|paths| paths.len()), Ok(2));
        for bad in [
            "",
            "signin",
            "//evil.example.com",
            "/\\evil.example.com",
            "/a/../b",
            "/%2f%2fevil.example.com",
            "https:evil.example.com",
            "/a?b",
            "/a#b",
            "/a\r\nSet-Cookie:x",
        ] {
            assert!(paths(bad).is_err(), "{bad}");
        }
    }
}
