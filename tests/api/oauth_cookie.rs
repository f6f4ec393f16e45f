//! Attacks on the cookies of a sign-in, and on what the refresh cookie can be made to do.

use crate::oauth::{VERIFIED, me, refused};
use crate::tokens::part;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use tests::{Answer, SignIn, Visitor};

const REFRESH: &str = "__Host-refresh";
const PATH: &str = "/login/google?return_to=/welcome";

async fn start() -> SignIn {
    let rig = SignIn::start_with([("RETURN_TO", "/welcome".to_owned())]).await;
    rig.register(VERIFIED).await;
    rig
}

/// Somebody who has signed in with a browser.
async fn browser(rig: &SignIn) -> Visitor {
    let mut visitor = rig.visitor();
    visitor.sign_in(PATH).await.is(303);
    visitor
}

/// Every cookie that an answer sets, whole.
fn set(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect()
}

/// A cookie's attributes.
fn attributes(cookie: &str) -> BTreeSet<&str> {
    cookie.split("; ").skip(1).collect()
}

/// Asks for tokens with the cookie, and this beside.
async fn token(visitor: &Visitor, method: Method, headers: &[(&str, &str)]) -> Answer {
    let mut request = visitor.request(method, "/token");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn c1_cookies_have_exactly_the_attributes_that_they_need() {
    let rig = start().await;
    let mut visitor = rig.visitor();
    for path in ["/login/google", "/login/facebook", PATH] {
        let flow = visitor.begin(path).await;
        assert!(flow.name().starts_with("__Host-"), "{}", flow.set_cookie);
        let expected = [
            "HttpOnly",
            "Max-Age=600",
            "Path=/",
            "SameSite=Lax",
            "Secure",
        ];
        assert_eq!(attributes(&flow.set_cookie), BTreeSet::from(expected));
        for told in ["google", "facebook", "/welcome", rig.product.base.as_str()] {
            assert!(
                !flow.set_cookie.contains(told),
                "it is sealed: {}",
                flow.set_cookie
            );
        }
    }
    let done = visitor.sign_in(PATH).await.is(303);
    let cookies = set(&done);
    let (refresh, cleared): (Vec<_>, Vec<_>) = cookies
        .iter()
        .partition(|cookie| cookie.starts_with(REFRESH));
    let lasts = 30 * 24 * 60 * 60;
    let lasts = format!("Max-Age={lasts}");
    let expected = ["HttpOnly", &lasts, "Path=/", "SameSite=Strict", "Secure"];
    assert_eq!(refresh.len(), 1);
    assert_eq!(attributes(refresh[0]), BTreeSet::from(expected));
    let expected = ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(cleared.len(), 1);
    assert_eq!(attributes(cleared[0]), BTreeSet::from(expected));
    // Who does not ask to come back gets tokens in the body, and no refresh cookie.
    let done = visitor.sign_in("/login/google").await.is(200);
    assert!(set(&done).iter().all(|cookie| !cookie.starts_with(REFRESH)));
}

#[tokio::test]
async fn c2_a_cookie_without_its_prefix_is_not_looked_at() {
    let rig = start().await;
    let mut visitor = rig.visitor();
    let flow = visitor.begin("/login/google").await;
    let back = flow.agree().await;
    let own = visitor.cookies[flow.name()].clone();
    // What a sibling domain or plain HTTP could set: a browser refuses the prefix to them, and only the prefix.
    let bare = flow.name().trim_start_matches("__Host-");
    for name in [
        bare.to_owned(),
        format!("__Secure-{bare}"),
        format!("__host-{bare}"),
        format!("__HOST-{bare}"),
        format!("{}x", flow.name()),
    ] {
        let mut planted = rig.visitor();
        planted.cookies.insert(name, own.clone());
        refused(&rig, planted.get(&back), 400, "invalid_state").await;
    }
    let refresh = browser(&rig).await.cookies[REFRESH].clone();
    for name in [
        "refresh",
        "__Secure-refresh",
        "__host-refresh",
        "__Host-Refresh",
    ] {
        let mut planted = rig.visitor();
        planted.cookies.insert(name.to_owned(), refresh.clone());
        let same = [("sec-fetch-site", "same-origin")];
        let answer = token(&planted, Method::POST, &same).await;
        assert!(answer.status.is_client_error(), "{name}: {}", answer.text());
    }
    visitor.get(&back).await.is(200);
}

#[tokio::test]
async fn c3_no_link_or_image_gets_a_token() {
    let rig = start().await;
    let visitor = browser(&rig).await;
    let same = [("sec-fetch-site", "same-origin")];
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        token(&visitor, method, &same).await.is(405);
    }
    // Nor does a header that pretends to be another method.
    let pretends = [
        ("x-http-method-override", "POST"),
        ("x-method-override", "POST"),
        ("sec-fetch-site", "same-origin"),
    ];
    token(&visitor, Method::GET, &pretends).await.is(405);
    token(&visitor, Method::POST, &same).await.is(200);
}

