//! Customers.

use reqwest::{Body, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use tests::{Answer, Client, Product};
use tokio::task::JoinSet;

/// The numbers that identify a page's rows: customers' ids, or a history's versions.
pub(crate) fn ids(page: &Value) -> Vec<i64> {
    let row = |row: &Value| row.get("id").or(row.get("version")).and_then(Value::as_i64);
    let rows = page["data"].as_array().unwrap();
    rows.iter().map(|it| row(it).unwrap()).collect()
}

/// Follows the `Link`s to the end; gives how many pages there were, and all rows.
pub(crate) async fn walk(product: &Product, client: &Client, begin: &str) -> (usize, Vec<i64>) {
    let (mut pages, mut walked, mut path) = (0, Vec::new(), begin.to_owned());
    loop {
        let page = client.get(&path).await.is(200);
        pages += 1;
        walked.extend(ids(&page.json()));
        let (link, next) = (page.header("link"), page.json()["next_cursor"].clone());
        let Some(cursor) = next.as_str() else {
            assert_eq!(link, "");
            return (pages, walked);
        };
        let target = link.strip_prefix('<').unwrap();
        let target = target.strip_suffix(">; rel=\"next\"").unwrap();
        assert!(
            target.starts_with(&product.base) && target.contains(cursor),
            "{link}"
        );
        path = target.to_owned();
    }
}

/// A customer's newest events.
async fn events(client: &Client, id: i64) -> Vec<Value> {
    let path = format!("/customers/{id}/history?limit=200");
    let page = client.get(&path).await.is(200).json();
    page["data"].as_array().unwrap().clone()
}

/// Sends a body as it is.
async fn sent(
    client: &Client,
    method: &Method,
    path: &str,
    kind: &str,
    body: impl Into<Body>,
) -> Answer {
    let request = client.request(method.clone(), path).body(body);
    Answer::of(request.header(CONTENT_TYPE, kind)).await
}

/// Those of that status, and the others.
fn parted(answers: Vec<Answer>, status: u16) -> (Vec<Answer>, Vec<Answer>) {
    answers
        .into_iter()
        .partition(|answer| answer.status == status)
}

#[tokio::test]
async fn a_customer_is_made_found_changed_and_remembered() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let new = json!({ "email": "Ada@Example.com", "name": " Ada ", "surname": "Lovelace", "phone": "+44 1", "notes": "first\nprogrammer" });
    let made = admin.post("/customers", new).await.is(201);
    let customer = made.json();
    assert_eq!(
        made.header("location"),
        format!("{}/customers/1", product.base)
    );
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.header("cache-control"), "no-store");
    let mut shown = customer.clone();
    for at in ["created_at", "last_modified_at"] {
        let text = shown[at].take();
        assert!(
            text.as_str().unwrap().len() == 27 && text.as_str().unwrap().ends_with('Z'),
            "{text}"
        );
    }
    let expected = json!({
        "id": 1, "email": "Ada@Example.com", "name": "Ada", "surname": "Lovelace", "phone": "+44 1",
        "notes": "first\nprogrammer", "photo_url": null, "photo": null, "created_by": 1, "last_modified_by": 1,
        "created_at": null, "last_modified_at": null, "version": 1, "deleted_at": null, "erased_at": null,
    });
    assert_eq!(shown, expected);
    let found = admin.get("/customers/1").await.is(200);
    assert_eq!(
        (found.json(), found.header("etag")),
        (customer, "\"1\"".to_owned())
    );
    let patched = admin
        .patch("/customers/1", json!({ "surname": "King", "phone": null }))
        .await
        .is(200);
    assert_eq!(patched.header("etag"), "\"2\"");
    let patched = patched.json();
    assert_eq!(
        (&patched["surname"], &patched["phone"], &patched["name"]),
        (&json!("King"), &Value::Null, &json!("Ada"))
    );
    let history = admin.get("/customers/1/history").await.is(200).json();
    let events = history["data"].as_array().unwrap();
    let actions: Vec<_> = events
        .iter()
        .map(|event| (&event["version"], &event["action"]))
        .collect();
    assert_eq!(
        actions,
        [
            (&json!(2), &json!("updated")),
            (&json!(1), &json!("created"))
        ]
    );
    let changes = json!({ "surname": { "from": "Lovelace", "to": "King" }, "phone": { "from": "+44 1", "to": null } });
    assert_eq!(events[0]["changes"], changes);
    assert_eq!(events[0]["by"], 1);
    assert_eq!(events[0]["operation_id"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_in_either_order() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 1..=5 {
        admin.customer(&format!("c{n}@example.com")).await;
    }
    admin.delete("/customers/2").await.is(204);
    let mut first = Vec::new();
    for (query, expected) in [
        ("", vec![1, 3, 4, 5]),
        ("sort=id&deleted=exclude", vec![1, 3, 4, 5]),
        ("sort=-id", vec![5, 4, 3, 1]),
        ("deleted=include", vec![1, 2, 3, 4, 5]),
        ("deleted=only", vec![2]),
        ("deleted=include&sort=-id", vec![5, 4, 3, 2, 1]),
    ] {
        let whole = admin.get(&format!("/customers?{query}")).await.is(200);
        assert_eq!(whole.header("content-type"), "application/json");
        assert_eq!(whole.header("link"), "");
        assert_eq!(whole.json()["next_cursor"], Value::Null);
        assert_eq!(ids(&whole.json()), expected, "{query}");
        for limit in 1..=expected.len() {
            let begin = format!("/customers?{query}&limit={limit}");
            let (pages, walked) = walk(&product, &admin, &begin).await;
            assert_eq!(walked, expected, "{begin}");
            assert_eq!(pages, expected.len().div_ceil(limit), "{begin}");
        }
        let page = admin.get(&format!("/customers?{query}&limit=1")).await;
        first.push((query, page.json()["next_cursor"].clone()));
    }
    let trailing = admin.get("/customers/?limit=2").await.is(200).json();
    assert_eq!(ids(&trailing), [1, 3]);
    // A cursor is bound to filter and order, not to how much is read at once.
    for (from, cursor) in &first {
        let Some(cursor) = cursor.as_str() else {
            continue;
        };
        for (to, _) in &first {
            let list = |query: &&str| (query.contains("-id"), query.contains("include"));
            let only = to.contains("only");
            let answer = admin
                .get(&format!("/customers?{to}&limit=3&cursor={cursor}"))
                .await;
            match list(from) == list(to) && !only {
                true => drop(answer.is(200)),
                false => drop(answer.problem(400, "invalid_cursor")),
            }
        }
        let history = format!("/customers/1/history?cursor={cursor}");
        admin.get(&history).await.problem(400, "invalid_cursor");
    }
    for cursor in ["", "x", "WyJjdXN0b21lcnMiLDFd", "%00", "..."] {
        let path = format!("/customers?cursor={cursor}");
        admin.get(&path).await.problem(400, "invalid_cursor");
    }
    for path in [
        "/customers?nmae=x",
        "/customers?limit=0",
        "/customers?limit=-1",
        "/customers?limit=x",
        "/customers?limit=",
        "/customers?limit=1&limit=2",
        "/customers?sort=nonsense",
        "/customers?sort=",
        "/customers?sort=-",
        "/customers?sort=--id",
        "/customers?deleted=yes",
        "/customers?deleted=Only",
        "/customers/1?delete=include",
        "/customers/1?deleted=maybe",
        "/customers/1/history?sort=id",
        "/customers/1/history?limit=0",
    ] {
        admin.get(path).await.problem(400, "malformed_query");
    }
}

#[tokio::test]
async fn a_page_holds_fifty_unless_asked_and_two_hundred_at_most() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let mut making = JoinSet::new();
    for part in 0..4 {
        let admin = admin.clone();
        making.spawn(async move {
            for n in (part..201).step_by(4) {
                admin.customer(&format!("c{n}@example.com")).await;
            }
        });
    }
    making.join_all().await;
    for (query, expected) in [
        ("", 50),
        ("?limit=200", 200),
        ("?limit=201", 200),
        ("?limit=300", 200),
        ("?limit=99999999999999999999999", 200),
    ] {
        let page = admin.get(&format!("/customers{query}")).await.is(200);
        assert_eq!(ids(&page.json()).len(), expected, "{query}");
        assert!(page.json()["next_cursor"].is_string(), "{query}");
    }
    let (pages, walked) = walk(&product, &admin, "/customers?limit=1000").await;
    assert_eq!((pages, walked), (2, (1..=201).collect()));
}

