//! Clocks that differ: services of one deployment two minutes ahead of the true time, and two behind it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{ADMIN, Answer, Client, Clock, Instance, PASSWORD, Product, photo::png, plain};

/// How far a clock is off, in seconds.
const OFF: i64 = 120;

/// An instance of a function whose clock is off by so many seconds.
async fn instance(product: &Product, name: &str, seconds: i64) -> (Instance, Clock) {
    let clock = Clock::new();
    clock.ahead(seconds);
    let instance = Instance::start(product, name, clock.env()).await;
    (instance, clock)
}

/// Asserts that a history's times grow with its versions.
async fn history_grows(client: &Client, id: &Value) {
    let history = client.get(&format!("/customers/{id}/history")).await;
    let history = history.is(200).json();
    let events = history["data"].as_array().unwrap().iter().rev();
    let times: Vec<_> = events.map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
}

#[tokio::test]
async fn services_whose_clocks_are_minutes_apart_believe_each_other() {
    let product = Product::start().await;
    for off in [OFF, -OFF] {
        let ((auth, _a), (customers, _c), (images, _i)) = tokio::join!(
            instance(&product, "auth", off),
            instance(&product, "customers", -off),
            instance(&product, "images", off),
        );
        // An access token of either is good at once for all, and so is what it is renewed with.
        let signed_in = auth.client.clone().signed_in(ADMIN, PASSWORD).await;
        let refresh = json!({ "refresh_token": signed_in.refresh });
        let renewed = product.anyone().post("/token", refresh).await.is(200);
        let renewed = renewed.json()["access_token"].as_str().unwrap().to_owned();
        let here = product.admin().await;
        for token in [
            signed_in.token.as_deref(),
            Some(&renewed),
            here.token.as_deref(),
        ] {
            let like = here.clone().with_token(token.unwrap());
            like.get("/customers").await.is(200);
            customers.client(&like).get("/customers").await.is(200);
            auth.client(&like).get("/me").await.is(200);
        }
        // Whoever changes a customer after another is later in its history.
        let (there, photos) = (customers.client(&signed_in), images.client(&signed_in));
        let made = there.customer(&format!("ada{off}@example.com")).await;
        let path = format!("/customers/{}", made["id"]);
        here.patch(&path, json!({ "name": "A" })).await.is(200);
        let set = photos
            .put_bytes(&format!("{path}/photo"), "image/png", png(30, 20))
            .await;
        let set = set.is(200).json();
        there.patch(&path, json!({ "name": "B" })).await.is(200);
        here.patch(&path, json!({ "name": "C" })).await.is(200);
        history_grows(&here, &made["id"]).await;
        // A picture's address opens whoever signed it, and whoever is asked.
        let shown = there.get(&path).await.is(200).json()["photo"].clone();
        let known = here.get(&path).await.is(200).json()["photo"].clone();
        for photo in [&set, &shown, &known] {
            for address in [
                images.address(&photo["large"]),
                photo["large"].as_str().unwrap().to_owned(),
            ] {
                let answer = match address.starts_with("https") {
                    true => product.anyone().get(&address).await,
                    false => Answer::of(plain(false).get(address)).await,
                };
                answer.is(200);
            }
        }
    }
}

#[tokio::test]
async fn what_may_be_sent_again_is_done_once_though_clocks_are_minutes_apart() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let ((ahead, _a), (behind, _b)) = tokio::join!(
        instance(&product, "customers", OFF),
        instance(&product, "customers", -OFF),
    );
    let (ahead, behind) = (ahead.client(&admin), behind.client(&admin));
    for round in 0..20 {
        let new = json!({ "email": format!("{round}@example.com"), "name": "A", "surname": "B" });
        let send = async |client: &Client| {
            let request = client.request(Method::POST, "/customers");
            let request = request.header("idempotency-key", round.to_string());
            Answer::of(request.json(&new)).await
        };
        let (one, other) = tokio::join!(send(&ahead), send(&behind));
        for answer in [&one, &other] {
            if answer.status.as_u16() != 201 {
                answer.clone().problem(409, "idempotency_key_in_use");
            }
        }
        let again = [send(&ahead).await.is(201), send(&behind).await.is(201)];
        let ids = again.map(|answer| answer.json()["id"].clone());
        assert_eq!(ids[0], ids[1]);
    }
    let all = admin.get("/customers?count=true").await.is(200).json();
    assert_eq!(all["total"], 20);
}

#[tokio::test]
async fn b3_clocks_that_are_minutes_apart_keep_nobody_out() {
    let product = Product::start().await;
    let ((ahead, _a), (behind, _b)) = tokio::join!(
        instance(&product, "auth", OFF),
        instance(&product, "auth", -OFF),
    );
    let wrong = json!({ "email": ADMIN, "password": "wrong horse battery" });
    for (failing, asked) in [(&ahead, &behind), (&behind, &ahead)] {
        for _ in 0..3 {
            let failed = failing.client.post("/login", wrong.clone()).await;
            failed.problem(401, "invalid_credentials");
        }
        asked.client.clone().signed_in(ADMIN, PASSWORD).await;
    }
}
