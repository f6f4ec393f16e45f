//! Attempts to find out who has an account, T1 to T7: nothing but the right password tells.
//!
//! Timings are compared within one run and by ranks, between attempts that alternate: a busy machine slows all of them.

use bytes::Bytes;
use http_body_util::channel::Channel;
use reqwest::{Body, Method};
use serde_json::json;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tests::{ADMIN, Answer, Client, PASSWORD, Product, database::execute};
use tokio::{task::JoinSet, time::sleep};

/// One e-mail address of each kind whose sign-in fails with the password `wrong`.
const KINDS: [(&str, &str); 4] = [
    ("unknown", "nobody@example.com"),
    ("wrong password", ADMIN),
    ("disabled", "off@example.com"),
    ("without a password", "bare@example.com"),
];
/// At whose multiples failures are answered.
const DEADLINE: Duration = Duration::from_millis(250);
/// Attempts of each kind. Twice as many do not find more than a difference that nobody could use over a network.
const ROUNDS: usize = 60;

async fn start() -> Product {
    let product = Product::start().await;
    let admin = product.admin().await;
    for (email, password) in [
        ("off@example.com", Some(PASSWORD)),
        ("bare@example.com", None),
    ] {
        let new = json!({ "email": email, "password": password });
        admin.post("/users", new).await.is(201);
    }
    let off = json!({ "status": "disabled" });
    admin.patch("/users/2", off).await.is(200);
    product
}

/// Lets everybody guess again.
async fn lift(product: &Product) {
    execute(&product.database_url(), "DELETE FROM sign_in_limits").await;
}

async fn fail(client: &Client, email: &str) -> (Answer, Duration) {
    let credentials = json!({ "email": email, "password": "wrong" });
    let begun = Instant::now();
    let answer = client.post("/login", credentials).await;
    (answer.is(401), begun.elapsed())
}

/// How often one of `these` took longer than one of `those`: a half when nobody can tell them apart (Mann and Whitney).
fn longer(these: &[Duration], those: &[Duration]) -> f64 {
    let pairs = these
        .iter()
        .flat_map(|this| those.iter().map(move |that| this.cmp(that) as i32));
    let sum: i32 = pairs.map(|order| order + 1).sum();
    f64::from(sum) / 2.0 / (these.len() * those.len()) as f64
}

#[tokio::test]
async fn t1_the_time_of_an_answer_does_not_tell_who_has_an_account() {
    let product = start().await;
    // A connection for each, made before it counts.
    let clients: Vec<_> = (2..6).map(|host| product.anyone_at(host)).collect();
    for (client, (_, email)) in clients.iter().zip(KINDS) {
        fail(client, email).await;
    }
    let mut took = KINDS.map(|_| Vec::new());
    for round in 0..ROUNDS {
        if round % 8 == 0 {
            lift(&product).await;
        }
        let mut attempts = JoinSet::new();
        // Each kind begins as often as each other, on each connection.
        for turn in 0..KINDS.len() {
            let kind = (turn + round) % KINDS.len();
            let client = clients[(kind + round / 4) % clients.len()].clone();
            attempts.spawn(async move { (kind, fail(&client, KINDS[kind].1).await.1) });
        }
        while let Some(attempt) = attempts.join_next().await {
            let (kind, time) = attempt.unwrap();
            assert!(time >= DEADLINE, "{}: {time:?}", KINDS[kind].0);
            took[kind].push(time);
        }
    }
    for one in 0..KINDS.len() {
        for other in 0..one {
            // Five standard deviations around a half; without the same work and the deadline it is 0 or 1.
            let share = longer(&took[one], &took[other]);
            let names = (KINDS[one].0, KINDS[other].0);
            println!("{names:?}: {share:.3}");
            assert!((0.23..=0.77).contains(&share), "{names:?}: {share}");
        }
    }
}

#[tokio::test]
async fn t1_every_failure_costs_one_hash() {
    let product = start().await;
    let client = product.anyone_at(2);
    let mut spent = KINDS.map(|_| Vec::new());
    for round in 0..4 {
        for turn in 0..KINDS.len() {
            lift(&product).await;
            let kind = (turn + round) % KINDS.len();
            let before = product.auth().cpu();
            let attempts: Vec<_> = (0..9)
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { fail(&client, KINDS[kind].1).await })
                })
                .collect();
            for attempt in attempts {
                attempt.await.unwrap();
            }
            spent[kind].push(product.auth().cpu() - before);
        }
    }
    let medians = spent.map(|mut times| {
        times.sort();
        (times[1] + times[2]) / 2
    });
    println!("{KINDS:?}: {medians:?}");
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    // Nine hashes of tens of milliseconds each; who hashes not at all, or twice, is far outside.
    assert!(*most < least.mul_f64(1.4), "{medians:?}");
    assert!(*least > Duration::from_millis(90), "{medians:?}");
}

