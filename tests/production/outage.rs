//! The database goes away while people work, and comes back.

use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tests::{Answer, Client, MariaDb, Options, Product, photo};
use tokio::time::sleep;

const WORKERS: usize = 32;
const OUTAGE: Duration = Duration::from_secs(10);
/// What an answer may take while the database is away.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long after its return everything must succeed again.
const RECOVERY: Duration = Duration::from_secs(5);

/// What one worker has seen.
#[derive(Default)]
struct Seen {
    /// When each request began, how long it took, and whether it succeeded.
    answers: Vec<(Instant, Duration, bool)>,
    /// The latest version of each customer that was acknowledged, and the notes that it was given.
    acknowledged: HashMap<i64, (i64, Value)>,
}

impl Seen {
    /// Sends a request. Its answer is a success, or the problem that the database is away.
    async fn send(&mut self, request: reqwest::RequestBuilder) -> Option<Answer> {
        let begun = Instant::now();
        let answer = Answer::of(request).await;
        let well = answer.status.is_success();
        self.answers.push((begun, begun.elapsed(), well));
        if well {
            return Some(answer);
        }
        assert_ne!(answer.header("retry-after"), "", "{}", answer.text());
        answer.problem(503, "unavailable");
        // As a client would that is told to come back later, but sooner.
        sleep(Duration::from_millis(50)).await;
        None
    }

    /// The same, and notes what the answer acknowledges.
    async fn write(&mut self, request: reqwest::RequestBuilder) {
        if let Some(answer) = self.send(request).await {
            let customer = answer.json();
            let version = customer["version"].as_i64().unwrap();
            let known = (version, customer["notes"].clone());
            self.acknowledged
                .insert(customer["id"].as_i64().unwrap(), known);
        }
    }
}

/// Reads and writes until told to stop.
async fn work(
    client: Client,
    worker: usize,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
) -> Seen {
    let mut seen = Seen::default();
    let own = client.customer(&format!("{worker}@example.com")).await;
    let own = format!("/customers/{}", own["id"]);
    let get = |path: &str| client.request(Method::GET, path);
    for round in worker.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match round % 8 {
            0 => drop(seen.send(get("/me")).await),
            1 => drop(seen.send(get("/customers?limit=10")).await),
            2 | 3 => {
                let change = client.request(Method::PATCH, &own);
                let change = change.json(&json!({ "notes": format!("{worker} {round}") }));
                seen.write(change).await;
            }
            4 => {
                let email = format!("{worker}-{round}@example.com");
                let new = json!({ "email": email, "name": "A", "surname": "B" });
                seen.write(client.request(Method::POST, "/customers").json(&new))
                    .await;
            }
            5 if worker < 4 => {
                let photo = client.request(Method::PUT, &format!("{own}/photo"));
                drop(seen.send(photo.body(photo::png(30, 30))).await);
            }
            _ => drop(seen.send(get(&own)).await),
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_said_at_once_and_nothing_acknowledged_is_lost() {
    let mut server = MariaDb::start(&[]).await;
    let env = vec![("DATABASE_URL", server.fresh().await)];
    let mut product = Product::services(1, Options { env }).await;
    let admin = product.admin().await;
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            // A connection of its own for each.
            let client = product.anyone().with_token(admin.token.as_deref().unwrap());
            tokio::spawn(work(client, worker, Arc::clone(&stop), Arc::clone(&done)))
        })
        .collect();
    let progress = async || {
        let until = done.load(Ordering::Relaxed) + 300;
        while done.load(Ordering::Relaxed) < until {
            let failed = workers.iter().any(tokio::task::JoinHandle::is_finished);
            assert!(!failed, "a worker met another failure");
            sleep(Duration::from_millis(5)).await;
        }
    };
    progress().await;
    let leaving = Instant::now();
    server.stop().await;
    let away = Instant::now();
    sleep(OUTAGE).await;
    server.start_again().await;
    let back = Instant::now();
    sleep(RECOVERY).await;
    progress().await;
    stop.store(true, Ordering::Relaxed);

    let (mut refused, mut slowest, mut acknowledged) = (0, Duration::ZERO, HashMap::new());
    for worker in workers {
        let seen = worker
            .await
            .expect("every answer is a good one or says why");
        for (begun, took, well) in seen.answers {
            refused += usize::from(!well);
            if begun + took >= leaving && begun < back {
                slowest = slowest.max(took);
            }
            assert!(
                well || begun + took >= leaving,
                "refused before it went away"
            );
            assert!(
                well || begun < back + RECOVERY,
                "refused {:?} after it came back",
                begun - back
            );
        }
        acknowledged.extend(seen.acknowledged);
    }
    eprintln!(
        "{refused} refused, the slowest answer took {slowest:?}, it stopped within {:?}",
        away - leaving
    );
    assert!(refused > 100, "{refused}");
    assert!(acknowledged.len() > WORKERS, "{}", acknowledged.len());
    for (id, (version, notes)) in acknowledged {
        let customer = admin.whole_customer(id).await;
        let current = customer["version"].as_i64().unwrap();
        assert!(current >= version, "{customer} was at {version}");
        // What was not acknowledged may have happened all the same.
        assert!(
            current > version || customer["notes"] == notes,
            "{customer}"
        );
    }
    assert!(slowest < AT_ONCE, "an answer took {slowest:?}");
    assert!(
        product.stop().await,
        "the services are those of the beginning"
    );
}
