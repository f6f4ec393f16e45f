//! Many connections that want nothing, and few people who want something.

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::channel::Channel;
use reqwest::{Body, Method};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tests::{Answer, Client, Process, Product, crowd::Crowd};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// How many there are, unless `tests/storm` says otherwise: more than the product has places for.
const MANY: usize = 6_000;
/// What somebody waits for at most meanwhile: less than what a silent connection is let.
const BOUND: Duration = Duration::from_secs(9);

/// Somebody who goes on working.
struct Worker {
    stop: Arc<AtomicBool>,
    working: JoinHandle<(usize, Duration)>,
}

impl Worker {
    /// Asks again and again; by one connection, or by a new one each time.
    fn begin(asking: impl Fn() -> Client + Send + Sync + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let working = tokio::spawn(async move {
            let (mut answered, mut slowest) = (0, Duration::ZERO);
            while !told.load(Ordering::Relaxed) {
                let begun = Instant::now();
                asking().get("/customers?limit=1").await.is(200);
                answered += 1;
                slowest = slowest.max(begun.elapsed());
                sleep(Duration::from_millis(10)).await;
            }
            (answered, slowest)
        });
        Self { stop, working }
    }

    /// How often it was answered, and how long it waited at most.
    async fn end(self) -> (usize, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        self.working.await.expect("each is answered")
    }
}

fn address(base: &str) -> SocketAddr {
    let port = base
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    SocketAddr::from(([127, 0, 0, 1], port.expect("a port")))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the rig is configured by its environment"
)]
fn many() -> usize {
    let told = std::env::var("STORM").ok();
    told.map_or(MANY, |many| many.parse().expect("a number"))
}

async fn begin() -> (Product, Client) {
    Process::lift_own_open_files().await;
    let product = Product::start().await;
    let admin = product.admin().await;
    (product, admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_keep_nobody_out() {
    let (product, admin) = begin().await;
    let to = address(&product.base);
    let before = product.front().memory_mib();
    let old = admin.clone();
    old.get("/me").await.is(200);
    let (new, token) = (product.anyone(), admin.token.clone().unwrap());
    let at = (product.base.clone(), product.data("tls/ca.pem"));
    drop(new);
    let staying = Worker::begin(move || old.clone());
    let coming = Worker::begin(move || Client::new(&at.0, &at.1).with_token(&token));
    // Nothing at all, the begin of a handshake, and something else.
    let many = many();
    for say in [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n"] {
        let begun = Instant::now();
        let crowd = Crowd::gather(to, many, say).await;
        let (came, open) = (crowd.len(), crowd.still_open().await);
        eprintln!(
            "{came} of {many} came in {:?}, {open} are open",
            begun.elapsed()
        );
        assert!(open <= 4_500, "{open} of {say:?}");
        sleep(Duration::from_secs(1)).await;
        eprintln!("{} MiB, before {before}", product.front().memory_mib());
        drop(crowd);
    }
    for worker in [staying, coming] {
        let (answered, slowest) = worker.end().await;
        eprintln!("{answered} answered, the slowest after {slowest:?}");
        assert!(answered > 10 && slowest < BOUND, "{answered}, {slowest:?}");
    }
    assert!(product.front().memory_mib() < before + 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_come_and_go_keep_nobody_out() {
    let (product, admin) = begin().await;
    let to = address(&product.base);
    let staying = Worker::begin(move || admin.clone());
    for _ in 0..4 {
        drop(Crowd::gather(to, 2_000, b"").await);
    }
    let (answered, slowest) = staying.end().await;
    assert!(answered > 10 && slowest < BOUND, "{answered}, {slowest:?}");
    assert!(product.admin().await.get("/me").await.status.is_success());
}

/// Sends a body byte by byte until it is answered; gives the answer.
async fn dawdle(client: &Client, method: Method, path: &str) -> Answer {
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let request = client.request(method, path);
    let request = request.header("content-type", "application/json");
    let sending = Answer::of(request.body(Body::wrap(body)));
    let sending = tokio::spawn(sending);
    while !sending.is_finished() {
        // Refused, it is not read any more.
        let _ = timeout(
            Duration::from_millis(50),
            sender.send_data(Bytes::from_static(b" ")),
        )
        .await;
        sleep(Duration::from_millis(100)).await;
    }
    sending.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_a_body_byte_by_byte_is_cut_off() {
    let (product, admin) = begin().await;
    admin.customer("ada@example.com").await;
    let (begun, anyone) = (Instant::now(), product.anyone());
    let all = [
        (&anyone, Method::POST, "/login"),
        (&anyone, Method::POST, "/token"),
        (&admin, Method::POST, "/customers"),
        (&admin, Method::PATCH, "/customers/1"),
        (&admin, Method::POST, "/customers/batch"),
        (&admin, Method::POST, "/users"),
    ];
    let all = all.map(|(client, method, path)| dawdle(client, method, path));
    for answer in join_all(all).await {
        answer.problem(408, "request_timeout");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_a_head_byte_by_byte_is_cut_off() {
    let product = Product::start().await;
    // The port that only redirects has the same server as the others, without TLS in front of it.
    let to = address(&product.plain);
    let begun = Instant::now();
    let mut stream = TcpStream::connect(to).await.unwrap();
    let endless = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
        .iter()
        .chain(std::iter::repeat(&b'x'));
    for byte in endless {
        // What was cut off is noticed with the second byte after it.
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "nobody cut it off"
        );
        sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(5));
}
