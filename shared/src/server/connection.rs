//! Accepting connections, bounding what a slow or greedy peer can hold, and stopping without losing a request.

use super::{
    answers::Outstanding,
    places::{self, Place, Places},
};
use axum::{
    body::Body,
    http::{Request, Response},
};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulConnection},
    service::TowerToHyperService,
};
use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutWriter;
use tower::{Service, ServiceExt as _, service_fn};

/// How long requests under way may take to finish once told to stop. Cloud Run kills after ten seconds.
pub const DRAIN: Duration = Duration::from_secs(8);
/// How long a connection may take to become one: handshake, then the head of its first request.
const GREETING: Duration = Duration::from_secs(10);
/// Behind a load balancer, which keeps its connections for ten minutes, and sends many people's requests through each.
pub const BEHIND_BALANCER: Peers = Peers {
    idle: Duration::from_secs(620),
    patience: Duration::from_secs(30),
    linger: true,
    streams: 1_024,
    resets: 4_096,
    ahead: 128 * 1024,
    ahead_in_all: 16 * 1024 * 1024,
};
/// Facing anybody.
pub const FACING_CLIENTS: Peers = Peers {
    idle: Duration::from_secs(60),
    patience: Duration::from_secs(30),
    linger: false,
    streams: 128,
    resets: 20,
    ahead: 256 * 1024,
    ahead_in_all: 4 * 1024 * 1024,
};
/// How long a connection that is over is read on, at most.
const LINGER: Duration = Duration::from_secs(1);
/// How many connections are open at once; for further ones those make room that rest.
const CONNECTIONS: usize = 4_096;
/// The largest head of a request, in bytes.
const HEAD: u32 = 32 * 1024;

/// Who connects.
#[derive(Debug, Clone, Copy)]
pub struct Peers {
    /// How long a connection may be without a request.
    idle: Duration,
    /// How long it may take nothing of what is sent to it; and a piece of an answer of what it has room for.
    patience: Duration,
    /// Whether a connection that is over is read on until the peer hangs up; see [`linger`].
    linger: bool,
    /// How many requests one HTTP/2 connection may have open.
    streams: u32,
    /// How many requests it may give up at once before it is closed: a balancer passes many people's on.
    resets: usize,
    /// How many bytes of a body may come by HTTP/2 before somebody reads it, and of all bodies of one connection: those
    /// that wait must not hold up those that are read.
    ahead: u32,
    ahead_in_all: u32,
}

/// Tells everything that serves to stop. A clone hears the same word.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Said by SIGTERM (Cloud Run, `docker stop`) or SIGINT (Ctrl-C).
    ///
    /// # Errors
    /// When the process cannot listen for signals.
    pub fn on_signal() -> io::Result<Self> {
        let (mut term, mut int) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        let (say, hear) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            tracing::info!("stopping: no new connections, finishing the requests under way");
            let _ = say.send(true);
        });
        Ok(Self(hear))
    }

    async fn said(&self) {
        // An error means that the task which could say it is gone, which only happens when the runtime ends.
        let _ = self.0.clone().wait_for(|said| *said).await;
    }
}

/// Serves connections until `shutdown`, then lets the requests under way finish for at most [`DRAIN`].
///
/// `greet` makes the transport (TLS, or nothing), `service` the service for a peer.
pub async fn serve<G, F, I, S>(
    listener: TcpListener,
    greet: G,
    service: impl Fn(SocketAddr) -> S,
    peers: Peers,
    shutdown: &Shutdown,
) where
    G: Fn(TcpStream) -> F,
    F: Future<Output = io::Result<I>> + Send + 'static,
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let http = Arc::new(http(peers));
    let (end, ended) = watch::channel(false);
    let places = Places::new(places::most(CONNECTIONS));
    let mut queued = CONNECTIONS;
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.said() => match listener.accept().now_or_never() {
                // Whoever was in the queue before the word came is still served.
                Some(Ok(accepted)) if queued > 0 => {
                    queued -= 1;
                    accepted
                }
                _ => break,
            },
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a peer that was gone at once: others are waiting.
                    tracing::warn!(%error, "a connection could not be accepted");
                    places.make_room();
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let place = tokio::select! {
            place = places.take() => Arc::new(place),
            () = async { shutdown.said().await; sleep(DRAIN).await } => break,
        };
        let _ = stream.set_nodelay(true);
        let Ok((stream, last)) = with_last_hold(stream, peers.linger) else {
            continue;
        };
        let outstanding = Outstanding::new(peers.patience);
        let service = counted(service(peer), Arc::clone(&place), outstanding.clone());
        let (transport, http, ended) = (greet(stream), Arc::clone(&http), Shutdown(ended.clone()));
        tokio::spawn(async move {
            let serving = async {
                let Ok(transport) = transport.await else {
                    return;
                };
                let mut transport = Box::pin(TimeoutWriter::new(transport));
                transport.as_mut().set_timeout_pinned(Some(peers.patience));
                let service = TowerToHyperService::new(service);
                let connection = http.serve_connection(TokioIo::new(transport), service);
                let over = async {
                    tokio::select! {
                        () = ended.said() => {}
                        () = place.idle(peers.idle) => {}
                    }
                };
                finished(connection.into_owned(), over).await;
            };
            tokio::select! {
                () = serving => {}
                () = place.silent(GREETING) => {}
                () = place.asked_to_leave() => {}
                () = outstanding.overdue() => {}
            }
            if let Some(last) = last {
                linger(last).await;
            }
        });
    }
    drop(listener);
    end.send_replace(true);
    if timeout(DRAIN, places.all_free()).await.is_err() {
        tracing::warn!("some requests were still under way when the time to stop was up");
    }
}

