//! What `tests/fuzz` feeds with bytes: tokens, cookies, and the configuration. Whatever is signed or sealed is also made
//! with the right key around those bytes, or nothing behind the signature would ever be reached.

use crate::{
    Config,
    device::{self, DeviceKey},
    flow::{self, FlowKey},
    limits::LimitKey,
    refresh::RefreshKey,
};
use axum::{
    extract::FromRequestParts as _,
    http::{HeaderMap, HeaderValue, Request, header},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use shared::{
    config::{Env, PublicUrl},
    db::{DatabaseConfig, Db},
    error::ApiError,
    image_url::ImageUrls,
    privacy::PrivacyKey,
    seal::Seal,
    server,
    time::Timestamp,
    token::{CurrentUser, TOKEN_TYPE, Verifier, VerifyingKeys},
};
use std::{collections::HashMap, sync::LazyLock};

const SECRET: [u8; 32] = [1; 32];
const PUBLIC: &str = "https://crm.example.com";
const KID: &str = "k";
/// Stands for what a password was hashed to.
const HASH: &str = "$argon2id$";
/// Variables whose values must not be told.
const SECRETS: [&str; 6] = [
    "SIGNING_KEYS",
    "REFRESH_KEY",
    "IMAGE_URL_KEYS",
    "PRIVACY_KEY",
    "GOOGLE_CLIENT_SECRET",
    "FACEBOOK_CLIENT_SECRET",
];

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&SECRET).expect("a seed"));

/// A token in each place where one is taken. The first byte says where, and whether it is signed around the rest.
///
/// # Panics
/// When one is taken that must not be.
pub fn tokens(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(data);
    match kind % 6 {
        0 => access(&text),
        1 => signed_access(&text),
        2 => assert_eq!(RefreshKey::new(SECRET).open(&text), None),
        3 => signed_refresh(&text),
        4 => cookies(&text, None),
        _ => cookies(&text, serde_json::from_str(&text).ok().as_ref()),
    }
}

/// A token that nobody signed.
fn access(token: &str) {
    for value in [token, &format!("Bearer {token}")] {
        assert!(!taken(value), "nobody signed {value}");
    }
}

/// Whether an `Authorization` header is believed. The database, which would be asked next, is not there.
fn taken(value: &str) -> bool {
    static VERIFIER: LazyLock<(tokio::runtime::Runtime, Verifier)> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mut env = Env::of([(
            "DATABASE_URL".to_owned(),
            "mysql://nobody@127.0.0.1:9/crm".to_owned(),
        )]);
        let database = DatabaseConfig::read(&mut env).expect("an address");
        let public = PublicUrl::parse(PUBLIC).expect("an origin");
        let keys = VerifyingKeys::parse(&keys(false).to_string()).expect("keys");
        let verifier = {
            let _within = runtime.enter();
            Verifier::new(keys, &public, Db::open(&database))
        };
        (runtime, verifier)
    });
    let Ok(value) = HeaderValue::from_str(value) else {
        return false;
    };
    let request = Request::get("/me").header(header::AUTHORIZATION, value);
    let (mut parts, ()) = request.body(()).expect("a request").into_parts();
    let (runtime, verifier) = &*VERIFIER;
    let user = runtime.block_on(CurrentUser::from_request_parts(&mut parts, verifier));
    !matches!(user, Err(ApiError::Unauthenticated))
}

/// Header and claims, a line break between them, signed with the right key: believed only when they say what ours do.
fn signed_access(text: &str) {
    let (header, claims) = text.split_once('\n').unwrap_or((text, ""));
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let signed = format!("{}.{}", part(header), part(claims));
    let tag = URL_SAFE_NO_PAD.encode(PAIR.sign(signed.as_bytes()));
    if !taken(&format!("Bearer {signed}.{tag}")) {
        return;
    }
    // What nobody looks at may hold what does not fit into a value, such as a number without bound.
    let read = |json: &str| serde_json::from_str::<Value>(json);
    let (Ok(header), Ok(claims)) = (read(header), read(claims)) else {
        return;
    };
    assert_eq!(header["alg"], "EdDSA", "{header}");
    assert_eq!(header["typ"], TOKEN_TYPE, "{header}");
    assert_eq!(header["kid"], KID, "{header}");
    for foreign in ["jku", "jwk", "x5u", "x5c", "crit"] {
        assert!(header[foreign].is_null(), "{header}");
    }
    let for_us = |claim: &Value| {
        claim == PUBLIC
            || claim
                .as_array()
                .is_some_and(|all| all.contains(&json!(PUBLIC)))
    };
    assert!(for_us(&claims["iss"]) && for_us(&claims["aud"]), "{claims}");
    let now = Timestamp::now().seconds();
    assert!(
        claims["exp"].as_i64().is_some_and(|at| at > now - 3_600),
        "{claims}"
    );
    assert!(
        claims["sub"]
            .as_str()
            .is_some_and(|id| id.parse::<i64>().is_ok_and(|id| id > 0)),
        "{claims}"
    );
}

/// What stands before the tag, tagged with the right key.
fn signed_refresh(text: &str) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()));
    let keys = RefreshKey::new(SECRET);
    if let Some((session, counter)) = keys.open(&format!("{text}.{tag}")) {
        let same = keys.open(&keys.token(&session, counter));
        assert_eq!(same, Some((session, counter)));
    }
}

