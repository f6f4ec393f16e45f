//! Access tokens that are not ours, and the keys that tell which are: attacks J1 to J15.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{ADMIN, Answer, Client, Options, PASSWORD, Process, Product, SignIn};
use tokio::{net::TcpListener, time::timeout};

/// The JSON in one part of a token.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The two parts of a token that are signed.
fn unsigned(header: &str, claims: &str) -> String {
    let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    parts.join(".")
}

/// Makes tokens as the product makes them, and as it never would.
struct Forge {
    anyone: Client,
    key: Ed25519KeyPair,
    /// What a genuine token says.
    header: Value,
    claims: Value,
}

impl Forge {
    /// Knows the product's private key, and an administrator's session.
    async fn of(product: &Product) -> Self {
        let token = product.admin().await.token.unwrap();
        let keys = product.key("SIGNING_KEYS");
        let keys: Value = serde_json::from_str(&keys).unwrap();
        let seed = URL_SAFE_NO_PAD.decode(keys["keys"][0]["d"].as_str().unwrap());
        Self {
            anyone: product.anyone(),
            key: Ed25519KeyPair::from_seed_unchecked(&seed.unwrap()).unwrap(),
            header: part(&token, 0),
            claims: part(&token, 1),
        }
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let signed = unsigned(header, claims);
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn genuine(&self) -> String {
        self.sign(&self.header.to_string(), &self.claims.to_string())
    }

    /// Well signed, with another header; `None` takes the member away.
    fn with_header(&self, name: &str, value: Option<Value>) -> String {
        self.sign(&with(&self.header, name, value), &self.claims.to_string())
    }

    /// Well signed, with another claim; `None` takes it away.
    fn with_claim(&self, name: &str, value: Option<Value>) -> String {
        self.sign(&self.header.to_string(), &with(&self.claims, name, value))
    }

    async fn send(&self, authorization: &[&str]) -> Answer {
        let mut request = self.anyone.request(reqwest::Method::GET, "/me");
        for value in authorization {
            request = request.header("authorization", *value);
        }
        Answer::of(request).await
    }

    async fn accepts(&self, token: &str) {
        let me = self.send(&[&format!("Bearer {token}")]).await.is(200);
        assert_eq!(me.header("content-type"), "application/json");
        assert_eq!(me.json()["email"], ADMIN);
    }

    async fn refuses(&self, token: &str) {
        self.refuses_headers(&[&format!("Bearer {token}")]).await;
    }

    async fn refuses_headers(&self, authorization: &[&str]) {
        println!("{authorization:?}");
        let answer = self.send(authorization).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        answer.problem(401, "unauthenticated");
    }
}

fn with(object: &Value, name: &str, value: Option<Value>) -> String {
    let mut object = object.clone();
    match value {
        Some(value) => object[name] = value,
        None => drop(object.as_object_mut().unwrap().remove(name)),
    }
    object.to_string()
}

fn hmac_signed(algorithm: &str, header: &Value, claims: &Value, secret: &[u8]) -> String {
    let hash = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let header = with(header, "alg", Some(json!(algorithm)));
    let signed = unsigned(&header, &claims.to_string());
    let tag = hmac::sign(&hmac::Key::new(hash, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn the_published_keys_are_public_and_cacheable() {
    let product = Product::start().await;
    let forge = Forge::of(&product).await;
    let jwks = product.anyone().get("/.well-known/jwks.json").await.is(200);
    assert_eq!(jwks.header("content-type"), "application/json");
    assert_eq!(jwks.header("cache-control"), "public, max-age=600");
    let x = URL_SAFE_NO_PAD.encode(forge.key.public_key());
    let key = json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": forge.header["kid"], "x": x,
    });
    assert_eq!(jwks.json(), json!({ "keys": [key] }));
}

#[tokio::test]
async fn a_private_key_among_the_verifying_ones_is_not_published() {
    let seed = [9; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let (x, d) = (pair.public_key().as_ref(), &seed[..]);
    let [x, d] = [x, d].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x, "d": d }] });
    let env = ["SIGNING_KEYS", "VERIFYING_KEYS"].map(|name| (name, keys.to_string()));
    let options = Options { env: env.to_vec() };
    let product = Product::start_with(options).await;
    product.admin().await.get("/me").await.is(200);
    let jwks = product.anyone().get("/.well-known/jwks.json").await.is(200);
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x }] });
    assert_eq!(jwks.json(), keys);
}

