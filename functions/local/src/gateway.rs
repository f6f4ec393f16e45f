//! What the load balancer is in production: one origin that ends TLS, routes by path and says who the client is.

use crate::{
    Place,
    balancer::{Remote, remove_hop_by_hop},
    routes::{Routes, Service},
};
use anyhow::Context as _;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header},
};
use hyper::body::Incoming;
use shared::{
    config::PublicUrl,
    id::random,
    server::{FACING_CLIENTS, Shutdown, serve},
};
use std::{
    convert::Infallible,
    future::ready,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::{ServiceExt as _, service_fn};
use tower_http::normalize_path::NormalizePath;

/// The one header that tells a client's address; see `CLIENT_IP_HEADER`.
pub(crate) const CLIENT_IP: HeaderName = HeaderName::from_static("x-crm-client-ip");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The trace that a request belongs to, in the balancer's own form.
const TRACE: HeaderName = HeaderName::from_static("x-cloud-trace-context");
/// What only the gateway may say begins with this.
const OURS: &str = "x-crm-";

/// The services behind the gateway.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) routes: Arc<Routes>,
    pub(crate) auth: Backend,
    pub(crate) customers: Backend,
    pub(crate) images: Backend,
    pub(crate) site: Backend,
}

/// Where a service is.
#[derive(Clone)]
pub(crate) enum Backend {
    /// In this process.
    Here(NormalizePath<Router>),
    /// In processes of its own.
    There(Remote),
}

impl Gateway {
    /// Serves both ports until told to stop.
    pub(crate) async fn serve(
        self,
        ports: Ports,
        tls: TlsAcceptor,
        public: PublicUrl,
        shutdown: &Shutdown,
    ) {
        let greet = |stream: TcpStream| {
            let tls = tls.clone();
            async move { tls.accept(stream).await }
        };
        let gated = |client: SocketAddr| {
            let gateway = self.clone();
            service_fn(move |request| gateway.clone().answer(request, client, ports.address))
        };
        let plain = |_: SocketAddr| {
            let public = public.clone();
            service_fn(move |request| ready(Ok::<_, Infallible>(redirect(&public, &request))))
        };
        tokio::join!(
            serve(ports.https, greet, gated, FACING_CLIENTS, shutdown),
            serve(
                ports.http,
                |stream| ready(Ok(stream)),
                plain,
                FACING_CLIENTS,
                shutdown
            ),
        );
    }

    /// Answers a request of `client` that came to `own`.
    async fn answer(
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
        match service {
            Backend::Here(router) => router.oneshot(request).await,
            Backend::There(remote) => Ok(remote.forward(request).await),
        }
    }
}

/// The two ports, open.
pub(crate) struct Ports {
    https: TcpListener,
    http: TcpListener,
    /// Of the HTTPS port.
    pub(crate) address: SocketAddr,
    /// The number of the plain port.
    pub(crate) http_port: u16,
}

impl Ports {
    /// Opens the ports.
    pub(crate) async fn open(place: &Place) -> anyhow::Result<Self> {
        let https = listen(place.listen, place.https_port, "--https-port").await?;
        let http = listen(place.listen, place.http_port, "--http-port").await?;
        Ok(Self {
            address: https.local_addr()?,
            http_port: http.local_addr()?.port(),
            https,
            http,
        })
    }
}

async fn listen(address: IpAddr, port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind((address, port)).await.with_context(|| {
        format!("port {port} of {address} cannot be listened on; stop what uses it, or choose another with {flag}")
    })
}

/// Sets what the load balancer sets, and removes what a client has no business to say.
fn rewrite(headers: &mut HeaderMap, client: SocketAddr, own: SocketAddr) {
    // First: a client must not name in `Connection` what is set below.
    remove_hop_by_hop(headers);
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
    if !headers.contains_key(&TRACE) {
        let trace = format!("{:032x}/0;o=0", u128::from_be_bytes(random()));
        headers.extend(text(&trace).map(|trace| (TRACE, trace)));
    }
    headers.append(header::VIA, HeaderValue::from_static("1.1 google"));
}

/// What listens on the plain port: the way to the same path by HTTPS, at the public address.
///
/// Temporary and not kept: a browser must not remember it for every other server on this machine.
fn redirect(public: &PublicUrl, request: &Request<Incoming>) -> Response<Body> {
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
            ("connection", "x-crm-client-ip, x-forwarded-proto, x-hop"),
            ("x-hop", "6.6.6.6"),
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
        assert!(headers.remove(TRACE).is_some());
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
