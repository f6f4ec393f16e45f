//! Signing in, refreshing, signing out, and one's own account.
//!
//! F1 to F10 are attacks on refresh tokens, here and in replicas.rs and production/refresh.rs. F11: `tests/run` runs all
//! of them on SQLite and on MariaDB.

use crate::tokens::part;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{
    ADMIN, Answer, Client, Options, PASSWORD, Product,
    database::{execute, number},
};
use tokio::task::JoinSet;

const DAY: u32 = 24 * 60 * 60;
const OTHER: &str = "another horse, another battery";

async fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    let credentials = json!({ "email": email, "password": password });
    client.post("/login", credentials).await
}

async fn refresh(product: &Product, token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    product.anyone().post("/token", body).await
}

/// The next refresh token.
async fn next(product: &Product, token: &str) -> String {
    let tokens = refresh(product, token).await.is(200).json();
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

async fn refuses(product: &Product, token: &str) {
    let answer = refresh(product, token).await.is(401);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    answer.problem(401, "invalid_refresh_token");
}

/// Moves a column of all sessions back in time.
async fn age(product: &Product, column: &str, seconds: i64) {
    let sql = format!("UPDATE sessions SET {column} = {column} - {seconds}000000");
    execute(&product.database_url(), &sql).await;
}

/// Asks for the next tokens as a browser does: with the cookie, and without a body.
async fn by_cookie(product: &Product, token: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = product.anyone().request(Method::POST, "/token");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let cookie = format!("theme=dark; __Host-refresh={token}; x=y");
    Answer::of(request.header("cookie", cookie)).await
}

/// The one cookie that is set: its value, and its attributes but how long it lives.
fn set_cookie(headers: &HeaderMap) -> (String, u64) {
    let mut values = headers.get_all("set-cookie").iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        panic!("not one cookie");
    };
    let mut parts = value.to_str().unwrap().split("; ");
    let value = parts
        .next()
        .and_then(|pair| pair.strip_prefix("__Host-refresh="));
    let attributes: BTreeSet<_> = parts.collect();
    let age = attributes
        .iter()
        .find_map(|one| one.strip_prefix("Max-Age="));
    let age = age.unwrap();
    let exact = [
        "HttpOnly",
        &format!("Max-Age={age}"),
        "Path=/",
        "SameSite=Strict",
        "Secure",
    ];
    assert_eq!(attributes, BTreeSet::from(exact));
    (value.unwrap().to_owned(), age.parse().unwrap())
}

/// The names of an object's members, sorted.
fn keys(value: &Value) -> Vec<&str> {
    let members = value.as_object().unwrap();
    members.keys().map(String::as_str).collect()
}

/// What a 422 has to name, from `{"field": "code"}`.
pub(crate) fn errors(value: &Value) -> Vec<(&str, &str)> {
    let members = value.as_object().unwrap().iter();
    members
        .map(|(field, code)| (field.as_str(), code.as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn signing_in_answers_tokens_that_say_what_the_contract_says() {
    let product = Product::start().await;
    let answer = log_in(&product.anyone(), "ADMIN@Example.COM", PASSWORD)
        .await
        .is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("set-cookie").starts_with("__Host-device-"));
    let mut tokens = answer.json();
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| tokens[name].take());
    let expected = json!({
        "access_token": null, "token_type": "Bearer", "expires_in": 600, "refresh_token": null,
        "refresh_expires_in": 30 * DAY,
    });
    assert_eq!(tokens, expected);
    let access = access.as_str().unwrap();
    let (header, mut claims) = (part(access, 0), part(access, 1));
    let jwks = product
        .anyone()
        .get("/.well-known/jwks.json")
        .await
        .is(200)
        .json();
    let kid = &jwks["keys"][0]["kid"];
    assert_eq!(
        header,
        json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid })
    );
    let [sid, jti] = ["sid", "jti"].map(|name| claims[name].take());
    let (iat, exp) = (claims["iat"].take().as_i64(), claims["exp"].take().as_i64());
    assert_eq!(exp.unwrap() - iat.unwrap(), 600);
    let expected = json!({
        "iss": product.base, "aud": product.base, "sub": "1", "sid": null, "role": "admin", "iat": null, "exp": null,
        "jti": null,
    });
    assert_eq!(claims, expected);
    assert!(refresh.as_str().unwrap().contains(sid.as_str().unwrap()));
    // Another sign-in is another session, whatever the client brings along.
    let again = product.anyone().with_token(access);
    let again = log_in(&again, &format!(" {ADMIN} "), PASSWORD)
        .await
        .is(200)
        .json();
    let again = part(again["access_token"].as_str().unwrap(), 1);
    assert!(again["sid"] != sid && again["jti"] != jti);
    let sessions = number(&product.database_url(), "SELECT COUNT(*) FROM sessions").await;
    assert_eq!(sessions, 2);
}

