//! End to end: a person with a real browser, a certified OpenID provider, and services behind proxies that lie.
//!
//! The shape is that of production, made worse on purpose: TLS ends at the gateway, auth speaks plain HTTP/1.1 behind
//! another proxy, and what it is told about host and scheme is wrong. `tests/run` installs the browser and what Node
//! needs; without them these tests fail.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod liar;
mod node;

use node::{OpenIdProvider, run};
use tests::{Options, PASSWORD, Product, provider::Facebook};

/// A product whose auth function believes to be somewhere else, both providers, and a person who is registered.
struct Rig {
    product: Product,
    provider: OpenIdProvider,
    facebook: Facebook,
}

impl Rig {
    async fn start() -> Self {
        let (mut provider, facebook) = tokio::join!(OpenIdProvider::start(), Facebook::start());
        let mut env = provider.env().to_vec();
        env.extend(facebook.env());
        env.push(("RETURN_TO", "/,/signin".to_owned()));
        let product = Product::services_through(Options { env }, |name, address| match name {
            "auth" => liar::in_front_of(address),
            _ => address,
        })
        .await;
        let callback = format!("{}/login/google/callback", product.base);
        provider.register(&callback).await;
        facebook.register(&product.base);
        facebook.ask();
        product.user("ada@example.com").await;
        Self {
            product,
            provider,
            facebook,
        }
    }

    /// Lets a person do what a script says.
    async fn person(&self, script: &str) {
        run(
            script,
            &[
                ("ORIGIN", self.product.base.clone()),
                (
                    "AUTHORITY",
                    self.product.data("tls/ca.pem").display().to_string(),
                ),
                ("PROVIDER", self.provider.issuer.clone()),
                ("PASSWORD", PASSWORD.to_owned()),
                ("CODES", codes().join(" ")),
            ],
        )
        .await;
    }
}

/// The codes with which a browser comes back from a provider: the table of docs/oauth.md.
fn codes() -> Vec<&'static str> {
    let table = include_str!("../../docs/oauth.md").lines();
    let code = |line: &'static str| {
        let cell = line.strip_prefix("| ")?.split(" | ").next()?;
        let (status, code) = cell.split_once(' ')?;
        status.parse::<u16>().ok()?;
        Some(code.trim_matches('`'))
    };
    // A browser that comes to a page of ours has a `return_to` that is good.
    let codes: Vec<_> = table.filter_map(code).collect();
    assert!(codes.contains(&"provider_denied") && codes.len() > 8);
    codes
        .into_iter()
        .filter(|code| *code != "malformed_query")
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_their_way_on_the_site() {
    Rig::start().await.person("site.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_google_although_every_proxy_lies() {
    let rig = Rig::start().await;
    rig.person("google.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_facebook_although_every_proxy_lies() {
    let rig = Rig::start().await;
    rig.person("facebook.mjs").await;
    assert_eq!(rig.facebook.server.hits("/v99.0/me"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_in_two_tabs_at_once() {
    Rig::start().await.person("tabs.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_may_not_come_in_is_told_why() {
    Rig::start().await.person("refused.mjs").await;
}