#[tokio::test]
async fn paging_shows_each_row_once_while_others_come_and_go() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 1..=45 {
        admin.customer(&format!("c{n}@example.com")).await;
    }
    let staying: Vec<i64> = (1..=45).filter(|n| n % 3 != 0).collect();
    let mut others = JoinSet::new();
    let (making, deleting) = (admin.clone(), admin.clone());
    others.spawn(async move {
        for n in 0..40 {
            making.customer(&format!("new{n}@example.com")).await;
        }
    });
    others.spawn(async move {
        for n in (3..=45).step_by(3) {
            deleting.delete(&format!("/customers/{n}")).await.is(204);
        }
    });
    let mut walks = 0;
    while walks < 4 || !others.is_empty() {
        while let Some(done) = others.try_join_next() {
            done.unwrap();
        }
        let sort = ["id", "-id"][walks % 2];
        let begin = format!("/customers?limit=4&sort={sort}");
        let (_, mut walked) = walk(&product, &admin, &begin).await;
        let found: Vec<_> = walked.iter().filter(|id| staying.contains(id)).collect();
        assert_eq!(found.len(), staying.len(), "missed or doubled: {walked:?}");
        if sort == "-id" {
            walked.reverse();
        }
        assert!(walked.is_sorted_by(|a, b| a < b), "{sort}: {walked:?}");
        walks += 1;
    }
}