#[tokio::test]
async fn t5_every_failed_sign_in_gets_the_same_answer() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for (email, password) in [
        ("off@example.com", Some(PASSWORD)),
        ("bare@example.com", None),
        ("gone@example.com", Some(PASSWORD)),
    ] {
        let new = json!({ "email": email, "password": password });
        admin.post("/users", new).await.is(201);
    }
    log_in(&product.anyone(), "off@example.com", PASSWORD)
        .await
        .is(200);
    admin
        .patch("/users/2", json!({ "status": "disabled" }))
        .await
        .is(200);
    admin.delete("/users/4").await.is(204);
    let mut seen = BTreeSet::new();
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        (ADMIN, "wrong"),
        (ADMIN, ""),
        (ADMIN, "correct horse battery "),
        (ADMIN, "Correct horse battery"),
        ("off@example.com", PASSWORD),
        ("off@example.com", "wrong"),
        ("bare@example.com", PASSWORD),
        ("bare@example.com", ""),
        ("gone@example.com", PASSWORD),
    ] {
        let answer = log_in(&product.anyone(), email, password).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let id = answer.header("x-request-id");
        let body = answer.text().replace(&id, "ID");
        let headers = answer
            .headers
            .iter()
            .filter(|(name, _)| *name != "date" && *name != "x-request-id");
        seen.insert((
            body,
            headers.map(|pair| format!("{pair:?}")).collect::<Vec<_>>(),
        ));
        answer.problem(401, "invalid_credentials");
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn what_is_no_sign_in_is_refused_field_by_field() {
    let product = Product::start().await;
    let anyone = product.anyone();
    let right = json!({ "email": ADMIN, "password": PASSWORD });
    anyone.post("/login", right.clone()).await.is(200);
    let mut more = right;
    more["remember"] = json!(true);
    let cases = json!([
        ["/login", {}, { "email": "required", "password": "required" }],
        ["/login", { "email": null, "password": 7 }, { "email": "required", "password": "wrong_type" }],
        ["/login", { "email": "", "password": "x" }, { "email": "too_short" }],
        ["/login", { "email": "a".repeat(255), "password": "x" }, { "email": "too_long" }],
        ["/login", { "email": "a\0b", "password": "x".repeat(513) },
            { "email": "control_character", "password": "too_long" }],
        ["/login", { "emial": ADMIN, "password": PASSWORD }, { "email": "required", "emial": "unknown_field" }],
        ["/login", more, { "remember": "unknown_field" }],
        ["/token", {}, { "refresh_token": "required" }],
        ["/token", { "refresh_token": null }, { "refresh_token": "required" }],
        ["/token", { "refresh_token": 7 }, { "refresh_token": "wrong_type" }],
        ["/token", { "refresh_token": "x", "a": 1 }, { "a": "unknown_field" }],
    ]);
    for case in cases.as_array().unwrap() {
        let path = case[0].as_str().unwrap();
        let answer = anyone.post(path, case[1].clone()).await;
        answer.invalid(&errors(&case[2]));
    }
    for path in ["/login", "/token"] {
        anyone
            .post(path, json!([]))
            .await
            .problem(400, "malformed_body");
        let bare = anyone.request(Method::POST, path);
        Answer::of(bare)
            .await
            .problem(415, "unsupported_media_type");
    }
    // C3: no token is ever given to a link, a form or an image.
    let link = anyone.get("/login").await.is(200);
    assert!(!link.text().contains("token") && link.header("set-cookie").is_empty());
    for path in ["/token", "/logout"] {
        let answer = anyone.get(path).await;
        assert_eq!(answer.header("allow"), "POST");
        answer.problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn f2_a_refresh_rotates_and_a_lost_answer_can_be_asked_for_again() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let first = admin.refresh.clone().unwrap();
    let answer = refresh(&product, &first).await.is(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "");
    let tokens = answer.json();
    let expected = [
        "access_token",
        "expires_in",
        "refresh_expires_in",
        "refresh_token",
        "token_type",
    ];
    assert_eq!(
        (keys(&tokens), &tokens["expires_in"]),
        (expected.to_vec(), &json!(600))
    );
    let (old, new) = (
        admin.token.unwrap(),
        tokens["access_token"].as_str().unwrap(),
    );
    let (old, claims) = (part(&old, 1), part(new, 1));
    assert!(old["sid"] == claims["sid"] && old["jti"] != claims["jti"]);
    product.anyone().with_token(new).get("/me").await.is(200);
    let second = tokens["refresh_token"].as_str().unwrap();
    assert_ne!(second, first);
    // F2: asked for again, even when half of the 20 seconds are over, or another replica's clock is ahead (F10).
    for seconds in [0, 10, -120] {
        age(&product, "refreshed_at", seconds).await;
        assert_eq!(next(&product, &first).await, second);
    }
    let third = next(&product, second).await;
    assert!(third != first && third != second);
    assert_eq!(next(&product, second).await, third);
}

#[tokio::test]
async fn f1_sixty_four_refreshes_at_once_have_one_successor() {
    let product = Product::start().await;
    let first = product.admin().await.refresh.unwrap();
    let mut racers = JoinSet::new();
    let shared = product.anyone();
    for racer in 0..64 {
        // Half of them share a connection, the others have their own.
        let client = match racer % 2 {
            0 => shared.clone(),
            _ => product.anyone(),
        };
        let body = json!({ "refresh_token": first });
        racers.spawn(async move { client.post("/token", body).await });
    }
    let mut successors = BTreeSet::new();
    while let Some(racer) = racers.join_next().await {
        let tokens = racer.unwrap().is(200).json();
        successors.insert(tokens["refresh_token"].as_str().unwrap().to_owned());
    }
    assert_eq!(successors.len(), 1, "{successors:?}");
    let counter = number(&product.database_url(), "SELECT counter FROM sessions").await;
    assert_eq!(counter, 1);
    next(&product, &successors.pop_first().unwrap()).await;
}

#[tokio::test]
async fn f3_f9_a_token_from_before_the_previous_ends_the_session_for_good() {
    let product = Product::start().await;
    let client = product.admin().await;
    let (other, first) = (product.admin().await, client.refresh.clone().unwrap());
    let second = next(&product, &first).await;
    let third = next(&product, &second).await;
    refuses(&product, &first).await;
    for token in [&first, &second, &third] {
        refuses(&product, token).await;
    }
    client.get("/me").await.problem(401, "unauthenticated");
    // F9: a power cut does not bring it back; other sessions are not touched.
    let product = product.kill_and_restart().await;
    for token in [&first, &second, &third] {
        refuses(&product, token).await;
    }
    next(&product, &other.refresh.unwrap()).await;
}

#[tokio::test]
async fn f4_the_previous_token_ends_the_session_once_twenty_seconds_are_over() {
    let product = Product::start().await;
    let client = product.admin().await;
    let first = client.refresh.clone().unwrap();
    let second = next(&product, &first).await;
    client.get("/me").await.is(200);
    age(&product, "refreshed_at", 21).await;
    refuses(&product, &first).await;
    refuses(&product, &second).await;
    client.get("/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_ends_by_itself_after_thirty_idle_days_or_ninety_in_all() {
    let day = i64::from(DAY);
    for (column, lasts) in [("refreshed_at", 30), ("created_at", 90)] {
        let product = Product::start().await;
        let client = product.admin().await;
        age(&product, column, (lasts - 1) * day).await;
        let left = client.get("/me/sessions").await.is(200).json();
        assert_eq!(left["data"].as_array().unwrap().len(), 1);
        let tokens = refresh(&product, client.refresh.as_deref().unwrap())
            .await
            .is(200)
            .json();
        let left = tokens["refresh_expires_in"].as_i64().unwrap();
        // A refresh begins the thirty days anew, but never the ninety.
        let expected = if lasts == 30 { 30 * day } else { day };
        assert!((expected - 60..=expected).contains(&left), "{left}");
        age(&product, column, lasts * day + 1).await;
        refuses(&product, tokens["refresh_token"].as_str().unwrap()).await;
        let left = client.get("/me/sessions").await.is(200).json();
        assert_eq!(left, json!({ "data": [], "next_cursor": null }));
    }
}

#[tokio::test]
async fn f5_f6_a_forged_refresh_token_is_refused_and_ends_nothing() {
    let product = Product::start().await;
    let (one, other) = (product.admin().await, product.user("bo@example.com").await);
    let [one, other] = [one, other].map(|client| client.refresh.unwrap());
    let parts: Vec<_> = one.split('.').collect();
    let [form, sid, counter, tag] = parts[..] else {
        panic!("{one}");
    };
    let theirs = other.split('.').nth(1).unwrap();
    let (short, other_tag) = (&tag[..tag.len() - 1], other.rsplit('.').next().unwrap());
    let last = char::from(tag.as_bytes()[tag.len() - 1] + 1);
    assert_eq!(counter, "0");
    for forged in [
        // F5
        format!("{form}.{sid}.1.{tag}"),
        format!("{form}.{sid}.-1.{tag}"),
        format!("{form}.{sid}.00.{tag}"),
        format!("{form}.{sid}.9223372036854775807.{tag}"),
        // F6
        format!("{form}.{theirs}.0.{tag}"),
        format!("{form}.{sid}.0.{other_tag}"),
        format!("rt2.{sid}.0.{tag}"),
        format!("{form}.{sid}.0."),
        format!("{form}.{sid}.0.{short}"),
        format!("{form}.{sid}.0.{short}{last}"),
        format!("{form}.{sid}.0.{tag}="),
        format!("{form}.{sid}.0.{tag}.{tag}"),
        format!("{form}.{}.0.{tag}", sid.to_uppercase()),
        one.replace('.', "|"),
        "x".to_owned(),
        "' OR '1'='1".to_owned(),
    ] {
        if forged != one {
            refuses(&product, &forged).await;
        }
    }
    next(&product, &one).await;
    next(&product, &other).await;
}

#[tokio::test]
async fn f7_whatever_ends_a_session_ends_both_its_tokens_at_once() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for (way, id) in [
        "logout",
        "disabled",
        "password",
        "own password",
        "deleted",
        "session",
    ]
    .iter()
    .zip(2..)
    {
        println!("{way}");
        let email = format!("user{id}@example.com");
        let client = product.user(&email).await;
        let (user, me) = (
            format!("/users/{id}"),
            client.get("/me").await.is(200).json(),
        );
        assert_eq!(me["id"], id);
        let other = product.anyone().signed_in(&email, PASSWORD).await;
        match *way {
            "logout" => drop(
                Answer::of(client.request(Method::POST, "/logout"))
                    .await
                    .is(204),
            ),
            "disabled" => {
                admin
                    .patch(&user, json!({ "status": "disabled" }))
                    .await
                    .is(200);
                // Being let in again does not bring an old session back.
                admin
                    .patch(&user, json!({ "status": "active" }))
                    .await
                    .is(200);
            }
            "password" => drop(
                admin
                    .patch(&user, json!({ "password": OTHER }))
                    .await
                    .is(200),
            ),
            "own password" => {
                let change = json!({ "current_password": PASSWORD, "new_password": OTHER });
                other.put("/me/password", change).await.is(204);
            }
            "deleted" => drop(admin.delete(&user).await.is(204)),
            _ => {
                let sid = part(client.token.as_deref().unwrap(), 1)["sid"].clone();
                let path = format!("/me/sessions/{}", sid.as_str().unwrap());
                other.delete(&path).await.is(204);
            }
        }
        client.get("/me").await.problem(401, "unauthenticated");
        refuses(&product, client.refresh.as_deref().unwrap()).await;
        let spared = ["logout", "own password", "session"].contains(way);
        let status = if spared { 200 } else { 401 };
        other.get("/me").await.is(status);
        refresh(&product, other.refresh.as_deref().unwrap())
            .await
            .is(status);
    }
}

#[tokio::test]
async fn signing_out_clears_the_cookie() {
    let product = Product::start().await;
    let client = product.admin().await;
    let out = || client.request(Method::POST, "/logout");
    let answer = Answer::of(out()).await.is(204);
    assert_eq!(
        (answer.header("cache-control"), answer.bytes.len()),
        ("no-store".to_owned(), 0)
    );
    assert_eq!(set_cookie(&answer.headers), (String::new(), 0));
    Answer::of(out()).await.problem(401, "unauthenticated");
    let anyone = product.anyone().request(Method::POST, "/logout");
    Answer::of(anyone).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_refresh_cookie_works_only_from_our_own_pages() {
    let app = "https://app.example.com";
    let env = vec![("CORS_ALLOWED_ORIGINS", app.to_owned())];
    let product = Product::start_with(Options { env }).await;
    let base = product.base.as_str();
    let mut token = product.admin().await.refresh.unwrap();
    for refused in [
        // C5, C4, C6
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example.com"),
        ],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", "https://evil.example.com")],
        &[("origin", "https://app.example.com.evil.example.com")],
        &[("origin", "http://app.example.com")],
        &[("origin", "https://app.example.com:444")],
        &[("origin", "https://localhost")],
        &[("referer", base), ("host", "app.example.com")],
    ] {
        println!("{refused:?}");
        by_cookie(&product, &token, refused)
            .await
            .problem(403, "forbidden");
    }
    for allowed in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("sec-fetch-site", "same-origin"), ("origin", base)],
        &[("origin", base)],
        &[("origin", app)],
        &[("sec-fetch-site", "cross-site"), ("origin", app)],
    ] {
        let answer = by_cookie(&product, &token, allowed).await.is(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        let (next, lasts) = set_cookie(&answer.headers);
        let tokens = answer.json();
        let expected = [
            "access_token",
            "expires_in",
            "refresh_expires_in",
            "token_type",
        ];
        assert_eq!(
            (keys(&tokens), tokens["refresh_expires_in"].as_u64()),
            (expected.to_vec(), Some(lasts))
        );
        assert!(next != token && !answer.text().contains(&next) && lasts == u64::from(30 * DAY));
        let access = tokens["access_token"].as_str().unwrap();
        product.anyone().with_token(access).get("/me").await.is(200);
        token = next;
    }
    // A form's post is no JSON, and a cookie beside a body is not looked at.
    let form = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", base),
    ];
    by_cookie(&product, &token, &form)
        .await
        .problem(415, "unsupported_media_type");
    let same = [("sec-fetch-site", "same-origin")];
    by_cookie(&product, "forged", &same)
        .await
        .problem(401, "invalid_refresh_token");
    by_cookie(&product, &token, &same).await.is(200);
}