#[tokio::test]
async fn j1_j2_j3_a_token_without_a_signature_of_ours_is_refused() {
    let product = Product::start().await;
    let forge = Forge::of(&product).await;
    forge.accepts(&forge.genuine()).await;
    // J1: `none` in every spelling, with no signature and with a right one; and algorithms that do not exist.
    for alg in [
        "none", "None", "NONE", "nOnE", "", "eddsa", "ES256", "RS256",
    ] {
        let header = with(&forge.header, "alg", Some(json!(alg)));
        let bare = unsigned(&header, &forge.claims.to_string());
        forge.refuses(&format!("{bare}.")).await;
        forge
            .refuses(&forge.with_header("alg", Some(json!(alg))))
            .await;
    }
    for alg in [
        None,
        Some(Value::Null),
        Some(json!(["EdDSA"])),
        Some(json!(0)),
    ] {
        forge.refuses(&forge.with_header("alg", alg)).await;
    }
    // J2: what everybody knows taken for an HMAC's secret. J3: the original system's secret.
    let jwks = product.anyone().get("/.well-known/jwks.json").await.is(200);
    let public = forge.key.public_key().as_ref();
    let der = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", public].concat();
    let lines = STANDARD.encode(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n");
    let kid = forge.header["kid"].as_str().unwrap();
    let text = URL_SAFE_NO_PAD.encode(public);
    let file = product.key("VERIFYING_KEYS");
    let secrets: [&[u8]; 10] = [
        public,
        text.as_bytes(),
        &der,
        pem.as_bytes(),
        pem.trim().as_bytes(),
        &jwks.bytes,
        file.as_bytes(),
        kid.as_bytes(),
        b"",
        b"supersecretkey",
    ];
    for secret in secrets {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let token = hmac_signed(algorithm, &forge.header, &forge.claims, secret);
            forge.refuses(&token).await;
        }
    }
    // Somebody else's key under the name of ours.
    let thief = Forge {
        key: Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap(),
        anyone: product.anyone(),
        header: forge.header.clone(),
        claims: forge.claims.clone(),
    };
    forge.refuses(&thief.genuine()).await;
    forge.accepts(&forge.genuine()).await;
}

#[tokio::test]
async fn j4_a_kid_only_picks_one_of_our_keys() {
    let product = Product::start().await;
    let forge = Forge::of(&product).await;
    forge
        .accepts(&forge.with_header("kid", Some(forge.header["kid"].clone())))
        .await;
    let long = "k".repeat(10_000);
    let kids = json!([
        null,
        0,
        [forge.header["kid"]],
        "",
        "unknown",
        "../../keys/verifying.json",
        "/dev/null",
        "' OR '1'='1",
        "k' UNION SELECT 'x",
        "http://127.0.0.1/jwks.json",
        "\0",
        long[..1_000],
        long
    ]);
    let kids = kids.as_array().unwrap().clone();
    for kid in kids.into_iter().map(Some).chain([None]) {
        forge.refuses(&forge.with_header("kid", kid)).await;
    }
    let twice = forge
        .header
        .to_string()
        .replacen('{', r#"{"kid":"other","#, 1);
    forge
        .refuses(&forge.sign(&twice, &forge.claims.to_string()))
        .await;
}

#[tokio::test]
async fn j5_j11_a_token_that_brings_its_own_key_or_rules_is_refused() {
    let product = Product::start().await;
    let forge = Forge::of(&product).await;
    forge.accepts(&forge.genuine()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let thief = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let x = URL_SAFE_NO_PAD.encode(thief.public_key());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "theirs", "x": x });
    let thief = Forge {
        key: thief,
        anyone: product.anyone(),
        header: forge.header.clone(),
        claims: forge.claims.clone(),
    };
    for (name, value) in [
        ("jku", json!(uri)),
        ("x5u", json!(uri)),
        ("jwk", jwk),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!([])),
    ] {
        forge
            .refuses(&thief.with_header(name, Some(value.clone())))
            .await;
        forge
            .refuses(&forge.with_header(name, Some(value.clone())))
            .await;
        for kid in [Some(json!("theirs")), None] {
            let mut header = forge.header.clone();
            header[name] = value.clone();
            let header = with(&header, "kid", kid);
            forge
                .refuses(&thief.sign(&header, &forge.claims.to_string()))
                .await;
        }
    }
    let hit = timeout(Duration::ZERO, listener.accept()).await;
    assert!(hit.is_err(), "the product followed an address of the token");
}

