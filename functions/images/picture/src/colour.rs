//! Colours: from whatever a picture has to sRGB.

use crate::{Error, Result, jpeg::Model};
use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};
use std::sync::Arc;

/// The largest profile that is looked at, in bytes: those of printing presses have one or two million.
const PROFILE: usize = 4 * 1024 * 1024;

/// What a profile does to pixels. Where there is none, or it says sRGB, there is nothing to do.
pub(crate) struct Transform(Arc<Transform8BitExecutor>);

/// Channels of pixels before they are red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channels {
    Grey,
    Rgb,
    /// How much there is of each ink.
    Cmyk,
}

impl Channels {
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    const fn layout(self) -> Layout {
        match self {
            Self::Grey => Layout::Gray,
            Self::Rgb => Layout::Rgb,
            Self::Cmyk => Layout::Rgba,
        }
    }
}

impl Transform {
    /// What an ICC profile asks for, if it is one for these channels and changes anything.
    ///
    /// A profile that cannot be used is as good as none: the picture is shown as if it were sRGB.
    pub(crate) fn new(profile: &[u8], channels: Channels) -> Option<Self> {
        if profile.is_empty() || profile.len() > PROFILE {
            return None;
        }
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        let fits = match channels {
            Channels::Grey => DataColorSpace::Gray,
            Channels::Rgb => DataColorSpace::Rgb,
            Channels::Cmyk => DataColorSpace::Cmyk,
        };
        if profile.color_space != fits {
            return None;
        }
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let transform =
            profile.create_transform_8bit(channels.layout(), &srgb, Layout::Rgb, options);
        let transform = Self(transform.ok()?);
        (!transform.changes_nothing(channels)).then_some(transform)
    }

    /// Whether colours stay what they are: the many profiles that say sRGB are told by what they do.
    fn changes_nothing(&self, channels: Channels) -> bool {
        // Every level of three lightnesses, and the corners of the cube.
        let levels = (0..=255u8).step_by(5);
        let greys = levels.clone().flat_map(|n| [n, n, n]);
        let colours = levels
            .clone()
            .flat_map(|n| [n, 255 - n, 128, 0, n, 255, n, 0, 64]);
        let probe: Vec<u8> = match channels {
            Channels::Grey => levels.collect(),
            Channels::Rgb => greys.chain(colours).collect(),
            Channels::Cmyk => return false,
        };
        let mut after = Vec::new();
        if self.apply(&probe, channels, &mut after).is_err() {
            return false;
        }
        let repeat = 3 / channels.count();
        let before = probe.iter().flat_map(|&n| std::iter::repeat_n(n, repeat));
        before
            .zip(after)
            .all(|(before, after)| before.abs_diff(after) <= 1)
    }

    /// Red, green and blue of pixels.
    pub(crate) fn apply(&self, pixels: &[u8], channels: Channels, rgb: &mut Vec<u8>) -> Result<()> {
        rgb.resize(pixels.len() / channels.count() * 3, 0);
        self.0.transform(pixels, rgb).map_err(|_| Error::Broken)
    }
}

/// Red, green and blue without a profile.
pub(crate) fn plain_rgb(pixels: &[u8], channels: Channels, rgb: &mut Vec<u8>) {
    rgb.clear();
    match channels {
        Channels::Rgb => rgb.extend_from_slice(pixels),
        Channels::Grey => rgb.extend(pixels.iter().flat_map(|&grey| [grey; 3])),
        Channels::Cmyk => {
            let light = |ink: u8, black: u8| {
                let both = u16::from(255 - ink) * u16::from(255 - black);
                ((both + 127) / 255) as u8
            };
            let pixels = pixels.as_chunks::<4>().0.iter();
            rgb.extend(pixels.flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| light(ink, k))));
        }
    }
}

/// A row of pixels from rows of a JPEG's planes: grey, red, green and blue, or how much there is of each ink.
pub(crate) fn interleave(rows: &[&[u8]], model: Model, pixels: &mut Vec<u8>) {
    match (rows, model) {
        ([y, cb, cr], Model::YCbCr | Model::Video) => {
            // A difference stands for two pixels.
            let start = pixels.len();
            pixels.resize(start + 3 * y.len(), 0);
            let differences = cb.iter().zip(*cr);
            let pairs = y.chunks(2).zip(pixels[start..].chunks_mut(6));
            for ((lightness, pixels), (&cb, &cr)) in pairs.zip(differences) {
                let apart = apart(cb, cr);
                for (&y, pixel) in lightness.iter().zip(pixels.as_chunks_mut::<3>().0) {
                    *pixel = with(y, apart);
                }
            }
        }
        ([y, cb, cr, black], Model::Ycck) => {
            // What these make as red, green and blue is the ink itself (Adobe Technical Note 5116).
            let samples = y.iter().zip(*cb).zip(*cr).zip(*black);
            pixels.extend(samples.flat_map(|(((&y, &cb), &cr), &black)| {
                let [c, m, y] = with(y, apart(cb, cr));
                [c, m, y, 255 - black]
            }));
        }
        (rows, model) => {
            let mask = match model {
                Model::Cmyk { inverted: true } => 255,
                _ => 0,
            };
            let start = pixels.len();
            pixels.resize(start + rows.iter().map(|row| row.len()).sum::<usize>(), 0);
            for (n, row) in rows.iter().enumerate() {
                let places = pixels[start + n..].iter_mut().step_by(rows.len());
                places
                    .zip(*row)
                    .for_each(|(place, sample)| *place = sample ^ mask);
            }
        }
    }
}

/// Lightness from red, green and blue (ITU T.871, 7).
#[inline(always)]
pub(crate) fn lightness_of(rgb: [u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(f32::from);
    // Adding 1.5 × 2²³ leaves the rounded number in the lowest bits.
    (0.299 * r + 0.587 * g + 0.114 * b + 12_582_912.0).to_bits() as u8
}

/// Differences from the sums of red, green and blue of four pixels, in 65536ths.
#[inline(always)]
pub(crate) fn differences_of([r, g, b]: [i32; 3]) -> [u8; 2] {
    const MIDDLE: i32 = (128 << 18) + (1 << 17) - 1;
    [
        (-11_059 * r - 21_709 * g + 32_768 * b + MIDDLE) >> 18,
        (32_768 * r - 27_439 * g - 5_329 * b + MIDDLE) >> 18,
    ]
    .map(|n| n as u8)
}

/// How far differences put red, green and blue from the lightness, in 65536ths.
#[inline(always)]
fn apart(cb: u8, cr: u8) -> [i32; 3] {
    let [cb, cr] = [cb, cr].map(|difference| i32::from(difference) - 128);
    [91_881 * cr, -22_554 * cb - 46_802 * cr, 116_130 * cb]
}

#[inline(always)]
fn with(lightness: u8, apart: [i32; 3]) -> [u8; 3] {
    let lightness = (i32::from(lightness) << 16) + (1 << 15);
    apart.map(|apart| ((lightness + apart) >> 16).clamp(0, 255) as u8)
}
