//! Providers that misbehave: every call has an end, a size and one destination, and their failures are not ours.

use crate::oauth::{VERIFIED, at_once, linking, refused};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{
    Clock, Flow, Instance, SignIn, Visitor,
    provider::{Fault, Server, public_key},
};

/// How long an answer may take at most: one call's five seconds, on a loaded machine.
const BOUND: Duration = Duration::from_secs(8);
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Everything that an endpoint can do wrong.
fn faults(trap: &Server) -> Vec<Fault> {
    let address = format!("{}/computeMetadata/v1/", trap.base);
    let redirects =
        [301, 302, 303, 307, 308].map(|status| Fault::Redirect(status, address.clone()));
    let bodies = [
        "",
        "null",
        "{}",
        "[]",
        "<html>",
        "\"text\"",
        r#"{"access_token":null,"id_token":7,"id":null,"keys":null,"issuer":null}"#,
        r#"{"access_token":"a","token_type":"bearer","id_token":"a.b.c","id":"","keys":[{}],"issuer":""}"#,
        r#"{"access_token":"a\r\nb","token_type":"bearer","id_token":"","id":7,"keys":[],"issuer":[]}"#,
    ];
    let nested = "[".repeat(60_000);
    let bodies = bodies.into_iter().map(str::to_owned).chain([nested]);
    let mut faults = redirects.to_vec();
    faults.extend(bodies.map(Fault::Body));
    faults.extend([401, 403, 404, 429, 500, 503].map(Fault::Status));
    faults.extend([Fault::Endless, Fault::Silence, Fault::Drip]);
    faults
}

/// Lets every fault happen at a path, and asserts that each is answered in time as the provider's, at no cost.
async fn survives(
    rig: &SignIn,
    server: &Server,
    path: &'static str,
    attempt: impl AsyncFn(Visitor) -> tests::Answer,
) {
    let (trap, instance) = (Server::trap().await, rig.instance([]).await);
    let before = instance.process.peak_mib();
    for fault in faults(&trap) {
        println!("{path}: {fault:.80?}");
        server.heal();
        server.fail(path, fault.clone());
        let begun = Instant::now();
        let answer = attempt(instance.visitor()).await;
        assert!(begun.elapsed() < BOUND, "{fault:?}: {:?}", begun.elapsed());
        let whole = format!("{:?}{}", answer.headers, answer.text());
        assert!(
            !whole.contains(&trap.base) && !whole.contains("127.0.0.1"),
            "{whole}"
        );
        answer.problem(502, "provider_error");
    }
    assert_eq!(trap.total(), 0, "no redirect is followed");
    let grown = instance.process.peak_mib() - before;
    assert!(grown < 40, "{grown} MiB more");
    let log = instance.process.log();
    assert!(
        log.contains("provider_error") || log.contains("ERROR"),
        "{log}"
    );
    server.heal();
}

#[tokio::test]
async fn r13_a_broken_discovery_document_is_survived() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let server = &rig.google.server;
    survives(&rig, server, DISCOVERY, async |mut visitor| {
        visitor.get("/login/google").await
    })
    .await;
    let instance = rig.instance([]).await;
    instance.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn r13_broken_keys_are_survived() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let server = &rig.google.server;
    survives(&rig, server, "/keys", async |mut visitor| {
        visitor.sign_in("/login/google").await
    })
    .await;
}

#[tokio::test]
async fn r13_a_broken_token_endpoint_is_survived_and_asked_once() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let (server, attempts) = (&rig.google.server, faults(&rig.google.server).len());
    survives(&rig, server, "/token", async |mut visitor| {
        visitor.sign_in("/login/google").await
    })
    .await;
    assert_eq!(
        server.hits("/token"),
        attempts,
        "a code is never sent twice"
    );
    rig.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn r13_a_broken_access_token_endpoint_of_facebook_is_survived() {
    let rig = SignIn::start().await;
    let (server, attempts) = (&rig.facebook.server, faults(&rig.facebook.server).len());
    let path = "/v99.0/oauth/access_token";
    survives(&rig, server, path, async |mut visitor| {
        visitor.sign_in("/login/facebook").await
    })
    .await;
    assert_eq!(server.hits(path), attempts, "a code is never sent twice");
}

