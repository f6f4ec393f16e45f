//! Sending traces and metrics over OTLP by HTTP (OTLP specification 1, binary protobuf).

use super::BoxedLayer;
use crate::id::random;
use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use google_cloud_auth::credentials::{self, CacheableResource, Credentials};
use http_body_util::{BodyExt as _, Limited};
use opentelemetry::{KeyValue, global, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::{
    Resource, metrics::SdkMeterProvider, resource::EnvResourceDetector, trace::SdkTracerProvider,
};
use std::time::Duration;
use tokio::{runtime::Handle, task::spawn_blocking, time::timeout};
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, dynamic_filter_fn},
};
use url::Url;

/// How long the rest may take to be sent when the process stops.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long one request to the collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer of a collector that is read, in bytes.
const ANSWER: usize = 64 * 1024;
/// What the credentials are asked to allow.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Only our own spans are sent: those of libraries may tell addresses and names.
const OURS: [&str; 4] = ["shared", "auth", "customers", "images"];

/// What sends traces and metrics.
#[derive(Debug)]
pub(super) struct Exporters {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Exporters {
    /// Begins to send to `endpoint`. Google's own gets the credentials of the service account.
    pub(super) fn start(
        service: &'static str,
        endpoint: &Url,
        project: Option<&str>,
    ) -> anyhow::Result<(Self, BoxedLayer)> {
        let sender = Sender::new(endpoint)?;
        let resource = resource(service, project);
        let address =
            |signal: &str| format!("{}/{signal}", endpoint.as_str().trim_end_matches('/'));
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(sender.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(address("v1/traces"))
            .build()?;
        let measures = MetricExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(address("v1/metrics"))
            .build()?;
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(spans)
            .with_resource(resource.clone())
            .build();
        let metrics = SdkMeterProvider::builder()
            .with_periodic_exporter(measures)
            .with_resource(resource)
            .build();
        global::set_meter_provider(metrics.clone());
        let ours = |metadata: &tracing::Metadata<'_>| {
            let root = metadata.target().split("::").next().unwrap_or_default();
            metadata.is_span() && OURS.contains(&root)
        };
        let layer = tracing_opentelemetry::layer()
            .with_tracer(traces.tracer("crm"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // Spans are told by `tracing` alone which is within which.
            .with_context_activation(false)
            .with_filter(
                dynamic_filter_fn(move |metadata, _| ours(metadata))
                    .with_max_level_hint(LevelFilter::INFO),
            )
            .boxed();
        Ok((Self { traces, metrics }, layer))
    }

    pub(super) async fn flush(self) {
        // Both wait for threads of their own, which in turn want this runtime.
        let flushed = spawn_blocking(move || {
            let _ = self.traces.shutdown_with_timeout(LAST_WORDS);
            let _ = self.metrics.shutdown_with_timeout(LAST_WORDS);
        });
        if timeout(LAST_WORDS, flushed).await.is_err() {
            tracing::warn!("the last traces and metrics could not be sent in time");
        }
    }
}

/// What this process is. `OTEL_RESOURCE_ATTRIBUTES` adds to it, such as `cloud.region=europe-west1`, and has the last word.
fn resource(service: &'static str, project: Option<&str>) -> Resource {
    let instance = format!("{:032x}", u128::from_be_bytes(random()));
    let own = [
        KeyValue::new("service.namespace", "crm"),
        KeyValue::new("service.name", service),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance),
    ];
    let project = project.map(|project| KeyValue::new("gcp.project_id", project.to_owned()));
    Resource::builder_empty()
        .with_attributes(own.into_iter().chain(project))
        .with_detector(Box::new(EnvResourceDetector::new()))
        .build()
}

/// Sends what the exporters give it, from whichever thread, on the runtime that serves.
#[derive(Debug, Clone)]
struct Sender {
    http: reqwest::Client,
    /// For Google's own collector.
    credentials: Option<Credentials>,
    runtime: Handle,
}

impl Sender {
    fn new(endpoint: &Url) -> anyhow::Result<Self> {
        crate::tls::use_ring();
        let google = endpoint
            .domain()
            .is_some_and(|host| host.ends_with(".googleapis.com"));
        let credentials = google
            .then(|| credentials::Builder::default().with_scopes([SCOPE]).build())
            .transpose()
            .context("no Google credentials for OTEL_EXPORTER_OTLP_ENDPOINT")?;
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            credentials,
            runtime: Handle::current(),
        })
    }

    async fn send(self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let mut request = reqwest::Request::try_from(request)?;
        if let Some(credentials) = self.credentials {
            match credentials.headers(http::Extensions::new()).await? {
                CacheableResource::New { data, .. } => request.headers_mut().extend(data),
                CacheableResource::NotModified => {
                    return Err(anyhow!("the credentials gave no headers"));
                }
            }
        }
        let answer: http::Response<reqwest::Body> = self.http.execute(request).await?.into();
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER).collect().await;
        let body = body.map_err(|error| anyhow!("the collector's answer: {error}"))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.runtime.spawn(self.clone().send(request)).await?;
        Ok(sent?)
    }
}
