//! Request bodies: read to a bound and a deadline, and named field by field so that one answer holds every mistake.

use crate::error::{ApiError, ApiResult, FieldError};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::{
    Deserialize,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt, time::Duration};
use tokio::time::timeout;
use unicode_normalization::UnicodeNormalization as _;

/// The largest JSON body, in bytes: the largest customer, every character escaped, fits.
pub const JSON_LIMIT: usize = 64 * 1024;
/// How many mistakes one answer names.
pub const MISTAKES: usize = 100;
/// How long a JSON body may take to arrive.
const JSON_DEADLINE: Duration = Duration::from_secs(15);

/// Reads a whole body of at most `limit` bytes that arrives within `deadline`.
///
/// # Errors
/// 413, 408, or 400 when the sender breaks off.
pub async fn read(body: axum::body::Body, limit: usize, deadline: Duration) -> ApiResult<Bytes> {
    match timeout(deadline, Limited::new(body, limit).collect()).await {
        Err(_) => Err(ApiError::RequestTimeout),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(limit)),
        Ok(Err(_)) => Err(ApiError::MalformedBody("the body broke off".to_owned())),
    }
}

/// A JSON object whose fields make a `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// What can be made of a JSON object's fields.
pub trait FromFields: Sized {
    /// The largest body, in bytes.
    const LIMIT: usize = JSON_LIMIT;

    /// Takes the fields it knows; those left over are refused as unknown.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

impl<S: Send + Sync, T: FromFields> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> ApiResult<Self> {
        let bytes = read_json::<T>(request).await?;
        parse(&bytes).map(Self)
    }
}

/// Reads the body that a `T` is to be made of.
///
/// # Errors
/// 415 when it is no JSON; those of [`read`].
pub async fn read_json<T: FromFields>(request: Request) -> ApiResult<Bytes> {
    if !is_json(request.headers()) {
        return Err(ApiError::UnsupportedMediaType(
            "send JSON with `Content-Type: application/json`",
        ));
    }
    read(request.into_body(), T::LIMIT, JSON_DEADLINE).await
}

/// Makes a `T` of a JSON object.
///
/// # Errors
/// 400 when it is none, 422 with every mistake.
pub fn parse<T: FromFields>(json: &[u8]) -> ApiResult<T> {
    let mut fields = Fields::parse(json)?;
    let made = T::from_fields(&mut fields);
    fields.finish(made)
}

/// `application/json`, or a type built on it such as `application/merge-patch+json`.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase())
        .is_some_and(|essence| {
            essence == "application/json"
                || (essence.starts_with("application/") && essence.ends_with("+json"))
        })
}

/// What a JSON merge patch (RFC 7396) says about one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// Absent: leave it.
    Keep,
    /// `null`: clear it.
    Clear,
    /// A new value.
    Set(T),
}

impl<T> Change<T> {
    /// Carries the change out on an optional field.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }
}

