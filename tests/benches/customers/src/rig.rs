//! The function under measure as a process of its own, and what it is asked with.

use crate::make::SESSION;
use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use shared::{
    config::Env,
    db::{DatabaseConfig, Db},
    time::Timestamp,
};
use std::{
    env, fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::sleep};

const PUBLIC: &str = "https://crm.example.com";
/// How long the function may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a database as the function does.
pub(crate) fn open(url: &str) -> anyhow::Result<Db> {
    let mut env = Env::of([("DATABASE_URL".to_owned(), url.to_owned())]);
    let config = DatabaseConfig::read(&mut env);
    Ok(Db::open(&env.finish(config)?))
}

/// The customers function on a database; killed when dropped.
pub(crate) struct Function {
    process: Child,
    port: u16,
    token: String,
}

impl Function {
    /// Starts this very program as the function.
    pub(crate) async fn start(database: &str) -> anyhow::Result<Self> {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .and_then(|document| Ok(Ed25519KeyPair::from_pkcs8(document.as_ref())?))
            .map_err(|_| anyhow::anyhow!("no key"))?;
        let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "bench", "x": public }] });
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let process = Command::new(env::current_exe()?)
            .arg("serve")
            .env_clear()
            .env("PORT", port.to_string())
            .env("PUBLIC_BASE_URL", PUBLIC)
            .env("DATABASE_URL", database)
            .env("DATABASE_MAX_CONNECTIONS", "8")
            .env("VERIFYING_KEYS", keys.to_string())
            .env(
                "IMAGE_URL_KEYS",
                format!("bench:{}", URL_SAFE_NO_PAD.encode([7; 16])),
            )
            .env("PRIVACY_KEY", URL_SAFE_NO_PAD.encode([7; 32]))
            .env("LOG", "error")
            .stdin(Stdio::null())
            .spawn()?;
        let function = Self {
            process,
            port,
            token: token(&key),
        };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            ensure!(started.elapsed() < PATIENCE, "the function does not start");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(function)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// A connection of its own for one who asks one thing after another.
    pub(crate) async fn connect(&self) -> anyhow::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Client {
            sender,
            authorization: format!("Bearer {}", self.token),
        })
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An access token as auth makes them (RFC 9068), good for a day.
fn token(key: &Ed25519KeyPair) -> String {
    let now = Timestamp::now().seconds();
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "bench" });
    let claims = json!({ "iss": PUBLIC, "aud": PUBLIC, "sub": "1", "sid": SESSION, "role": "admin",
        "iat": now, "exp": now + 86_400, "jti": "bench" });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()))
    )
}

/// A connection to the function, signed in.
pub(crate) struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
    authorization: String,
}

/// What came back, and how long that took.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) time: Duration,
}

impl Client {
    /// Asks for what must be there.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let answer = self.send(Method::GET, path, None, "").await?;
        match answer.status {
            StatusCode::OK => Ok(answer),
            status => bail!("{path}: {status} {}", answer.body),
        }
    }

    /// Sends anything, for one version if one is named; the time is until the last byte of the answer is there.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: &str,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1")
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        self.sender.ready().await?;
        let begun = Instant::now();
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        let time = begun.elapsed();
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes)?,
        };
        Ok(Answer { status, body, time })
    }
}

/// How long the threads of a process have run so far (proc(5), schedstat).
pub(crate) fn processor_time(process: u32) -> anyhow::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end while we look.
        if let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) {
            let run = text.split(' ').next().context("no figure")?;
            nanoseconds += run.parse::<u64>()?;
        }
    }
    Ok(Duration::from_nanos(nanoseconds))
}
