//! One good token, and every way in which it can be wrong.

use super::*;
use jsonwebtoken::{EncodingKey, Header, encode};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::json;

const ISSUER: &str = "https://issuer.example.com";
/// Signed with an RSA key of 2,048 bits that nobody has any more; good until 2100.
const RS256: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLmNvbSIsImF1ZCI6ImNsaWVudCIsInN1YiI6InMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6NDEwMjQ0MTIwMCwibm9uY2UiOiJuIn0.eVdd6JZ6BEVwQqhdLfuP9WmhCUnkp1vK19a2vfTWv5QE3eCD6UUsVyAdjBS98DakZ6S_C6Dm5XBlfB4JpaTBa6zDQTAeTy7P5S71YZPzAJ72NbAeejZE4VZin6DXWC1NVhkg8HQNeFLT2udKEjXoG_IpBiXJ4RXsvhJUDYTwVn19LzK2uk9q75lSVKCA9nJ7e5tW0XXir1QA9s2yHVPetmT9iv0_i-XYfBS0H0LzGAec4yqT9Frw_l_G4G6HacJAFXXdATDygU5rUnraePUALrzIJkoaP7uN-_47zpQaHQXPd0GfQn1KHjjs1nyzF1OdB_L-VepZvfqdp1iNhO8P6w";
const RS256_MODULUS: &str = "tQ2M3hYOD58sFGbdY2fMKFVZLMZdiPcHfLBRvO_1ajZgbj38GfB_f5YsE0ewSJM4hM2SERrQkWxJfpr9kv4zwgQyjW2e7rucwAS_nyy39lG2RQ7UXoEHjk5Ao3foFs1t3IPqVC3ZLjP9WL64kvkVx2XSMh6fKdccV8kNCSeNIN9uiHhgbxQd8xAqXG_ebnJrx-00N05QvYLNNWoqBETX--VdlGDwAMlojAdeYpBSkqfCkcR9YKcJaeXHoxZ_utmLegOhXK08PNB_C5Iw9EEY6qBJTafIsqq-VBm920JJZ2UeyIeCIpvFBbJXtX5JoLfjFLa8Z6672MIwJusRdIsqrw";
/// The same with 1,024 bits.
const WEAK: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLmNvbSIsImF1ZCI6ImNsaWVudCIsInN1YiI6InMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6NDEwMjQ0MTIwMCwibm9uY2UiOiJuIn0.m1YxUreCGxgJoUnWQUv9huXAOODT5WSsjVIAX9KOsmRok_6SvXmP4-hHMhQSNlp0eosuuA1I3S5Ao0UMMQF9AE49mZExacueiQXo-kFsOdG9pcgJrQJf9KLzreluo5HA1KaY8Usit4ihuOeh7q91d6MZkPs8xuCqTRTT94Jhb3I";
const WEAK_MODULUS: &str = "sbCPYSuuQLv9pyulP_g3GM0f2E5fmuixJkymeITmzVOxsQkgqfPgjEaNmPthScdMNsKV0g-LYv9sbZdXofCSdlaBOHUrjtzgP5wM6q4iA87HiX8tsaFhHCoUR6WPuJoDJbW3mlxezAvExyfvbpL27dunznw1XM7K-FpyataS990";

/// A provider's key pair, and its public half as a JWK.
struct Pair {
    private: EncodingKey,
    public: Value,
}

impl Pair {
    fn generate(kid: &str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &SystemRandom::new());
        let pair = pair.expect("a key");
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Self {
            private: EncodingKey::from_ec_der(pkcs8.as_ref()),
            public: json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y }),
        }
    }
}

fn keys(jwks: &[Value]) -> Keys {
    Keys::parse(json!({ "keys": jwks }).to_string().as_bytes()).expect("keys")
}

fn header(kid: &str) -> Header {
    Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::ES256)
    }
}

fn expected<'a>(now: Timestamp) -> Expected<'a> {
    Expected {
        issuers: &[ISSUER],
        client_id: "client",
        nonce: "n",
        began: now.minus(Duration::from_secs(60)),
        now,
    }
}

/// What a token with these claims is found to be; `null` takes a claim out.
fn found(changes: Value) -> Result<Claims, Refusal> {
    let (pair, now) = (Pair::generate("k"), Timestamp::now());
    let mut claims = json!({
        "iss": ISSUER, "aud": "client", "sub": "s", "nonce": "n",
        "iat": now.seconds(), "exp": now.seconds() + 3_600,
    });
    let all = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => all.remove(name),
            value => all.insert(name.clone(), value.clone()),
        };
    }
    let token = encode(&header("k"), &claims, &pair.private).expect("a token");
    check(&token, &keys(&[pair.public]), &expected(now))
}

#[test]
fn every_claim_is_checked() {
    let now = Timestamp::now().seconds();
    for good in [
        json!({}),
        json!({ "azp": "client" }),
        json!({ "aud": ["client"] }),
        json!({ "exp": now - 30 }),
        json!({ "iat": now + 30 }),
    ] {
        assert!(found(good.clone()).is_ok(), "{good}");
    }
    for bad in [
        json!({ "nonce": null }),
        json!({ "nonce": "" }),
        json!({ "nonce": "other" }),
        json!({ "aud": null }),
        json!({ "aud": "other" }),
        json!({ "aud": [] }),
        json!({ "aud": ["client", "other"] }),
        json!({ "azp": "other" }),
        json!({ "azp": "" }),
        json!({ "iss": null }),
        json!({ "iss": "issuer.example.com" }),
        json!({ "iss": format!("{ISSUER}/") }),
        json!({ "iss": [ISSUER] }),
        json!({ "sub": null }),
        json!({ "sub": 7 }),
        json!({ "exp": null }),
        json!({ "exp": now - 90 }),
        json!({ "exp": now + 100_000 }),
        json!({ "exp": (now + 3_600).to_string() }),
        json!({ "exp": 1e300 }),
        json!({ "exp": [now + 3_600] }),
        json!({ "exp": -1 }),
        json!({ "exp": i64::MAX }),
        json!({ "iat": null }),
        json!({ "iat": now - 200 }),
        json!({ "iat": now + 90 }),
        json!({ "iat": now.to_string() }),
        json!({ "nbf": now + 3_600 }),
        json!({ "nbf": "soon" }),
    ] {
        let refusal = found(bad.clone()).map(|_| ()).expect_err("refused");
        assert!(matches!(refusal, Refusal::Wrong(_)), "{bad}: {refusal:?}");
    }
}

