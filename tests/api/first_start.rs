//! The all-in-one's first start, when something is in its way.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tests::{ADMIN, Client, Process, database::fresh_mysql};
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A place for an all-in-one that has not been started yet, and makes up its administrator's password.
struct Place {
    data: TempDir,
    env: Vec<(&'static str, String)>,
}

impl Place {
    async fn fresh() -> Self {
        let database = fresh_mysql().await;
        Self {
            data: TempDir::new().unwrap(),
            env: database
                .map(|url| ("DATABASE_URL", url))
                .into_iter()
                .collect(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Process::command("local");
        command
            .args(["--https-port", "0", "--http-port", "0", "--data"])
            .arg(self.data.path())
            .env("LOG", "warn")
            .envs(self.env.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Starts it as a person does; asserts that the password it shows opens it.
    async fn opens_with_what_it_shows(&self) {
        let process = Process::start(self.command(), "Ctrl-C").await;
        let after = |label: &str| {
            let found = process.said.lines().find_map(|line| {
                let line = line.trim_start().strip_prefix(label)?;
                line.split_whitespace().next()
            });
            found.unwrap_or_else(|| panic!("no {label} in {}", process.said))
        };
        let authority = self.data.path().join("tls/ca.pem");
        let admin = Client::new(after("Address "), &authority);
        let admin = admin.signed_in(ADMIN, after("Password ")).await;
        admin.get("/me").await.is(200);
    }
}

#[tokio::test]
async fn a_password_that_could_not_be_shown_is_nobody_s() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let closed = || {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let place = Place::fresh().await;
    for out in [full(), closed()] {
        let ended = place.command().stdout(out).spawn().unwrap();
        let ended = timeout(PATIENCE, ended.wait_with_output()).await;
        let ended = ended.expect("it ends").unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success());
        assert!(
            said.contains("administrator's password cannot be shown"),
            "{said}"
        );
    }
    place.opens_with_what_it_shows().await;
}

#[tokio::test]
async fn a_start_that_is_killed_before_the_password_is_read_locks_nobody_out() {
    let place = Place::fresh().await;
    // A reader that does not read: what is written waits once the pipe is full.
    let (reader, writer) = io::pipe().unwrap();
    let mut filler = writer.try_clone().unwrap();
    let filling = std::thread::spawn(move || while filler.write_all(&[b' '; 4096]).is_ok() {});
    let mut child = place.command().stdout(writer).spawn().unwrap();
    let written = place.data.path().join("tls/ca.pem");
    let waits = async {
        let process = format!("/proc/{}", child.id().unwrap());
        let (mut before, mut same) = (0, 0);
        // It has come as far as its certificate, and now does nothing any more.
        while same < 10 {
            sleep(Duration::from_millis(50)).await;
            let (used, sleeps) = activity(Path::new(&process));
            let still = used == before && sleeps && written.exists();
            (before, same) = (used, if still { same + 1 } else { 0 });
        }
    };
    timeout(PATIENCE, waits).await.expect("it waits to be read");
    child.kill().await.unwrap();
    drop((child, reader));
    filling.join().unwrap();
    place.opens_with_what_it_shows().await;
}

/// How much processor time a process has used, in ticks, and whether all of its threads sleep (proc(5)).
fn activity(process: &Path) -> (u64, bool) {
    let tasks = fs::read_dir(process.join("task")).unwrap();
    tasks.fold((0, true), |(used, sleeps), task| {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let fields: Vec<_> = fields.split(' ').collect();
        let ticks = |index| {
            fields
                .get(index)
                .and_then(|field: &&str| field.parse().ok())
        };
        let (user, system) = (ticks(11).unwrap_or(0), ticks(12).unwrap_or(0));
        (used + user + system, sleeps && fields.first() == Some(&"S"))
    })
}

#[tokio::test]
async fn a_data_folder_that_everybody_could_read_becomes_private() {
    let place = Place::fresh().await;
    let mode = |mode| fs::set_permissions(place.data.path(), Permissions::from_mode(mode));
    mode(0o755).unwrap();
    place.opens_with_what_it_shows().await;
    let metadata = fs::metadata(place.data.path()).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
}
