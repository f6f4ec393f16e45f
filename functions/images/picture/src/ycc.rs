//! A picture as JPEGs hold it: lightness, and two differences of colour at half the size.

use crate::{Error, Result, colour, exif::Orientation, raster::Raster};
use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

/// Lightness, and two differences at half the width and height, rounded up.
#[derive(Debug)]
pub(crate) struct Ycc {
    pub(crate) planes: [Raster; 3],
}

/// The size of the differences.
pub(crate) const fn half((width, height): (u32, u32)) -> (u32, u32) {
    (width.div_ceil(2), height.div_ceil(2))
}

impl Ycc {
    pub(crate) fn grey(lightness: Raster) -> Self {
        let size = half((lightness.width, lightness.height));
        let nothing = || Raster::new(vec![128; size.0 as usize * size.1 as usize], 1, size);
        Self {
            planes: [lightness, nothing(), nothing()],
        }
    }

    /// A picture of pixels whose colours are not right as they are, some rows at a time.
    ///
    /// `fill` appends a row of pixels; `convert` makes red, green and blue of all that are there.
    pub(crate) fn from_rows(
        size: (u32, u32),
        mut fill: impl FnMut(usize, &mut Vec<u8>),
        mut convert: impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
    ) -> Result<Self> {
        /// An even number, so that differences of two rows are of the same ones.
        const ROWS: usize = 32;
        let (width, height) = (size.0 as usize, size.1 as usize);
        let half_size = half(size);
        let half_samples = half_size.0 as usize * half_size.1 as usize;
        let mut planes = [width * height, half_samples, half_samples].map(Vec::with_capacity);
        let (mut pixels, mut rgb) = (Vec::new(), Vec::new());
        for start in (0..height).step_by(ROWS) {
            pixels.clear();
            (start..height.min(start + ROWS)).for_each(|y| fill(y, &mut pixels));
            convert(&pixels, &mut rgb)?;
            push_rgb(&rgb, width, &mut planes);
        }
        let [lightness, cb, cr] = planes;
        let half_plane = |samples| Raster::new(samples, 1, half_size);
        Ok(Self {
            planes: [
                Raster::new(lightness, 1, size),
                half_plane(cb),
                half_plane(cr),
            ],
        })
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.planes[0].width, self.planes[0].height)
    }

    pub(crate) fn upright(self, orientation: Orientation) -> Self {
        Self {
            planes: self.planes.map(|plane| plane.upright(orientation)),
        }
    }

    /// The middle as a square: of the whole in that size, to whole pixels.
    pub(crate) fn square(&self, side: u32) -> Result<Self> {
        let (width, height) = self.size();
        let shorter = f64::from(width.min(height));
        let scale = shorter / f64::from(side);
        let first = |length: u32| {
            let length = f64::from(length);
            let scaled = (length / scale).round();
            let before = ((scaled - f64::from(side)) / 2.0).floor();
            let first = before * scale - (scaled * scale - length) / 2.0;
            first.clamp(0.0, length - shorter)
        };
        let part = [first(width), first(height), shorter, shorter];
        let [y, cb, cr] = &self.planes;
        let across = f64::from(cb.width) / f64::from(width);
        let down = f64::from(cb.height) / f64::from(height);
        let half_part = [
            part[0] * across,
            part[1] * down,
            part[2] * across,
            part[3] * down,
        ];
        let half_side = half((side, side));
        Ok(Self {
            planes: [
                y.part_scaled(part, (side, side))?,
                cb.part_scaled(half_part, half_side)?,
                cr.part_scaled(half_part, half_side)?,
            ],
        })
    }

    /// A JPEG with nothing in it but the picture.
    pub(crate) fn jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode_image(self).map_err(|_| Error::Broken)?;
        Ok(jpeg)
    }
}

/// Appends rows of red, green and blue to planes. A last row or column alone counts twice.
fn push_rgb(rgb: &[u8], width: usize, [lightness, cb, cr]: &mut [Vec<u8>; 3]) {
    let pixels = rgb.as_chunks::<3>().0;
    lightness.extend(pixels.iter().map(|&pixel| colour::lightness_of(pixel)));
    for rows in pixels.chunks(2 * width) {
        let (upper, lower) = rows.split_at(width);
        let lower = if lower.is_empty() { upper } else { lower };
        let (upper, upper_last) = upper.as_chunks::<2>();
        let (lower, lower_last) = lower.as_chunks::<2>();
        let last = upper_last.iter().zip(lower_last);
        let last = last.map(|(&upper, &lower)| ([upper; 2], [lower; 2]));
        let pairs = upper.iter().copied().zip(lower.iter().copied());
        for ([a, b], [c, d]) in pairs.chain(last) {
            let sum =
                |n: usize| i32::from(a[n]) + i32::from(b[n]) + i32::from(c[n]) + i32::from(d[n]);
            let [blue, red] = colour::differences_of([sum(0), sum(1), sum(2)]);
            cb.push(blue);
            cr.push(red);
        }
    }
}

impl ImageBuffer for &Ycc {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        u16::try_from(self.size().0).expect("no side is longer than 2048")
    }

    fn height(&self) -> u16 {
        u16::try_from(self.size().1).expect("no side is longer than 2048")
    }

    /// Of the differences the encoder takes every second sample of every second row: only those are written.
    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (y, width) = (usize::from(y), self.planes[0].width as usize);
        let row = |plane: &Raster, y: usize| {
            let width = plane.width as usize;
            y * width..(y + 1) * width
        };
        let [lightness, differences @ ..] = &self.planes;
        buffers[0].extend_from_slice(&lightness.samples[row(lightness, y)]);
        for (plane, buffer) in differences.iter().zip(&mut buffers[1..]) {
            let start = buffer.len();
            buffer.resize(start + width, 128);
            if y.is_multiple_of(2) {
                let samples = &plane.samples[row(plane, y / 2)];
                for (pair, &sample) in buffer[start..].chunks_mut(2).zip(samples) {
                    pair.fill(sample);
                }
            }
        }
    }
}
