//! How long each function takes from exec to its first answer, with and without its database, and what it weighs.
//!
//! `tests/bench-start` builds the functions as they are deployed, and calls this with the folder that they are in.

use anyhow::{Context as _, ensure};
use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tests::{Process, database::fresh_mysql, process::free_port};

const FUNCTIONS: [&str; 3] = ["auth", "customers", "images"];
/// How often each start is measured.
const STARTS: usize = 20;
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// After how long without work a function's memory is looked at.
const IDLE: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let folder = env::args_os()
        .nth(1)
        .context("names no folder of programs")?;
    let database = fresh_mysql().await.context("TEST_MYSQL_URL is not set")?;
    let env = [("DATABASE_URL", database)];
    Process::output("admin", &["migrate"], &env, "").await;
    let keys = Process::output("admin", &["keys", "generate"], &[], "").await;
    let pictures = TempDir::new()?;
    let mut env: Vec<_> = env.map(|(name, value)| (name.to_owned(), value)).into();
    env.extend(keys.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('\'').to_owned()))
    }));
    for (name, value) in [
        ("PUBLIC_BASE_URL", "https://crm.example.com".to_owned()),
        ("CLIENT_IP_HEADER", "X-Crm-Client-Ip".to_owned()),
        ("IMAGES_DIR", pictures.path().display().to_string()),
        ("LOG_FORMAT", "stackdriver".to_owned()),
    ] {
        env.push((name.to_owned(), value));
    }
    println!("function   without database  with database  program   memory, idle");
    for name in FUNCTIONS {
        let function = Function {
            program: Path::new(&folder).join(name),
            env: env.clone(),
        };
        let without = function.median("/health/live")?;
        let with = function.median(&format!("/health/{name}"))?;
        let size = fs::metadata(&function.program)?.len();
        println!(
            "{name:<9}  {:>13.1} ms  {:>10.1} ms  {:>4.1} MiB  {:>5.1} MiB",
            without.as_secs_f64() * 1_000.0,
            with.as_secs_f64() * 1_000.0,
            mib(size),
            mib(function.memory(&format!("/health/{name}"))?),
        );
    }
    println!("Time from exec to the first answered request, median of {STARTS} starts.");
    Ok(())
}

/// One function's program, and its environment.
struct Function {
    program: PathBuf,
    env: Vec<(String, String)>,
}

impl Function {
    /// The median time from exec to an answer, in a fresh process each time.
    fn median(&self, path: &str) -> anyhow::Result<Duration> {
        let mut times = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            times.push(self.start(path)?.1);
        }
        times.sort_unstable();
        Ok((times[STARTS / 2 - 1] + times[STARTS / 2]) / 2)
    }

    /// Its proportional set size in bytes, after one answer and a while without work (proc(5), smaps_rollup).
    fn memory(&self, path: &str) -> anyhow::Result<u64> {
        let (running, _) = self.start(path)?;
        sleep(IDLE);
        let maps = fs::read_to_string(format!("/proc/{}/smaps_rollup", running.0.id()))?;
        let line = maps.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("no figure")?.parse::<u64>()? * 1024)
    }

    /// Starts it and asks for a path until it answers; gives the process and how long that took.
    fn start(&self, path: &str) -> anyhow::Result<(Running, Duration)> {
        let port = free_port();
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let running = Running(command.spawn().context("no such program")?);
        let mut connection = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(connection) => break connection,
                Err(refused) => ensure!(started.elapsed() < PATIENCE, "{refused}"),
            }
            sleep(Duration::from_micros(100));
        };
        connection.set_read_timeout(Some(PATIENCE))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: crm\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let time = started.elapsed();
        ensure!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        Ok((running, time))
    }
}

/// A process that is killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
