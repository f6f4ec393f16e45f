//! Somebody who talks to a product.

use crate::contract;
use reqwest::{
    Method, RequestBuilder, StatusCode, Version,
    header::{HeaderMap, HeaderName},
    redirect::Policy,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::{Value, json};
use std::{net::IpAddr, path::Path, sync::Arc};

/// Talks to a product, trusting its own authority alone; follows no redirects.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// The access token, once signed in.
    pub token: Option<String>,
    /// The refresh token, once signed in.
    pub refresh: Option<String>,
}

impl Client {
    /// Somebody who trusts the authority in this file, and speaks HTTP/2 where it can.
    #[must_use]
    pub fn new(base: &str, authority: &Path) -> Self {
        Self::speaking(&["h2", "http/1.1"], base, authority)
    }

    /// Somebody who speaks only HTTP/1.1.
    #[must_use]
    pub fn old(base: &str, authority: &Path) -> Self {
        Self::speaking(&["http/1.1"], base, authority)
    }

    /// Somebody at this address of this machine, who speaks HTTP/2 where it can.
    #[must_use]
    pub fn at(own: IpAddr, base: &str, authority: &Path) -> Self {
        Self::speaking_at(Some(own), &["h2", "http/1.1"], base, authority)
    }

    fn speaking(alpn: &[&str], base: &str, authority: &Path) -> Self {
        Self::speaking_at(None, alpn, base, authority)
    }

    fn speaking_at(own: Option<IpAddr>, alpn: &[&str], base: &str, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(authority).expect("a certificate");
        roots.add(authority).expect("an authority");
        let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .local_address(own)
            .no_proxy()
            .build();
        Self {
            http: http.expect("a client"),
            base: base.to_owned(),
            token: None,
            refresh: None,
        }
    }

    /// The same client, signed in.
    pub async fn signed_in(mut self, email: &str, password: &str) -> Self {
        let credentials = json!({ "email": email, "password": password });
        let tokens = self.post("/login", credentials).await.is(200).json();
        self.token = tokens["access_token"].as_str().map(str::to_owned);
        self.refresh = tokens["refresh_token"].as_str().map(str::to_owned);
        self
    }

    /// The same client with another access token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// A request with this client's token. `path` may be an absolute address.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let address = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.base),
        };
        let request = self.http.request(method, address);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// `GET` with one header more.
    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).header(name, value)).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body)).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(&body)).await
    }

    /// `PATCH` with a JSON body, for one version.
    pub async fn patch_if(&self, path: &str, tag: &str, body: Value) -> Answer {
        Answer::of(
            self.request(Method::PATCH, path)
                .header("if-match", tag)
                .json(&body),
        )
        .await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// `PUT` with bytes of a type.
    pub async fn put_bytes(&self, path: &str, content_type: &str, bytes: Vec<u8>) -> Answer {
        let request = self.request(Method::PUT, path);
        Answer::of(request.header("content-type", content_type).body(bytes)).await
    }

    /// Makes a customer; gives the record.
    pub async fn customer(&self, email: &str) -> Value {
        let new = json!({ "email": email, "name": "Ada", "surname": "Lovelace" });
        self.post("/customers", new).await.is(201).json()
    }

    /// A customer's record; asserts that each of its versions has its one row of history.
    pub async fn whole_customer(&self, id: i64) -> Value {
        let path = format!("/customers/{id}");
        let customer = self.get(&path).await.is(200).json();
        let mut versions = Vec::new();
        let mut more = format!("{path}/history?limit=200");
        loop {
            let page = self.get(&more).await.is(200).json();
            let events = page["data"].as_array().expect("events").iter();
            versions.extend(events.filter_map(|event| event["version"].as_i64()));
            match page["next_cursor"].as_str() {
                Some(cursor) => more = format!("{path}/history?limit=200&cursor={cursor}"),
                None => break,
            }
        }
        let all: Vec<_> = (1..=customer["version"].as_i64().expect("a version"))
            .rev()
            .collect();
        assert_eq!(versions, all, "{customer}");
        customer
    }
}

/// Somebody who speaks plain HTTP: HTTP/2 from the first byte, or HTTP/1.1. Follows no redirects.
///
/// # Panics
/// Never: nothing about it can fail.
#[must_use]
pub fn plain(http2: bool) -> reqwest::Client {
    // It wants a provider even though it never speaks TLS.
    let _ = ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy();
    let client = if http2 {
        client.http2_prior_knowledge()
    } else {
        client
    };
    client.build().expect("a client")
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The protocol's version.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Sends a request.
    ///
    /// # Panics
    /// When no answer comes: the product never leaves a client without one.
    pub async fn of(request: RequestBuilder) -> Self {
        Self::try_of(request).await.expect("an answer")
    }

    /// Sends a request that may be cut off. Whatever the product answers must be in its document.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn try_of(request: RequestBuilder) -> reqwest::Result<Self> {
        let (client, request) = request.build_split();
        let request = request?;
        let (method, url) = (request.method().clone(), request.url().clone());
        let response = client.execute(request).await?;
        let answer = Self {
            status: response.status(),
            version: response.version(),
            headers: response.headers().clone(),
            bytes: response.bytes().await?.to_vec(),
        };
        contract::check(&method, url.path(), &answer);
        Ok(answer)
    }

    /// Asserts the status; shows the body when it is another.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Asserts a problem: status, content type, and every member that all problems have.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.is(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], "about:blank", "{problem}");
        assert_eq!(
            problem["request_id"],
            answer.header("x-request-id"),
            "{problem}"
        );
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
        problem
    }

    /// Asserts which fields a 422 names, and why.
    #[track_caller]
    pub fn invalid(self, fields: &[(&str, &str)]) {
        let problem = self.problem(422, "invalid_fields");
        let errors = problem["errors"].as_array().expect("errors");
        let mut named: Vec<_> = errors
            .iter()
            .map(|error| {
                (
                    error["field"].as_str().unwrap_or(""),
                    error["code"].as_str().unwrap_or(""),
                )
            })
            .collect();
        let mut fields = fields.to_vec();
        named.sort_unstable();
        fields.sort_unstable();
        assert_eq!(named, fields, "{problem}");
    }

    /// The body as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header's text, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let name: HeaderName = name.parse().expect("a name");
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }
}
