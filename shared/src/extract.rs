//! Extractors whose refusals are problems, and the JSON answer.
#![expect(
    clippy::disallowed_types,
    reason = "the one place that wraps axum's extractors, whose own refusals are plain text"
)]

use crate::error::{ApiError, ApiResult};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Display;

/// The path's parameters; 400 `malformed_path` when they are not of their form.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        <axum::extract::Path<T> as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|error| ApiError::MalformedPath(error.body_text()))
    }
}

/// The query's parameters; 400 `malformed_query` when one is unknown or not of its form.
///
/// Types behind it carry `#[serde(deny_unknown_fields)]`: a misspelt filter must not answer everything.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| ApiError::MalformedQuery(error.body_text()))
    }
}

/// What an answer's body has room in at first, in bytes: that of one record needs no more.
const ROOM: usize = 1_024;

/// An answer in JSON.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(ROOM);
        match serde_json::to_writer(&mut body, &self.0) {
            Ok(()) => {
                let json = HeaderValue::from_static("application/json");
                (StatusCode::OK, [(header::CONTENT_TYPE, json)], body).into_response()
            }
            Err(error) => ApiError::Internal(error.into()).into_response(),
        }
    }
}

/// `If-Match`: the versions at which a write may happen (RFC 9110, section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Tags);

impl IfMatch {
    /// Whether a record at this version may be written. Weak tags never match here.
    #[must_use]
    pub fn allows(&self, version: i64) -> bool {
        self.0.names(&version.to_string(), |tag| tag.weak)
    }
}

/// `If-None-Match`: what the client has already (RFC 9110, section 13.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfNoneMatch(Tags);

impl IfNoneMatch {
    /// Whether it is `*`: a write may happen only where nothing is yet.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == Tags::Any
    }

    /// Whether the client has what this tag names, so that 304 is answer enough.
    #[must_use]
    pub fn has(&self, tag: impl Display) -> bool {
        self.0.names(&tag.to_string(), |_| false)
    }
}

/// The strong entity tag of a record's version, or of bytes that never change under a name.
///
/// # Panics
/// When the name is not plain ASCII; ours are digits and letters.
#[must_use]
pub fn entity_tag(name: impl Display) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{name}\"")).expect("digits and letters in quotes")
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<Tag>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    weak: bool,
    opaque: String,
}

impl Tags {
    fn names(&self, name: &str, skip: impl Fn(&Tag) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| !skip(tag) && tag.opaque == name),
        }
    }

    /// `None` without the header.
    fn read(parts: &Parts, name: &HeaderName) -> Option<ApiResult<Self>> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(name) {
            match value.to_str().ok().and_then(Self::list) {
                Some(Self::Any) => return Some(Ok(Self::Any)),
                Some(Self::These(more)) => tags.extend(more),
                None => {
                    return Some(Err(ApiError::MalformedHeader(
                        "an entity tag stands in double quotes, as `ETag` gave it: \"3\"",
                    )));
                }
            }
        }
        (!tags.is_empty()).then_some(Ok(Self::These(tags)))
    }

    fn list(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let (mut tags, mut rest) = (Vec::new(), text.trim());
        loop {
            let (weak, quoted) = match rest.strip_prefix("W/") {
                Some(quoted) => (true, quoted),
                None => (false, rest),
            };
            // A tag may hold a comma.
            let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
            let opaque = opaque.to_owned();
            tags.push(Tag { weak, opaque });
            match after.trim_start() {
                "" => return Some(Self::These(tags)),
                after => rest = after.strip_prefix(',')?.trim_start(),
            }
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Option<Self>> {
        Tags::read(parts, &header::IF_MATCH)
            .transpose()
            .map(|tags| tags.map(Self))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfNoneMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Option<Self>> {
        Tags::read(parts, &header::IF_NONE_MATCH)
            .transpose()
            .map(|tags| tags.map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_read_as_the_standard_writes_them() {
        let tags = Tags::list(r#""3", W/"4""#).map(IfMatch);
        assert_eq!(
            tags.as_ref().map(|t| (t.allows(3), t.allows(4))),
            Some((true, false))
        );
        let tags = Tags::list(r#""3", W/"4""#).map(IfNoneMatch);
        assert_eq!(
            tags.as_ref().map(|t| (t.has(3), t.has(4), t.has(5))),
            Some((true, true, false))
        );
        let tags = Tags::list(r#"W/"a,b","3""#).map(IfMatch);
        assert_eq!(
            tags.map(|t| (t.allows(3), t.allows(4))),
            Some((true, false))
        );
        assert_eq!(Tags::list(" * "), Some(Tags::Any));
        for bad in ["3", "\"3", "", "\"3\" \"4\"", "w/\"3\"", "\"3\",", "\"3\"4"] {
            assert_eq!(Tags::list(bad), None, "{bad}");
        }
    }
}
