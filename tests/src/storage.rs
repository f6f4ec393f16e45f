//! Google's storage as an emulator speaks it, behind a proxy that breaks what it is told to; and the images function
//! as a program of its own that keeps its pictures there.

use crate::{Client, Product, plain, process::program};
use serde_json::{Value, json};
use std::{
    env, io,
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{sleep, timeout},
};

/// The bucket that every emulator has.
pub const BUCKET: &str = "crm-pictures";
/// How long a start may take on a loaded machine.
const START: Duration = Duration::from_secs(30);
/// What passes of a body before it is cut: a little more than an upload's description of its object.
const CUT: usize = 500;

/// What can happen to a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status instead of being passed on.
    Status(u16),
    /// It is taken in and never answered.
    Silence,
    /// The connection is cut in the middle of its body.
    CutUpload,
    /// It is passed on; the connection is cut in the middle of the answer's body.
    CutDownload,
    /// It is passed on and done; the connection is cut before the answer.
    LostAnswer,
    /// It is passed on, and the answer's last byte is another.
    Flipped,
}

/// A fault that is still to happen.
#[derive(Debug)]
struct Rule {
    fault: Fault,
    method: &'static str,
    target: &'static str,
    times: usize,
}

/// What the proxy was told to break, and what it has seen.
#[derive(Debug, Default)]
struct Told {
    rules: Mutex<Vec<Rule>>,
    uploads: Mutex<Vec<String>>,
}

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
        let (address, server) = start_server(&server).await;
        let direct = format!("http://{address}");
        let made = plain(false).post(format!("{direct}/storage/v1/b?project=crm"));
        let made = made.json(&json!({ "name": BUCKET })).send().await;
        assert!(made.expect("an answer").status().is_success());

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
            method,
            target,
            times,
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

async fn start_server(program: &str) -> (SocketAddr, Child) {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let server = Command::new(program)
        .args(["-scheme", "http", "-backend", "memory"])
        .args(["-log-level", "error", "-host", &host, "-port", &port])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("FAKE_GCS_SERVER names a program");
    let answers = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(START, answers)
        .await
        .expect("the emulator starts in time");
    (address, server)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one request, lets happen to it what was told, and ends the connection.
async fn pass(mut client: TcpStream, server: SocketAddr, told: &Told) -> io::Result<()> {
    let (head, mut body) = read_head(&mut client).await?;
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let fault = next_fault(&told.rules, method, target);
    match fault {
        Some(Fault::Status(status)) => {
            let answer = format!(
                "HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
            return drain(client).await;
        }
        Some(Fault::Silence) => return drain(client).await,
        _ => {}
    }
    let mut server = TcpStream::connect(server).await?;
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await?;
    if target.starts_with("/upload/") {
        while body.len() < CUT && client.read_buf(&mut body).await? > 0 {}
        if fault == Some(Fault::CutUpload) {
            return server.write_all(&body[..CUT.min(body.len())]).await;
        }
        let begin = String::from_utf8_lossy(&body[..CUT.min(body.len())]);
        locked(&told.uploads).push(format!("{target}\n{begin}"));
    }
    server.write_all(&body).await?;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.split(), server.split());
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let down = async {
        let mut answer = Vec::new();
        match fault {
            None => tokio::io::copy(&mut from_server, &mut to_client)
                .await
                .map(drop),
            Some(Fault::LostAnswer) => from_server.read_to_end(&mut answer).await.map(drop),
            Some(fault) => {
                from_server.read_to_end(&mut answer).await?;
                let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
                let body = head.unwrap_or(0) + 4;
                match fault {
                    Fault::CutDownload => answer.truncate((body + CUT).min(answer.len() - 1)),
                    _ => *answer.last_mut().expect("an answer") ^= 1,
                }
                to_client.write_all(&answer).await
            }
        }
    };
    tokio::pin!(down);
    tokio::select! {
        done = &mut down => done,
        // The client has sent everything, or is gone.
        _ = up => down.await,
    }
}

/// The head of a request, to the empty line, and what came behind it.
async fn read_head(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            let head = String::from_utf8(bytes).map_err(io::Error::other)?;
            return Ok((head, body));
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn next_fault(rules: &Mutex<Vec<Rule>>, method: &str, target: &str) -> Option<Fault> {
    let mut rules = locked(rules);
    let rule = rules
        .iter_mut()
        .find(|rule| rule.times > 0 && rule.method == method && target.contains(rule.target))?;
    rule.times -= 1;
    Some(rule.fault)
}

/// Reads what still comes, until the other side ends.
async fn drain(mut client: TcpStream) -> io::Result<()> {
    tokio::io::copy(&mut client, &mut tokio::io::sink())
        .await
        .map(drop)
}

/// The images function as a program of its own, on the database and with the keys of a product; killed when dropped.
pub struct ImagesFunction {
    _child: Child,
    authority: std::path::PathBuf,
    public: String,
    /// Its own address, plain HTTP.
    pub base: String,
}

impl ImagesFunction {
    /// Starts it beside a product.
    pub async fn start(
        product: &Product,
        env: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let mut child = Command::new(program("images"))
            .env("PORT", port.to_string())
            .env("PUBLIC_BASE_URL", &product.base)
            .env("DATABASE_URL", product.database_url())
            .env("VERIFYING_KEYS", product.key("VERIFYING_KEYS"))
            .env("IMAGE_URL_KEYS", product.key("IMAGE_URL_KEYS"))
            .env("LOG", "info")
            .envs(env)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("`cargo build --workspace` has been run");
        let mut log = BufReader::new(child.stderr.take().expect("piped")).lines();
        let listening = async {
            while let Some(line) = log.next_line().await.expect("readable") {
                if line.contains("listening") {
                    return;
                }
            }
            panic!("images stopped");
        };
        timeout(START, listening)
            .await
            .expect("images starts in time");
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self {
            _child: child,
            authority: product.data("tls/ca.pem"),
            public: product.base.clone(),
            base: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Somebody who talks to it directly, signed in as another client is.
    #[must_use]
    pub fn client(&self, like: &Client) -> Client {
        let mut client = Client::new(&self.base, &self.authority);
        client.token.clone_from(&like.token);
        client
    }

    /// A public address as this function itself answers it.
    ///
    /// # Panics
    /// When it is not one of the product's.
    #[must_use]
    pub fn address(&self, public: &Value) -> String {
        let path = public
            .as_str()
            .and_then(|text| text.strip_prefix(&self.public));
        format!("{}{}", self.base, path.expect("a public address"))
    }
}
