//! Customers' photos.

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use image::{GrayImage, ImageFormat, RgbImage};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use ring::hmac;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    io::{Cursor, Write as _},
};
use tests::{
    Answer, Client, Options, Product,
    photo::{BOTTOM, SECRET, TOP, assert_upright, png, sideways_jpeg},
};
use tokio::task::JoinSet;

const PHOTO: &str = "/customers/1/photo";
const SIZES: [&str; 3] = ["small", "medium", "large"];
const MIB: usize = 1024 * 1024;

/// A product with one customer, and its administrator.
async fn begin() -> (Product, Client) {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    (product, admin)
}

async fn put(client: &Client, bytes: Vec<u8>) -> Answer {
    client.put_bytes(PHOTO, "image/jpeg", bytes).await
}

/// Gives the customer a small photo; gives its record.
async fn set(client: &Client) -> Value {
    put(client, png(9, 6)).await.is(200).json()
}

fn address<'a>(photo: &'a Value, size: &str) -> &'a str {
    photo[size].as_str().unwrap()
}

async fn send(client: &Client, form: Form) -> Answer {
    Answer::of(client.request(Method::PUT, PHOTO).multipart(form)).await
}

/// A picture as upright as [`assert_upright`] wants it.
fn encoded(format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(40, 60, |_, y| if y < 30 { TOP } else { BOTTOM });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The pictures in the product's storage, finished or not.
async fn kept(product: &Product) -> HashSet<String> {
    product.pictures().ids().await
}

#[tokio::test]
async fn a_sideways_photo_comes_out_upright_and_clean_in_three_sizes() {
    let (product, admin) = begin().await;
    let jpeg = sideways_jpeg(4000, 3000);
    let set = put(&admin, jpeg).await.is(200);
    assert_eq!(set.header("content-type"), "application/json");
    assert_eq!(set.header("etag"), "\"2\"");
    assert_eq!(set.header("cache-control"), "no-store");
    let photo = set.json();
    assert_eq!(
        (&photo["width"], &photo["height"]),
        (&json!(1536), &json!(2048))
    );
    assert_eq!(photo.as_object().unwrap().len(), 6);
    let customer = admin.get("/customers/1").await.is(200);
    assert_eq!(customer.header("etag"), "\"2\"");
    let customer = customer.json();
    assert_eq!(
        (&customer["photo"], &customer["photo_url"]),
        (&photo, &photo["medium"])
    );
    let listed = admin.get("/customers").await.is(200).json();
    assert_eq!(listed["data"][0], customer);
    let anyone = product.anyone();
    for (size, expected) in SIZES
        .into_iter()
        .zip([(128, 128), (512, 512), (1536, 2048)])
    {
        let led = admin.get(&format!("{PHOTO}?size={size}")).await.is(303);
        assert_eq!(led.header("location"), address(&photo, size));
        assert_eq!(led.header("cache-control"), "no-store");
        let image = anyone.get(address(&photo, size)).await.is(200);
        assert_upright(&image.bytes, expected);
        let keep = image.header("cache-control");
        let age: u64 = keep
            .strip_prefix("private, max-age=")
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!((3_600..=86_400).contains(&age), "{keep}");
        let head = Answer::of(anyone.request(Method::HEAD, address(&photo, size)))
            .await
            .is(200);
        assert!(head.bytes.is_empty());
        for answer in [&image, &head] {
            for (name, value) in [
                ("content-type", "image/jpeg"),
                ("content-length", &image.bytes.len().to_string()),
                ("etag", &image.header("etag")),
                ("content-security-policy", "sandbox; default-src 'none'"),
                ("cross-origin-resource-policy", "same-site"),
                ("x-content-type-options", "nosniff"),
            ] {
                assert_eq!(answer.header(name), value, "{name}");
            }
        }
        for tags in [
            image.header("etag"),
            format!("\"x\", W/{}", image.header("etag")),
            "*".to_owned(),
        ] {
            let same = anyone
                .get_with(address(&photo, size), "if-none-match", &tags)
                .await
                .is(304);
            assert!(same.bytes.is_empty());
            assert_eq!(same.header("etag"), image.header("etag"));
            assert!(
                same.header("cache-control")
                    .starts_with("private, max-age=")
            );
        }
        let other = anyone
            .get_with(address(&photo, size), "if-none-match", "\"x\"")
            .await;
        assert_eq!(other.is(200).bytes, image.bytes);
        let bad = anyone
            .get_with(address(&photo, size), "if-none-match", "x")
            .await;
        bad.problem(400, "malformed_header");
    }
    let led = admin.get(PHOTO).await.is(303);
    assert_eq!(led.header("location"), address(&photo, "medium"));
    for query in ["size=huge", "size=", "sise=small", "size=small&size=large"] {
        let answer = admin.get(&format!("{PHOTO}?{query}")).await;
        answer.problem(400, "malformed_query");
    }
    // The form is the documented one: whoever has the key can make the same address.
    let (begin, signature) = address(&photo, "large").split_once("&Signature=").unwrap();
    let key = product.key("IMAGE_URL_KEYS");
    let (name, key) = key.trim().split_once(':').unwrap();
    assert!(begin.ends_with(&format!("&KeyName={name}")), "{begin}");
    assert_eq!(signature, signed(begin, key));
}

/// The signature of an address that ends with `KeyName=…`, under a key in base64url.
fn signed(unsigned: &str, key: &str) -> String {
    let key = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(key.trim_end_matches('='))
        .unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    URL_SAFE.encode(hmac::sign(&key, unsigned.as_bytes()))
}

#[tokio::test]
async fn a_picture_is_taken_in_each_format_whatever_its_type_says() {
    let (product, admin) = begin().await;
    let anyone = product.anyone();
    let formats = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];
    for (format, kind) in formats
        .into_iter()
        .zip(["image/png", "image/webp", "text/html"])
    {
        for kind in [format.to_mime_type(), kind] {
            let set = admin.put_bytes(PHOTO, kind, encoded(format)).await.is(200);
            let large = anyone.get(address(&set.json(), "large")).await;
            assert_upright(&large.is(200).bytes, (40, 60));
        }
        let untyped = admin.request(Method::PUT, PHOTO).body(encoded(format));
        Answer::of(untyped).await.is(200);
        for name in ["photo.jpg", "../../etc/passwd", "x.html", ""] {
            let part = Part::bytes(encoded(format))
                .file_name(name)
                .mime_str("text/html")
                .unwrap();
            let form = Form::new().text("caption", "me").part("anything", part);
            let set = send(&admin, form).await.is(200);
            let small = anyone.get(address(&set.json(), "small")).await;
            assert_upright(&small.is(200).bytes, (128, 128));
        }
    }
    assert_eq!(
        kept(&product).await.len(),
        1,
        "every earlier picture is gone"
    );
    let photo = admin.get("/customers/1").await.json()["photo"].clone();
    let file = || Part::bytes(encoded(ImageFormat::Png)).file_name("a.png");
    for form in [
        Form::new(),
        Form::new().text("a", "1").text("b", "2"),
        Form::new().part("a", file()).part("b", file()),
        Form::new().part("a", file()).part("a", file()),
    ] {
        send(&admin, form).await.problem(400, "malformed_body");
    }
    let text = Form::new().part("a", Part::bytes(b"hello".as_slice()).file_name("a.png"));
    send(&admin, text).await.problem(415, "not_an_image");
    for (kind, body) in [
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=", "x"),
        ("multipart/form-data; boundary=b", ""),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
        ),
        ("multipart/mixed; boundary=b", "--b--"),
    ] {
        let answer = admin.put_bytes(PHOTO, kind, body.into()).await;
        answer.problem(400, "malformed_body");
    }
    assert_eq!(admin.get("/customers/1").await.json()["photo"], photo);
}

