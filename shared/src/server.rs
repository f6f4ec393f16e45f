//! Running a router: what every function's `main` does, on hyper, for HTTP/1.1 and h2c.

mod answers;
mod connection;
mod exchange;
mod layers;
mod places;

pub use answers::Constant;
pub use connection::{BEHIND_BALANCER, DRAIN, FACING_CLIENTS, Peers, Shutdown, serve};
pub use layers::{Health, SameForAll, drained, surrounded, with_health};

use crate::{
    config::{Env, PublicUrl, origins, parsed, text},
    db::{DatabaseConfig, Db},
    telemetry::{TelemetryConfig, metrics::observe_pool},
    token::{Verifier, VerifyingKeys},
};
use anyhow::{Context as _, anyhow};
use axum::Router;
use std::{
    future::ready,
    net::{Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};
use tokio::{net::TcpListener, time::timeout};

/// How long the database's connections may take to close: with it and [`DRAIN`] and the last traces, less than the ten
/// seconds after which Cloud Run kills.
const CLOSE: Duration = Duration::from_millis(500);

/// What somebody reads whose configuration cannot be used.
const HELP: &str = "README.md tells what each variable is; `admin keys generate` prints fresh keys, `admin doctor` looks \
    at all of it.";

/// What every function reads from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PORT`: where to listen, on all addresses.
    pub port: u16,
    /// `PUBLIC_BASE_URL`.
    pub public: PublicUrl,
    /// `DATABASE_URL`, `DATABASE_MAX_CONNECTIONS`.
    pub database: DatabaseConfig,
    /// `VERIFYING_KEYS`.
    pub verifying_keys: VerifyingKeys,
    /// `CORS_ALLOWED_ORIGINS`: browsers on these other origins are served.
    pub cors_origins: Vec<String>,
    /// `LOG`, `LOG_FORMAT`, `GOOGLE_PROJECT`, `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub telemetry: TelemetryConfig,
    /// `K_REVISION`, which Cloud Run sets: what health answers.
    pub revision: String,
}

impl Config {
    /// Reads the variables.
    pub fn read(env: &mut Env) -> Option<Self> {
        let port = env.or("PORT", 8080, parsed);
        let public = env.required("PUBLIC_BASE_URL", PublicUrl::parse);
        let database = DatabaseConfig::read(env);
        let verifying_keys = VerifyingKeys::read(env);
        let cors_origins = env.or("CORS_ALLOWED_ORIGINS", Vec::new(), origins);
        let telemetry = TelemetryConfig::read(env);
        let revision = env.or("K_REVISION", "local".to_owned(), text);
        Some(Self {
            port: port?,
            public: public?,
            database: database?,
            verifying_keys: verifying_keys?,
            cors_origins: cors_origins?,
            telemetry: telemetry?,
            revision: revision?,
        })
    }
}

/// What every function's handlers work with.
#[derive(Clone)]
pub struct Context {
    /// The database.
    pub db: Db,
    /// The public address.
    pub public: PublicUrl,
    /// Checks access tokens.
    pub verifier: Verifier,
}

impl Context {
    /// Opens what the configuration names, without touching it yet.
    #[must_use]
    pub fn open(config: &Config) -> Self {
        let db = Db::open(&config.database);
        Self {
            verifier: Verifier::new(config.verifying_keys.clone(), &config.public, db.clone()),
            public: config.public.clone(),
            db,
        }
    }
}

/// The `main` of a deployed function: reads its configuration with `read`, serves its `router` until told to stop.
pub fn main<C>(
    service: &'static str,
    read: fn(&mut Env, Option<&Config>) -> Option<C>,
    router: fn(C, Context) -> Router,
) -> ExitCode {
    let run = || {
        let mut env = Env::of_process();
        let config = Config::read(&mut env);
        let own = read(&mut env, config.as_ref());
        let both = env.finish(config.zip(own));
        let (config, own) = both.map_err(|mistakes| anyhow!("{mistakes}\n{HELP}"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let ended = runtime.block_on(run(service, &config, |context| router(own, context)));
        // Whatever still hangs, such as a collector that does not answer, is not waited for.
        runtime.shutdown_background();
        ended
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{service}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(
    service: &'static str,
    config: &Config,
    router: impl FnOnce(Context) -> Router,
) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signal()?;
    let telemetry = config.telemetry.clone().start(service)?;
    let context = Context::open(config);
    let db = context.db.clone();
    if telemetry.exports() {
        observe_pool(&db);
    }
    let router = with_health(router(context), service, config, &db);
    let router = surrounded(router, &config.public, &config.cors_origins, &telemetry);
    let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, config.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("PORT {} cannot be listened on", config.port))?;
    tracing::info!(service, port = listener.local_addr()?.port(), "listening");
    serve(
        listener,
        |stream| ready(Ok(stream)),
        move |_| router.clone(),
        BEHIND_BALANCER,
        &shutdown,
    )
    .await;
    // A request that outlived its time holds its connection still.
    let _ = timeout(CLOSE, db.close()).await;
    tracing::info!(service, "stopped");
    telemetry.flush().await;
    Ok(())
}
