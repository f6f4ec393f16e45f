//! The trace that a request belongs to: continued from the load balancer, known to every log line of the request.

use crate::id::random;
use axum::http::HeaderMap;
use std::fmt;
use tracing::{Span, span::Id};

tokio::task_local! {
    static CURRENT: Current;
}

/// The request that a task answers.
struct Current {
    trace: Trace,
    span: Span,
}

/// Where a request stands in a trace (W3C Trace Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The trace's id, not zero. It is also the request's id.
    pub id: TraceId,
    /// The span that the request is: ours when traces are exported, else the caller's; zero when there is none.
    pub span: u64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// A trace's id; prints as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Trace {
    /// The trace that the caller began, by `traceparent` or Google's own `X-Cloud-Trace-Context`; none when it began none.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        text("traceparent")
            .and_then(Self::from_traceparent)
            .or_else(|| text("x-cloud-trace-context").and_then(Self::from_cloud))
    }

    /// A trace of its own.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            id: TraceId(u128::from_be_bytes(random()).max(1)),
            span: 0,
            sampled: false,
        }
    }

    /// `VERSION-TRACE-SPAN-FLAGS`, in lower-case hexadecimal digits (W3C Trace Context, section 3.2).
    fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let (id, span) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let whole = version != 0xff && (version != 0 || parts.next().is_none());
        (whole && id != 0 && span != 0).then_some(Self {
            id: TraceId(id),
            span: u64::try_from(span).ok()?,
            sampled: flags & 1 == 1,
        })
    }

    /// `TRACE/SPAN;o=OPTIONS`, the span a decimal number; all but the trace may be missing (Cloud Trace's documentation).
    fn from_cloud(text: &str) -> Option<Self> {
        let (id, rest) = text.split_once('/').unwrap_or((text, ""));
        let (span, options) = rest.split_once(';').unwrap_or((rest, ""));
        let id = hex(id, 32)?;
        (id != 0).then(|| Self {
            id: TraceId(id),
            span: span.parse().unwrap_or_default(),
            sampled: options == "o=1",
        })
    }

    /// Where `span` stands: in its caller's trace, or, without one, the first of its own. None when nothing is exported.
    #[cfg(feature = "otlp")]
    pub(crate) fn of_span(span: &Span, caller: Option<Self>) -> Option<Self> {
        use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};
        use tracing_opentelemetry::OpenTelemetrySpanExt as _;

        if let Some(caller) = caller.filter(|caller| caller.span != 0) {
            let flags = match caller.sampled {
                true => TraceFlags::SAMPLED,
                false => TraceFlags::default(),
            };
            let (id, span_id) = (caller.id.0.into(), caller.span.into());
            let caller = SpanContext::new(id, span_id, flags, true, TraceState::NONE);
            // An error says that nothing is exported: then the caller's span is where we stand.
            let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(caller));
        }
        let context = span.context();
        let own = context.span();
        let own = own.span_context();
        own.is_valid().then(|| Self {
            id: TraceId(u128::from_be_bytes(own.trace_id().to_bytes())),
            span: u64::from_be_bytes(own.span_id().to_bytes()),
            sampled: own.is_sampled(),
        })
    }

    /// The trace of the request that this task answers.
    pub(super) fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.trace).ok()
    }

    /// Does the work of a request in this trace. The request's span is never entered: entering and leaving it, at every
    /// turn that the work takes, costs more than making it.
    pub(crate) async fn follow<T>(self, span: Span, work: impl Future<Output = T>) -> T {
        CURRENT.scope(Current { trace: self, span }, work).await
    }
}

/// The span of the request that this task answers, for the spans of its parts.
pub(crate) fn parent() -> Option<Id> {
    CURRENT.try_with(|current| current.span.id()).ok().flatten()
}

/// A number of exactly so many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == digits && text.bytes().all(lower))
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(name: &'static str, value: &'static str) -> Option<Trace> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        Trace::from_headers(&headers)
    }

    #[test]
    fn both_headers_name_the_same_trace() {
        let expected = Some(Trace {
            id: TraceId(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736),
            span: 0x00f0_67aa_0ba9_02b7,
            sampled: true,
        });
        let w3c = read(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
        let cloud = read(
            "x-cloud-trace-context",
            "4bf92f3577b34da6a3ce929d0e0e4736/67667974448284343;o=1",
        );
        assert_eq!(w3c, expected);
        assert_eq!(cloud, expected);
    }

    #[test]
    fn what_names_no_trace_is_passed_over() {
        for value in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read("traceparent", value), None, "{value}");
        }
        for value in [
            "",
            "/",
            "4bf9/1;o=1",
            "00000000000000000000000000000000/1;o=1",
        ] {
            assert_eq!(read("x-cloud-trace-context", value), None, "{value}");
        }
        let bare = read("x-cloud-trace-context", "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(
            bare.map(|trace| (trace.span, trace.sampled)),
            Some((0, false))
        );
    }
}
