//! WebP: the first frame, transparency on white. A lossy picture without transparency stays planes.

mod lossless;

use crate::{Error, Result, exif, exif::Orientation, png::flatten, raster::Raster};
use image_webp::{DecodingError, WebPDecoder, vp8::Vp8Decoder};
use std::{
    io::{Cursor, Read as _},
    iter, mem,
};

/// The most bytes that tables of a lossless picture take, by byte of the file: three bits are the lengths of six codes,
/// each of which takes 32 bytes where they are long.
const TABLES: u64 = 520;
/// The most that metadata may take, in bytes.
const METADATA: usize = 4 * 1024 * 1024;

/// `RIFF`, the file's length, `WEBP`.
const HEADER: usize = 12;

/// What a WebP says of itself before its pixels.
pub(crate) struct WebP<'a> {
    decoder: WebPDecoder<Cursor<&'a [u8]>>,
    bytes: &'a [u8],
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl<'a> WebP<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refused)?;
        decoder.set_memory_limit(METADATA);
        let (width, height) = decoder.dimensions();
        if !frames_fit(bytes, (width, height)) {
            return Err(Error::Broken);
        }
        Ok(Self {
            decoder,
            bytes,
            width,
            height,
        })
    }

    /// What [`WebP::decode`] holds at most, in bytes.
    pub(crate) fn memory(&mut self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let lossy = self.decoder.is_lossy();
        let alpha = self.decoder.has_alpha();
        // Planes, then pixels; alpha is a lossless picture of its own; an animation's frame is laid on another.
        let moves = self.decoder.is_animated();
        let a_pixel = match (lossy, alpha) {
            (true, false) if !moves => 2,
            (true, false) => 6,
            (_, _) => 12,
        };
        let animated = if moves { 4 * pixels } else { 0 };
        let tables = match (lossy, alpha) {
            _ if pixels * a_pixel > lossless::ENOUGH => Some(0),
            _ if moves => None,
            (true, false) => Some(0),
            (true, true) => match self.chunk(b"ALPH") {
                Some([how, data @ ..]) if how & 3 == 1 => {
                    lossless::tables(data, Some((self.width, self.height)))
                }
                Some([how, ..]) if how & 3 == 0 => Some(0),
                _ => None,
            },
            (false, _) => self
                .chunk(b"VP8L")
                .and_then(|data| lossless::tables(data, None)),
        };
        // Where they cannot be counted, all of the file may be tables.
        let tables = tables.unwrap_or(self.bytes.len() as u64 * TABLES);
        // The data of a lossy frame is copied. What a frame claims to have of it, at most 16 MiB, is asked for and not
        // touched when it is not there.
        let copied = if lossy { self.bytes.len() as u64 } else { 0 };
        pixels * a_pixel + animated + tables + copied
    }

    /// The colour profile, empty if there is none.
    pub(crate) fn profile(&mut self) -> Vec<u8> {
        self.decoder
            .icc_profile()
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// How the camera was held.
    pub(crate) fn orientation(&mut self) -> Orientation {
        let exif = self.decoder.exif_metadata().ok().flatten();
        let exif = exif.unwrap_or_default();
        let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
        exif::orientation(tiff).unwrap_or_default()
    }

    pub(crate) fn decode(&mut self) -> Result<Decoded> {
        match self.lossy() {
            Some(lossy) => self.planes(lossy).map(Decoded::Planes),
            None => self.pixels().map(Decoded::Pixels),
        }
    }

    /// The data of a picture that is lossy, and neither transparent nor moving.
    fn lossy(&mut self) -> Option<&'a [u8]> {
        let decoder = &mut self.decoder;
        if decoder.has_alpha() || decoder.is_animated() || !decoder.is_lossy() {
            return None;
        }
        self.chunk(b"VP8 ")
    }

    /// What the first chunk of a kind holds.
    fn chunk(&self, kind: &[u8; 4]) -> Option<&'a [u8]> {
        let mut all = chunks(self.bytes.get(HEADER..)?);
        all.find(|(name, _)| *name == kind).map(|(_, data)| data)
    }

    fn planes(&self, lossy: &[u8]) -> Result<[Raster; 3]> {
        // Read as the other decoder reads it, so that the code is there once.
        let mut whole = Cursor::new(lossy);
        let frame = Vp8Decoder::decode_frame((&mut whole).take(lossy.len() as u64));
        let frame = frame.map_err(refused)?;
        if (u32::from(frame.width), u32::from(frame.height)) != (self.width, self.height) {
            return Err(Error::Broken);
        }
        // Whole blocks of 16 × 16, of which the differences have 8 × 8.
        let width = self.width.next_multiple_of(16);
        let extent = [self.width, self.height].map(f64::from);
        let plane = |samples: Vec<u8>, by: u32| Raster {
            width: width / by,
            height: u32::try_from(samples.len()).unwrap_or_default() / (width / by),
            channels: 1,
            extent: extent.map(|side| side / f64::from(by)),
            samples,
        };
        Ok([
            plane(frame.ybuf, 1),
            plane(frame.ubuf, 2),
            plane(frame.vbuf, 2),
        ])
    }

    fn pixels(&mut self) -> Result<Raster> {
        let size = self.decoder.output_buffer_size().ok_or(Error::Broken)?;
        let mut pixels = vec![0; size];
        self.decoder.read_image(&mut pixels).map_err(refused)?;
        if self.decoder.has_alpha() {
            let mut rgb = Vec::new();
            flatten(&pixels, &mut rgb);
            pixels = rgb;
        }
        Ok(Raster::new(pixels, 3, (self.width, self.height)))
    }
}

