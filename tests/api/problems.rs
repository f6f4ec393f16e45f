//! The contract's common rules: every error is a problem, and no input gives a 500.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{ADMIN, Answer, PASSWORD, Product};

#[tokio::test]
async fn what_is_not_there_or_not_known_is_a_problem() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for path in [
        "/nowhere",
        "/customers/1/nowhere",
        "/images",
        "/me/nowhere",
        "/users/1/2",
        "/healthz",
    ] {
        admin.get(path).await.problem(404, "not_found");
    }
    for (method, path, allowed) in [
        (Method::GET, "/logout", "POST"),
        (Method::PUT, "/login", "GET,HEAD,POST"),
        (Method::DELETE, "/customers", "GET,HEAD,POST"),
        (Method::POST, "/me", "GET,HEAD"),
        (Method::TRACE, "/customers/1", "GET,HEAD,PUT,PATCH,DELETE"),
    ] {
        let answer = Answer::of(admin.request(method, path)).await;
        let mut named: Vec<_> = answer
            .header("allow")
            .split(',')
            .map(str::to_owned)
            .collect();
        let mut wanted: Vec<_> = allowed.split(',').map(str::to_owned).collect();
        named.sort();
        wanted.sort();
        assert_eq!(named, wanted, "{path}");
        answer.problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told_apart() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = admin
            .request(Method::POST, "/customers")
            .header("content-type", content_type);
        Answer::of(request.body(body)).await
    };
    for body in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{\"name\": }",
        "{\"a\":1}{}",
        "\u{feff}{}",
    ] {
        send("application/json", body.into())
            .await
            .problem(400, "malformed_body");
    }
    send("application/json", vec![0xff, 0xfe])
        .await
        .problem(400, "malformed_body");
    send("application/json", "[".repeat(50_000).into_bytes())
        .await
        .problem(400, "malformed_body");
    send("application/json", vec![b' '; 70_000])
        .await
        .problem(413, "too_large");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "json",
    ] {
        send(content_type, b"{}".to_vec())
            .await
            .problem(415, "unsupported_media_type");
    }
    let bare = Answer::of(admin.request(Method::POST, "/customers").body("{}")).await;
    bare.problem(415, "unsupported_media_type");
    let required = [
        ("email", "required"),
        ("name", "required"),
        ("surname", "required"),
    ];
    send("application/json; charset=utf-8", b"{}".to_vec())
        .await
        .invalid(&required);
    send("application/vnd.crm+json", b"{}".to_vec())
        .await
        .invalid(&required);
}

#[tokio::test]
async fn no_token_no_answer() {
    let product = Product::start().await;
    let anyone = product.anyone();
    for (method, path) in [
        (Method::GET, "/me"),
        (Method::PUT, "/me/password"),
        (Method::GET, "/me/sessions"),
        (
            Method::DELETE,
            "/me/sessions/00000000000000000000000000000000",
        ),
        (Method::POST, "/logout"),
        (Method::GET, "/users"),
        (Method::POST, "/users"),
        (Method::GET, "/users/1"),
        (Method::PATCH, "/users/1"),
        (Method::DELETE, "/users/1"),
        (Method::GET, "/customers"),
        (Method::POST, "/customers"),
        (Method::GET, "/customers/1"),
        (Method::PUT, "/customers/1"),
        (Method::PATCH, "/customers/1"),
        (Method::DELETE, "/customers/1"),
        (Method::POST, "/customers/1/restore"),
        (Method::GET, "/customers/1/history"),
        (Method::GET, "/customers/1/photo"),
        (Method::PUT, "/customers/1/photo"),
        (Method::DELETE, "/customers/1/photo"),
    ] {
        let answer = Answer::of(anyone.request(method, path)).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{path}");
        answer.problem(401, "unauthenticated");
    }
}

/// Every route with every odd value in every place: whatever the answer is, it is not our failure.
#[tokio::test]
async fn no_input_gives_a_500() {
    let product = Product::start().await;
    // HTTP/1.1, where an answer to a body that is not read to its end can get lost.
    let admin = product.anyone_old().signed_in(ADMIN, PASSWORD).await;
    admin.customer("ada@example.com").await;
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!([]),
        json!({ "a": [1] }),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\u{202e}"),
        json!("'; DROP TABLE users; --"),
        json!("%00%ff"),
        json!("a".repeat(60_000)),
        json!("\u{1f469}\u{200d}\u{1f4bb}".repeat(400)),
        json!("a@b@c"),
        json!("\u{fffd}@\u{fffd}.com"),
    ];
    let fields = [
        "email",
        "name",
        "surname",
        "phone",
        "notes",
        "password",
        "role",
        "status",
        "refresh_token",
        "current_password",
        "new_password",
    ];
    let bodies = values.iter().flat_map(|value| {
        let all: Value = fields.iter().map(|field| ((*field).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>().into();
        let valid = json!({ "email": "x@example.com", "name": value, "surname": "x", "phone": value, "notes": value });
        [all, valid, value.clone()]
    });
    for body in bodies {
        for (method, path) in [
            (Method::POST, "/login"),
            (Method::POST, "/token"),
            (Method::PUT, "/me/password"),
            (Method::POST, "/users"),
            (Method::PATCH, "/users/1"),
            (Method::POST, "/customers"),
            (Method::PUT, "/customers/1"),
            (Method::PATCH, "/customers/1"),
        ] {
            let answer = Answer::of(admin.request(method.clone(), path).json(&body)).await;
            assert!(
                answer.status.as_u16() < 500,
                "{method} {path} {body}: {}",
                answer.text()
            );
        }
    }
    let odd = [
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "1e3",
        "%00",
        "%ff",
        "..",
        "%2e%2e%2f",
        "'",
        "a".repeat(4_000).as_str(),
        "\u{738b}",
    ]
    .map(str::to_owned);
    for value in odd {
        for path in [
            format!("/customers/{value}"),
            format!("/customers/{value}/history"),
            format!("/customers/{value}/photo"),
            format!("/users/{value}"),
            format!("/images/{value}/small"),
            format!("/images/{value}/{value}?Expires={value}"),
            format!("/customers?limit={value}"),
            format!("/customers?cursor={value}"),
            format!("/customers?sort={value}"),
            format!("/customers?{value}={value}"),
            format!("/users?cursor={value}&limit={value}"),
            format!("/customers/1/history?cursor={value}"),
            format!("/{value}"),
            format!("/login/{value}"),
        ] {
            let answer = admin.get(&path).await;
            assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text());
        }
        for name in [
            "if-match",
            "if-none-match",
            "authorization",
            "cookie",
            "content-type",
            "traceparent",
            "accept",
            "range",
        ] {
            let Ok(header) = reqwest::header::HeaderValue::from_bytes(value.as_bytes()) else {
                continue;
            };
            let request = admin
                .request(Method::PATCH, "/customers/1")
                .json(&json!({}))
                .header(name, header);
            let answer = Answer::of(request).await;
            assert!(
                answer.status.as_u16() < 500,
                "{name}: {value}: {}",
                answer.text()
            );
        }
    }
}
