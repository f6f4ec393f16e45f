//! Requests that are sent again with their `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, Product, database};
use tokio::task::JoinSet;

async fn sent(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let request = client
        .request(Method::POST, path)
        .header("idempotency-key", key);
    Answer::of(request.json(body)).await
}

fn ada() -> Value {
    json!({ "email": "ada@example.com", "name": "Ada", "surname": "Byron", "notes": "secret" })
}

async fn total(client: &Client) -> Value {
    client
        .get("/customers?deleted=include&count=true")
        .await
        .json()["total"]
        .clone()
}

#[tokio::test]
async fn a_create_that_is_sent_again_is_answered_again_and_done_once() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let first = sent(&admin, "/customers", "key-1", &ada()).await.is(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    admin
        .patch(
            "/customers/1",
            json!({ "surname": "King", "email": "king@example.com" }),
        )
        .await
        .is(200);
    admin.delete("/customers/1").await.is(204);
    let again = sent(&admin, "/customers", "key-1", &ada()).await.is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(
        (again.json(), again.header("location"), again.header("etag")),
        (first.json(), first.header("location"), first.header("etag"))
    );
    assert_eq!(total(&admin).await, 1);
    // Nothing about the customer is kept with the key, nor the key itself.
    let kept = "SELECT COUNT(*) FROM idempotency_keys WHERE result = '1' AND name <> 'key-1'";
    assert_eq!(database::number(&product.database_url(), kept).await, 1);
}

#[tokio::test]
async fn a_batch_that_is_sent_again_is_done_once() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let batch = json!({ "items": [{ "create": ada() }] });
    let first = sent(&admin, "/customers/batch", "k", &batch).await.is(200);
    let again = sent(&admin, "/customers/batch", "k", &batch).await.is(200);
    assert_eq!(
        (again.json(), again.header("idempotency-replayed")),
        (first.json(), "true".to_owned())
    );
    assert_eq!(total(&admin).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_user_one_route_and_one_body() {
    let product = Product::start().await;
    let (admin, kim) = (product.admin().await, product.user("kim@example.com").await);
    sent(&admin, "/customers", "k", &ada()).await.is(201);
    let mut other = ada();
    other["name"] = json!("Bea");
    sent(&admin, "/customers", "k", &other)
        .await
        .problem(422, "idempotency_key_reused");
    // Somebody else's key of the same name, and the same name on another route, are other keys.
    sent(&kim, "/customers", "k", &ada())
        .await
        .problem(409, "email_taken");
    let batch = json!({ "items": [{ "delete": { "id": 1 } }] });
    sent(&admin, "/customers/batch", "k", &batch).await.is(200);
    assert_eq!(total(&admin).await, 1);
}

#[tokio::test]
async fn a_request_that_was_refused_leaves_its_key_free() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    sent(&admin, "/customers", "k", &ada())
        .await
        .problem(409, "email_taken");
    sent(&admin, "/customers", "k", &json!({ "name": "x" }))
        .await
        .problem(422, "invalid_fields");
    let mut other = ada();
    other["email"] = json!("bea@example.com");
    sent(&admin, "/customers", "k", &other).await.is(201);
    let batch = json!({ "items": [{ "delete": { "id": 99 } }] });
    sent(&admin, "/customers/batch", "k", &batch)
        .await
        .problem(422, "batch_refused");
    assert_eq!(
        database::number(
            &product.database_url(),
            "SELECT COUNT(*) FROM idempotency_keys"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn of_twins_at_once_one_is_done_and_the_others_wait_or_are_answered_the_same() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let mut all = JoinSet::new();
    for _ in 0..16 {
        let admin = admin.clone();
        all.spawn(async move { sent(&admin, "/customers", "k", &ada()).await });
    }
    let mut made = 0;
    for answer in all.join_all().await {
        if answer.status == 409 {
            assert_eq!(answer.header("retry-after"), "2");
            answer.problem(409, "idempotency_key_in_use");
            continue;
        }
        made += i32::from(answer.header("idempotency-replayed").is_empty());
        assert_eq!(answer.is(201).json()["id"], 1);
    }
    assert_eq!((made, total(&admin).await), (1, json!(1)));
}

#[tokio::test]
async fn a_claim_whose_request_died_is_taken_over_after_a_minute_and_forgotten_after_a_day() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let url = product.database_url();
    sent(&admin, "/customers", "k", &ada()).await.is(201);
    // As if the process had died before the end, just now and a minute ago.
    database::execute(&url, "UPDATE idempotency_keys SET result = NULL").await;
    sent(&admin, "/customers", "k", &ada())
        .await
        .problem(409, "idempotency_key_in_use");
    database::execute(
        &url,
        "UPDATE idempotency_keys SET claimed_at = claimed_at - 61000000",
    )
    .await;
    sent(&admin, "/customers", "k", &ada())
        .await
        .problem(409, "email_taken");
    admin.delete("/customers/1").await.is(204);
    sent(&admin, "/customers", "k", &ada()).await.is(201);
    sent(&admin, "/customers", "k", &ada()).await.is(201);
    // A day later the key is new again, with whatever body.
    database::execute(
        &url,
        "UPDATE idempotency_keys SET claimed_at = claimed_at - 86400000000",
    )
    .await;
    let mut other = ada();
    other["email"] = json!("bea@example.com");
    assert_eq!(
        sent(&admin, "/customers", "k", &other)
            .await
            .is(201)
            .header("idempotency-replayed"),
        ""
    );
    assert_eq!(total(&admin).await, 3);
}

#[tokio::test]
async fn whoever_hangs_up_does_not_keep_a_key_for_long_and_never_does_it_twice() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 0..30 {
        let key = format!("k{n}");
        let new =
            json!({ "email": format!("c{n}@example.com"), "name": "Ada", "surname": "Byron" });
        let early = sent(&admin, "/customers", &key, &new);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(n), early).await;
        let mut tries = 0;
        loop {
            let again = sent(&admin, "/customers", &key, &new).await;
            if again.status == 201 {
                break;
            }
            again.problem(409, "idempotency_key_in_use");
            tries += 1;
            assert!(tries < 200, "{key} stays claimed");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    assert_eq!(total(&admin).await, 30);
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for bad in ["", "a b", "é", &"k".repeat(256)] {
        let request = admin
            .request(Method::POST, "/customers")
            .header("idempotency-key", bad.as_bytes());
        Answer::of(request.json(&ada()))
            .await
            .problem(400, "malformed_header");
    }
    let twice = admin
        .request(Method::POST, "/customers")
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    Answer::of(twice.json(&ada()))
        .await
        .problem(400, "malformed_header");
    assert_eq!(total(&admin).await, 0);
    sent(&admin, "/customers", &"k".repeat(255), &ada())
        .await
        .is(201);
}
