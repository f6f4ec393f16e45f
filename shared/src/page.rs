//! Lists in pages: a keyset cursor, the limit, and the `Link` to the next page (RFC 8288).

use crate::{
    config::PublicUrl,
    error::{ApiError, ApiResult},
    extract::Json,
    seal::Seal,
};
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use utoipa::openapi::{ObjectBuilder, Type};

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

/// Separates the cursors' key from whatever else is made from the same secret.
const LABEL: &str = "crm cursor 1";

/// Makes cursors and reads them: where a page ended, which is the key of its last row, bound to the list it belongs to.
///
/// They are sealed: nobody forges one, and what a list is ordered by, such as an e-mail address, stands readable in no
/// address and no log.
#[derive(Debug, Clone)]
pub struct Cursors(Seal);

impl Cursors {
    /// Makes what seals from a secret.
    #[must_use]
    pub fn derive(secret: &[u8; 32]) -> Self {
        Self(Seal::derive(secret, LABEL))
    }

    /// Reads the cursor of a list. `list` says which list it is: its path, filter and order.
    ///
    /// # Errors
    /// `invalid_cursor` when it is no cursor of ours, or of another list.
    pub fn open<K: DeserializeOwned>(
        &self,
        cursor: Option<&str>,
        list: &str,
    ) -> ApiResult<Option<K>> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let after = self.0.open(list, cursor);
        after.map(Some).ok_or(ApiError::InvalidCursor)
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    #[serde(skip)]
    next: Option<HeaderValue>,
}

impl<T> Page<T> {
    /// Cuts `rows`, read with [`Limit::and_one`], to a page of `list`; `key` is what the list is ordered by.
    #[must_use]
    pub fn cut<K: Serialize>(
        rows: Vec<T>,
        limit: Limit,
        cursors: &Cursors,
        list: &str,
        key: impl Fn(&T) -> K,
    ) -> Self {
        Self::cut_or_ended(rows, limit, cursors, list, key, None)
    }

    /// The same where the rows may end early: `ended` is the key behind which there may be more.
    #[must_use]
    pub fn cut_or_ended<K: Serialize>(
        mut rows: Vec<T>,
        limit: Limit,
        cursors: &Cursors,
        list: &str,
        key: impl Fn(&T) -> K,
        ended: Option<K>,
    ) -> Self {
        let full = usize::from(limit.0);
        let more = rows.len() > full;
        rows.truncate(full);
        let next = if more { rows.last().map(key) } else { ended };
        Self {
            data: rows,
            next_cursor: next.map(|key| cursors.0.seal(list, &key)),
            total: None,
            next: None,
        }
    }

    /// Adds how many rows the whole list has.
    #[must_use]
    pub fn counted(mut self, total: Option<i64>) -> Self {
        self.total = total;
        self
    }

    /// The page with each row made into another type.
    #[must_use]
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(make).collect(),
            next_cursor: self.next_cursor,
            total: self.total,
            next: self.next,
        }
    }

    /// Adds the `Link` to the next page. `path` begins with a slash; `query` holds the list's own parameters,
    /// ready for an address.
    #[must_use]
    pub fn linked(mut self, public: &PublicUrl, path: &str, query: &str) -> Self {
        self.next = self.next_cursor.as_ref().and_then(|cursor| {
            let target = format!("{}?{query}&cursor={cursor}", public.join(path));
            HeaderValue::from_str(&format!("<{target}>; rel=\"next\"")).ok()
        });
        self
    }
}

impl Limit {
    /// Its form in a query.
    #[must_use]
    pub fn schema() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1_i64))
            .default(Some(Self::default().0.into()))
            .description(Some(
                "How many a page holds; more than 200 is served as 200.",
            ))
    }

    /// As it stands in a query.
    #[must_use]
    pub fn to_query(self) -> String {
        format!("limit={}", self.0)
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
        let cursors = Cursors::derive(&[1; 32]);
        let limit = Limit(1);
        let page = Page::cut(vec![7, 8], limit, &cursors, "customers:id", |row| *row);
        let open = |cursor: &str, list: &str| cursors.open::<i64>(Some(cursor), list);
        let cursor = page.next_cursor.expect("a next page");
        assert!(matches!(open(&cursor, "customers:id"), Ok(Some(7))));
        assert!(open(&cursor, "customers:-id").is_err());
        for bad in ["", "x", "=", "WyJjdXN0b21lcnM6aWQiLDdd"] {
            assert!(open(bad, "customers:id").is_err(), "{bad}");
        }
        assert!(matches!(
            cursors.open::<i64>(None, "customers:id"),
            Ok(None)
        ));
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