#[tokio::test]
async fn one_s_own_password_is_changed_by_who_knows_it() {
    let product = Product::start().await;
    let client = product.admin().await;
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        client.put("/me/password", body)
    };
    for wrong in ["wrong", "", OTHER] {
        change(wrong, OTHER)
            .await
            .invalid(&[("current_password", "wrong_password")]);
    }
    change(PASSWORD, "7 chars")
        .await
        .invalid(&[("new_password", "too_short")]);
    change(PASSWORD, &"🔑".repeat(129))
        .await
        .invalid(&[("new_password", "too_long")]);
    change(PASSWORD, "nul \0 inside")
        .await
        .invalid(&[("new_password", "control_character")]);
    let missing = [
        ("current_password", "required"),
        ("new_password", "required"),
        ("password", "unknown_field"),
    ];
    client
        .put("/me/password", json!({ "password": OTHER }))
        .await
        .invalid(&missing);
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER });
    product
        .anyone()
        .put("/me/password", body)
        .await
        .problem(401, "unauthenticated");
    log_in(&product.anyone(), ADMIN, OTHER)
        .await
        .problem(401, "invalid_credentials");
    // 128 characters of four bytes each, and spaces at both ends, count in full.
    let mut old = PASSWORD.to_owned();
    for new in [OTHER.to_owned(), "🔑".repeat(128), "  eight  ".to_owned()] {
        assert_eq!(change(&old, &new).await.is(204).bytes.len(), 0);
        log_in(&product.anyone(), ADMIN, &old)
            .await
            .problem(401, "invalid_credentials");
        log_in(&product.anyone(), ADMIN, new.trim())
            .await
            .is(if new.trim() == new { 200 } else { 401 });
        log_in(&product.anyone(), ADMIN, &new).await.is(200);
        old = new;
    }
    client.get("/me").await.is(200);
    next(&product, client.refresh.as_deref().unwrap()).await;
    let sql =
        "SELECT COUNT(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(number(&product.database_url(), sql).await, 1);
}

