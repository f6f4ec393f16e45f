//! One request and what became of it: its span, its one log line, its measures.

use crate::{
    error::ApiError,
    telemetry::{
        metrics::{Answered, HttpMetrics, known_method},
        trace::Trace,
    },
};
use axum::{
    body::HttpBody as _,
    extract::{MatchedPath, Request},
    http::{StatusCode, header::CONTENT_LENGTH},
    response::Response,
};
use std::{error::Error, time::Instant};
use tracing::{Span, field::Empty};

/// A request under way. Dropped before [`Exchange::end`], it says that the client went away.
pub(super) struct Exchange {
    started: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
    request_size: Option<u64>,
    trace: Trace,
    span: Span,
    metrics: Option<HttpMetrics>,
    ended: bool,
}

impl Exchange {
    pub(super) fn begin(request: &Request, metrics: Option<HttpMetrics>) -> Self {
        let method = known_method(request.method());
        let route = request.extensions().get::<MatchedPath>().cloned();
        let (span, trace) = begin_span(
            method,
            route.as_ref(),
            Trace::from_headers(request.headers()),
        );
        if let Some(metrics) = &metrics {
            metrics.begin(method);
        }
        Self {
            started: Instant::now(),
            method,
            route,
            request_size: request.body().size_hint().exact(),
            trace,
            span,
            metrics,
            ended: false,
        }
    }

    pub(super) fn trace(&self) -> Trace {
        self.trace
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Tells how the request was answered.
    pub(super) fn end(mut self, response: &Response, error: Option<&ApiError>) {
        // A body that is not held says its length in the head.
        let said = || {
            response
                .headers()
                .get(CONTENT_LENGTH)?
                .to_str()
                .ok()?
                .parse()
                .ok()
        };
        let size = response.body().size_hint().exact().or_else(said);
        self.tell(Some(response.status()), size, error);
    }

    fn tell(&mut self, status: Option<StatusCode>, size: Option<u64>, error: Option<&ApiError>) {
        self.ended = true;
        let duration = self.started.elapsed();
        let failed = status.is_some_and(|status| status.is_server_error());
        let error_type = match status {
            None => Some("client_gone"),
            Some(_) if failed => Some(error.map_or("internal", |error| error.status().1)),
            Some(_) => None,
        };
        let route = self.route.as_ref().map(MatchedPath::as_str);
        if let Some(metrics) = &self.metrics {
            metrics.end(&Answered {
                method: self.method,
                route,
                status,
                error: error_type,
                duration,
                request_size: self.request_size,
                response_size: size,
            });
        }
        // 499 is what is usually told of a client that went away; it is never sent.
        let code = status.map_or(499, |status| status.as_u16());
        self.span.record("http.response.status_code", code);
        if let Some(error) = error_type {
            self.span.record("error.type", error);
        }
        if failed {
            self.span.record("otel.status_code", "ERROR");
        }
        let (method, route) = (self.method, route.unwrap_or("(unknown)"));
        let (request_id, request_size) = (self.trace.id, self.request_size);
        let latency = format_args!("{:.6}s", duration.as_secs_f64()).to_string();
        // A macro, because a level cannot be a variable.
        macro_rules! log {
            ($level:ident, $cause:expr) => {
                tracing::$level!(
                    http_request.request_method = method,
                    http_request.request_url = route,
                    http_request.status = code,
                    http_request.latency = latency,
                    http_request.request_size = request_size,
                    http_request.response_size = size,
                    %request_id,
                    cause = $cause,
                    "{method} {route} {} {:.1} ms",
                    outcome(status),
                    duration.as_secs_f64() * 1_000.0,
                )
            };
        }
        match error.filter(|_| failed) {
            Some(error) => log!(error, causes(error)),
            None => log!(info, None::<String>),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(None, None, None);
        }
    }
}

fn outcome(status: Option<StatusCode>) -> String {
    let gone = || "given up by the client".to_owned();
    status.map_or_else(gone, |status| status.as_str().to_owned())
}

/// The span of a request, named by OpenTelemetry's conventions, and where it stands.
fn begin_span(
    method: &'static str,
    route: Option<&MatchedPath>,
    caller: Option<Trace>,
) -> (Span, Trace) {
    let route = route.map(MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        otel.name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        url.scheme = "https",
        error.type = Empty,
    );
    #[cfg(feature = "otlp")]
    let caller = Trace::of_span(&span, caller).or(caller);
    (span, caller.unwrap_or_else(Trace::fresh))
}

/// An error and everything beneath it, on one line, for the log alone. What stands in quotes in a database's message can
/// be anybody's value, and is left out.
fn causes(error: &ApiError) -> String {
    let mut text = error.status().1.to_owned();
    let mut source = match error {
        ApiError::Internal(error) => Some(error.as_ref() as &dyn Error),
        ApiError::Database(error) => Some(error as &dyn Error),
        ApiError::Storage(error) => Some(error as &dyn Error),
        other => Some(other as &dyn Error),
    };
    while let Some(error) = source {
        text.push_str(": ");
        match error.downcast_ref::<sqlx::Error>() {
            // What is beneath it says the same again.
            Some(error) => {
                text.push_str(&unquoted(&error.to_string()));
                break;
            }
            None => text.push_str(&error.to_string()),
        }
        source = error.source();
    }
    text
}

/// The text with whatever stands between single quotes left out.
fn unquoted(text: &str) -> String {
    let told = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => "…".to_owned(),
    };
    let parts: Vec<_> = text.split('\'').enumerate().map(told).collect();
    parts.join("'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_s_message_is_told_without_its_values() {
        let text = "1062 (23000): Duplicate entry 'ada@example.com' for key 'email_key'";
        assert_eq!(
            unquoted(text),
            "1062 (23000): Duplicate entry '…' for key '…'"
        );
        assert_eq!(unquoted("no 'end"), "no '…");
    }
}
