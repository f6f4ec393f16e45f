//! What a picture is said to need is what it needs at most, and not far more.

use jpeg_encoder::{ColorType, Encoder};
use peak_alloc::PeakAlloc;
use std::sync::atomic::AtomicBool;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn noise(bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..bytes).map(|_| random.u8(..)).collect()
}

fn jpeg(
    (width, height): (u16, u16),
    colour: ColorType,
    set: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 80);
    set(&mut encoder);
    let channels = if colour == ColorType::Rgb { 3 } else { 4 };
    let pixels = noise(usize::from(width) * usize::from(height) * channels);
    encoder
        .encode(&pixels, width, height, colour)
        .expect("a JPEG");
    jpeg
}

fn png((width, height): (u32, u32), colour: png::ColorType, channels: u32) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().expect("a PNG");
    let samples = noise((width * height * channels) as usize);
    writer.write_image_data(&samples).expect("a PNG");
    writer.finish().expect("a PNG");
    png
}

fn webp((width, height): (u32, u32), colour: image_webp::ColorType, channels: u32) -> Vec<u8> {
    let mut webp = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut webp);
    let samples = noise((width * height * channels) as usize);
    encoder
        .encode(&samples, width, height, colour)
        .expect("a WebP");
    webp
}

/// A lossless WebP of 64 × 64 pixels that asks for groups of codes of which the first fills a tree (RFC 9649, section 3).
fn webp_of_codes(groups: u32) -> Vec<u8> {
    let mut bits = Vec::new();
    let mut push = |value: u32, count: usize| bits.extend((0..count).map(|n| value >> n & 1 == 1));
    // The size, no transparency, no transform, 2048 cached colours, and a picture of the groups by 16 × 16 pixels.
    [
        (0x2f, 8),
        (63, 14),
        (63, 14),
        (0, 4),
        (0, 1),
        (1, 1),
        (11, 4),
        (1, 1),
        (2, 3),
    ]
    .into_iter()
    .for_each(|(value, count)| push(value, count));
    // Which is of one colour: no cache, and codes of one symbol each, of eight bits or of one.
    push(0, 1);
    let last = groups - 1;
    for symbol in [last & 255, last >> 8, 0, 0, 0] {
        [(0b101, 3), (symbol, 8)]
            .into_iter()
            .for_each(|(value, count)| push(value, count));
    }
    for _ in 0..groups {
        // The lengths 11 and "as before" have a code of one bit each; 343 of them, for 2048 symbols.
        [(0, 1), (11, 4)]
            .into_iter()
            .for_each(|(value, count)| push(value, count));
        (0..15).for_each(|n| push(u32::from(n == 8 || n == 14), 3));
        [(1, 1), (4, 3), (341, 10), (0, 1)]
            .into_iter()
            .for_each(|(value, count)| push(value, count));
        (0..341).for_each(|_| push(0b111, 3));
        push(0, 1);
        (0..4).for_each(|_| push(1, 4));
    }
    let byte = |bits: &[bool]| (0u8..).zip(bits).map(|(n, &bit)| u8::from(bit) << n).sum();
    let mut data: Vec<u8> = bits.chunks(8).map(byte).collect();
    // Pixels of the first symbol.
    data.extend([0; 8_192]);
    let length = u32::try_from(data.len()).expect("short").to_le_bytes();
    let all = u32::try_from(data.len() + 12).expect("short").to_le_bytes();
    [&b"RIFF"[..], &all, b"WEBPVP8L", &length, &data].concat()
}

// One test: another beside it would be measured too.
#[test]
fn no_picture_takes_more_than_is_said_beforehand() {
    let p3 = moxcms::ColorProfile::new_display_p3()
        .encode()
        .expect("a profile");
    let uploads = [
        ("JPEG", jpeg((3000, 2000), ColorType::Rgb, |_| {})),
        ("a small JPEG", jpeg((300, 200), ColorType::Rgb, |_| {})),
        ("a long JPEG", jpeg((9, 30_000), ColorType::Rgb, |_| {})),
        (
            "progressive",
            jpeg((3000, 2000), ColorType::Rgb, |e| e.set_progressive(true)),
        ),
        (
            "progressive, halved",
            jpeg((5200, 3000), ColorType::Rgb, |e| e.set_progressive(true)),
        ),
        ("inks", jpeg((2500, 2000), ColorType::Cmyk, |_| {})),
        (
            "a profile",
            jpeg((2100, 2000), ColorType::Rgb, |e| {
                e.add_icc_profile(&p3).expect("a profile")
            }),
        ),
        ("PNG", png((3000, 2000), png::ColorType::Rgba, 4)),
        ("a halved PNG", png((6200, 2000), png::ColorType::Rgb, 3)),
        ("a long PNG", png((5, 40_000), png::ColorType::Rgb, 3)),
        ("a wide PNG", png((40_000, 5), png::ColorType::Rgba, 4)),
        (
            "lossy WebP",
            include_bytes!("../fixtures/lossy.webp").to_vec(),
        ),
        (
            "lossy WebP with alpha",
            include_bytes!("../fixtures/lossy-alpha.webp").to_vec(),
        ),
        ("WebP of many codes", webp_of_codes(400)),
        (
            "WebP of a screen",
            webp((2560, 1600), image_webp::ColorType::Rgb8, 3),
        ),
        (
            "WebP with alpha",
            webp((2000, 1500), image_webp::ColorType::Rgba8, 4),
        ),
    ];
    for (name, upload) in uploads {
        let said = picture::memory(&upload).expect("a picture") as usize;
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let made = picture::make(&upload, &AtomicBool::new(false)).expect("made");
        let took = MEMORY.peak_usage() - before;
        drop(made);
        println!("{name}: said {} KiB, took {} KiB", said >> 10, took >> 10);
        assert!(took <= said, "{name} took {took} bytes, {said} were said");
        assert!(
            said <= 4 * took + (32 << 20),
            "{name} took {took} bytes, {said} were said"
        );
    }
}
