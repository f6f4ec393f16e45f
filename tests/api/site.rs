//! The static site, as the all-in-one and the gateway serve it.

use reqwest::Method;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tests::{Answer, Product};

/// What the pages together may weigh without the API reference's library and document, in bytes.
const BUDGET: usize = 150_000;

/// Every file of docs/site, by its address.
fn files() -> BTreeMap<String, Vec<u8>> {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/site");
    let mut folders = vec![site.clone()];
    let mut files = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&site).unwrap().to_str().unwrap();
            files.insert(format!("/{name}"), fs::read(&path).unwrap());
        }
    }
    files
}

#[tokio::test]
async fn every_file_is_there_and_a_page_by_the_name_in_its_address() {
    let product = Product::start().await;
    let anyone = product.anyone();
    let files = files();
    for (path, bytes) in &files {
        let answer = anyone.get(path).await.is(200);
        assert!(answer.bytes == *bytes, "{path} is another file");
    }
    for (path, file) in [
        ("/", "/index.html"),
        ("/docs", "/docs.html"),
        ("/docs/", "/docs.html"),
        ("/signin", "/signin.html"),
        ("/signin?error=not_registered", "/signin.html"),
    ] {
        let page = anyone.get(path).await.is(200);
        assert_eq!(page.text().as_bytes(), files[file], "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    for outside in [
        "/assets",
        "/assets/",
        "/assets/nowhere.js",
        "/assets/../../../Cargo.toml",
        "/..%2f..%2fCargo.toml",
        "/%2e%2e/%2e%2e/Cargo.toml",
        "/signin/x",
        "/Signin",
    ] {
        anyone.get(outside).await.problem(404, "not_found");
    }
    let posted = Answer::of(anyone.request(Method::POST, "/signin")).await;
    posted.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_run_nothing_that_stands_in_them() {
    let product = Product::start().await;
    for (path, bytes) in files() {
        let answer = product.anyone().get(&path).await.is(200);
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(
                policy.split("; ").any(|own| own == part),
                "{path}: {policy}"
            );
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"));
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        if path.ends_with(".html") {
            let page = String::from_utf8(bytes).unwrap();
            for forbidden in [
                "<style",
                " style=",
                " onclick=",
                " onload=",
                "=\"http",
                "=\"//",
            ] {
                assert!(!page.contains(forbidden), "{path} has {forbidden}");
            }
            let mut scripts = page.split("<script").skip(1);
            let file = |script: &str| {
                let tag = script.split('>').next().unwrap_or_default();
                tag.contains(" src=\"/assets/")
            };
            assert!(scripts.all(file), "{path}: every script is a file");
        }
    }
}

#[tokio::test]
async fn browsers_keep_files_and_ask_whether_they_changed() {
    let product = Product::start().await;
    let anyone = product.anyone();
    for (path, fresh) in [
        ("/", "public, max-age=300"),
        ("/assets/site.css", "public, max-age=300"),
        (
            "/assets/swagger-ui-5.35.0/swagger-ui.css",
            "public, max-age=31536000, immutable",
        ),
    ] {
        let first = anyone.get(path).await.is(200);
        assert_eq!(first.header("cache-control"), fresh, "{path}");
        let tag = first.header("etag");
        assert!(tag.len() > 30, "{path}: {tag}");
        let again = anyone.get_with(path, "if-none-match", &tag).await.is(304);
        assert_eq!((again.text(), again.header("etag")), (String::new(), tag));
        let other = anyone.get_with(path, "if-none-match", "\"other\"").await;
        other.is(200);
    }
    let path = "/assets/swagger-ui-5.35.0/swagger-ui-bundle.js";
    let small = anyone.get_with(path, "accept-encoding", "gzip").await;
    let small = small.is(200);
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.bytes.len() < 600_000, "{} bytes", small.bytes.len());
}

#[test]
fn the_pages_are_light() {
    let files = files();
    let own = files
        .iter()
        .filter(|(path, _)| !path.starts_with("/assets/swagger-ui-") && *path != "/openapi.json");
    let weight: usize = own.map(|(_, bytes)| bytes.len()).sum();
    assert!(weight < BUDGET, "{weight} bytes");
}