#[test]
fn an_address_is_verified_by_the_value_true_alone() {
    let verified = |verified: Value| {
        let changes = json!({ "email": "ada@example.com", "email_verified": verified });
        let claims = found(changes).expect("a good token");
        claims.verified_email().map(str::to_owned)
    };
    assert_eq!(verified(json!(true)), Some("ada@example.com".to_owned()));
    for unproven in [
        json!(false),
        json!("true"),
        json!(1),
        json!([true]),
        Value::Null,
    ] {
        assert_eq!(verified(unproven.clone()), None, "{unproven}");
    }
    let none = found(json!({ "email_verified": true })).expect("a good token");
    assert_eq!(none.verified_email(), None);
}

#[test]
fn only_a_published_key_of_the_right_kind_signs() {
    let (one, two, now) = (
        Pair::generate("one"),
        Pair::generate("two"),
        Timestamp::now(),
    );
    let claims = json!({
        "iss": ISSUER, "aud": "client", "sub": "s", "nonce": "n",
        "iat": now.seconds(), "exp": now.seconds() + 3_600,
    });
    let token =
        |header: &Header, pair: &Pair| encode(header, &claims, &pair.private).expect("a token");
    let is = |token: &str, jwks: &[Value]| check(token, &keys(jwks), &expected(now)).map(|_| ());
    let with = |name: &str, value: Value| {
        let mut jwk = one.public.clone();
        jwk[name] = value;
        jwk
    };
    let (both, good) = (
        [one.public.clone(), two.public.clone()],
        token(&header("one"), &one),
    );
    assert_eq!(is(&good, &both), Ok(()));
    assert_eq!(
        is(&good, &[with("use", json!("sig")), with("kid", json!("x"))]),
        Ok(())
    );

    let nameless = token(&Header::new(Algorithm::ES256), &one);
    assert_eq!(is(&nameless, &both[..1]), Ok(()));
    let ambiguous = Refusal::Wrong("does not say which key signed it");
    assert_eq!(is(&nameless, &both), Err(ambiguous));
    assert_eq!(
        is(&good, &[one.public.clone(), one.public.clone()]),
        Err(ambiguous)
    );

    // The right name and algorithm, and somebody else's key.
    let forged = Err(Refusal::Wrong("has a wrong signature"));
    assert_eq!(is(&token(&header("one"), &two), &both), forged);
    for unusable in [
        with("use", json!("enc")),
        with("alg", json!("RS256")),
        with("crv", json!("P-384")),
        with("x", json!("AQAB")),
        with("kid", json!("three")),
        json!({ "kty": "oct", "kid": "one", "k": "c2VjcmV0" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "AQAB" }),
        json!({ "kid": "one" }),
        json!("one"),
    ] {
        assert_eq!(is(&good, &[unusable]), Err(Refusal::UnknownKey));
    }
    for (name, value) in [
        ("typ", json!("at+jwt")),
        ("crit", json!(["exp"])),
        ("jku", json!("https://evil.example.com")),
        ("x5u", json!("https://evil.example.com")),
        ("jwk", two.public.clone()),
        ("alg", json!("none")),
        ("alg", json!("nOnE")),
        ("alg", json!("HS256")),
        ("alg", json!("RS512")),
        ("alg", json!("ES384")),
    ] {
        let mut head = json!({ "alg": "ES256", "kid": "one" });
        head[name] = value;
        let (_, rest) = good.split_once('.').expect("a token");
        let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head.to_string()));
        assert!(
            matches!(is(&token, &both), Err(Refusal::Wrong(_))),
            "{head}"
        );
    }
    for broken in [
        "",
        "..",
        &good[..good.len() - 2],
        &good.replace('.', ""),
        &"a".repeat(20_000),
    ] {
        assert!(is(broken, &both).is_err(), "{broken}");
    }
}

#[test]
fn an_rsa_key_has_2048_bits_or_more() {
    let now = Timestamp::from_seconds(4_102_441_200);
    let is = |token, n: &str, alg: &str| {
        let jwk =
            json!({ "kty": "RSA", "kid": "k", "alg": alg, "use": "sig", "n": n, "e": "AQAB" });
        check(token, &keys(&[jwk]), &expected(now)).map(|_| ())
    };
    assert_eq!(is(RS256, RS256_MODULUS, "RS256"), Ok(()));
    assert_eq!(is(RS256, RS256_MODULUS, "RS512"), Err(Refusal::UnknownKey));
    assert_eq!(is(WEAK, WEAK_MODULUS, "RS256"), Err(Refusal::UnknownKey));
    let padded = URL_SAFE_NO_PAD.decode(WEAK_MODULUS).expect("base64url");
    let padded = URL_SAFE_NO_PAD.encode([&[0; 128][..], &padded].concat());
    assert_eq!(is(WEAK, &padded, "RS256"), Err(Refusal::UnknownKey));
    let other = RS256_MODULUS.replacen(&RS256_MODULUS[100..104], "AAAA", 1);
    assert!(is(RS256, &other, "RS256").is_err());
}
