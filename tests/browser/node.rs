//! Programs of Node: the OpenID provider, and the browser's driver.

use std::{path::PathBuf, process::Stdio, time::Duration};
use tests::provider::{CLIENT_ID, CLIENT_SECRET};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long a person may take for everything, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(180);

fn node(script: &str) -> Command {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("browser")
        .join(script);
    let mut command = Command::new("node");
    command.arg(path).kill_on_drop(true);
    command
}

/// Runs a script of the browser's to its end.
///
/// # Panics
/// When it fails: it has said why.
pub(crate) async fn run(script: &str, env: &[(&str, String)]) {
    let mut command = node(script);
    command.envs(env.iter().map(|(name, value)| (*name, value)));
    let output = timeout(PATIENCE, command.stdin(Stdio::null()).output()).await;
    let output = output.expect("it ends in time").expect("node runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{script}:\n{said}");
}

/// A running OpenID provider, killed when dropped.
pub(crate) struct OpenIdProvider {
    _child: Child,
    hear: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    /// Its address, and its name.
    pub(crate) issuer: String,
}

impl OpenIdProvider {
    /// Starts it; it knows no client's address yet.
    pub(crate) async fn start() -> Self {
        let mut command = node("provider.mjs");
        command
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("node runs");
        let (hear, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut said = BufReader::new(out).lines();
        let issuer = hear_until(&mut said, "listening ").await;
        Self {
            _child: child,
            hear,
            said,
            issuer,
        }
    }

    /// Registers the one redirect URI that it accepts.
    pub(crate) async fn register(&mut self, redirect_uri: &str) {
        let line = format!("{redirect_uri}\n");
        self.hear.write_all(line.as_bytes()).await.unwrap();
        hear_until(&mut self.said, "registered").await;
    }

    /// What tells a product to use it as Google.
    pub(crate) fn env(&self) -> [(&'static str, String); 3] {
        let discovery = format!("{}/.well-known/openid-configuration", self.issuer);
        [
            ("GOOGLE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("GOOGLE_DISCOVERY_URL", discovery),
        ]
    }
}

/// What follows a word at the beginning of a line.
async fn hear_until(said: &mut Lines<BufReader<ChildStdout>>, word: &str) -> String {
    let waiting = async {
        while let Some(line) = said.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(word) {
                return rest.to_owned();
            }
        }
        panic!("the provider stopped; is BROWSER_TOOLS set? `tests/run` sets it");
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("it says so in time")
}
