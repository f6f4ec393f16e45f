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
