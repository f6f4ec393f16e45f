//! What an operator sets of the providers, and what they are told.

use crate::oauth::{VERIFIED, refused};
use reqwest::Method;
use tests::{Answer, SignIn, process::program};

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
