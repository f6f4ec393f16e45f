//! A collector of traces and metrics: an OTLP receiver that keeps what it is sent.

use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message as _;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

/// A running collector.
pub struct Collector {
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be.
    pub endpoint: String,
    received: Received,
}

type Received = Arc<Mutex<Vec<(String, Bytes)>>>;

impl Collector {
    /// Starts one on a port of its own.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let received = Received::default();
        let keeps = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let keeps = Arc::clone(&keeps);
                let service = service_fn(move |request| keep(request, Arc::clone(&keeps)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            received,
        }
    }

    fn bodies(&self, path: &str) -> Vec<Bytes> {
        let received = self.received.lock().expect("nobody panics with it");
        let there = received.iter().filter(|(to, _)| to == path);
        there.map(|(_, body)| body.clone()).collect()
    }

    /// Every span, and the process that it is from.
    ///
    /// # Panics
    /// When something that is no trace came where traces come.
    #[must_use]
    pub fn spans(&self) -> Vec<(Resource, Span)> {
        let mut spans = Vec::new();
        for body in self.bodies("/v1/traces") {
            let traces = ExportTraceServiceRequest::decode(body).expect("traces");
            for of_process in traces.resource_spans {
                let process = of_process.resource.unwrap_or_default();
                let all = of_process.scope_spans.into_iter();
                spans.extend(
                    all.flat_map(|scope| scope.spans)
                        .map(|span| (process.clone(), span)),
                );
            }
        }
        spans
    }

    /// Every metric, as often as it was sent.
    ///
    /// # Panics
    /// When something that is no metric came where metrics come.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        let decode = |body: Bytes| ExportMetricsServiceRequest::decode(body).expect("metrics");
        let requests = self.bodies("/v1/metrics").into_iter().map(decode);
        let processes = requests.flat_map(|request| request.resource_metrics);
        let scopes = processes.flat_map(|process| process.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).collect()
    }

    /// Everything that came, as text as far as it is text.
    ///
    /// # Panics
    /// Never in a healthy rig.
    #[must_use]
    pub fn text(&self) -> String {
        let received = self.received.lock().expect("nobody panics with it");
        let texts = received
            .iter()
            .map(|(_, body)| String::from_utf8_lossy(body));
        texts.collect()
    }
}

async fn keep(
    request: Request<Incoming>,
    received: Received,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if let Ok(body) = request.into_body().collect().await {
        let mut received = received.lock().expect("nobody panics with it");
        received.push((path, body.to_bytes()));
    }
    Ok(Response::new(Empty::new()))
}

/// The attribute of that name as text, empty when there is none.
#[must_use]
pub fn attribute(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    let value = found.and_then(|attribute| attribute.value.as_ref()?.value.clone());
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
