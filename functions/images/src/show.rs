//! Showing a picture to whoever has its signed address: one answer for everybody, which browsers and caches may keep.

use crate::{ImagesState, bucket::Found};
use axum::{
    Extension,
    extract::State,
    http::{
        HeaderName, HeaderValue, Method, StatusCode,
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
    let known = if_none_match.is_some_and(|tags| tags.has(&name));
    let found = match known || method == Method::HEAD {
        true => state.bucket.length(&id, size).await?.map(Found::unread),
        false => state.bucket.find(&id, size).await?,
    };
    let Found { length, body } = found.ok_or(ApiError::NotFound("picture"))?;
    let kept = kept(&name, until.since(now).as_secs());
    if known {
        return Ok((StatusCode::NOT_MODIFIED, Extension(SameForAll), kept).into_response());
    }
    let length = length.map(|length| [(CONTENT_LENGTH, HeaderValue::from(length))]);
    let described = [
        (CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        // A picture is small: whoever wants a part of it may have it whole.
        (ACCEPT_RANGES, HeaderValue::from_static("none")),
    ];
    let mut shown = (Extension(SameForAll), kept, described, body).into_response();
    shown.headers_mut().extend(length.into_iter().flatten());
    Ok(shown)
}

/// What lets browsers and caches keep a picture for so many seconds.
fn kept(name: &str, seconds: u64) -> [(HeaderName, HeaderValue); 4] {
    let text = HeaderValue::from_static;
    let keep = format!("private, max-age={seconds}, immutable");
    let keep = HeaderValue::from_str(&keep).expect("letters and digits");
    [
        (ETAG, entity_tag(name)),
        (CACHE_CONTROL, keep),
        (CONTENT_SECURITY_POLICY, text("sandbox; default-src 'none'")),
        (RESOURCE_POLICY, text("same-site")),
    ]
}
