//! Making tokens.

use crate::{Config, keys::SigningKey, refresh::RefreshKey, store::sessions::Session};
use jsonwebtoken::{Algorithm, Header, encode};
use serde::Serialize;
use shared::{
    config::PublicUrl,
    error::ApiResult,
    id::random,
    time::Timestamp,
    token::{Claims, Role, TOKEN_TYPE},
};
use std::time::Duration;
use utoipa::ToSchema;

/// How long an access token is good.
const ACCESS: Duration = Duration::from_secs(10 * 60);
/// How long a session lasts without being used.
const IDLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a session lasts at most.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What a sign-in or a refresh answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// A JWT for `Authorization: Bearer …`.
    access_token: String,
    #[schema(examples("Bearer"))]
    token_type: &'static str,
    /// For how long the access token is good, in seconds.
    #[schema(examples(600))]
    expires_in: u64,
    /// Missing where it travels in the cookie.
    #[schema(value_type = String, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// For how long the session lasts if it is not used, in seconds.
    #[schema(examples(2_592_000))]
    pub(crate) refresh_expires_in: u64,
}

/// Makes the tokens of sessions.
#[derive(Clone)]
pub(crate) struct Issuer {
    signing_key: SigningKey,
    refresh_key: RefreshKey,
    public: String,
}

impl Issuer {
    pub(crate) fn new(config: &Config, public: &PublicUrl) -> Self {
        Self {
            signing_key: config.signing_key.clone(),
            refresh_key: config.refresh_key.clone(),
            public: public.as_str().to_owned(),
        }
    }

    /// The tokens of a session at its current count.
    pub(crate) fn issue(&self, session: &Session, role: Role, now: Timestamp) -> ApiResult<Tokens> {
        let claims = Claims {
            iss: self.public.clone(),
            aud: self.public.clone(),
            sub: session.user_id.to_string(),
            sid: session.id.clone(),
            role,
            iat: now.seconds(),
            exp: now.plus(ACCESS).seconds(),
            jti: format!("{:032x}", u128::from_be_bytes(random())),
        };
        let header = Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            kid: Some(self.signing_key.kid().to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(Tokens {
            access_token: encode(&header, &claims, self.signing_key.encoding())
                .map_err(anyhow::Error::from)?,
            token_type: "Bearer",
            expires_in: ACCESS.as_secs(),
            refresh_token: Some(self.refresh_key.token(&session.id, session.counter)),
            refresh_expires_in: expires(session).since(now).as_secs(),
        })
    }

    /// The session and count of a refresh token that we made.
    pub(crate) fn open(&self, token: &str) -> Option<(shared::id::SessionId, i64)> {
        self.refresh_key.open(token)
    }
}

/// When a session ends by itself.
pub(crate) fn expires(session: &Session) -> Timestamp {
    session
        .refreshed_at
        .plus(IDLE)
        .min(session.created_at.plus(LONGEST))
}

/// The earliest `created_at` and `refreshed_at` of a session that has not ended by itself.
pub(crate) fn alive_since(now: Timestamp) -> (Timestamp, Timestamp) {
    (now.minus(LONGEST), now.minus(IDLE))
}
