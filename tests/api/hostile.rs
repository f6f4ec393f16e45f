//! What somebody uploads to do harm: each is a clear refusal that costs next to nothing, or a picture like any other.

mod jpeg;
mod png;
mod webp;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{ImageFormat, RgbImage};
use std::{io::Cursor, time::Duration};
use tests::{
    Answer, Client, Product, optimised,
    photo::{SECRET, sideways_jpeg},
};

const PHOTO: &str = "/customers/1/photo";
const SIZES: [&str; 3] = ["small", "medium", "large"];
/// What a refusal may cost.
const CPU: Duration = Duration::from_millis(200);
/// How often as much, where only decoders are optimised. `tests/bench-hostile` has all of it optimised.
const UNOPTIMISED: u32 = 5;
/// What a refusal may hold beyond the idle process, in MiB.
const MEMORY: u64 = 64;
/// What one picture may hold beyond it: the largest share that there is, and what is around it.
const SHARE: u64 = 336 + 48;

/// What shall become of an upload.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// A problem of this status and, unless it is empty, this code.
    Refused(u16, &'static str),
    /// It is a picture.
    Taken,
    /// Decoders may see it this way or that.
    Either,
}

const TAKEN: Fate = Fate::Taken;
const TOO_LARGE: Fate = Fate::Refused(422, "picture_too_large");
const NO_IMAGE: Fate = Fate::Refused(415, "not_an_image");

