//! Google's storage as an emulator speaks it, behind a proxy that breaks what it is told to.

mod proxy;

pub use proxy::Fault;

use crate::plain;
use proxy::{Rule, Told, locked, pass};
use serde_json::{Value, json};
use std::{env, net::SocketAddr, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{sleep, timeout},
};

/// The bucket that every emulator has.
pub const BUCKET: &str = "crm-pictures";
/// How long a start may take on a loaded machine.
const START: Duration = Duration::from_secs(30);

/// A running emulator with one empty bucket, killed when dropped.
pub struct Storage {
    _server: Child,
    direct: String,
    told: Arc<Told>,
    /// The proxy's address: what `STORAGE_ENDPOINT` shall be.
    pub endpoint: String,
}

impl Storage {
    /// Starts the emulator, and the proxy in front of it.
    ///
    /// # Panics
    /// When `FAKE_GCS_SERVER` does not name the emulator's program: it is needed, not optional.
    #[expect(
        clippy::disallowed_methods,
        reason = "the rig is configured by its environment"
    )]
    pub async fn start() -> Self {
        let server = env::var("FAKE_GCS_SERVER")
            .expect("FAKE_GCS_SERVER names the emulator; `tests/run` installs it");
        let starting = async {
            loop {
                if let Some(started) = start_server(&server).await {
                    break started;
                }
            }
        };
        let started = timeout(START, starting).await;
        let (address, server) = started.expect("the emulator starts in time");
        let direct = format!("http://{address}");

        let told = Arc::new(Told::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let listens = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let told = Arc::clone(&listens);
                // An error is a connection that one of the two ended, which is what this is for.
                tokio::spawn(async move { pass(client, address, &told).await });
            }
        });
        Self {
            _server: server,
            direct,
            told,
            endpoint,
        }
    }

    /// Lets a fault happen to the next so many requests of a method whose target holds a text.
    pub fn fail(&self, times: usize, method: &'static str, target: &'static str, fault: Fault) {
        let mut rules = locked(&self.told.rules);
        rules.push(Rule {
            fault,
            skip: 0,
            method,
            target,
            times,
        });
    }

    /// Lets a fault happen to every request from the `nth` on, from 1.
    pub fn fail_from(&self, nth: usize, fault: Fault) {
        locked(&self.told.rules).push(Rule {
            fault,
            skip: nth - 1,
            method: "",
            target: "",
            times: usize::MAX,
        });
    }

    /// Lets no fault happen any more; gives how many that were told have not happened.
    pub fn heal(&self) -> usize {
        let mut rules = locked(&self.told.rules);
        rules
            .drain(..)
            .fold(0, |sum, rule| rule.times.saturating_add(sum))
    }

    /// How every upload so far began: its target, and the description of the object in front of its bytes.
    #[must_use]
    pub fn uploads(&self) -> Vec<String> {
        locked(&self.told.uploads).clone()
    }

    /// Every object in the bucket, as the JSON API describes it, in the order of their names.
    pub async fn objects(&self) -> Vec<Value> {
        let address = format!("{}/storage/v1/b/{BUCKET}/o?maxResults=9999", self.direct);
        let answer = plain(false).get(address).send().await.expect("an answer");
        let list: Value = answer.json().await.expect("JSON");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// The names of all objects, in order.
    pub async fn names(&self) -> Vec<String> {
        let objects = self.objects().await.into_iter();
        let name = |object: Value| object["name"].as_str().expect("a name").to_owned();
        objects.map(name).collect()
    }

    /// Puts an object into the bucket, past the proxy.
    pub async fn add(&self, name: &str) {
        let address = format!(
            "{}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}",
            self.direct
        );
        let added = plain(false).post(address).body("x").send().await;
        assert!(added.expect("an answer").status().is_success());
    }

    /// What tells a program to keep its pictures here.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 2] {
        [
            ("GOOGLE_BUCKET", BUCKET.to_owned()),
            ("STORAGE_ENDPOINT", self.endpoint.clone()),
        ]
    }
}

/// The emulator with its bucket, at a port that was free; none when another program took the port meanwhile.
async fn start_server(program: &str) -> Option<(SocketAddr, Child)> {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let mut server = Command::new(program)
        .args(["-scheme", "http", "-backend", "memory"])
        .args(["-log-level", "error", "-host", &host, "-port", &port])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("FAKE_GCS_SERVER names a program");
    while TcpStream::connect(address).await.is_err() {
        if server.try_wait().expect("a process").is_some() {
            return None;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let make = plain(false).post(format!("http://{address}/storage/v1/b?project=crm"));
    let made = make.json(&json!({ "name": BUCKET })).send().await.ok()?;
    made.status().is_success().then_some((address, server))
}
