//! Attacks on Google's ID token: each is genuine but for one thing.

use crate::oauth::{VERIFIED, refused};
use serde_json::{Value, json};
use tests::{
    ADMIN, SignIn,
    provider::{CLIENT_ID, CLIENT_SECRET, IdToken, Server, Signed, public_key},
};

/// A product with one person, who may sign in.
async fn start() -> SignIn {
    let rig = SignIn::start().await;
    rig.register(VERIFIED).await;
    rig
}

/// Asserts that nobody is signed in by a token that was changed like this.
async fn refuses(rig: &SignIn, what: &str, forge: impl Fn(&mut IdToken) + Send + 'static) {
    println!("{what}");
    rig.google.forge(forge);
    let mut visitor = rig.visitor();
    refused(rig, visitor.sign_in("/login/google"), 502, "provider_error").await;
}

/// Asserts that somebody is signed in by a token that was changed like this.
async fn accepts(rig: &SignIn, what: &str, forge: impl Fn(&mut IdToken) + Send + 'static) {
    println!("{what}");
    rig.google.forge(forge);
    rig.visitor().sign_in("/login/google").await.is(200);
}

/// Sets a claim, or takes it away.
fn claim(name: &'static str, value: Option<Value>) -> impl Fn(&mut IdToken) + Send {
    move |token| set(&mut token.claims, name, value.clone())
}

/// Sets a member of the header, or takes it away.
fn header(name: &'static str, value: Option<Value>) -> impl Fn(&mut IdToken) + Send {
    move |token| set(&mut token.header, name, value.clone())
}

fn set(object: &mut Value, name: &str, value: Option<Value>) {
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
}

#[tokio::test]
async fn n1_a_token_without_the_nonce_is_refused() {
    let rig = start().await;
    for nonce in [None, Some(json!("")), Some(json!(null)), Some(json!([]))] {
        refuses(&rig, &format!("{nonce:?}"), claim("nonce", nonce)).await;
    }
    accepts(&rig, "untouched", |_| ()).await;
}

#[tokio::test]
async fn n2_a_token_of_another_sign_in_is_refused() {
    let rig = start().await;
    let other = rig.visitor().begin("/login/google").await;
    let nonce = other.sent("nonce").unwrap();
    refuses(
        &rig,
        "another sign-in's nonce",
        claim("nonce", Some(json!(nonce))),
    )
    .await;
    refuses(&rig, "in capitals", |token| {
        let nonce = token.claims["nonce"].as_str().unwrap();
        let nonce = match nonce.to_uppercase() {
            upper if upper != nonce => upper,
            _ => nonce.to_lowercase(),
        };
        token.claims["nonce"] = json!(nonce);
    })
    .await;
    refuses(&rig, "in a list", |token| {
        token.claims["nonce"] = json!([token.claims["nonce"]]);
    })
    .await;
}

#[tokio::test]
async fn n3_a_token_that_is_also_for_somebody_else_is_refused() {
    let rig = start().await;
    for audience in [
        Some(json!([CLIENT_ID, "another.apps.example.com"])),
        Some(json!(["another.apps.example.com"])),
        Some(json!("another.apps.example.com")),
        Some(json!(format!("{CLIENT_ID}.evil.example"))),
        Some(json!(CLIENT_ID.to_uppercase())),
        Some(json!([])),
        Some(json!("")),
        None,
    ] {
        refuses(&rig, &format!("{audience:?}"), claim("aud", audience)).await;
    }
    accepts(
        &rig,
        "a list of us alone",
        claim("aud", Some(json!([CLIENT_ID]))),
    )
    .await;
}

#[tokio::test]
async fn n4_a_token_that_was_issued_to_another_party_is_refused() {
    let rig = start().await;
    for party in [
        json!("another.apps.example.com"),
        json!(""),
        json!([CLIENT_ID]),
        json!(7),
    ] {
        refuses(&rig, &party.to_string(), claim("azp", Some(party))).await;
    }
    // OpenID Connect Core, section 2: it is optional.
    accepts(&rig, "none", claim("azp", None)).await;
}

#[tokio::test]
async fn n5_a_token_of_another_issuer_is_refused() {
    let rig = start().await;
    let own = rig.google.server.base.clone();
    for issuer in [
        Some(json!("https://accounts.google.com")),
        Some(json!("accounts.google.com")),
        Some(json!(own.trim_start_matches("http://"))),
        Some(json!(own.replace("http:", "https:"))),
        Some(json!(format!("{own}/"))),
        Some(json!(format!("{own}.evil.example"))),
        Some(json!([own])),
        Some(json!("")),
        None,
    ] {
        refuses(&rig, &format!("{issuer:?}"), claim("iss", issuer)).await;
    }
    accepts(&rig, "untouched", |_| ()).await;
}

