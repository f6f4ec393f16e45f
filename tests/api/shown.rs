//! How pictures are shown: whole or not at all, without holding them, and the same to everybody.

use image::{ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::Value;
use std::{fs, io::Cursor};
use tests::{
    Answer, Client, Instance, Options, Pictures, Product, plain,
    storage::{Fault, Storage},
};

const PHOTO: &str = "/customers/1/photo";
const SIZES: [&str; 3] = ["small", "medium", "large"];

/// A photo whose large picture has more bytes than are ever held of one.
fn noise() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(3);
    let picture = RgbImage::from_fn(1_500, 1_100, |_, _| Rgb([0; 3].map(|_| random.u8(..))));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

async fn set(client: &Client) -> Value {
    client
        .put_bytes(PHOTO, "image/jpeg", noise())
        .await
        .is(200)
        .json()
}

#[tokio::test]
async fn a_large_picture_comes_in_pieces_and_whole() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let photo = set(&admin).await;
    let anyone = product.anyone_old();
    for size in SIZES {
        let address = photo[size].as_str().unwrap();
        let seen = anyone.get(address).await.is(200);
        let length = seen.bytes.len();
        // The emulator does not say how long what it sends is; Google does.
        let told = seen.header("content-length");
        let silent = size == "large" && matches!(product.pictures(), Pictures::Bucket(_));
        assert!(
            told == length.to_string() || silent && told.is_empty(),
            "{told}"
        );
        assert_eq!(seen.header("accept-ranges"), "none");
        assert!(seen.bytes.ends_with(b"\xff\xd9"));
        assert!(size != "large" || length > 600_000, "{length}");
        // A part that is asked for all the same is the whole (RFC 9110, section 14.2).
        let part = anyone
            .get_with(address, "range", "bytes=0-99")
            .await
            .is(200);
        assert_eq!(part.bytes, seen.bytes);
        let head = Answer::of(anyone.request(Method::HEAD, address))
            .await
            .is(200);
        assert_eq!(head.header("content-length"), length.to_string());
        let tag = seen.header("etag");
        let same = anyone
            .get_with(address, "if-none-match", &tag)
            .await
            .is(304);
        assert_eq!(same.header("content-length"), "");
        for name in ["etag", "cache-control"] {
            assert_eq!(same.header(name), seen.header(name));
        }
    }
    // Whoever breaks off in the middle keeps nobody from the next.
    for _ in 0..50 {
        let address = photo["large"].as_str().unwrap();
        let begun = anyone.request(Method::GET, address).send().await.unwrap();
        assert_eq!(begun.status(), 200);
    }
    anyone.get(photo["large"].as_str().unwrap()).await.is(200);
}

#[tokio::test]
async fn nothing_of_a_picture_is_fetched_for_those_who_have_it_and_a_damaged_one_is_never_whole() {
    let (product, storage) = tokio::join!(Product::start(), Storage::start());
    let images = Instance::start(&product, "images", storage.env()).await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let photo = set(&images.client(&admin)).await;
    let address = images.address(&photo["large"]);
    let get = || plain(false).get(&address);
    let whole = Answer::of(get()).await.is(200);

    storage.fail(usize::MAX, "GET", "alt=media", Fault::Status(503));
    let head = Answer::of(plain(false).head(&address)).await.is(200);
    assert_eq!(head.header("content-length"), whole.bytes.len().to_string());
    let known = get().header("if-none-match", whole.header("etag"));
    Answer::of(known).await.is(304);
    Answer::of(get()).await.problem(503, "unavailable");
    storage.heal();

    // Begun, it cannot be taken back: it breaks off.
    storage.fail(1, "GET", "alt=media", Fault::Flipped);
    let broken = Answer::try_of(get()).await;
    assert!(broken.is_err(), "a damaged picture was shown whole");
    assert_eq!(storage.heal(), 0);
    assert!(Answer::of(get()).await.is(200).bytes == whole.bytes);

    storage.fail(2, "GET", "large.jpg", Fault::Status(503));
    Answer::of(plain(false).head(&address)).await.is(200);
    storage.heal();
    admin.get("/customers/1").await.is(200);
    images.client(&admin).delete(PHOTO).await.is(204);
    for request in [
        get(),
        get().header("if-none-match", "*"),
        plain(false).head(&address),
    ] {
        assert_eq!(Answer::of(request).await.status, 404);
    }
}

#[tokio::test]
async fn a_picture_is_one_answer_for_pages_of_all_origins() {
    let (ours, other) = ("https://app.example.com", "https://evil.example");
    let env = vec![("CORS_ALLOWED_ORIGINS", ours.to_owned())];
    let product = Product::start_with(Options { env }).await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let photo = set(&admin).await;
    let anyone = product.anyone();
    let address = photo["small"].as_str().unwrap();
    let tag = anyone.get(address).await.is(200).header("etag");
    for (name, value) in [
        ("origin", ours),
        ("origin", other),
        ("accept", "image/avif"),
    ] {
        let seen = anyone.get_with(address, name, value).await.is(200);
        let request = anyone.request(Method::GET, address).header(name, value);
        let known = Answer::of(request.header("if-none-match", &tag))
            .await
            .is(304);
        for answer in [seen, known] {
            assert_eq!(answer.header("vary"), "");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
    }
    // What is somebody's own goes to pages that are listed alone, and what is refused is not kept.
    let refused = anyone
        .get_with(&format!("{address}x"), "origin", other)
        .await;
    assert_eq!(refused.header("cache-control"), "no-store");
    assert_eq!(refused.header("access-control-allow-origin"), "");
    let customer = admin
        .get_with("/customers/1", "origin", other)
        .await
        .is(200);
    assert_eq!(customer.header("access-control-allow-origin"), "");
    assert!(customer.header("vary").contains("origin"));
}

#[tokio::test]
async fn a_picture_that_was_shown_is_gone_once_its_file_is() {
    let product = Product::start().await;
    let Pictures::Folder(folder) = product.pictures() else {
        return;
    };
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let photo = set(&admin).await;
    let anyone = product.anyone();
    for size in SIZES {
        anyone.get(photo[size].as_str().unwrap()).await.is(200);
    }
    // As another program removes it.
    let id = photo["id"].as_str().unwrap();
    fs::remove_dir_all(folder.join(&id[..2]).join(id)).unwrap();
    for size in SIZES {
        let gone = anyone.get(photo[size].as_str().unwrap()).await;
        gone.problem(404, "not_found");
    }
}
