//! A database that is killed while sessions are moved on.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Answer, Client, MariaDb, Options, Product};
use tokio::time::sleep;

async fn refresh(client: &Client, token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    client.post("/token", body).await
}

fn successor(answer: &Answer) -> String {
    answer.json()["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn f8_a_database_killed_between_its_commit_and_the_answer_ends_no_session() {
    let mut server = MariaDb::start(&[]).await;
    let env = vec![("DATABASE_URL", server.fresh().await)];
    let product = Product::services(1, Options { env }).await;
    let client = product.admin().await;
    let mut token = client.refresh.clone().unwrap();
    for round in 0..8 {
        client.get("/me").await.is(200);
        let (asking, old) = (client.clone(), token.clone());
        let asked = tokio::spawn(async move { refresh(&asking, &old).await });
        sleep(Duration::from_millis(round)).await;
        server.kill().await;
        let answer = asked.await.unwrap();
        server.start_again().await;
        let told = match answer.status.as_u16() {
            200 => Some(successor(&answer)),
            _ => {
                answer.problem(503, "unavailable");
                None
            }
        };
        // Whatever came of it: whoever asks again with the token that they have gets the one successor.
        let back = Instant::now();
        let again = loop {
            let answer = refresh(&client, &token).await;
            if answer.status.as_u16() == 503 && back.elapsed() < Duration::from_secs(15) {
                sleep(Duration::from_millis(50)).await;
                continue;
            }
            break successor(&answer.is(200));
        };
        assert!(told.is_none_or(|told| told == again));
        token = again;
    }
    client.get("/me").await.is(200);
}