#[tokio::test]
async fn only_the_address_that_was_given_opens_a_picture() {
    let (product, admin) = begin().await;
    let anyone = product.anyone();
    let photo = set(&admin).await;
    let whole = address(&photo, "small");
    let (path, query) = whole.split_once('?').unwrap();
    let parts: Vec<&str> = query.split('&').collect();
    let [expires, name, signature] = parts[..] else {
        panic!("{query}")
    };
    let shortened = |text: &str| text[..text.len() - 1].to_owned();
    let id = photo["id"].as_str().unwrap();
    let mut changed = vec![
        path.to_owned(),
        format!("{path}?{expires}&{name}"),
        format!("{path}?{expires}&{signature}"),
        format!("{path}?{name}&{signature}"),
        format!("{path}?{expires}&{name}&Signature="),
        format!("{path}?Expires=0&{name}&{signature}"),
        format!("{path}?Expires=-1&{name}&{signature}"),
        format!("{path}?Expires=9223372036854775807&{name}&{signature}"),
        format!("{path}?{expires}0&{name}&{signature}"),
        format!("{path}?{expires}&KeyName=&{signature}"),
        format!("{path}?{expires}&KeyName=other&{signature}"),
        format!("{path}?{expires}&{name}0&{signature}"),
        format!("{path}?{expires}&{name}&{signature}A"),
        format!("{path}?{expires}&{name}&{}", shortened(signature)),
        format!(
            "{path}?{expires}&{name}&{}",
            shortened(&shortened(signature))
        ),
        whole.replacen("/small?", "/large?", 1),
        whole.replacen("/small?", "/medium?", 1),
        whole.replacen(id, &"0".repeat(32), 1),
    ];
    let replaced = |at: usize, with: char| format!("{}{with}{}", &whole[..at], &whole[at + 1..]);
    let begin = |part: &str| whole.find(part).unwrap() + part.find('=').map_or(0, |at| at + 1);
    for (part, digits) in [
        (id, "0f"),
        (expires, "17"),
        (name, "Ax"),
        (signature, "AQ_"),
    ] {
        let value = part.rsplit_once('=').map_or(part, |(_, value)| value);
        let length = if part == signature { 28 } else { value.len() };
        for at in begin(part)..begin(part) + length {
            for digit in digits
                .chars()
                .filter(|digit| !whole[at..].starts_with(*digit))
            {
                changed.push(replaced(at, digit));
            }
        }
    }
    for address in &changed {
        anyone.get(address).await.problem(403, "invalid_signature");
    }
    for more in ["&x=1", "&Expires=1", "&expires=1", "&size=small"] {
        let answer = anyone.get(&format!("{whole}{more}")).await;
        answer.problem(403, "invalid_signature");
    }
    for path in [
        "/images/x/small",
        "/images/0/small",
        &format!("/images/{id}/huge"),
    ] {
        let answer = anyone.get(&format!("{path}?{query}")).await;
        answer.problem(400, "malformed_path");
    }
    // A signature opens no door but its own.
    let signed_in = admin.get(&format!("{path}?{expires}&{name}")).await;
    signed_in.problem(403, "invalid_signature");
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        let answer = Answer::of(admin.request(method, whole)).await;
        assert_ne!(answer.header("allow"), "");
        answer.problem(405, "method_not_allowed");
    }
    anyone.get(whole).await.is(200);
}

