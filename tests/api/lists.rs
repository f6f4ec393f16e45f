//! Lists of customers: filters, orders, pages.

use crate::{
    customers::{ids, walk},
    operator,
};
use serde_json::{Value, json};
use tests::{Client, Product, database, photo::png};

async fn made(client: &Client, email: &str, name: &str, surname: &str) -> Value {
    let new = json!({ "email": email, "name": name, "surname": surname });
    client.post("/customers", new).await.is(201).json()
}

/// Asserts whom a list shows, in its order.
async fn shows(client: &Client, query: &str, expected: &[i64]) {
    let page = client.get(&format!("/customers?{query}")).await.is(200);
    assert_eq!(ids(&page.json()), expected, "{query}");
}

#[tokio::test]
async fn every_filter_shows_just_those_whom_it_names() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let ada = made(&admin, "Ada@Example.com", "Ada", "Lovelace").await;
    let grace = made(
        &product.user("kim@example.com").await,
        "grace@example.com",
        "Grace",
        "Hopper",
    )
    .await;
    made(&admin, "alan@example.com", "Alan", "Turing").await;
    made(&admin, "gone@example.com", "Ada", "Gone").await;
    admin.delete("/customers/4").await.is(204);
    admin
        .put_bytes("/customers/3/photo", "image/png", png(8, 8))
        .await
        .is(200);
    let kim = grace["created_by"].as_i64().unwrap();
    let first = ada["created_at"].as_str().unwrap();
    let second = grace["created_at"].as_str().unwrap();
    let offset = second.replace('Z', "%2B00:00");

    for (query, expected) in [
        ("email=ADA@example.com", &[1][..]),
        ("email=%20ADA@example.com%20", &[1]),
        ("email=gone@example.com", &[]),
        ("email=gone@example.com&deleted=include", &[4]),
        (&format!("created_by={kim}"), &[2]),
        ("created_by=1", &[1, 3]),
        ("created_by=1&deleted=only", &[4]),
        ("created_by=77", &[]),
        ("has_photo=true", &[3]),
        ("has_photo=false", &[1, 2]),
        ("has_photo=false&deleted=include&sort=-id", &[4, 2, 1]),
        (&format!("created_after={first}"), &[2, 3]),
        (&format!("created_after={offset}"), &[3]),
        (&format!("created_before={second}"), &[1]),
        (
            &format!("created_after={first}&created_before={second}"),
            &[],
        ),
        (&format!("modified_before={second}"), &[1]),
        // The time that is asked for is the order, unless one is given.
        (
            &format!("modified_after={first}&deleted=include"),
            &[2, 4, 3],
        ),
        (
            &format!("modified_after={first}&deleted=include&sort=-id"),
            &[4, 3, 2],
        ),
        (
            &format!("modified_after={second}&sort=-last_modified_at"),
            &[3],
        ),
        ("q=ada", &[1]),
        ("q=ada&deleted=include", &[1, 4]),
        ("q=ada&deleted=only&sort=email", &[4]),
        ("q=a&created_by=1&has_photo=false&sort=-surname", &[1]),
        ("q=&limit=2", &[1, 2]),
    ] {
        shows(&admin, query, expected).await;
    }
}

