//! PNGs that ask for more than they bring, or bring more than anybody wants.

use super::{Fate, Sample, TAKEN, TOO_LARGE};
use std::io::Write as _;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Colour types: grey, RGB, RGBA.
const GREY: u8 = 0;
const RGB: u8 = 2;
const RGBA: u8 = 6;

/// A PNG of these chunks, with right checksums.
pub(super) fn of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut png = SIGNATURE.to_vec();
    for (kind, data) in chunks {
        chunk(&mut png, kind, data);
    }
    png
}

pub(super) fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
    let checked = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc32fast::hash(&png[checked..]);
    png.extend(sum.to_be_bytes());
}

fn header(width: u32, height: u32, depth: u8, colour: u8, interlaced: bool) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, colour, 0, 0, u8::from(interlaced)]);
    header
}

/// So many zeros, packed.
fn zeros(length: usize) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let block = vec![0; 1 << 20];
    for _ in 0..length >> 20 {
        packer.write_all(&block).unwrap();
    }
    packer
        .write_all(&block[..length & ((1 << 20) - 1)])
        .unwrap();
    packer.finish().unwrap()
}

/// A black picture of the size that it says, or with only so many bytes of it.
fn black(width: u32, height: u32, depth: u8, colour: u8, bytes: Option<usize>) -> Vec<u8> {
    let channels = match colour {
        GREY => 1,
        RGB => 3,
        _ => 4,
    };
    let whole = || {
        let row = 1 + (width as usize * channels * usize::from(depth)).div_ceil(8);
        row * height as usize
    };
    let data = zeros(bytes.unwrap_or_else(whole));
    let header = header(width, height, depth, colour, false);
    of(&[(b"IHDR", &header), (b"IDAT", &data), (b"IEND", b"")])
}

/// One pixel, with this in front of its data.
fn pixel_after(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header = header(1, 1, 8, GREY, false);
    let data = zeros(2);
    let mut all = vec![(b"IHDR", header.as_slice())];
    all.extend(chunks);
    all.extend([(b"IDAT", data.as_slice()), (b"IEND", &b""[..])]);
    of(&all)
}

/// A small one, whose header then says this.
fn lying(width: u32, height: u32) -> Vec<u8> {
    black(width, height, 8, RGB, Some(8 * 25))
}

pub(super) fn samples() -> Vec<Sample> {
    let broken = Fate::Refused(422, "broken_picture");
    let mut wrong_sum = black(8, 8, 8, RGB, None);
    let middle = wrong_sum.len() - 20;
    wrong_sum[middle] ^= 1;
    let bomb = [&b"x\0\0"[..], &zeros(300 << 20)].concat();
    let text = [&b"XML:com.adobe.xmp\0\x01\0\0\0"[..], &zeros(300 << 20)].concat();
    let mut crumbs = of(&[(b"IHDR", &header(1, 1, 8, GREY, false))]);
    for _ in 0..600_000 {
        chunk(&mut crumbs, b"tEXt", b"");
    }
    let mut slices = of(&[(b"IHDR", &header(2_000, 2_000, 1, GREY, false))]);
    for byte in zeros(251 * 2_000).chunks(1) {
        chunk(&mut slices, b"IDAT", byte);
    }
    chunk(&mut slices, b"IEND", b"");
    let mut frames = of(&[
        (b"IHDR", &header(1, 1, 8, GREY, false)),
        (b"acTL", &[10_000u32.to_be_bytes(), [0; 4]].concat()),
    ]);
    for number in 0..10_000u32 {
        let mut control = (2 * number).to_be_bytes().to_vec();
        control.extend([
            0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9, 0, 0,
        ]);
        chunk(&mut frames, b"fcTL", &control);
        let data = zeros(2);
        match number {
            0 => chunk(&mut frames, b"IDAT", &data),
            _ => {
                let number = (2 * number - 1).to_be_bytes();
                chunk(&mut frames, b"fdAT", &[&number[..], &data].concat());
            }
        }
    }
    chunk(&mut frames, b"IEND", b"");
    vec![
        (
            "I1 20,000² of one bit",
            black(20_000, 20_000, 1, GREY, None),
            TOO_LARGE,
        ),
        (
            "I2 30,000² of one bit",
            black(30_000, 30_000, 1, GREY, None),
            TOO_LARGE,
        ),
        (
            "I3 8,000² RGBA",
            black(8_000, 8_000, 8, RGBA, None),
            TOO_LARGE,
        ),
        (
            "I4 20,000² RGBA",
            black(20_000, 20_000, 8, RGBA, Some(9 << 20)),
            TOO_LARGE,
        ),
        ("I5 much of little", lying(7_000, 7_000), broken),
        ("I5 no width", lying(0, 8), broken),
        ("I5 no size", lying(0, 0), broken),
        (
            "I5 a negative size",
            lying(u32::MAX, u32::MAX),
            Fate::Refused(422, ""),
        ),
        ("I5 a wrong checksum", wrong_sum, broken),
        (
            "I6 a profile of 300 MB",
            pixel_after(&[(b"iCCP", &bomb)]),
            TAKEN,
        ),
        (
            "I6 a text of 300 MB",
            pixel_after(&[(b"zTXt", &bomb)]),
            TAKEN,
        ),
        (
            "I6 an XMP of 300 MB",
            pixel_after(&[(b"iTXt", &text)]),
            TAKEN,
        ),
        ("I7 ten thousand frames", frames, Fate::Either),
        ("600,000 empty texts", crumbs, broken),
        ("data byte by byte", slices, TAKEN),
        (
            "data of 50 MB for one pixel",
            pixel_after(&[(b"IDAT", &zeros(50 << 20))]),
            Fate::Either,
        ),
        (
            "50 megapixels of one bit",
            black(7_071, 7_071, 1, GREY, None),
            TAKEN,
        ),
        (
            "50 megapixels of 64 bits",
            black(7_071, 7_071, 16, RGBA, Some(9 << 20)),
            Fate::Refused(422, ""),
        ),
        (
            "50 megapixels in one row",
            black(50_000_000, 1, 1, GREY, None),
            TOO_LARGE,
        ),
        ("the longest row", black(65_535, 1, 8, RGB, None), TAKEN),
    ]
}
