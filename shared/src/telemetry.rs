//! Logs: for people on a terminal, for Cloud Logging everywhere else.

use crate::config::Env;
use std::io::{self, IsTerminal as _};
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// `LOG` and `LOG_FORMAT`.
#[derive(Debug, Clone)]
pub struct LogConfig {
    filter: Targets,
    format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogFormat {
    /// One readable line.
    Pretty,
    /// One line of JSON as Cloud Logging reads it.
    Stackdriver,
}

impl LogConfig {
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
        Some(Self {
            filter: filter?,
            format: format?,
        })
    }

    /// Starts logging to standard error, for the life of the process.
    pub fn start(self) {
        let layer = match self.format {
            LogFormat::Pretty => tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal())
                .with_target(false)
                .boxed(),
            LogFormat::Stackdriver => tracing_stackdriver::layer().with_writer(io::stderr).boxed(),
        };
        let started = tracing_subscriber::registry()
            .with(layer.with_filter(self.filter))
            .try_init();
        if started.is_err() {
            tracing::debug!("logging has been started already");
        }
    }
}
