//! Signing in through Google and Facebook as people do it; and what all tests of it share.

use crate::tokens::part;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{ADMIN, Answer, SignIn, Visitor, provider::CLIENT_ID};

/// Who agrees at Google's stand-in, if a test does not say: verified there, and still to be registered here.
pub(crate) const VERIFIED: &str = "ada@example.com";

/// Asserts that an answer refuses, and that nobody is signed in or linked by it: no token, cookie, session or identity.
pub(crate) async fn refused(
    rig: &SignIn,
    answer: impl Future<Output = Answer>,
    status: u16,
    code: &str,
) -> Answer {
    let before = (rig.sessions().await, rig.identities().await);
    let answer = answer.await;
    answer.clone().problem(status, code);
    let cookies = format!("{:?}", answer.headers.get_all("set-cookie"));
    assert!(!cookies.contains("__Host-refresh"), "{cookies}");
    assert_eq!((rig.sessions().await, rig.identities().await), before);
    answer
}

/// The person whom tokens are for.
pub(crate) async fn me(rig: &SignIn, tokens: &Value) -> Value {
    let token = tokens["access_token"].as_str().unwrap();
    let client = rig.product.anyone().with_token(token);
    client.get("/me").await.is(200).json()
}

#[tokio::test]
async fn a_person_signs_in_with_google() {
    let rig = SignIn::start().await;
    let ada = rig.register(VERIFIED).await;
    assert_eq!(ada["providers"], json!([]));
    let mut visitor = rig.visitor();
    let begun = visitor.get("/login/google").await.is(200);
    assert_eq!(begun.header("content-type"), "application/json");
    assert_eq!(begun.header("cache-control"), "no-store");
    let flow = rig.visitor().begin("/login/google").await;
    let (endpoint, query) = flow.uri.split_once('?').unwrap();
    assert_eq!(endpoint, format!("{}/authorize", rig.google.server.base));
    let names: BTreeSet<_> = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap())
        .collect();
    let expected = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    assert_eq!(flow.sent("client_id").as_deref(), Some(CLIENT_ID));
    assert_eq!(flow.sent("scope").as_deref(), Some("openid email"));

    let done = visitor.sign_in("/login/google").await.is(200);
    assert_eq!(done.header("content-type"), "application/json");
    assert_eq!(done.header("cache-control"), "no-store");
    assert_eq!(done.header("referrer-policy"), "no-referrer");
    let tokens = done.json();
    let members: Vec<_> = tokens.as_object().unwrap().keys().collect();
    let expected = [
        "access_token",
        "expires_in",
        "refresh_expires_in",
        "refresh_token",
        "token_type",
    ];
    assert_eq!(members, expected);
    let claims = part(tokens["access_token"].as_str().unwrap(), 1);
    assert_eq!(
        (&claims["sub"], &claims["role"]),
        (&json!("2"), &json!("user"))
    );
    let ada = me(&rig, &tokens).await;
    assert_eq!(
        (&ada["email"], &ada["providers"]),
        (&json!(VERIFIED), &json!(["google"]))
    );
    assert!(ada["last_login_at"].is_string(), "{ada}");
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    rig.product.anyone().post("/token", body).await.is(200);
    // Everybody who is not Ada stays as they were.
    let admin = rig.product.admin().await.get("/me").await.json();
    assert_eq!(admin["providers"], json!([]));
}

#[tokio::test]
async fn a_person_signs_in_with_facebook_once_it_is_linked() {
    let rig = SignIn::start().await;
    let bo = rig.user(VERIFIED).await;
    // Facebook's word on an address is no proof, whatever the address is.
    for person in [
        json!({ "id": "77", "email": VERIFIED, "name": "Ada" }),
        json!({ "id": "77", "email": VERIFIED, "email_verified": true, "verified": true }),
        json!({ "id": "77", "name": "Ada" }),
    ] {
        rig.facebook.person(person);
        let mut visitor = rig.visitor();
        refused(
            &rig,
            visitor.sign_in("/login/facebook"),
            403,
            "not_registered",
        )
        .await;
    }
    let mut visitor = rig.visitor();
    visitor.client = bo;
    visitor.begin_link("facebook").await;
    let back = visitor.begin_link("facebook").await.agree().await;
    let linked = visitor.get(&back).await;
    assert!(linked.status.is_success(), "{}", linked.text());
    rig.facebook
        .person(json!({ "id": "77", "name": "Ada Byron", "email": "new@example.com" }));
    let tokens = rig
        .visitor()
        .sign_in("/login/facebook")
        .await
        .is(200)
        .json();
    let ada = me(&rig, &tokens).await;
    assert_eq!(
        (&ada["email"], &ada["providers"]),
        (&json!(VERIFIED), &json!(["facebook"]))
    );
    let asked = rig.facebook.server.asked("/v99.0/me");
    assert!(
        asked
            .iter()
            .all(|asked| asked.get("appsecret_proof").is_some())
    );
}

