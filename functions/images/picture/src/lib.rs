//! From a stranger's bytes to three clean JPEGs: decoded under limits, upright, nothing else of the input kept.
//!
//! A crate of its own, because it is the one part that has to be optimised even while developing.

mod jpeg;
mod png;

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, Limits, RgbImage,
    codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
    metadata::Orientation,
};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use std::{borrow::Cow, io::Cursor};

/// Why no picture was made, in words for the person who sent it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are of another kind.
    #[error("this is not a JPEG, PNG or WebP picture")]
    NotAPicture,
    /// It would take more than any picture gets.
    #[error("{0}")]
    TooLarge(String),
    /// It begins like a picture, and is damaged or cut off.
    #[error("the picture is damaged and cannot be decoded")]
    Broken,
}

type Result<T> = std::result::Result<T, Error>;

/// The most pixels that are decoded.
const PIXELS: u64 = 50_000_000;
/// The longest side, in pixels: what a JPEG can have. Scaling costs memory by the length of a side.
const SIDE: u32 = 65_535;
/// The most bytes that the decoded pixels may take, whatever their depth.
const DECODED: u64 = 256 * 1024 * 1024;
/// The longer side of the large picture, in pixels.
const LARGE: u32 = 2_048;
/// The sides of the squares, in pixels.
const MEDIUM: u32 = 512;
const SMALL: u32 = 128;
/// JPEG quality of the large picture, and of the squares.
const QUALITY: (u8, u8) = (85, 82);

/// A picture in the three sizes, each a JPEG.
#[derive(Debug)]
pub struct Picture {
    /// A square of 128 pixels: the middle.
    pub small: Vec<u8>,
    /// A square of 512 pixels: the middle.
    pub medium: Vec<u8>,
    /// The whole, no side longer than 2048 pixels.
    pub large: Vec<u8>,
    /// Of the large one, in pixels.
    pub width: u32,
    /// Of the large one, in pixels.
    pub height: u32,
}

/// How much memory [`make`] will hold at most beside the upload, in bytes, going by what the picture says of itself.
///
/// # Errors
/// When it is no picture that we read, is too large, or begins broken.
pub fn memory(upload: &[u8]) -> Result<u64> {
    // Twice: the decoder's own planes or coefficients beside the pixels that it hands over.
    Ok(2 * open(&essential(upload))?.total_bytes())
}

/// Makes the three sizes.
///
/// Transparent parts become white. The colour profile is not applied.
///
/// # Errors
/// Those of [`memory`], and when it is broken further on.
pub fn make(upload: &[u8]) -> Result<Picture> {
    let upload = essential(upload);
    let mut decoder = open(&upload)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(refused)?;
    let large = upright(fit(pixels)?, orientation);
    let (width, height) = large.dimensions();
    let medium = square(&large, MEDIUM)?;
    let small = square(&medium, SMALL)?;
    Ok(Picture {
        small: encode(&small, QUALITY.1)?,
        medium: encode(&medium, QUALITY.1)?,
        large: encode(&large, QUALITY.0)?,
        width,
        height,
    })
}

/// The upload without what no decoder shall see.
fn essential(upload: &[u8]) -> Cow<'_, [u8]> {
    match image::guess_format(upload) {
        Ok(ImageFormat::Png) => png::essential(upload).into(),
        _ => upload.into(),
    }
}

/// A decoder for what the bytes are, if they are a picture within the limits.
fn open(upload: &[u8]) -> Result<Box<dyn ImageDecoder + '_>> {
    let input = Cursor::new(upload);
    let mut decoder: Box<dyn ImageDecoder> = match image::guess_format(upload) {
        Ok(ImageFormat::Jpeg) if !jpeg::is_whole(upload) => return Err(Error::Broken),
        Ok(ImageFormat::Jpeg) => Box::new(JpegDecoder::new(input).map_err(refused)?),
        Ok(ImageFormat::Png) => {
            Box::new(PngDecoder::with_limits(input, limits()).map_err(refused)?)
        }
        Ok(ImageFormat::WebP) => Box::new(WebPDecoder::new(input).map_err(refused)?),
        _ => return Err(Error::NotAPicture),
    };
    let (width, height) = decoder.dimensions();
    if width.max(height) > SIDE || u64::from(width) * u64::from(height) > PIXELS {
        return Err(Error::TooLarge(format!(
            "the picture has {width} × {height} pixels; at most 50 megapixels, and {SIDE} on a side, are accepted"
        )));
    }
    if decoder.total_bytes() > DECODED {
        return Err(Error::TooLarge(
            "the picture has too many bits a pixel for its size; save it with 8 bits a colour"
                .to_owned(),
        ));
    }
    if width == 0 || height == 0 {
        return Err(Error::Broken);
    }
    decoder.set_limits(limits()).map_err(refused)?;
    Ok(decoder)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * DECODED);
    limits
}