type Sample = (&'static str, Vec<u8>, Fate);

/// A product with one customer, and what it costs.
struct Rig {
    product: Product,
    admin: Client,
    idle: u64,
    worst: (Duration, u64),
}

impl Rig {
    async fn start() -> Self {
        let product = match optimised() {
            Some(_) => Product::start().await,
            None => Product::all_in_one().await,
        };
        let admin = product.admin().await;
        admin.customer("ada@example.com").await;
        // What the first upload sets up stays.
        let first = admin.put_bytes(PHOTO, "", sideways_jpeg(400, 300)).await;
        first.is(200);
        let idle = product.images().memory_mib();
        let worst = (Duration::ZERO, 0);
        Self {
            product,
            admin,
            idle,
            worst,
        }
    }

    /// Uploads something, and asserts what becomes of it and what that costs.
    async fn put(&mut self, (name, bytes, fate): &Sample) -> Answer {
        let process = self.product.images();
        process.reset_peak();
        let before = process.cpu();
        let answer = self.admin.put_bytes(PHOTO, "image/jpeg", bytes.clone());
        let answer = answer.await;
        let cpu = process.cpu() - before;
        let memory = process.peak_mib().saturating_sub(self.idle);
        let status = answer.status.as_u16();
        match fate {
            Fate::Refused(wanted, code) => {
                let problem = answer.json();
                assert_eq!(status, *wanted, "{name}: {problem}");
                assert!(
                    code.is_empty() || problem["code"] == *code,
                    "{name}: {problem}"
                );
            }
            Fate::Taken => assert_eq!(status, 200, "{name}: {}", answer.text()),
            Fate::Either => assert!(
                matches!(status, 200 | 415 | 422),
                "{name}: {}",
                answer.text()
            ),
        }
        let most = if status == 200 { SHARE } else { MEMORY };
        println!("{status} {cpu:>6.0?} {memory:>4} MiB  {name}");
        assert!(memory <= most, "{name}: {memory} MiB");
        let cpu_most = match optimised() {
            Some(_) => CPU,
            None => UNOPTIMISED * CPU,
        };
        assert!(status == 200 || cpu <= cpu_most, "{name}: {cpu:?}");
        self.worst = (self.worst.0.max(cpu), self.worst.1.max(memory));
        answer
    }

    async fn put_all(mut self, samples: Vec<Sample>) {
        for sample in &samples {
            self.put(sample).await;
        }
        println!(
            "worst of {}: {:?}, {} MiB",
            samples.len(),
            self.worst.0,
            self.worst.1
        );
        assert!(!self.product.images().log().contains("panicked"));
        self.admin
            .put_bytes(PHOTO, "", sideways_jpeg(40, 30))
            .await
            .is(200);
    }
}

/// A picture of noise.
fn noise(width: u32, height: u32) -> RgbImage {
    let mut random = fastrand::Rng::with_seed(7);
    RgbImage::from_fn(width, height, |_, _| {
        image::Rgb([0; 3].map(|_| random.u8(..)))
    })
}

fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    noise(width, height).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn a_png_that_lies_or_swells_costs_next_to_nothing() {
    Rig::start().await.put_all(png::samples()).await;
}

#[tokio::test]
async fn a_jpeg_that_lies_or_never_ends_costs_next_to_nothing() {
    Rig::start().await.put_all(jpeg::samples()).await;
}

#[tokio::test]
async fn a_webp_that_lies_or_is_many_costs_next_to_nothing() {
    Rig::start().await.put_all(webp::samples()).await;
}

#[tokio::test]
async fn what_only_looks_like_a_picture_is_named_so() {
    let jpeg = encoded(40, 30, ImageFormat::Jpeg);
    let svg =
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>";
    let entity = format!(
        "<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>{svg}"
    );
    let laughs = format!(
        "<!DOCTYPE svg [<!ENTITY a '{}'>]>{svg}",
        "&b;".repeat(100_000)
    );
    let text = STANDARD.encode(&jpeg);
    let lines: Vec<_> = text.as_bytes().chunks(76).collect();
    let box_of = |brand: &[u8]| [&b"\0\0\0\x20ftyp"[..], brand, &[0; 4096]].concat();
    let behind = |begin: &[u8]| [begin, &jpeg].concat();
    let of = |name, bytes: &[u8]| (name, bytes.to_vec(), NO_IMAGE);
    let samples = vec![
        of("nothing", b""),
        of("I10 SVG", svg.as_bytes()),
        of("I10 SVG with an entity", entity.as_bytes()),
        of("I10 SVG of a billion laughs", laughs.as_bytes()),
        of(
            "I9 GIF",
            b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        ),
        of("I9 GIF and JPEG", &behind(b"GIF89a/*")),
        of("I9 ZIP and JPEG", &behind(b"PK\x03\x04")),
        of("I9 PDF and JPEG", &behind(b"%PDF-1.7\n")),
        of(
            "I9 HTML and JPEG",
            &behind(b"<html><script>alert(1)</script>"),
        ),
        of("I9 a script and JPEG", &behind(b"#!/bin/sh\n")),
        of("I14 base64", text.as_bytes()),
        of("I14 base64 in lines", &lines.join(&b"\r\n"[..])),
        of(
            "I14 a data address",
            format!("data:image/jpeg;base64,{text}").as_bytes(),
        ),
        of("gzip", b"\x1f\x8b\x08\0\0\0\0\0"),
        of("BMP", b"BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0"),
        of("TIFF", b"II*\0\x08\0\0\0"),
        of("ICO", b"\0\0\x01\0\x01\0"),
        of("JPEG XL", b"\xff\x0a\0\0"),
        of("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
        of("HEIC", &box_of(b"heic")),
        of("AVIF", &box_of(b"avif")),
        of("MP4", &box_of(b"isom")),
        of("a program", b"\x7fELF\x02\x01\x01"),
        of("another RIFF", b"RIFF\x24\0\0\0WAVEfmt "),
        of("ten megabytes of nothing", &vec![0; 10 << 20]),
    ];
    Rig::start().await.put_all(samples).await;
}

#[tokio::test]
async fn whatever_is_hung_on_a_picture_is_gone() {
    let mut rig = Rig::start().await;
    let script = "<script>alert(1)</script>";
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        for tail in [
            script.as_bytes(),
            b"PK\x05\x06",
            b"%PDF-1.7",
            SECRET.as_bytes(),
        ] {
            let tail = tail.repeat(1_000);
            let whole = [encoded(40, 30, format), tail.clone()].concat();
            let photo = rig.put(&("I9 a tail", whole, TAKEN)).await.json();
            for size in SIZES {
                let seen = rig.admin.get(photo[size].as_str().unwrap()).await.is(200);
                let left = seen.bytes.windows(8).any(|bytes| bytes == &tail[..8]);
                assert!(!left && seen.bytes.ends_with(b"\xff\xd9"), "{format:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_picture_cut_anywhere_is_refused_or_whole() {
    let mut rig = Rig::start().await;
    let progressive = jpeg::of_scans(2_000, 2_000, 60);
    let (jpeg, png, webp) = (
        encoded(220, 220, ImageFormat::Jpeg),
        encoded(130, 130, ImageFormat::Png),
        encoded(130, 130, ImageFormat::WebP),
    );
    for (name, whole) in [
        ("JPEG", jpeg),
        ("progressive", progressive),
        ("PNG", png),
        ("WebP", webp),
    ] {
        rig.put(&(name, whole.clone(), Fate::Taken)).await;
        for length in (0..whole.len()).step_by(1024).skip(1) {
            let refused = Fate::Refused(422, "broken_picture");
            // What is missing at the very end may be of no account.
            let fate = if length + 1024 < whole.len() {
                refused
            } else {
                Fate::Either
            };
            rig.put(&(name, whole[..length].to_vec(), fate)).await;
        }
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..60 {
            let mut damaged = whole.clone();
            for _ in 0..random.usize(1..8) {
                let most = if random.bool() { 600 } else { usize::MAX };
                let at = random.usize(..damaged.len().min(most));
                damaged[at] = random.u8(..);
            }
            rig.put(&(name, damaged, Fate::Either)).await;
        }
    }
    assert!(!rig.product.images().log().contains("panicked"));
}
