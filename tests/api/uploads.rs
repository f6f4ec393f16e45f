//! How uploads come: in forms, slowly, too many at once, or not to their end.

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use image::{GrayImage, ImageFormat, Rgb, RgbImage};
use reqwest::{Body, Method};
use std::{
    convert::Infallible,
    io::Cursor,
    time::{Duration, Instant},
};
use tests::{Answer, Client, Process, Product, photo::png};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

const PHOTO: &str = "/customers/1/photo";
const MIB: usize = 1024 * 1024;
const FORM: &str = "multipart/form-data; boundary=b";
/// The begin of a form's file.
const FILE: &str = "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\n";

async fn begin() -> (Product, Client) {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    (product, admin)
}

/// An upload whose bytes come when they are sent; it breaks off when both are dropped.
type Open = (
    Sender<Bytes, Infallible>,
    JoinHandle<reqwest::Result<Answer>>,
);

/// Begins an upload; with a length, says how many bytes there will be.
fn open(client: &Client, kind: &str, length: Option<usize>) -> Open {
    let (sender, body) = Channel::new(1);
    let request = client
        .request(Method::PUT, PHOTO)
        .header("content-type", kind);
    let request = match length {
        Some(length) => request.header("content-length", length),
        None => request,
    };
    let sending = Answer::try_of(request.body(Body::wrap(body)));
    (sender, tokio::spawn(sending))
}

#[tokio::test]
async fn whoever_sends_too_slowly_is_cut_off() {
    let (product, admin) = begin().await;
    let clients = two_of_each(&product, 2).await;
    let begun = Instant::now();
    let kinds = [
        ("image/jpeg", Some(MIB)),
        ("image/jpeg", None),
        (FORM, Some(MIB)),
        (FORM, None),
    ];
    let dawdling = clients.iter().zip(kinds);
    let mut dawdling: Vec<_> = dawdling
        .map(|(client, (kind, length))| open(client, kind, length))
        .collect();
    for (sender, _) in &mut dawdling {
        sender
            .send_data(Bytes::from_static(FILE.as_bytes()))
            .await
            .unwrap();
    }
    while !dawdling.iter().all(|(_, upload)| upload.is_finished()) {
        assert!(begun.elapsed() < Duration::from_secs(40));
        for (sender, _) in &mut dawdling {
            // Refused, it is not read any more.
            let _ = timeout(
                Duration::from_millis(50),
                sender.send_data(Bytes::from_static(b"x")),
            )
            .await;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(9));
    for (_, upload) in dawdling {
        upload
            .await
            .unwrap()
            .unwrap()
            .problem(408, "request_timeout");
    }
    // What they took of memory is free again.
    let whole = admin.put_bytes(PHOTO, "", vec![0; 10 * MIB]).await;
    whole.problem(415, "not_an_image");
}

/// So many users, each of them twice: as often as one may upload at once.
async fn two_of_each(product: &Product, users: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..users {
        let client = product.user(&format!("u{number}@example.com")).await;
        clients.extend([client.clone(), client]);
    }
    clients
}

#[tokio::test]
async fn slow_uploads_of_one_user_hold_up_nobody_else() {
    let (product, admin) = begin().await;
    let slow = product.user("slow@example.com").await;
    let mut open: Vec<_> = (0..12)
        .map(|_| open(&slow, "image/jpeg", Some(10 * MIB)))
        .collect();
    for (sender, _) in &mut open {
        sender.send_data(vec![0xff; MIB / 16].into()).await.unwrap();
    }
    let begun = Instant::now();
    for _ in 0..3 {
        let whole = admin.put_bytes(PHOTO, "", vec![0; 10 * MIB]).await;
        whole.problem(415, "not_an_image");
    }
    assert!(begun.elapsed() < Duration::from_secs(3));
    // Whose turn does not come is told to come again.
    while open
        .iter()
        .filter(|(_, upload)| upload.is_finished())
        .count()
        < 10
    {
        assert!(begun.elapsed() < Duration::from_secs(30));
        sleep(Duration::from_millis(50)).await;
    }
    let mut refused = 0;
    for (sender, upload) in open {
        drop(sender);
        if let Ok(answer) = upload.await.unwrap()
            && answer.status == 503
        {
            assert_eq!(answer.header("retry-after"), "2");
            answer.problem(503, "unavailable");
            refused += 1;
        }
    }
    assert_eq!(refused, 10);
}

#[tokio::test]
async fn uploads_of_unknown_length_hold_only_what_has_come() {
    let (product, admin) = begin().await;
    let mut begun = Vec::new();
    for client in two_of_each(&product, 6).await {
        let (mut sender, upload) = open(&client, "image/jpeg", None);
        sender.send_data(vec![0xff; MIB / 16].into()).await.unwrap();
        begun.push((sender, upload));
    }
    // Before these are cut off, large ones come through, whether or not they say how long they are.
    let whole = admin.put_bytes(PHOTO, "", vec![0; 10 * MIB]).await;
    whole.problem(415, "not_an_image");
    let mut random = fastrand::Rng::with_seed(3);
    let noise = RgbImage::from_fn(1_000, 900, |_, _| Rgb([0; 3].map(|_| random.u8(..))));
    let mut photo = Cursor::new(Vec::new());
    noise.write_to(&mut photo, ImageFormat::Png).unwrap();
    let photo = photo.into_inner();
    assert!(photo.len() > MIB, "{}", photo.len());
    let (mut sender, upload) = open(&admin, "", None);
    for piece in photo.chunks(100_000) {
        sender.send_data(piece.to_vec().into()).await.unwrap();
    }
    drop(sender);
    upload.await.unwrap().unwrap().is(200);
    assert!(begun.iter().all(|(_, upload)| !upload.is_finished()));
}

#[tokio::test]
async fn large_uploads_that_wait_hold_up_no_small_one_and_are_told_to_come_again() {
    let (product, admin) = begin().await;
    let mut waiting = Vec::new();
    for client in two_of_each(&product, 6).await {
        let (mut sender, upload) = open(&client, "image/jpeg", Some(10 * MIB));
        // More in all than an HTTP/2 connection takes in unread by default.
        sender
            .send_data(vec![0xff; 200 * 1024].into())
            .await
            .unwrap();
        waiting.push((sender, upload));
    }
    admin.put_bytes(PHOTO, "image/png", png(9, 6)).await.is(200);
    let mut refused = 0;
    for attempt in 0.. {
        refused = waiting
            .iter()
            .filter(|(_, upload)| upload.is_finished())
            .count();
        if refused == 7 {
            break;
        }
        assert!(attempt < 300, "{refused} were refused");
        sleep(Duration::from_millis(50)).await;
    }
    for (sender, upload) in waiting {
        drop(sender);
        // Those that were let in broke off now; they may have been told, or not.
        let Ok(answer) = upload.await.unwrap() else {
            continue;
        };
        if answer.status == 503 {
            assert_eq!(answer.header("retry-after"), "2");
            answer.problem(503, "unavailable");
            refused -= 1;
        }
    }
    assert_eq!(refused, 0);
    for _ in 0..12 {
        let whole = admin.put_bytes(PHOTO, "", vec![0; 10 * MIB]).await;
        whole.problem(415, "not_an_image");
    }
}

#[tokio::test]
async fn a_form_holds_a_file_and_little_else() {
    let (_product, admin) = begin().await;
    let photo = png(9, 6);
    let form = |before: &[u8], name: &[u8], after: &[u8]| {
        let head = [
            b"--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"",
            name,
            b"\"\r\n\r\n",
        ];
        [before, &head.concat(), &photo, b"\r\n", after, b"--b--\r\n"].concat()
    };
    let part = |name: &str, size: usize| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), &vec![b'x'; size], b"\r\n"].concat()
    };
    let many = part("x", 1).repeat(16);
    for (what, whole) in [
        ("a name from elsewhere", form(b"", b"../../etc/passwd", b"")),
        ("an encoded name", form(b"", b"%2e%2e%2f.png.html", b"")),
        ("a long name", form(b"", &[b'n'; 4096], b"")),
        ("a preamble", form(b"nobody reads this\r\n", b"a", b"")),
        (
            "an epilogue",
            [form(b"", b"a", b""), vec![b'x'; 10_000]].concat(),
        ),
        ("a large part before", form(&part("x", 2 * MIB), b"a", b"")),
        (
            "a large part behind",
            form(b"", b"a", &part("x", 64 * 1024)),
        ),
        (
            "sixteen parts",
            form(&many[..many.len() / 2], b"a", &many[..many.len() / 2]),
        ),
    ] {
        let answer = admin.put_bytes(PHOTO, FORM, whole).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    }
    for (what, whole) in [
        ("a long preamble", form(&vec![b'x'; MIB], b"a", b"")),
        ("a long name", form(b"", &vec![b'n'; MIB], b"")),
        ("a NUL in a name", form(b"", b"a\0b", b"")),
        ("a line break in a name", form(b"", b"a\r\nb", b"")),
        ("a very large part behind", form(b"", b"a", &part("x", MIB))),
        ("seventeen parts", form(&part("x", 1).repeat(17), b"a", b"")),
        (
            "a million parts",
            form(&part("x", 1).repeat(100_000), b"a", b""),
        ),
        ("no boundary in sight", vec![b'-'; 9 * MIB]),
    ] {
        let answer = admin.put_bytes(PHOTO, FORM, whole).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        answer.problem(400, "malformed_body");
    }
}

