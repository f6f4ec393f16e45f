//! What this function alone reads from the environment.

use crate::{keys::SigningKey, refresh::RefreshKey};
use axum::http::{HeaderMap, HeaderName};
use shared::{
    config::{Env, key, parsed},
    server,
    token::VerifyingKeys,
};
use std::net::IpAddr;

/// `SIGNING_KEYS`, `REFRESH_KEY` and `CLIENT_IP_HEADER`, with what auth needs of the common part.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SIGNING_KEYS`: the first private key signs access tokens.
    pub(crate) signing_key: SigningKey,
    /// `REFRESH_KEY`: makes refresh tokens; kept outside the database, so that a dump holds no usable token.
    pub(crate) refresh_key: RefreshKey,
    /// `CLIENT_IP_HEADER`: the one header from which a client's address is read. Unset: unknown.
    client_ip_header: Option<HeaderName>,
    /// Published as `/.well-known/jwks.json`.
    pub(crate) verifying_keys: VerifyingKeys,
    /// Browsers on these origins may use the refresh cookie.
    pub(crate) cookie_origins: Vec<String>,
}

impl Config {
    /// Reads the variables.
    pub fn read(env: &mut Env, common: Option<&server::Config>) -> Option<Self> {
        let signing_key = env.required("SIGNING_KEYS", SigningKey::parse);
        let refresh_key = env.required("REFRESH_KEY", key).map(RefreshKey::new);
        let client_ip_header = env.or("CLIENT_IP_HEADER", None, |name| parsed(name).map(Some));
        let (common, signing_key) = (common?, signing_key?);
        if !common.verifying_keys.contains(signing_key.kid()) {
            env.mistake(
                "SIGNING_KEYS",
                "signs with a key that VERIFYING_KEYS does not hold; publish a key first, sign with it later",
            );
        }
        let own = std::iter::once(common.public.as_str().to_owned());
        Some(Self {
            signing_key,
            refresh_key: refresh_key?,
            client_ip_header: client_ip_header?,
            verifying_keys: common.verifying_keys.clone(),
            cookie_origins: own.chain(common.cors_origins.iter().cloned()).collect(),
        })
    }

    /// The client's address, if the load balancer tells it.
    pub(crate) fn client_address(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers
            .get(self.client_ip_header.as_ref()?)?
            .to_str()
            .ok()?;
        value
            .parse()
            .ok()
            .map(|address: IpAddr| address.to_string())
    }
}
