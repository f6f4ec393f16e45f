//! Showing a picture to whoever has its signed address: one answer for everybody, which browsers and caches may keep.

use crate::ImagesState;
use axum::{
    Extension,
    extract::State,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            ETAG,
        },
    },
    response::{IntoResponse as _, Response},
};
use shared::{
    error::{ApiError, ApiResult},
    extract::{IfNoneMatch, Path, entity_tag},
    id::ImageId,
    image_url::{ImageSize, SignedQuery},
    server::SameForAll,
    time::Timestamp,
};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Shows a picture in one size. Whether it is still there is asked in any case, its bytes only when they are wanted.
pub(crate) async fn find_image(
    State(state): State<ImagesState>,
    method: Method,
    Path((id, size)): Path<(ImageId, ImageSize)>,
    query: SignedQuery,
    if_none_match: Option<IfNoneMatch>,
) -> ApiResult<Response> {
    let now = Timestamp::now();
    let until = state.image_urls.check(&id, size, &query, now)?;
    let name = format!("{id}-{}", size.as_str());
    let gone = ApiError::NotFound("picture");
    let known = if_none_match.is_some_and(|tags| tags.has(&name));
    let (status, length, body) = if known || method == Method::HEAD {
        let length = state.bucket.length(&id, size).await?.ok_or(gone)?;
        match known {
            true => (StatusCode::NOT_MODIFIED, None, None),
            false => (StatusCode::OK, Some(length), None),
        }
    } else {
        let found = state.bucket.find(&id, size).await?.ok_or(gone)?;
        (StatusCode::OK, Some(found.length), Some(found.body))
    };
    let headers = headers(&name, until.since(now).as_secs(), length);
    let body = body.unwrap_or_default();
    Ok((status, Extension(SameForAll), headers, body).into_response())
}

/// The headers of a picture that may be kept for so many seconds; with the length, those of its bytes too.
fn headers(name: &str, seconds: u64, length: Option<u64>) -> HeaderMap {
    let text = HeaderValue::from_static;
    let keep = format!("private, max-age={seconds}, immutable");
    let keep = HeaderValue::from_str(&keep).expect("letters and digits");
    let mut headers = HeaderMap::from_iter([
        (ETAG, entity_tag(name)),
        (CACHE_CONTROL, keep),
        (CONTENT_SECURITY_POLICY, text("sandbox; default-src 'none'")),
        (RESOURCE_POLICY, text("same-site")),
    ]);
    if let Some(length) = length {
        headers.extend([
            (CONTENT_TYPE, text("image/jpeg")),
            (CONTENT_LENGTH, length.into()),
            // A picture is small: whoever wants a part of it may have it whole.
            (ACCEPT_RANGES, text("none")),
        ]);
    }
    headers
}
