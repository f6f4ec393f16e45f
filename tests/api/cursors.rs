//! Cursors of every list: sealed, so that nobody reads one, forges one, or uses it for another list.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use std::{fs, os::unix::fs::MetadataExt as _};
use tests::{Client, PASSWORD, Product};

/// One cursor of each list, and the list it is of.
async fn cursors(product: &Product, admin: &Client) -> Vec<(&'static str, String)> {
    for name in ["ada", "bob", "eve"] {
        admin.customer(&format!("{name}@example.com")).await;
        let user = json!({ "email": format!("{name}@example.org"), "password": PASSWORD });
        admin.post("/users", user).await.is(201);
    }
    for id in [1, 2] {
        let phone = json!({ "phone": "1" });
        admin
            .patch(&format!("/customers/{id}"), phone)
            .await
            .is(200);
    }
    let mut cursors = Vec::new();
    for list in [
        "/customers?limit=1",
        "/customers?limit=1&sort=-id",
        "/customers?limit=1&sort=email",
        "/customers?limit=1&sort=-email",
        "/customers?limit=1&sort=name",
        "/customers?limit=1&deleted=include",
        "/customers?limit=1&q=a",
        "/customers?limit=1&created_by=1",
        "/customers?limit=1&q=lovelace&sort=email",
        "/customers/1/history?limit=1",
        "/customers/2/history?limit=1",
        "/users?limit=1",
    ] {
        let page = admin.get(list).await.is(200);
        let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
        let link = page.header("link");
        assert!(
            link.contains(&cursor) && link.contains(&product.base),
            "{link}"
        );
        cursors.push((list, cursor));
    }
    cursors
}

async fn refused(admin: &Client, list: &str, cursor: &str) {
    let path = format!("{list}&cursor={cursor}");
    let problem = admin.get(&path).await.problem(400, "invalid_cursor");
    assert!(problem["detail"].as_str().unwrap().contains("begin again"));
}

#[tokio::test]
async fn a_cursor_fits_its_own_list_alone() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let cursors = cursors(&product, &admin).await;
    for (list, cursor) in &cursors {
        let path = format!("{list}&cursor={cursor}");
        admin.get(&path).await.is(200);
        let colleague = product.anyone().signed_in(tests::ADMIN, PASSWORD).await;
        colleague.get(&path).await.is(200);
        for (other, _) in cursors.iter().filter(|(other, _)| other != list) {
            refused(&admin, other, cursor).await;
        }
    }
}

#[tokio::test]
async fn nobody_forges_a_cursor_or_changes_one() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for (list, cursor) in cursors(&product, &admin).await {
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        // A bit of the nonce, of the key of the last row, and of the tag.
        for index in [
            0,
            11,
            12,
            bytes.len() / 2,
            bytes.len() - 17,
            bytes.len() - 1,
        ] {
            let mut bytes = bytes.clone();
            bytes[index] ^= 1;
            refused(&admin, list, &URL_SAFE_NO_PAD.encode(bytes)).await;
        }
        for length in [0, 1, 16, 38, cursor.len() - 4, cursor.len() - 1] {
            refused(&admin, list, &cursor[..length]).await;
        }
        let path = list.split('?').next().unwrap();
        let plain = [
            json!([path, 1]).to_string(),
            json!(["customers", { "key": 1, "id": 1 }]).to_string(),
            json!(1).to_string(),
        ];
        for forged in plain {
            refused(&admin, list, &URL_SAFE_NO_PAD.encode(forged)).await;
        }
        let longer = format!("{cursor}{}", "A".repeat(2_000));
        let spaced = format!("{cursor}%20");
        for bad in [longer.as_str(), &spaced, "%00", "%F0%9F%98%80", "..."] {
            refused(&admin, list, bad).await;
        }
    }
}

#[tokio::test]
async fn a_cursor_shows_nothing_of_a_person() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    admin.customer("bob@example.com").await;
    let ask = async || {
        let page = admin.get("/customers?limit=1&sort=email").await.is(200);
        page.json()["next_cursor"].as_str().unwrap().to_owned()
    };
    let (first, again) = (ask().await, ask().await);
    assert_ne!(first, again, "two cursors of one place look alike");
    let bytes = URL_SAFE_NO_PAD.decode(&first).unwrap();
    for readable in ["ada", "example", "email"] {
        let shows = |text: &[u8]| {
            text.windows(readable.len())
                .any(|part| part == readable.as_bytes())
        };
        assert!(!shows(&bytes), "{readable} is readable");
    }
}

#[tokio::test]
async fn a_data_folder_of_an_earlier_version_gets_its_key_and_keeps_the_others() {
    let product = Product::all_in_one().await;
    let admin = product.admin().await;
    let cursors = cursors(&product, &admin).await;
    let (refresh, privacy) = (product.key("REFRESH_KEY"), product.key("PRIVACY_KEY"));
    fs::remove_file(product.data("keys/privacy")).unwrap();
    let product = product.kill_and_restart().await;
    let admin = product.admin().await;
    assert_eq!(product.key("REFRESH_KEY"), refresh);
    assert_ne!(product.key("PRIVACY_KEY"), privacy);
    let file = fs::metadata(product.data("keys/privacy")).unwrap();
    assert_eq!(file.mode() & 0o777, 0o600);
    // What an earlier key made is of no list any more, and of users' list it was another key.
    for (list, cursor) in &cursors {
        match list.starts_with("/users") {
            true => drop(admin.get(&format!("{list}&cursor={cursor}")).await.is(200)),
            false => refused(&admin, list, cursor).await,
        }
        admin.get(list).await.is(200);
    }
    let kept = product.key("PRIVACY_KEY");
    let product = product.kill_and_restart().await;
    assert_eq!(product.key("PRIVACY_KEY"), kept);
}
