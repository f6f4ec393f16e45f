//! Access tokens: checking them, and what a request may do with them.
//!
//! A token is an EdDSA JWT (RFC 9068) checked against a mounted public key set, without a network. A verified token is
//! remembered, because checking a signature costs more than finding a customer; whether its session and user still
//! stand is looked up in the database at most 30 seconds late.

use crate::{
    config::{Env, PublicUrl, value_or_file},
    db::Db,
    error::{ApiError, ApiResult},
    id::{SessionId, UserId},
    on_read,
    time::Timestamp,
};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet},
};
use quick_cache::sync::Cache;
use ring::digest;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

/// The `typ` of an access token (RFC 9068, section 2.1).
pub const TOKEN_TYPE: &str = "at+jwt";
/// The longest token that is looked at, in bytes; ours have about 500.
const LONGEST: usize = 2_048;
/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 5;
/// How late a change of a user's standing may take effect.
const STANDING_FOR: Duration = Duration::from_secs(30);
/// How many tokens and sessions are remembered; beyond it the least used are forgotten.
const REMEMBERED: usize = 10_000;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Keeps customers.
    User,
    /// Also keeps users.
    Admin,
}

impl Role {
    /// As the database and the token name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(role: String) -> Result<Self, String> {
        match role.as_str() {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            _ => Err(format!("`{role}` is no role")),
        }
    }
}

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it: PUBLIC_BASE_URL.
    pub iss: String,
    /// For whom: PUBLIC_BASE_URL.
    pub aud: String,
    /// The user's id, as text.
    pub sub: String,
    /// The session it belongs to.
    pub sid: SessionId,
    /// The user's role when it was made; what counts is the one in the database.
    pub role: Role,
    /// Made at, in seconds since 1970.
    pub iat: i64,
    /// Good until, in seconds since 1970.
    pub exp: i64,
    /// Its own id.
    pub jti: String,
}

/// The public keys that check access tokens, by their `kid`.
#[derive(Clone)]
pub struct VerifyingKeys {
    by_kid: HashMap<String, DecodingKey>,
    set: JwkSet,
}

impl VerifyingKeys {
    /// Reads `VERIFYING_KEYS`: a JWK set of Ed25519 keys (RFC 8037), each with a `kid`.
    pub fn read(env: &mut Env) -> Option<Self> {
        env.required("VERIFYING_KEYS", |value| {
            Self::parse(value_or_file(value)?.reveal())
        })
    }

    /// Reads a JWK set.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &str) -> Result<Self, String> {
        let set: JwkSet =
            serde_json::from_str(json).map_err(|error| format!("is not a JWK set: {error}"))?;
        let key = |jwk: &jsonwebtoken::jwk::Jwk| {
            let kid = jwk
                .common
                .key_id
                .clone()
                .ok_or("holds a key without a `kid`")?;
            match &jwk.algorithm {
                AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
                    let key = DecodingKey::from_jwk(jwk);
                    Ok((
                        kid,
                        key.map_err(|error| format!("holds an unusable key: {error}"))?,
                    ))
                }
                _ => Err("holds a key that is not Ed25519".to_owned()),
            }
        };
        let by_kid: HashMap<_, _> = set.keys.iter().map(key).collect::<Result<_, String>>()?;
        if by_kid.is_empty() {
            return Err("holds no key".to_owned());
        }
        Ok(Self { by_kid, set })
    }

    /// Whether it holds a key of that name.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.by_kid.contains_key(kid)
    }

    /// The keys as a JWK set, to publish. What a key holds besides its public part is not in it.
    #[must_use]
    pub const fn published(&self) -> &JwkSet {
        &self.set
    }
}

impl fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_kid.keys()).finish()
    }
}

/// Checks access tokens. A clone shares what the original remembers.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: VerifyingKeys,
    validation: Validation,
    db: Db,
    verified: Cache<[u8; 32], Arc<Verified>>,
    standing: Cache<SessionId, (Standing, Timestamp)>,
}

struct Verified {
    user: UserId,
    session: SessionId,
    expires: i64,
}

/// What the database says about a session's user.
#[derive(Debug, Clone, Copy)]
enum Standing {
    Active(UserId, Role),
    Ended,
}

