//! Two instances of auth on one database: what one counts, the other knows.

use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use tests::{ADMIN, Answer, Client, PASSWORD, SignIn};

/// Tries to sign in from an address, as the load balancer tells it.
async fn log_in(client: &Client, address: &str, password: &str) -> Answer {
    let credentials = json!({ "email": ADMIN, "password": password });
    let request = client.request(Method::POST, "/login").json(&credentials);
    Answer::of(request.header("x-crm-client-ip", address)).await
}

async fn refresh(client: &Client, token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    client.post("/token", body).await
}

/// The next refresh token.
async fn next(client: &Client, token: &str) -> String {
    let tokens = refresh(client, token).await.is(200).json();
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn b3_two_instances_have_one_budget() {
    let rig = SignIn::start().await;
    let header = ("CLIENT_IP_HEADER", "X-Crm-Client-Ip".to_owned());
    let (one, other) = tokio::join!(rig.instance([header.clone()]), rig.instance([header]));
    for guess in 0..10 {
        let client = if guess % 2 == 0 {
            &one.client
        } else {
            &other.client
        };
        log_in(client, "192.0.2.7", "wrong")
            .await
            .problem(401, "invalid_credentials");
    }
    for client in [&one.client, &other.client] {
        let answer = log_in(client, "192.0.2.7", PASSWORD).await;
        answer.problem(429, "too_many_attempts");
    }
    log_in(&other.client, "192.0.2.8", PASSWORD).await.is(200);
}

#[tokio::test]
async fn b6_who_walks_through_a_network_of_their_own_stays_who_they_are() {
    let rig = SignIn::start().await;
    let header = ("CLIENT_IP_HEADER", "X-Crm-Client-Ip".to_owned());
    let auth = rig.instance([header]).await;
    for host in 1..=10 {
        let address = format!("2001:db8:1:2:{:x}::{host}", host * 4_099);
        log_in(&auth.client, &address, "wrong")
            .await
            .problem(401, "invalid_credentials");
    }
    let answer = log_in(&auth.client, "2001:db8:1:2::ffff", PASSWORD).await;
    answer.problem(429, "too_many_attempts");
    log_in(&auth.client, "2001:db8:1:3::1", PASSWORD)
        .await
        .is(200);
}

#[tokio::test]
async fn b5_who_comes_past_the_load_balancer_shares_one_budget() {
    let rig = SignIn::start().await;
    let header = ("CLIENT_IP_HEADER", "X-Crm-Client-Ip".to_owned());
    let auth = rig.instance([header]).await;
    let addresses = [
        "",
        "unknown",
        "192.0.2.7, 192.0.2.8",
        "192.0.2",
        "::1::",
        "localhost",
    ];
    for address in addresses.iter().cycle().take(10) {
        log_in(&auth.client, address, "wrong")
            .await
            .problem(401, "invalid_credentials");
    }
    let credentials = json!({ "email": ADMIN, "password": PASSWORD });
    let answer = auth.client.post("/login", credentials).await;
    answer.problem(429, "too_many_attempts");
    log_in(&auth.client, "192.0.2.7", PASSWORD).await.is(200);
}

#[tokio::test]
async fn f10_clocks_that_are_two_minutes_apart_end_no_session() {
    let rig = SignIn::start().await;
    let ((ahead, clock), (behind, other)) =
        tokio::join!(rig.instance_with_clock([]), rig.instance_with_clock([]));
    clock.ahead(120);
    other.ahead(-120);
    let admin = rig.product.admin().await;
    let mut token = admin.refresh.unwrap();
    for round in 0..6 {
        let (one, another) = match round % 2 {
            0 => (&ahead.client, &behind.client),
            _ => (&behind.client, &ahead.client),
        };
        let successor = next(one, &token).await;
        // The answer was lost, and another instance is asked again at once. One that is behind cannot know that the
        // twenty seconds are not over; one that is ahead of it by four minutes takes them for over.
        if round % 2 == 0 {
            assert_eq!(next(another, &token).await, successor);
        }
        // An access token of either is good at once in both, and here.
        let tokens = refresh(one, &successor).await.is(200).json();
        let access = tokens["access_token"].as_str().unwrap();
        for client in [&rig.product.anyone(), one] {
            client.clone().with_token(access).get("/me").await.is(200);
        }
        token = tokens["refresh_token"].as_str().unwrap().to_owned();
    }
}

#[tokio::test]
async fn f1_sixty_four_refreshes_at_two_instances_have_one_successor() {
    let rig = SignIn::start().await;
    let (one, other) = tokio::join!(rig.instance([]), rig.instance([]));
    let first = rig.product.admin().await.refresh.unwrap();
    let racers = (0..64).map(|racer| {
        let client = if racer % 2 == 0 {
            &one.client
        } else {
            &other.client
        };
        let (client, first) = (client.clone(), first.clone());
        tokio::spawn(async move { next(&client, &first).await })
    });
    let racers: Vec<_> = racers.collect();
    let mut successors = BTreeSet::new();
    for racer in racers {
        successors.insert(racer.await.unwrap());
    }
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert_eq!(rig.number("SELECT MAX(counter) FROM sessions").await, 1);
}
