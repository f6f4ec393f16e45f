//! Connections to the database that fall silent, as after a failover: nobody ends them, and new ones are well.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tests::{Options, Product, database::fresh_mysql};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// What one piece of work may take, and a loaded machine.
const BOUND: Duration = Duration::from_secs(14);

/// Leads to the database until told that the connections there are shall be silent.
async fn silenced_way(url: &str) -> (String, watch::Sender<u32>) {
    let (begin, rest) = url.split_once("127.0.0.1:").expect("on this machine");
    let (port, rest) = rest.split_once('/').expect("a database");
    let server = Arc::new(format!("127.0.0.1:{port}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (say, hear) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (server, mut hear) = (Arc::clone(&server), hear.clone());
            hear.mark_unchanged();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server.as_str()).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    // Both ends stay open, and nothing passes any more.
                    _ = hear.changed() => std::future::pending::<()>().await,
                }
            });
        }
    });
    (format!("{begin}{address}/{rest}"), say)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fall_silent_are_given_up_and_replaced() {
    let url = fresh_mysql().await.expect("TEST_MYSQL_URL");
    let (way, say) = silenced_way(&url).await;
    let env = vec![("DATABASE_URL", way)];
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
    say.send(1).unwrap();
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
