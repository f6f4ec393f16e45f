//! Signing in through Google and Facebook as people do it, and what an operator can set.

use crate::tokens::part;
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Instant};
use tests::{
    ADMIN, Answer, PASSWORD, SignIn, Visitor,
    process::program,
    provider::{CLIENT_ID, CLIENT_SECRET},
};

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

#[tokio::test]
async fn link_by_email_can_be_switched_off_and_names_only_who_vouches() {
    let rig = SignIn::start_with([("LINK_BY_EMAIL", "none".to_owned())]).await;
    let ada = rig.user(VERIFIED).await;
    let mut visitor = rig.visitor();
    refused(
        &rig,
        visitor.sign_in("/login/google"),
        403,
        "not_registered",
    )
    .await;
    visitor.client = ada;
    let back = visitor.begin_link("google").await.agree().await;
    let linked = visitor.get(&back).await;
    assert!(linked.status.is_success(), "{}", linked.text());
    rig.visitor().sign_in("/login/google").await.is(200);
    let refused = start_auth(&[
        ("LINK_BY_EMAIL", "google,facebook"),
        ("RETURN_TO", "//evil"),
    ])
    .await;
    assert!(
        refused.contains("LINK_BY_EMAIL ") && refused.contains("RETURN_TO "),
        "{refused}"
    );
}

/// What auth says when it stops at once, started with only this environment.
async fn start_auth(env: &[(&str, &str)]) -> String {
    let mut command = tokio::process::Command::new(program("auth"));
    command
        .env_clear()
        .envs(env.iter().copied())
        .env("PORT", "0");
    let output = command.kill_on_drop(true).output().await.unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_provider_that_is_half_configured_is_named_at_start() {
    for (set, missing) in [
        ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
        ("GOOGLE_CLIENT_SECRET", "GOOGLE_CLIENT_ID"),
        ("FACEBOOK_CLIENT_ID", "FACEBOOK_CLIENT_SECRET"),
        ("FACEBOOK_CLIENT_SECRET", "FACEBOOK_CLIENT_ID"),
    ] {
        let said = start_auth(&[(set, "a-canary")]).await;
        assert!(said.contains(&format!("{missing} is not set")), "{said}");
        assert!(!said.contains("canary"), "no value is shown: {said}");
        // All mistakes at once.
        assert!(said.contains("DATABASE_URL is not set"), "{said}");
    }
    for variable in [
        "GOOGLE_DISCOVERY_URL",
        "FACEBOOK_AUTHORIZE_URL",
        "FACEBOOK_ACCESS_TOKEN_URL",
        "FACEBOOK_USER_INFO_URL",
    ] {
        for address in [
            "http://provider.example/.well-known/openid-configuration",
            "http://127.0.0.1.provider.example/.well-known/openid-configuration",
            "http://localhost.provider.example/.well-known/openid-configuration",
            "http://169.254.169.254/.well-known/openid-configuration",
            "http://0.0.0.0/.well-known/openid-configuration",
            "https://user:pass@provider.example/.well-known/openid-configuration",
            "ftp://provider.example/.well-known/openid-configuration",
            "provider.example",
        ] {
            let said = start_auth(&[(variable, address)]).await;
            assert!(said.contains(&format!("{variable} ")), "{address}: {said}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_not_configured_is_unknown() {
    let product = tests::Product::start().await;
    let admin = product.admin().await;
    for name in [
        "google",
        "facebook",
        "github",
        "Google",
        "GOOGLE",
        "google%00",
        "g%C3%B6%C3%B6gle",
        "..%2fgoogle",
        "-",
    ] {
        let anyone = product.anyone();
        for path in [
            format!("/login/{name}"),
            format!("/login/{name}?return_to=/"),
            format!("/login/{name}/callback?code=1&state=2"),
        ] {
            anyone.get(&path).await.problem(404, "unknown_provider");
        }
        let path = format!("/me/identities/{name}");
        let link = Answer::of(admin.request(Method::POST, &path)).await;
        link.problem(404, "unknown_provider");
        admin.delete(&path).await.is(404);
        let path = format!("/me/identities/{name}");
        anyone.delete(&path).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_redirect_uris_to_register_are_said_at_start() {
    let rig = SignIn::start().await;
    let instance = rig.instance([]).await;
    for provider in ["google", "facebook"] {
        let uri = format!("\"{}/login/{provider}/callback\"", rig.product.base);
        let said = &instance.process.said;
        assert!(said.contains(&uri), "{said}");
    }
}

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
    rig.google
        .server
        .fail("/token", tests::provider::Fault::Status(400));
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