#[tokio::test]
async fn an_address_that_is_written_otherwise_is_another_address() {
    let (product, admin) = begin().await;
    let photo = set(&admin).await;
    let whole = address(&photo, "small");
    for other in [
        whole.replacen("Expires=", "Expires=0", 1),
        whole.replacen("Expires=", "Expires=%2B", 1),
    ] {
        let answer = product.anyone().get(&other).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 403),
            "{other} opens it"
        );
    }
}

#[tokio::test]
async fn an_address_that_has_expired_opens_nothing() {
    let keys = format!("now:{},old:AQEBAQEBAQEBAQEBAQEBAQ", "A".repeat(22));
    let env = vec![("IMAGE_URL_KEYS", keys)];
    let product = Product::start_with(Options { env }).await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let photo = set(&admin).await;
    let path = address(&photo, "small").split('?').next().unwrap();
    let at = |expires: &str, name: &str, key: &str| {
        let unsigned = format!("{path}?Expires={expires}&KeyName={name}");
        format!("{unsigned}&Signature={}", signed(&unsigned, key))
    };
    let (now, old) = ("A".repeat(22), "AQEBAQEBAQEBAQEBAQEBAQ");
    let anyone = product.anyone();
    assert!(address(&photo, "small").contains("KeyName=now&"));
    anyone.get(&at("4000000000", "now", &now)).await.is(200);
    for expires in ["1", "0", "-1", "1500000000", "-9223372036854775808"] {
        let answer = anyone.get(&at(expires, "now", &now)).await;
        answer.problem(403, "link_expired");
    }
    // Time's end is only as far as an address can name it.
    anyone
        .get(&at("9223372036854775807", "now", &now))
        .await
        .is(200);
    let foreign = anyone.get(&at("4000000000", "now", old)).await;
    foreign.problem(403, "invalid_signature");
}

