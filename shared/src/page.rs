//! Lists in pages: a keyset cursor, the limit, and the `Link` to the next page (RFC 8288).

use crate::{
    config::PublicUrl,
    error::{ApiError, ApiResult},
    extract::Json,
};
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// How many rows a page holds: 50 unless asked, more than 200 is served as 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    const MOST: u8 = 200;

    /// One row more than the page holds: it tells whether there is a next page.
    #[must_use]
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u8>() {
            Ok(0) => Err(D::Error::custom("a page holds at least 1")),
            Ok(limit) => Ok(Self(limit.min(Self::MOST))),
            Err(_) if digits => Ok(Self(Self::MOST)),
            Err(_) => Err(D::Error::custom("must be a whole number")),
        }
    }
}

/// Where a page ended: the key of its last row, bound to the list it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(i64);

impl Cursor {
    /// Reads the cursor of a list. `list` says which list it is: its path, filter and order.
    ///
    /// # Errors
    /// `invalid_cursor` when it is no cursor of ours, or of another list.
    pub fn decode(cursor: Option<&str>, list: &str) -> ApiResult<Option<i64>> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        match serde_json::from_slice::<(String, i64)>(&bytes) {
            Ok((of, after)) if of == list => Ok(Some(after)),
            _ => Err(ApiError::InvalidCursor),
        }
    }

    fn encode(list: &str, after: i64) -> String {
        let cursor = serde_json::to_vec(&(list, after)).expect("a text and a number serialise");
        URL_SAFE_NO_PAD.encode(cursor)
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
    #[serde(skip)]
    next: Option<HeaderValue>,
}

impl<T> Page<T> {
    /// Cuts `rows`, read with [`Limit::and_one`], to a page of `list`; `key` is what the list is ordered by.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, limit: Limit, list: &str, key: impl Fn(&T) -> i64) -> Self {
        let full = usize::from(limit.0);
        let more = rows.len() > full;
        rows.truncate(full);
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .map(|last| Cursor::encode(list, key(last)));
        Self {
            data: rows,
            next_cursor,
            next: None,
        }
    }

    /// The page with each row made into another type.
    #[must_use]
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(make).collect(),
            next_cursor: self.next_cursor,
            next: self.next,
        }
    }

    /// Adds the `Link` to the next page. `path` begins with a slash; `query` holds the list's own parameters.
    #[must_use]
    pub fn linked(mut self, public: &PublicUrl, path: &str, query: &[(&str, &str)]) -> Self {
        self.next = self.next_cursor.as_ref().and_then(|cursor| {
            let mut target = format!("{}?", public.join(path));
            for (name, value) in query {
                target.push_str(&format!("{name}={value}&"));
            }
            HeaderValue::from_str(&format!("<{target}cursor={cursor}>; rel=\"next\"")).ok()
        });
        self
    }
}

impl Limit {
    /// As it stands in a query.
    #[must_use]
    pub fn to_query(self) -> String {
        self.0.to_string()
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let next = self.next.clone();
        let mut response = Json(self).into_response();
        if let Some(next) = next {
            response.headers_mut().insert(header::LINK, next);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_one_list() {
        let cursor = Cursor::encode("customers:id", 7);
        assert!(matches!(
            Cursor::decode(Some(&cursor), "customers:id"),
            Ok(Some(7))
        ));
        assert!(Cursor::decode(Some(&cursor), "customers:-id").is_err());
        for bad in ["", "x", "=", "WyJjdXN0b21lcnM6aWQiLDdd="] {
            assert!(Cursor::decode(Some(bad), "customers:id").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_limit_is_at_least_one_and_served_as_two_hundred_at_most() {
        let limit = |text: &str| serde_json::from_value::<Limit>(text.into()).ok();
        assert_eq!(limit("1"), Some(Limit(1)));
        assert_eq!(limit("201"), Some(Limit(200)));
        assert_eq!(limit("99999999999999999999999"), Some(Limit(200)));
        assert_eq!(
            (limit("0"), limit("-1"), limit("x"), limit("")),
            (None, None, None, None)
        );
    }
}