#[tokio::test]
async fn a_sign_in_under_way_does_not_outlive_the_old_password() {
    let product = Product::start().await;
    let client = product.admin().await;
    let mut thieves = JoinSet::new();
    for _ in 0..8 {
        // On the open connection: a handshake would take as long as the change itself.
        let thief = client.clone();
        thieves.spawn(async move {
            let mut stolen = Vec::new();
            loop {
                let answer = log_in(&thief, ADMIN, PASSWORD).await;
                match answer.status.as_u16() {
                    200 => stolen.push(answer.json()["refresh_token"].as_str().unwrap().to_owned()),
                    503 => {}
                    _ => return stolen,
                }
            }
        });
    }
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER });
    client.put("/me/password", change).await.is(204);
    let stolen = thieves.join_all().await.concat();
    assert!(!stolen.is_empty());
    for token in stolen {
        refuses(&product, &token).await;
    }
    let sessions = client.get("/me/sessions").await.is(200).json();
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1, "{sessions}");
}

#[tokio::test]
async fn a_change_under_way_does_not_undo_the_password_that_an_administrator_sets() {
    let product = Product::start().await;
    let (admin, user) = (product.admin().await, product.user("bo@example.com").await);
    let mut thieves = JoinSet::new();
    for _ in 0..8 {
        let thief = user.clone();
        thieves.spawn(async move {
            let change = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
            loop {
                let answer = thief.put("/me/password", change.clone()).await;
                if ![204, 503].contains(&answer.status.as_u16()) {
                    return;
                }
            }
        });
    }
    let set = json!({ "password": OTHER });
    admin.patch("/users/2", set).await.is(200);
    thieves.join_all().await;
    let answer = log_in(&product.anyone(), "bo@example.com", PASSWORD).await;
    answer.problem(401, "invalid_credentials");
    log_in(&product.anyone(), "bo@example.com", OTHER)
        .await
        .is(200);
}