#[tokio::test]
async fn every_order_is_walked_in_both_directions_with_those_alike_by_their_ids() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for (email, name, surname) in [
        ("d@example.com", "Zoë", "Núñez"),
        ("C@example.com", "Émile", "nunez"),
        ("b@example.com", "eva", "Ñandú"),
        ("a@example.com", "Ян", "O'Brien"),
        ("e@example.com", "Eva", "Nunez"),
        ("f@example.com", "小明", "王"),
    ] {
        made(&admin, email, name, surname).await;
    }
    admin
        .patch("/customers/2", json!({ "phone": "1" }))
        .await
        .is(200);
    for (order, expected) in [
        ("id", [1, 2, 3, 4, 5, 6]),
        ("created_at", [1, 2, 3, 4, 5, 6]),
        ("last_modified_at", [1, 3, 4, 5, 6, 2]),
        ("surname", [3, 1, 2, 5, 4, 6]),
        ("name", [2, 3, 5, 1, 4, 6]),
        ("email", [4, 3, 2, 1, 5, 6]),
    ] {
        for (sign, expected) in [
            ("", expected.to_vec()),
            ("-", expected.iter().rev().copied().collect()),
        ] {
            for limit in [1, 2, 4] {
                let path = format!("/customers?sort={sign}{order}&limit={limit}&deleted=include");
                assert_eq!(walk(&product, &admin, &path).await.1, expected, "{path}");
                let path = format!("/customers?sort={sign}{order}&limit={limit}&q=example");
                assert_eq!(walk(&product, &admin, &path).await.1, expected, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn the_living_and_the_deleted_are_walked_as_one_list() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 0..9 {
        made(
            &admin,
            &format!("c{n}@example.com"),
            "Name",
            &format!("S{}", n % 4),
        )
        .await;
    }
    for id in [2, 3, 7] {
        admin.delete(&format!("/customers/{id}")).await.is(204);
    }
    for limit in [1, 2, 5, 9] {
        for (order, expected) in [
            ("surname", [1, 5, 9, 2, 6, 3, 7, 4, 8]),
            ("-id", [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ] {
            let path = format!("/customers?deleted=include&sort={order}&limit={limit}");
            assert_eq!(walk(&product, &admin, &path).await.1, expected, "{path}");
        }
    }
}

#[tokio::test]
async fn the_next_page_is_of_the_same_list_whatever_stands_in_the_query() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 0..3 {
        made(
            &admin,
            &format!("o+{n}@example.com"),
            "Ö & <b>\"%",
            "O'Brien; x=1",
        )
        .await;
    }
    let path = "/customers?q=%C3%96+o%27brien%26x%3D1%22%3C&sort=-email&limit=1&created_after=2020-01-01T00:00:00%2B02:00";
    assert_eq!(walk(&product, &admin, path).await, (3, vec![3, 2, 1]));
}

#[tokio::test]
async fn a_list_is_counted_when_asked() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 0..5 {
        made(
            &admin,
            &format!("c{n}@example.com"),
            if n < 3 { "Ada" } else { "Bo" },
            "X",
        )
        .await;
    }
    admin.delete("/customers/1").await.is(204);
    assert_eq!(admin.get("/customers").await.json().get("total"), None);
    for (query, total) in [
        ("", 4),
        ("&limit=1", 4),
        ("&deleted=include", 5),
        ("&q=ada", 2),
        ("&q=ad&deleted=only", 1),
        ("&q=adam", 0),
        ("&q=a&sort=name", 2),
        ("&has_photo=false&created_by=1", 4),
        ("&email=c4@example.com", 1),
    ] {
        let page = admin
            .get(&format!("/customers?count=true{query}"))
            .await
            .is(200)
            .json();
        assert_eq!(page["total"], total, "{query}");
    }
}

#[tokio::test]
async fn what_no_list_can_be_asked_is_refused_by_its_name() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let (long, many) = (
        "x".repeat(201),
        (b'a'..=b'm')
            .map(|c| format!("{}1", char::from(c)))
            .collect::<Vec<_>>()
            .join("+"),
    );
    for (query, named) in [
        ("sort=phone", "sort: must be id, created_at"),
        ("sort=--id", "sort: "),
        ("deleted=maybe", "deleted: "),
        ("has_photo=1", "has_photo: "),
        ("count=yes", "count: "),
        ("created_by=me", "created_by: "),
        ("created_by=-1", "created_by: "),
        (
            "created_after=yesterday",
            "created_after: must be a time such as",
        ),
        (
            "created_before=2026-11-25T08:00:00+01:00",
            "a + is written %2B",
        ),
        ("modified_after=2026-02-30T00:00:00Z", "modified_after: "),
        (
            "created_before=9999-12-31T23:59:59-23:59",
            "created_before: ",
        ),
        ("modified_before=", "modified_before: "),
        (
            &format!("q={long}"),
            "q: must be at most 200 characters long",
        ),
        (&format!("q={many}"), "q: must be at most 12 words"),
        ("surname=x", "surname"),
        ("sort=id&sort=name", "sort"),
    ] {
        let problem = admin
            .get(&format!("/customers?{query}"))
            .await
            .problem(400, "malformed_query");
        assert!(
            problem["detail"].as_str().unwrap().contains(named),
            "{query}: {problem}"
        );
    }
    // What is no address, and what no customer can have, is nobody's.
    for query in [
        "email=nobody",
        "email=%00",
        "q=%00%F0%9F%8E%88",
        "created_after=9999-12-31T23:59:59Z",
    ] {
        let page = admin
            .get(&format!("/customers?{query}"))
            .await
            .is(200)
            .json();
        assert_eq!(page["data"].as_array().map(Vec::len), Some(0), "{query}");
    }
}

#[tokio::test]
async fn what_an_older_program_wrote_is_listed_and_found_once_it_is_indexed() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for n in 0..3 {
        made(&admin, &format!("c{n}@example.com"), "Ada", "Old").await;
    }
    let url = product.database_url();
    // As a program wrote that knew no search: a row of its own, a changed name, a deletion.
    for sql in [
        "INSERT INTO customers (email, email_key, name, surname, created_by, last_modified_by, created_at, \
         last_modified_at, version) VALUES ('new@example.com', 'new@example.com', 'Ada', 'New', 1, 1, 1, 1, 1)",
        "UPDATE customers SET name = 'Bo', version = 2 WHERE id = 2",
        "UPDATE customers SET deleted_at = 5, email_key = NULL, version = 2 WHERE id = 3",
    ] {
        database::execute(&url, sql).await;
    }
    shows(&admin, "", &[1, 2, 4]).await;
    let indexed = operator::admin(&["migrate"], &url, None);
    assert!(
        String::from_utf8_lossy(&indexed.stdout).contains("Indexed 3 customers"),
        "{indexed:?}"
    );
    for (query, expected) in [
        ("q=ada", &[1, 4][..]),
        ("q=ada&deleted=only", &[3]),
        ("q=bo", &[2]),
        ("sort=name", &[1, 4, 2]),
        ("q=new@exam&sort=surname", &[4]),
    ] {
        shows(&admin, query, expected).await;
    }
}

#[tokio::test]
async fn a_page_may_be_short_where_few_of_very_many_are_of_the_list_and_none_is_missed() {
    let product = Product::start().await;
    let admin = product.admin().await;
    // 48,000 of the administrator's and behind them 5,000 of somebody else's, with nothing to tell them apart by name.
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL \
         SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let number = "a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d";
    let sql = format!(
        "INSERT INTO customers (id, email, name, surname, created_by, last_modified_by, created_at, last_modified_at, \
         version, terms_version) SELECT {number} + 1, 'x', 'x', 'x', CASE WHEN {number} < 48000 THEN 1 ELSE 2 END, \
         1, 1, 1, 1, 1 FROM {digits} a, {digits} b, {digits} c, {digits} e, {digits} f WHERE {number} < 53000"
    );
    assert_eq!(
        database::execute(&product.database_url(), &sql).await,
        53_000
    );

    let page = admin
        .get("/customers?created_by=2&sort=name&limit=200")
        .await
        .is(200);
    assert_eq!(ids(&page.json()), [0; 0]);
    assert_ne!(page.header("link"), "");
    let (pages, walked) = walk(
        &product,
        &admin,
        "/customers?created_by=2&sort=name&limit=200",
    )
    .await;
    assert_eq!(walked, (48_001..=53_000).collect::<Vec<_>>());
    assert_eq!(pages, 26);
    let (_, walked) = walk(
        &product,
        &admin,
        "/customers?created_by=2&sort=-name&limit=200&deleted=include",
    )
    .await;
    assert_eq!(walked, (48_001..=53_000).rev().collect::<Vec<_>>());
}
