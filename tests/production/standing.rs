//! What one service changes, the others learn.

use std::time::{Duration, Instant};
use tests::{Options, Process, Product, database::fresh_mysql};

#[tokio::test]
async fn a_session_that_ends_ends_in_every_service_within_thirty_seconds() {
    let product = Product::services(1, Options::default()).await;
    let admin = product.admin().await;
    admin.get("/customers").await.is(200);
    admin.post("/logout", serde_json::json!({})).await.is(204);
    let ended = Instant::now();
    // Looked up again at the latest after thirty seconds; every answer until then is a good one or the refusal.
    loop {
        let answer = admin.get("/customers").await;
        if answer.status.as_u16() == 401 {
            break;
        }
        answer.is(200);
        assert!(
            ended.elapsed() < Duration::from_secs(32),
            "the session is still good"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn two_migrations_at_once_are_one() {
    let env = [("DATABASE_URL", fresh_mysql().await.expect("TEST_MYSQL_URL"))];
    let migrate = || Process::output("admin", &["migrate"], &env, "");
    let (one, other) = tokio::join!(migrate(), migrate());
    assert!(
        one.contains("up to date") && other.contains("up to date"),
        "{one}{other}"
    );
    assert!(migrate().await.starts_with("The schema is up to date"));
}
