//! A server on this machine that remembers who asked what, and breaks the answers it is told to break.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, channel::Channel, combinators::BoxBody};
use hyper::{
    HeaderMap, Method, Request, Response, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, time::sleep};
use url::form_urlencoded;

/// An answer of a server of the rig.
pub(super) type Reply = Response<BoxBody<Bytes, Infallible>>;
type Answers = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// How much an endless answer sends at least: more than anybody should take, in bytes.
const ENDLESS: usize = 1 << 30;
const CHUNK: usize = 64 * 1024;

/// What can happen to every request for a path until the server is healed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status and an error in JSON.
    Status(u16),
    /// It is answered 200 with this body, which says that it is JSON.
    Body(String),
    /// It is led to this address with this status.
    Redirect(u16, String),
    /// It is answered with a gibibyte.
    Endless,
    /// It is taken in and never answered.
    Silence,
    /// It is answered with one byte now and then, for ever.
    Drip,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// Its query, decoded.
    pub query: Vec<(String, String)>,
    /// Its body as a form, decoded.
    pub form: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
}

impl Asked {
    /// A parameter of the form or the query; none when it is missing, or there more than once.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let all = self.form.iter().chain(&self.query);
        let mut found = all.filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// A header's text, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

#[derive(Default)]
struct Told {
    faults: Mutex<Vec<(&'static str, Fault)>>,
    asked: Mutex<Vec<Asked>>,
}

/// A server that runs as long as the test.
#[derive(Clone)]
pub struct Server {
    /// Its address, plain HTTP.
    pub base: String,
    told: Arc<Told>,
}

impl Server {
    /// Starts a server that nobody should ever ask anything: it answers 200 to everything.
    pub async fn trap() -> Self {
        Self::start(|_| json(200, &serde_json::json!({ "trapped": true }))).await
    }

    pub(super) async fn start(answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (told, answers) = (Arc::new(Told::default()), Arc::new(answers) as Answers);
        let listens = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (told, answers) = (Arc::clone(&listens), Arc::clone(&answers));
                let service = service_fn(move |request| {
                    let (told, answers) = (Arc::clone(&told), Arc::clone(&answers));
                    async move { answer(request, &told, &answers).await }
                });
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // An error is a client that went away, which is what some faults are for.
                tokio::spawn(async move { served.await.is_ok() });
            }
        });
        Self {
            base: format!("http://{address}"),
            told,
        }
    }

    /// Lets a fault happen to every request for a path, until the server is healed.
    pub fn fail(&self, path: &'static str, fault: Fault) {
        locked(&self.told.faults).push((path, fault));
    }

    /// Lets no fault happen any more.
    pub fn heal(&self) {
        locked(&self.told.faults).clear();
    }

    /// Every request for a path so far.
    #[must_use]
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = locked(&self.told.asked);
        let found = asked.iter().filter(|asked| asked.path == path);
        found.cloned().collect()
    }

    /// How often a path has been asked for.
    #[must_use]
    pub fn hits(&self, path: &str) -> usize {
        self.asked(path).len()
    }

    /// How often it has been asked anything.
    #[must_use]
    pub fn total(&self) -> usize {
        locked(&self.told.asked).len()
    }
}

async fn answer(
    request: Request<Incoming>,
    told: &Told,
    answers: &Answers,
) -> Result<Reply, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect();
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        form: pairs(&body),
        headers: parts.headers,
    };
    locked(&told.asked).push(asked.clone());
    let fault = {
        let faults = locked(&told.faults);
        let found = faults.iter().rfind(|(path, _)| *path == asked.path);
        found.map(|(_, fault)| fault.clone())
    };
    Ok(match fault {
        None => answers(&asked),
        Some(Fault::Status(status)) => json(status, &serde_json::json!({ "error": "fault" })),
        Some(Fault::Body(text)) => whole(200, "application/json", text),
        Some(Fault::Redirect(status, address)) => redirect(status, &address),
        Some(Fault::Endless) => stream(vec![b' '; CHUNK].into(), ENDLESS / CHUNK, Duration::ZERO),
        Some(Fault::Drip) => stream(
            Bytes::from_static(b" "),
            usize::MAX,
            Duration::from_millis(300),
        ),
        Some(Fault::Silence) => pending().await,
    })
}

/// An answer whose body is the same piece again and again, with a pause between two.
fn stream(piece: Bytes, times: usize, pause: Duration) -> Reply {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(async move {
        for _ in 0..times {
            if sender.send_data(piece.clone()).await.is_err() {
                return;
            }
            if pause > Duration::ZERO {
                sleep(pause).await;
            }
        }
    });
    reply(200, "application/json", BoxBody::new(body))
}

pub(super) fn json(status: u16, body: &Value) -> Reply {
    whole(status, "application/json; charset=utf-8", body.to_string())
}

pub(super) fn whole(status: u16, content_type: &str, body: String) -> Reply {
    reply(status, content_type, BoxBody::new(Full::from(body)))
}

fn reply(status: u16, content_type: &str, body: BoxBody<Bytes, Infallible>) -> Reply {
    let reply = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type);
    reply.body(body).expect("an answer")
}

pub(super) fn redirect(status: u16, address: &str) -> Reply {
    let mut reply = whole(status, "text/plain", String::new());
    let address = address.parse().expect("an address");
    reply.headers_mut().insert(header::LOCATION, address);
    reply
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
