//! Attacks on the sign-in's state: who may bring a provider's answer back, when, how often and with what.

use crate::oauth::{VERIFIED, refused};
use reqwest::Method;
use std::collections::BTreeSet;
use tests::{
    Answer, SignIn,
    visitor::{parameter, with},
};
use url::form_urlencoded::byte_serialize;

const TOKEN: &str = "/token";

#[tokio::test]
async fn s1_a_callback_without_its_cookie_is_refused() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut victim = rig.visitor();
    let back = victim.begin("/login/google").await.agree().await;
    let mut thief = rig.visitor();
    refused(&rig, thief.get(&back), 400, "invalid_state").await;
    for missing in ["state", "code"] {
        let cut = with(&back, missing, None);
        refused(&rig, victim.clone().get(&cut), 400, "invalid_state").await;
    }
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
    victim.get(&back).await.is(200);
}

#[tokio::test]
async fn s2_a_callback_with_another_browser_s_cookie_is_refused() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let (mut one, mut other) = (rig.visitor(), rig.visitor());
    let (first, second) = (
        one.begin("/login/google").await,
        other.begin("/login/google").await,
    );
    assert_ne!(first.sent("state"), second.sent("state"));
    let back = first.agree().await;
    refused(&rig, other.get(&back), 400, "invalid_state").await;
    // The right name does not help either.
    let mut mixed = rig.visitor();
    let value = other.cookies.values().next().cloned();
    mixed
        .cookies
        .insert(first.name().to_owned(), value.unwrap());
    refused(&rig, mixed.get(&back), 400, "invalid_state").await;
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
    one.get(&back).await.is(200);
}

#[tokio::test]
async fn s3_a_replayed_callback_is_refused() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    let back = visitor.begin("/login/google").await.agree().await;
    let mut copy = visitor.clone();
    let answer = visitor.get(&back).await.is(200);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert!(visitor.cookies.is_empty(), "{:?}", visitor.cookies);
    refused(&rig, visitor.get(&back), 400, "invalid_state").await;
    // Whoever kept the cookie meets the provider, which takes a code once.
    refused(&rig, copy.get(&back), 400, "provider_denied").await;
    assert_eq!(rig.google.server.hits(TOKEN), 2);
}

#[tokio::test]
async fn s4_a_sign_in_of_eleven_minutes_is_too_old() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let (instance, clock) = rig.instance_with_clock([]).await;
    let begun = async |minutes: i64| {
        clock.ahead(-60 * minutes);
        let mut visitor = instance.visitor();
        let back = visitor.begin("/login/google").await.agree().await;
        clock.ahead(0);
        (visitor, back)
    };
    let (mut late, back) = begun(11).await;
    refused(&rig, late.get(&back), 400, "invalid_state").await;
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
    let (mut timely, back) = begun(9).await;
    timely.get(&back).await.is(200);
}

#[tokio::test]
async fn s5_a_damaged_seal_is_refused() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    let flow = visitor.begin("/login/google").await;
    let back = flow.agree().await;
    let sealed = visitor.cookies[flow.name()].clone();
    let mut damaged: Vec<_> = (0..sealed.len())
        .map(|at| {
            let other = if sealed.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            format!("{}{other}{}", &sealed[..at], &sealed[at + 1..])
        })
        .collect();
    damaged.extend(
        (0..sealed.len())
            .step_by(7)
            .map(|end| sealed[..end].to_owned()),
    );
    damaged.extend([
        format!("{sealed}A"),
        format!("{sealed}="),
        format!("{sealed}{sealed}"),
        sealed.to_lowercase(),
        sealed.chars().rev().collect(),
        "A".repeat(3000),
        "%00".to_owned(),
    ]);
    for value in damaged {
        visitor
            .cookies
            .insert(flow.name().to_owned(), value.clone());
        let answer = Answer::of(visitor.request(Method::GET, &back)).await;
        let code = answer.json()["code"].clone();
        assert_eq!(
            (answer.status.as_u16(), code),
            (400, "invalid_state".into()),
            "{value}"
        );
    }
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
    visitor.cookies.insert(flow.name().to_owned(), sealed);
    visitor.get(&back).await.is(200);
}