#[tokio::test]
async fn a_browser_is_sent_there_and_a_program_is_told_where() {
    let rig = SignIn::start().await;
    let accepts = [
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
            303,
        ),
        ("text/html", 303),
        ("application/json;q=0.5, text/html", 303),
        ("TEXT/HTML", 303),
        ("application/json", 200),
        ("*/*", 200),
        ("", 200),
        ("application/json, text/plain, */*", 200),
        ("application/json, text/html;q=0.9", 200),
        ("text/html;q=0", 200),
    ];
    for (accept, status) in accepts {
        for provider in ["google", "facebook"] {
            let visitor = rig.visitor();
            let request = visitor.request(Method::GET, &format!("/login/{provider}"));
            let answer = Answer::of(request.header("accept", accept)).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{accept}: {}",
                answer.text()
            );
            assert!(
                answer.header("set-cookie").starts_with("__Host-"),
                "{accept}"
            );
            assert_eq!(answer.header("cache-control"), "no-store");
            let uri = match status {
                303 => answer.header("location"),
                _ => answer.json()["uri"].as_str().unwrap().to_owned(),
            };
            let expected = format!("{}/login/{provider}/callback", rig.product.base);
            assert_eq!(
                tests::visitor::parameter(&uri, "redirect_uri"),
                Some(expected)
            );
        }
    }
}

#[tokio::test]
async fn a_browser_comes_back_to_a_page_with_its_refresh_cookie_alone() {
    let rig = SignIn::start_with([("RETURN_TO", "/welcome, /".to_owned())]).await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    let done = visitor
        .sign_in("/login/google?return_to=/welcome")
        .await
        .is(303);
    let location = done.header("location");
    assert_eq!(location.trim_end_matches('#'), "/welcome");
    assert_eq!(done.header("cache-control"), "no-store");
    assert_eq!(done.header("referrer-policy"), "no-referrer");
    let refresh = visitor.cookies["__Host-refresh"].clone();
    for secret in ["access_token", &refresh, "eyJ"] {
        assert!(!done.text().contains(secret) && !location.contains(secret));
    }
    let request = visitor
        .request(Method::POST, "/token")
        .header("sec-fetch-site", "same-origin");
    let tokens = visitor.send(request).await.is(200).json();
    assert_eq!(me(&rig, &tokens).await["email"], VERIFIED);
    assert!(tokens.get("refresh_token").is_none());
    assert_ne!(visitor.cookies["__Host-refresh"], refresh, "it rotates");
}

#[tokio::test]
async fn a_browser_that_is_refused_comes_back_with_the_reason_and_without_a_cookie() {
    let rig = SignIn::start_with([("RETURN_TO", "/welcome".to_owned())]).await;
    rig.user("bo@example.com").await;
    rig.register(VERIFIED).await;
    let path = "/login/google?return_to=/welcome";
    let before = rig.sessions().await;
    let back = async |mut visitor: Visitor, address: &str, code: &str| {
        let answer = visitor.get(address).await.is(303);
        let location = answer.header("location");
        let expected = format!("/welcome?error={code}");
        assert_eq!(location.trim_end_matches('#'), expected);
        assert!(visitor.cookies.is_empty(), "{:?}", visitor.cookies);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    };
    rig.google.somebody("1", "stranger@example.com");
    let mut visitor = rig.visitor();
    let address = visitor.begin(path).await.agree().await;
    back(visitor, &address, "not_registered").await;
    rig.google.person(json!({ "sub": "1", "email": VERIFIED }));
    let mut visitor = rig.visitor();
    let address = visitor.begin(path).await.agree().await;
    back(visitor, &address, "email_not_verified").await;
    let mut visitor = rig.visitor();
    let state = visitor.begin(path).await.sent("state").unwrap();
    let denied = format!("/login/google/callback?state={state}&error=access_denied");
    back(visitor, &denied, "provider_denied").await;
    for word in [
        "server_error",
        "evil%0d%0aset-cookie:a=b",
        "%2f%2fevil.example",
    ] {
        let mut visitor = rig.visitor();
        let state = visitor.begin(path).await.sent("state").unwrap();
        let failed = format!("/login/google/callback?state={state}&error={word}");
        back(visitor, &failed, "provider_error").await;
    }
    rig.google
        .forge(|token| token.claims["aud"] = json!("another"));
    let mut visitor = rig.visitor();
    let address = visitor.begin(path).await.agree().await;
    back(visitor, &address, "provider_error").await;
    assert_eq!((rig.sessions().await, rig.identities().await), (before, 0));
    // Without a flow of this browser there is nowhere to come back to.
    let mut stranger = rig.visitor();
    refused(&rig, stranger.get(&denied), 400, "invalid_state").await;
}