#[tokio::test]
async fn r13_a_broken_description_of_the_person_at_facebook_is_survived() {
    let rig = SignIn::start().await;
    let server = &rig.facebook.server;
    survives(&rig, server, "/v99.0/me", async |mut visitor| {
        visitor.sign_in("/login/facebook").await
    })
    .await;
    for id in [
        json!(""),
        json!("7".repeat(256)),
        json!("7 "),
        json!(["7"]),
        json!("ü"),
    ] {
        rig.facebook.person(json!({ "id": id }));
        let mut visitor = rig.visitor();
        refused(
            &rig,
            visitor.sign_in("/login/facebook"),
            502,
            "provider_error",
        )
        .await;
    }
}

#[tokio::test]
async fn r13_a_discovery_document_cannot_send_us_elsewhere() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let (trap, instance) = (Server::trap().await, rig.instance([]).await);
    let anywhere = trap.base.replace("127.0.0.1", "0.0.0.0");
    let hidden = trap.base.replace("127.0.0.1", "[::ffff:127.0.0.1]");
    let user = trap.base.replace("http://", "http://127.0.0.1@");
    for member in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
    ] {
        for address in [
            json!("http://metadata.google.internal/computeMetadata/v1/"),
            json!("http://169.254.169.254/"),
            json!(anywhere),
            json!(hidden),
            json!(user),
            json!("file:///etc/passwd"),
            json!("javascript:alert(1)"),
            json!("/token"),
            json!(""),
            json!(null),
            json!(["http://127.0.0.1/"]),
        ] {
            let mut members = json!({});
            members[member] = address.clone();
            rig.google.discovery(members);
            let answer = instance.visitor().get("/login/google").await;
            assert_eq!(
                answer.status.as_u16(),
                502,
                "{member} {address}: {}",
                answer.text()
            );
            answer.problem(502, "provider_error");
        }
    }
    assert_eq!(trap.total(), 0);
    rig.google.discovery(json!({}));
    instance.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn a_crowd_in_front_of_a_silent_provider_asks_it_once_and_waits_no_longer_than_one() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let server = &rig.google.server;
    server.fail(DISCOVERY, Fault::Silence);
    let (fresh, begun) = (rig.visitor(), Instant::now());
    let all = (0..40).map(|_| {
        let mut visitor = fresh.clone();
        async move { visitor.get("/login/google").await }
    });
    for answer in at_once(all).await {
        answer.problem(502, "provider_error");
    }
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(server.hits(DISCOVERY) <= 2, "{}", server.hits(DISCOVERY));
    // Everything else goes on meanwhile, and so does signing in afterwards.
    rig.product.admin().await.get("/me").await.is(200);
    server.heal();
    rig.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn keys_that_we_cannot_use_do_not_spoil_those_that_we_can() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut weak = public_key(1);
    weak["n"] = json!("AQAB");
    let keys = json!({ "keys": [
        {}, 7, { "kty": "oct", "k": "c2VjcmV0", "kid": "key-0", "alg": "HS256" }, { "kty": "XYZ", "kid": "key-0" },
        { "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "ec" }, weak, public_key(0),
    ], "more": true });
    rig.google
        .server
        .fail("/keys", Fault::Body(keys.to_string()));
    rig.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn a_key_that_is_new_at_the_provider_is_fetched_at_once() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    rig.visitor().sign_in("/login/google").await.is(200);
    rig.google.rotate();
    rig.visitor().sign_in("/login/google").await.is(200);
    assert_eq!(rig.google.server.hits("/keys"), 2);
    rig.visitor().sign_in("/login/google").await.is(200);
    assert_eq!(rig.google.server.hits("/keys"), 2);
}

#[tokio::test]
async fn r15_a_thousand_unknown_keys_make_the_provider_be_asked_once() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    rig.visitor().sign_in("/login/google").await.is(200);
    rig.google.forge(|token| {
        // A part of the signature's own randomness: every token has another.
        let nonce = token.claims["nonce"].as_str().unwrap().to_owned();
        token.header["kid"] = json!(format!("unknown-{nonce}"));
    });
    let before = rig.sessions().await;
    // All on one connection: handshakes would take longer than what is tested.
    let (fresh, begun) = (rig.visitor(), Instant::now());
    for _ in 0..50 {
        let all = (0..20).map(|_| {
            let mut visitor = fresh.clone();
            async move { visitor.sign_in("/login/google").await }
        });
        for answer in at_once(all).await {
            answer.problem(502, "provider_error");
        }
    }
    assert_eq!(rig.google.server.hits("/token"), 1001);
    // Once at first, once for the sake of these, and once more for each minute that they took.
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).unwrap();
    let hits = rig.google.server.hits("/keys");
    assert!(hits <= 2 + minutes, "{hits} in {minutes} minutes");
    assert_eq!(rig.sessions().await, before);
    // Nobody else suffers from it.
    rig.google.forge(|_| ());
    rig.visitor().sign_in("/login/google").await.is(200);
}

