//! Connections to the database that fall silent, as after a failover: nobody ends them, and new ones are well.

use std::time::{Duration, Instant};
use tests::{Options, Product, database::fresh_mysql, way::Way};
use tokio::time::sleep;

/// What one piece of work may take, and a loaded machine.
const BOUND: Duration = Duration::from_secs(14);

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fall_silent_are_given_up_and_replaced() {
    let url = fresh_mysql().await.expect("TEST_MYSQL_URL");
    let way = Way::to(&url).await;
    let env = vec![("DATABASE_URL", way.url())];
    let mut product = Product::services(1, Options { env }).await;
    let admin = product.admin().await;
    let ask = async || {
        let asked = (0..8).map(|_| {
            let admin = admin.clone();
            tokio::spawn(async move {
                let begun = Instant::now();
                let answer = admin.get("/customers").await;
                (answer.status.as_u16(), begun.elapsed())
            })
        });
        let mut answers = Vec::new();
        for answer in asked.collect::<Vec<_>>() {
            answers.push(answer.await.unwrap());
        }
        answers
    };
    assert!(ask().await.iter().all(|(status, _)| *status == 200));
    way.silence();
    for (status, took) in ask().await {
        assert!(status == 200 || status == 503, "{status}");
        assert!(took < BOUND, "{took:?}");
    }
    sleep(Duration::from_secs(1)).await;
    for (status, took) in ask().await {
        assert_eq!(
            status, 200,
            "after {took:?}: the places in the pool are free again"
        );
    }
    assert!(product.stop().await);
}
