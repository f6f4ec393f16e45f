//! Users, as administrators keep them.

use crate::{session::errors, tokens::part};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{
    ADMIN, Answer, Client, PASSWORD, Process, Product,
    database::{execute, number},
};
use tokio::task::JoinSet;

const ADMINS: &str = "SELECT COUNT(*) FROM users WHERE role = 'admin' AND status = 'active'";

/// Makes another administrator, signed in.
async fn second_admin(product: &Product, email: &str) -> Client {
    let new = json!({ "email": email, "role": "admin", "password": PASSWORD });
    product.admin().await.post("/users", new).await.is(201);
    product.anyone().signed_in(email, PASSWORD).await
}

/// Makes users without a password, which takes no time.
async fn several(admin: &Client, count: usize) {
    for number in 0..count {
        let new = json!({ "email": format!("user{number}@example.com") });
        admin.post("/users", new).await.is(201);
    }
}

fn ids(page: &Value) -> Vec<i64> {
    let users = page["data"].as_array().unwrap();
    users
        .iter()
        .map(|user| user["id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_user_is_made_found_changed_and_deleted() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let new = json!({ "email": "Bo@Example.com", "name": "  Bo  王 ", "role": "user", "password": PASSWORD });
    let made = admin.post("/users", new).await.is(201);
    assert_eq!(made.header("location"), format!("{}/users/2", product.base));
    assert_eq!(made.header("content-type"), "application/json");
    assert_eq!(made.header("cache-control"), "no-store");
    let user = made.json();
    let at = user["created_at"].as_str().unwrap();
    assert!(at.len() == 27 && at.ends_with('Z'), "{at}");
    let mut expected = json!({
        "id": 2, "email": "Bo@Example.com", "name": "Bo  王", "role": "user", "status": "active", "providers": [],
        "created_at": at, "last_login_at": null,
    });
    assert_eq!(user, expected);
    assert_eq!(admin.get("/users/2").await.is(200).json(), expected);
    product.anyone().signed_in("bo@example.com", PASSWORD).await;
    let found = admin.get("/users/2").await.is(200).json();
    expected["last_login_at"] = found["last_login_at"].clone();
    assert!(found["last_login_at"].as_str() >= Some(at) && found == expected);
    for (patch, name, value) in [
        (json!({}), "name", json!("Bo  王")),
        (json!({ "name": "Bodil" }), "name", json!("Bodil")),
        (json!({ "role": "admin" }), "role", json!("admin")),
        (json!({ "status": "disabled" }), "status", json!("disabled")),
        (json!({ "name": null }), "name", Value::Null),
        (json!({ "status": "active" }), "status", json!("active")),
        (
            json!({ "password": "another password" }),
            "name",
            Value::Null,
        ),
    ] {
        expected[name] = value;
        let patched = admin.patch("/users/2", patch).await.is(200);
        assert_eq!(patched.header("cache-control"), "no-store");
        assert_eq!(patched.json(), expected);
        assert_eq!(admin.get("/users/2").await.is(200).json(), expected);
    }
    let old = json!({ "email": "bo@example.com", "password": PASSWORD });
    product
        .anyone()
        .post("/login", old)
        .await
        .problem(401, "invalid_credentials");
    product
        .anyone()
        .signed_in("bo@example.com", "another password")
        .await;
    assert_eq!(admin.delete("/users/2").await.is(204).bytes.len(), 0);
    for path in ["/users/2", "/users/2?deleted=exclude"] {
        admin.get(path).await.problem(404, "not_found");
    }
    admin.delete("/users/2").await.problem(404, "not_found");
    admin
        .patch("/users/2", json!({ "name": "Bo" }))
        .await
        .problem(404, "not_found");
    let kept = admin.get("/users/2?deleted=include").await.is(200).json();
    let shown = (
        &kept["id"],
        &kept["email"],
        &kept["status"],
        kept["deleted_at"].is_string(),
    );
    assert_eq!(
        shown,
        (
            &json!(2),
            &json!("Bo@Example.com"),
            &json!("disabled"),
            true
        )
    );
    assert_eq!(ids(&admin.get("/users").await.is(200).json()), [1]);
}

#[tokio::test]
async fn a_user_who_is_not_there_is_not_found() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for (id, status, code) in [
        ("2", 404, "not_found"),
        ("9223372036854775807", 404, "not_found"),
        ("9223372036854775808", 400, "malformed_path"),
        ("0", 400, "malformed_path"),
        ("-1", 400, "malformed_path"),
        ("x", 400, "malformed_path"),
        ("1%20OR%201=1", 400, "malformed_path"),
    ] {
        let path = format!("/users/{id}");
        admin.get(&path).await.problem(status, code);
        admin
            .patch(&path, json!({ "status": "disabled" }))
            .await
            .problem(status, code);
        admin.delete(&path).await.problem(status, code);
    }
    for query in ["deleted=only", "deleted=", "delete=include"] {
        admin
            .get(&format!("/users/1?{query}"))
            .await
            .problem(400, "malformed_query");
    }
    admin.get("/users/1/").await.is(200);
    for (path, allow) in [
        ("/users", "GET,HEAD,POST"),
        ("/users/1", "GET,HEAD,PATCH,DELETE"),
    ] {
        let answer = admin.put(path, json!({})).await;
        assert_eq!(answer.header("allow"), allow);
        answer.problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let product = Product::start().await;
    let admin = product.admin().await;
    several(&admin, 5).await;
    let whole = admin.get("/users").await.is(200);
    assert_eq!(
        (whole.header("link"), whole.header("cache-control")),
        (String::new(), "no-store".to_owned())
    );
    assert_eq!(
        (ids(&whole.json()), &whole.json()["next_cursor"]),
        (vec![1, 2, 3, 4, 5, 6], &Value::Null)
    );
    assert_eq!(
        whole.json()["data"][0],
        admin.get("/users/1").await.is(200).json()
    );
    for limit in ["6", "201", "99999999999999999999999"] {
        let page = admin.get(&format!("/users?limit={limit}")).await.is(200);
        assert_eq!(
            (page.header("link"), page.json()),
            (String::new(), whole.json())
        );
    }
    let (mut path, mut seen) = ("/users?limit=2".to_owned(), Vec::new());
    loop {
        let page = admin.get(&path).await.is(200);
        let (link, page) = (page.header("link"), page.json());
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(link, "");
            break;
        };
        path = format!("{}/users?limit=2&cursor={cursor}", product.base);
        assert_eq!(link, format!("<{path}>; rel=\"next\""));
        // What goes, or comes, between two pages moves nobody else.
        if seen.len() == 2 {
            admin.delete("/users/2").await.is(204);
            admin.delete("/users/4").await.is(204);
            admin
                .post("/users", json!({ "email": "late@example.com" }))
                .await
                .is(201);
        }
    }
    assert_eq!(seen, [1, 2, 3, 5, 6, 7]);
}

#[tokio::test]
async fn a_list_that_cannot_be_is_refused() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for query in [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1&limit=2",
        "role=admin",
        "q=a",
    ] {
        println!("{query}");
        admin
            .get(&format!("/users?{query}"))
            .await
            .problem(400, "malformed_query");
    }
    for email in ["a@example.com", "b@example.com"] {
        admin.customer(email).await;
    }
    let theirs = admin.get("/customers?limit=1").await.is(200).json();
    let theirs = theirs["next_cursor"].as_str().unwrap().to_owned();
    for cursor in ["", "1", "x", "%00", "WyJ1c2VycyIsIjEiXQ", &theirs] {
        admin
            .get(&format!("/users?cursor={cursor}"))
            .await
            .problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn a_taken_address_is_refused_until_its_user_is_deleted() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin
        .post("/users", json!({ "email": "José@example.com" }))
        .await
        .is(201);
    let spellings = [
        "José@example.com",
        "JOSÉ@EXAMPLE.COM",
        " jose\u{301}@example.com ",
        "ｊｏｓé@example.com",
    ];
    for email in spellings {
        let problem = admin
            .post("/users", json!({ "email": email }))
            .await
            .problem(409, "email_taken");
        assert!(problem.get("existing").is_none(), "{problem}");
    }
    // Disabled is not deleted.
    admin
        .patch("/users/2", json!({ "status": "disabled" }))
        .await
        .is(200);
    admin
        .post("/users", json!({ "email": spellings[1] }))
        .await
        .problem(409, "email_taken");
    admin.delete("/users/2").await.is(204);
    let again = admin
        .post("/users", json!({ "email": spellings[1] }))
        .await
        .is(201)
        .json();
    assert_eq!(again["email"], spellings[1]);
    let mut racers = JoinSet::new();
    for _ in 0..8 {
        let admin = admin.clone();
        racers.spawn(async move {
            admin
                .post("/users", json!({ "email": "one@example.com" }))
                .await
        });
    }
    let statuses: Vec<_> = racers
        .join_all()
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((count(201), count(409)), (1, 7), "{statuses:?}");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let (name, password) = ("n".repeat(121), "x".repeat(129));
    let (domain, mail) = ("b".repeat(255), "a@example.com");
    let made = json!([
        [{}, { "email": "required" }],
        [{ "email": null }, { "email": "required" }],
        [{ "email": 7, "name": 7, "role": 7, "password": 7 },
            { "email": "wrong_type", "name": "wrong_type", "role": "wrong_type", "password": "wrong_type" }],
        [{ "email": "x", "name": "", "role": "root", "password": "short", "status": "active" },
            { "email": "invalid_email", "name": "too_short", "role": "unknown_value", "password": "too_short",
                "status": "unknown_field" }],
        [{ "email": format!("a@{domain}.com") }, { "email": "too_long" }],
        [{ "email": "a\n@example.com", "name": "a\nb" }, { "email": "invalid_email", "name": "control_character" }],
        [{ "email": mail, "name": name, "role": null, "password": password },
            { "name": "too_long", "role": "required", "password": "too_long" }],
        [{ "email": mail, "role": "Admin", "password": "eight\0chars" },
            { "role": "unknown_value", "password": "control_character" }],
        [{ "email": mail, "id": 7 }, { "id": "unknown_field" }],
    ]);
    for case in made.as_array().unwrap() {
        let answer = admin.post("/users", case[0].clone()).await;
        answer.invalid(&errors(&case[1]));
    }
    let changed = json!([
        [{ "email": "new@example.com" }, { "email": "unknown_field" }],
        [{ "role": null, "status": null, "password": null },
            { "role": "required", "status": "required", "password": "required" }],
        [{ "name": name, "role": "", "status": "deleted", "password": "" },
            { "name": "too_long", "role": "unknown_value", "status": "unknown_value", "password": "too_short" }],
        [{ "name": 1, "role": true, "status": [], "password": {} },
            { "name": "wrong_type", "role": "wrong_type", "status": "wrong_type", "password": "wrong_type" }],
    ]);
    for case in changed.as_array().unwrap() {
        let answer = admin.patch("/users/1", case[0].clone()).await;
        answer.invalid(&errors(&case[1]));
    }
    for (method, path) in [(Method::POST, "/users"), (Method::PATCH, "/users/1")] {
        let request = || admin.request(method.clone(), path);
        Answer::of(request().json(&json!([])))
            .await
            .problem(400, "malformed_body");
        Answer::of(request())
            .await
            .problem(415, "unsupported_media_type");
        let long = json!({ "name": "n".repeat(70_000) });
        Answer::of(request().json(&long))
            .await
            .problem(413, "too_large");
    }
    let edge = json!({ "email": "edge@example.com", "name": "名".repeat(120), "password": "🔑".repeat(128) });
    admin.post("/users", edge).await.is(201);
}

#[tokio::test]
async fn an_address_that_grows_when_compared_is_too_long() {
    let product = Product::start().await;
    let admin = product.admin().await;
    // U+FDFA becomes 18 characters in the form in which addresses are compared.
    let email = format!("{}@example.com", "\u{fdfa}".repeat(20));
    admin
        .post("/users", json!({ "email": email }))
        .await
        .invalid(&[("email", "too_long")]);
}

#[tokio::test]
async fn only_administrators_reach_users() {
    let product = Product::start().await;
    let user = product.user("bo@example.com").await;
    let routes = json!([
        ["GET", "/users"], ["GET", "/users?limit=0"], ["GET", "/users/1"], ["GET", "/users/2"], ["GET", "/users/999"],
        ["GET", "/users/x"], ["POST", "/users", { "email": "new@example.com" }], ["POST", "/users", {}],
        ["PATCH", "/users/2", { "role": "admin" }], ["PATCH", "/users/1", { "status": "disabled" }],
        ["DELETE", "/users/1"], ["DELETE", "/users/2"],
    ]);
    for route in routes.as_array().unwrap() {
        let [method, path] = [0, 1].map(|index| route[index].as_str().unwrap());
        let method: Method = method.parse().unwrap();
        println!("{method} {path}");
        for (client, status, code) in [
            (&user, 403, "forbidden"),
            (&product.anyone(), 401, "unauthenticated"),
        ] {
            let request = client.request(method.clone(), path);
            let request = match route.get(2) {
                Some(body) => request.json(body),
                None => request,
            };
            let answer = Answer::of(request).await;
            let challenge = if status == 401 { "Bearer" } else { "" };
            assert_eq!(answer.header("www-authenticate"), challenge);
            answer.problem(status, code);
        }
    }
    let users = product.admin().await.get("/users").await.is(200).json();
    assert_eq!(
        (ids(&users), &users["data"][1]["role"]),
        (vec![1, 2], &json!("user"))
    );
}

#[tokio::test]
async fn a_role_takes_effect_at_once() {
    let product = Product::start().await;
    let (admin, user) = (product.admin().await, product.user("bo@example.com").await);
    user.get("/users").await.problem(403, "forbidden");
    for (role, status) in [("admin", 200), ("user", 403), ("admin", 200)] {
        admin
            .patch("/users/2", json!({ "role": role }))
            .await
            .is(200);
        user.get("/users").await.is(status);
        let refresh = json!({ "refresh_token": user.refresh });
        let tokens = product
            .anyone()
            .post("/token", refresh)
            .await
            .is(200)
            .json();
        assert_eq!(
            part(tokens["access_token"].as_str().unwrap(), 1)["role"],
            role
        );
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let product = Product::start().await;
    let admin = product.admin().await;
    // Neither a plain, a disabled nor a deleted user could administer.
    product.user("bo@example.com").await;
    for email in ["off@example.com", "gone@example.com"] {
        second_admin(&product, email).await;
    }
    admin
        .patch("/users/3", json!({ "status": "disabled" }))
        .await
        .is(200);
    admin.delete("/users/4").await.is(204);
    let before = admin.get("/users/1").await.is(200).json();
    for patch in [
        json!({ "role": "user" }),
        json!({ "status": "disabled" }),
        json!({ "role": "user", "status": "disabled", "name": "Nobody", "password": "another password" }),
    ] {
        admin
            .patch("/users/1", patch)
            .await
            .problem(409, "last_admin");
    }
    admin.delete("/users/1").await.problem(409, "last_admin");
    // Nothing of it happened: neither to the user nor to their sessions and password.
    assert_eq!(admin.get("/users/1").await.is(200).json(), before);
    let refresh = json!({ "refresh_token": admin.refresh });
    product.anyone().post("/token", refresh).await.is(200);
    product.anyone().signed_in(ADMIN, PASSWORD).await;
    let harmless = json!({ "name": "Boss", "role": "admin", "status": "active" });
    admin.patch("/users/1", harmless).await.is(200);
    // With another one, the first may go.
    admin
        .patch("/users/2", json!({ "role": "admin" }))
        .await
        .is(200);
    admin.delete("/users/1").await.is(204);
    admin.get("/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn two_administrators_never_take_each_other_away() {
    let product = Product::start().await;
    let mut clients = [
        product.admin().await,
        second_admin(&product, "bo@example.com").await,
    ];
    let url = product.database_url();
    for round in 0..20 {
        let patch = match round % 4 {
            0 => json!({ "status": "disabled" }),
            _ => json!({ "role": "user" }),
        };
        let [first, second] = &clients;
        let (first, second) = tokio::join!(
            first.patch("/users/2", patch.clone()),
            second.patch("/users/1", patch.clone())
        );
        let mut statuses =
            BTreeMap::from([(first.status.as_u16(), 0), (second.status.as_u16(), 1)]);
        let winner = statuses.remove(&200).expect("one of them is first");
        let (loser, _) = statuses.pop_first().expect("and only one");
        // The loser was an administrator still when asking, or no longer one, or signed out.
        assert!(
            [401, 403, 409].contains(&loser),
            "{loser}: {} {}",
            first.text(),
            second.text()
        );
        assert_eq!(number(&url, ADMINS).await, 1);
        let back = json!({ "role": "admin", "status": "active" });
        let path = if winner == 0 { "/users/2" } else { "/users/1" };
        clients[winner].patch(path, back).await.is(200);
        if round % 4 == 0 {
            let email = if winner == 0 { "bo@example.com" } else { ADMIN };
            clients[1 - winner] = product.anyone().signed_in(email, PASSWORD).await;
        }
    }
}

#[tokio::test]
async fn a_deleted_user_is_still_named_by_what_they_made() {
    let product = Product::start().await;
    let (admin, user) = (product.admin().await, product.user("bo@example.com").await);
    let made = user.customer("ada@example.com").await;
    assert_eq!(made["created_by"], 2);
    admin.delete("/users/2").await.is(204);
    assert_eq!(admin.get("/customers/1").await.is(200).json(), made);
    let history = admin.get("/customers/1/history").await.is(200).json();
    assert_eq!(history["data"][0]["by"], 2);
    // The address is free, and whoever has it next is somebody else.
    let next = product.user("bo@example.com").await;
    assert_eq!(next.get("/me").await.is(200).json()["id"], 3);
}

#[tokio::test]
async fn a_final_sigma_is_no_other_address_also_for_who_was_there_before() {
    let product = Product::start().await;
    let (admin, url) = (product.admin().await, product.database_url());
    let spellings = [
        "Ανδρέας@example.com",
        "ΑΝΔΡΈΑΣ@EXAMPLE.COM",
        "ανδρέασ@example.com",
    ];
    let new = json!({ "email": spellings[0], "password": PASSWORD });
    admin.post("/users", new).await.is(201);
    admin.customer(spellings[0]).await;
    // As an older program kept them.
    for table in ["users", "customers"] {
        let sql = format!(
            "UPDATE {table} SET email_key = 'ανδρέας@example.com' WHERE email_key LIKE 'ανδρέα%'"
        );
        assert_eq!(execute(&url, &sql).await, 1);
    }
    execute(&url, "DELETE FROM _sqlx_migrations WHERE version = 8").await;
    Process::output("admin", &["migrate"], &[("DATABASE_URL", url)], "").await;
    for email in spellings {
        product.anyone().signed_in(email, PASSWORD).await;
        let new = json!({ "email": email, "name": "A", "surname": "B" });
        admin
            .post("/customers", new)
            .await
            .problem(409, "email_taken");
    }
}
