//! WebPs whose sizes lie, or that are many pictures.

use super::{Fate, Sample, encoded};
use image::ImageFormat;

/// A picture of one pixel, lossy.
const LOSSY: &[u8] = b"RIFF\x22\0\0\0WEBPVP8 \x16\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x0e\xc0\xfe\x25\xa4\0\x03\x70\0\0\0\0";

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let mut chunk = [&kind[..], &length, data].concat();
    chunk.resize(chunk.len() + data.len() % 2, 0);
    chunk
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    chunk(b"RIFF", &[b"WEBP", chunks].concat())
}

/// The extended form's header.
fn extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let [w, h] = [width - 1, height - 1].map(u32::to_le_bytes);
    chunk(
        b"VP8X",
        &[flags, 0, 0, 0, w[0], w[1], w[2], h[0], h[1], h[2]],
    )
}

/// Lossless data of a small picture that then says to be of this size.
fn lossless(width: u32, height: u32) -> Vec<u8> {
    let mut data = encoded(8, 8, ImageFormat::WebP)[20..].to_vec();
    let size = (width - 1) | (height - 1) << 14;
    data[1..5].copy_from_slice(&size.to_le_bytes());
    data
}

fn lossy(width: u16, height: u16) -> Vec<u8> {
    let mut data = LOSSY[20..].to_vec();
    data[6..8].copy_from_slice(&width.to_le_bytes());
    data[8..10].copy_from_slice(&height.to_le_bytes());
    data
}

/// Lossless data of 64 × 64 pixels that asks for 65,536 groups of codes, each with one of 2048 symbols (RFC 9649, section 3).
fn codes() -> Vec<u8> {
    let mut bits = Vec::new();
    let mut push = |value: u32, count: u32| bits.extend((0..count).map(|n| (value >> n) as u8 & 1));
    let head = [(0x2f, 8), (63, 14), (63, 14), (0, 4), (0, 1)];
    let cache_and_groups = [(1, 1), (11, 4), (1, 1), (2, 3), (0, 1)];
    // The picture of the groups is all of the last one.
    let of_eight_bits = |symbol| [(0b101, 3), (symbol, 8)];
    let last = [255, 255, 0, 0, 0].map(of_eight_bits).concat();
    for (value, count) in [&head[..], &cache_and_groups, &last].concat() {
        push(value, count);
    }
    for _ in 0..65_536 {
        // Codes of one bit for two lengths, 11 and "the same six times more"; then 343 of them.
        let lengths = (0..15).map(|n| (u32::from(n == 8 || n == 14), 3));
        let all = [(0, 1), (11, 4)].into_iter().chain(lengths);
        let counted = [(1, 1), (4, 3), (341, 10), (0, 1)];
        let repeated = [(0b111, 3); 341];
        let others = [(0, 1), (1, 4), (1, 4), (1, 4), (1, 4)];
        let all = all.chain(counted).chain(repeated).chain(others);
        all.for_each(|(value, count)| push(value, count));
    }
    let byte = |bits: &[u8]| (0..).zip(bits).map(|(n, &bit)| bit << n).sum();
    bits.chunks(8).map(byte).collect()
}

pub(super) fn samples() -> Vec<Sample> {
    let refused = Fate::Refused(422, "");
    let either = Fate::Either;
    let frame = [
        &[0; 6][..],
        &[0; 6],
        &[9, 0, 0, 0],
        &chunk(b"VP8L", &lossless(1, 1)),
    ]
    .concat();
    let frames = [
        extended(2, 1, 1),
        chunk(b"ANIM", &[0; 6]),
        chunk(b"ANMF", &frame).repeat(10_000),
    ];
    let alpha = |width, height, alpha: &[u8]| {
        let chunks = [
            extended(0x10, width, height),
            chunk(b"ALPH", alpha),
            chunk(b"VP8 ", &LOSSY[20..]),
        ];
        riff(&chunks.concat())
    };
    let mut long = LOSSY.to_vec();
    long[4..8].copy_from_slice(&[0xff; 4]);
    let unknown = chunk(b"JUNK", b"").repeat(1_000_000);
    vec![
        (
            "16,384² lossless",
            riff(&chunk(b"VP8L", &lossless(16_384, 16_384))),
            refused,
        ),
        (
            "50 megapixels of nothing, lossless",
            riff(&chunk(b"VP8L", &lossless(7_000, 7_000))),
            refused,
        ),
        (
            "16,383² lossy",
            riff(&chunk(b"VP8 ", &lossy(16_383, 16_383))),
            refused,
        ),
        (
            "50 megapixels of nothing, lossy",
            riff(&chunk(b"VP8 ", &lossy(7_000, 7_000))),
            refused,
        ),
        (
            "nothing but codes",
            riff(&chunk(b"VP8L", &codes())),
            Fate::Refused(422, "picture_too_large"),
        ),
        ("no size", riff(&chunk(b"VP8 ", &lossy(0, 0))), refused),
        (
            "a canvas of 2⁴⁸ pixels",
            riff(&[extended(0, 1 << 24, 1 << 24), chunk(b"VP8 ", &LOSSY[20..])].concat()),
            refused,
        ),
        (
            "a canvas and nothing on it",
            riff(&extended(0, 64, 64)),
            refused,
        ),
        (
            "another canvas than its picture",
            riff(&[extended(0, 7_000, 7_000), chunk(b"VP8 ", &LOSSY[20..])].concat()),
            either,
        ),
        (
            "alpha without colour",
            alpha(7_000, 7_000, &[1, 0, 0, 0, 0, 0]),
            either,
        ),
        ("alpha that is not packed", alpha(1, 1, &[0; 9]), either),
        ("a length of 4 GB", long, either),
        (
            "a million unknown chunks",
            riff(&[extended(0, 1, 1), unknown, chunk(b"VP8 ", &LOSSY[20..])].concat()),
            either,
        ),
        ("I7 ten thousand frames", riff(&frames.concat()), either),
        (
            "ten thousand frames of no size",
            riff(
                &[
                    extended(2, 1, 1),
                    chunk(b"ANIM", &[0; 6]),
                    chunk(b"ANMF", b"").repeat(100_000),
                ]
                .concat(),
            ),
            either,
        ),
    ]
}
