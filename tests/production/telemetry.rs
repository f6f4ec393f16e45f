//! What operators see: logs, traces and metrics, and what they must never see.

use opentelemetry_proto::tonic::{
    metrics::v1::metric::Data,
    trace::v1::{span::SpanKind, status::StatusCode},
};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{ADMIN, Answer, Collector, Options, PASSWORD, Product, collector::attribute, photo};

async fn product(collector: &Collector) -> Product {
    let env = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.clone()),
        ("GOOGLE_PROJECT", "my-shop-123456".to_owned()),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "cloud.region=europe-west1".to_owned(),
        ),
    ];
    Product::services(1, Options { env }).await
}

/// The log of one service: its lines, each of which is JSON.
fn lines(product: &mut Product, service: usize) -> Vec<Value> {
    let log = product.service(service).log();
    let json =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    log.lines().map(json).collect()
}

#[tokio::test]
async fn a_request_is_one_log_line_and_one_span_of_the_caller_s_trace() {
    let collector = Collector::start().await;
    let mut product = product(&collector).await;
    let admin = product.admin().await;
    let (trace, caller) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let request = admin
        .request(Method::GET, "/customers/7?deleted=include")
        .header("traceparent", format!("00-{trace}-{caller}-01"));
    let answer = Answer::of(request).await.is(404);
    assert_eq!(answer.header("x-request-id"), trace);
    assert!(
        product.stop().await,
        "what was not sent yet is sent at the end"
    );

    let spans = collector.spans();
    let of_trace: Vec<_> = spans
        .iter()
        .filter(|(_, span)| hex(&span.trace_id) == trace && span.kind() == SpanKind::Server)
        .collect();
    let [(process, span)] = &of_trace[..] else {
        panic!("{of_trace:?}");
    };
    assert_eq!(span.name, "GET /customers/{id}");
    assert_eq!(hex(&span.parent_span_id), caller);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/customers/{id}"),
        ("http.response.status_code", "404"),
        ("url.scheme", "https"),
    ] {
        assert_eq!(attribute(&span.attributes, name), value, "{name}");
    }
    for (name, value) in [
        ("service.name", "customers"),
        ("service.namespace", "crm"),
        ("gcp.project_id", "my-shop-123456"),
        ("cloud.region", "europe-west1"),
    ] {
        assert_eq!(attribute(&process.attributes, name), value, "{name}");
    }
    let database = spans.iter().any(|(_, child)| {
        child.parent_span_id == span.span_id
            && attribute(&child.attributes, "db.system.name") == "mysql"
    });
    assert!(database, "the database's part of it is told");

    let lines = lines(&mut product, 1);
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line["requestId"] == trace)
        .collect();
    let [line] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(line["severity"], "INFO");
    assert_eq!(
        line["logging.googleapis.com/trace"],
        format!("projects/my-shop-123456/traces/{trace}")
    );
    assert_eq!(line["logging.googleapis.com/spanId"], hex(&span.span_id));
    assert_eq!(line["logging.googleapis.com/trace_sampled"], true);
    let request = &line["httpRequest"];
    assert_eq!(request["requestMethod"], "GET");
    assert_eq!(request["requestUrl"], "/customers/{id}");
    assert_eq!(request["status"], 404);
    assert_eq!(request["requestSize"], 0);
    assert_eq!(request["responseSize"], answer.bytes.len());
    let latency = request["latency"].as_str().unwrap();
    assert!(latency.strip_suffix('s').unwrap().parse::<f64>().unwrap() > 0.0);
}