#[tokio::test]
async fn s6_twenty_sign_ins_at_once_all_work_and_their_cookies_are_small() {
    let rig = SignIn::start_with([("RETURN_TO", "/,/welcome".to_owned())]).await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    let (mut names, mut backs) = (BTreeSet::new(), Vec::new());
    for tab in 0..20 {
        let path = ["/login/google", "/login/google?return_to=/welcome"][tab % 2];
        let flow = visitor.begin(path).await;
        // ASVS 5.0, 3.3.5: name and value together.
        let pair = flow.set_cookie.split(';').next().unwrap().len();
        assert!(pair < 4096, "{pair}");
        names.insert(flow.name().to_owned());
        backs.push((path, flow.agree().await));
    }
    assert_eq!(names.len(), 20, "{names:?}");
    for (path, back) in backs.iter().rev() {
        let status = if path.contains("return_to") { 303 } else { 200 };
        visitor.get(back).await.is(status);
    }
    let left: Vec<_> = visitor.cookies.keys().collect();
    assert_eq!(left, ["__Host-refresh"], "each took its own cookie away");
}

#[tokio::test]
async fn s7_a_person_who_declines_is_told_so() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    for provider in ["google", "facebook"] {
        let mut visitor = rig.visitor();
        let flow = visitor.begin(&format!("/login/{provider}")).await;
        let state = flow.sent("state").unwrap();
        let path = format!("/login/{provider}/callback?error=access_denied");
        let tale = "error_description=<script>canary</script>&error_uri=https://evil.example/";
        refused(&rig, visitor.clone().get(&path), 400, "invalid_state").await;
        let denied = format!("{path}&{tale}&state={state}");
        let stranger = rig.visitor().get(&denied).await;
        stranger.problem(400, "invalid_state");
        let answer = refused(&rig, visitor.get(&denied), 400, "provider_denied").await;
        let whole = format!("{:?}{}", answer.headers, answer.text());
        assert!(
            !whole.contains("canary") && !whole.contains("evil.example"),
            "{whole}"
        );
        assert!(visitor.cookies.is_empty(), "{:?}", visitor.cookies);
    }
    assert_eq!(rig.google.server.hits(TOKEN), 0);
}

#[tokio::test]
async fn s8_a_code_beside_an_error_is_not_used() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    for error in ["access_denied", "server_error", ""] {
        let mut visitor = rig.visitor();
        let back = visitor.begin("/login/google").await.agree().await;
        let both = with(&back, "error", Some(error));
        let answer = visitor.get(&both).await;
        assert_eq!(answer.status.as_u16(), 400, "{error}: {}", answer.text());
    }
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
    rig.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn s9_a_parameter_that_comes_twice_is_refused() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    let flow = visitor.begin("/login/google").await;
    let back = flow.agree().await;
    for name in ["code", "state", "iss"] {
        let value = parameter(&back, name).unwrap();
        let value: String = byte_serialize(value.as_bytes()).collect();
        let (path, query) = back.split_once('?').unwrap();
        for twice in [
            format!("{back}&{name}={value}"),
            format!("{back}&{name}=other"),
            format!("{path}?{name}=other&{query}"),
            format!("{back}&{name}="),
        ] {
            let answer = Answer::of(visitor.request(Method::GET, &twice)).await;
            assert_eq!(answer.status.as_u16(), 400, "{twice}: {}", answer.text());
        }
    }
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
    visitor.get(&back).await.is(200);
}

#[tokio::test]
async fn s10_a_victim_cannot_be_signed_in_as_the_attacker() {
    let rig = SignIn::start().await;
    rig.register("mallory@example.com").await;
    rig.google.somebody("666", "mallory@example.com");
    let mut attacker = rig.visitor();
    let back = attacker.begin("/login/google").await.agree().await;
    // The victim's browser is led to the attacker's callback: with no cookie, and in the middle of its own sign-in.
    let mut victim = rig.visitor();
    refused(&rig, victim.get(&back), 400, "invalid_state").await;
    let flow = victim.begin("/login/google").await;
    refused(&rig, victim.get(&back), 400, "invalid_state").await;
    assert!(
        victim.cookies.contains_key(flow.name()),
        "the attacker cannot even end the victim's own sign-in"
    );
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
}

#[tokio::test]
async fn s11_a_code_of_another_sign_in_is_refused_by_its_challenge() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let (mut attacker, mut victim) = (rig.visitor(), rig.visitor());
    let stolen = victim.begin("/login/google").await.agree().await;
    let own = attacker.begin("/login/google").await.agree().await;
    let injected = with(&own, "code", parameter(&stolen, "code").as_deref());
    refused(&rig, attacker.get(&injected), 400, "provider_denied").await;
    let asked = rig.google.server.asked(TOKEN);
    assert_eq!(asked.len(), 1);
    assert!(asked[0].get("code_verifier").unwrap().len() >= 43);
}

