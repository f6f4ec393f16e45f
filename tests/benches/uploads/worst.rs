//! The worst pictures that are accepted: fifty megapixels in every form, or as many as there is memory for, and as many
//! bytes as may be sent.

use image::{ExtendedColorType, ImageEncoder as _, codecs};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// The most bytes of an upload.
const MOST: usize = 10 << 20;
/// Fifty megapixels.
const SIDES: (u32, u32) = (8_000, 6_250);
/// As many as a WebP without loss may have: it is held whole, in twelve bytes a pixel at most.
const LOSSLESS: (u32, u32) = (5_000, 4_400);

/// Kinds of pictures by name; of several, each is uploaded in turn.
pub(crate) fn kinds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let progressive = jpeg(true, SamplingFactor::F_1_1);
    let halved = jpeg(true, SamplingFactor::F_2_2);
    let baseline = jpeg(false, SamplingFactor::F_1_1);
    let (rgba, deep) = (png(ExtendedColorType::Rgba8), png(ExtendedColorType::Rgb16));
    let webp = webp();
    let small = tests::photo::sideways_jpeg(1_200, 900);
    let all = vec![
        progressive.clone(),
        small.clone(),
        halved.clone(),
        rgba.clone(),
        small,
        webp.clone(),
        deep.clone(),
    ];
    vec![
        ("progressive JPEG, 4:4:4", vec![progressive]),
        ("progressive JPEG, 4:2:0", vec![halved]),
        ("JPEG, 4:4:4", vec![baseline]),
        ("PNG, RGBA", vec![rgba]),
        ("PNG, RGB of 16 bits", vec![deep]),
        ("WebP, lossless", vec![webp]),
        ("all of these and small ones", all),
    ]
}

/// A soft picture with some grain, of so many bytes a pixel.
fn pixels((width, height): (u32, u32), bytes: usize, grain: u8) -> Vec<u8> {
    let mut random = 1_u32;
    let mut pixels = Vec::with_capacity((width * height) as usize * bytes);
    for y in 0..height {
        for x in 0..width {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = if grain == 0 {
                0
            } else {
                (random >> 24) as u8 % grain
            };
            let level = ((x / 40 + y / 30) % 200) as u8 + noise;
            pixels.extend((0..bytes).map(|channel| level.wrapping_add(20 * channel as u8)));
        }
    }
    pixels
}

fn jpeg(progressive: bool, sampling: SamplingFactor) -> Vec<u8> {
    let pixels = pixels(SIDES, 3, 12);
    // The best quality that may still be sent.
    let of = |quality: u8| {
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, quality);
        encoder.set_sampling_factor(sampling);
        encoder.set_progressive(progressive);
        let (width, height) = (SIDES.0 as u16, SIDES.1 as u16);
        encoder
            .encode(&pixels, width, height, ColorType::Rgb)
            .expect("a JPEG");
        jpeg
    };
    let qualities = [90, 80, 65, 50, 35, 20, 5].into_iter();
    let fits = qualities.map(of).find(|jpeg| jpeg.len() <= MOST);
    fits.expect("one that fits")
}

fn png(colour: ExtendedColorType) -> Vec<u8> {
    let pixels = pixels(SIDES, usize::from(colour.bits_per_pixel()) / 8, 0);
    let mut png = Vec::new();
    let encoder = codecs::png::PngEncoder::new(&mut png);
    encoder
        .write_image(&pixels, SIDES.0, SIDES.1, colour)
        .expect("a PNG");
    assert!(png.len() <= MOST, "{} bytes", png.len());
    png
}

fn webp() -> Vec<u8> {
    let mut webp = Vec::new();
    let encoder = codecs::webp::WebPEncoder::new_lossless(&mut webp);
    encoder
        .write_image(
            &pixels(LOSSLESS, 4, 0),
            LOSSLESS.0,
            LOSSLESS.1,
            ExtendedColorType::Rgba8,
        )
        .expect("a WebP");
    assert!(webp.len() <= MOST, "{} bytes", webp.len());
    webp
}
