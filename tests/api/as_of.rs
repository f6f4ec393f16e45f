//! Customers as they were.

use serde_json::{Value, json};
use tests::{Client, Product, photo::png};

async fn at(client: &Client, time: &Value, more: &str) -> tests::Answer {
    let time = time.as_str().unwrap();
    client
        .get(&format!("/customers/1?as_of={time}{more}"))
        .await
}

#[tokio::test]
async fn a_record_is_answered_as_it_was_at_any_time() {
    let product = Product::start().await;
    let (admin, kim) = (product.admin().await, product.user("kim@example.com").await);
    let new = json!({ "email": "a@example.com", "name": "Ada", "surname": "Byron", "phone": "1" });
    let v1 = admin.post("/customers", new).await.is(201).json();
    let v2 = kim
        .patch(
            "/customers/1",
            json!({ "surname": "King", "phone": null, "notes": "n" }),
        )
        .await
        .is(200)
        .json();
    admin.delete("/customers/1").await.is(204);
    let v4 = admin
        .post("/customers/1/restore", json!({}))
        .await
        .is(200)
        .json();
    let v5 = kim
        .patch("/customers/1", json!({ "email": "b@example.com" }))
        .await
        .is(200)
        .json();

    for version in [&v1, &v2, &v4, &v5] {
        let then = at(&admin, &version["last_modified_at"], "").await.is(200);
        assert_eq!(&then.json(), version);
        assert_eq!(then.header("etag"), format!("\"{}\"", version["version"]));
        assert_eq!(then.header("cache-control"), "no-store");
    }
    let history = admin.get("/customers/1/history").await.json();
    let deleted = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["action"] == "deleted")
        .unwrap();
    at(&admin, &deleted["at"], "")
        .await
        .problem(404, "not_found");
    let then = at(&admin, &deleted["at"], "&deleted=include")
        .await
        .is(200)
        .json();
    assert_eq!(
        (&then["deleted_at"], &then["version"]),
        (&deleted["at"], &json!(3))
    );
    assert_eq!(then["surname"], "King");
    at(&admin, &json!("2020-01-01T00:00:00Z"), "&deleted=include")
        .await
        .problem(404, "not_found");
    assert_eq!(
        at(&admin, &json!("9999-01-01T00:00:00Z"), "")
            .await
            .is(200)
            .json(),
        v5
    );
    admin
        .get("/customers/1?as_of=then")
        .await
        .problem(400, "malformed_query");
    admin
        .get("/customers/7?as_of=2026-01-01T00:00:00Z")
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn a_photo_of_then_is_shown_while_it_is_still_the_customers() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let bare = admin.customer("a@example.com").await;
    admin
        .put_bytes("/customers/1/photo", "image/png", png(8, 8))
        .await
        .is(200);
    let first = admin.whole_customer(1).await;
    let named = admin
        .patch("/customers/1", json!({ "name": "Bo" }))
        .await
        .is(200)
        .json();
    assert_eq!(
        at(&admin, &first["last_modified_at"], "").await.json()["photo"]["id"],
        first["photo"]["id"]
    );
    assert_eq!(
        at(&admin, &bare["last_modified_at"], "").await.json()["photo"],
        Value::Null
    );
    admin
        .put_bytes("/customers/1/photo", "image/png", png(9, 9))
        .await
        .is(200);
    let then = at(&admin, &named["last_modified_at"], "")
        .await
        .is(200)
        .json();
    assert_eq!(
        (&then["photo"], &then["name"]),
        (&Value::Null, &json!("Bo"))
    );
}

#[tokio::test]
async fn a_long_history_is_undone_in_pieces() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let mut versions = vec![admin.customer("a@example.com").await];
    for n in 0..450 {
        versions.push(
            admin
                .patch("/customers/1", json!({ "notes": format!("{n}") }))
                .await
                .is(200)
                .json(),
        );
    }
    for version in [0, 1, 199, 200, 201, 249, 250, 251, 449, 450] {
        let expected = &versions[version];
        assert_eq!(
            &at(&admin, &expected["last_modified_at"], "")
                .await
                .is(200)
                .json(),
            expected
        );
    }
    // Times of one record only grow.
    let times: Vec<_> = versions
        .iter()
        .map(|version| version["last_modified_at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|one, other| one < other));
}

#[tokio::test]
async fn times_grow_even_where_another_instances_clock_is_ahead() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("a@example.com").await;
    // As an instance wrote whose clock is an hour ahead.
    let ahead = "9999999999000000";
    for sql in [
        format!("UPDATE customers SET last_modified_at = {ahead}"),
        format!("UPDATE customer_events SET at = {ahead}"),
    ] {
        tests::database::execute(&product.database_url(), &sql).await;
    }
    admin
        .patch("/customers/1", json!({ "name": "Bo" }))
        .await
        .is(200);
    admin.delete("/customers/1").await.is(204);
    let history = admin.get("/customers/1/history").await.json();
    let times: Vec<_> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["at"].as_str().unwrap())
        .collect();
    assert_eq!(
        times,
        [
            "2286-11-20T17:46:39.000002Z",
            "2286-11-20T17:46:39.000001Z",
            "2286-11-20T17:46:39.000000Z"
        ]
    );
    let gone = admin.get("/customers/1?deleted=include").await.json();
    assert_eq!(gone["deleted_at"], times[0]);
}
