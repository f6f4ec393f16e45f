//! A MariaDB server of a test's own, which can be stopped and started again.

use crate::{database::fresh_on, process::free_port};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::UnixStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// How a server is made and run: the same text that `tests/run` uses.
const MACHINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/machine");
/// How long a start or a stop may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server with empty data, killed when dropped.
pub struct MariaDb {
    server: Child,
    folder: TempDir,
    port: u16,
    options: Vec<String>,
}

impl MariaDb {
    /// Makes a server and starts it with these options beside the rig's own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(options: &[String]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let made = machine("mariadb_make", &[&data(&folder)]).status().await;
        assert!(made.expect("bash runs").success());
        let (port, options) = (free_port(), options.to_vec());
        Self {
            server: serve(&folder, port, &options).await,
            folder,
            port,
            options,
        }
    }

    /// The address of a fresh, empty database on it, by TCP, of a user without a password.
    pub async fn fresh(&self) -> String {
        fresh_on(&format!("mysql://root@127.0.0.1:{}", self.port)).await
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        data(&self.folder).join("run/socket")
    }

    /// Asks it to stop, as an operator does, and waits until it is gone.
    ///
    /// # Panics
    /// When it does not stop in time.
    pub async fn stop(&mut self) {
        let id = self.server.id().expect("running").to_string();
        let asked = Command::new("kill").arg(&id).status().await;
        assert!(asked.expect("kill runs").success());
        let gone = timeout(PATIENCE, self.server.wait()).await;
        gone.expect("it stops in time").expect("a status");
    }

    /// Kills it as a power cut would.
    ///
    /// # Panics
    /// When the system does not let us.
    pub async fn kill(&mut self) {
        self.server.kill().await.expect("killed");
    }

    /// Starts it again on the same data and port, and waits until it takes connections.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        self.server = serve(&self.folder, self.port, &self.options).await;
    }
}

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("mariadb")
}

/// One of the functions of `tests/machine`, which may become another program.
fn machine(function: &str, arguments: &[&Path]) -> Command {
    let mut command = Command::new("bash");
    command
        .args(["-c", "set -e; . \"$0\"; \"$@\"", MACHINE, function])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn serve(folder: &TempDir, port: u16, options: &[String]) -> Child {
    let (data, port) = (data(folder), port.to_string());
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.path().join("log"));
    let mut server = machine("mariadb_serve", &[&data, Path::new(&port)])
        .args(options)
        .stdout(Stdio::null())
        .stderr(log.expect("writable"))
        .spawn()
        .expect("bash runs");
    let socket = data.join("run/socket");
    let answers = async {
        while UnixStream::connect(&socket).await.is_err() {
            assert!(
                server.try_wait().expect("a status").is_none(),
                "it stopped: {}",
                std::fs::read_to_string(folder.path().join("log")).unwrap_or_default()
            );
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, answers).await.expect("it starts in time");
    server
}