#[tokio::test]
async fn s12_only_a_get_ends_a_sign_in() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    let back = visitor.begin("/login/google").await.agree().await;
    let before = rig.sessions().await;
    for method in [
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
    ] {
        let answer = Answer::of(visitor.request(method.clone(), &back)).await;
        assert_eq!(answer.status.as_u16(), 405, "{method}");
        assert_eq!(answer.header("set-cookie"), "", "{method}");
    }
    // As a provider posts it that was talked into `response_mode=form_post`.
    let (path, form) = back.split_once('?').unwrap();
    let posted = visitor
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = Answer::of(posted.body(form.to_owned())).await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(
        rig.google.server.hits(TOKEN),
        0,
        "the code is not looked at"
    );
    assert_eq!(rig.sessions().await, before);
    visitor.get(&back).await.is(200);
}

#[tokio::test]
async fn s13_facebook_s_tail_is_no_part_of_state_or_code() {
    let rig = SignIn::start().await;
    let bo = rig.user("bo@example.com").await;
    let mut visitor = rig.visitor();
    visitor.client = bo;
    let back = visitor.begin_link("facebook").await.agree().await;
    assert!(back.ends_with("#_=_"), "{back}");
    for name in ["state", "code"] {
        let tailed = format!("{}#_=_", parameter(&back, name).unwrap());
        let answer = visitor.clone().get(&with(&back, name, Some(&tailed))).await;
        assert_eq!(answer.status.as_u16(), 400, "{name}: {}", answer.text());
    }
    // A browser does not send it.
    let answer = visitor.get(&back).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    rig.visitor().sign_in("/login/facebook").await.is(200);
}

#[tokio::test]
async fn a_way_back_of_any_size_and_shape_does_no_harm() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    let flow = visitor.begin("/login/google").await;
    let back = flow.agree().await;
    let state = flow.sent("state").unwrap();
    let before = rig.sessions().await;
    for query in [
        String::new(),
        "state".to_owned(),
        "&&&===".to_owned(),
        format!("state={}", "s".repeat(8_000)),
        format!("state={state}&code={}", "c".repeat(8_000)),
        format!("state={state}&code="),
        format!("state={state}&code=%ff%fe"),
        format!("state={state}&code=%00"),
        format!("state={state}&code=a%0d%0aHost:%20evil"),
        format!("state={state}&code=%F0%9F%94%91"),
        format!("state={state}&error=%ff"),
        format!("state={state}&error={}", "e".repeat(8_000)),
        format!("state[]={state}&code[]=1"),
        format!("state={state}&code=1&{}", "x=y&".repeat(2_000)),
        format!("state=%20{state}&code=1"),
        format!("{{\"state\":\"{state}\"}}"),
    ] {
        let path = format!("/login/google/callback?{query}");
        let answer = Answer::of(visitor.request(Method::GET, &path)).await;
        let status = answer.status.as_u16();
        let own = [400, 414, 431, 502].contains(&status);
        assert!(own, "{query:.80}: {status} {}", answer.text());
        assert!(!answer.text().contains("evil"), "{}", answer.text());
    }
    assert_eq!(rig.sessions().await, before);
    visitor.get(&back).await.is(200);
}

#[tokio::test]
async fn a_browser_full_of_old_cookies_signs_in_all_the_same() {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    let mut visitor = rig.visitor();
    for number in 0..25 {
        visitor.begin("/login/google").await;
        let junk = format!("__Host-flow-{number:016}");
        visitor.cookies.insert(junk, "x".repeat(60));
        visitor
            .cookies
            .insert(format!("other-{number}"), "y".repeat(60));
    }
    let flows = |visitor: &tests::Visitor| {
        let names = visitor.cookies.keys();
        names.filter(|name| name.starts_with("__Host-")).count()
    };
    let flow = visitor.begin("/login/google").await;
    assert!(flows(&visitor) <= 20, "{}", flows(&visitor));
    visitor.get(&flow.agree().await).await.is(200);
    assert!(flows(&visitor) <= 19);
    // Far more than a browser would ever keep.
    let mut full = rig.visitor();
    for number in 0..100 {
        let junk = format!("__Host-flow-{number:016}");
        full.cookies.insert(junk, "x".to_owned());
    }
    full.sign_in("/login/google").await.is(200);
}
