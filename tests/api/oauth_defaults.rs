//! The real names: what is there when nothing but credentials is configured, and what holds for Google itself alone.

use crate::oauth::{VERIFIED, me};
use serde_json::{Value, json};
use tests::{Answer, Instance, SignIn, Visitor, provider::Tunnel};

const GOOGLE: &str = "https://accounts.google.com";

/// An instance that knows credentials alone, and a world in which the rig plays Google and Facebook.
async fn start() -> (SignIn, Instance, Tunnel) {
    let rig = SignIn::start().await;
    rig.google.play(GOOGLE);
    let tunnel = Tunnel::start(&[
        ("accounts.google.com", &rig.google.server.base),
        ("graph.facebook.com", &rig.facebook.server.base),
    ])
    .await;
    let unset = [
        "GOOGLE_DISCOVERY_URL",
        "FACEBOOK_AUTHORIZE_URL",
        "FACEBOOK_ACCESS_TOKEN_URL",
        "FACEBOOK_USER_INFO_URL",
    ];
    let mut env = unset.map(|name| (name, String::new())).to_vec();
    env.extend(tunnel.env());
    let instance = rig.instance(env).await;
    (rig, instance, tunnel)
}

/// Signs in at an instance; the person finds the provider at its true address.
async fn sign_in(visitor: &mut Visitor, path: &str, begins: &str, base: &str) -> Answer {
    let mut flow = visitor.begin(path).await;
    let rest = flow.uri.strip_prefix(begins);
    flow.uri = format!("{base}{}", rest.unwrap_or_else(|| panic!("{}", flow.uri)));
    visitor.get(&flow.agree().await).await
}

async fn with_google(rig: &SignIn, instance: &Instance) -> Answer {
    let base = &rig.google.server.base;
    sign_in(&mut instance.visitor(), "/login/google", GOOGLE, base).await
}

#[tokio::test]
async fn credentials_alone_lead_to_google_and_facebook_themselves() {
    let (rig, instance, tunnel) = start().await;
    let ada = rig.user("ada@gmail.com").await;
    rig.google.somebody("1", "ada@gmail.com");
    let tokens = with_google(&rig, &instance).await.is(200).json();
    assert_eq!(me(&rig, &tokens).await["email"], "ada@gmail.com");
    let mut visitor = instance.visitor();
    visitor.client = instance.client.clone();
    visitor.client.token.clone_from(&ada.token);
    let mut flow = visitor.begin_link("facebook").await;
    let rest = flow
        .uri
        .strip_prefix("https://www.facebook.com/dialog/oauth?");
    flow.uri = format!(
        "{}/dialog/oauth?{}",
        rig.facebook.server.base,
        rest.unwrap()
    );
    visitor.get(&flow.agree().await).await.is(200);
    assert_eq!(rig.facebook.server.hits("/oauth/access_token"), 1);
    assert_eq!(rig.facebook.server.hits("/me"), 1);
    assert_eq!(tunnel.refused(), Vec::<String>::new());
    let issuers = "SELECT COUNT(*) FROM identities WHERE issuer = 'https://accounts.google.com' \
        OR issuer = 'https://www.facebook.com'";
    assert_eq!(rig.number(issuers).await, 2);
}

#[tokio::test]
async fn n5_google_s_old_name_is_google_and_makes_no_second_identity() {
    let (rig, instance, _tunnel) = start().await;
    rig.register("ada@gmail.com").await;
    rig.google.somebody("1", "ada@gmail.com");
    for issuer in ["accounts.google.com", GOOGLE, "accounts.google.com"] {
        rig.google
            .forge(move |token| token.claims["iss"] = json!(issuer));
        with_google(&rig, &instance).await.is(200);
    }
    assert_eq!(rig.identities().await, 1);
    for issuer in [
        "http://accounts.google.com",
        "https://accounts.google.com/",
        "https://www.google.com",
        "accounts.google.com.evil.example",
        "Accounts.Google.com",
    ] {
        rig.google
            .forge(move |token| token.claims["iss"] = json!(issuer));
        let answer = with_google(&rig, &instance).await;
        answer.problem(502, "provider_error");
    }
}

#[tokio::test]
async fn n9_google_vouches_only_for_mailboxes_that_it_hosts() {
    let (rig, instance, _tunnel) = start().await;
    for email in [
        VERIFIED,
        "ada@gmail.com",
        "bo@example.com",
        "ada@xgmail.com",
    ] {
        rig.register(email).await;
    }
    for (sub, email, domain, status) in [
        ("1", VERIFIED, Value::Null, 403),
        ("1", VERIFIED, json!(""), 403),
        ("1", VERIFIED, json!(["example.com"]), 403),
        ("2", "ada@xgmail.com", Value::Null, 403),
        ("3", "ada@gmail.com", Value::Null, 200),
        ("4", "bo@example.com", json!("example.com"), 200),
        ("1", VERIFIED, json!("example.com"), 200),
        // Linked once, it does not matter any more.
        ("1", VERIFIED, Value::Null, 200),
    ] {
        let claims = json!({ "sub": sub, "email": email, "email_verified": true, "hd": domain });
        rig.google.person(claims);
        let answer = with_google(&rig, &instance).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{email} {domain}: {}",
            answer.text()
        );
    }
    assert_eq!(rig.identities().await, 3);
}
