//! The static site, as far as there is one: what somebody sees who opens the address in a browser.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};

const INDEX: &str = include_str!("../../../docs/site/index.html");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

pub(crate) fn router() -> Router {
    Router::new().route("/", get(index))
}

async fn index() -> Response {
    let policy = HeaderValue::from_static(POLICY);
    let mut page = Html(INDEX).into_response();
    page.headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    page
}