#[tokio::test]
async fn c4_another_site_s_page_gets_no_token() {
    let rig = start().await;
    let visitor = browser(&rig).await;
    for site in [
        "cross-site",
        "same-site",
        "none",
        "SAME-ORIGIN",
        "same-origin, same-origin",
    ] {
        let answer = token(&visitor, Method::POST, &[("sec-fetch-site", site)]).await;
        answer.problem(403, "forbidden");
    }
    // A form's post, which no preflight stops.
    let form = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "https://evil.example"),
    ];
    let answer = token(&visitor, Method::POST, &form).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    token(&visitor, Method::POST, &[("sec-fetch-site", "same-origin")])
        .await
        .is(200);
}

#[tokio::test]
async fn c5_whoever_does_not_say_where_they_are_gets_no_token() {
    let rig = start().await;
    let visitor = browser(&rig).await;
    let base = rig.product.base.clone();
    for headers in [&[][..], &[("referer", base.as_str())], &[("origin", "")]] {
        let answer = token(&visitor, Method::POST, headers).await;
        answer.problem(403, "forbidden");
    }
    // An old browser says its origin alone.
    token(&visitor, Method::POST, &[("origin", base.as_str())])
        .await
        .is(200);
}

#[tokio::test]
async fn c6_an_origin_that_is_null_or_only_alike_gets_no_token() {
    let rig = start().await;
    let visitor = browser(&rig).await;
    let base = rig.product.base.clone();
    let alike = [
        "null".to_owned(),
        "https://localhost".to_owned(),
        base.replace("https:", "http:"),
        format!("{base}.evil.example"),
        format!("{base}/"),
        format!("{base}@evil.example"),
        base.replace("localhost", "sub.localhost"),
        base.to_uppercase(),
        rig.google.server.base.clone(),
    ];
    for origin in &alike {
        let answer = token(&visitor, Method::POST, &[("origin", origin)]).await;
        answer.problem(403, "forbidden");
    }
    token(&visitor, Method::POST, &[("origin", &base)])
        .await
        .is(200);
}

#[tokio::test]
async fn c7_a_sign_in_begins_a_session_of_its_own() {
    let rig = start().await;
    let admin = rig.product.admin().await;
    // A refresh cookie that was planted, and another person's flow around it: nothing of them is taken over.
    let planted = admin.refresh.clone().unwrap();
    let mut visitor = rig.visitor();
    visitor.cookies.insert(REFRESH.to_owned(), planted.clone());
    visitor.sign_in(PATH).await.is(303);
    let own = visitor.cookies[REFRESH].clone();
    assert_ne!(own, planted);
    let same = [("sec-fetch-site", "same-origin")];
    let tokens = token(&visitor, Method::POST, &same).await.is(200).json();
    assert_eq!(me(&rig, &tokens).await["email"], VERIFIED);
    let sid = |token: &str| part(token, 1)["sid"].clone();
    let first = sid(tokens["access_token"].as_str().unwrap());
    assert_ne!(first, sid(admin.token.as_deref().unwrap()));
    // Each further sign-in is a session of its own too, also with a token of the old one.
    visitor.client = visitor
        .client
        .with_token(tokens["access_token"].as_str().unwrap());
    let again = visitor.sign_in("/login/google").await.is(200).json();
    assert_ne!(sid(again["access_token"].as_str().unwrap()), first);
    admin.get("/me").await.is(200);
}

#[tokio::test]
async fn c8_signing_out_ends_the_session_and_takes_the_cookie_away() {
    let rig = start().await;
    let mut visitor = browser(&rig).await;
    let same = [("sec-fetch-site", "same-origin")];
    let tokens = token(&visitor, Method::POST, &same).await.is(200);
    let next = set(&tokens)[0].clone();
    let next = next
        .split(';')
        .next()
        .unwrap()
        .split_once('=')
        .unwrap()
        .1
        .to_owned();
    visitor.cookies.insert(REFRESH.to_owned(), next.clone());
    let access = tokens.json()["access_token"].as_str().unwrap().to_owned();
    visitor.client = visitor.client.with_token(&access);
    let request = visitor.request(Method::POST, "/logout");
    let out = visitor.send(request).await.is(204);
    let cleared = set(&out);
    assert_eq!(cleared.len(), 1);
    let expected = [
        "HttpOnly",
        "Max-Age=0",
        "Path=/",
        "SameSite=Strict",
        "Secure",
    ];
    assert_eq!(attributes(&cleared[0]), BTreeSet::from(expected));
    assert!(!visitor.cookies.contains_key(REFRESH));
    visitor.cookies.insert(REFRESH.to_owned(), next);
    let answer = token(&visitor, Method::POST, &same).await;
    answer.problem(401, "invalid_refresh_token");
    let me = rig.product.anyone().with_token(&access);
    me.get("/me").await.problem(401, "unauthenticated");
    // Signing in again is a fresh start.
    visitor = browser(&rig).await;
    let tokens = token(&visitor, Method::POST, &same).await.is(200).json();
    assert!(tokens["access_token"] != json!(access));
}
