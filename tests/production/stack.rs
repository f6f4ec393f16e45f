//! `tests/stack`: the shape of production, started by hand.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tests::{
    Client, Process, photo,
    process::{folder, free_port},
};
use tokio::{process::Command, time::timeout};

const STACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stack");
const PATIENCE: Duration = Duration::from_secs(60);

/// A place for a stack of the test's own.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = TempDir::new().unwrap();
        // MariaDB may run as another user.
        fs::set_permissions(&place, fs::Permissions::from_mode(0o711)).unwrap();
        Self(place)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Process::command("bash");
        command
            .arg(STACK)
            .args(arguments)
            .env("TMPDIR", self.0.path())
            .env("PROGRAMS", folder());
        command
    }

    async fn start(&self) -> Process {
        let ports = [free_port(), free_port()].map(|port| port.to_string());
        let ports = ["--https-port", &ports[0], "--http-port", &ports[1]];
        Process::start(self.command(&ports), "Its data go").await
    }

    /// The processes that belong to it: each has inherited its folder.
    fn processes(&self) -> Vec<PathBuf> {
        let name = self.0.path().to_str().unwrap().as_bytes();
        let all = fs::read_dir("/proc").unwrap();
        let all = all.map(|process| process.unwrap().path());
        // What cannot be read is not ours, or gone.
        let is_ours = |process: &PathBuf| {
            let inherited = fs::read(process.join("environ")).unwrap_or_default();
            inherited.windows(name.len()).any(|part| part == name)
        };
        all.filter(is_ours).collect()
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.0.path()).unwrap().next().is_none()
    }
}

/// What the greeting says behind a label.
fn shown<'a>(process: &'a Process, label: &str) -> &'a str {
    let found = process.said.lines().find_map(|line| {
        let line = line.trim_start().strip_prefix(label)?;
        line.split_whitespace().next()
    });
    found.unwrap_or_else(|| panic!("no {label} in {}", process.said))
}

#[tokio::test]
async fn a_stack_serves_the_product_and_leaves_nothing_behind() {
    let place = Place::new();
    let mut stack = place.start().await;
    let authority = Path::new(shown(&stack, "CA "));
    let anyone = Client::new(shown(&stack, "Address "), authority);
    anyone.get("/health/auth").await.is(200);
    let admin = anyone
        .signed_in(shown(&stack, "E-mail "), shown(&stack, "Password "))
        .await;
    admin.customer("ada@example.com").await;
    let photo = admin
        .put_bytes("/customers/1/photo", "image/png", photo::png(9, 6))
        .await;
    let small = photo.is(200).json()["small"].as_str().unwrap().to_owned();
    admin.get(&small).await.is(200);
    assert!(
        place.processes().len() >= 7,
        "a script, MariaDB, a storage, three services and a gateway"
    );

    let again = place.command(&[]).output().await.unwrap();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        !again.status.success() && said.contains("runs already"),
        "{said}"
    );

    let stopped = place.command(&["stop"]).output().await.unwrap();
    assert!(stopped.status.success(), "{stopped:?}");
    timeout(PATIENCE, stack.ended()).await.expect("it ends");
    assert_eq!(place.processes(), Vec::<PathBuf>::new());
    assert!(place.is_empty());
}

#[tokio::test]
async fn a_stack_stops_whole_when_told_to_or_when_a_part_ends() {
    let place = Place::new();
    let mut stack = place.start().await;
    assert!(stack.stop().await, "it ends well");
    assert_eq!(place.processes(), Vec::<PathBuf>::new());

    let mut stack = place.start().await;
    let is_customers = |process: &PathBuf| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        line.ends_with(b"/customers\0")
    };
    let customers = place.processes().into_iter().find(is_customers).unwrap();
    let id = customers.file_name().unwrap().to_str().unwrap().to_owned();
    Command::new("kill")
        .args(["-KILL", &id])
        .status()
        .await
        .unwrap();
    let well = timeout(PATIENCE, stack.ended()).await.expect("it ends");
    assert!(!well, "a part that ends is a failure");
    assert_eq!(place.processes(), Vec::<PathBuf>::new());
    assert!(place.is_empty());
}
