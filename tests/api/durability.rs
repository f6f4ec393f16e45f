//! What was acknowledged outlives the program.

use bytes::Bytes;
use http_body_util::channel::Channel;
use reqwest::Method;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tests::{Answer, Client, Product, photo};

/// Writes customers, changes and photos until the program is gone; gives what was acknowledged.
async fn write(
    client: Client,
    writer: usize,
    acknowledged: Arc<AtomicUsize>,
) -> Vec<(i64, i64, bool)> {
    let mut written = Vec::new();
    for number in 0.. {
        let new = json!({ "email": format!("{writer}-{number}@example.com"), "name": "A", "surname": "B" });
        let Ok(made) = Answer::try_of(client.request(Method::POST, "/customers").json(&new)).await
        else {
            break;
        };
        let id = made.is(201).json()["id"].as_i64().unwrap();
        written.push((id, 1, false));
        acknowledged.fetch_add(1, Ordering::Relaxed);
        let change = client
            .request(Method::PATCH, &format!("/customers/{id}"))
            .json(&json!({ "name": "C" }));
        let Ok(changed) = Answer::try_of(change).await else {
            break;
        };
        changed.is(200);
        written.push((id, 2, false));
        if number % 4 == 0 {
            let upload = client
                .request(Method::PUT, &format!("/customers/{id}/photo"))
                .body(photo::png(40, 40));
            let Ok(kept) = Answer::try_of(upload).await else {
                break;
            };
            kept.is(200);
            written.push((id, 3, true));
        }
    }
    written
}

#[tokio::test]
async fn a_killed_program_has_lost_nothing_that_it_acknowledged() {
    let mut product = Product::start().await;
    for round in 0..3 {
        let admin = product.admin().await;
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..4)
            .map(|n| {
                tokio::spawn(write(
                    admin.clone(),
                    round * 10 + n,
                    Arc::clone(&acknowledged),
                ))
            })
            .collect();
        while acknowledged.load(Ordering::Relaxed) < 60 {
            tokio::task::yield_now().await;
        }
        product = product.kill_and_restart().await;
        let admin = product.admin().await;
        let mut seen = 0;
        for writer in writers {
            for (id, version, photo) in writer.await.unwrap() {
                let customer = admin.whole_customer(id).await;
                assert!(
                    customer["version"].as_i64().unwrap() >= version,
                    "{customer}"
                );
                if photo {
                    admin
                        .get(customer["photo_url"].as_str().unwrap())
                        .await
                        .is(200);
                }
                seen += 1;
            }
        }
        assert!(seen >= 60, "{seen}");
    }
}

#[tokio::test]
async fn a_program_told_to_stop_finishes_what_it_began() {
    let mut product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let picture = photo::png(64, 64);
    let (first, second) = picture.split_at(100);
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let body = reqwest::Body::wrap(body);
    let upload = admin.request(Method::PUT, "/customers/1/photo").body(body);
    let upload = tokio::spawn(Answer::of(upload));
    sender.send_data(first.to_vec().into()).await.unwrap();
    // On the same connection, after the upload's head: once it is answered, the upload has begun.
    admin.get("/health/images").await.is(200);
    let finish = async {
        let more = || Answer::try_of(admin.request(Method::GET, "/health/images"));
        while more().await.is_ok() {}
        sender.send_data(second.to_vec().into()).await.unwrap();
        drop(sender);
        upload.await.unwrap().is(200);
    };
    let (stopped, ()) = tokio::join!(product.stop(), finish);
    assert!(stopped, "it ends well");
}

#[tokio::test]
async fn a_disk_that_was_full_is_forgotten_when_it_is_not() {
    // On SQLite in every case: what fills up is the file beside the program.
    let product = Product::on_sqlite_ignoring_full_disks().await;
    let admin = product.admin().await;
    let new = |n: usize| json!({ "email": format!("{n}@example.com"), "name": "A", "surname": "B", "notes": "x".repeat(3_900) });
    admin.post("/customers", new(0)).await.is(201);
    let wal = std::fs::metadata(product.data("crm.db-wal")).unwrap().len();
    product.front().limit_files(Some(wal + 20_000)).await;
    let mut refused = 0;
    for n in 1..60 {
        let answer = admin.post("/customers", new(n)).await;
        if answer.status.as_u16() != 201 {
            answer.problem(503, "unavailable");
            refused += 1;
        }
    }
    assert!(refused > 3, "the disk was full");
    product.front().limit_files(None).await;
    for n in 100..105 {
        admin.post("/customers", new(n)).await.is(201);
    }
    product.admin().await.get("/customers/1").await.is(200);
}

#[tokio::test]
async fn a_picture_for_which_the_disk_is_full_leaves_the_old_one_and_nothing_else() {
    let product = Product::on_sqlite_ignoring_full_disks().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let put = async |bytes| {
        admin
            .put_bytes("/customers/1/photo", "image/png", bytes)
            .await
    };
    let old = put(photo::png(40, 30)).await.is(200).json();
    // The database still fits; the largest size of the picture does not.
    let files = ["crm.db", "crm.db-wal"].map(|file| std::fs::metadata(product.data(file)).unwrap());
    let most = files.map(|file| file.len()).into_iter().max().unwrap() + 200_000;
    product.front().limit_files(Some(most)).await;
    let large = noise(2_048, 1_536);
    for _ in 0..3 {
        put(large.clone()).await.problem(503, "unavailable");
        let customer = admin.get("/customers/1").await.is(200).json();
        assert_eq!(customer["photo"], old);
        let ids = product.pictures().ids().await;
        assert!(
            ids.len() == 1 && old["id"] == *ids.iter().next().unwrap(),
            "{ids:?}"
        );
    }
    product.front().limit_files(None).await;
    let new = put(large).await.is(200).json();
    admin.get(new["large"].as_str().unwrap()).await.is(200);
    assert_eq!(product.pictures().ids().await.len(), 1);
}

/// A picture that hardly becomes smaller.
fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::RgbImage::from_fn(width, height, |_, _| {
        image::Rgb([0; 3].map(|_| fastrand::u8(..)))
    });
    let format = image::ImageFormat::Png;
    picture
        .write_to(&mut std::io::Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}