#[tokio::test]
async fn n6_a_token_out_of_its_time_is_refused() {
    let rig = start().await;
    let moved = |name: &'static str, seconds: i64| {
        move |token: &mut IdToken| {
            let at = token.claims[name].as_i64().unwrap();
            token.claims[name] = json!(at + seconds);
        }
    };
    refuses(&rig, "expired two minutes ago", moved("exp", -3720)).await;
    refuses(&rig, "issued in ten minutes", moved("iat", 600)).await;
    for exp in [
        None,
        Some(json!("9999999999")),
        Some(json!(null)),
        Some(json!([9_999_999_999_u64])),
        Some(json!(-1)),
        Some(json!(0)),
        Some(json!(true)),
    ] {
        refuses(&rig, &format!("exp {exp:?}"), claim("exp", exp)).await;
    }
    for iat in [None, Some(json!("now")), Some(json!(null)), Some(json!(-1))] {
        refuses(&rig, &format!("iat {iat:?}"), claim("iat", iat)).await;
    }
    for exp in ["1e400", "-1e400", "99999999999999999999999"] {
        refuses(&rig, exp, move |token| {
            token.claims["exp"] = json!("EXP");
            let text = token.claims.to_string().replace("\"EXP\"", exp);
            token.claims_text = Some(text);
        })
        .await;
    }
    // Far: made before this sign-in began, whatever it says about its end; and good for years.
    refuses(&rig, "good for years", moved("exp", 400_000_000)).await;
    refuses(&rig, "a day old and good for years", |token| {
        let now = token.claims["iat"].as_i64().unwrap();
        token.claims["iat"] = json!(now - 86_400);
        token.claims["exp"] = json!(now + 400_000_000);
    })
    .await;
    accepts(&rig, "untouched", |_| ()).await;
}

#[tokio::test]
async fn n7_a_token_with_another_algorithm_is_refused() {
    let rig = start().await;
    for none in ["none", "None", "nOnE", ""] {
        refuses(&rig, none, move |token| {
            token.header["alg"] = json!(none);
            token.signed = Signed::Not;
        })
        .await;
    }
    refuses(&rig, "no signature", |token| token.signed = Signed::Not).await;
    refuses(&rig, "no alg", header("alg", None)).await;
    let jwk = public_key(0);
    let modulus = jwk["n"].as_str().unwrap().as_bytes().to_vec();
    for secret in [
        CLIENT_SECRET.as_bytes().to_vec(),
        jwk.to_string().into_bytes(),
        modulus,
        Vec::new(),
    ] {
        refuses(&rig, "HS256", move |token| {
            token.header["alg"] = json!("HS256");
            token.signed = Signed::Hs256(secret.clone());
        })
        .await;
    }
    refuses(&rig, "RS512", |token| {
        token.header["alg"] = json!("RS512");
        token.signed = Signed::Rs512;
    })
    .await;
    for alg in ["PS256", "ES256", "EdDSA", "RS384", "rs256"] {
        refuses(&rig, alg, header("alg", Some(json!(alg)))).await;
    }
    accepts(&rig, "untouched", |_| ()).await;
}

#[tokio::test]
async fn n8_a_token_signed_by_another_key_is_refused() {
    let rig = start().await;
    let trap = Server::trap().await;
    refuses(&rig, "right kid", |token| token.signed = Signed::Rs256(1)).await;
    let address = format!("{}/keys", trap.base);
    refuses(&rig, "jku and x5u", move |token| {
        token.signed = Signed::Rs256(1);
        token.header["jku"] = json!(address);
        token.header["x5u"] = json!(address);
    })
    .await;
    refuses(&rig, "jwk", |token| {
        token.signed = Signed::Rs256(1);
        token.header["jwk"] = public_key(1);
    })
    .await;
    for kid in ["../key-0", "' OR 1=1 --", "key-0\0", ""] {
        refuses(&rig, kid, header("kid", Some(json!(kid)))).await;
    }
    refuses(
        &rig,
        "a large kid",
        header("kid", Some(json!("k".repeat(20_000)))),
    )
    .await;
    refuses(&rig, "crit", header("crit", Some(json!(["exp"])))).await;
    assert_eq!(trap.total(), 0, "nobody follows what a token says");
    refuses(&rig, "a key that is not published", |token| {
        token.signed = Signed::Rs256(1);
        token.header["kid"] = json!("key-1");
    })
    .await;
    accepts(&rig, "untouched", |_| ()).await;
}

#[tokio::test]
async fn n9_an_address_that_is_not_verified_makes_no_first_link() {
    let rig = start().await;
    for verified in [
        Some(json!("true")),
        Some(json!("false")),
        Some(json!(false)),
        Some(json!(null)),
        Some(json!(1)),
        Some(json!([true])),
        None,
    ] {
        println!("{verified:?}");
        rig.google.forge(claim("email_verified", verified));
        let mut visitor = rig.visitor();
        refused(
            &rig,
            visitor.sign_in("/login/google"),
            403,
            "email_not_verified",
        )
        .await;
    }
    // Nor does it tell whether anybody here has the address.
    rig.google
        .person(json!({ "sub": "2", "email": "stranger@example.com", "email_verified": false }));
    rig.google.forge(|_| ());
    let mut visitor = rig.visitor();
    refused(
        &rig,
        visitor.sign_in("/login/google"),
        403,
        "email_not_verified",
    )
    .await;
    rig.google.somebody("1", VERIFIED);
    // Once linked, it does not matter any more: the subject is who it is.
    accepts(&rig, "verified", |_| ()).await;
    accepts(
        &rig,
        "no longer verified",
        claim("email_verified", Some(json!(false))),
    )
    .await;
    accepts(&rig, "no address at all", claim("email", None)).await;
}

