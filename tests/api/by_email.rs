//! Creating or replacing whoever has an e-mail address.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, Product};
use tokio::task::JoinSet;

async fn put_with(client: &Client, address: &str, header: (&str, &str), body: Value) -> Answer {
    let request = client.request(Method::PUT, &format!("/customers/by-email/{address}"));
    Answer::of(request.header(header.0, header.1).json(&body)).await
}

#[tokio::test]
async fn whoever_has_the_address_is_replaced_and_else_made() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let path = "/customers/by-email/Ada@example.com";
    let made = admin
        .put(
            path,
            json!({ "name": "Ada", "surname": "Byron", "phone": "1" }),
        )
        .await
        .is(201);
    assert_eq!(
        made.header("location"),
        format!("{}/customers/1", product.base)
    );
    assert_eq!(
        (made.header("etag"), &made.json()["email"]),
        ("\"1\"".to_owned(), &json!("Ada@example.com"))
    );
    let replaced = admin
        .put(
            "/customers/by-email/ada%40EXAMPLE.com",
            json!({ "name": "Ada", "surname": "King" }),
        )
        .await
        .is(200);
    let replaced = replaced.json();
    assert_eq!(
        (&replaced["id"], &replaced["version"], &replaced["phone"]),
        (&json!(1), &json!(2), &Value::Null)
    );
    // The body's spelling wins.
    let spelled = json!({ "name": "Ada", "surname": "King", "email": "ADA@example.com" });
    assert_eq!(
        admin.put(path, spelled).await.is(200).json()["email"],
        "ADA@example.com"
    );
    // A deleted one does not have the address any more.
    admin.delete("/customers/1").await.is(204);
    assert_eq!(
        admin
            .put(path, json!({ "name": "Ada", "surname": "New" }))
            .await
            .is(201)
            .json()["id"],
        2
    );
}

#[tokio::test]
async fn what_the_preconditions_do_not_allow_is_refused() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let body = || json!({ "name": "Ada", "surname": "Byron" });
    let none = put_with(&admin, "a@example.com", ("if-match", "*"), body())
        .await
        .problem(412, "version_mismatch");
    assert_eq!(none.get("current"), None);
    put_with(&admin, "a@example.com", ("if-none-match", "*"), body())
        .await
        .is(201);
    let there = put_with(&admin, "a@example.com", ("if-none-match", "*"), body())
        .await
        .problem(412, "version_mismatch");
    assert_eq!(there["current"]["id"], 1);
    let other = put_with(&admin, "a@example.com", ("if-match", "\"7\""), body())
        .await
        .problem(412, "version_mismatch");
    assert_eq!(other["current"]["version"], 1);
    put_with(
        &admin,
        "a@example.com",
        ("if-match", "\"1\""),
        json!({ "name": "Ada", "surname": "King" }),
    )
    .await
    .is(200);
    let other = json!({ "name": "Ada", "surname": "Byron", "email": "b@example.com" });
    admin
        .put("/customers/by-email/a@example.com", other)
        .await
        .invalid(&[("email", "not_the_path")]);
    admin
        .put("/customers/by-email/a@example.com", json!({ "nmae": "x" }))
        .await
        .problem(422, "invalid_fields");
    for bad in [
        "nobody",
        "a%00@example.com",
        "a%20b@example.com",
        "%FF@example.com",
    ] {
        admin
            .put(&format!("/customers/by-email/{bad}"), body())
            .await
            .problem(400, "malformed_path");
    }
    admin
        .get("/customers/by-email/a@example.com")
        .await
        .problem(405, "method_not_allowed");
    product
        .anyone()
        .put("/customers/by-email/a@example.com", body())
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn of_many_who_put_one_address_at_once_one_makes_it_and_the_others_replace_it() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let mut all = JoinSet::new();
    for n in 0..16 {
        let admin = admin.clone();
        all.spawn(async move {
            let body = json!({ "name": "Ada", "surname": format!("S{n}") });
            admin
                .put("/customers/by-email/ada@example.com", body)
                .await
                .status
        });
    }
    let mut answers = all.join_all().await;
    answers.sort_unstable();
    let mut expected = vec![200; 15];
    expected.push(201);
    assert_eq!(answers, expected);
    assert_eq!(admin.get("/customers?count=true").await.json()["total"], 1);
    assert_eq!(admin.whole_customer(1).await["version"], 16);
}