#[tokio::test]
async fn a_new_photo_replaces_the_old_and_a_removed_one_is_gone() {
    let (product, admin) = begin().await;
    let anyone = product.anyone();
    admin.get(PHOTO).await.problem(404, "not_found");
    admin.delete(PHOTO).await.problem(404, "not_found");
    let first = set(&admin).await;
    let second = put(&admin, png(9, 6)).await.is(200);
    assert_eq!(second.header("etag"), "\"3\"");
    let second = second.json();
    assert_ne!(first["id"], second["id"]);
    for size in SIZES {
        let old = anyone.get(address(&first, size)).await;
        old.problem(404, "not_found");
        anyone.get(address(&second, size)).await.is(200);
    }
    assert_eq!(
        kept(&product).await,
        HashSet::from([second["id"].as_str().unwrap().to_owned()])
    );
    let removed = admin.delete(&format!("{PHOTO}/")).await.is(204);
    assert!(removed.bytes.is_empty());
    admin.delete(PHOTO).await.problem(404, "not_found");
    admin.get(PHOTO).await.problem(404, "not_found");
    for size in SIZES {
        let old = anyone.get(address(&second, size)).await;
        old.problem(404, "not_found");
    }
    assert!(kept(&product).await.is_empty());
    let customer = admin.get("/customers/1").await.is(200).json();
    assert_eq!(
        json!([
            customer["photo"],
            customer["photo_url"],
            customer["version"]
        ]),
        json!([null, null, 4])
    );
    let history = admin.get("/customers/1/history").await.is(200).json();
    let events = history["data"].as_array().unwrap();
    let photo = |from: &Value, to: &Value| json!({ "photo": { "from": from, "to": to } });
    let (first, second, none) = (&first["id"], &second["id"], &Value::Null);
    for (event, action, changes) in [
        (&events[0], "photo_removed", photo(second, none)),
        (&events[1], "photo_set", photo(first, second)),
        (&events[2], "photo_set", photo(none, first)),
    ] {
        assert_eq!(
            (&event["action"], &event["changes"], &event["by"]),
            (&json!(action), &changes, &json!(1))
        );
    }
}

#[tokio::test]
async fn a_removed_picture_is_gone_for_those_who_have_it_too() {
    let (product, admin) = begin().await;
    let photo = set(&admin).await;
    let anyone = product.anyone();
    let tag = anyone
        .get(address(&photo, "small"))
        .await
        .is(200)
        .header("etag");
    admin.delete(PHOTO).await.is(204);
    // RFC 9110, section 13.2.1: the condition counts only where the answer would be a success without it.
    for tags in [&tag, "*"] {
        let answer = anyone
            .get_with(address(&photo, "small"), "if-none-match", tags)
            .await;
        answer.problem(404, "not_found");
    }
}

#[tokio::test]
async fn writing_a_photo_for_another_version_is_refused_before_its_body_matters() {
    let (product, admin) = begin().await;
    let photo = set(&admin).await;
    let current = admin.get("/customers/1").await.json();
    for (method, body) in [
        (Method::PUT, png(3, 3)),
        (Method::PUT, b"no picture".to_vec()),
        (Method::DELETE, Vec::new()),
    ] {
        let send = |tags| {
            let request = admin.request(method.clone(), PHOTO).body(body.clone());
            Answer::of(request.header("if-match", tags))
        };
        for tags in ["\"1\"", "\"3\"", "W/\"2\""] {
            let problem = send(tags).await.problem(412, "version_mismatch");
            assert_eq!(problem["current"], current);
        }
        for tags in ["2", "", "\"2"] {
            send(tags).await.problem(400, "malformed_header");
        }
    }
    assert_eq!(admin.get("/customers/1").await.json(), current);
    let put = admin
        .request(Method::PUT, PHOTO)
        .header("if-match", "\"2\"");
    let put = Answer::of(put.body(png(3, 3))).await.is(200);
    assert_eq!(put.header("etag"), "\"3\"");
    let removed = admin
        .request(Method::DELETE, PHOTO)
        .header("if-match", "\"3\"");
    Answer::of(removed).await.is(204);
    let gone = product.anyone().get(address(&photo, "small")).await;
    gone.problem(404, "not_found");
}

