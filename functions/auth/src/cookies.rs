//! Reading and writing cookies. All of ours are `__Host-`: bound to this one origin, sent over TLS alone, never set by
//! a sibling domain (RFC 6265bis, section 4.1.3.2).

use axum::http::{HeaderMap, HeaderValue, header};
use shared::error::{ApiError, ApiResult};

/// To which requests from other sites a browser adds a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SameSite {
    /// Only to a navigation, such as a provider's way back.
    Lax,
    /// To none.
    Strict,
}

/// Every cookie of a request, by name and value.
pub(crate) fn all(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// The value of a cookie.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut named = all(headers).filter(|(known, _)| *known == name);
    named.next().map(|(_, value)| value)
}

/// The names of the cookies with a prefix that are too many when one of `own` name is added and `most` may be there:
/// those without a time in `since`, then the oldest; at most `most` of them, for somebody may send any number. What is not
/// as long as `own` is nobody's of ours.
pub(crate) fn too_many<'a>(
    headers: &'a HeaderMap,
    (prefix, own): (&str, &str),
    most: usize,
    since: impl Fn(&str, &str) -> Option<i64>,
) -> Vec<&'a str> {
    let mut there: Vec<_> = all(headers)
        .filter(|(name, _)| name.starts_with(prefix) && name.len() == own.len() && *name != own)
        .map(|(name, value)| (since(name, value), name))
        .collect();
    there.sort_unstable();
    let over = (there.len() + 1).saturating_sub(most).min(most);
    there.iter().take(over).map(|(_, name)| *name).collect()
}

/// A `Set-Cookie` for so many seconds; with zero of them the cookie is cleared.
pub(crate) fn set(
    name: &str,
    value: &str,
    same_site: SameSite,
    seconds: u64,
) -> ApiResult<HeaderValue> {
    let cookie = format!(
        "{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site:?}; Max-Age={seconds}"
    );
    HeaderValue::from_str(&cookie).map_err(|error| ApiError::Internal(error.into()))
}
