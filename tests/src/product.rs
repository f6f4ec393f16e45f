//! The product, started as a user starts it: all in one process, or as three services behind the gateway.

mod services;

use crate::{
    ADMIN, Client, PASSWORD,
    database::fresh_mysql,
    pictures::Pictures,
    process::{Process, program},
    storage::Storage,
};
use std::{env, path::PathBuf};
use tempfile::TempDir;
use tokio::process::Command;

/// How a product is started.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Environment beside the rig's own.
    pub env: Vec<(&'static str, String)>,
}

/// How the product's parts are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything in one process.
    AllInOne,
    /// Three services and a gateway, as in production. Wants a MySQL server.
    Services,
}

impl Shape {
    /// What `TEST_SHAPE` says: `services`, or all in one.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the rig is configured by its environment"
    )]
    pub fn of_tests() -> Self {
        match env::var("TEST_SHAPE").as_deref() {
            Ok("services") => Self::Services,
            _ => Self::AllInOne,
        }
    }
}

/// A running product, killed when dropped.
pub struct Product {
    /// The gateway, or the whole product: whoever listens. Then the services.
    processes: Vec<Process>,
    folder: TempDir,
    pictures: Pictures,
    options: Options,
    /// What it printed until it was ready.
    pub greeting: String,
    /// Its HTTPS address.
    pub base: String,
    /// Its plain address, which only redirects.
    pub plain: String,
}

impl Product {
    /// Starts a product on a fresh database, in the shape that the tests run in.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts a product on a fresh database in a certain way.
    pub async fn start_with(mut options: Options) -> Self {
        if let Some(url) = fresh_mysql().await {
            options.env.push(("DATABASE_URL", url));
        }
        let folder = TempDir::new().expect("a folder");
        match Shape::of_tests() {
            Shape::AllInOne => Self::start_all_in_one(folder, options).await,
            Shape::Services => {
                Self::start_services(folder, Storage::start().await, 1, options, directly).await
            }
        }
    }

    /// Starts all in one process, whatever shape the tests run in.
    pub async fn all_in_one() -> Self {
        let mut options = Options::default();
        if let Some(url) = fresh_mysql().await {
            options.env.push(("DATABASE_URL", url));
        }
        Self::start_all_in_one(TempDir::new().expect("a folder"), options).await
    }

    /// Starts all in one process on SQLite whatever the tests run on, deaf to the signal of a file that grew too large.
    pub async fn on_sqlite_ignoring_full_disks() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut command = Process::command("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(program("local"));
        Self::start_with_command(command, folder, Options::default()).await
    }

    async fn start_all_in_one(folder: TempDir, options: Options) -> Self {
        Self::start_with_command(Process::command("local"), folder, options).await
    }

    async fn start_with_command(mut command: Command, folder: TempDir, options: Options) -> Self {
        command
            .args(["--https-port", "0", "--http-port", "0", "--data"])
            .arg(folder.path())
            .env("ADMIN_PASSWORD", PASSWORD)
            .env("LOG", "warn")
            .envs(options.env.iter().map(|(name, value)| (*name, value)));
        let process = Process::start(command, "Ctrl-C").await;
        let pictures = Pictures::Folder(folder.path().join("pictures"));
        Self::of(vec![process], folder, pictures, options)
    }

    fn of(processes: Vec<Process>, folder: TempDir, pictures: Pictures, options: Options) -> Self {
        let greeting = processes[0].said.clone();
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
            processes,
            folder,
            pictures,
            options,
            greeting,
        }
    }

    /// Kills the programs as a power cut would, and starts them again on the same data. Its ports are new.
    pub async fn kill_and_restart(mut self) -> Self {
        for process in &mut self.processes {
            process.kill().await;
        }
        match self.pictures {
            Pictures::Folder(_) => Self::start_all_in_one(self.folder, self.options).await,
            Pictures::Bucket(storage) => {
                Self::start_services(self.folder, *storage, 1, self.options, directly).await
            }
        }
    }

    /// Asks the programs to stop, the one that listens first, and waits; gives whether all ended well.
    pub async fn stop(&mut self) -> bool {
        let mut well = true;
        for process in &mut self.processes {
            well &= process.stop().await;
        }
        well
    }

    /// Its processes: whoever listens, then the services.
    pub fn processes(&mut self) -> &mut [Process] {
        &mut self.processes
    }

    /// One of the services' processes: all instances of auth, then of customers, then of images.
    pub fn service(&mut self, index: usize) -> &mut Process {
        &mut self.processes[1 + index]
    }

    /// Whoever answers for auth: the service's first instance, or the whole product.
    #[must_use]
    pub fn auth(&self) -> &Process {
        self.processes.get(1).unwrap_or(&self.processes[0])
    }

    /// Whoever answers for pictures: the service's last instance, or the whole product.
    #[must_use]
    pub fn images(&self) -> &Process {
        &self.processes[self.processes.len() - 1]
    }

    /// Whoever listens: the gateway, or the whole product.
    #[must_use]
    pub fn front(&self) -> &Process {
        &self.processes[0]
    }

    /// A path in its data folder.
    #[must_use]
    pub fn data(&self, path: &str) -> PathBuf {
        match self.processes.len() {
            1 => self.folder.path().join(path),
            _ => self.folder.path().join("data").join(path),
        }
    }

    /// A key, as `SIGNING_KEYS` and the like hold it.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        let files = [
            ("SIGNING_KEYS", "keys/signing.json"),
            ("VERIFYING_KEYS", "keys/verifying.json"),
            ("REFRESH_KEY", "keys/refresh"),
            ("IMAGE_URL_KEYS", "keys/image-urls"),
            ("PRIVACY_KEY", "keys/privacy"),
        ];
        if self.processes.len() == 1 {
            let file = files.iter().find(|(variable, _)| *variable == name);
            let file = self.data(file.expect("a key").1);
            return std::fs::read_to_string(file)
                .expect("readable")
                .trim()
                .to_owned();
        }
        let keys = std::fs::read_to_string(self.folder.path().join("keys.env")).expect("readable");
        let line = keys
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.expect("a key").trim_matches('\'').to_owned()
    }

    /// Where its pictures are.
    #[must_use]
    pub fn pictures(&self) -> &Pictures {
        &self.pictures
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

    /// Somebody who is not signed in, at 127.0.0.`host` of this machine.
    #[must_use]
    pub fn anyone_at(&self, host: u8) -> Client {
        let own = [127, 0, 0, host].into();
        Client::at(own, &self.base, &self.data("tls/ca.pem"))
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

/// The gateway reaches a service where it listens.
pub(crate) fn directly(_: &str, address: String) -> String {
    address
}