#[tokio::test]
async fn a_photo_needs_a_token_and_a_living_customer_and_its_address_neither() {
    let (product, admin) = begin().await;
    let photo = set(&admin).await;
    let anyone = product.anyone();
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for path in [
            PHOTO,
            "/customers/9/photo",
            "/customers/x/photo",
            "/customers/1/photo?size=x",
        ] {
            let answer = Answer::of(anyone.request(method.clone(), path).body(png(2, 2))).await;
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            answer.problem(401, "unauthenticated");
        }
    }
    admin.delete("/customers/1").await.is(204);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = Answer::of(admin.request(method, PHOTO).body(png(2, 2))).await;
        answer.problem(404, "not_found");
    }
    // It can be restored, so its picture is kept.
    anyone.get(address(&photo, "small")).await.is(200);
    let restored = admin
        .post("/customers/1/restore", json!({}))
        .await
        .is(200)
        .json();
    assert_eq!(restored["photo"], photo);
    let post = admin.post(PHOTO, json!({})).await;
    assert_ne!(post.header("allow"), "");
    post.problem(405, "method_not_allowed");
}

/// The CRC that ends a PNG's chunk.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

/// A small PNG that says of itself to be of another size.
fn lying_png(width: u32, height: u32) -> Vec<u8> {
    let mut png = png(8, 8);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&crc);
    png
}

