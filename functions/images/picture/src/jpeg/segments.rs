//! What a JPEG says of itself: its frame, its tables and scans in their order, its profile and which way up it is.

use super::{
    frame::Frame,
    markers::{RST, next_marker, split_scan, split_segment},
};
use crate::{Error, Result, exif, exif::Orientation};

/// Start of image, end of image, start of scan, tables, number of lines, applications (ITU T.81, table B.1).
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const DQT: u8 = 0xdb;
const DHT: u8 = 0xc4;
const DRI: u8 = 0xdd;
const DNL: u8 = 0xdc;
const JPG: u8 = 0xc8;
const DAC: u8 = 0xcc;
const TEM: u8 = 0x01;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;

/// The most scans: programs write a dozen. Each costs a visit of every block, whatever it holds.
const SCANS: usize = 64;
/// The most tables and scans together.
const PARTS: usize = 1_024;
/// The most pieces of a colour profile, of 64 KiB each.
const PROFILE_PIECES: usize = 64;

/// What the components mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// Lightness alone.
    Grey,
    /// Lightness and two differences: nearly all of them.
    YCbCr,
    /// The same in the range of video, of which no JPEG is: WebP's.
    Video,
    /// Red, green and blue as they are.
    Rgb,
    /// Four inks.
    Cmyk {
        /// Adobe's programs write how much ink is missing.
        inverted: bool,
    },
    /// Three of the inks, inverted, as lightness and differences; the fourth inverted.
    Ycck,
}

impl Model {
    /// Samples of a pixel in the size that is kept: differences have a half of it on each side.
    pub(crate) const fn samples(self) -> f64 {
        match self {
            Self::Grey | Self::YCbCr | Self::Video => 1.6,
            Self::Rgb => 3.0,
            Self::Cmyk { .. } | Self::Ycck => 4.0,
        }
    }
}

/// What changes how the rest is read, in the order of the file.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Quantization(&'a [u8]),
    Huffman(&'a [u8]),
    /// Units between restarts, none if zero.
    RestartInterval(usize),
    /// A scan's header and its data, restarts included.
    Scan(&'a [u8], &'a [u8]),
}

/// A JPEG whose every segment is there. What is in its scans is not looked at yet.
#[derive(Debug)]
pub(crate) struct Jpeg<'a> {
    pub(super) frame: Frame,
    pub(super) parts: Vec<Part<'a>>,
    /// What the components mean.
    pub(crate) model: Model,
    /// How the camera was held.
    pub(crate) orientation: Orientation,
    /// Pieces of the colour profile by their numbers.
    profile: Vec<(u8, &'a [u8])>,
}

