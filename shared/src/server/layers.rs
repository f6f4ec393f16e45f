//! What surrounds every handler: health, the request's id, one log line, problems, security headers, CORS.

use super::{Config, answers::Room, exchange::Exchange};
use crate::{
    config::PublicUrl,
    db::Db,
    error::{ApiError, ApiResult},
    extract::Json,
    idempotency,
    telemetry::{Telemetry, metrics::HttpMetrics},
};
use anyhow::anyhow;
use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
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
    mem,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};
use tokio::time::timeout;
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer, normalize_path::NormalizePath};
use utoipa::ToSchema;

/// Marks an answer that is the same whoever asks and from where, so that it can be kept once for all.
#[derive(Debug, Clone, Copy)]
pub struct SameForAll;

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
    telemetry: &Telemetry,
) -> NormalizePath<Router> {
    let state = LayerState {
        hsts: !public.is_loopback(),
        metrics: telemetry.exports().then(HttpMetrics::new),
        room: Room::new(),
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

#[derive(Clone)]
struct LayerState {
    hsts: bool,
    metrics: Option<HttpMetrics>,
    room: Room,
}

/// Answers errors as problems, adds the headers that every answer has, and tells of the request once.
async fn surround(State(state): State<LayerState>, request: Request, next: Next) -> Response {
    let exchange = Exchange::begin(&request, state.metrics);
    let (trace, span) = (exchange.trace(), exchange.span());
    let id = trace.id.to_string();
    let answer = async move {
        let mut response = state.room.placed(next.run(drained(request)).await);
        let error = response.extensions_mut().remove::<Arc<ApiError>>();
        if let Some(error) = &error {
            error.write_body(&mut response, &id);
        }
        if response.extensions().get::<SameForAll>().is_some() {
            unite(response.headers_mut());
        }
        add_headers(response.headers_mut(), &id, state.hsts);
        exchange.end(&response, error.as_deref());
        response
    };
    trace.follow(span, answer).await
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

/// Where pages of other origins are served at all, lets them all see an answer rather than each its own.
fn unite(headers: &mut HeaderMap) {
    headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    if headers.remove(header::VARY).is_some() {
        let all = HeaderValue::from_static("*");
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, all);
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
            idempotency::KEY,
        ])
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            idempotency::REPLAYED,
            REQUEST_ID,
        ])
        .max_age(Duration::from_secs(2 * 60 * 60))
}

/// What a service that can serve says of itself.
#[derive(Clone, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(examples("ok"))]
    status: &'static str,
    /// Which service it is.
    service: &'static str,
    /// The product's version.
    version: &'static str,
    /// The deployed revision.
    revision: String,
}