#[tokio::test]
async fn a_replacement_clears_what_it_leaves_out_and_keeps_the_email() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let user = product.user("user@example.com").await;
    let new = json!({ "email": "ada@example.com", "name": "Ada", "surname": "Lovelace", "phone": "1", "notes": "n" });
    admin.post("/customers", new).await.is(201);
    let put = user
        .put(
            "/customers/1/",
            json!({ "name": "Augusta", "surname": "King" }),
        )
        .await
        .is(200);
    assert_eq!(put.header("etag"), "\"2\"");
    let found = admin.get("/customers/1").await.is(200);
    assert_eq!(found.json(), put.json());
    let shown = put.json();
    let fields = [
        "email", "name", "surname", "phone", "notes", "version", "photo",
    ]
    .map(|f| shown[f].clone());
    assert_eq!(
        json!(fields),
        json!(["ada@example.com", "Augusta", "King", null, null, 2, null])
    );
    assert_eq!(
        (&shown["created_by"], &shown["last_modified_by"]),
        (&json!(1), &json!(2))
    );
    assert!(shown["last_modified_at"].as_str() > shown["created_at"].as_str());
    let whole = json!({ "email": "king@example.com", "name": "A", "surname": "K", "phone": null, "notes": "x" });
    let put = admin.put("/customers/1", whole.clone()).await.is(200);
    assert_eq!(put.json()["email"], "king@example.com");
    // The same again changes nothing, and nothing is remembered of it.
    let again = admin.put("/customers/1", whole).await.is(200);
    assert_eq!(again.json(), put.json());
    for patch in [
        json!({}),
        json!({ "surname": " K " }),
        json!({ "phone": null, "notes": "x" }),
    ] {
        let same = user.patch("/customers/1", patch).await.is(200);
        assert_eq!(
            (same.json(), same.header("etag")),
            (put.json(), "\"3\"".to_owned())
        );
    }
    assert_eq!(events(&admin, 1).await.len(), 3);
}