impl<'a> Jpeg<'a> {
    /// Reads the segments from the start of the image to its end; what follows is another's.
    pub(crate) fn read(jpeg: &'a [u8]) -> Result<Self> {
        let mut rest = jpeg.strip_prefix(&[0xff, SOI]).ok_or(Error::Broken)?;
        let (mut frame, mut parts, mut profile) = (None::<Frame>, Vec::new(), Vec::new());
        let (mut adobe, mut jfif, mut orientation) = (None, false, None);
        let mut scans = 0;
        loop {
            let (marker, after) = next_marker(rest).ok_or(Error::Broken)?;
            rest = after;
            if marker == EOI {
                break;
            }
            if marker == TEM || RST.contains(&marker) {
                continue;
            }
            let (body, after) = split_segment(rest).ok_or(Error::Broken)?;
            rest = after;
            match marker {
                0xc0..=0xcf if !matches!(marker, DHT | JPG | DAC) => {
                    if frame.is_some() {
                        return Err(Error::Broken);
                    }
                    frame = Some(Frame::read(marker, body)?);
                }
                DQT => parts.push(Part::Quantization(body)),
                DHT => parts.push(Part::Huffman(body)),
                DRI => {
                    let units = body.first_chunk().ok_or(Error::Broken)?;
                    let units = usize::from(u16::from_be_bytes(*units));
                    parts.push(Part::RestartInterval(units));
                }
                SOS => {
                    let (data, after) = split_scan(rest);
                    rest = after;
                    parts.push(Part::Scan(body, data));
                    scans += 1;
                }
                // The height of a picture of which it was not known when it began (B.2.5).
                DNL => {
                    let lines = body.first_chunk().ok_or(Error::Broken)?;
                    if let Some(frame) = frame.as_mut().filter(|frame| frame.height == 0) {
                        frame.height = u16::from_be_bytes(*lines);
                    }
                }
                0xe0 => jfif |= body.starts_with(b"JFIF\0"),
                APP1 if orientation.is_none() => {
                    orientation = body.strip_prefix(b"Exif\0\0").and_then(exif::orientation);
                }
                APP2 if profile.len() < PROFILE_PIECES => {
                    if let Some([number, _, piece @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") {
                        profile.push((*number, piece));
                    }
                }
                APP14 if body.starts_with(b"Adobe") => adobe = body.get(11).copied(),
                _ => {}
            }
            if scans > SCANS {
                return Err(Error::TooLarge(format!(
                    "the picture comes in more than {SCANS} scans; save it as an ordinary, not a progressive JPEG"
                )));
            }
            if parts.len() > PARTS {
                return Err(Error::TooLarge(format!(
                    "the picture holds more than {PARTS} tables and scans; save it anew as an ordinary JPEG"
                )));
            }
        }
        let frame = frame
            .filter(|frame| frame.height > 0)
            .ok_or(Error::Broken)?;
        let ids: Vec<u8> = frame
            .components
            .iter()
            .map(|component| component.id)
            .collect();
        let model = match (&ids[..], adobe) {
            ([_], _) => Model::Grey,
            ([_, _, _], Some(0)) => Model::Rgb,
            (b"RGB", None) if !jfif => Model::Rgb,
            ([_, _, _], _) => Model::YCbCr,
            (_, Some(2)) => Model::Ycck,
            (_, adobe) => Model::Cmyk {
                inverted: adobe.is_some(),
            },
        };
        profile.sort_by_key(|&(number, _)| number);
        Ok(Self {
            frame,
            parts,
            model,
            orientation: orientation.unwrap_or_default(),
            profile,
        })
    }

    /// Width and height as they are stored, in pixels.
    pub(crate) fn dimensions(&self) -> (u32, u32) {
        (self.frame.width.into(), self.frame.height.into())
    }

    /// The colour profile, empty if there is none.
    pub(crate) fn profile(&self) -> Vec<u8> {
        let pieces = self.profile.iter().map(|&(_, piece)| piece);
        pieces.collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_is_whole_only_to_its_last_byte() {
        let mut jpeg = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
        let pixels: Vec<u8> = (0..64 * 64 * 3u32).map(|n| (n * n) as u8).collect();
        encoder
            .encode(&pixels, 64, 64, jpeg_encoder::ColorType::Rgb)
            .expect("a JPEG");
        assert!(Jpeg::read(&jpeg).is_ok());
        for end in 0..jpeg.len() {
            assert!(Jpeg::read(&jpeg[..end]).is_err(), "{end} of {}", jpeg.len());
        }
        jpeg.extend(b"trailing");
        assert!(Jpeg::read(&jpeg).is_ok());
    }

    #[test]
    fn nothing_makes_it_run_away() {
        for bytes in [
            vec![0xff; 1 << 20],
            [&[0xff, SOI][..], &[0xff, 0].repeat(1 << 19)].concat(),
            [&[0xff, SOI][..], &[0xff, DQT, 0, 2].repeat(1 << 19)].concat(),
            vec![0xff, SOI, 0xff, 0xe0, 0, 0],
        ] {
            assert!(Jpeg::read(&bytes).is_err());
        }
    }
}
