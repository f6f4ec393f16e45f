//! The large picture: the whole, in the size and colours that it is kept in.

use crate::{
    Error, Result,
    colour::{self, Channels, Transform},
    jpeg::{Jpeg, Model, Scale},
    raster::Raster,
    unless_stopped,
    ycc::{Ycc, half},
};
use std::sync::atomic::AtomicBool;

/// The longer side of the large picture, in pixels.
pub(crate) const LARGE: u32 = 2_048;

/// The size of the whole picture when no side is longer than [`LARGE`].
pub(crate) fn fit((width, height): (u32, u32)) -> (u32, u32) {
    let longer = width.max(height);
    let scaled = |side: u32| {
        let side = u64::from(side) * u64::from(LARGE);
        u32::try_from((side + u64::from(longer) / 2) / u64::from(longer))
            .map_or(LARGE, |n| n.max(1))
    };
    match longer {
        0..=LARGE => (width, height),
        _ => (scaled(width), scaled(height)),
    }
}

/// How much of a JPEG is decoded for that.
pub(crate) fn scale(jpeg: &Jpeg<'_>) -> Scale {
    let (width, height) = jpeg.dimensions();
    Scale::for_sides(width.max(height), LARGE)
}

/// The whole picture of planes, which stay planes wherever the colours are right as they are.
pub(crate) fn from_planes(
    planes: Vec<Raster>,
    model: Model,
    to: (u32, u32),
    profile: &[u8],
    stop: &AtomicBool,
) -> Result<Ycc> {
    let channels = match model {
        Model::Grey => Channels::Grey,
        Model::YCbCr | Model::Video | Model::Rgb => Channels::Rgb,
        Model::Cmyk { .. } | Model::Ycck => Channels::Cmyk,
    };
    let sizes = match model {
        // Differences in the size that they end in: between, each stands for the pixels that it is of.
        Model::YCbCr | Model::Video => [to, half(to), half(to), to],
        _ => [to; 4],
    };
    let mut scaled = Vec::new();
    for (plane, size) in planes.into_iter().zip(sizes) {
        unless_stopped(stop)?;
        scaled.push(plane.scaled(size)?);
    }
    if model == Model::Video {
        let ranges = [
            (16.0, 219.0),
            (128.0 - 112.0, 224.0),
            (128.0 - 112.0, 224.0),
        ];
        let planes = scaled.into_iter().zip(ranges);
        scaled = planes
            .map(|(plane, (low, range))| plane.widened(low, range))
            .collect();
    }
    match (model, Transform::new(profile, channels)) {
        (Model::Grey, None) => scaled.pop().map(Ycc::grey).ok_or(Error::Broken),
        (Model::YCbCr | Model::Video, None) => {
            let planes = scaled.try_into().map_err(|_| Error::Broken)?;
            Ok(Ycc { planes })
        }
        (_, transform) => {
            let fill = |y: usize, pixels: &mut Vec<u8>| {
                let rows: Vec<_> = scaled.iter().map(|plane| plane.row_of(y, to.1)).collect();
                colour::interleave(&rows, model, pixels);
            };
            in_srgb(to, fill, channels, transform)
        }
    }
}

/// The whole picture of pixels.
pub(crate) fn from_pixels(raster: Raster, to: (u32, u32), profile: &[u8]) -> Result<Ycc> {
    let channels = match raster.channels {
        1 => Channels::Grey,
        _ => Channels::Rgb,
    };
    let scaled = raster.scaled(to)?;
    drop(raster);
    match (channels, Transform::new(profile, channels)) {
        (Channels::Grey, None) => Ok(Ycc::grey(scaled)),
        (_, transform) => {
            let fill = |y: usize, pixels: &mut Vec<u8>| {
                pixels.extend_from_slice(scaled.row_of(y, to.1));
            };
            in_srgb(to, fill, channels, transform)
        }
    }
}

fn in_srgb(
    size: (u32, u32),
    fill: impl FnMut(usize, &mut Vec<u8>),
    channels: Channels,
    transform: Option<Transform>,
) -> Result<Ycc> {
    Ycc::from_rows(size, fill, |pixels, rgb| match &transform {
        Some(transform) => transform.apply(pixels, channels, rgb),
        None => {
            colour::plain_rgb(pixels, channels, rgb);
            Ok(())
        }
    })
}