/// A JPEG that says of itself to be of another size.
fn lying_jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = encoded(ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

#[tokio::test]
async fn what_is_no_picture_or_too_large_is_refused_and_the_old_one_stays() {
    let (product, admin) = begin().await;
    let photo = set(&admin).await;
    let customer = admin.get("/customers/1").await.json();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let mut gif =
        b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0".to_vec();
    gif.extend(b"\x01\0\x01\0\0\x02\x02D\x01\0;");
    let mut late = b"<html>".to_vec();
    late.extend(png(2, 2));
    let texts: [&[u8]; 10] = [
        b"",
        b"\0",
        b"\xff",
        b"\x89PNG",
        b"hello",
        svg,
        &gif,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"BM\x1e\0\0\0\0\0\0\0",
        &late,
    ];
    for bytes in texts {
        for kind in ["image/png", "image/svg+xml"] {
            let answer = admin.put_bytes(PHOTO, kind, bytes.to_vec()).await;
            answer.problem(415, "not_an_image");
        }
    }
    let honest = {
        let mut bytes = Cursor::new(Vec::new());
        let wide = GrayImage::new(10_000, 5_001);
        wide.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    for bytes in [
        honest,
        lying_png(7_072, 7_072),
        lying_png(65_535, 65_535),
        lying_png(0x7fff_ffff, 0x7fff_ffff),
        lying_png(0x7fff_ffff, 1),
        lying_jpeg(65_535, 65_535),
        lying_jpeg(7_072, 7_072),
    ] {
        put(&admin, bytes).await.problem(422, "picture_too_large");
    }
    // The limit is on the picture itself; a form may hold a little around it.
    let (most, more) = (vec![b'x'; 10 * MIB], vec![b'x'; 10 * MIB + 1]);
    let form = |bytes: &[u8]| Form::new().part("a", Part::bytes(bytes.to_vec()).file_name("a"));
    put(&admin, most.clone()).await.problem(415, "not_an_image");
    send(&admin, form(&most)).await.problem(415, "not_an_image");
    put(&admin, more.clone()).await.problem(413, "too_large");
    send(&admin, form(&more)).await.problem(413, "too_large");
    let chunked = admin.request(Method::PUT, PHOTO).body(more);
    let chunked = chunked.header("transfer-encoding", "chunked");
    Answer::of(chunked).await.problem(413, "too_large");
    assert_eq!(admin.get("/customers/1").await.json(), customer);
    product.anyone().get(address(&photo, "large")).await.is(200);
    assert_eq!(
        kept(&product).await.len(),
        1,
        "nothing of what was refused stays"
    );
}

#[tokio::test]
async fn a_refusal_reaches_those_who_are_still_sending() {
    let (product, admin) = begin().await;
    let large = || vec![b'x'; 12 * MIB];
    let put = |client: &Client, path| client.request(Method::PUT, path).body(large());
    let chunked = put(&admin, PHOTO).header("transfer-encoding", "chunked");
    let stale = put(&admin, PHOTO).header("if-match", "\"9\"");
    let json = put(&admin, "/customers/1").header("content-type", "application/json");
    for (request, status, code) in [
        (put(&admin, PHOTO), 413, "too_large"),
        (chunked, 413, "too_large"),
        (json, 413, "too_large"),
        (stale, 412, "version_mismatch"),
        (put(&admin, "/customers/9/photo"), 404, "not_found"),
        (put(&admin, "/images/x/small"), 405, "method_not_allowed"),
        (put(&product.anyone(), PHOTO), 401, "unauthenticated"),
    ] {
        match Answer::try_of(request).await {
            Ok(answer) => drop(answer.problem(status, code)),
            Err(error) => panic!("{status} {code} did not arrive: {error:?}"),
        }
    }
}

#[tokio::test]
async fn a_picture_that_breaks_off_is_refused_and_the_old_one_stays() {
    let (product, admin) = begin().await;
    let photo = set(&admin).await;
    let customer = admin.get("/customers/1").await.json();
    let (jpeg, png, webp) = (
        sideways_jpeg(640, 480),
        encoded(ImageFormat::Png),
        encoded(ImageFormat::WebP),
    );
    let mut taken = Vec::new();
    for (name, whole) in [("jpeg", &jpeg), ("png", &png), ("webp", &webp)] {
        // The last bytes of a picture may be mere trailers; those before the last eighth are not.
        for eighths in 1..8 {
            let length = whole.len() * eighths / 8;
            match put(&admin, whole[..length].to_vec()).await {
                answer if answer.status == 200 => taken.push((name, length, whole.len())),
                answer => drop(answer.problem(422, "broken_picture")),
            }
        }
    }
    assert!(taken.is_empty(), "taken as whole: {taken:?}");
    assert_eq!(admin.get("/customers/1").await.json(), customer);
    product.anyone().get(address(&photo, "large")).await.is(200);
    assert_eq!(
        kept(&product).await.len(),
        1,
        "nothing of what was refused stays"
    );
}

#[tokio::test]
async fn a_damaged_picture_and_one_that_lies_are_refused() {
    let (product, admin) = begin().await;
    let customer = admin.get("/customers/1").await.json();
    let mut corrupt = encoded(ImageFormat::Png);
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0xff;
    let texts: [&[u8]; 4] = [
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    ];
    let lies = [
        lying_png(8, 4_000),
        lying_png(4_000, 8),
        lying_png(0, 8),
        lying_jpeg(0, 8),
        corrupt,
    ];
    for bytes in texts.map(<[u8]>::to_vec).into_iter().chain(lies) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(24)]).into_owned();
        let answer = put(&admin, bytes).await;
        assert_eq!(answer.status, 422, "{shown:?}: {}", answer.text());
        answer.problem(422, "broken_picture");
    }
    assert_eq!(admin.get("/customers/1").await.json(), customer);
    assert!(kept(&product).await.is_empty());
    // A JPEG with fewer rows than it says is shown by every viewer, and may be taken; it is no failure.
    for (width, height) in [(40, 4_000), (4_000, 60), (39, 59)] {
        let answer = put(&admin, lying_jpeg(width, height)).await;
        match answer.status.as_u16() {
            200 => {}
            _ => drop(answer.problem(422, "broken_picture")),
        }
    }
}

