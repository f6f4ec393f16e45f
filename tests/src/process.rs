//! Programs of the workspace, started, watched and stopped.

mod cost;

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    process::{self, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

/// How long a start or a stop may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program, killed when dropped.
pub struct Process {
    child: Child,
    /// What it said until it was ready, on both outputs.
    pub said: String,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// A command that runs a program of the workspace with nothing of the rig's own environment but where to find things.
    #[must_use]
    pub fn command(name: &str) -> Command {
        let mut command = match name {
            "bash" | "sh" => Command::new(name),
            name => Command::new(program(name)),
        };
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts a program, and waits until it says `ready`.
    ///
    /// # Panics
    /// When it stops or takes too long instead.
    pub async fn start(mut command: Command, ready: &str) -> Self {
        let mut child = command
            .spawn()
            .expect("`cargo build --workspace` has been run");
        let (say, mut hear) = mpsc::unbounded_channel();
        let (out, log) = (
            child.stdout.take().expect("piped"),
            child.stderr.take().expect("piped"),
        );
        let (says, whole) = (say.clone(), Arc::new(Mutex::new(String::new())));
        let keeps = Arc::clone(&whole);
        tokio::spawn(async move {
            let mut lines = BufReader::new(out).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = say.send(line);
            }
        });
        tokio::spawn(async move {
            let mut lines = BufReader::new(log).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                // Seen with a failing test's output.
                eprintln!("{line}");
                let mut log = keeps.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
                drop(log);
                let _ = says.send(line);
            }
        });
        let mut said = String::new();
        let waiting = async {
            while let Some(line) = hear.recv().await {
                said.push_str(&line);
                said.push('\n');
                if line.contains(ready) {
                    return;
                }
            }
            panic!("it stopped instead of starting: {said}");
        };
        timeout(PATIENCE, waiting).await.expect("it starts in time");
        Self {
            child,
            said,
            log: whole,
        }
    }

    /// Runs a program to its end; gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub async fn output(
        name: &str,
        arguments: &[&str],
        env: &[(&str, String)],
        input: &str,
    ) -> String {
        let mut command = Self::command(name);
        command
            .args(arguments)
            .envs(env.iter().map(|(name, value)| (*name, value)));
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .expect("`cargo build --workspace` has been run");
        let mut stdin = child.stdin.take().expect("piped");
        // It may end without reading.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        assert!(
            output.status.success(),
            "{name} {arguments:?}: {}",
            text(output.stderr)
        );
        text(output.stdout)
    }

    /// What it has logged so far. After [`Process::stop`] nothing is missing but what is still on its way through the pipe.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    /// The address of a service that logged its port.
    ///
    /// # Panics
    /// When it logged none.
    #[must_use]
    pub fn address(&self) -> String {
        let port = self.said.lines().find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            line["port"].as_u64()
        });
        format!("http://127.0.0.1:{}", port.expect("its port"))
    }

    /// Asks it to stop, and waits; gives whether it ended well.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn stop(&mut self) -> bool {
        self.signal("-TERM").await;
        let ended = timeout(PATIENCE, self.ended()).await;
        ended.expect("it stops in time")
    }

    /// Waits until it ends; gives whether it ended well.
    ///
    /// # Panics
    /// When the system does not say.
    pub async fn ended(&mut self) -> bool {
        self.child.wait().await.expect("a status").success()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is gone already.
    pub async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("running").to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await;
        assert!(sent.expect("kill runs").success());
    }

    /// Limits how large its files may grow, in bytes, as a full disk would; none lifts the limit.
    ///
    /// # Panics
    /// When it is gone already.
    pub async fn limit_files(&self, bytes: Option<u64>) {
        let id = self.child.id().expect("running").to_string();
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let mut command = Command::new("prlimit");
        let set = command.args(["--pid", &id, &format!("--fsize={limit}:unlimited")]);
        assert!(set.status().await.expect("prlimit runs").success());
    }

    /// Lets it have as many files and connections open as the system allows.
    ///
    /// # Panics
    /// When it is gone already.
    pub async fn lift_open_files(&self) {
        lift_open_files(self.child.id().expect("running")).await;
    }

    /// Lets the rig itself have as many files and connections open as the system allows.
    ///
    /// # Panics
    /// When the system has no `prlimit`.
    pub async fn lift_own_open_files() {
        lift_open_files(process::id()).await;
    }

    /// Kills it as a power cut would.
    ///
    /// # Panics
    /// When the system does not let us.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }
}

async fn lift_open_files(id: u32) {
    const LIFT: &str = r#"prlimit --pid "$0" --nofile="$(prlimit --pid "$0" --nofile -o HARD --noheadings --raw):""#;
    let mut command = Command::new("sh");
    let lifted = command.args(["-c", LIFT, &id.to_string()]).status().await;
    assert!(lifted.expect("sh runs").success());
}

/// A program of the workspace, from the folder `TEST_PROGRAMS` or else the one in which this test was built.
///
/// # Panics
/// When the test was not built by cargo.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    optimised().unwrap_or_else(folder).join(name)
}

/// The folder `TEST_PROGRAMS`: programs that were built for their users, with `--release`.
#[must_use]
pub fn optimised() -> Option<PathBuf> {
    env::var_os("TEST_PROGRAMS").map(PathBuf::from)
}

/// The folder of the programs that were built with this test: `target/PROFILE`.
///
/// # Panics
/// When the test was not built by cargo.
#[must_use]
pub fn folder() -> PathBuf {
    let test = env::current_exe().expect("known");
    let folder = test.parent().expect("a folder");
    let folder = match folder.ends_with("deps") {
        true => folder.parent().expect("target/PROFILE/deps"),
        false => folder,
    };
    folder.to_owned()
}

/// A free port that the system gives to nobody of itself, so that it is still free when the gateway starts.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(process::id() % 8_000).unwrap_or_default();
    loop {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
