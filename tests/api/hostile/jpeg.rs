//! JPEGs whose markers lie, or whose scans never end.

use super::{Fate, Sample, TAKEN, TOO_LARGE};

const BROKEN: Fate = Fate::Refused(422, "broken_picture");
const SOI: &[u8] = &[0xff, 0xd8];
const EOI: &[u8] = &[0xff, 0xd9];
/// Start of frame: sequential, progressive.
const BASELINE: u8 = 0xc0;
const PROGRESSIVE: u8 = 0xc2;

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, data].concat()
}

/// A frame of grey.
fn frame(marker: u8, width: u16, height: u16) -> Vec<u8> {
    let [w, h] = [width, height].map(u16::to_be_bytes);
    segment(marker, &[8, h[0], h[1], w[0], w[1], 1, 1, 0x11, 0])
}

/// All that comes before a scan. The one code for a DC value, of one bit, says "as before"; the one for AC values, of
/// one bit, says "nothing in the next 2¹⁴ blocks, and in as many more as the next fourteen bits say", or in this one.
fn tables(progressive: bool) -> Vec<u8> {
    let one_code = |class: u8, symbol: u8| {
        let mut table = vec![class, 1];
        table.extend([0; 15]);
        table.push(symbol);
        segment(0xc4, &table)
    };
    let quantisation = segment(0xdb, &[&[0][..], &[16; 64]].concat());
    let ac = if progressive { 0xe0 } else { 0 };
    [quantisation, one_code(0, 0), one_code(0x10, ac)].concat()
}

fn scan(from: u8, to: u8, bits: usize) -> Vec<u8> {
    let mut scan = segment(0xda, &[1, 1, 0, from, to, 0]);
    scan.extend(vec![0; bits.div_ceil(8)]);
    scan
}

/// A grey picture of so many scans beyond the first, each over all of it.
pub(super) fn of_scans(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    let mut jpeg = [
        SOI,
        &tables(true),
        &frame(PROGRESSIVE, width, height),
        &scan(0, 0, blocks),
    ]
    .concat();
    jpeg.extend(scan(1, 63, blocks.div_ceil(1 << 14) * 15).repeat(scans));
    jpeg.extend(EOI);
    jpeg
}

/// A grey picture with this in front of its frame.
fn after(segments: &[u8]) -> Vec<u8> {
    let blocks = 4;
    [
        SOI,
        segments,
        &tables(false),
        &frame(BASELINE, 16, 16),
        &scan(0, 63, 2 * blocks),
        EOI,
    ]
    .concat()
}

/// A frame of components, and nothing behind it.
fn framed(marker: u8, components: &[[u8; 3]]) -> Vec<u8> {
    let mut frame = vec![8, 0, 16, 0, 16, u8::try_from(components.len()).unwrap()];
    frame.extend(components.concat());
    [
        SOI,
        &tables(false),
        &segment(marker, &frame),
        &scan(0, 63, 99),
        EOI,
    ]
    .concat()
}

/// An EXIF block whose one directory is followed by itself, and whose entry has four thousand million values.
fn endless_exif() -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0".to_vec();
    exif.extend([0xff; 4]);
    exif.extend([8, 0, 0, 0, 8, 0, 0, 0]);
    segment(0xe1, &exif)
}

pub(super) fn samples() -> Vec<Sample> {
    let profile = |number: u8, of: u8| {
        let data = [&b"ICC_PROFILE\0"[..], &[number, of], &[0x41; 60_000]].concat();
        segment(0xe2, &data)
    };
    let profiles: Vec<u8> = (1..=150).flat_map(|number| profile(number, 255)).collect();
    let xss = segment(
        0xe1,
        b"http://ns.adobe.com/xap/1.0/\0<script>alert(1)</script>",
    );
    let sampling = |h: u8| {
        let components = [[1, h, 0], [2, 0x11, 0], [3, 0x11, 0]];
        framed(BASELINE, &components)
    };
    let either = Fate::Either;
    vec![
        ("I8 a thousand scans", of_scans(4_000, 4_000, 1_000), either),
        (
            "I8 scans for ten megabytes",
            of_scans(7_000, 7_000, 100_000),
            Fate::Refused(422, ""),
        ),
        (
            "I8 scans of a small picture",
            of_scans(16, 16, 700_000),
            Fate::Refused(422, ""),
        ),
        ("I12 a script", after(&xss), TAKEN),
        ("65,535² pixels", of_scans(65_535, 65_535, 0), TOO_LARGE),
        ("the longest row", of_scans(65_535, 8, 9), TAKEN),
        ("no height", of_scans(8, 0, 1), BROKEN),
        (
            "no scan",
            [SOI, &tables(false), &frame(BASELINE, 16, 16), EOI].concat(),
            BROKEN,
        ),
        (
            "no frame",
            [SOI, &tables(false), &scan(0, 63, 99), EOI].concat(),
            BROKEN,
        ),
        (
            "no tables",
            [SOI, &frame(BASELINE, 16, 16), &scan(0, 63, 99), EOI].concat(),
            BROKEN,
        ),
        (
            "two frames",
            [
                SOI,
                &tables(false),
                &frame(BASELINE, 16, 16).repeat(2),
                &scan(0, 63, 99),
                EOI,
            ]
            .concat(),
            either,
        ),
        (
            "two million comments",
            after(&segment(0xfe, b"").repeat(2_000_000)),
            either,
        ),
        (
            "two million tables",
            after(&tables(false).repeat(80_000)),
            either,
        ),
        ("a profile of nothing", after(&profiles), either),
        ("an endless EXIF", after(&endless_exif()), either),
        (
            "restarts without end",
            after(&[&segment(0xdd, &[0, 1])[..], &[0xff, 0xd0].repeat(500_000)].concat()),
            either,
        ),
        ("filled up", after(&vec![0xff; 9 << 20]), either),
        (
            "stuffed",
            [
                SOI,
                &tables(false),
                &frame(BASELINE, 16, 16),
                &scan(0, 63, 0),
                &[0xff, 0].repeat(4 << 20),
                EOI,
            ]
            .concat(),
            either,
        ),
        ("arithmetic coding", framed(0xc9, &[[1, 0x11, 0]]), either),
        ("lossless", framed(0xc3, &[[1, 0x11, 0]]), either),
        ("hierarchical", framed(0xc5, &[[1, 0x11, 0]]), either),
        ("no components", framed(BASELINE, &[]), either),
        (
            "five components",
            framed(BASELINE, &[[1, 0x11, 0]; 5]),
            Fate::Refused(415, "unsupported_media_type"),
        ),
        ("sampled 0 × 0", sampling(0), BROKEN),
        ("sampled 15 × 15", sampling(0xff), BROKEN),
        ("sampled 4 × 4", sampling(0x44), either),
        ("sampled 3 × 1", sampling(0x31), either),
    ]
}