#[tokio::test]
async fn a_deleted_customer_is_hidden_readable_on_request_and_restored() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let deleted = admin.delete("/customers/1").await.is(204);
    assert!(deleted.bytes.is_empty());
    let photo = "/customers/1/photo";
    for answer in [
        admin.get("/customers/1").await,
        admin.get("/customers/1?deleted=exclude").await,
        admin.delete("/customers/1").await,
        admin.patch("/customers/1", json!({ "name": "A" })).await,
        admin
            .put("/customers/1", json!({ "name": "A", "surname": "B" }))
            .await,
        admin.get(photo).await,
        admin.delete(photo).await,
        admin.put_bytes(photo, "image/png", vec![0]).await,
    ] {
        answer.problem(404, "not_found");
    }
    let shown = admin.get("/customers/1?deleted=include").await.is(200);
    assert_eq!(shown.header("etag"), "\"2\"");
    let at = &shown.json()["deleted_at"];
    assert_eq!(at, &shown.json()["last_modified_at"]);
    assert!(at.is_string());
    // The address is free, and taken again by somebody else.
    admin.customer("ADA@example.com").await;
    let taken = admin
        .post("/customers/1/restore", json!({}))
        .await
        .problem(409, "email_taken");
    assert_eq!(taken["existing"], json!({ "id": 2, "deleted": false }));
    admin.delete("/customers/2").await.is(204);
    let restored = Answer::of(admin.request(Method::POST, "/customers/1/restore?"))
        .await
        .is(200);
    assert_eq!(
        (
            &restored.json()["deleted_at"],
            restored.header("etag").as_str()
        ),
        (&Value::Null, "\"3\"")
    );
    assert_eq!(
        admin.get("/customers/1").await.is(200).json(),
        restored.json()
    );
    let actions: Vec<_> = events(&admin, 1)
        .await
        .iter()
        .map(|event| (event["action"].clone(), event["changes"].clone()))
        .take(2)
        .collect();
    assert_eq!(json!(actions), json!([["restored", {}], ["deleted", {}]]));
    // One that is not deleted is answered as it is.
    let again = admin.post("/customers/1/restore", json!({})).await.is(200);
    assert_eq!(again.json(), restored.json());
}

#[tokio::test]
async fn the_history_tells_who_did_what_when_newest_first() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let user = product.user("user@example.com").await;
    let made = admin.customer("ada@example.com").await;
    let mut expected = vec![json!({
        "version": 1, "action": "created", "by": 1, "at": made["created_at"],
        "changes": {
            "email": { "from": null, "to": "ada@example.com" },
            "name": { "from": null, "to": "Ada" }, "surname": { "from": null, "to": "Lovelace" },
        },
    })];
    for (version, (who, patch, changes)) in (2..).zip([
        (
            &user,
            json!({ "email": "Ada@example.com" }),
            json!({ "email": { "from": "ada@example.com", "to": "Ada@example.com" } }),
        ),
        (
            &admin,
            json!({ "phone": "1", "name": "Ada" }),
            json!({ "phone": { "from": null, "to": "1" } }),
        ),
        (
            &user,
            json!({ "phone": null, "notes": "\u{1f600}\t\"q\"" }),
            json!({ "phone": { "from": "1", "to": null }, "notes": { "from": null, "to": "\u{1f600}\t\"q\"" } }),
        ),
    ]) {
        let after = who.patch("/customers/1", patch).await.is(200).json();
        expected.insert(0, json!({
            "version": version, "action": "updated", "by": after["last_modified_by"],
            "at": after["last_modified_at"], "changes": changes,
        }));
    }
    assert_eq!(expected[0]["by"], 2);
    let mut whole = events(&admin, 1).await;
    let operations: HashSet<_> = whole
        .iter_mut()
        .map(|event| event.as_object_mut().unwrap().remove("operation_id"))
        .map(|operation| operation.unwrap().as_str().unwrap().to_owned())
        .collect();
    assert_eq!((whole, operations.len()), (expected, 4));
    let path = "/customers/1/history?limit=1";
    let (pages, versions) = walk(&product, &user, path).await;
    assert_eq!((pages, versions), (4, vec![4, 3, 2, 1]));
    let page = admin.get(path).await.is(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    admin.customer("bob@example.com").await;
    for other in ["/customers/2/history", "/customers"] {
        let other = format!("{other}?cursor={cursor}");
        admin.get(&other).await.problem(400, "invalid_cursor");
    }
    let unknown = admin.get("/customers/9/history").await;
    unknown.problem(404, "not_found");
}

#[tokio::test]
async fn a_version_that_is_known_is_not_sent_again() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let path = "/customers/1";
    for tags in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"] {
        let answer = admin.get_with(path, "if-none-match", tags).await.is(304);
        assert!(answer.bytes.is_empty());
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    for tags in ["\"2\"", "\"\"", "\"11\""] {
        let answer = admin.get_with(path, "if-none-match", tags).await.is(200);
        assert_eq!(answer.json()["id"], 1);
    }
    for tags in ["1", "", "\"1", "*, \"1\"", "\"1\" \"2\""] {
        let answer = admin.get_with(path, "if-none-match", tags).await;
        answer.problem(400, "malformed_header");
    }
    let unknown = admin.get_with("/customers/9", "if-none-match", "*").await;
    unknown.problem(404, "not_found");
}

