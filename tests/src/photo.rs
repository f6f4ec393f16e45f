//! Photos as a telephone takes them: large, sideways, and full of what nobody meant to tell.

use image::{ImageFormat, Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use std::io::Cursor;

/// Red is on top, blue at the bottom, once the picture is upright.
pub const TOP: Rgb<u8> = Rgb([220, 30, 30]);
/// See [`TOP`].
pub const BOTTOM: Rgb<u8> = Rgb([30, 30, 220]);
/// A text in the metadata that must not be in any answer.
pub const SECRET: &str = "SECRET-PLACE";

/// A JPEG of `width` × `height` stored pixels that a camera held sideways made: EXIF orientation 6 (turn right by 90°
/// to see it), the place where it was taken, and a comment.
#[must_use]
pub fn sideways_jpeg(width: u32, height: u32) -> Vec<u8> {
    // Turned right, the left edge of what is stored becomes the top.
    let stored = RgbImage::from_fn(
        width,
        height,
        |x, _| if x < width / 2 { TOP } else { BOTTOM },
    );
    let mut jpeg = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut jpeg, 92).encode_image(&stored);
    encoded.expect("a JPEG");
    let exif = exif();
    let mut whole = jpeg[..2].to_vec();
    for (marker, segment) in [(0xe1, exif.as_slice()), (0xfe, SECRET.as_bytes())] {
        whole.extend([0xff, marker]);
        let length = u16::try_from(segment.len() + 2).expect("short");
        whole.extend(length.to_be_bytes());
        whole.extend(segment);
    }
    whole.extend(&jpeg[2..]);
    whole.extend(SECRET.as_bytes());
    whole
}

/// An EXIF block: orientation 6, a maker, and a GPS position.
fn exif() -> Vec<u8> {
    let mut tiff = b"Exif\0\0II*\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = Vec::new();
        entry.extend(tag.to_le_bytes());
        entry.extend(kind.to_le_bytes());
        entry.extend(count.to_le_bytes());
        entry.extend(value.to_le_bytes());
        entry
    };
    // The first directory, at offset 8, has three entries and ends at offset 50.
    tiff.extend(3u16.to_le_bytes());
    tiff.extend(entry(0x010f, 2, 13, 50));
    tiff.extend(entry(0x0112, 3, 1, 6));
    tiff.extend(entry(0x8825, 4, 1, 64));
    tiff.extend(0u32.to_le_bytes());
    tiff.extend(SECRET.as_bytes());
    tiff.extend([0, 0]);
    // The GPS directory, at offset 64: the hemisphere, and the latitude's three fractions at offset 94.
    tiff.extend(2u16.to_le_bytes());
    tiff.extend(entry(1, 2, 2, u32::from_le_bytes(*b"N\0\0\0")));
    tiff.extend(entry(2, 5, 3, 94));
    tiff.extend(0u32.to_le_bytes());
    for number in [52u32, 1, 31, 1, 12, 1] {
        tiff.extend(number.to_le_bytes());
    }
    tiff
}

/// A PNG of one colour.
#[must_use]
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    let written = RgbImage::from_pixel(width, height, TOP).write_to(&mut png, ImageFormat::Png);
    written.expect("a PNG");
    png.into_inner()
}

/// Asserts a clean, upright JPEG of that size: red on top, blue at the bottom, no metadata.
///
/// # Panics
/// When it is not.
pub fn assert_upright(jpeg: &[u8], size: (u32, u32)) {
    assert_eq!(image::guess_format(jpeg).ok(), Some(ImageFormat::Jpeg));
    let picture = image::load_from_memory(jpeg).expect("decodes").into_rgb8();
    assert_eq!(picture.dimensions(), size);
    let (x, low) = (size.0 / 2, size.1 - 1 - size.1 / 8);
    for (y, wanted) in [(size.1 / 8, TOP), (low, BOTTOM)] {
        let Rgb(pixel) = *picture.get_pixel(x, y);
        let off = pixel
            .iter()
            .zip(wanted.0)
            .map(|(&a, b)| a.abs_diff(b))
            .max();
        assert!(off < Some(20), "{pixel:?} is not {wanted:?} at {x},{y}");
    }
    for forbidden in [
        &b"Exif"[..],
        b"http://ns.adobe.com",
        SECRET.as_bytes(),
        b"ICC_PROFILE",
    ] {
        let found = jpeg
            .windows(forbidden.len())
            .any(|window| window == forbidden);
        assert!(
            !found,
            "{} is left in it",
            String::from_utf8_lossy(forbidden)
        );
    }
}
