//! The static site of `docs/site`, shown as the bucket behind the load balancer shows it: the same files at the same
//! addresses, with the same headers.

use axum::{
    Extension, Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};
use shared::{
    error::ApiError,
    extract::{IfNoneMatch, entity_tag},
    server::Constant,
};
use std::{borrow::Cow, path::Path};
use tower_http::compression::CompressionLayer;

/// Read from the folder while developing; a part of the program once it is built for release.
#[derive(Embed)]
#[folder = "../../docs/site"]
struct Files;

/// What the backend bucket adds to every answer (terraform/balancer.tf; a test there compares).
///
/// Pages load nothing from elsewhere and run no code that stands in them. `data:` is for the pictures in the style of
/// the API reference.
const HEADERS: [(&str, &str); 3] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("referrer-policy", "same-origin"),
];

/// For how long a browser may keep a file (terraform/release/site.sh).
const FRESH: &str = "public, max-age=300";
/// The same for a folder that has its version in its name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const VERSIONED: &str = "assets/swagger-ui-";

/// Answers every file by its name, and a page also by its name without `.html`.
pub(crate) fn router() -> Router {
    let mut router = Router::new();
    for name in Files::iter() {
        let file = get({
            let name = name.clone();
            move |known: Option<IfNoneMatch>| async move { show(&name, known) }
        });
        let page = match name.strip_suffix(".html") {
            Some("index") => Some("/".to_owned()),
            page => page.map(|page| format!("/{page}")),
        };
        for path in page.into_iter().chain([format!("/{name}")]) {
            router = router.route(&path, file.clone());
        }
    }
    router.layer(CompressionLayer::new())
}

fn show(name: &str, known: Option<IfNoneMatch>) -> Response {
    // Gone since the start, while somebody edits the folder.
    let Some(EmbeddedFile { data, metadata }) = Files::get(name) else {
        return ApiError::NotFound("path").into_response();
    };
    let hash = u128::from_be_bytes(std::array::from_fn(|at| metadata.sha256_hash()[at]));
    let tag = format!("{hash:032x}");
    let mut answer = match known {
        Some(known) if known.has(&tag) => StatusCode::NOT_MODIFIED.into_response(),
        _ => whole(data),
    };
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, entity_tag(&tag));
    let own = [
        ("content-type", content_type(name)),
        ("cache-control", freshness(name)),
    ];
    for (name, value) in own.into_iter().chain(HEADERS) {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    answer
}

/// A file of the program takes no memory of its own, however many read it.
fn whole(data: Cow<'static, [u8]>) -> Response {
    match data {
        Cow::Borrowed(data) => (Extension(Constant), data).into_response(),
        Cow::Owned(data) => data.into_response(),
    }
}

fn freshness(name: &str) -> &'static str {
    match name.starts_with(VERSIONED) {
        true => FOR_EVER,
        false => FRESH,
    }
}

/// What a file is, by the end of its name, as `gcloud storage` tells the bucket.
fn content_type(name: &str) -> &'static str {
    let end = Path::new(name).extension().and_then(|end| end.to_str());
    match end {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("txt" | "md") | None => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_of_a_kind_that_browsers_are_told() {
        for name in Files::iter() {
            let kind = content_type(&name);
            assert_ne!(kind, "application/octet-stream", "{name}: {kind}");
        }
    }
}