#[tokio::test]
async fn j12_a_token_of_another_kind_is_refused() {
    let product = Product::start().await;
    let forge = Forge::of(&product).await;
    forge
        .accepts(&forge.with_header("typ", Some(json!("at+jwt"))))
        .await;
    for typ in [
        Some(json!("JWT")),
        Some(json!("id+jwt")),
        Some(json!("")),
        Some(Value::Null),
        None,
    ] {
        forge.refuses(&forge.with_header("typ", typ)).await;
    }
    // J12: a refresh token is no access token, nor the other way round.
    let admin = product.admin().await;
    forge.refuses(admin.refresh.as_deref().unwrap()).await;
    let body = json!({ "refresh_token": forge.genuine() });
    let answer = product.anyone().post("/token", body).await;
    answer.problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn j6_j7_j8_a_claim_that_is_not_ours_is_refused() {
    let product = Product::start().await;
    product.user("bo@example.com").await;
    let forge = Forge::of(&product).await;
    let (base, now) = (json!(product.base), forge.claims["iat"].as_i64().unwrap());
    forge
        .accepts(&forge.with_claim("aud", Some(base.clone())))
        .await;
    forge
        .accepts(&forge.with_claim("exp", Some(json!(now + 60))))
        .await;
    forge
        .accepts(&forge.with_claim("nbf", Some(json!(now))))
        .await;
    let (slash, other) = (format!("{}/", product.base), "https://other.example.com");
    let (later, float) = (now + 60, now as f64 + 60.5);
    let bad = json!({
        // J6, and the same for `iss`.
        "aud": [other, slash, [base], [base, other], [], "", null],
        "iss": [other, slash, [base], "", null],
        // J7: past, and of every other type.
        "exp": [now - 60, 0, -1, i64::MIN, u64::MAX, later.to_string(), float, [later], {}, true, null],
        // J8.
        "nbf": [later, later.to_string(), [later]],
        // Well signed, and nobody's: the session is another user's, or there is none.
        "sub": ["2", "999", "0", "-1", "1 OR 1=1", "99999999999999999999", 1, null],
        "sid": ["0123456789abcdef0123456789abcdef", "' OR '1'='1", 0, null],
        "role": ["root", "", null],
    });
    for (name, values) in bad.as_object().unwrap() {
        for value in values.as_array().unwrap() {
            forge
                .refuses(&forge.with_claim(name, Some(value.clone())))
                .await;
        }
    }
    for name in ["aud", "iss", "exp", "sub", "sid"] {
        forge.refuses(&forge.with_claim(name, None)).await;
    }
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let exp = format!("\"exp\":{}", forge.claims["exp"]);
    assert!(claims.contains(&exp));
    for odd in ["\"exp\":1e400", "\"exp\":1e10", "\"exp\":NaN", "\"exp\":"] {
        forge
            .refuses(&forge.sign(&header, &claims.replace(&exp, odd)))
            .await;
    }
    for claims in ["", "null", "[]", "{}", "\"\"", "{"] {
        forge.refuses(&forge.sign(&header, claims)).await;
    }
}

#[tokio::test]
async fn j9_an_edited_token_is_refused() {
    let product = Product::start().await;
    let user = product.user("bo@example.com").await;
    let forge = Forge::of(&product).await;
    let (token, other) = (user.token.clone().unwrap(), forge.genuine());
    user.get("/me").await.is(200);
    forge.accepts(&other).await;
    // J9: what the user would like to be, under the signature of what they are.
    let [header, claims, signature] = [0, 1, 2].map(|index| token.split('.').nth(index).unwrap());
    for (name, value) in [
        ("role", json!("admin")),
        ("sub", json!("1")),
        ("exp", json!(9_999_999_999_i64)),
    ] {
        let edited = URL_SAFE_NO_PAD.encode(with(&part(&token, 1), name, Some(value)));
        forge
            .refuses(&format!("{header}.{edited}.{signature}"))
            .await;
    }
    let theirs = other.split('.').nth(1).unwrap();
    forge
        .refuses(&format!("{header}.{theirs}.{signature}"))
        .await;
    for at in [0, 40, 85] {
        let mut edited = signature.as_bytes().to_vec();
        edited[at] = if edited[at] == b'A' { b'Q' } else { b'A' };
        let edited = String::from_utf8(edited).unwrap();
        if edited != signature {
            forge.refuses(&format!("{header}.{claims}.{edited}")).await;
        }
    }
    // The last digit carries two bits; the other four must be zero, or one token would have many spellings.
    let (most, last) = signature.split_at(85);
    let twin = char::from(last.as_bytes()[0] + 1);
    forge
        .refuses(&format!("{header}.{claims}.{most}{twin}"))
        .await;
    user.get("/me").await.is(200);
}

#[tokio::test]
async fn j10_a_token_comes_in_one_authorization_header_and_one_shape() {
    let product = Product::start().await;
    let forge = Forge::of(&product).await;
    let token = forge.genuine();
    for scheme in ["Bearer", "bearer", "BEARER", "BeArEr"] {
        forge.send(&[&format!("{scheme} {token}")]).await.is(200);
    }
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let shapes = json!([
        "",
        ".",
        "..",
        "a.b.c",
        signed,
        format!("{signed}."),
        format!("{header}{claims}{signature}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.a.b"),
        format!("{token}.{claims}.{signature}"),
        format!("{token}="),
        format!("{token}=="),
        format!("{header}=.{claims}.{signature}"),
        format!(" {token}"),
        format!("\t{token}"),
        format!("{header} .{claims}.{signature}"),
        format!("{token} x"),
        format!("{token},{token}"),
        format!("\"{token}\""),
        "%61.%62.%63",
    ]);
    for shape in shapes.as_array().unwrap() {
        forge.refuses(shape.as_str().unwrap()).await;
    }
    let (bearer, basic) = (
        format!("Bearer {token}"),
        STANDARD.encode(format!("{ADMIN}:{PASSWORD}")),
    );
    let other = format!("Bearer {}", product.admin().await.token.unwrap());
    for headers in [
        &[][..],
        &[""],
        &["Bearer"],
        &[&token],
        &[&format!("Bearer{token}")],
        &[&format!("Bearer\t{token}")],
        &[&format!("Basic {basic}")],
        &[&format!("Token {token}")],
        &[&bearer, &bearer],
        &[&bearer, &other],
        &[&bearer, &format!("Basic {basic}")],
        &[&format!("Basic {basic}"), &bearer],
    ] {
        forge.refuses_headers(headers).await;
    }
    // RFC 6750's other two ways would put tokens into logs and forms.
    let query = format!("/me?access_token={token}");
    product
        .anyone()
        .get(&query)
        .await
        .problem(401, "unauthenticated");
    let cookie = format!("access_token={token}; token={token}");
    product
        .anyone()
        .get_with("/me", "cookie", &cookie)
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn j13_a_huge_token_is_refused_and_harms_nobody() {
    let product = Product::start().await;
    let forge = Forge::of(&product).await;
    forge.accepts(&forge.genuine()).await;
    for size in [2_048, 2_049, 16_000, 30_000] {
        forge.refuses(&"a".repeat(size)).await;
        forge
            .refuses(&forge.with_claim("more", Some(json!("a".repeat(size * 2 / 3)))))
            .await;
    }
    for size in [40_000, 100_000, 1_000_000] {
        let request = product
            .anyone()
            .with_token(&"a".repeat(size))
            .request(reqwest::Method::GET, "/me");
        // A server may also hang up on so much.
        if let Ok(answer) = Answer::try_of(request).await {
            assert!(
                [401, 431].contains(&answer.status.as_u16()),
                "{}",
                answer.status
            );
        }
        forge.accepts(&forge.genuine()).await;
    }
}

#[tokio::test]
async fn the_role_that_counts_is_the_one_in_the_database() {
    let product = Product::start().await;
    let user = product.user("bo@example.com").await;
    let mut forge = Forge::of(&product).await;
    forge.claims = part(user.token.as_deref().unwrap(), 1);
    let bold = forge.with_claim("role", Some(json!("admin")));
    let bold = product.anyone().with_token(&bold);
    bold.get("/me").await.is(200);
    bold.get("/users").await.problem(403, "forbidden");
}

#[tokio::test]
async fn j14_a_token_of_a_retired_key_is_refused() {
    let rig = SignIn::start().await;
    let names = ["SIGNING_KEYS", "VERIFYING_KEYS", "IMAGE_URL_KEYS"];
    let mut keys: Vec<_> = names.map(|name| (name, rig.product.key(name))).to_vec();
    let old = rig.product.admin().await;
    let mut fresh = old.token.clone().unwrap();
    for (step, old_is_good) in [("publish", true), ("sign", true), ("retire", false)] {
        let before = rig.instance(keys[..2].to_vec()).await;
        let said = Process::output("admin", &["keys", "rotate", step], &keys, "").await;
        for (name, value) in &mut keys {
            let mut lines = said.lines();
            let line = lines.find_map(|line| line.strip_prefix(&format!("{name}='")));
            *value = line.unwrap().trim_end_matches('\'').to_owned();
        }
        let after = rig.instance(keys[..2].to_vec()).await;
        // Both stand beside each other while the step is rolled out, and know each other's tokens.
        for (one, other) in [(&before, &after), (&after, &before)] {
            let signed_in = one.client.clone().signed_in(ADMIN, PASSWORD).await;
            fresh = signed_in.token.unwrap();
            other
                .client
                .clone()
                .with_token(&fresh)
                .get("/me")
                .await
                .is(200);
        }
        let answer = after
            .client
            .clone()
            .with_token(old.token.as_deref().unwrap())
            .get("/me")
            .await;
        match old_is_good {
            true => drop(answer.is(200)),
            false => drop(answer.problem(401, "unauthenticated")),
        }
    }
    let last = rig.instance(keys[..2].to_vec()).await;
    last.client
        .clone()
        .with_token(&fresh)
        .get("/me")
        .await
        .is(200);
    let jwks = last.client.get("/.well-known/jwks.json").await.is(200);
    let kid = part(old.token.as_deref().unwrap(), 0)["kid"].clone();
    assert!(
        !jwks.text().contains(kid.as_str().unwrap()),
        "{}",
        jwks.text()
    );
}

#[tokio::test]
async fn j15_the_token_of_a_deleted_user_is_refused_at_once() {
    let product = Product::start().await;
    let (admin, user) = (product.admin().await, product.user("bo@example.com").await);
    user.get("/me").await.is(200);
    admin.delete("/users/2").await.is(204);
    for path in ["/me", "/customers", "/users", "/customers/1/photo"] {
        let answer = user.get(path).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        answer.problem(401, "unauthenticated");
    }
}
