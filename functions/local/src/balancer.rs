//! `gateway`: the gateway alone, in front of services that run as processes of their own.

use crate::{
    Place,
    data::DataFolder,
    gateway::{Backend, Gateway, Ports},
    product::say,
    routes::Routes,
    site, tls,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, Request, Response, Uri, Version, header, uri::Scheme},
};
use clap::Args;
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use shared::{
    body,
    config::{Env, PublicUrl},
    error::ApiError,
    server::{Shutdown, drained, surrounded},
    telemetry::TelemetryConfig,
};
use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpStream, sync::Semaphore, time::timeout};
use tokio_rustls::TlsAcceptor;
use tower::util::BoxCloneSyncService;

/// How long a service may take to begin its answer; the load balancer's own limit is sixty seconds.
const PATIENCE: Duration = Duration::from_secs(75);
/// How long a connection to a service may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How much of an answer may come before its client takes it, in bytes, and of how many answers of a connection.
const WINDOW: u32 = 64 * 1024;
const STREAMS: u32 = 1_024;
/// How many requests are under way at a service.
const TURNS: usize = STREAMS as usize;
/// How long a small body may take.
const SMALL_BODY: Duration = Duration::from_secs(15);
/// The largest body that is kept to be sent again, in bytes.
const REPLAYED: u64 = 64 * 1024;
/// How often a request is begun.
const ATTEMPTS: usize = 4;

/// Where the services are. Several addresses of one service are tried in turn.
#[derive(Debug, Args)]
pub(crate) struct Services {
    /// Address of the auth service, such as http://127.0.0.1:8001; may be given again for another instance
    #[arg(long, value_name = "URL", required = true, value_parser = target)]
    auth: Vec<String>,
    /// Address of the customers service
    #[arg(long, value_name = "URL", required = true, value_parser = target)]
    customers: Vec<String>,
    /// Address of the images service
    #[arg(long, value_name = "URL", required = true, value_parser = target)]
    images: Vec<String>,
}

/// Host and port of `http://HOST:PORT`.
fn target(url: &str) -> Result<String, String> {
    let form = || "must be http://HOST:PORT".to_owned();
    let uri: Uri = url.parse().map_err(|_| form())?;
    match (uri.scheme(), uri.authority(), uri.path_and_query()) {
        (Some(scheme), Some(authority), path)
            if *scheme == Scheme::HTTP
                && path.is_none_or(|path| path == "/")
                && authority.port().is_some() =>
        {
            Ok(authority.to_string())
        }
        _ => Err(form()),
    }
}

/// Runs until told to stop.
pub(crate) async fn run(place: Place, services: Services) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signal()?;
    let data = DataFolder::open(&place.data)?;
    let ports = Ports::open(&place).await?;
    let mut env = Env::of_process();
    env.set_default(
        "PUBLIC_BASE_URL",
        format!("https://localhost:{}", ports.address.port()),
    );
    let public = env.required("PUBLIC_BASE_URL", PublicUrl::parse);
    let telemetry = TelemetryConfig::read(&mut env);
    let (public, telemetry) = env.finish(public.zip(telemetry))?;
    let telemetry = telemetry.start("gateway")?;
    let gateway = Gateway {
        routes: Arc::new(Routes::embedded()),
        auth: Backend::There(Remote::new(services.auth)),
        customers: Backend::There(Remote::new(services.customers)),
        images: Backend::There(Remote::new(services.images)),
        site: Backend::Here(surrounded(site::router(), &public, &[], &telemetry)),
    };
    let tls = TlsAcceptor::from(tls::server_config(&data)?);
    let greeting = format!(
        "
  The gateway is running.

    Address   {address}  (http://localhost:{http} leads there)
    Sign in   {address}/signin
    API       {address}/docs
    CA        {ca}  (trust it in your browser, or accept its warning)

  Stop it with Ctrl-C.

",
        address = public.as_str(),
        http = ports.http_port,
        ca = data.shown(tls::CA_FILE).display(),
    );
    // Nobody has to be there to read it.
    let _ = say(&greeting);
    gateway.serve(ports, tls, public, &shutdown).await;
    Ok(())
}

type Connection = TokioIo<TcpStream>;
type Connect = BoxCloneSyncService<Uri, Connection, io::Error>;

/// A service in processes of its own, spoken to by HTTP/2 without TLS, as Cloud Run is.
///
/// HTTP/2 says which requests a process that stops has not begun: those go to the next process, and none is lost.
#[derive(Clone)]
pub(crate) struct Remote {
    client: Arc<Client<Connect, Body>>,
    turns: Arc<Semaphore>,
}

