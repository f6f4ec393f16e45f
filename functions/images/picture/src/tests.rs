//! Whole pictures: what is promised of every format.

use super::*;
use ::png::{BitDepth, ColorType as PngColour};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use moxcms::ColorProfile;
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

mod refusals;
mod uploads;
use uploads::{BLUE, GREEN, RED, Rgb, Upload, YELLOW, exif, png};

static RUN: AtomicBool = AtomicBool::new(false);
fn made(upload: &[u8]) -> Picture {
    make(upload, &RUN).expect("made")
}

/// A JPEG's pixels, and its width.
fn decoded(jpeg: &[u8]) -> (Vec<Rgb>, usize) {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let pixels = decoder.decode().expect("a JPEG");
    let (width, _) = decoder.dimensions().expect("a size");
    (pixels.as_chunks::<3>().0.to_vec(), width)
}

fn sizes(picture: &Picture) -> [(usize, usize); 3] {
    [&picture.small, &picture.medium, &picture.large].map(|jpeg| {
        let (pixels, width) = decoded(jpeg);
        (width, pixels.len() / width)
    })
}

#[track_caller]
fn assert_near(seen: Rgb, right: Rgb, by: u8) {
    let near = seen
        .iter()
        .zip(right)
        .all(|(seen, right)| seen.abs_diff(right) <= by);
    assert!(near, "{seen:?} is not {right:?}");
}

/// The colour in the middle of the large picture.
fn middle(upload: &[u8]) -> Rgb {
    let (pixels, width) = decoded(&made(upload).large);
    pixels[pixels.len() / width / 2 * width + width / 2]
}

#[test]
fn the_sizes_are_the_promised_ones_whatever_the_shape() {
    for (w, h, large) in [
        (3000, 1500, (2048, 1024)),
        (10, 7, (10, 7)),
        (1, 5000, (1, 2048)),
        (7000, 5, (2048, 1)),
        (2048, 2048, (2048, 2048)),
    ] {
        for upload in Upload::quarters(w, h).formats() {
            let made = made(&upload);
            assert_eq!((made.width as usize, made.height as usize), large);
            assert_eq!(sizes(&made), [(128, 128), (512, 512), large]);
        }
    }
}

#[test]
fn every_format_is_upright_however_the_camera_was_held() {
    // The colours of the upper left and upper right corner (CIPA DC-008, table 4.6.4A).
    let corners = [
        (RED, GREEN),
        (GREEN, RED),
        (YELLOW, BLUE),
        (BLUE, YELLOW),
        (RED, BLUE),
        (BLUE, RED),
        (YELLOW, GREEN),
        (GREEN, YELLOW),
    ];
    for (orientation, (left, right)) in (1..).zip(corners) {
        let upload = Upload {
            exif: exif(orientation),
            ..Upload::quarters(64, 32)
        };
        for upload in upload.formats() {
            let made = made(&upload);
            let size = if orientation < 5 { (64, 32) } else { (32, 64) };
            assert_eq!((made.width, made.height), size);
            for (jpeg, edge) in [(&made.large, 4), (&made.medium, 40), (&made.small, 10)] {
                let (pixels, width) = decoded(jpeg);
                assert_near(pixels[edge * width + edge], left, 6);
                assert_near(pixels[edge * width + width - edge], right, 6);
            }
        }
    }
}

#[test]
fn a_wider_gamut_becomes_the_right_srgb() {
    let profile = ColorProfile::new_display_p3().encode().expect("a profile");
    // By the primaries of Display P3 and of sRGB (IEC 61966-2-1).
    for (p3, srgb) in [
        ([200, 100, 80], [215, 93, 73]),
        ([100, 180, 100], [65, 182, 90]),
        ([90, 90, 200], [90, 90, 207]),
        ([255, 0, 0], [255, 0, 0]),
    ] {
        let upload = Upload {
            profile: profile.clone(),
            ..Upload::of(64, 64, |_, _| p3)
        };
        for upload in upload.formats() {
            assert_near(middle(&upload), srgb, 4);
        }
    }
}

#[test]
fn a_profile_that_says_srgb_or_nothing_changes_no_bit() {
    let plain = Upload::quarters(64, 32);
    let srgb = ColorProfile::new_srgb().encode().expect("a profile");
    for profile in [srgb, b"no profile at all".to_vec()] {
        let upload = Upload {
            profile,
            ..plain.clone()
        };
        assert_eq!(made(&upload.jpeg()).large, made(&plain.jpeg()).large);
        assert_eq!(made(&upload.png()).large, made(&plain.png()).large);
    }
}