/// Waits until the process has come to rest; gives what it took of processors until then.
async fn rest(process: &Process) -> Duration {
    let mut before = process.cpu();
    loop {
        sleep(Duration::from_millis(400)).await;
        let now = process.cpu();
        if now - before < Duration::from_millis(30) {
            return now;
        }
        before = now;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_costs_nothing_more() {
    let product = Product::all_in_one().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let old = product
        .anyone_old()
        .with_token(admin.token.as_deref().unwrap());
    // Little to send, much to work on.
    let mut photo = Cursor::new(Vec::new());
    let picture = GrayImage::from_fn(7_000, 7_000, |x, y| {
        image::Luma([((x / 64) ^ (y / 64)) as u8])
    });
    picture.write_to(&mut photo, ImageFormat::Png).unwrap();
    let photo = photo.into_inner();
    let process = product.front();
    let begun = rest(process).await;
    admin
        .put_bytes(PHOTO, "image/png", photo.clone())
        .await
        .is(200);
    let whole = rest(process).await - begun;
    for client in [&admin, &old] {
        let idle = process.memory_mib();
        let begun = rest(process).await;
        let upload = client.put_bytes(PHOTO, "image/png", photo.clone());
        let mut upload = Box::pin(upload);
        // Until it is seen at work.
        while process.memory_mib() < idle + 4 && process.cpu() - begun < whole / 4 {
            let answered = timeout(Duration::from_millis(5), &mut upload).await;
            assert!(
                answered.is_err(),
                "it was answered before it could be given up"
            );
        }
        drop(upload);
        let cost = rest(process).await - begun;
        println!("{whole:?} for a whole upload, {cost:?} for one that was given up");
        assert!(cost < whole * 3 / 4, "{cost:?} of {whole:?}");
    }
    admin.put_bytes(PHOTO, "image/png", png(9, 6)).await.is(200);
}