#[tokio::test]
async fn nothing_of_an_upload_survives_but_its_pixels() {
    let (product, admin) = begin().await;
    let script = b"<script>alert(1)</script>PK\x03\x04";
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let mut polyglot = encoded(format);
        polyglot.extend(script);
        polyglot.extend(SECRET.as_bytes());
        let photo = put(&admin, polyglot).await.is(200).json();
        for size in SIZES {
            let image = product.anyone().get(address(&photo, size)).await.is(200);
            let left = image
                .bytes
                .windows(8)
                .any(|window| script.starts_with(window));
            assert!(
                !left && image.bytes.ends_with(b"\xff\xd9"),
                "{format:?} {size}"
            );
            assert_eq!(image.header("content-type"), "image/jpeg");
        }
        let large = product.anyone().get(address(&photo, "large")).await;
        assert_upright(&large.bytes, (40, 60));
    }
}

#[tokio::test]
async fn of_many_photos_at_once_one_stays_and_the_others_leave_nothing() {
    let (product, admin) = begin().await;
    let mut setting = JoinSet::new();
    for _ in 0..8 {
        let admin = admin.clone();
        setting.spawn(async move { set(&admin).await });
    }
    let patched = admin
        .patch("/customers/1", json!({ "notes": "kept" }))
        .await;
    patched.is(200);
    let photos = setting.join_all().await;
    let customer = admin.get("/customers/1").await.is(200).json();
    assert_eq!(
        (&customer["notes"], &customer["version"]),
        (&json!("kept"), &json!(10))
    );
    let id = &customer["photo"]["id"];
    assert_eq!(
        kept(&product).await,
        HashSet::from([id.as_str().unwrap().to_owned()])
    );
    for photo in photos {
        let answer = product.anyone().get(address(&photo, "small")).await;
        match &photo["id"] == id {
            true => drop(answer.is(200)),
            false => drop(answer.problem(404, "not_found")),
        }
    }
}

/// A PNG of these chunks, with right checksums.
fn png_of(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let checked = [&kind[..], data].concat();
        png.extend(&checked);
        png.extend(crc32fast::hash(&checked).to_be_bytes());
    }
    png
}

#[tokio::test]
async fn what_unpacks_to_a_gigabyte_is_never_unpacked() {
    let product = Product::all_in_one().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let packed = |byte: u8, length: usize| {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let block = vec![byte; 1 << 20];
        for _ in 0..length >> 20 {
            packer.write_all(&block).unwrap();
        }
        packer
            .write_all(&block[..length & ((1 << 20) - 1)])
            .unwrap();
        packer.finish().unwrap()
    };
    let header = |width: u32, height: u32| {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        (b"IHDR", [&size[..], &[8, 0, 0, 0, 0]].concat())
    };
    // A colour profile of 300 MB in a small picture: it is left out, and the picture is fine.
    let profile = [&b"x\0\0"[..], &packed(0, 300 << 20)].concat();
    let small = (b"IDAT", packed(0, 101 * 100));
    let bomb = png_of(&[
        header(100, 100),
        (b"iCCP", profile),
        small,
        (b"IEND", Vec::new()),
    ]);
    admin.put_bytes(PHOTO, "image/png", bomb).await.is(200);
    // One pixel wide and fifty million high.
    let tall = (b"IDAT", packed(0, 2 * 50_000_000));
    let tall = png_of(&[header(1, 50_000_000), tall, (b"IEND", Vec::new())]);
    admin
        .put_bytes(PHOTO, "image/png", tall)
        .await
        .problem(422, "picture_too_large");
    let peak = product.front().peak_mib();
    assert!(peak < 150, "{peak} MiB");
}

#[tokio::test]
async fn an_uploader_who_hangs_up_leaves_no_picture_that_nobody_has() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let photo = png(300, 300);
    for n in 0..24 {
        let upload = admin.put_bytes(PHOTO, "image/png", photo.clone());
        let _ = tokio::time::timeout(std::time::Duration::from_millis(n * 5), upload).await;
    }
    // What was under way ends by itself; then there is the customer's picture and no other.
    for attempt in 0.. {
        let kept = kept(&product).await;
        let customer = admin.whole_customer(1).await;
        let named = customer["photo"]["id"].as_str().map(str::to_owned);
        if kept == named.into_iter().collect() {
            break;
        }
        assert!(attempt < 200, "{kept:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