#[tokio::test]
async fn a_write_for_another_version_is_refused_with_the_record_as_it_is() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let path = "/customers/1";
    admin.patch(path, json!({ "name": "A" })).await.is(200);
    let current = admin.get(path).await.json();
    let body = json!({ "name": "B", "surname": "B" });
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        for (tags, status, code) in [
            ("\"1\"", 412, "version_mismatch"),
            ("\"3\"", 412, "version_mismatch"),
            ("W/\"2\"", 412, "version_mismatch"),
            ("\"1\", W/\"2\"", 412, "version_mismatch"),
            ("2", 400, "malformed_header"),
            ("", 400, "malformed_header"),
            ("\"2", 400, "malformed_header"),
        ] {
            let request = admin.request(method.clone(), path).header("if-match", tags);
            let problem = Answer::of(request.json(&body)).await.problem(status, code);
            let shown = match status {
                412 => &problem["current"],
                _ => &current,
            };
            assert_eq!(shown, &current, "{method} {tags}");
        }
        let request = admin.request(method, "/customers/9");
        let unknown = Answer::of(request.header("if-match", "\"1\"").json(&body)).await;
        unknown.problem(404, "not_found");
    }
    assert_eq!(admin.get(path).await.json(), current);
    for (tags, version) in [("\"2\"", 3), ("*", 4), ("\"9\", \"4\"", 5)] {
        let patch = json!({ "notes": tags });
        let patched = admin.patch_if(path, tags, patch).await.is(200);
        assert_eq!(patched.json()["version"], version);
    }
    let put = admin.request(Method::PUT, path).header("if-match", "\"5\"");
    Answer::of(put.json(&body)).await.is(200);
    let delete = admin.request(Method::DELETE, path);
    Answer::of(delete.header("if-match", "\"6\"")).await.is(204);
}

