//! What the sign-in page stands on: which providers there are, and a refresh token that no script sees.

use reqwest::Method;
use serde_json::json;
use tests::{ADMIN, Answer, Client, PASSWORD, Product, SignIn};

/// Signs in as a page does, from where a browser says.
async fn by_page(client: &Client, password: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "email": ADMIN, "password": password, "refresh_in": "cookie" });
    let mut request = client.request(Method::POST, "/login").json(&body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn a_page_signs_in_without_seeing_the_refresh_token() {
    let product = Product::start().await;
    let anyone = product.anyone();
    let same = [("sec-fetch-site", "same-origin")];
    let tokens = by_page(&anyone, PASSWORD, &same).await.is(200);
    let body = tokens.json();
    assert_eq!(body.get("refresh_token"), None, "{body}");
    assert_eq!(tokens.header("cache-control"), "no-store");
    let cookie = tokens.header("set-cookie");
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let me = anyone.with_token(body["access_token"].as_str().unwrap());
    assert_eq!(me.get("/me").await.is(200).json()["email"], ADMIN);

    let pair = cookie.split(';').next().unwrap();
    assert!(pair.starts_with("__Host-refresh="), "{cookie}");
    let next = product.anyone().request(Method::POST, "/token");
    let next = next.header("cookie", pair).header(same[0].0, same[0].1);
    let next = Answer::of(next).await.is(200);
    assert!(next.header("set-cookie").starts_with("__Host-refresh="));
}

#[tokio::test]
async fn only_our_own_pages_sign_a_browser_in() {
    let product = Product::start().await;
    let anyone = product.anyone();
    for elsewhere in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", &product.base.clone()),
        ],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        let refused = by_page(&anyone, PASSWORD, elsewhere).await;
        assert_eq!(refused.header("set-cookie"), "", "{elsewhere:?}");
        refused.problem(403, "forbidden");
    }
    let same = [("sec-fetch-site", "same-origin")];
    let wrong = by_page(&anyone, "wrong", &same).await;
    assert_eq!(wrong.header("set-cookie"), "");
    wrong.problem(401, "invalid_credentials");
    let odd = json!({ "email": ADMIN, "password": PASSWORD, "refresh_in": "header" });
    let odd = anyone.post("/login", odd).await;
    odd.invalid(&[("refresh_in", "unknown_value")]);
    let body = json!({ "email": ADMIN, "password": PASSWORD, "refresh_in": "body" });
    let tokens = anyone.post("/login", body).await.is(200);
    assert!(tokens.json()["refresh_token"].is_string());
    let cookies = tokens.headers.get_all("set-cookie").iter();
    let named: Vec<_> = cookies
        .map(|cookie| cookie.to_str().unwrap().starts_with("__Host-device-"))
        .collect();
    assert_eq!(named, [true]);
}

#[tokio::test]
async fn a_page_learns_which_providers_there_are() {
    let none = Product::start().await;
    let answer = none.anyone().get("/login").await.is(200);
    assert_eq!(answer.json(), json!({ "providers": [] }));
    let rig = SignIn::start().await;
    let answer = rig.product.anyone().get("/login").await.is(200);
    assert_eq!(
        answer.json(),
        json!({ "providers": ["google", "facebook"] })
    );
}