impl Verifier {
    /// Checks tokens made by and for `public` with these keys.
    #[must_use]
    pub fn new(keys: VerifyingKeys, public: &PublicUrl, db: Db) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[public.as_str()]);
        validation.set_audience(&[public.as_str()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        Self(Arc::new(Inner {
            keys,
            validation,
            db,
            verified: Cache::new(REMEMBERED),
            standing: Cache::new(REMEMBERED),
        }))
    }

    /// Forgets what was looked up about sessions and users, after a change made in this very process.
    pub fn forget(&self) {
        self.0.standing.clear();
    }

    async fn check(&self, token: &str, now: Timestamp) -> ApiResult<CurrentUser> {
        let verified = self.verified(token).ok_or(ApiError::Unauthenticated)?;
        if verified.expires.saturating_add_unsigned(LEEWAY) < now.seconds() {
            return Err(ApiError::Unauthenticated);
        }
        match self.standing(&verified.session, now).await? {
            Standing::Active(id, role) if id == verified.user => Ok(CurrentUser {
                id,
                role,
                session: verified.session.clone(),
            }),
            _ => Err(ApiError::Unauthenticated),
        }
    }

    fn verified(&self, token: &str) -> Option<Arc<Verified>> {
        if token.len() > LONGEST {
            return None;
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        if let Some(verified) = self.0.verified.get(&key) {
            return Some(verified);
        }
        let verified = Arc::new(self.verify(token)?);
        self.0.verified.insert(key, Arc::clone(&verified));
        Some(verified)
    }

    fn verify(&self, token: &str) -> Option<Verified> {
        let header = decode_header(token).ok()?;
        // `kid` picks one of our keys. Whatever else would bring a key or a rule along is refused, not ignored.
        let brings_more = header.jku.is_some()
            || header.jwk.is_some()
            || header.x5u.is_some()
            || header.x5c.is_some()
            || header.crit.is_some();
        if brings_more || header.typ.as_deref() != Some(TOKEN_TYPE) {
            return None;
        }
        let key = self.0.keys.by_kid.get(&header.kid?)?;
        let claims: Claims = decode(token, key, &self.0.validation).ok()?.claims;
        Some(Verified {
            user: claims.sub.parse::<i64>().ok()?.try_into().ok()?,
            session: claims.sid,
            expires: claims.exp,
        })
    }

    async fn standing(&self, session: &SessionId, now: Timestamp) -> ApiResult<Standing> {
        if let Some((standing, looked)) = self.0.standing.get(session)
            && now.since(looked) < STANDING_FOR
        {
            return Ok(standing);
        }
        let standing = find_standing(&self.0.db, session).await?;
        self.0.standing.insert(session.clone(), (standing, now));
        Ok(standing)
    }
}

async fn find_standing(db: &Db, session: &SessionId) -> sqlx::Result<Standing> {
    const SQL: &str = "SELECT u.id, u.role FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE s.id = ? AND s.ended_at IS NULL AND u.status = 'active'";
    let row: Option<(UserId, String)> =
        on_read!(db, pool => sqlx::query_as(SQL).bind(session).fetch_optional(pool).await)?;
    row.map_or(Ok(Standing::Ended), |(id, role)| {
        let role = Role::try_from(role).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Standing::Active(id, role))
    })
}

/// The signed-in user; 401 without a good access token.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    /// Who it is.
    pub id: UserId,
    /// What they may do, at most 30 seconds late.
    pub role: Role,
    /// The sign-in that the token belongs to.
    pub session: SessionId,
}

impl<S> FromRequestParts<S> for CurrentUser
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let token = bearer(&parts.headers).ok_or(ApiError::Unauthenticated)?;
        Verifier::from_ref(state)
            .check(token, Timestamp::now())
            .await
    }
}

/// The signed-in administrator; 403 for other users.
#[derive(Debug, Clone)]
pub struct AdminUser(pub CurrentUser);

impl<S> FromRequestParts<S> for AdminUser
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        match user.role {
            Role::Admin => Ok(Self(user)),
            Role::User => Err(ApiError::Forbidden("only administrators may do this")),
        }
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