#[tokio::test]
async fn t2_a_body_that_drips_does_not_shorten_the_wait() {
    let product = start().await;
    let client = product.anyone_at(2);
    client.get("/health/auth").await.is(200);
    for (kind, email) in KINDS {
        let body = json!({ "email": email, "password": "wrong" }).to_string();
        let (mut sender, dripping) = Channel::<Bytes>::new(1);
        let request = client
            .request(Method::POST, "/login")
            .header("content-type", "application/json")
            .body(Body::wrap(dripping));
        let answer = tokio::spawn(Answer::of(request));
        let (most, last) = body.split_at(body.len() - 1);
        sender.send_data(most.to_owned().into()).await.unwrap();
        // So long that a clock that began with the request would have come round.
        sleep(DEADLINE * 2 - DEADLINE / 4).await;
        sender.send_data(last.to_owned().into()).await.unwrap();
        let sent = Instant::now();
        drop(sender);
        answer.await.unwrap().problem(401, "invalid_credentials");
        assert!(sent.elapsed() >= DEADLINE, "{kind}: {:?}", sent.elapsed());
    }
}

#[tokio::test]
async fn t3_of_two_attempts_on_one_connection_neither_kind_comes_first() {
    let product = start().await;
    let client = product.anyone_at(2);
    client.get("/health/auth").await.is(200);
    for kind in [0, 2, 3] {
        let mut first = 0;
        for round in 0..24 {
            if round % 8 == 0 {
                lift(&product).await;
            }
            let pair = match round % 2 {
                0 => [ADMIN, KINDS[kind].1],
                _ => [KINDS[kind].1, ADMIN],
            };
            let mut attempts = JoinSet::new();
            for email in pair {
                let client = client.clone();
                attempts.spawn(async move {
                    fail(&client, email).await;
                    email
                });
            }
            first += usize::from(attempts.join_next().await.unwrap().unwrap() == ADMIN);
            attempts.join_next().await.unwrap().unwrap();
        }
        println!("{}: {first} of 24", KINDS[kind].0);
        assert!((2..=22).contains(&first), "{}: {first}", KINDS[kind].0);
    }
}

#[tokio::test]
async fn t4_the_first_attempts_of_a_fresh_process_are_no_quicker() {
    let mut product = start().await;
    for (kind, email) in KINDS {
        product = product.kill_and_restart().await;
        let client = product.anyone_at(2);
        client.get("/health/auth").await.is(200);
        let (_, took) = fail(&client, email).await;
        assert!(took >= DEADLINE, "{kind}: {took:?}");
    }
}

#[tokio::test]
async fn t6_who_is_told_to_wait_is_told_the_same_about_every_account() {
    let product = start().await;
    let mut seen = BTreeSet::new();
    for (host, (_, email)) in (2..6).zip(KINDS) {
        let client = product.anyone_at(host);
        for _ in 0..10 {
            fail(&client, email).await;
        }
        // The right password changes nothing about it.
        for password in ["wrong", PASSWORD] {
            let credentials = json!({ "email": email, "password": password });
            let answer = client.post("/login", credentials).await;
            let (id, wait) = (answer.header("x-request-id"), answer.header("retry-after"));
            let text = answer
                .text()
                .replace(&id, "ID")
                .replace(&format!("in {wait} s"), "in N s");
            let headers = answer
                .headers
                .iter()
                .map(|(name, value)| match name.as_str() {
                    "date" | "x-request-id" | "retry-after" => name.to_string(),
                    _ => format!("{name}: {value:?}"),
                });
            seen.insert((text, headers.collect::<Vec<_>>()));
            answer.problem(429, "too_many_attempts");
        }
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test]
async fn t7_only_administrators_learn_which_addresses_are_taken() {
    let product = start().await;
    let user = product.user("bo@example.com").await;
    let mut seen = BTreeSet::new();
    for client in [&user, &product.anyone()] {
        let mut same = BTreeSet::new();
        for (_, email) in KINDS {
            let new = json!({ "email": email, "password": PASSWORD });
            let answer = client.post("/users", new).await;
            let id = answer.header("x-request-id");
            same.insert((answer.status.as_u16(), answer.text().replace(&id, "ID")));
        }
        assert_eq!(same.len(), 1, "{same:#?}");
        seen.extend(same.into_iter().map(|(status, _)| status));
    }
    assert_eq!(seen, BTreeSet::from([401, 403]));
}