#[tokio::test]
async fn an_identity_is_its_issuer_and_subject_and_never_its_address() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    rig.register("bo@example.com").await;
    let tokens = rig.visitor().sign_in("/login/google").await.is(200).json();
    let id = me(&rig, &tokens).await["id"].clone();
    // R11: the same subject with another address, even somebody else's, is the same person.
    for email in ["new@example.com", "bo@example.com", ADMIN] {
        rig.google.somebody("110169484474386276334", email);
        let tokens = rig.visitor().sign_in("/login/google").await.is(200).json();
        assert_eq!(me(&rig, &tokens).await["id"], id);
    }
    // The same address with another subject is somebody else, who has no account.
    rig.google.somebody("another", VERIFIED);
    let mut visitor = rig.visitor();
    refused(
        &rig,
        visitor.sign_in("/login/google"),
        403,
        "not_registered",
    )
    .await;
    // The same subject at the other provider is somebody else too.
    rig.facebook
        .person(json!({ "id": "110169484474386276334", "email": VERIFIED }));
    let mut visitor = rig.visitor();
    refused(
        &rig,
        visitor.sign_in("/login/facebook"),
        403,
        "not_registered",
    )
    .await;
    assert_eq!(rig.identities().await, 1);
}

#[tokio::test]
async fn whoever_may_not_come_in_gets_the_answer_that_a_stranger_gets() {
    let rig = SignIn::start().await;
    let admin = rig.product.admin().await;
    let mut users = Vec::new();
    for name in ["off", "linked", "gone", "bare"] {
        let email = format!("{name}@example.com");
        users.push(rig.register(&email).await["id"].clone());
        if name != "off" && name != "bare" {
            rig.google.somebody(name, &email);
            rig.visitor().sign_in("/login/google").await.is(200);
        }
    }
    let disable = json!({ "status": "disabled" });
    for user in &users[..2] {
        let path = format!("/users/{user}");
        admin.patch(&path, disable.clone()).await.is(200);
    }
    admin.delete(&format!("/users/{}", users[2])).await.is(204);
    rig.google.somebody("owner", "bare@example.com");
    rig.visitor().sign_in("/login/google").await.is(200);
    let mut seen = BTreeSet::new();
    for (sub, email) in [
        ("stranger", "stranger@example.com"),
        ("off", "off@example.com"),
        ("linked", "linked@example.com"),
        ("linked", "elsewhere@example.com"),
        ("gone", "gone@example.com"),
        ("other", "gone@example.com"),
        ("thief", "bare@example.com"),
    ] {
        rig.google.somebody(sub, email);
        let mut visitor = rig.visitor();
        let answer = refused(
            &rig,
            visitor.sign_in("/login/google"),
            403,
            "not_registered",
        )
        .await;
        let id = answer.header("x-request-id");
        let headers = answer
            .headers
            .iter()
            .filter(|(name, _)| *name != "date" && *name != "x-request-id")
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            // A flow's cookie is named after its state.
            .map(|line| match line.split_once("set-cookie: __Host-") {
                Some((_, cookie)) => format!("cookie {}", cookie.split_once('=').unwrap().1),
                None => line,
            });
        let headers: Vec<_> = headers.collect();
        seen.insert((answer.text().replace(&id, "ID"), headers));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    // Whoever is let in again comes in as before.
    let enable = json!({ "status": "active" });
    admin
        .patch(&format!("/users/{}", users[1]), enable)
        .await
        .is(200);
    rig.google.somebody("linked", "linked@example.com");
    rig.visitor().sign_in("/login/google").await.is(200);
}

/// Lets all of these happen at the same time.
pub(crate) async fn at_once<T: Send + 'static>(
    all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let set: tokio::task::JoinSet<T> = all.collect();
    set.join_all().await
}

/// Somebody who is signed in with their password and asks to link: begins at a provider and agrees.
pub(crate) async fn linking(rig: &SignIn, email: &str, provider: &str) -> (Visitor, String) {
    let mut visitor = rig.visitor();
    visitor.client = rig.by_password(email).await;
    let back = visitor.begin_link(provider).await.agree().await;
    (visitor, back)
}