#[tokio::test]
async fn one_sees_oneself_and_one_s_own_sessions() {
    let product = Product::start().await;
    let (admin, user) = (product.admin().await, product.user("Bo@example.com").await);
    let mut me = user.get("/me").await.is(200).json();
    assert!(me["created_at"].take().is_string() && me["last_login_at"].take().is_string());
    let expected = json!({
        "id": 2, "email": "Bo@example.com", "name": null, "role": "user", "status": "active", "providers": [],
        "created_at": null, "last_login_at": null,
    });
    assert_eq!(me, expected);
    let second = product
        .anyone()
        .request(Method::POST, "/login")
        .header("user-agent", "Browser/1");
    let second = second.json(&json!({ "email": "bo@example.com", "password": PASSWORD }));
    let second = Answer::of(second).await.is(200).json();
    let second = product
        .anyone()
        .with_token(second["access_token"].as_str().unwrap());
    let id = |client: &Client| {
        part(client.token.as_deref().unwrap(), 1)["sid"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let page = second.get("/me/sessions").await.is(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let mut page = page.json();
    for session in page["data"].as_array_mut().unwrap() {
        for at in ["created_at", "refreshed_at", "expires_at"] {
            assert!(session[at].take().as_str().unwrap().ends_with('Z'));
        }
    }
    let view = |id: String, agent: Value, current: bool| {
        json!({
            "id": id, "created_at": null, "refreshed_at": null, "expires_at": null, "client_address": "127.0.0.1",
            "user_agent": agent, "current": current,
        })
    };
    let data = [
        view(id(&second), json!("Browser/1"), true),
        view(id(&user), Value::Null, false),
    ];
    assert_eq!(page, json!({ "data": data, "next_cursor": null }));
    let first = second.get("/me/sessions?limit=1").await.is(200).json();
    assert_eq!(first["data"].as_array().map(Vec::len), Some(1));
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = format!("/me/sessions?limit=1&cursor={cursor}");
    let last = second.get(&next).await.is(200).json();
    assert_eq!(last["data"][0]["id"], id(&user));
    assert_eq!(last["next_cursor"], Value::Null);
    admin.get(&next).await.problem(400, "invalid_cursor");
    for (path, status, code) in [
        (format!("/me/sessions/{}", id(&admin)), 404, "not_found"),
        (format!("/me/sessions/{}", "0".repeat(32)), 404, "not_found"),
        (
            format!("/me/sessions/{}", id(&user).to_uppercase()),
            400,
            "malformed_path",
        ),
        ("/me/sessions/1".to_owned(), 400, "malformed_path"),
    ] {
        user.delete(&path).await.problem(status, code);
    }
    admin.get("/me").await.is(200);
    let (own, other) = (
        format!("/me/sessions/{}", id(&user)),
        format!("/me/sessions/{}", id(&second)),
    );
    product
        .anyone()
        .delete(&own)
        .await
        .problem(401, "unauthenticated");
    user.delete(&other).await.is(204);
    user.delete(&other).await.problem(404, "not_found");
    second.get("/me").await.problem(401, "unauthenticated");
    user.delete(&own).await.is(204);
    for path in ["/me", "/me/sessions"] {
        user.get(path).await.problem(401, "unauthenticated");
    }
}
