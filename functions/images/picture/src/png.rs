//! PNG: row by row, transparency on white, large ones halved on the way.

use crate::{Error, Result, exif, exif::Orientation, raster::Raster, unless_stopped};
use png::{ColorType, Decoder, InterlaceInfo, Limits, Reader, Transformations};
use std::{io::Cursor, sync::atomic::AtomicBool};

/// What every PNG begins with.
pub(crate) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Length, type and checksum around a chunk's data.
const FRAME: usize = 12;
/// What the decoder may hold beside a row, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;
/// The most that a colour profile may unpack to, in bytes.
const PROFILE: usize = 4 * 1024 * 1024;

/// What a PNG says of itself before its pixels.
#[derive(Debug)]
pub(crate) struct Png<'a> {
    bytes: &'a [u8],
    pub(crate) width: u32,
    pub(crate) height: u32,
    bits: u8,
    colour: u8,
    interlaced: bool,
    /// How the camera was held.
    pub(crate) orientation: Orientation,
    /// The colour profile, packed.
    profile: Option<&'a [u8]>,
}

impl<'a> Png<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = bytes.strip_prefix(SIGNATURE).ok_or(Error::Broken)?;
        let (header, _) = rest.split_first_chunk::<29>().ok_or(Error::Broken)?;
        let &[
            0,
            0,
            0,
            13,
            b'I',
            b'H',
            b'D',
            b'R',
            w3,
            w2,
            w1,
            w0,
            h3,
            h2,
            h1,
            h0,
            bits,
            colour,
            _,
            _,
            interlace,
            ..,
        ] = header
        else {
            return Err(Error::Broken);
        };
        let (mut orientation, mut profile) = (None, None);
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let body = after.get(4..length.saturating_add(4));
            match (after.first_chunk(), body) {
                (Some(b"eXIf"), Some(body)) => orientation = exif::orientation(body),
                (Some(b"iCCP"), Some(body)) => profile = Some(body),
                (Some(b"IEND"), _) => break,
                _ => {}
            }
            rest = rest.get(length.saturating_add(FRAME)..).unwrap_or_default();
        }
        Ok(Self {
            bytes,
            width: u32::from_be_bytes([w3, w2, w1, w0]),
            height: u32::from_be_bytes([h3, h2, h1, h0]),
            bits,
            colour,
            interlaced: interlace != 0,
            orientation: orientation.unwrap_or_default(),
            profile,
        })
    }

    /// Grey, or red, green and blue: after transparency is gone.
    fn channels(&self) -> usize {
        if matches!(self.colour, 0 | 4) { 1 } else { 3 }
    }

    /// How many pixels become one on the way, on each side: what leaves the filter that follows half as much again.
    fn shrink(&self, wanted: u32) -> u32 {
        match self.interlaced {
            true => 1,
            false => (self.width.max(self.height) / (wanted + wanted / 2)).max(1),
        }
    }

    /// How many rows there are after it shrank on the way.
    pub(crate) fn rows_kept(&self, wanted: u32) -> u64 {
        self.height.div_ceil(self.shrink(wanted)).into()
    }

    /// What [`Png::decode`] holds at most, in bytes.
    pub(crate) fn memory(&self, wanted: u32) -> u64 {
        let shrink = self.shrink(wanted);
        let [width, height] =
            [self.width, self.height].map(|side| u64::from(side.div_ceil(shrink)));
        let raster = width * height * self.channels() as u64;
        // Rows as they are stored and as they become, sums of them, what the decoder looks back to.
        let row = u64::from(self.width) * (4 * u64::from(self.bits.max(8)) / 8 * 2 + 4 + 3);
        raster + row + width * 12 + LIMIT as u64
    }

    /// The colour profile, empty if there is none.
    pub(crate) fn profile(&self) -> Vec<u8> {
        let packed = self.profile.and_then(|body| {
            // A name, a zero, the method, which is zero too.
            let name = body.iter().position(|&byte| byte == 0)?;
            body.get(name + 2..)
        });
        let unpack =
            |packed| miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(packed, PROFILE).ok();
        packed.and_then(unpack).unwrap_or_default()
    }

    /// The picture, smaller if it is much larger than wanted.
    pub(crate) fn decode(&self, wanted: u32, stop: &AtomicBool) -> Result<Raster> {
        let mut decoder =
            Decoder::new_with_limits(Cursor::new(self.bytes), Limits { bytes: LIMIT });
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(refused)?;
        match self.interlaced {
            true => self.interlaced(&mut reader, stop),
            false => self.rows(&mut reader, wanted, stop),
        }
    }

    fn rows(
        &self,
        reader: &mut Reader<Cursor<&[u8]>>,
        wanted: u32,
        stop: &AtomicBool,
    ) -> Result<Raster> {
        let (colour, channels) = (reader.output_color_type().0, self.channels());
        let shrink = self.shrink(wanted);
        if shrink == 1 && !matches!(colour, ColorType::Rgba | ColorType::GrayscaleAlpha) {
            let width = self.width as usize * channels;
            let mut samples = vec![0; width * self.height as usize];
            for row in samples.chunks_exact_mut(width) {
                unless_stopped(stop)?;
                reader
                    .read_row(row)
                    .map_err(refused)?
                    .ok_or(Error::Broken)?;
            }
            reader.finish().map_err(refused)?;
            return Ok(Raster::new(samples, channels, (self.width, self.height)));
        }
        let mut shrunk = Shrunk::new(self.width, self.height, channels, shrink);
        let mut row = Vec::new();
        for _ in 0..self.height {
            unless_stopped(stop)?;
            let stored = reader.next_row().map_err(refused)?.ok_or(Error::Broken)?;
            opaque(stored.data(), colour, &mut row);
            shrunk.push(&row);
        }
        reader.finish().map_err(refused)?;
        Ok(shrunk.finish())
    }

    fn interlaced(&self, reader: &mut Reader<Cursor<&[u8]>>, stop: &AtomicBool) -> Result<Raster> {
        let (colour, channels) = (reader.output_color_type().0, self.channels());
        let width = self.width as usize * channels;
        let mut samples = vec![255; width * self.height as usize];
        let mut row = Vec::new();
        while let Some(stored) = reader.next_interlaced_row().map_err(refused)? {
            unless_stopped(stop)?;
            opaque(stored.data(), colour, &mut row);
            if let InterlaceInfo::Adam7(place) = stored.interlace() {
                png::expand_interlaced_row(&mut samples, width, &row, place, 8 * channels as u8);
            }
        }
        reader.finish().map_err(refused)?;
        Ok(Raster::new(samples, channels, (self.width, self.height)))
    }
}

