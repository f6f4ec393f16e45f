//! The usual metrics of an HTTP server and of a pool of connections, by OpenTelemetry's semantic conventions.
//!
//! Every attribute has few values: a stranger's methods are one, and paths are told as routes.

use crate::db::Db;
use axum::http::{Method, StatusCode};
use opentelemetry::{
    KeyValue, global,
    metrics::{Histogram, UpDownCounter},
};
use std::time::Duration;

/// Bounds of request durations, in seconds, as the conventions advise.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Bounds of body sizes, in bytes.
const BYTES: [f64; 8] = [
    0.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    10_485_760.0,
];
/// Who measures.
const SCOPE: &str = "crm";

/// Measures of every request.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    duration: Histogram<f64>,
    request_size: Histogram<u64>,
    response_size: Histogram<u64>,
    active: UpDownCounter<i64>,
}

/// What is told of a request that was answered, or given up.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// One of the known methods.
    pub method: &'static str,
    /// The route's template.
    pub route: Option<&'a str>,
    /// The answer; none when the client went away before.
    pub status: Option<StatusCode>,
    /// The problem's `code` or such.
    pub error: Option<&'static str>,
    /// From the request's head to the answer's.
    pub duration: Duration,
    /// The request's body in bytes, as far as known.
    pub request_size: Option<u64>,
    /// The answer's body in bytes, as far as known.
    pub response_size: Option<u64>,
}

impl HttpMetrics {
    /// Instruments of the process's meter, which has to be there already.
    #[must_use]
    pub fn new() -> Self {
        let meter = global::meter(SCOPE);
        let size = |name| {
            meter
                .u64_histogram(name)
                .with_unit("By")
                .with_boundaries(BYTES.to_vec())
                .build()
        };
        Self {
            duration: meter
                .f64_histogram("http.server.request.duration")
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            request_size: size("http.server.request.body.size"),
            response_size: size("http.server.response.body.size"),
            active: meter
                .i64_up_down_counter("http.server.active_requests")
                .with_unit("{request}")
                .build(),
        }
    }

    /// Counts a request that has begun.
    pub fn begin(&self, method: &'static str) {
        self.active.add(1, &asked(method));
    }

    /// Counts a request that is over.
    pub fn end(&self, answered: &Answered<'_>) {
        self.active.add(-1, &asked(answered.method));
        let mut attributes = asked(answered.method).to_vec();
        attributes.extend(
            answered
                .route
                .map(|route| KeyValue::new("http.route", route.to_owned())),
        );
        attributes.extend(
            answered.status.map(|status| {
                KeyValue::new("http.response.status_code", i64::from(status.as_u16()))
            }),
        );
        attributes.extend(
            answered
                .error
                .map(|error| KeyValue::new("error.type", error)),
        );
        self.duration
            .record(answered.duration.as_secs_f64(), &attributes);
        if let Some(size) = answered.request_size {
            self.request_size.record(size, &attributes);
        }
        if let Some(size) = answered.response_size {
            self.response_size.record(size, &attributes);
        }
    }
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Everybody comes by way of the public origin, which is https.
fn asked(method: &'static str) -> [KeyValue; 2] {
    [
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.scheme", "https"),
    ]
}

/// The method as metrics and spans name it: one that nobody knows is `_OTHER`.
#[must_use]
pub fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// Lets the process's meter look at the pool of connections from now on.
pub fn observe_pool(db: &Db) {
    let meter = global::meter(SCOPE);
    let pool = |state| {
        [
            KeyValue::new("db.client.connection.pool.name", "crm"),
            KeyValue::new("db.client.connection.state", state),
        ]
    };
    let watched = db.clone();
    meter
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_unit("{connection}")
        .with_callback(move |observer| {
            let (idle, used) = watched.connections();
            observer.observe(idle, &pool("idle"));
            observer.observe(used, &pool("used"));
        })
        .build();
    let max = i64::from(db.max_connections());
    meter
        .i64_observable_up_down_counter("db.client.connection.max")
        .with_unit("{connection}")
        .with_callback(move |observer| {
            observer.observe(
                max,
                &[KeyValue::new("db.client.connection.pool.name", "crm")],
            );
        })
        .build();
}
