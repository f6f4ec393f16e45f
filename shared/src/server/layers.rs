//! What surrounds every handler: health, the request's id, one log line, problems, security headers, CORS.

use super::Config;
use crate::{
    config::PublicUrl,
    db::Db,
    error::{ApiError, ApiResult},
    extract::Json,
    id::random,
};
use anyhow::anyhow;
use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use std::{
    any::Any,
    error::Error,
    mem,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::{Duration, Instant},
};
use tokio::time::timeout;
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer, normalize_path::NormalizePath};

/// Carries the request's id, which is its trace id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How much of a refused body is read on, in bytes.
const DRAIN_UP_TO: usize = 16 * 1024 * 1024;
/// How long a refused body is read on.
const DRAIN_FOR: Duration = Duration::from_secs(10);

/// A router with what surrounds every handler. A trailing slash is accepted as the same path.
#[must_use]
pub fn surrounded(
    router: Router,
    public: &PublicUrl,
    cors_origins: &[String],
) -> NormalizePath<Router> {
    let state = LayerState {
        hsts: !public.is_loopback(),
    };
    let router = router
        .fallback(|| async { ApiError::NotFound("path") })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(CatchPanicLayer::custom(panicked));
    let router = match cors_origins {
        [] => router,
        origins => router.layer(cors(origins)),
    };
    NormalizePath::trim_trailing_slash(router.layer(from_fn_with_state(state, surround)))
}

/// Adds `/health/live`, which touches nothing, and `/health/{service}`, which needs the database.
pub fn with_health(router: Router, service: &'static str, config: &Config, db: &Db) -> Router {
    let healthy = Health {
        status: "ok",
        service,
        version: env!("CARGO_PKG_VERSION"),
        revision: config.revision.clone(),
    };
    let live = healthy.clone();
    let ready = move |State(db): State<Db>| async move {
        db.ping().await?;
        ApiResult::Ok(Json(healthy))
    };
    let health = Router::new()
        .route("/health/live", get(move || async move { Json(live) }))
        .route(&format!("/health/{service}"), get(ready))
        .with_state(db.clone());
    router.merge(health)
}

#[derive(Clone, Copy)]
struct LayerState {
    hsts: bool,
}

/// Gives the request an id, answers errors as problems, adds the headers that every answer has, and logs one line.
async fn surround(State(state): State<LayerState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(unknown)".to_owned(), |path| path.as_str().to_owned());
    let mut response = next.run(drained(request)).await;
    let error = response.extensions_mut().remove::<Arc<ApiError>>();
    if let Some(error) = &error {
        error.write_body(&mut response, &id);
    }
    let status = response.status();
    add_headers(response.headers_mut(), &id, state.hsts);
    let latency_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let status_code = status.as_u16();
    match error {
        Some(error) if status.is_server_error() => {
            let cause = causes(&error);
            tracing::error!(%method, path, status_code, latency_ms, request_id = id, cause, "request failed");
        }
        _ => tracing::info!(%method, path, status_code, latency_ms, request_id = id, "request"),
    }
    response
}

/// Reads on what a refused request still sends: a client that is writing does not see the answer otherwise.
pub fn drained(request: Request) -> Request {
    request.map(|body| Body::new(Draining(body)))
}

/// A body that is read on when it is dropped before its end, to a bound.
struct Draining(Body);

impl HttpBody for Draining {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        if self.0.is_end_stream() {
            return;
        }
        let mut rest = mem::replace(&mut self.0, Body::empty());
        tokio::spawn(timeout(DRAIN_FOR, async move {
            let mut read = 0;
            while let Some(Ok(frame)) = rest.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len);
                if read > DRAIN_UP_TO {
                    break;
                }
            }
        }));
    }
}

fn add_headers(headers: &mut HeaderMap, id: &str, hsts: bool) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if hsts {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// The trace id that the load balancer began (W3C Trace Context, or Google's own header), else a fresh one.
fn request_id(headers: &HeaderMap) -> String {
    let part = |name: &str, separator: char, index: usize| {
        let value = headers.get(name)?.to_str().ok()?;
        let id = value.split(separator).nth(index)?;
        let digits = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (id.len() == 32 && digits && id.bytes().any(|b| b != b'0')).then(|| id.to_owned())
    };
    part("traceparent", '-', 1)
        .or_else(|| part("x-cloud-trace-context", '/', 0))
        .unwrap_or_else(|| format!("{:032x}", u128::from_be_bytes(random())))
}

/// An error and everything beneath it, on one line, for the log alone.
fn causes(error: &ApiError) -> String {
    let mut text = error.status().1.to_owned();
    let mut source = match error {
        ApiError::Internal(error) => Some(error.as_ref() as &dyn Error),
        ApiError::Database(error) => Some(error as &dyn Error),
        ApiError::Storage(error) => Some(error as &dyn Error),
        other => Some(other as &dyn Error),
    };
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    ApiError::Internal(anyhow!("a handler panicked: {message}")).into_response()
}

/// Browsers on other origins are served only when listed.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok())
        .collect::<Vec<_>>();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
        ])
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            REQUEST_ID,
        ])
        .max_age(Duration::from_secs(2 * 60 * 60))
}

#[derive(Clone, Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
    version: &'static str,
    revision: String,
}
