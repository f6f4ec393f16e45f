//! The key pair behind access tokens: Ed25519, kept as JSON Web Keys (RFC 8037).

pub mod rotate;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use ring::{
    digest,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    config::{Env, value_or_file},
    id::random,
};
use std::fmt;

/// What precedes the 32 bytes of a private key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The key that signs access tokens.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    key: EncodingKey,
}

#[derive(Serialize, Deserialize)]
struct PrivateKeySet {
    keys: Vec<PrivateKey>,
}

#[derive(Serialize, Deserialize)]
struct PrivateKey {
    kty: String,
    crv: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: String,
    x: String,
    d: String,
}

impl SigningKey {
    /// Reads `SIGNING_KEYS`: a JWK set (or `file:PATH` to it) whose first key signs.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(value: &str) -> Result<Self, String> {
        let text = value_or_file(value)?;
        // The parser's own words could quote a part of the key.
        let set: PrivateKeySet = serde_json::from_str(text.reveal()).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("is not a set of private JWKs (line {line}, column {column})")
        })?;
        let first = set.keys.into_iter().next().ok_or("holds no key")?;
        if first.kty != "OKP" || first.crv != "Ed25519" {
            return Err("begins with a key that is not Ed25519".to_owned());
        }
        let bytes = |text: &str| {
            URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| "holds a key that is not base64url".to_owned())
        };
        let (seed, public) = (bytes(&first.d)?, bytes(&first.x)?);
        Ed25519KeyPair::from_seed_and_public_key(&seed, &public)
            .map_err(|_| "holds a key whose `d` and `x` do not belong together")?;
        Ok(Self {
            kid: first.kid,
            key: EncodingKey::from_ed_der(&[&PKCS8_PREFIX[..], &seed].concat()),
        })
    }

    /// The name under which verifiers know it.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) const fn encoding(&self) -> &EncodingKey {
        &self.key
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// The name of the key that `SIGNING_KEYS` signs with; none inside when it is not set.
pub fn signing_kid(env: &mut Env) -> Option<Option<String>> {
    env.or("SIGNING_KEYS", None, |value| {
        SigningKey::parse(value).map(|key| Some(key.kid().to_owned()))
    })
}

/// Everything secret that a deployment needs, freshly made.
pub struct GeneratedKeys {
    /// For `SIGNING_KEYS`: a private JWK set.
    pub signing: String,
    /// For `VERIFYING_KEYS`: the public JWK set that belongs to it.
    pub verifying: String,
    /// For `REFRESH_KEY`.
    pub refresh: String,
    /// For `IMAGE_URL_KEYS`.
    pub image_urls: String,
    /// For `PRIVACY_KEY`.
    pub privacy: String,
}

/// Makes all keys from the operating system's random source.
///
/// # Panics
/// When that source is not there.
#[must_use]
pub fn generate() -> GeneratedKeys {
    let seed = random::<32>();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes are a seed");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    // RFC 7638: the thumbprint of the members that make the key, in this order, without spaces.
    let thumbprint = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let thumbprint = digest::digest(&digest::SHA256, thumbprint.as_bytes());
    let public = json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
        "kid": URL_SAFE_NO_PAD.encode(thumbprint), "x": x,
    });
    let mut private = public.clone();
    private["d"] = URL_SAFE_NO_PAD.encode(seed).into();
    // A name that Cloud CDN takes as well: a lower-case letter, then lower-case letters and digits.
    let name = format!("k{:08x}", u32::from_be_bytes(random()));
    GeneratedKeys {
        signing: json!({ "keys": [private] }).to_string(),
        verifying: json!({ "keys": [public] }).to_string(),
        refresh: URL_SAFE_NO_PAD.encode(random::<32>()),
        image_urls: format!("{name}:{}", URL_SAFE_NO_PAD.encode(random::<16>())),
        privacy: URL_SAFE_NO_PAD.encode(random::<32>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::token::VerifyingKeys;

    #[test]
    fn generated_keys_are_what_the_configuration_reads() {
        let keys = generate();
        let signing = SigningKey::parse(&keys.signing).expect("a signing key");
        let verifying = VerifyingKeys::parse(&keys.verifying).expect("verifying keys");
        assert!(verifying.contains(signing.kid()));
        assert!(!keys.verifying.contains("\"d\""));
    }

    #[test]
    fn cloud_cdn_takes_the_name_of_a_key_of_pictures() {
        let keys = generate();
        let (name, _) = keys.image_urls.split_once(':').expect("a name and a key");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        assert!(
            name.starts_with('k') && name.chars().all(plain) && name.len() == 9,
            "{name}"
        );
    }

    #[test]
    fn a_key_that_does_not_fit_itself_is_refused_without_showing_it() {
        let (one, other) = (generate(), generate());
        let mut set: serde_json::Value = serde_json::from_str(&one.signing).expect("JSON");
        let other: serde_json::Value = serde_json::from_str(&other.signing).expect("JSON");
        set["keys"][0]["d"] = other["keys"][0]["d"].clone();
        for bad in [
            set.to_string(),
            "{}".to_owned(),
            one.verifying,
            one.signing.replace("OKP", "RSA"),
        ] {
            let reason = SigningKey::parse(&bad).map(|_| ()).expect_err("refused");
            assert!(
                !reason.contains(other["keys"][0]["d"].as_str().expect("text")),
                "{reason}"
            );
        }
    }
}
