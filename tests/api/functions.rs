//! The three functions as programs of their own.

use std::time::Duration;
use tests::{Answer, Function, Process, plain, process::program};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
    time::timeout,
};

const FUNCTIONS: [&str; 3] = ["auth", "customers", "images"];

#[tokio::test]
async fn a_function_lives_without_its_database_and_says_so_when_asked() {
    for name in FUNCTIONS {
        let function = Function::start(name, &[]).await;
        let http = plain(false);
        let live = Answer::of(http.get(function.address("/health/live")))
            .await
            .is(200);
        assert_eq!(live.json()["service"], *name);
        assert_eq!(live.header("strict-transport-security"), "max-age=31536000");
        let ready = Answer::of(http.get(function.address(&format!("/health/{name}")))).await;
        assert_eq!(ready.header("retry-after"), "2");
        ready.problem(503, "unavailable");
    }
}

#[tokio::test]
async fn a_function_speaks_http_2_without_tls() {
    let function = Function::start("customers", &[]).await;
    let http = plain(true);
    let live = Answer::of(http.get(function.address("/health/live")))
        .await
        .is(200);
    assert_eq!(live.version, reqwest::Version::HTTP_2);
}

#[tokio::test]
async fn a_function_stops_when_told_to() {
    for name in FUNCTIONS {
        let mut function = Function::start(name, &[]).await;
        let ended = timeout(Duration::from_secs(9), function.process.stop()).await;
        assert_eq!(ended, Ok(true), "{name}");
    }
}

#[tokio::test]
async fn a_function_whose_connections_are_all_taken_stops_when_told_to() {
    const MOST: usize = 4_096;
    let mut function = Function::start("customers", &[]).await;
    function.process.lift_open_files().await;
    Process::lift_own_open_files().await;
    let address = function.base.trim_start_matches("http://");
    let ask = async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        stream
    };
    let mut open = Vec::new();
    for _ in 0..MOST {
        let mut stream = ask().await;
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        open.push(stream);
    }
    // Whoever rests longest makes room.
    let mut further = ask().await;
    let mut begin = [0; 12];
    let answer = timeout(Duration::from_secs(5), further.read_exact(&mut begin)).await;
    answer.expect("there is room").unwrap();
    let ended = timeout(Duration::from_secs(15), function.process.stop()).await;
    assert_eq!(ended, Ok(true));
}

#[tokio::test]
async fn a_function_names_every_mistake_of_its_configuration_at_once() {
    for (name, own) in FUNCTIONS.into_iter().zip([
        &["SIGNING_KEYS", "REFRESH_KEY"][..],
        &["IMAGE_URL_KEYS", "PRIVACY_KEY"],
        &["IMAGE_URL_KEYS", "PRIVACY_KEY", "IMAGES_DIR"],
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