#[test]
fn inks_become_colours() {
    for (inks, right) in [
        ([255, 0, 0, 0], [0, 255, 255]),
        ([0, 255, 255, 0], [255, 0, 0]),
        ([0, 0, 0, 128], [127, 127, 127]),
        ([0, 128, 255, 64], [191, 95, 0]),
    ] {
        for colour in [ColorType::Cmyk, ColorType::CmykAsYcck] {
            let mut jpeg = Vec::new();
            let encoder = Encoder::new(&mut jpeg, 98);
            let encoded = encoder.encode(&inks.repeat(64 * 64), 64, 64, colour);
            encoded.expect("a JPEG");
            assert_near(middle(&jpeg), right, 4);
            // Without Adobe's mark, numbers are ink and not the lack of it.
            if colour == ColorType::Cmyk {
                let mark = jpeg
                    .windows(5)
                    .position(|bytes| bytes == b"Adobe")
                    .expect("a mark");
                jpeg[mark] = b'a';
                let [c, m, y, k] = inks.map(|ink| u32::from(255 - ink));
                let light = |ink| u8::try_from((255 - ink) * (255 - k) / 255).expect("a byte");
                assert_near(middle(&jpeg), [c, m, y].map(light), 4);
            }
        }
    }
}

#[test]
fn every_kind_of_png_is_read() {
    let upload = Upload::quarters(8, 8);
    let wide: Vec<u8> = upload
        .rgb
        .iter()
        .flat_map(|&sample| [sample, 0x7f])
        .collect();
    let sixteen = png(&upload, PngColour::Rgb, BitDepth::Sixteen, &wide);
    let (pixels, _) = decoded(&made(&sixteen).medium);
    assert_near(pixels[50 * 512 + 50], RED, 12);

    // Four pixels a byte: red, and what is transparent.
    let rows = [0b00_00_00_00, 0b11_11_11_11].repeat(8);
    let indexed = png(&upload, PngColour::Indexed, BitDepth::Two, &rows);
    let (pixels, _) = decoded(&made(&indexed).medium);
    assert_near(pixels[256 * 512 + 64], RED, 30);
    assert_near(pixels[256 * 512 + 448], [255; 3], 30);

    let grey = png(&upload, PngColour::Grayscale, BitDepth::Eight, &[77; 64]);
    assert_near(middle(&grey), [77; 3], 2);
    let interlaced = decoded(&made(include_bytes!("../fixtures/interlaced.png")).large).0;
    assert_near(interlaced[5 * 75 + 5], RED, 40);
    assert_near(interlaced[45 * 75 + 70], YELLOW, 40);
}

#[test]
fn transparency_becomes_white() {
    let upload = Upload::quarters(64, 64);
    let half = |pixel: &[u8; 3]| [pixel[0], pixel[1], pixel[2], 128];
    let rgba: Vec<u8> = upload.rgb.as_chunks().0.iter().flat_map(half).collect();
    let (pixels, width) =
        decoded(&made(&png(&upload, PngColour::Rgba, BitDepth::Eight, &rgba)).large);
    assert_near(
        pixels[4 * width + 4],
        RED.map(|colour| 255 - (255 - colour) / 2),
        5,
    );
    let nothing = png(
        &upload,
        PngColour::GrayscaleAlpha,
        BitDepth::Eight,
        &[0; 64 * 64 * 2],
    );
    assert_near(middle(&nothing), [255; 3], 1);
    let lossy = decoded(&made(include_bytes!("../fixtures/lossy-alpha.webp")).large).0;
    assert_near(lossy[5 * 75 + 5], [227, 142, 147], 25);
}

#[test]
fn lossy_and_moving_webp_are_read() {
    let lossy = decoded(&made(include_bytes!("../fixtures/lossy.webp")).large).0;
    assert_near(lossy[5 * 75 + 5], RED, 40);
    assert_near(middle(include_bytes!("../fixtures/animated.webp")), RED, 12);
}

#[test]
fn a_large_png_is_halved_on_the_way_without_a_seam() {
    let upload = Upload::of(6_200, 31, |x, _| if x < 3_100 { RED } else { BLUE });
    let (pixels, width) = decoded(&made(&upload.png()).large);
    assert_near(pixels[5 * width + 1_010], RED, 4);
    assert_near(pixels[5 * width + 1_038], BLUE, 4);
    assert_near(pixels[5 * width + width - 1], BLUE, 4);
}

#[test]
fn differences_of_colour_lie_where_they_belong_when_sampled_less() {
    let upload = Upload::quarters(640, 320);
    for sampling in [
        SamplingFactor::F_2_2,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
    ] {
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, 95);
        encoder.set_sampling_factor(sampling);
        let encoded = encoder.encode(&upload.rgb, 640, 320, ColorType::Rgb);
        encoded.expect("a JPEG");
        let (pixels, width) = decoded(&made(&jpeg).large);
        for (x, y, right) in [
            (310, 150, RED),
            (330, 150, GREEN),
            (310, 170, BLUE),
            (330, 170, YELLOW),
        ] {
            assert_near(pixels[y * width + x], right, 8);
        }
    }
}