#[tokio::test]
async fn n10_what_the_user_info_says_of_somebody_else_is_not_believed() {
    let rig = start().await;
    let mut visitor = rig.visitor();
    let tokens = visitor.sign_in("/login/google").await.is(200).json();
    assert_eq!(rig.google.server.hits("/userinfo"), 0, "it is not asked");
    let me = rig.product.anyone();
    let me = me.with_token(tokens["access_token"].as_str().unwrap());
    assert_eq!(me.get("/me").await.is(200).json()["email"], VERIFIED);
    let sub = "SELECT COUNT(*) FROM identities WHERE subject = '110169484474386276334'";
    assert_eq!(rig.number(sub).await, 1);
}

#[tokio::test]
async fn n11_an_address_that_only_looks_alike_is_another() {
    let rig = SignIn::start().await;
    for alike in [
        "admin+1@example.com",
        "a.dmin@example.com",
        "admin@sub.example.com",
        "admin@example.com.",
        "admin@example.co",
        // Letters of other scripts, and what some comparisons fold into ASCII.
        "аdmin@example.com",
        "admin@exаmple.com",
        "admın@example.com",
        "ADMİN@example.com",
        "ａdmin@example.com",
        "admin@ｅxample.com",
        "admin@example。com",
        "admin\u{200b}@example.com",
        "admin\u{ad}@example.com",
        "admi\u{301}n@example.com",
        "admin@example.com\0",
        "admin@example.com\n",
    ] {
        println!("{alike:?}");
        rig.google.somebody("666", alike);
        let mut visitor = rig.visitor();
        let before = rig.sessions().await;
        let answer = visitor.sign_in("/login/google").await.is(403);
        let code = answer.json()["code"].clone();
        assert!(
            code == "not_registered" || code == "email_not_verified",
            "{code}"
        );
        assert_eq!((rig.sessions().await, rig.identities().await), (before, 0));
    }
    // Case is no difference: users are registered without it.
    rig.google.somebody("1", "Admin@EXAMPLE.com");
    rig.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn n12_an_address_of_two_parts_too_many_is_nobody_s() {
    let rig = SignIn::start().await;
    for email in [
        json!("admin@example.com@evil.example"),
        json!("evil@evil.example@example.com"),
        json!("\"admin@example.com\"@evil.example"),
        json!("admin@example.com,evil@evil.example"),
        json!("evil@evil.example admin@example.com"),
        json!("<admin@example.com>"),
        json!("Admin <admin@example.com>"),
        json!("admin@example.com(@evil.example)"),
        json!("@"),
        json!(""),
        json!(["admin@example.com"]),
        json!({ "admin@example.com": true }),
        json!(7),
        json!(null),
        json!("a".repeat(20_000) + "@example.com"),
    ] {
        println!("{:.80}", email.to_string());
        let claims = json!({ "sub": "666", "email": email, "email_verified": true });
        rig.google.person(claims);
        let answer = rig.visitor().sign_in("/login/google").await;
        let code = answer.json()["code"].as_str().unwrap().to_owned();
        let expected = [
            (403, "not_registered"),
            (403, "email_not_verified"),
            (502, "provider_error"),
        ];
        let got = (answer.status.as_u16(), code.as_str());
        assert!(expected.contains(&got), "{email}: {got:?}");
        assert_eq!(rig.identities().await, 0);
    }
    rig.google.somebody("1", ADMIN);
    rig.visitor().sign_in("/login/google").await.is(200);
}

#[tokio::test]
async fn a_subject_is_a_text_that_is_compared_byte_by_byte() {
    let rig = start().await;
    for sub in [
        None,
        Some(json!("")),
        Some(json!(7)),
        Some(json!(null)),
        Some(json!(["1"])),
        // OpenID Connect Core, section 2: at most 255 characters of ASCII.
        Some(json!("1".repeat(256))),
        Some(json!("1".repeat(60_000))),
    ] {
        refuses(&rig, "no subject", claim("sub", sub)).await;
    }
    accepts(
        &rig,
        "the longest",
        claim("sub", Some(json!("s".repeat(255)))),
    )
    .await;
    // The person is linked now: whoever differs in anything is somebody else.
    for sub in [
        "S".repeat(255),
        format!("{} ", "s".repeat(254)),
        "s".repeat(254),
    ] {
        rig.google.forge(claim("sub", Some(json!(sub))));
        let answer = rig.visitor().sign_in("/login/google").await;
        assert!(!answer.status.is_success(), "{sub}: {}", answer.text());
    }
}
