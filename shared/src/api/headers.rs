//! The headers that requests and answers may carry, described once each.

use super::schemas::text;
use utoipa::openapi::{
    Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Required, Response, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
};

/// A header that a request may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestHeader {
    /// Writes happen only at this version.
    IfMatch,
    /// What the client has already, or that there must be nothing yet.
    IfNoneMatch,
    /// Makes a request one that may be sent again.
    IdempotencyKey,
}

impl RequestHeader {
    pub(super) const ALL: [Self; 3] = [Self::IfMatch, Self::IfNoneMatch, Self::IdempotencyKey];

    const fn name(self) -> &'static str {
        match self {
            Self::IfMatch => "If-Match",
            Self::IfNoneMatch => "If-None-Match",
            Self::IdempotencyKey => "Idempotency-Key",
        }
    }

    pub(super) fn component(self) -> (&'static str, Parameter) {
        let tags = r#"^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$"#;
        let (schema, about, example) = match self {
            Self::IfMatch => (
                text().pattern(Some(tags)),
                "The version at which the write may happen, as `ETag` gave it; at another, 412 `version_mismatch` answers with the record as it is. Without the header the write happens whatever the version is.",
                "\"3\"",
            ),
            Self::IfNoneMatch => (
                text().pattern(Some(tags)),
                "The versions that the client has, as `ETag` gave them: a read answers 304 when one of them is still right. `*` on a write: only where nothing is yet.",
                "\"3\"",
            ),
            Self::IdempotencyKey => (
                text().pattern(Some("^[!-~]{1,255}$")),
                "A name of this request, new for each new request. Sent again with the same key within 24 hours, the request is not carried out again: its answer is given again, with `Idempotency-Replayed: true`.",
                "0b8f9a52-6f3c-4c9e-9a55-3f8e1d1c7a10",
            ),
        };
        let parameter = ParameterBuilder::new()
            .name(self.name())
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(schema))
            .example(Some(example.into()));
        (self.name(), parameter.build())
    }

    pub(super) fn reference(self) -> Ref {
        Ref::new(format!("#/components/parameters/{}", self.name()))
    }
}

/// A header that an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResponseHeader {
    /// The record's version.
    ETag,
    /// Where the new thing is, or where to go.
    Location,
    /// The next page.
    Link,
    /// That the answer was given before.
    IdempotencyReplayed,
    /// How long to wait.
    RetryAfter,
    /// How to say who asks.
    WwwAuthenticate,
    /// A cookie of ours.
    SetCookie,
    /// How long the answer may be kept.
    CacheControl,
    /// The request's id.
    RequestId,
}

impl ResponseHeader {
    pub(super) const ALL: [Self; 9] = [
        Self::ETag,
        Self::Location,
        Self::Link,
        Self::IdempotencyReplayed,
        Self::RetryAfter,
        Self::WwwAuthenticate,
        Self::SetCookie,
        Self::CacheControl,
        Self::RequestId,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ETag => "ETag",
            Self::Location => "Location",
            Self::Link => "Link",
            Self::IdempotencyReplayed => "Idempotency-Replayed",
            Self::RetryAfter => "Retry-After",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::SetCookie => "Set-Cookie",
            Self::CacheControl => "Cache-Control",
            Self::RequestId => "X-Request-Id",
        }
    }

    pub(super) fn component(self) -> Header {
        let (schema, about) = match self {
            Self::ETag => (
                text().pattern(Some("^\"[0-9a-z-]+\"$")),
                "The record's version, for `If-Match` and `If-None-Match`.",
            ),
            Self::Location => (
                text().min_length(Some(1)),
                "The address of what was made, or to which to go.",
            ),
            Self::Link => (
                text().pattern(Some("^<[^>]+>; rel=\"next\"$")),
                "The next page, if there is one (RFC 8288).",
            ),
            Self::IdempotencyReplayed => (
                text().enum_values(Some(["true"])),
                "This request was carried out before; this is its answer again.",
            ),
            Self::RetryAfter => (seconds(), "How many seconds to wait."),
            Self::WwwAuthenticate => (
                text().enum_values(Some(["Bearer"])),
                "Send an access token: `Authorization: Bearer …` (RFC 6750).",
            ),
            Self::SetCookie => (
                text().pattern(Some("^__Host-[^=]+=")),
                "A cookie of ours; scripts cannot read it.",
            ),
            Self::CacheControl => (text(), "How long the answer may be kept, and by whom."),
            Self::RequestId => (
                text().pattern(Some("^[0-9a-f]{32}$")),
                "The request's id, which finds it in the log.",
            ),
        };
        HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(about))
            .build()
    }

    pub(super) fn reference(self) -> Ref {
        Ref::new(format!("#/components/headers/{}", self.name()))
    }
}

/// Adds a header to an answer.
pub(super) fn carry(response: &mut Response, header: ResponseHeader) {
    let reference = RefOr::Ref(header.reference());
    response.headers.insert(header.name().to_owned(), reference);
}

fn seconds() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0_i64))
}
