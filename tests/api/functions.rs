//! The three functions as programs of their own.

use std::{net::TcpListener, process::Stdio, time::Duration};
use tests::{Answer, plain, process::program};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

const FUNCTIONS: [&str; 3] = ["auth", "customers", "images"];

/// A running function whose database is not there.
struct Function {
    child: Child,
    base: String,
    _pictures: tempfile::TempDir,
}

impl Function {
    async fn start(name: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let pictures = tempfile::TempDir::new().unwrap();
        let keys = Command::new(program("admin"))
            .args(["keys", "generate"])
            .output()
            .await
            .unwrap();
        let keys = String::from_utf8(keys.stdout).unwrap();
        let mut command = Command::new(program(name));
        for line in keys.lines() {
            let (key, value) = line.split_once('=').unwrap();
            command.env(key, value.trim_matches('\''));
        }
        let mut child = command
            .env("PORT", port.to_string())
            .env("PUBLIC_BASE_URL", "https://crm.example.com")
            .env("DATABASE_URL", "mysql://nobody@127.0.0.1:9/crm")
            .env("IMAGES_DIR", pictures.path())
            .env("LOG_FORMAT", "stackdriver")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = log.next_line().await.unwrap() {
                let line: serde_json::Value =
                    serde_json::from_str(&line).expect("one line of JSON");
                if line.to_string().contains("listening") {
                    return;
                }
            }
            panic!("{name} stopped");
        };
        timeout(Duration::from_secs(30), listening).await.unwrap();
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            _pictures: pictures,
        }
    }
}

#[tokio::test]
async fn a_function_lives_without_its_database_and_says_so_when_asked() {
    for name in FUNCTIONS {
        let function = Function::start(name).await;
        let http = plain(false);
        let live = Answer::of(http.get(format!("{}/health/live", function.base)))
            .await
            .is(200);
        assert_eq!(live.json()["service"], *name);
        assert_eq!(live.header("strict-transport-security"), "max-age=31536000");
        let ready = Answer::of(http.get(format!("{}/health/{name}", function.base))).await;
        assert_eq!(ready.header("retry-after"), "2");
        ready.problem(503, "unavailable");
    }
}

#[tokio::test]
async fn a_function_speaks_http_2_without_tls() {
    let function = Function::start("customers").await;
    let http = plain(true);
    let live = Answer::of(http.get(format!("{}/health/live", function.base)))
        .await
        .is(200);
    assert_eq!(live.version, reqwest::Version::HTTP_2);
}

#[tokio::test]
async fn a_function_stops_when_told_to() {
    for name in FUNCTIONS {
        let mut function = Function::start(name).await;
        let id = function.child.id().unwrap().to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap();
        let ended = timeout(Duration::from_secs(9), function.child.wait())
            .await
            .unwrap();
        assert!(ended.unwrap().success(), "{name}");
    }
}

#[tokio::test]
async fn a_function_names_every_mistake_of_its_configuration_at_once() {
    for (name, own) in FUNCTIONS.into_iter().zip([
        &["SIGNING_KEYS", "REFRESH_KEY"][..],
        &["IMAGE_URL_KEYS"],
        &["IMAGE_URL_KEYS", "IMAGES_DIR"],
    ]) {
        let output = Command::new(program(name))
            .env_clear()
            .env("PORT", "http")
            .env("PUBLIC_BASE_URL", "http://crm.example.com")
            .env("CORS_ALLOWED_ORIGINS", "https://a/b")
            .env("LOG_FORMAT", "xml")
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        let common = [
            "PORT",
            "PUBLIC_BASE_URL",
            "DATABASE_URL",
            "VERIFYING_KEYS",
            "CORS_ALLOWED_ORIGINS",
            "LOG_FORMAT",
        ];
        for variable in common.iter().chain(own) {
            assert!(
                said.contains(&format!("\n  {variable} ")),
                "{name}: {variable} is not in {said}"
            );
        }
    }
}
