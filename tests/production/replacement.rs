//! Services are replaced while people work.

use reqwest::Method;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tests::{Answer, Client, Options, Product, photo};

/// Works until told to stop; gives how many requests were answered.
async fn work(
    client: Client,
    worker: usize,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
) -> usize {
    let mut answered = 0;
    let made = client.customer(&format!("{worker}@example.com")).await;
    let path = format!("/customers/{}", made["id"]);
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let answer = match (worker + round) % 8 {
            0 => client.get("/me").await.is(200),
            1 => client.get("/customers?limit=10").await.is(200),
            2 => client
                .patch(&path, json!({ "notes": format!("{round}") }))
                .await
                .is(200),
            3 if worker < 4 => {
                let upload = client
                    .request(Method::PUT, &format!("{path}/photo"))
                    .body(photo::png(30, 30));
                Answer::of(upload).await.is(200)
            }
            4 => {
                let email = format!("{worker}-{round}@example.com");
                client
                    .post(
                        "/customers",
                        json!({ "email": email, "name": "A", "surname": "B" }),
                    )
                    .await
                    .is(201)
            }
            _ => client.get(&path).await.is(200),
        };
        drop(answer);
        answered += 1;
        done.fetch_add(1, Ordering::Relaxed);
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_when_each_service_is_replaced_under_load() {
    let mut product = Product::services(2, Options::default()).await;
    let admin = product.admin().await;
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let workers: Vec<_> = (0..64)
        .map(|worker| {
            // A connection of its own for each.
            let client = product.anyone().with_token(admin.token.as_deref().unwrap());
            tokio::spawn(work(client, worker, Arc::clone(&stop), Arc::clone(&done)))
        })
        .collect();
    let progress = async |requests: usize| {
        let until = done.load(Ordering::Relaxed) + requests;
        while done.load(Ordering::Relaxed) < until {
            assert!(
                !workers.iter().any(tokio::task::JoinHandle::is_finished),
                "a worker met a failure"
            );
            tokio::task::yield_now().await;
        }
    };
    progress(200).await;
    // The first instance of each service; the second is up and takes over.
    for index in [0, 2, 4] {
        assert!(product.service(index).stop().await, "it ends well");
        progress(200).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for worker in workers {
        answered += worker.await.expect("no request failed");
    }
    assert!(answered >= 800, "{answered}");
}