#[tokio::test]
async fn an_email_is_unique_among_the_living_without_case_and_width() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("Ada@Example.com").await;
    admin.customer("bob@example.com").await;
    let existing = json!({ "id": 1, "deleted": false });
    for email in [
        "Ada@Example.com",
        "ada@example.com",
        "ADA@EXAMPLE.COM",
        " ada@example.com ",
        "\u{ff41}\u{ff44}\u{ff41}@example.com",
        "\u{ff21}DA@example.com",
    ] {
        let new = json!({ "email": email, "name": "B", "surname": "B" });
        for answer in [
            admin.post("/customers", new.clone()).await,
            admin.put("/customers/2", new.clone()).await,
            admin.patch("/customers/2", json!({ "email": email })).await,
        ] {
            let problem = answer.problem(409, "email_taken");
            assert_eq!(problem["existing"], existing, "{email}");
        }
    }
    assert_eq!(admin.get("/customers/2").await.json()["version"], 1);
    // One's own address in another spelling is not taken, and what is deleted or given up is free.
    let own = json!({ "email": "ADA@example.com" });
    let own = admin.patch("/customers/1", own).await.is(200).json();
    assert_eq!(own["email"], "ADA@example.com");
    admin.delete("/customers/1").await.is(204);
    let freed = json!({ "email": "ada@example.com" });
    admin.patch("/customers/2", freed).await.is(200);
    admin.customer("Bob@example.com").await;
    // Addresses that only look alike are different ones.
    admin.customer("\u{e4}da@example.com").await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let made = admin.customer("ada@example.com").await;
    let all = ["email", "name", "surname", "phone", "notes"];
    let each = |code| all.map(|field| (field, code));
    let (long, limits) = ("x".repeat(4_001), [255, 121, 121, 41, 4_001]);
    let too_long: Map<String, Value> = all
        .into_iter()
        .zip(limits)
        .map(|(field, length)| (field.to_owned(), json!(long[..length])))
        .collect();
    let control =
        json!({ "name": "a\u{0}b", "surname": "a\nb", "phone": "1\u{7f}2", "notes": "a\u{1b}b" });
    let mixed = json!({ "email": "x", "name": "", "phone": 7, "nmae": "x", "id": 2 });
    let mixed_codes = [
        ("email", "invalid_email"),
        ("name", "too_short"),
        ("phone", "wrong_type"),
        ("nmae", "unknown_field"),
        ("id", "unknown_field"),
    ];
    for (method, path, required, nulls) in [
        (Method::POST, "/customers", &all[..3], &all[..3]),
        (Method::PUT, "/customers/1", &all[1..3], &all[..3]),
        (Method::PATCH, "/customers/1", &[], &all[..3]),
    ] {
        let send = |body: Value| Answer::of(admin.request(method.clone(), path).json(&body));
        let missing = |fields: &[&'static str]| -> Vec<_> {
            fields.iter().map(|field| (*field, "required")).collect()
        };
        if !required.is_empty() {
            send(json!({})).await.invalid(&missing(required));
        }
        let null: Map<String, Value> = all
            .map(|f| (f.to_owned(), Value::Null))
            .into_iter()
            .collect();
        send(null.into()).await.invalid(&missing(nulls));
        let types = json!({ "email": 1, "name": [], "surname": {}, "phone": true, "notes": 1.5 });
        send(types).await.invalid(&each("wrong_type"));
        send(too_long.clone().into())
            .await
            .invalid(&each("too_long"));
        let mut controls = each("control_character");
        controls[0] = ("email", "required");
        let skipped = usize::from(method != Method::POST);
        send(control.clone()).await.invalid(&controls[skipped..]);
        let mut codes = mixed_codes.to_vec();
        if !required.is_empty() {
            codes.push(("surname", "required"));
        }
        send(mixed.clone()).await.invalid(&codes);
        let twice = r#"{"email":"a@example.com","name":"A","name":"B","surname":"S","x":1}"#;
        let twice = sent(&admin, &method, path, "application/json", twice).await;
        twice.invalid(&[("name", "repeated_field"), ("x", "unknown_field")]);
        for email in [
            "",
            " ",
            "ada",
            "@example.com",
            "ada@",
            "a@b@example.com",
            "a b@example.com",
            "a@b..com",
            "ada@[127.0.0.1]",
            "Ada <ada@example.com>",
            "ada@example.com\u{0}",
            "ada@\nexample.com",
        ] {
            let body = json!({ "email": email, "name": "A", "surname": "S" });
            send(body).await.invalid(&[("email", "invalid_email")]);
        }
    }
    assert_eq!(admin.get("/customers/1").await.json(), made);
    assert_eq!(ids(&admin.get("/customers").await.json()), [1]);
}

#[tokio::test]
async fn the_longest_values_of_any_script_are_kept_as_they_are() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let domain = ["d".repeat(63), "e".repeat(63), "f".repeat(61)].join(".");
    let longest = json!({
        "email": format!("{}@{domain}", "l".repeat(64)), "name": "\u{1f469}".repeat(120),
        "surname": "\u{738b}".repeat(120), "phone": "\u{0661}".repeat(40), "notes": "\u{1f600}".repeat(4_000),
    });
    assert_eq!(longest["email"].as_str().unwrap().len(), 254);
    let scripts = json!({
        "email": "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.\u{5e7f}\u{544a}", "name": "\u{1f469}\u{200d}\u{1f680}",
        "surname": "\u{5d0}\u{5d1} \u{645}\u{62d}\u{645}\u{62f}", "phone": "+49 (0)\u{a0}1", "notes": "a\r\n\tb\u{2028}c",
    });
    for new in [longest, scripts] {
        let made = admin.post("/customers", new.clone()).await.is(201).json();
        let found = admin.get(&format!("/customers/{}", made["id"])).await;
        assert_eq!(found.is(200).json(), made);
        for (field, value) in new.as_object().unwrap() {
            assert_eq!(&made[field], value);
        }
        let history = events(&admin, made["id"].as_i64().unwrap()).await;
        assert_eq!(history[0]["changes"]["notes"]["to"], new["notes"]);
        let put = admin.put(&format!("/customers/{}", made["id"]), new).await;
        assert_eq!(put.is(200).json(), made);
    }
    // Length counts after trimming and composing.
    let name = format!("  {}  ", "e\u{301}".repeat(120));
    let trimmed = json!({ "name": name, "surname": "\u{3000}S" });
    let trimmed = admin.patch("/customers/1", trimmed).await.is(200).json();
    assert_eq!(trimmed["name"], "\u{e9}".repeat(120));
    assert_eq!(trimmed["surname"], "S");
}

