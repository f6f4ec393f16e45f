//! A provider's discovery document (OpenID Connect Discovery 1.0): whose it must be, and what we need of it.

use super::code_flow::{self, Client, Credentials};
use oauth2::AuthType;
use serde::Deserialize;
use shared::config::{endpoint, is_loopback};
use url::Url;

/// `GOOGLE_DISCOVERY_URL`, if it is not set.
pub(crate) const DISCOVERY: &str = "https://accounts.google.com/.well-known/openid-configuration";
/// What an issuer's address is followed by (Discovery 1.0, section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
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

    pub(super) const fn address(&self) -> &Url {
        &self.address
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// What we need of a discovery document, checked.
pub(super) struct Document {
    pub(super) client: Client,
    pub(super) keys: Url,
    /// Whether every way back says who sends it (RFC 9207, section 3).
    pub(super) says_issuer: bool,
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

impl Document {
    /// Reads a discovery document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(
        json: &[u8],
        Discovery { address, issuer }: &Discovery,
        credentials: &Credentials,
    ) -> Result<Self, String> {
        let metadata: Metadata =
            serde_json::from_slice(json).map_err(|_| "it is not of its form")?;
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
        Ok(Self {
            client: code_flow::client(
                credentials,
                endpoint("authorization_endpoint", &metadata.authorization_endpoint)?,
                endpoint("token_endpoint", &metadata.token_endpoint)?,
                method.unwrap_or(AuthType::BasicAuth),
            ),
            keys: endpoint("jwks_uri", &metadata.jwks_uri)?,
            says_issuer: metadata.authorization_response_iss_parameter_supported,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_discovery_document_is_its_issuers_and_points_to_no_place_of_ours() {
        let credentials = Credentials {
            id: "client".to_owned(),
            secret: "secret".to_owned().into(),
        };
        let discovery = Discovery::parse(DISCOVERY).expect("an address");
        let is = |changes: Value| {
            let mut document = json!({
                "issuer": "https://accounts.google.com",
                "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
                "token_endpoint": "https://oauth2.googleapis.com/token",
                "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
                "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            });
            for (name, value) in changes.as_object().expect("an object") {
                document[name] = value.clone();
            }
            Document::read(document.to_string().as_bytes(), &discovery, &credentials)
        };
        let post = is(json!({})).expect("a good document");
        assert!(matches!(post.client.auth_type(), AuthType::RequestBody));
        let basic = is(json!({ "token_endpoint_auth_methods_supported": null }));
        assert!(basic.is_ok_and(|it| matches!(it.client.auth_type(), AuthType::BasicAuth)));
        for bad in [
            json!({ "issuer": "https://accounts.google.com/" }),
            json!({ "issuer": "accounts.google.com" }),
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
}
