//! Checking an ID token whole (OpenID Connect Core 1.0, section 3.1.3.7).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use shared::time::Timestamp;
use std::time::Duration;

/// How far a provider's clock may differ from ours.
const SKEW: Duration = Duration::from_secs(60);
/// How long a token may be good at most; Google's are good for an hour.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest token that is looked at, in bytes.
const LARGEST: usize = 16 * 1_024;
/// The sizes of an RSA modulus that are taken, in bytes: 2,048 bits (RFC 7518, section 3.3) to 4,096.
const RSA: std::ops::RangeInclusive<usize> = 256..=512;

/// A provider's keys (RFC 7517). Those that we cannot use are left out.
pub(crate) struct Keys(Vec<Key>);

struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Keys {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| "they are not of their form")?;
        let jwks = set.keys.into_iter().map(serde_json::from_value::<Jwk>);
        Ok(Self(jwks.flatten().filter_map(Key::of).collect()))
    }

    /// The key that a token names. Without a name, the only one for its algorithm.
    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&Key, Refusal> {
        let fits =
            |key: &&Key| key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid);
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(Refusal::UnknownKey),
            (Some(_), Some(_)) => Err(Refusal::Wrong("does not say which key signed it")),
        }
    }
}

impl Key {
    /// The key, for the one algorithm that its type and size allow. Never a secret one: those are no provider's to publish.
    fn of(jwk: Jwk) -> Option<Self> {
        let length = |part: &str| URL_SAFE_NO_PAD.decode(part).ok().map(|part| part.len());
        let bytes = |number: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
            Some(bytes.iter().skip_while(|byte| **byte == 0).count())
        };
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(key) if RSA.contains(&bytes(&key.n)?) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(key)
                if key.curve == EllipticCurve::P256
                    && (length(&key.x)?, length(&key.y)?) == (32, 32) =>
            {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(key)
                if key.curve == EllipticCurve::Ed25519 && length(&key.x)? == 32 =>
            {
                Algorithm::EdDSA
            }
            _ => return None,
        };
        let common = &jwk.common;
        let signs = matches!(&common.public_key_use, None | Some(PublicKeyUse::Signature));
        let meant = common
            .key_algorithm
            .is_none_or(|alg| alg == algorithm.into());
        let key = DecodingKey::from_jwk(&jwk)
            .ok()
            .filter(|_| signs && meant)?;
        let kid = jwk.common.key_id;
        Some(Self {
            kid,
            algorithm,
            key,
        })
    }
}

/// What a token must say.
pub(crate) struct Expected<'a> {
    pub(crate) issuers: &'a [&'a str],
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    /// When the flow began: no token of it is older.
    pub(crate) began: Timestamp,
    pub(crate) now: Timestamp,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No key of the set can have signed it; a newer set may hold one.
    UnknownKey,
    Wrong(&'static str),
}

impl Refusal {
    /// What follows "the ID token".
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::UnknownKey => "was signed with a key that the provider does not publish",
            Self::Wrong(reason) => reason,
        }
    }
}

/// What a token says, as far as we ask.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    email: Option<Value>,
    email_verified: Option<Value>,
    hd: Option<Value>,
    /// Read to be sure that it is one text: the library would also take a list.
    #[serde(rename = "iss")]
    _iss: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// The e-mail address, if the token says that it is verified: the value `true`, not the word.
    pub(crate) fn verified_email(&self) -> Option<&str> {
        let verified = self.email_verified == Some(Value::Bool(true));
        self.email.as_ref()?.as_str().filter(|_| verified)
    }

    /// Whether the person belongs to an organisation whose addresses Google hosts.
    pub(crate) fn is_hosted(&self) -> bool {
        matches!(&self.hd, Some(Value::String(domain)) if !domain.is_empty())
    }
}

/// Checks a token's form, algorithm, signature and claims.
pub(crate) fn check(token: &str, keys: &Keys, expected: &Expected) -> Result<Claims, Refusal> {
    use Refusal::Wrong;
    if token.len() > LARGEST {
        return Err(Wrong("is too long"));
    }
    let header = decode_header(token).map_err(|_| Wrong("has no readable header"))?;
    // `kid` picks one of the provider's keys. What would bring a key or a rule along is refused.
    let brings_more = header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.crit.is_some();
    let typed = header.typ.as_deref().unwrap_or("JWT");
    if brings_more || !typed.eq_ignore_ascii_case("JWT") {
        return Err(Wrong("has a header that is no ID token's"));
    }
    let known = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    if !known.contains(&header.alg) {
        return Err(Wrong("has an algorithm that is not allowed"));
    }
    let key = keys.find(header.kid.as_deref(), header.alg)?;
    let mut validation = Validation::new(key.algorithm);
    validation.set_issuer(expected.issuers);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = SKEW.as_secs();
    let claims: Claims = decode(token, &key.key, &validation)
        .map_err(|error| Wrong(reason(&error)))?
        .claims;
    match () {
        () if !claims.is_only_for(expected.client_id) => Err(Wrong("is for somebody else as well")),
        () if claims.nonce.as_deref() != Some(expected.nonce) => Err(Wrong("has another nonce")),
        () if !claims.fits_in_time(expected) => Err(Wrong("was not made during this sign-in")),
        () => Ok(claims),
    }
}

impl Claims {
    /// Audiences beside us are none that we trust, and `azp` can only be us.
    fn is_only_for(&self, client_id: &str) -> bool {
        let only = match &self.aud {
            Audience::One(audience) => audience == client_id,
            Audience::Several(audiences) => audiences.iter().all(|audience| audience == client_id),
        };
        only && self.azp.as_deref().is_none_or(|party| party == client_id)
    }

    fn fits_in_time(&self, expected: &Expected) -> bool {
        let (earliest, now) = (expected.began.minus(SKEW), expected.now);
        let made = (earliest.seconds()..=now.plus(SKEW).seconds()).contains(&self.iat);
        let latest = now.plus(LONGEST + SKEW).seconds();
        made && (now.minus(SKEW).seconds()..=latest).contains(&self.exp)
    }
}

fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind as E;
    match error.kind() {
        E::InvalidSignature => "has a wrong signature",
        E::InvalidIssuer => "is another issuer's",
        E::InvalidAudience => "is for somebody else",
        E::ExpiredSignature => "has expired",
        E::ImmatureSignature => "is not good yet",
        E::MissingRequiredClaim(_) => "lacks a claim",
        _ => "is not of its form",
    }
}

#[cfg(test)]
mod tests;