/// Why a field's text cannot be used: a name for programs, a sentence for people.
pub type Refusal = (&'static str, String);

/// The fields of a JSON object, taken one by one, and what was wrong with them.
#[derive(Debug)]
pub struct Fields {
    values: BTreeMap<String, Box<RawValue>>,
    errors: Vec<FieldError>,
    /// What JSON itself forbids, and was not seen before: a text with half a surrogate pair.
    malformed: Option<serde_json::Error>,
}

impl Fields {
    fn parse(bytes: &[u8]) -> ApiResult<Self> {
        let object: Object = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        let mut fields = Self {
            values: object.values,
            errors: Vec::new(),
            malformed: None,
        };
        for field in object.repeated {
            fields.refuse_once(&field, "repeated_field", "is given twice");
        }
        Ok(fields)
    }

    /// A text that must be there; `None` once noted as missing or wrong.
    pub fn required<T>(
        &mut self,
        field: &'static str,
        rule: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Option<T> {
        match self.change(field, rule) {
            Change::Set(value) => Some(value),
            Change::Keep | Change::Clear => {
                self.refuse_once(field, "required", "must be given");
                None
            }
        }
    }

    /// A text that may be absent or `null`.
    pub fn optional<T>(
        &mut self,
        field: &'static str,
        rule: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Option<T> {
        match self.change(field, rule) {
            Change::Set(value) => Some(value),
            Change::Keep | Change::Clear => None,
        }
    }

    /// A text that may be absent, but not `null`.
    pub fn unless_absent<T>(
        &mut self,
        field: &'static str,
        rule: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Option<T> {
        match self.change(field, rule) {
            Change::Set(value) => Some(value),
            Change::Keep => None,
            Change::Clear => {
                self.refuse_once(field, "required", "cannot be null; leave it out to keep it");
                None
            }
        }
    }

    /// What a merge patch says about a text; [`Change::Keep`] once noted as wrong.
    pub fn change<T>(
        &mut self,
        field: &'static str,
        rule: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Change<T> {
        let Some(value) = self.values.remove(field) else {
            return Change::Keep;
        };
        let text: String = match serde_json::from_str(value.get()) {
            Ok(Some(text)) => text,
            Ok(None) => return Change::Clear,
            Err(error) => {
                self.refuse_type(field, error, "must be a text");
                return Change::Keep;
            }
        };
        match rule(&text) {
            Ok(value) => Change::Set(value),
            Err((code, message)) => {
                self.refuse_once(field, code, &message);
                Change::Keep
            }
        }
    }

    /// A whole number that may be absent; `None` once noted as wrong.
    pub fn number(&mut self, field: &'static str) -> Option<i64> {
        let value = self.values.remove(field)?;
        match serde_json::from_str(value.get()) {
            Ok(number) => Some(number),
            Err(error) => {
                self.refuse_type(field, error, "must be a whole number");
                None
            }
        }
    }

    /// A value as it was sent, to be read on its own.
    pub fn raw(&mut self, field: &'static str) -> Option<Box<RawValue>> {
        self.values.remove(field)
    }

    fn refuse_type(&mut self, field: &str, error: serde_json::Error, message: &str) {
        if error.is_data() {
            self.refuse_once(field, "wrong_type", message);
        } else {
            self.malformed = Some(error);
        }
    }

    /// Notes what is wrong with a field, unless something is already: the first is the one worth telling.
    pub fn refuse_once(&mut self, field: &str, code: &'static str, message: &str) {
        let field: String = field.chars().take(100).collect();
        let full = self.errors.len() >= MISTAKES;
        if !full && !self.errors.iter().any(|error| error.field == field) {
            self.errors.push(refusal(&field, code, message));
        }
    }

    fn finish<T>(mut self, made: Option<T>) -> ApiResult<T> {
        if let Some(error) = self.malformed {
            return Err(malformed(&error));
        }
        for field in std::mem::take(&mut self.values).keys().take(MISTAKES) {
            self.refuse_once(field, "unknown_field", "is not known here");
        }
        match made {
            Some(made) if self.errors.is_empty() => Ok(made),
            _ => Err(ApiError::InvalidFields(self.errors)),
        }
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::MalformedBody(format!("the body is not a JSON object: {error}"))
}

fn refusal(field: &str, code: &'static str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        code,
        message: format!("`{field}` {message}"),
    }
}

/// A rule for one line of text: trimmed, in Unicode's composed form (NFC), 1 to `max` characters, none of control.
pub fn line(max: usize) -> impl Fn(&str) -> Result<String, Refusal> {
    move |text| bounded(text, max, |c| c.is_control())
}

/// A rule for text of several lines: as [`line()`], with line breaks and tabs.
pub fn lines(max: usize) -> impl Fn(&str) -> Result<String, Refusal> {
    move |text| {
        bounded(text, max, |c| {
            c.is_control() && !matches!(c, '\n' | '\r' | '\t')
        })
    }
}

fn bounded(text: &str, max: usize, refused: fn(char) -> bool) -> Result<String, Refusal> {
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        Err(("too_short", "must not be empty".to_owned()))
    } else if text.chars().count() > max {
        Err(("too_long", format!("must be at most {max} characters long")))
    } else if text.chars().any(refused) {
        Err((
            "control_character",
            "must not hold control characters".to_owned(),
        ))
    } else {
        Ok(text)
    }
}

/// A JSON object that remembers which names came twice.
struct Object {
    values: BTreeMap<String, Box<RawValue>>,
    repeated: Vec<String>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object {
                    values: BTreeMap::new(),
                    repeated: Vec::new(),
                };
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    let again = object.values.insert(name.clone(), value).is_some();
                    if again && object.repeated.len() < MISTAKES {
                        object.repeated.push(name);
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Pair(String, Change<String>);
    impl FromFields for Pair {
        fn from_fields(fields: &mut Fields) -> Option<Self> {
            let name = fields.required("name", line(5));
            let notes = fields.change("notes", lines(5));
            Some(Self(name?, notes))
        }
    }

    fn read(json: &str) -> Result<Pair, Vec<(String, &'static str)>> {
        let mut fields = Fields::parse(json.as_bytes()).map_err(|_| Vec::new())?;
        let made = Pair::from_fields(&mut fields);
        fields.finish(made).map_err(|error| match error {
            ApiError::InvalidFields(errors) => {
                errors.into_iter().map(|e| (e.field, e.code)).collect()
            }
            other => panic!("{other}"),
        })
    }

    #[test]
    fn every_wrong_field_is_named_once() {
        let errors = read(r#"{"notes":7,"nmae":"x","a":1,"a":2}"#).expect_err("all wrong");
        let expected = [
            ("a", "repeated_field"),
            ("name", "required"),
            ("notes", "wrong_type"),
            ("nmae", "unknown_field"),
        ];
        assert_eq!(errors, expected.map(|(f, c)| (f.to_owned(), c)));
    }

    #[test]
    fn null_clears_and_absence_keeps() {
        let name = || "Ada".to_owned();
        assert_eq!(read(r#"{"name":" Ada "}"#), Ok(Pair(name(), Change::Keep)));
        assert_eq!(
            read(r#"{"name":"Ada","notes":null}"#),
            Ok(Pair(name(), Change::Clear))
        );
        assert_eq!(
            read(r#"{"name":"Ada","notes":"a\nb"}"#),
            Ok(Pair(name(), Change::Set("a\nb".to_owned())))
        );
    }

    #[test]
    fn length_is_counted_in_characters_after_trimming_and_composing() {
        assert!(line(2)("  王小 ").is_ok() && line(1)("e\u{301}").is_ok());
        assert_eq!(line(2)("abc").map_err(|e| e.0), Err("too_long"));
        assert_eq!(line(2)(" \u{3000} ").map_err(|e| e.0), Err("too_short"));
        assert_eq!(
            line(9)("a\u{7}b").map_err(|e| e.0),
            Err("control_character")
        );
        assert_eq!(line(9)("a\nb").map_err(|e| e.0), Err("control_character"));
    }

    #[test]
    fn what_is_not_an_object_is_malformed() {
        for bad in ["", "[]", "null", "{", "{\"name\":}", "\u{feff}{}"] {
            assert!(Fields::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Fields::parse("[".repeat(100_000).as_bytes()).is_err());
        assert!(Fields::parse(format!("{{\"a\":{}", "[".repeat(60_000)).as_bytes()).is_err());
    }
}
