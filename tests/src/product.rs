//! The all-in-one program, started as a user starts it.

use crate::{ADMIN, Client, PASSWORD, database::fresh_mysql};
use std::{env, path::PathBuf, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long a start may take on a loaded machine.
const START: Duration = Duration::from_secs(60);

/// How a product is started.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Environment beside the rig's own.
    pub env: Vec<(&'static str, String)>,
}

/// A running product, killed when dropped.
pub struct Product {
    child: Child,
    _out: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    options: Options,
    /// What it printed until it was ready.
    pub greeting: String,
    /// Its HTTPS address.
    pub base: String,
    /// Its plain address, which only redirects.
    pub plain: String,
}

impl Product {
    /// Starts a product on a fresh database.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts a product on a fresh database in a certain way.
    pub async fn start_with(mut options: Options) -> Self {
        if let Some(url) = fresh_mysql().await {
            options.env.push(("DATABASE_URL", url));
        }
        let folder = TempDir::new().expect("a folder");
        Self::start_in(folder, options).await
    }

    async fn start_in(folder: TempDir, options: Options) -> Self {
        let mut command = Command::new(program("local"));
        command
            .args(["--https-port", "0", "--http-port", "0", "--data"])
            .arg(folder.path())
            .env("ADMIN_PASSWORD", PASSWORD)
            .env("LOG", "warn")
            .envs(options.env.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .expect("`cargo build -p local` has been run");
        let out = child.stdout.take().expect("piped");
        let mut out = BufReader::new(out).lines();
        let mut greeting = String::new();
        let ready = async {
            while let Some(line) = out.next_line().await.expect("readable") {
                greeting.push_str(&line);
                greeting.push('\n');
                if line.contains("Ctrl-C") {
                    return;
                }
            }
            panic!("the product stopped instead of starting: {greeting}");
        };
        timeout(START, ready)
            .await
            .expect("the product starts in time");
        let address = |begin: &str| {
            let found = greeting.split_whitespace().find_map(|word| {
                let word = word.trim_start_matches('(');
                word.starts_with(begin).then(|| word.to_owned())
            });
            found.unwrap_or_else(|| panic!("no address in {greeting}"))
        };
        Self {
            base: address("https://"),
            plain: address("http://"),
            child,
            _out: out,
            folder,
            options,
            greeting,
        }
    }

    /// Kills the program as a power cut would, and starts it again on the same data. Its ports are new.
    pub async fn kill_and_restart(mut self) -> Self {
        self.child.kill().await.expect("killed");
        Self::start_in(self.folder, self.options).await
    }

    /// Asks the program to stop, and waits until it has; gives whether it ended well.
    pub async fn stop(&mut self) -> bool {
        let id = self.child.id().expect("running");
        let asked = Command::new("kill")
            .args(["-TERM", &id.to_string()])
            .status()
            .await;
        assert!(asked.expect("kill runs").success());
        let ended = timeout(START, self.child.wait())
            .await
            .expect("it stops in time");
        ended.expect("a status").success()
    }

    /// A path in its data folder.
    #[must_use]
    pub fn data(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The database's address, where it is not the file in the data folder.
    #[must_use]
    pub fn database_url(&self) -> String {
        let set = self
            .options
            .env
            .iter()
            .rfind(|(name, _)| *name == "DATABASE_URL");
        set.map_or_else(
            || format!("sqlite://{}", self.data("crm.db").display()),
            |(_, url)| url.clone(),
        )
    }

    /// Somebody who is not signed in.
    #[must_use]
    pub fn anyone(&self) -> Client {
        Client::new(&self.base, &self.data("tls/ca.pem"))
    }

    /// Somebody who is not signed in, and speaks only HTTP/1.1.
    #[must_use]
    pub fn anyone_old(&self) -> Client {
        Client::old(&self.base, &self.data("tls/ca.pem"))
    }

    /// The first administrator, signed in.
    pub async fn admin(&self) -> Client {
        self.anyone().signed_in(ADMIN, PASSWORD).await
    }

    /// A fresh user who is no administrator, signed in.
    pub async fn user(&self, email: &str) -> Client {
        let new = serde_json::json!({ "email": email, "password": PASSWORD });
        self.admin().await.post("/users", new).await.is(201);
        self.anyone().signed_in(email, PASSWORD).await
    }
}

/// A program of the workspace, from the folder in which this test was built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = env::current_exe().expect("known");
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target/PROFILE/deps/TEST");
    folder.join(name)
}
