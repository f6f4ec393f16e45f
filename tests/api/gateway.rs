//! The gateway: TLS, one origin, and what clients cannot forge; and what the program says when it starts.

use reqwest::{Method, Version};
use serde_json::json;
use std::{io::Read as _, net::TcpStream, time::Duration};
use tests::{ADMIN, Answer, PASSWORD, Product, plain};

#[tokio::test]
async fn one_origin_answers_over_tls_in_both_versions_of_http() {
    let product = Product::start().await;
    let anyone = product.anyone();
    for service in ["auth", "customers", "images"] {
        let answer = anyone.get(&format!("/health/{service}")).await.is(200);
        let health = answer.json();
        assert_eq!(answer.version, Version::HTTP_2);
        assert_eq!(
            (&health["status"], &health["service"]),
            (&json!("ok"), &json!(service))
        );
        assert!(
            health["version"].is_string() && health["revision"].is_string(),
            "{health}"
        );
    }
    let old = product.anyone_old().get("/health/auth").await.is(200);
    assert_eq!(old.version, Version::HTTP_11);
}

#[tokio::test]
async fn the_plain_port_only_leads_to_the_public_address() {
    let product = Product::start().await;
    let http = plain(false);
    for path in ["/", "/customers?limit=1", "//evil.example/x"] {
        let request = http
            .get(format!("{}{path}", product.plain))
            .header("host", "evil.example");
        let answer = Answer::of(request).await.is(307);
        assert_eq!(answer.header("location"), format!("{}{path}", product.base));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn nothing_that_a_client_says_about_its_host_or_address_comes_back() {
    let product = Product::start().await;
    let new = product.admin().await;
    let old = product.anyone_old().signed_in(ADMIN, PASSWORD).await;
    let forged = [
        "host",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-original-url",
        "x-rewrite-url",
        "x-crm-client-ip",
        "x-real-ip",
        "true-client-ip",
        "referer",
    ];
    let routes = [
        "/",
        "/me",
        "/me/sessions",
        "/users",
        "/customers",
        "/customers/",
        "/nowhere",
        "/login",
        "/token",
        "/customers/1/photo",
        "/.well-known/jwks.json",
        "/health/auth",
    ];
    for route in routes {
        for (client, version) in [(&old, Version::HTTP_11), (&new, Version::HTTP_2)] {
            let mut request = client.request(Method::GET, route);
            for name in forged {
                if name != "host" || version == Version::HTTP_11 {
                    request = request.header(name, "evil.example");
                }
            }
            let answer = Answer::of(request).await;
            let whole = format!("{:?}{}", answer.headers, answer.text());
            assert!(!whole.contains("evil"), "{route}: {whole}");
        }
    }
}

#[tokio::test]
async fn the_client_s_address_is_the_gateway_s_word_alone() {
    let product = Product::start().await;
    let credentials = json!({ "email": ADMIN, "password": PASSWORD });
    let login = product
        .anyone()
        .request(Method::POST, "/login")
        .json(&credentials);
    let login = login
        .header("x-crm-client-ip", "6.6.6.6")
        .header("x-forwarded-for", "6.6.6.6");
    let token = Answer::of(login).await.is(200).json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let sessions = product
        .anyone()
        .with_token(&token)
        .get("/me/sessions")
        .await
        .is(200)
        .json();
    assert_eq!(
        sessions["data"][0]["client_address"], "127.0.0.1",
        "{sessions}"
    );
}

#[tokio::test]
async fn every_answer_carries_its_id_and_the_headers_that_keep_browsers_safe() {
    let product = Product::start().await;
    let anyone = product.anyone();
    for path in [
        "/",
        "/health/auth",
        "/me",
        "/nowhere",
        "/.well-known/jwks.json",
    ] {
        let answer = anyone.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 32, "{path}");
        // HSTS on localhost would hijack every other server of this machine.
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traced = anyone
        .get_with(
            "/nowhere",
            "traceparent",
            &format!("00-{trace}-b7ad6b7169203331-01"),
        )
        .await;
    assert_eq!(traced.header("x-request-id"), trace);
    let traced = anyone
        .get_with(
            "/nowhere",
            "x-cloud-trace-context",
            &format!("{trace}/1;o=1"),
        )
        .await;
    assert_eq!(traced.header("x-request-id"), trace);
    let nonsense = anyone
        .get_with("/nowhere", "traceparent", "00-<script>-x-01")
        .await;
    assert!(!nonsense.header("x-request-id").contains("script"));
}

#[tokio::test]
async fn other_origins_are_served_only_when_listed() {
    let origin = "https://app.example.com";
    let env = vec![("CORS_ALLOWED_ORIGINS", origin.to_owned())];
    let product = Product::start_with(tests::Options { env }).await;
    let preflight = async |from: &str| {
        let request = product.anyone().request(Method::OPTIONS, "/customers");
        let request = request
            .header("origin", from)
            .header("access-control-request-method", "POST");
        Answer::of(request.header(
            "access-control-request-headers",
            "authorization,content-type",
        ))
        .await
    };
    let allowed = preflight(origin).await.is(200);
    assert_eq!(allowed.header("access-control-allow-origin"), origin);
    assert!(
        allowed
            .header("access-control-max-age")
            .parse::<u32>()
            .unwrap()
            > 600
    );
    assert_eq!(
        preflight("https://evil.example")
            .await
            .header("access-control-allow-origin"),
        ""
    );
    let seen = product
        .anyone()
        .get_with("/health/auth", "origin", origin)
        .await
        .is(200);
    assert_eq!(seen.header("access-control-allow-origin"), origin);

    let closed = Product::start().await;
    let answer = closed
        .anyone()
        .get_with("/health/auth", "origin", origin)
        .await
        .is(200);
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_sent_away() {
    let product = Product::start().await;
    let address = product
        .plain
        .trim_start_matches("http://")
        .replace("localhost", "127.0.0.1");
    let closed = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.read(&mut [0; 1])
    });
    assert_eq!(closed.await.unwrap().unwrap(), 0, "closed, not timed out");
}

#[tokio::test]
async fn the_start_says_what_somebody_new_needs_and_the_second_start_keeps_what_was() {
    let product = Product::all_in_one().await;
    let ca = product.data("tls/ca.pem").display().to_string();
    for wanted in [
        product.base.as_str(),
        ADMIN,
        PASSWORD,
        &ca,
        "curl --cacert",
        "Ctrl-C",
    ] {
        assert!(
            product.greeting.contains(wanted),
            "{wanted} is not in {}",
            product.greeting
        );
    }
    let token = product.admin().await.token.unwrap();
    let authority = std::fs::read(product.data("tls/ca.pem")).unwrap();
    let again = product.kill_and_restart().await;
    assert!(
        !again.greeting.contains(PASSWORD),
        "the password is shown once: {}",
        again.greeting
    );
    assert_eq!(std::fs::read(again.data("tls/ca.pem")).unwrap(), authority);
    // The token was made for the address that the first start had; its port is another now.
    again
        .anyone()
        .with_token(&token)
        .get("/me")
        .await
        .problem(401, "unauthenticated");
    again.admin().await.get("/me").await.is(200);
}