/// The service, whose requests count as those of a place until their answers are taken.
fn counted<S>(
    service: S,
    place: Arc<Place>,
    outstanding: Outstanding,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    service_fn(move |request: Request<Incoming>| {
        let (under_way, outstanding) = (place.request(), outstanding.clone());
        let answering = service.clone().oneshot(request);
        async move {
            let answer = answering.await?;
            Ok::<_, Infallible>(outstanding.watched(answer, under_way))
        }
    })
}

/// Serves a connection to its end. Once it is to be `over`, the requests under way are finished, and no others begun.
async fn finished<C: GracefulConnection>(connection: C, over: impl Future<Output = ()>) {
    let mut connection = pin!(connection);
    tokio::select! {
        // A request that is there already is begun before that.
        biased;
        // A peer that breaks off or speaks no HTTP is not our failure.
        _ = connection.as_mut() => return,
        () = over => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The stream, and if wanted a second hold on its socket.
fn with_last_hold(
    stream: TcpStream,
    wanted: bool,
) -> io::Result<(TcpStream, Option<std::net::TcpStream>)> {
    if !wanted {
        return Ok((stream, None));
    }
    let stream = stream.into_std()?;
    let last = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, Some(last)))
}

/// Ends a connection so that the peer gets the last answer: says that nothing more comes, and reads on until the peer
/// hangs up. Closing while something is unread would reset it, and what the peer has not read yet be lost (RFC 9112,
/// section 9.6).
async fn linger(last: std::net::TcpStream) {
    let Ok(mut socket) = TcpStream::from_std(last) else {
        return;
    };
    let mut rest = [0; 1_024];
    let _ = timeout(LINGER, async {
        let _ = socket.shutdown().await;
        while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    })
    .await;
}

fn http(peers: Peers) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(peers.idle)
        .max_buf_size(HEAD as usize);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(peers.streams)
        .max_pending_accept_reset_streams(peers.resets)
        .max_local_error_reset_streams(peers.resets.max(1_024))
        .initial_stream_window_size(peers.ahead)
        .initial_connection_window_size(peers.ahead_in_all)
        .max_header_list_size(HEAD)
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(20));
    http
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, routing::get};
    use std::future::ready;
    use tokio::time::Instant;

    const PATIENCE: Duration = Duration::from_millis(500);
    /// More than two sockets take.
    const LARGE: usize = 24 * 1024 * 1024;

    /// Serves a large answer to a reader whom it waits for shortly.
    async fn reader() -> io::Result<TcpStream> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let peers = Peers {
                patience: PATIENCE,
                ..FACING_CLIENTS
            };
            let router = Router::new().route("/", get(async || vec![0; LARGE]));
            let (_say, hear) = watch::channel(false);
            let greet = |stream| ready(Ok(stream));
            serve(listener, greet, |_| router.clone(), peers, &Shutdown(hear)).await;
        });
        TcpStream::connect(address).await
    }

    /// Reads to the end, in pieces with pauses between them; gives how much came.
    async fn read(reader: &mut TcpStream, pause: Duration) -> usize {
        let (mut all, mut piece) = (0, vec![0; 256 * 1024]);
        while let Ok(read @ 1..) = reader.read(&mut piece).await {
            all += read;
            sleep(pause).await;
        }
        all
    }

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_cut_off() -> io::Result<()> {
        let mut reader = reader().await?;
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        reader.write_all(request).await?;
        sleep(3 * PATIENCE).await;
        assert!(read(&mut reader, Duration::ZERO).await < LARGE);
        Ok(())
    }

    #[tokio::test]
    async fn a_slow_reader_who_goes_on_is_served() -> io::Result<()> {
        let mut reader = reader().await?;
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        reader.write_all(request).await?;
        assert!(read(&mut reader, Duration::from_millis(20)).await > LARGE);
        Ok(())
    }

    #[tokio::test]
    async fn a_reader_who_opens_no_window_is_cut_off() -> io::Result<()> {
        let mut reader = reader().await?;
        let started = Instant::now();
        reader
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await?;
        // SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113, section 6.5.2).
        let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        reader.write_all(&settings).await?;
        // HEADERS of GET / to the authority `a`, with nothing behind them (RFC 7541, appendix A).
        let get = [0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, 0x41, 1, b'a'];
        reader.write_all(&get).await?;
        let read = timeout(20 * PATIENCE, read(&mut reader, Duration::ZERO)).await;
        assert!(read.expect("the connection ends") < 1_024);
        assert!(started.elapsed() >= PATIENCE);
        Ok(())
    }
}