/// The whole picture, no side longer than [`LARGE`], transparency flattened onto white.
fn fit(pixels: DynamicImage) -> Result<RgbImage> {
    let (width, height) = (pixels.width(), pixels.height());
    let longer = width.max(height);
    let scaled = |side: u32| {
        let side = u64::from(side) * u64::from(LARGE);
        u32::try_from((side + u64::from(longer) / 2) / u64::from(longer))
            .map_or(LARGE, |n| n.max(1))
    };
    let (to_width, to_height) = match longer {
        0..=LARGE => (width, height),
        _ => (scaled(width), scaled(height)),
    };
    let to = (to_width, to_height);
    if pixels.color().has_alpha() {
        let source = pixels.into_rgba8();
        let scaled = resize(PixelType::U8x4, source.as_raw(), (width, height), None, to)?;
        Ok(rgb(to, flatten(&scaled)))
    } else {
        let source = pixels.into_rgb8();
        let scaled = resize(PixelType::U8x3, source.as_raw(), (width, height), None, to)?;
        Ok(rgb(to, scaled))
    }
}

/// The middle of a picture as a square.
fn square(picture: &RgbImage, side: u32) -> Result<RgbImage> {
    let (width, height) = picture.dimensions();
    let shorter = width.min(height);
    let (left, top) = ((width - shorter) / 2, (height - shorter) / 2);
    let crop = [left, top, shorter].map(f64::from);
    let to = (side, side);
    let scaled = resize(
        PixelType::U8x3,
        picture.as_raw(),
        (width, height),
        Some(crop),
        to,
    )?;
    Ok(rgb(to, scaled))
}

/// Scales pixels, or the square `[left, top, side]` of them.
fn resize(
    pixel: PixelType,
    source: &[u8],
    (width, height): (u32, u32),
    crop: Option<[f64; 3]>,
    (to_width, to_height): (u32, u32),
) -> Result<Vec<u8>> {
    let source = ImageRef::new(width, height, source, pixel).map_err(|_| Error::Broken)?;
    let mut target = Image::new(to_width, to_height, pixel);
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    if let Some([left, top, side]) = crop {
        options = options.crop(left, top, side, side);
    }
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|_| Error::Broken)?;
    Ok(target.into_vec())
}

fn flatten(rgba: &[u8]) -> Vec<u8> {
    let over_white = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        u8::try_from((colour * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(255)
    };
    rgba.as_chunks::<4>()
        .0
        .iter()
        .flat_map(|&[r, g, b, a]| [r, g, b].map(|colour| over_white(colour, a)))
        .collect()
}

fn rgb((width, height): (u32, u32), pixels: Vec<u8>) -> RgbImage {
    RgbImage::from_raw(width, height, pixels).expect("three bytes a pixel were made for this size")
}

/// Turned and mirrored as the camera noted (EXIF orientation).
fn upright(picture: RgbImage, orientation: Orientation) -> RgbImage {
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    picture.into_rgb8()
}

fn encode(picture: &RgbImage, quality: u8) -> Result<Vec<u8>> {
    let side = |pixels: u32| u16::try_from(pixels).expect("no side is longer than 2048");
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .encode(
            picture.as_raw(),
            side(picture.width()),
            side(picture.height()),
            ColorType::Rgb,
        )
        .map_err(|_| Error::Broken)?;
    Ok(jpeg)
}

/// A decoder's refusal as ours.
fn refused(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => {
            Error::TooLarge("the picture needs more memory than any picture gets here".to_owned())
        }
        _ => Error::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbaImage};

    fn png_of(picture: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let written = picture.into().write_to(&mut bytes, ImageFormat::Png);
        written.expect("a PNG");
        bytes.into_inner()
    }

    fn decoded(jpeg: &[u8]) -> RgbImage {
        image::load_from_memory(jpeg).expect("a JPEG").into_rgb8()
    }

    #[test]
    fn the_sizes_are_the_promised_ones_whatever_the_shape() {
        for (w, h, large) in [
            (3000, 1500, (2048, 1024)),
            (10, 7, (10, 7)),
            (1, 5000, (1, 2048)),
            (2048, 2048, (2048, 2048)),
        ] {
            let made = make(&png_of(RgbImage::new(w, h))).expect("made");
            assert_eq!((made.width, made.height), large);
            let sizes =
                [made.small, made.medium, made.large].map(|jpeg| decoded(&jpeg).dimensions());
            assert_eq!(sizes, [(128, 128), (512, 512), large]);
        }
    }

    #[test]
    fn transparency_becomes_white() {
        let made = make(&png_of(RgbaImage::new(40, 40))).expect("made");
        let Rgb(pixel) = *decoded(&made.large).get_pixel(20, 20);
        assert!(pixel.iter().all(|&colour| colour >= 254), "{pixel:?}");
    }

    #[test]
    fn what_is_no_picture_or_too_large_or_broken_is_told_apart() {
        assert!(matches!(
            make(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            Err(Error::NotAPicture)
        ));
        assert!(matches!(make(b""), Err(Error::NotAPicture)));
        assert!(matches!(make(b"GIF89a"), Err(Error::NotAPicture)));
        let whole = png_of(RgbImage::new(64, 64));
        assert!(matches!(
            make(&whole[..whole.len() / 2]),
            Err(Error::Broken)
        ));
        let long = png_of(image::GrayImage::new(1, 70_000));
        assert!(matches!(make(&long), Err(Error::TooLarge(_))));
        let wide = png_of(image::GrayImage::new(60_000, 1_000));
        assert!(matches!(make(&wide), Err(Error::TooLarge(_))));
    }
}
