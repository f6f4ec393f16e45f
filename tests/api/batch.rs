//! Many creates, updates and deletes as one.

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tests::{Answer, Client, Product};
use tokio::task::JoinSet;

fn new(email: &str) -> Value {
    json!({ "create": { "email": email, "name": "Ada", "surname": "Byron" } })
}

async fn sent(client: &Client, items: &[Value]) -> Answer {
    client
        .post("/customers/batch", json!({ "items": items }))
        .await
}

/// Asserts what is refused: index, field and code of each, in order.
fn refused(answer: Answer, expected: &[(i64, &str, &str)]) -> Vec<Value> {
    let problem = answer.problem(422, "batch_refused");
    let errors = problem["errors"].as_array().unwrap();
    let told: Vec<_> = errors
        .iter()
        .map(|error| {
            assert!(!error["message"].as_str().unwrap().is_empty());
            (
                error["index"].as_i64().unwrap(),
                error["field"].as_str().unwrap_or(""),
                error["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, expected);
    errors.clone()
}

#[tokio::test]
async fn creates_updates_and_deletes_are_one_operation_in_their_order() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 1..=3 {
        admin.customer(&format!("c{n}@example.com")).await;
    }
    let items = [
        json!({ "update": { "id": 1, "version": 1, "changes": { "surname": "King", "phone": null } } }),
        json!({ "delete": { "id": 2, "version": 1 } }),
        new("c2@example.com"), // Free since the item before.
        json!({ "update": { "id": 1, "version": 2, "changes": { "name": "Zoë" } } }),
        json!({ "update": { "id": 3, "changes": {} } }), // Changes nothing.
        json!({ "delete": { "id": 3 } }),
    ];
    let done = sent(&admin, &items).await.is(200);
    assert_eq!(done.header("cache-control"), "no-store");
    let done = done.json();
    let results: Vec<_> = done["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].as_i64().unwrap(), it["version"].as_i64().unwrap()))
        .collect();
    let made = results[2].0;
    assert_eq!(results, [(1, 2), (2, 2), (made, 1), (1, 3), (3, 1), (3, 2)]);
    let first = admin.whole_customer(1).await;
    assert_eq!(
        (&first["surname"], &first["name"], &first["version"]),
        (&json!("King"), &json!("Zoë"), &json!(3))
    );
    admin.get("/customers/3").await.problem(404, "not_found");
    assert_eq!(
        admin.get("/customers?q=zoe").await.json()["data"][0]["id"],
        1
    );
    for (id, actions) in [
        (1, vec!["updated", "updated", "created"]),
        (2, vec!["deleted", "created"]),
        (made, vec!["created"]),
    ] {
        let history = admin.get(&format!("/customers/{id}/history")).await.json();
        let events = history["data"].as_array().unwrap();
        let told: Vec<_> = events
            .iter()
            .map(|event| event["action"].as_str().unwrap())
            .collect();
        assert_eq!(told, actions);
        assert_eq!(events[0]["operation_id"], done["operation_id"]);
    }
}

#[tokio::test]
async fn one_item_that_cannot_be_undoes_all_and_every_one_is_named() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 1..=3 {
        admin.customer(&format!("c{n}@example.com")).await;
    }
    admin.delete("/customers/3").await.is(204);
    let items = [
        new("new@example.com"),
        new("C1@example.com"),
        json!({ "update": { "id": 2, "version": 7, "changes": { "name": "X" } } }),
        json!({ "update": { "id": 2, "changes": { "email": "c1@example.com" } } }),
        json!({ "delete": { "id": 3 } }),
        json!({ "delete": { "id": 99 } }),
        new("NEW@example.com"),
        json!({ "delete": { "id": 1 } }),
    ];
    let errors = refused(
        sent(&admin, &items).await,
        &[
            (1, "email", "email_taken"),
            (2, "", "version_mismatch"),
            (3, "email", "email_taken"),
            (4, "", "not_found"),
            (5, "", "not_found"),
            (6, "email", "email_taken"),
        ],
    );
    assert_eq!(errors[0]["existing"], json!({ "id": 1, "deleted": false }));
    assert_eq!(errors[1]["current_version"], 1);
    assert_eq!(errors[5].get("existing"), None);
    // Nothing was done, and nothing is found of it.
    assert_eq!(admin.get("/customers?count=true").await.json()["total"], 2);
    assert_eq!(
        admin.get("/customers?q=new").await.json()["data"],
        json!([])
    );
    assert_eq!(admin.whole_customer(1).await["version"], 1);
}

#[tokio::test]
async fn every_mistake_of_every_item_is_named_at_once() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let items = [
        json!({ "create": { "email": "x", "name": "", "nmae": "A" } }),
        json!({ "create": {}, "delete": {} }),
        json!({}),
        json!({ "upsert": { "id": 1 } }),
        json!({ "update": { "id": 0, "changes": { "name": null } } }),
        json!({ "update": { "id": 1, "changes": { "name": null, "phone": 7 } } }),
        json!({ "update": { "id": "1" } }),
        json!({ "delete": { "id": 1, "version": 1.5, "force": true } }),
        json!(7),
    ];
    refused(
        sent(&admin, &items).await,
        &[
            (0, "email", "invalid_email"),
            (0, "name", "too_short"),
            (0, "surname", "required"),
            (0, "nmae", "unknown_field"),
            (1, "create", "one_of"),
            (2, "create", "one_of"),
            (3, "create", "one_of"),
            (3, "upsert", "unknown_field"),
            (4, "id", "required"),
            (5, "name", "required"),
            (5, "phone", "wrong_type"),
            (6, "id", "wrong_type"),
            (6, "changes", "required"),
            (7, "version", "wrong_type"),
            (7, "force", "unknown_field"),
            (8, "", "malformed"),
        ],
    );
    let twice = r#"{"items":[{"delete":{"id":1,"id":2}}]}"#;
    let request = admin
        .request(Method::POST, "/customers/batch")
        .header(CONTENT_TYPE, "application/json")
        .body(twice);
    refused(Answer::of(request).await, &[(0, "id", "repeated_field")]);
}

#[tokio::test]
async fn a_batch_of_the_wrong_shape_or_size_is_refused_quickly() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let post = |body: String| {
        admin
            .request(Method::POST, "/customers/batch")
            .header(CONTENT_TYPE, "application/json")
            .body(body)
    };
    for (body, field, code) in [
        (json!({}), "items", "required"),
        (json!({ "items": [] }), "items", "too_short"),
        (json!({ "items": {} }), "items", "wrong_type"),
        (json!({ "items": null }), "items", "wrong_type"),
        (
            json!({ "items": vec![new("a@example.com"); 201] }),
            "items",
            "too_long",
        ),
        (
            json!({ "items": [new("a@example.com")], "atomic": true }),
            "atomic",
            "unknown_field",
        ),
    ] {
        admin
            .post("/customers/batch", body)
            .await
            .invalid(&[(field, code)]);
    }
    let large = |bytes: usize| format!("{{\"items\":[]{}}}", " ".repeat(bytes - 12));
    Answer::of(post(large(1024 * 1024 + 1)))
        .await
        .problem(413, "too_large");
    Answer::of(post(large(1024 * 1024)))
        .await
        .invalid(&[("items", "too_short")]);
    // As many names as fit: a hundred mistakes are named, and no time is lost with the others.
    let names = (0..90_000)
        .map(|n| format!("\"{n}\":0"))
        .collect::<Vec<_>>()
        .join(",");
    let inside = format!("{{\"items\":[{{\"create\":{{{names}}}}}]}}");
    let problem = Answer::of(post(inside)).await.problem(422, "batch_refused");
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(100));
    let problem = Answer::of(post(format!("{{{names}}}")))
        .await
        .problem(422, "invalid_fields");
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(100));
    let same = vec!["\"a\":0"; 150_000].join(",");
    Answer::of(post(format!("{{{same}}}")))
        .await
        .problem(422, "invalid_fields");
    let deep = format!(
        "{{\"items\":[{}{}]}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    refused(Answer::of(post(deep)).await, &[(0, "", "malformed")]);
}

#[tokio::test]
async fn batches_that_cross_each_other_all_succeed() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 1..=8 {
        admin.customer(&format!("c{n}@example.com")).await;
    }
    let mut all = JoinSet::new();
    for n in 0..12 {
        let admin = admin.clone();
        all.spawn(async move {
            let mut ids: Vec<_> = (1..=8).collect();
            ids.rotate_left(n % 8);
            if n % 2 == 0 {
                ids.reverse();
            }
            let items: Vec<_> = ids
                .iter()
                .map(|id| json!({ "update": { "id": id, "changes": { "notes": format!("by {n}") } } }))
                .collect();
            sent(&admin, &items).await.is(200);
        });
    }
    all.join_all().await;
    for id in 1..=8 {
        assert_eq!(admin.whole_customer(id).await["version"], 13, "{id}");
    }
}