/// Whether each lossy frame is as large as what it is in says. image-webp makes room for what a frame says of itself,
/// which nobody has set aside, and goes by the other afterwards.
fn frames_fit(bytes: &[u8], canvas: (u32, u32)) -> bool {
    let fits = |data: &[u8], size| lossy_size(data).is_none_or(|it| it == size);
    chunks(bytes.get(HEADER..).unwrap_or_default()).all(|(name, data)| match name {
        b"VP8 " => fits(data, canvas),
        b"ANMF" => {
            let Some((head, frame)) = data.split_first_chunk::<16>() else {
                return true;
            };
            let side =
                |at: usize| 1 + u32::from_le_bytes([head[at], head[at + 1], head[at + 2], 0]);
            let size = (side(6), side(9));
            // Whatever follows transparency is read as a lossy frame.
            let mut behind_alpha = false;
            chunks(frame).all(|(name, data)| {
                let behind_alpha = mem::replace(&mut behind_alpha, name == b"ALPH");
                !(behind_alpha || name == b"VP8 ") || fits(data, size)
            })
        }
        _ => true,
    })
}

/// What a lossy frame says of its size (RFC 6386, section 9.1); none when it is too short to say it.
fn lossy_size(frame: &[u8]) -> Option<(u32, u32)> {
    let [width, low, height, high] = *frame.get(6..)?.first_chunk::<4>()?;
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
    Some((side([width, low]), side([height, high])))
}

/// The chunks of a file or of a frame (RFC 9649, section 2.3); of one that is cut off, what is there.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    iter::from_fn(move || {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let next = length.checked_next_multiple_of(2)?;
        rest = after.get(next..).unwrap_or_default();
        Some((name, after.get(..length).unwrap_or(after)))
    })
}

/// What a WebP has become.
pub(crate) enum Decoded {
    /// Red, green and blue.
    Pixels(Raster),
    /// Lightness and differences in video's range.
    Planes([Raster; 3]),
}

fn refused(error: DecodingError) -> Error {
    match error {
        DecodingError::MemoryLimitExceeded | DecodingError::ImageTooLarge => Error::too_much(),
        _ => Error::Broken,
    }
}