#[tokio::test]
async fn every_request_is_one_line_also_when_nothing_is_exported() {
    let mut product = Product::services(1, Options::default()).await;
    let admin = product.admin().await;
    let mut asked = Vec::new();
    for path in [
        "/customers",
        "/health/customers",
        "/customers/7",
        "/customers/x",
    ] {
        for _ in 0..5 {
            asked.push(admin.get(path).await.header("x-request-id"));
        }
    }
    assert!(product.stop().await);
    let lines = lines(&mut product, 1);
    for id in asked {
        let told = lines.iter().filter(|line| line["requestId"] == id);
        assert_eq!(told.count(), 1, "{id}");
    }
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_no_stop() {
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", hanging.local_addr().unwrap());
    let env = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
    let mut product = Product::services(1, Options { env }).await;
    product.admin().await.get("/customers").await.is(200);
    for service in 0..3 {
        let told = std::time::Instant::now();
        assert!(product.service(service).stop().await);
        // Without a request under way: the second for the last words, and what a loaded machine takes.
        assert!(
            told.elapsed() < std::time::Duration::from_millis(2_200),
            "{:?}",
            told.elapsed()
        );
    }
}

#[tokio::test]
async fn a_trace_that_nobody_began_is_the_request_s_own() {
    let collector = Collector::start().await;
    let mut product = product(&collector).await;
    let answer = product.anyone().get("/me").await;
    let id = answer.header("x-request-id");
    assert!(product.stop().await);
    let spans = collector.spans();
    let (_, span) = spans
        .iter()
        .find(|(_, span)| hex(&span.trace_id) == id)
        .expect("the trace has the request's id");
    assert_eq!(span.name, "GET /me");
    let mut without = collector.spans();
    without.retain(|(_, span)| {
        span.status
            .as_ref()
            .is_some_and(|status| status.code() == StatusCode::Error)
    });
    assert!(
        without.is_empty(),
        "a refusal is no failure of the server: {without:?}"
    );
}

#[tokio::test]
async fn a_server_and_its_pool_are_measured_as_is_usual() {
    let collector = Collector::start().await;
    let mut product = product(&collector).await;
    let admin = product.admin().await;
    admin.get("/customers").await.is(200);
    for method in ["BREW", "WHEN"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Answer::of(admin.request(method, "/customers"))
            .await
            .problem(405, "method_not_allowed");
    }
    assert!(product.stop().await);
    let metrics = collector.metrics();
    for (name, unit) in [
        ("http.server.request.duration", "s"),
        ("http.server.request.body.size", "By"),
        ("http.server.response.body.size", "By"),
        ("http.server.active_requests", "{request}"),
        ("db.client.connection.count", "{connection}"),
        ("db.client.connection.max", "{connection}"),
    ] {
        let found = metrics.iter().find(|metric| metric.name == name);
        assert_eq!(found.expect(name).unit, unit);
    }
    let methods: std::collections::BTreeSet<_> = metrics
        .iter()
        .filter_map(|metric| match &metric.data {
            Some(Data::Histogram(histogram)) => Some(&histogram.data_points),
            _ => None,
        })
        .flatten()
        .map(|point| attribute(&point.attributes, "http.request.method"))
        .collect();
    assert!(
        methods.contains("GET") && methods.contains("_OTHER"),
        "{methods:?}"
    );
    assert!(
        !methods.contains("BREW"),
        "a stranger's word is no series: {methods:?}"
    );
}

#[tokio::test]
async fn nothing_personal_or_secret_is_logged_or_sent() {
    let collector = Collector::start().await;
    let mut product = product(&collector).await;
    let admin = product.admin().await;
    let signed_in =
        json!({ "email": "Canary.Login@example.com", "password": "canary wrong password" });
    product.anyone().post("/login", signed_in).await.is(401);
    let new = json!({
        "email": "canary.staff@example.com", "name": "Canary Staff", "password": "canary right password"
    });
    admin.post("/users", new).await.is(201);
    let tokens =
        json!({ "email": "canary.staff@example.com", "password": "canary right password" });
    let tokens = product.anyone().post("/login", tokens).await.is(200).json();
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let next = product
        .anyone()
        .post("/token", refresh)
        .await
        .is(200)
        .json();
    let customer = json!({
        "email": "canary.customer@example.com", "name": "Canaryname", "surname": "Canarysurname",
        "phone": "+49 canary", "notes": "canary notes"
    });
    let customer_at = admin
        .post("/customers", customer.clone())
        .await
        .is(201)
        .header("location");
    let id = customer_at.rsplit('/').next().unwrap().to_owned();
    admin.post("/customers", customer).await.is(409);
    admin
        .patch(
            &format!("/customers/{id}"),
            json!({ "surname": "Canaryother" }),
        )
        .await
        .is(200);
    let upload = admin.request(Method::PUT, &format!("/customers/{id}/photo"));
    let shown = Answer::of(upload.body(photo::png(30, 30)))
        .await
        .is(200)
        .json();
    let address = shown["small"].as_str().unwrap().to_owned();
    let signature = address.split("Signature=").nth(1).unwrap().to_owned();
    let path = address.split_once("/images/").unwrap().1;
    product
        .anyone()
        .get(&format!("/images/{path}"))
        .await
        .is(200);
    product
        .anyone()
        .get(&format!("/images/{path}x"))
        .await
        .is(403);
    for strange in [
        "/customers/canary.customer@example.com",
        "/customers?q=canary.customer@example.com",
        "/login/google/callback?code=canarycode&state=canarystate&error_description=canaryerror",
        "/canary/path",
    ] {
        let request = admin
            .request(Method::GET, strange)
            .header("user-agent", "canaryagent")
            .header("cookie", "__Host-refresh=canarycookie")
            .header("x-forwarded-for", "203.0.113.77");
        Answer::of(request).await;
    }
    assert!(product.stop().await);

    let told: String = (0..3)
        .map(|service| product.service(service).log())
        .collect();
    let told = told + &product.front().log() + &collector.text();
    assert!(
        told.contains("GET /customers/{id}"),
        "it is told what is asked for"
    );
    let secrets = [
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
        next["access_token"].as_str().unwrap(),
        next["refresh_token"].as_str().unwrap(),
        &signature,
        PASSWORD,
        ADMIN,
        "203.0.113.77",
        "127.0.0.1",
    ];
    for secret in secrets {
        let at = told.find(secret);
        assert!(at.is_none(), "{secret} is in {}", around(&told, at));
    }
    let told = told.to_lowercase();
    let at = told.find("canary");
    assert!(at.is_none(), "{}", around(&told, at));
    for key in [
        "SIGNING_KEYS",
        "REFRESH_KEY",
        "IMAGE_URL_KEYS",
        "PRIVACY_KEY",
    ] {
        let key = product.key(key);
        let secret = key
            .rsplit(['"', ':'])
            .find(|part| part.len() > 20)
            .unwrap_or(&key);
        assert!(!told.contains(&secret.to_lowercase()), "a key is told");
    }
}

fn around(text: &str, at: Option<usize>) -> String {
    let text: Vec<_> = text.char_indices().collect();
    let at = at.unwrap_or(0);
    let near = |&&(index, _): &&(usize, char)| index + 200 > at && index < at + 100;
    text.iter().filter(near).map(|(_, c)| c).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
