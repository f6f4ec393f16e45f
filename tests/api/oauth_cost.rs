//! What a sign-in costs: no database before the callback, no call too many, nothing kept in an instance or a log.

use crate::oauth::{VERIFIED, at_once};
use reqwest::Method;
use serde_json::json;
use std::time::Instant;
use tests::{
    Answer, PASSWORD, SignIn,
    provider::{CLIENT_SECRET, Fault},
};

#[tokio::test]
async fn a_sign_in_costs_no_database_before_the_callback() {
    let rig = SignIn::start().await;
    // No database is there: whoever touched it would not answer.
    let nowhere = "mysql://nobody@127.0.0.1:9/crm".to_owned();
    let instance = rig.instance([("DATABASE_URL", nowhere)]).await;
    let mut visitor = instance.visitor();
    for provider in ["google", "facebook"] {
        let begun = Instant::now();
        let flow = visitor.begin(&format!("/login/{provider}")).await;
        let html = visitor
            .request(Method::GET, &format!("/login/{provider}"))
            .header("accept", "text/html");
        Answer::of(html).await.is(303);
        // Nor does a callback that cannot succeed.
        let path = format!("/login/{provider}/callback?code=1&state=2");
        visitor.get(&path).await.problem(400, "invalid_state");
        let state = flow.sent("state").unwrap();
        let path = format!("/login/{provider}/callback?error=access_denied&state={state}");
        visitor.get(&path).await.problem(400, "provider_denied");
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    }
    // One that would succeed says that it is not the person's fault.
    let back = visitor.begin("/login/google").await.agree().await;
    let answer = visitor.get(&back).await;
    assert!(!answer.header("retry-after").is_empty());
    answer.problem(503, "unavailable");
}

#[tokio::test]
async fn a_sign_in_asks_the_provider_no_more_than_the_protocol_needs() {
    let rig = SignIn::start().await;
    let bo = rig.user(VERIFIED).await;
    let mut visitor = rig.visitor();
    visitor.client = bo;
    let back = visitor.begin_link("facebook").await.agree().await;
    assert!(visitor.get(&back).await.status.is_success());
    rig.visitor().sign_in("/login/google").await.is(200);
    let google = |path: &str| rig.google.server.hits(path);
    let facebook = |path: &str| rig.facebook.server.hits(path);
    let before = (rig.google.server.total(), rig.facebook.server.total());
    for _ in 0..5 {
        rig.visitor().sign_in("/login/google").await.is(200);
        rig.visitor().sign_in("/login/facebook").await.is(200);
    }
    // The person's own visit, and the code's exchange; at Facebook also the question who it is.
    let after = (rig.google.server.total(), rig.facebook.server.total());
    assert_eq!((after.0 - before.0, after.1 - before.1), (5 * 2, 5 * 3));
    assert_eq!(
        (google("/.well-known/openid-configuration"), google("/keys")),
        (1, 1)
    );
    assert_eq!((google("/token"), google("/userinfo")), (6, 0));
    assert_eq!(facebook("/v99.0/oauth/access_token"), facebook("/v99.0/me"));
}

#[tokio::test]
async fn twenty_people_at_a_cold_start_ask_the_provider_once() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let begun = (0..20).map(|_| {
        let mut visitor = rig.visitor();
        async move {
            let flow = visitor.begin("/login/google").await;
            (visitor, flow.agree().await)
        }
    });
    let begun = at_once(begun).await;
    assert_eq!(
        rig.google.server.hits("/.well-known/openid-configuration"),
        1
    );
    let done = begun
        .into_iter()
        .map(|(mut visitor, back)| async move { visitor.get(&back).await });
    for answer in at_once(done).await {
        answer.is(200);
    }
    assert_eq!(rig.google.server.hits("/keys"), 1);
    assert_eq!(rig.identities().await, 1, "the first link is made once");
}

#[tokio::test]
async fn a_deploy_in_the_middle_of_a_sign_in_does_not_matter() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let old = "https://old.example.com";
    rig.google.register(old);
    let (before, after) = tokio::join!(
        rig.instance([("PUBLIC_BASE_URL", old.to_owned())]),
        rig.instance([])
    );
    let mut visitor = before.visitor();
    let back = visitor.begin("/login/google").await.agree().await;
    drop(before);
    // Another instance, which would send people elsewhere: this one is asked with the bytes of its first leg.
    let mut moved = after.visitor();
    moved.cookies = visitor.cookies;
    moved.get(&back).await.is(200);
    let asked = rig.google.server.asked("/token");
    let expected = format!("{old}/login/google/callback");
    assert_eq!(asked[0].get("redirect_uri"), Some(expected.as_str()));
}

#[tokio::test]
async fn no_log_shows_what_only_the_person_and_the_provider_may_know() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let instance = rig.instance([("LOG", "debug".to_owned())]).await;
    let mut visitor = instance.visitor();
    let flow = visitor.begin("/login/google").await;
    let back = flow.agree().await;
    let cookie = visitor.cookies[flow.name()].clone();
    let tokens = visitor.get(&back).await.is(200).json();
    let (mut other, refused) = (instance.visitor(), instance.visitor().get(&back).await);
    refused.problem(400, "invalid_state");
    rig.google
        .forge(|token| token.claims["aud"] = json!("another"));
    other
        .sign_in("/login/google")
        .await
        .problem(502, "provider_error");
    rig.google.server.fail("/token", Fault::Status(400));
    other.sign_in("/login/google").await.is(502);
    let asked = rig.google.server.asked("/token");
    let (log, asked) = (instance.process.log(), &asked[0]);
    assert!(
        log.contains("listening") && log.contains("ID token"),
        "{log}"
    );
    for secret in [
        &flow.sent("state").unwrap(),
        &flow.sent("nonce").unwrap(),
        asked.get("code").unwrap(),
        asked.get("code_verifier").unwrap(),
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
        &cookie,
        CLIENT_SECRET,
        VERIFIED,
        PASSWORD,
        // The beginning of every signed token.
        "eyJ",
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
