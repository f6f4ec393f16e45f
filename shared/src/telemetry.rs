//! What operators see: logs for people on a terminal and for Cloud Logging everywhere else; traces and metrics over OTLP.
//!
//! None of it holds anything personal or secret: routes are told as templates, never as the paths that were asked for.

mod log;
pub mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
pub mod trace;

use crate::config::Env;
use std::{io, io::IsTerminal as _, panic, sync::Arc};
use tracing_subscriber::{
    Layer, Registry, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use url::Url;

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// `LOG`, `LOG_FORMAT`, `GOOGLE_PROJECT` and `OTEL_EXPORTER_OTLP_ENDPOINT`.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    filter: Targets,
    format: LogFormat,
    /// Whose traces these are, in Cloud Logging's names for them.
    project: Option<Arc<str>>,
    /// Where traces and metrics go, over OTLP by HTTP. None: nowhere.
    endpoint: Option<Url>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogFormat {
    /// One readable line.
    Pretty,
    /// One line of JSON as Cloud Logging reads it.
    Stackdriver,
}

impl TelemetryConfig {
    /// Reads the variables. Without `LOG_FORMAT`, a terminal is for people.
    pub fn read(env: &mut Env) -> Option<Self> {
        let filter = env.or(
            "LOG",
            Targets::new().with_default(tracing::Level::INFO),
            |value| {
                value
                    .parse()
                    .map_err(|error| format!("is no filter such as info,sqlx=warn: {error}"))
            },
        );
        let default = match io::stderr().is_terminal() {
            true => LogFormat::Pretty,
            false => LogFormat::Stackdriver,
        };
        let format = env.or("LOG_FORMAT", default, |value| match value {
            "pretty" => Ok(LogFormat::Pretty),
            "stackdriver" => Ok(LogFormat::Stackdriver),
            _ => Err("must be pretty or stackdriver".to_owned()),
        });
        let project = env.or("GOOGLE_PROJECT", None, |value| project(value).map(Some));
        let endpoint = env.or("OTEL_EXPORTER_OTLP_ENDPOINT", None, |value| {
            endpoint(value).map(Some)
        });
        Some(Self {
            filter: filter?,
            format: format?,
            project: project?,
            endpoint: endpoint?,
        })
    }

    /// Starts logging to standard error and, where an endpoint is set, sending traces and metrics of `service` there, for
    /// the life of the process. Wants a runtime.
    ///
    /// # Errors
    /// When the exporters cannot be made.
    pub fn start(self, service: &'static str) -> anyhow::Result<Telemetry> {
        let mut layers: Vec<BoxedLayer> = vec![self.log_layer()];
        let telemetry = self.export(service, &mut layers)?;
        if tracing_subscriber::registry()
            .with(layers)
            .try_init()
            .is_err()
        {
            tracing::debug!("logging has been started already");
        }
        // Whatever a panic says could be somebody's; where it was is enough to find it.
        panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string);
            tracing::error!(place, "a thread panicked");
        }));
        Ok(telemetry)
    }

    #[cfg(feature = "otlp")]
    fn export(
        &self,
        service: &'static str,
        layers: &mut Vec<BoxedLayer>,
    ) -> anyhow::Result<Telemetry> {
        let Some(endpoint) = &self.endpoint else {
            return Ok(Telemetry::default());
        };
        let (exporters, layer) =
            otlp::Exporters::start(service, endpoint, self.project.as_deref())?;
        layers.push(layer);
        Ok(Telemetry {
            exporters: Some(exporters),
        })
    }

    #[cfg(not(feature = "otlp"))]
    fn export(&self, _: &'static str, _: &mut Vec<BoxedLayer>) -> anyhow::Result<Telemetry> {
        anyhow::ensure!(
            self.endpoint.is_none(),
            "OTEL_EXPORTER_OTLP_ENDPOINT is of use to the three services alone; unset it here"
        );
        Ok(Telemetry::default())
    }
}

/// A Google Cloud project's id.
fn project(value: &str) -> Result<Arc<str>, String> {
    let usual = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b);
    match value.bytes().all(usual) {
        true => Ok(value.into()),
        false => Err("must be a project's id, such as my-shop-123456".to_owned()),
    }
}

/// A collector's address: its signals' paths are added to it.
fn endpoint(value: &str) -> Result<Url, String> {
    let url = Url::parse(value).map_err(|error| format!("is not an address: {error}"))?;
    let http = ["http://", "https://"]
        .iter()
        .any(|begin| value.starts_with(begin));
    match http && url.query().is_none() && url.fragment().is_none() {
        true => Ok(url),
        false => Err(
            "must be the http:// or https:// address of a collector, such as https://telemetry.googleapis.com"
                .to_owned(),
        ),
    }
}

/// What was started. The default exports nothing.
#[derive(Debug, Default)]
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    exporters: Option<otlp::Exporters>,
}

impl Telemetry {
    /// Whether traces and metrics are sent somewhere.
    #[must_use]
    pub const fn exports(&self) -> bool {
        #[cfg(feature = "otlp")]
        return self.exporters.is_some();
        #[cfg(not(feature = "otlp"))]
        false
    }

    /// Sends what was not sent yet; gives up after a second, because the process is about to be killed.
    pub async fn flush(self) {
        #[cfg(feature = "otlp")]
        if let Some(exporters) = self.exporters {
            exporters.flush().await;
        }
    }
}