/// Signs in at an instance whose clock, as the provider's, is so many seconds ahead.
async fn sign_in_ahead(rig: &SignIn, (instance, clock): &(Instance, Clock), seconds: i64) -> u16 {
    clock.ahead(seconds);
    rig.google.forge(move |token| {
        for name in ["iat", "exp"] {
            let at = token.claims[name].as_i64().unwrap();
            token.claims[name] = Value::from(at + seconds);
        }
    });
    let mut visitor = instance.visitor();
    let begun = visitor.get("/login/google").await;
    if begun.status.as_u16() != 200 {
        return begun.status.as_u16();
    }
    let flow = Flow::of(begun);
    visitor.get(&flow.agree().await).await.status.as_u16()
}

#[tokio::test]
async fn r15_what_the_provider_published_is_kept_as_long_as_it_says_and_used_on_when_it_is_silent()
{
    const HOUR: i64 = 3600;
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let at = rig.instance_with_clock([]).await;
    let hits = || {
        (
            rig.google.server.hits(DISCOVERY),
            rig.google.server.hits("/keys"),
        )
    };
    assert_eq!((sign_in_ahead(&rig, &at, 0).await, hits()), (200, (1, 1)));
    assert_eq!(
        (sign_in_ahead(&rig, &at, HOUR - 60).await, hits()),
        (200, (1, 1))
    );
    assert_eq!(
        (sign_in_ahead(&rig, &at, HOUR + 60).await, hits()),
        (200, (2, 2))
    );
    // The provider is down when it is due again.
    for path in [DISCOVERY, "/keys"] {
        rig.google.server.fail(path, Fault::Status(503));
    }
    assert_eq!(sign_in_ahead(&rig, &at, 3 * HOUR).await, 200);
    assert_eq!(hits(), (3, 3), "asked for, in vain");
    for _ in 0..5 {
        assert_eq!(sign_in_ahead(&rig, &at, 3 * HOUR).await, 200);
    }
    assert_eq!(hits(), (3, 3), "not asked for again at once");
    // Two days later what was kept is too old to be believed.
    assert_eq!(sign_in_ahead(&rig, &at, 50 * HOUR).await, 502);
    rig.google.server.heal();
    assert_eq!(sign_in_ahead(&rig, &at, 51 * HOUR).await, 200);
    // A new key is looked for again a minute after one was looked for in vain.
    let before = hits().1;
    rig.google
        .forge(|token| token.header["kid"] = json!("unknown"));
    let mut visitor = at.0.visitor();
    visitor
        .sign_in("/login/google")
        .await
        .problem(502, "provider_error");
    assert_eq!(hits().1, before + 1);
    rig.google.rotate();
    assert_eq!(sign_in_ahead(&rig, &at, 51 * HOUR + 10).await, 502);
    assert_eq!(sign_in_ahead(&rig, &at, 51 * HOUR + 70).await, 200);
    assert_eq!(hits().1, before + 2);
}

#[tokio::test]
async fn an_answer_that_facebook_gives_to_one_person_is_never_another_s() {
    // The original kept the token in the provider's one object: with threads, A could be shown B's account.
    let rig = SignIn::start().await;
    let mut backs = Vec::new();
    for number in 0..10 {
        let email = format!("{number}@example.com");
        rig.user(&email).await;
        rig.facebook.person(json!({ "id": format!("fb-{number}") }));
        let (mut visitor, back) = linking(&rig, &email, "facebook").await;
        visitor.get(&back).await.is(200);
        let mut visitor = rig.visitor();
        let back = visitor.begin("/login/facebook").await.agree().await;
        backs.push((email, visitor, back));
    }
    let all = backs
        .into_iter()
        .map(|(email, mut visitor, back)| async move {
            let tokens = visitor.get(&back).await.is(200).json();
            (email, tokens)
        });
    for (email, tokens) in at_once(all).await {
        assert_eq!(
            crate::oauth::me(&rig, &tokens).await["email"],
            email.as_str()
        );
    }
}