/// A `Cookie` header; with a value, also the cookies in which exactly this is sealed.
fn cookies(text: &str, sealed: Option<&Value>) {
    let (flows, devices) = (FlowKey::derive(&SECRET), DeviceKey::derive(&SECRET));
    let account = LimitKey::derive(&SECRET).account("ada@example.com");
    let state = sealed.map_or(text, |value| value["state"].as_str().unwrap_or_default());
    let cookie = sealed.map_or_else(
        || text.to_owned(),
        |value| {
            let (flow, device) = (flow::cookie_name(state), device::cookie_name(&account));
            let flow_value = Seal::derive(&SECRET, flow::LABEL).seal(&flow, value);
            let device_value = Seal::derive(&SECRET, device::LABEL).seal(&device, value);
            format!("{flow}={flow_value}; {device}={device_value}")
        },
    );
    let Ok(cookie) = HeaderValue::from_str(&cookie) else {
        return;
    };
    let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
    let now = Timestamp::now();
    let (flow, device) = (
        flows.find(&headers, state, now),
        devices.find(&headers, &account, Some(HASH), now),
    );
    assert!(
        sealed.is_some() || (flow.is_none() && device.is_none()),
        "nobody sealed {text}"
    );
    if let Some(flow) = flow {
        assert_eq!(flow.state, state);
        flows.keep(&flow, &headers).expect("a cookie");
    }
    devices
        .keep(&headers, &account, HASH, now)
        .expect("a cookie");
}

fn keys(private: bool) -> Value {
    let x = URL_SAFE_NO_PAD.encode(PAIR.public_key());
    let mut key =
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KID, "x": x });
    if private {
        key["d"] = URL_SAFE_NO_PAD.encode(SECRET).into();
    }
    json!({ "keys": [key] })
}

/// An environment, `NAME=VALUE` a line. What is not in it is as a deployment has it.
///
/// # Panics
/// When what is said of a mistake tells a secret.
pub fn configuration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut values: HashMap<String, String> = HashMap::from_iter(
        [
            ("PUBLIC_BASE_URL", PUBLIC.to_owned()),
            ("DATABASE_URL", "mysql://crm@127.0.0.1/crm".to_owned()),
            ("SIGNING_KEYS", keys(true).to_string()),
            ("VERIFYING_KEYS", keys(false).to_string()),
            ("REFRESH_KEY", URL_SAFE_NO_PAD.encode(SECRET)),
            ("PRIVACY_KEY", URL_SAFE_NO_PAD.encode(SECRET)),
            (
                "IMAGE_URL_KEYS",
                format!("k:{}", URL_SAFE_NO_PAD.encode(&SECRET[..16])),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        // What is in this machine's files is no business of a fuzzer's.
        if !value.contains("file:") {
            values.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut env = Env::of(values.clone());
    let common = server::Config::read(&mut env);
    let own = Config::read(&mut env, common.as_ref());
    let urls = ImageUrls::read(&mut env, common.as_ref().map(|common| &common.public));
    let privacy = PrivacyKey::read(&mut env);
    let all = common.zip(own).zip(urls).zip(privacy);
    let told = match env.finish(all) {
        Ok(config) => format!("{config:?}"),
        Err(mistakes) => mistakes.to_string(),
    };
    for name in SECRETS {
        let secret = values.get(name).filter(|value| value.len() > 12);
        let elsewhere = |secret: &String| {
            values
                .iter()
                .any(|(other, value)| other != name && value.contains(secret.as_str()))
        };
        if let Some(secret) = secret.filter(|secret| !elsewhere(secret)) {
            assert!(!told.contains(secret.as_str()), "{name} is told: {told}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    /// Feeds what a fuzzer begins with.
    fn feed(target: &str, fed: fn(&[u8])) {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzzing/seeds");
        let seeds = fs::read_dir(seeds.join(target)).expect("seeds");
        let mut count = 0;
        for seed in seeds {
            fed(&fs::read(seed.expect("readable").path()).expect("readable"));
            count += 1;
        }
        assert!(count > 3, "{target} has seeds");
    }

    #[test]
    fn what_a_fuzzer_begins_with_is_borne() {
        feed("tokens", tokens);
        feed("configuration", configuration);
    }

    #[test]
    fn what_is_signed_or_sealed_here_is_as_the_product_does_it() {
        let now = Timestamp::now().seconds();
        let claims = json!({ "iss": PUBLIC, "aud": PUBLIC, "sub": "1", "sid": "0".repeat(32), "role": "user",
            "iat": now, "exp": now + 600, "jti": "0" });
        let header = json!({ "alg": "EdDSA", "typ": TOKEN_TYPE, "kid": KID });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let tag = URL_SAFE_NO_PAD.encode(PAIR.sign(signed.as_bytes()));
        assert!(taken(&format!("Bearer {signed}.{tag}")));
        assert!(!taken(&format!("Bearer {signed}.{}", &tag[1..])));
        signed_access(&format!("{header}\n{claims}"));
        let flow = json!({ "provider": "google", "state": "s", "nonce": "n", "verifier": "v",
            "redirect_uri": "u", "return_to": null, "link": null, "began": now });
        let name = flow::cookie_name("s");
        let sealed = Seal::derive(&SECRET, flow::LABEL).seal(&name, &flow);
        let cookie = HeaderValue::from_str(&format!("{name}={sealed}")).expect("a header");
        let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
        let found = FlowKey::derive(&SECRET).find(&headers, "s", Timestamp::now());
        assert!(found.is_some());
        cookies("", Some(&flow));
    }
}