impl Remote {
    fn new(targets: Vec<String>) -> Self {
        let (targets, turn) = (
            Arc::<[String]>::from(targets),
            Arc::new(AtomicUsize::new(0)),
        );
        let connect = tower::service_fn(move |_: Uri| {
            let (targets, turn) = (Arc::clone(&targets), turn.fetch_add(1, Ordering::Relaxed));
            async move { connect(&targets, turn).await }
        });
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .http2_initial_stream_window_size(WINDOW)
            // As much as all streams together: an answer that nobody reads must not hold up the others.
            .http2_initial_connection_window_size(WINDOW * STREAMS)
            .timer(TokioTimer::new())
            .build(BoxCloneSyncService::new(connect));
        Self {
            client: Arc::new(client),
            turns: Arc::new(Semaphore::new(TURNS)),
        }
    }

    /// The service's answer, or a problem when it gives none.
    ///
    /// A request goes on when its client hangs up: given up while a connection is made, or again and again at once, it
    /// would break the connection that it shares with others.
    pub(crate) async fn forward(self, request: Request<Incoming>) -> Response<Body> {
        let trace = request.headers().get("x-cloud-trace-context");
        let trace = trace
            .and_then(|trace| trace.to_str().ok())
            .unwrap_or_default();
        let trace = trace.split('/').next().unwrap_or_default().to_owned();
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else {
            return ApiError::Unavailable("too many requests are under way").respond(&trace);
        };
        let request = drained(request.map(Body::new));
        let answer = tokio::spawn(async move {
            let _turn = turn;
            let answer = timeout(PATIENCE, self.send(request));
            answer.await.unwrap_or_else(|late| Err(late.into()))
        });
        match answer.await.unwrap_or_else(|broken| Err(broken.into())) {
            Ok(answer) => {
                let mut answer = answer.map(Body::new);
                remove_hop_by_hop(answer.headers_mut());
                answer
            }
            Err(error) => match error.downcast::<ApiError>() {
                Ok(refusal) => refusal.respond(&trace),
                Err(error) => {
                    tracing::warn!(cause = %format_args!("{error:#}"), "a service does not answer");
                    ApiError::Unavailable("the service behind this path does not answer")
                        .respond(&trace)
                }
            },
        }
    }
}

impl Remote {
    /// Sends a request, again if the service stopped before it began; what is too large to be kept is sent once.
    async fn send(&self, request: Request<Body>) -> anyhow::Result<Response<Incoming>> {
        let (parts, body) = outward(request)?.into_parts();
        if body.size_hint().exact().is_none_or(|size| size > REPLAYED) {
            let request = Request::from_parts(parts, body);
            return Ok(self.client.request(request).await?);
        }
        let body = body::read(body, usize::MAX, SMALL_BODY).await?;
        for _ in 0..ATTEMPTS {
            let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
            match self.client.request(request).await {
                Err(error) if was_not_begun(&error) => {}
                answer => return Ok(answer?),
            }
        }
        Err(anyhow::anyhow!("every instance stopped before it began"))
    }
}

/// Whether the service said that it stops and did not look at this request (RFC 9113, section 6.8).
fn was_not_begun(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let stopping = error.is_go_away() && error.is_remote();
            return error.reason() == Some(h2::Reason::REFUSED_STREAM)
                || stopping && error.reason() == Some(h2::Reason::NO_ERROR);
        }
        cause = error.source();
    }
    false
}

/// A connection to the first instance, beginning with the one whose turn it is, that takes one.
async fn connect(targets: &[String], turn: usize) -> io::Result<Connection> {
    let mut error = io::Error::from(io::ErrorKind::NotFound);
    for index in 0..targets.len() {
        let target = &targets[(turn + index) % targets.len()];
        match timeout(CONNECT, TcpStream::connect(target)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(TokioIo::new(stream));
            }
            Ok(Err(refused)) => error = refused,
            Err(_) => error = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(error)
}

/// The request as it goes to a service. Its path is passed on as it came.
fn outward(request: Request<Body>) -> Result<Request<Body>, axum::http::Error> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority("service")
        .path_and_query(path)
        .build()?;
    parts.version = Version::HTTP_2;
    Ok(Request::from_parts(parts, body))
}

/// Removes what is between two neighbours only (RFC 9110, section 7.6.1).
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in always.iter().chain(&named) {
        headers.remove(name);
    }
}
