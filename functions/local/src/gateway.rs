//! What the load balancer is in production: one origin that ends TLS, routes by path and says who the client is.

use crate::routes::{Routes, Service};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header},
};
use hyper::body::Incoming;
use shared::config::PublicUrl;
use std::{convert::Infallible, net::SocketAddr, sync::Arc};
use tower::ServiceExt as _;
use tower_http::normalize_path::NormalizePath;

/// The one header that tells a client's address; see `CLIENT_IP_HEADER`.
pub(crate) const CLIENT_IP: HeaderName = HeaderName::from_static("x-crm-client-ip");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What only the gateway may say begins with this.
const OURS: &str = "x-crm-";

/// The services behind the gateway.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) routes: Arc<Routes>,
    pub(crate) auth: NormalizePath<Router>,
    pub(crate) customers: NormalizePath<Router>,
    pub(crate) images: NormalizePath<Router>,
    pub(crate) site: NormalizePath<Router>,
}

impl Gateway {
    /// Answers a request of `client` that came to `own`.
    pub(crate) async fn answer(
        self,
        mut request: Request<Incoming>,
        client: SocketAddr,
        own: SocketAddr,
    ) -> Result<Response<Body>, Infallible> {
        rewrite(request.headers_mut(), client, own);
        let service = match self.routes.service(request.uri().path()) {
            Service::Auth => self.auth,
            Service::Customers => self.customers,
            Service::Images => self.images,
            Service::Site => self.site,
        };
        service.oneshot(request).await
    }
}

/// Sets what the load balancer sets, and removes what a client has no business to say.
fn rewrite(headers: &mut HeaderMap, client: SocketAddr, own: SocketAddr) {
    let forged: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(OURS))
        .chain([&header::FORWARDED, &FORWARDED_HOST])
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
    let text = |text: &str| HeaderValue::from_str(text).ok();
    let client = client.ip().to_string();
    // Google keeps what the client claimed and appends two addresses: only those can be believed.
    let claimed = headers.get_all(&FORWARDED_FOR).iter();
    let claimed: Vec<_> = claimed.filter_map(|value| value.to_str().ok()).collect();
    let own = own.ip().to_string();
    let chain = [claimed.as_slice(), &[client.as_str(), own.as_str()]].concat();
    for (name, value) in [
        (CLIENT_IP, text(&client)),
        (FORWARDED_FOR, text(&chain.join(","))),
        (FORWARDED_PROTO, text("https")),
    ] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers.append(header::VIA, HeaderValue::from_static("1.1 google"));
}

/// What listens on the plain port: the way to the same path by HTTPS, at the public address.
///
/// Temporary and not kept: a browser must not remember it for every other server on this machine.
pub(crate) fn redirect(public: &PublicUrl, request: &Request<Incoming>) -> Response<Body> {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = axum::http::StatusCode::TEMPORARY_REDIRECT;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(location) = HeaderValue::from_str(&public.join(path)) {
        headers.insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_forges_does_not_pass() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-crm-client-ip", "6.6.6.6"),
            ("x-crm-edge", "guess"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "for=6.6.6.6;host=evil.example"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-for", "6.6.6.6"),
            ("accept", "*/*"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let address = |text: &str| text.parse().expect("an address");
        rewrite(
            &mut headers,
            address("192.0.2.7:5000"),
            address("127.0.0.1:8443"),
        );
        let mut lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        lines.sort();
        let expected = [
            "accept: */*",
            "via: 1.1 google",
            "x-crm-client-ip: 192.0.2.7",
            "x-forwarded-for: 6.6.6.6,192.0.2.7,127.0.0.1",
            "x-forwarded-proto: https",
        ];
        assert_eq!(lines, expected);
    }
}
