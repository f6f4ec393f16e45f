//! Everything a handler can answer besides success, as RFC 9457 problems.
//!
//! [`ApiError`] travels in the response's extensions; the outermost layer of [`crate::server`] writes the body once,
//! with the request's id, and logs it once.

mod code;

use crate::{api::schemas::one_of, customer::Customer, db, id::CustomerId};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
pub use code::Code;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, schema::AnyOfBuilder},
};

/// Result of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

/// Everything a handler can answer besides success.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the body is not JSON of the expected shape, or broke off.
    #[error("{0}")]
    MalformedBody(String),
    /// 400: a query parameter is unknown or of the wrong form.
    #[error("{0}")]
    MalformedQuery(String),
    /// 400: an id in the path is not of its form.
    #[error("{0}")]
    MalformedPath(String),
    /// 400: a request header is not of its form.
    #[error("{0}")]
    MalformedHeader(&'static str),
    /// 400: a cursor of another list, or one that we never gave.
    #[error("this cursor does not belong to this list; begin again without one")]
    InvalidCursor,
    /// 400: a provider's answer without a sign-in that this browser began here, or one that does not fit it.
    #[error(
        "this sign-in was not begun in this browser, is older than ten minutes, or was answered already; begin again"
    )]
    InvalidState,
    /// 400: the provider says no: the person declined, or its code is used up.
    #[error("the provider did not let this sign-in through, or you declined there; begin again")]
    ProviderDenied,
    /// 401: no token, or one that is broken, expired, revoked or for somebody else.
    #[error("sign in and send the access token as `Authorization: Bearer …`")]
    Unauthenticated,
    /// 401: the same answer for every reason why a sign-in fails.
    #[error("the e-mail address or the password is wrong")]
    InvalidCredentials,
    /// 401: a refresh token that is broken, used, expired or of an ended session.
    #[error("this refresh token cannot be used (again); sign in anew")]
    InvalidRefreshToken,
    /// 403: known, but not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 403: the address of a picture was not signed by us.
    #[error("the signature of this address is missing or wrong; ask for the customer again")]
    InvalidSignature,
    /// 403: the address of a picture was ours and is too old.
    #[error("this address has expired; ask for the customer again")]
    LinkExpired,
    /// 403: whoever signed in at a provider has no account that may sign in here: unknown, disabled or deleted.
    #[error(
        "no account here belongs to this sign-in; an administrator can make one, or sign in with your password and link it"
    )]
    NotRegistered,
    /// 403: the first sign-in through a provider that does not vouch for the e-mail address.
    #[error(
        "the provider does not vouch for your e-mail address; sign in with your password and link the provider there"
    )]
    EmailNotVerified,
    /// 404: nothing there.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// 404: a provider that we do not know, or that is not configured.
    #[error("nobody can sign in through this provider here")]
    UnknownProvider,
    /// 405: the path exists, the method does not. `Allow` is the router's.
    #[error("this path does not know that method; `Allow` names those it knows")]
    MethodNotAllowed,
    /// 408: the body came too slowly.
    #[error("the request's body did not arrive in time")]
    RequestTimeout,
    /// 409: somebody else has the e-mail address.
    #[error("this e-mail address is taken")]
    EmailTaken {
        /// The customer who has it; users' addresses name nobody.
        existing: Option<Existing>,
    },
    /// 409: nobody could administer afterwards.
    #[error("this is the last active administrator; make another user one first")]
    LastAdmin,
    /// 409: a provider's account cannot be linked to this user.
    #[error("{0}")]
    IdentityTaken(&'static str),
    /// 409: nobody could sign in as this user afterwards.
    #[error(
        "you could not sign in any more; link another provider first, or have an administrator set a password"
    )]
    LastWayIn,
    /// 409: a request with this key is under way.
    #[error("a request with this Idempotency-Key is under way; send it again shortly")]
    IdempotencyKeyInUse,
    /// 410: a customer whose values were erased.
    #[error("this customer was erased for good; there is nothing left to show or to restore")]
    Erased,
    /// 412: the record is at another version than `If-Match` names, or there is one that must not be, or none.
    #[error("the record is not as the request expects it; read it again, or merge with `current`")]
    VersionMismatch {
        /// The record as it is now, if there is one.
        current: Option<Box<serde_json::Value>>,
    },
    /// 413: the body is larger than this many bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// 415: the body's `Content-Type` is not one that this route reads.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// 415: the bytes are no picture that we read.
    #[error("this is not a JPEG, PNG or WebP picture")]
    NotAnImage,
    /// 422: fields are missing, unknown or wrong; all of them are named.
    #[error("some fields are not usable; `errors` names each")]
    InvalidFields(Vec<FieldError>),
    /// 422: items of a batch cannot be carried out; nothing was.
    #[error("nothing was done, because of the items that `errors` names by index")]
    BatchRefused(Vec<ItemError>),
    /// 422: the key came with another request before.
    #[error(
        "this Idempotency-Key came with another request before; take a new key for a new request"
    )]
    IdempotencyKeyReused,
    /// 422: more pixels than we decode.
    #[error("{0}")]
    PictureTooLarge(String),
    /// 422: it begins like a picture and is damaged.
    #[error("the picture is damaged and cannot be decoded")]
    BrokenPicture,
    /// 429: too many attempts to guess something failed.
    #[error("too many attempts failed; try again in {} seconds ({otherwise})", seconds(*.wait))]
    TooManyAttempts {
        /// Until the next one may be made.
        wait: Duration,
        /// What else helps, in a few words.
        otherwise: &'static str,
    },
    /// 502: a provider did not answer, or not as it must. The source is for the log alone.
    #[error(
        "the provider did not answer as it should; begin again, and tell an administrator if that does not help"
    )]
    ProviderError(#[source] anyhow::Error),
    /// 503: something we need is not there; the same request may succeed later.
    #[error("{0}; try again shortly")]
    Unavailable(&'static str),
    /// 503: the pictures' storage failed or is full.
    #[error("the pictures' storage does not answer; try again shortly")]
    Storage(#[from] std::io::Error),
    /// 500 or 503: the database refused a statement.
    #[error("{}", of_database(.0))]
    Database(#[from] sqlx::Error),
    /// 500: a bug of ours.
    #[error("{}", INTERNAL)]
    Internal(#[from] anyhow::Error),
}

const INTERNAL: &str = "something broke on our side; the request id finds it in the log";

/// What a caller is told of a statement that failed.
fn of_database(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut => "too many requests wait for the database; try again shortly",
        error if db::is_unavailable(error) => "the database does not answer; try again shortly",
        _ => INTERNAL,
    }
}

/// What `Retry-After` says when a dependency is down.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A wait in whole seconds, rounded up: whoever waits so long has waited long enough.
fn seconds(wait: Duration) -> u64 {
    let whole = wait.as_nanos().div_ceil(1_000_000_000).max(1);
    u64::try_from(whole).unwrap_or(u64::MAX)
}

/// One field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's name in the body.
    pub field: String,
    /// What is wrong, for programs: `required`, `unknown_field`, `wrong_type`, `too_long`, …
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

/// Why an item of a batch cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ItemError {
    /// Which item, from 0.
    pub index: usize,
    /// The field, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong, for programs: `not_found`, `email_taken`, `version_mismatch`, or as for a field.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
    /// Who has the e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<Existing>,
    /// The version that the record is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,
}

/// What was wrong with parts of the request.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Errors<'a> {
    Fields(&'a [FieldError]),
    Items(&'a [ItemError]),
}

/// The record that already has a value which must be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Existing {
    /// Its id.
    pub id: CustomerId,
    /// Whether it is deleted.
    pub deleted: bool,
}

/// The body of every error (RFC 9457, section 3).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem<'a> {
    /// `about:blank`: the status and the code say it all.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What was wrong and what to do, for people.
    detail: String,
    /// What was wrong, for programs.
    #[schema(schema_with = codes)]
    code: &'static str,
    /// Finds the request in the log.
    request_id: &'a str,
    /// What was wrong with each field, or with each item of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = errors)]
    errors: Option<Errors<'a>>,
    /// The record that has what must be unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Existing, required = false)]
    existing: Option<Existing>,
    /// The record as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Customer, required = false)]
    current: Option<&'a serde_json::Value>,
}

fn codes() -> ObjectBuilder {
    one_of(Code::ALL.iter().map(|code| code.as_str()))
        .description(Some("What was wrong, for programs; it never changes."))
}

fn errors() -> ArrayBuilder {
    let items = AnyOfBuilder::new()
        .item(Ref::from_schema_name(FieldError::name()))
        .item(Ref::from_schema_name(ItemError::name()));
    ArrayBuilder::new().items(items).description(Some(
        "What was wrong with each field, or with each item of a batch.",
    ))
}

impl ApiError {
    /// The status, and the name for programs.
    #[must_use]
    pub fn status(&self) -> (StatusCode, &'static str) {
        let code = self.code();
        (code.status(), code.as_str())
    }

    /// What it is, for programs.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::MalformedBody(_) => Code::MalformedBody,
            Self::MalformedQuery(_) => Code::MalformedQuery,
            Self::MalformedPath(_) => Code::MalformedPath,
            Self::MalformedHeader(_) => Code::MalformedHeader,
            Self::InvalidCursor => Code::InvalidCursor,
            Self::InvalidState => Code::InvalidState,
            Self::ProviderDenied => Code::ProviderDenied,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::InvalidCredentials => Code::InvalidCredentials,
            Self::InvalidRefreshToken => Code::InvalidRefreshToken,
            Self::Forbidden(_) => Code::Forbidden,
            Self::InvalidSignature => Code::InvalidSignature,
            Self::LinkExpired => Code::LinkExpired,
            Self::NotRegistered => Code::NotRegistered,
            Self::EmailNotVerified => Code::EmailNotVerified,
            Self::NotFound(_) => Code::NotFound,
            Self::UnknownProvider => Code::UnknownProvider,
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::RequestTimeout => Code::RequestTimeout,
            Self::EmailTaken { .. } => Code::EmailTaken,
            Self::LastAdmin => Code::LastAdmin,
            Self::IdentityTaken(_) => Code::IdentityTaken,
            Self::LastWayIn => Code::LastWayIn,
            Self::IdempotencyKeyInUse => Code::IdempotencyKeyInUse,
            Self::Erased => Code::Erased,
            Self::VersionMismatch { .. } => Code::VersionMismatch,
            Self::TooLarge(_) => Code::TooLarge,
            Self::UnsupportedMediaType(_) => Code::UnsupportedMediaType,
            Self::NotAnImage => Code::NotAnImage,
            Self::InvalidFields(_) => Code::InvalidFields,
            Self::BatchRefused(_) => Code::BatchRefused,
            Self::IdempotencyKeyReused => Code::IdempotencyKeyReused,
            Self::PictureTooLarge(_) => Code::PictureTooLarge,
            Self::BrokenPicture => Code::BrokenPicture,
            Self::TooManyAttempts { .. } => Code::TooManyAttempts,
            Self::ProviderError(_) => Code::ProviderError,
            Self::Unavailable(_) | Self::Storage(_) => Code::Unavailable,
            Self::Database(error) if db::is_unavailable(error) => Code::Unavailable,
            Self::Database(_) | Self::Internal(_) => Code::Internal,
        }
    }

    /// One field that cannot be used.
    #[must_use]
    pub fn invalid_field(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidFields(vec![FieldError {
            field: field.to_owned(),
            code,
            message: message.into(),
        }])
    }

    /// The whole answer, for whoever answers outside of [`crate::server`]'s layers.
    #[must_use]
    pub fn respond(self, request_id: &str) -> Response {
        let mut response = self.status().0.into_response();
        self.write_body(&mut response, request_id);
        response
    }

    /// Writes the problem into the response that carries it.
    pub(crate) fn write_body(&self, response: &mut Response, request_id: &str) {
        let code = self.code();
        let status = code.status();
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
            code: code.as_str(),
            request_id,
            errors: match self {
                Self::InvalidFields(errors) => Some(Errors::Fields(errors)),
                Self::BatchRefused(errors) => Some(Errors::Items(errors)),
                _ => None,
            },
            existing: match self {
                Self::EmailTaken { existing } => *existing,
                _ => None,
            },
            current: match self {
                Self::VersionMismatch { current } => current.as_deref(),
                _ => None,
            },
        };
        let body = serde_json::to_vec(&problem).expect("a problem's fields all serialise");
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let after = match self {
            Self::TooManyAttempts { wait, .. } => Some(seconds(*wait)),
            _ => code.is_passing().then_some(RETRY_AFTER.as_secs()),
        };
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        *response.body_mut() = Body::from(body);
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().0.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