#[tokio::test]
async fn an_email_that_grows_when_compared_is_no_failure() {
    let product = Product::start().await;
    let admin = product.admin().await;
    // One character that is compared as eighteen, one as two; within the limit as they are written.
    for label in ["\u{fdfa}".repeat(20), "\u{130}".repeat(30)] {
        for email in [format!("a@{label}.com"), format!("a@{label}.{label}.com")] {
            let new = json!({ "email": email, "name": "A", "surname": "B" });
            match admin.post("/customers", new).await {
                answer if answer.status == 201 => {}
                answer => answer.invalid(&[("email", "too_long")]),
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_such() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let writes = [
        (Method::POST, "/customers"),
        (Method::PUT, "/customers/1"),
        (Method::PATCH, "/customers/1"),
    ];
    let deep = format!("{{\"name\":{}", "[".repeat(60_000));
    let bodies: [&[u8]; 12] = [
        b"",
        b"[]",
        b"null",
        b"\"x\"",
        b"7",
        b"{",
        b"{\"name\":}",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b"{\"name\":\"\xff\"}",
        br#"{"name":"\ud800"}"#,
        deep.as_bytes(),
    ];
    for (method, path) in &writes {
        for body in bodies {
            let answer = sent(&admin, method, path, "application/json", body.to_vec()).await;
            answer.problem(400, "malformed_body");
        }
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
        ] {
            let answer = sent(&admin, method, path, kind, "{}").await;
            answer.problem(415, "unsupported_media_type");
        }
        let large = format!("{{\"notes\":\"{}\"}}", "x".repeat(64 * 1024));
        let large = sent(&admin, method, path, "application/json", large).await;
        large.problem(413, "too_large");
    }
    for kind in [
        "application/merge-patch+json",
        "Application/JSON; charset=utf-8",
    ] {
        sent(&admin, &Method::PATCH, "/customers/1", kind, "{}")
            .await
            .is(200);
    }
    let body = json!({ "name": "A", "surname": "B" });
    for (id, status, code) in [
        ("0", 400, "malformed_path"),
        ("-1", 400, "malformed_path"),
        ("abc", 400, "malformed_path"),
        ("1.0", 400, "malformed_path"),
        ("99999999999999999999", 400, "malformed_path"),
        ("%ff", 400, "malformed_path"),
        ("1%00", 400, "malformed_path"),
        ("9", 404, "not_found"),
        ("9223372036854775807", 404, "not_found"),
    ] {
        let one = format!("/customers/{id}");
        for (method, path) in [
            (Method::GET, one.clone()),
            (Method::PUT, one.clone()),
            (Method::PATCH, one.clone()),
            (Method::DELETE, format!("{one}/")),
            (Method::POST, format!("{one}/restore")),
            (Method::GET, format!("{one}/history")),
            (Method::GET, format!("{one}/photo")),
            (Method::PUT, format!("{one}/photo")),
            (Method::DELETE, format!("{one}/photo")),
        ] {
            let answer = Answer::of(admin.request(method, &path).json(&body)).await;
            answer.problem(status, code);
        }
    }
    for (method, path) in [(Method::PUT, "/customers"), (Method::POST, "/customers/1")] {
        let answer = Answer::of(admin.request(method, path).json(&body)).await;
        assert_ne!(answer.header("allow"), "");
        answer.problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn nothing_is_told_without_a_token() {
    let product = Product::start().await;
    product.admin().await.customer("ada@example.com").await;
    let body = json!({ "email": "b@example.com", "name": "A", "surname": "B" });
    let anyone = product.anyone();
    for who in [anyone.clone(), anyone.with_token("a.b.c")] {
        for (method, path) in [
            (Method::GET, "/customers"),
            (Method::GET, "/customers?limit=0"),
            (Method::POST, "/customers"),
            (Method::GET, "/customers/1"),
            (Method::GET, "/customers/9"),
            (Method::GET, "/customers/abc"),
            (Method::PUT, "/customers/1"),
            (Method::PATCH, "/customers/1"),
            (Method::DELETE, "/customers/1"),
            (Method::POST, "/customers/1/restore"),
            (Method::GET, "/customers/1/history"),
        ] {
            let answer = Answer::of(who.request(method, path).json(&body)).await;
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{path}");
            answer.problem(401, "unauthenticated");
        }
    }
    let admin = product.admin().await;
    assert_eq!(events(&admin, 1).await.len(), 1);
    assert_eq!(ids(&admin.get("/customers").await.json()), [1]);
}

#[tokio::test]
async fn writers_of_different_fields_lose_nothing() {
    const WRITES: usize = 8;
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let fields = ["email", "name", "surname", "phone", "notes"];
    let value = |field: &str, n: usize| match field {
        "email" => format!("ada{n}@example.com"),
        _ => format!("{field} {n}"),
    };
    let mut writers = JoinSet::new();
    for field in fields {
        let admin = admin.clone();
        writers.spawn(async move {
            for n in 1..=WRITES {
                let written = admin
                    .patch("/customers/1", json!({ field: value(field, n) }))
                    .await;
                assert_eq!(written.is(200).json()[field], value(field, n));
            }
        });
    }
    writers.join_all().await;
    let customer = admin.get("/customers/1").await.json();
    for field in fields {
        assert_eq!(customer[field], value(field, WRITES));
    }
    let events = events(&admin, 1).await;
    assert_eq!((events.len(), &customer["version"]), (41, &json!(41)));
    for event in &events[..40] {
        assert_eq!(event["changes"].as_object().unwrap().len(), 1, "{event}");
    }
}

#[tokio::test]
async fn of_writers_for_one_version_exactly_one_wins() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    for version in 1..=3 {
        let mut writers = JoinSet::new();
        for n in 0..12 {
            let (admin, tag) = (admin.clone(), format!("\"{version}\""));
            let patch = json!({ "notes": format!("{version} {n}") });
            writers.spawn(async move { admin.patch_if("/customers/1", &tag, patch).await });
        }
        let (won, lost) = parted(writers.join_all().await, 200);
        let [won] = &won[..] else {
            panic!("{} writers won", won.len())
        };
        for answer in lost {
            let problem = answer.problem(412, "version_mismatch");
            assert_eq!(problem["current"], won.json());
        }
        assert_eq!(admin.get("/customers/1").await.json(), won.json());
    }
    let mut deleting = JoinSet::new();
    for _ in 0..8 {
        let admin = admin.clone();
        deleting.spawn(async move { admin.delete("/customers/1").await });
    }
    let (won, lost) = parted(deleting.join_all().await, 204);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.problem(404, "not_found");
    }
    assert_eq!(events(&admin, 1).await.len(), 5);
}

#[tokio::test]
async fn of_many_who_want_one_email_at_once_exactly_one_gets_it() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for round in 0..4 {
        let email = format!("ada{round}@example.com");
        // Somebody wants it back as well.
        let old = admin.customer(&email).await["id"].as_i64().unwrap();
        admin.delete(&format!("/customers/{old}")).await.is(204);
        let mut wanting = JoinSet::new();
        for n in 0..16 {
            let (admin, mut email) = (admin.clone(), email.clone());
            if n % 2 == 1 {
                email.make_ascii_uppercase();
            }
            let new = json!({ "email": email, "name": "A", "surname": n.to_string() });
            wanting.spawn(async move {
                match n == 7 && round > 1 {
                    true => {
                        admin
                            .post(&format!("/customers/{old}/restore"), json!({}))
                            .await
                    }
                    false => admin.post("/customers", new).await,
                }
            });
        }
        let (mut won, mut lost) = parted(wanting.join_all().await, 201);
        let (restored, refused) = parted(lost, 200);
        won.extend(restored);
        lost = refused;
        assert_eq!((won.len(), lost.len()), (1, 15));
        let existing = json!({ "id": won[0].json()["id"], "deleted": false });
        for answer in lost {
            let problem = answer.problem(409, "email_taken");
            assert_eq!(problem["existing"], existing);
        }
    }
    let (_, living) = walk(&product, &admin, "/customers").await;
    assert_eq!(living.len(), 4);
}