/// A row without transparency: what is behind is white.
fn opaque(stored: &[u8], colour: ColorType, row: &mut Vec<u8>) {
    row.clear();
    match colour {
        ColorType::GrayscaleAlpha => {
            let pixels = stored.as_chunks::<2>().0;
            row.extend(pixels.iter().map(|&[grey, alpha]| over_white(grey, alpha)));
        }
        ColorType::Rgba => flatten(stored, row),
        _ => row.extend_from_slice(stored),
    }
}

/// Red, green and blue of pixels that have transparency: what is behind is white.
pub(crate) fn flatten(rgba: &[u8], rgb: &mut Vec<u8>) {
    let pixels = rgba.as_chunks::<4>().0;
    let start = rgb.len();
    rgb.resize(start + 3 * pixels.len(), 0);
    let targets = rgb[start..].as_chunks_mut::<3>().0;
    for (target, &[r, g, b, alpha]) in targets.iter_mut().zip(pixels) {
        *target = [r, g, b].map(|colour| over_white(colour, alpha));
    }
}

#[inline(always)]
fn over_white(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha) = (u32::from(colour), u32::from(alpha));
    // Exact division by 255, rounded, of what is below 65536.
    let sum = colour * alpha + 255 * (255 - alpha) + 128;
    ((sum + (sum >> 8)) >> 8) as u8
}

/// Rows on their way to a smaller picture, each pixel the mean of a square.
struct Shrunk {
    by: usize,
    raster: Raster,
    sums: Vec<u32>,
    /// Rows in the sums.
    rows: usize,
    width: usize,
}

impl Shrunk {
    fn new(width: u32, height: u32, channels: usize, by: u32) -> Self {
        let size = (width.div_ceil(by), height.div_ceil(by));
        let room = size.0 as usize * size.1 as usize * channels;
        let mut raster = Raster::new(Vec::with_capacity(room), channels, size);
        raster.extent = [width, height].map(|side| f64::from(side) / f64::from(by));
        Self {
            by: by as usize,
            raster,
            sums: match by {
                1 => Vec::new(),
                _ => vec![0; size.0 as usize * channels],
            },
            rows: 0,
            width: width as usize,
        }
    }

    fn push(&mut self, row: &[u8]) {
        let channels = self.raster.channels;
        if self.by == 1 {
            return self.raster.samples.extend_from_slice(row);
        }
        let squares = row.chunks(self.by * channels);
        for (sums, square) in self.sums.chunks_exact_mut(channels).zip(squares) {
            for pixel in square.chunks_exact(channels) {
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(sample);
                }
            }
        }
        self.rows += 1;
        if self.rows == self.by {
            self.mean();
        }
    }

    fn mean(&mut self) {
        let last = self.width - (self.raster.width as usize - 1) * self.by;
        let columns = self.raster.width as usize;
        for (x, sums) in self.sums.chunks_exact_mut(self.raster.channels).enumerate() {
            let across = if x + 1 == columns { last } else { self.by };
            let count = (across * self.rows) as u32;
            for sum in sums {
                self.raster.samples.push(((*sum + count / 2) / count) as u8);
                *sum = 0;
            }
        }
        self.rows = 0;
    }

    fn finish(mut self) -> Raster {
        if self.rows > 0 {
            self.mean();
        }
        self.raster
    }
}

fn refused(error: png::DecodingError) -> Error {
    match error {
        png::DecodingError::LimitsExceeded => Error::too_much(),
        _ => Error::Broken,
    }
}
