//! From a stranger's bytes to three clean JPEGs: decoded under limits, upright, in sRGB, nothing else of the input kept.
//!
//! A crate of its own, because it is the one part that has to be optimised even while developing.

mod colour;
mod exif;
mod jpeg;
mod large;
mod png;
mod raster;
mod webp;
mod ycc;

use jpeg::{Jpeg, Model};
use large::{LARGE, fit, from_pixels, from_planes, scale};
use png::Png;
use std::sync::atomic::{AtomicBool, Ordering};
use webp::{Decoded, WebP};

/// The most pixels that are decoded.
const PIXELS: u64 = 50_000_000;
/// The longest side, in pixels: what a JPEG can have. Scaling costs memory by the length of a side.
const SIDE: u32 = 65_535;
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

/// Why no picture was made, in words for the person who sent it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are of another kind.
    #[error("this is not a JPEG, PNG or WebP picture")]
    NotAPicture,
    /// A kind of these that hardly any program writes.
    #[error("{0}")]
    Unsupported(&'static str),
    /// It would take more than any picture gets.
    #[error("{0}")]
    TooLarge(String),
    /// It begins like a picture, and is damaged or cut off.
    #[error("the picture is damaged and cannot be decoded")]
    Broken,
    /// The flag said that nobody waits for it any more.
    #[error("the picture was given up")]
    Stopped,
}

impl Error {
    fn too_much() -> Self {
        Self::TooLarge(
            "the picture needs more memory than any picture gets here; save it as a JPEG"
                .to_owned(),
        )
    }
}

type Result<T> = std::result::Result<T, Error>;

/// How much memory [`make`] will hold at most beside the upload, in bytes, going by what the picture says of itself.
///
/// It reads headers and lengths, in no time.
///
/// # Errors
/// When it is no picture that we read, is too large, or begins broken.
pub fn memory(upload: &[u8]) -> Result<u64> {
    let mut source = Source::open(upload)?;
    let to = fit(source.dimensions());
    let [across, scaled] = [to.0, to.0 * to.1].map(u64::from);
    // What is decoded, its rows, samples of a pixel before and after it is scaled, and its profile.
    let (decoded, rows, between, after, profile) = match &mut source {
        Source::Jpeg(jpeg) => {
            let (scale, samples) = (scale(jpeg), jpeg.model.samples());
            (
                jpeg.memory(scale),
                jpeg.rows(scale),
                1,
                samples,
                jpeg.profile(),
            )
        }
        Source::Png(png) => (
            png.memory(LARGE),
            png.rows_kept(LARGE),
            3,
            3.0,
            png.profile(),
        ),
        Source::WebP(webp) => (webp.memory(), webp.height.into(), 3, 3.0, webp.profile()),
    };
    // The filter goes across first, so between there are as many rows as before. Then there are planes, then JPEGs.
    let after = (after * scaled as f64) as u64;
    let scaling = decoded + between * across * rows + after;
    let colours = after + scaled * 3 / 2 + ROWS * across;
    let encoding = scaled * 3 / 2 + scaled * 3;
    let profile = match profile.len() as u64 {
        0 => 0,
        bytes => 8 * bytes + PROFILE,
    };
    Ok(scaling.max(colours).max(encoding) + profile + ANYWAY)
}

/// What the tables take at most that are made of a colour profile, beside itself unpacked, in bytes.
const PROFILE: u64 = 4 * 1024 * 1024;
/// What rows of pixels take while their colours change, for each pixel across.
const ROWS: u64 = 32 * 8;
/// What every picture takes, in bytes: tables, headers, and the squares.
const ANYWAY: u64 = 3 * 1024 * 1024;

/// Makes the three sizes, or gives up soon after `stop` is set.
///
/// Transparent parts become white. Colours become sRGB by the picture's ICC profile; a PNG's `gAMA` is not looked at.
///
/// # Errors
/// Those of [`memory`], and when it is broken further on, or stopped.
pub fn make(upload: &[u8], stop: &AtomicBool) -> Result<Picture> {
    let large = match Source::open(upload)? {
        Source::Jpeg(jpeg) => {
            let planes = jpeg.decode(scale(&jpeg), stop)?;
            let to = fit(jpeg.dimensions());
            from_planes(planes, jpeg.model, to, &jpeg.profile(), stop)?.upright(jpeg.orientation)
        }
        Source::Png(png) => {
            let raster = png.decode(LARGE, stop)?;
            let to = fit((png.width, png.height));
            from_pixels(raster, to, &png.profile())?.upright(png.orientation)
        }
        Source::WebP(mut webp) => {
            let to = fit((webp.width, webp.height));
            let picture = match webp.decode()? {
                Decoded::Pixels(raster) => from_pixels(raster, to, &webp.profile()),
                Decoded::Planes(planes) => {
                    from_planes(planes.into(), Model::Video, to, &webp.profile(), stop)
                }
            };
            picture?.upright(webp.orientation())
        }
    };
    unless_stopped(stop)?;
    let medium = large.square(MEDIUM)?;
    let small = medium.square(SMALL)?;
    let (width, height) = large.size();
    Ok(Picture {
        small: small.jpeg(QUALITY.1)?,
        medium: medium.jpeg(QUALITY.1)?,
        large: large.jpeg(QUALITY.0)?,
        width,
        height,
    })
}

/// A picture of a kind that we read, within the limits.
enum Source<'a> {
    Jpeg(Jpeg<'a>),
    Png(Png<'a>),
    WebP(WebP<'a>),
}

impl<'a> Source<'a> {
    /// By the first bytes; nothing else says what it is.
    fn open(upload: &'a [u8]) -> Result<Self> {
        let source = match upload {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg(Jpeg::read(upload)?),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Self::WebP(WebP::read(upload)?),
            _ if upload.starts_with(png::SIGNATURE) => Self::Png(Png::read(upload)?),
            _ => return Err(Error::NotAPicture),
        };
        let (width, height) = source.dimensions();
        if width == 0 || height == 0 {
            return Err(Error::Broken);
        }
        if width.max(height) > SIDE || u64::from(width) * u64::from(height) > PIXELS {
            return Err(Error::TooLarge(format!(
                "the picture has {width} × {height} pixels; at most 50 megapixels, and {SIDE} on a side, are accepted"
            )));
        }
        Ok(source)
    }

    /// As they are stored.
    fn dimensions(&self) -> (u32, u32) {
        match self {
            Self::Jpeg(jpeg) => jpeg.dimensions(),
            Self::Png(png) => (png.width, png.height),
            Self::WebP(webp) => (webp.width, webp.height),
        }
    }
}

fn unless_stopped(stop: &AtomicBool) -> Result<()> {
    match stop.load(Ordering::Relaxed) {
        true => Err(Error::Stopped),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
