//! ID tokens, genuine and forged.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{self, RsaEncoding, RsaKeyPair},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use std::time::SystemTime;

/// Made with `openssl genpkey -algorithm RSA`, for these tests alone.
const KEYS: [&[u8]; 2] = [
    include_bytes!("../../fixtures/provider-current.pem"),
    include_bytes!("../../fixtures/provider-other.pem"),
];

/// How a token is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// With RS256 and one of the two keys, by its number.
    Rs256(usize),
    /// With RS512 and the first key.
    Rs512,
    /// With HMAC-SHA256 and these bytes.
    Hs256(Vec<u8>),
    /// The signature is empty.
    Not,
}

/// An ID token before it is signed.
#[derive(Debug, Clone)]
pub struct IdToken {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// The claims' text, where it is one that no JSON value can hold.
    pub claims_text: Option<String>,
    /// How it is signed.
    pub signed: Signed,
}

impl IdToken {
    /// The token in its compact form.
    pub(super) fn encode(&self) -> String {
        let claims = self.claims.to_string();
        let claims = self.claims_text.as_ref().unwrap_or(&claims);
        let parts = [&self.header.to_string(), claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let text = parts.join(".");
        let signature = match &self.signed {
            Signed::Rs256(key) => rsa(&signature::RSA_PKCS1_SHA256, *key, &text),
            Signed::Rs512 => rsa(&signature::RSA_PKCS1_SHA512, 0, &text),
            Signed::Hs256(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
            }
            Signed::Not => Vec::new(),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn pair(key: usize) -> RsaKeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(KEYS[key]).expect("a key");
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key")
}

fn rsa(encoding: &'static dyn RsaEncoding, key: usize, text: &str) -> Vec<u8> {
    let pair = pair(key);
    let mut signature = vec![0; pair.public().modulus_len()];
    let signed = pair.sign(
        encoding,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    );
    signed.expect("it signs");
    signature
}

/// One of the two keys as a JWK set publishes it.
#[must_use]
pub fn public_key(key: usize) -> Value {
    let PublicKeyComponents::<Vec<u8>> { n, e } = pair(key).public().into();
    let [n, e] = [n, e].map(|number| URL_SAFE_NO_PAD.encode(number));
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid(key), "n": n, "e": e })
}

pub(super) fn kid(key: usize) -> String {
    format!("key-{key}")
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a provider has a clock of its own"
)]
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}
