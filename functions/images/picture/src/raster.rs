//! Samples in rows, scaled and turned.

use crate::{Error, Result, exif::Orientation};
use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedCroppedImage, TypedImage, TypedImageRef},
    pixels::{U8, U8x3},
};

/// Samples in rows, those of a pixel side by side.
#[derive(Debug)]
pub(crate) struct Raster {
    pub(crate) samples: Vec<u8>,
    /// Samples of a pixel: 1 or 3.
    pub(crate) channels: usize,
    /// Pixels in a row, and rows.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// How many of them the picture covers, from the upper left corner: parts of the last ones may be beyond it.
    pub(crate) extent: [f64; 2],
}

impl Raster {
    pub(crate) fn new(samples: Vec<u8>, channels: usize, (width, height): (u32, u32)) -> Self {
        Self {
            samples,
            channels,
            width,
            height,
            extent: [width, height].map(f64::from),
        }
    }

    /// The row that belongs to a row of a picture of this height, which is the same or twice as high.
    pub(crate) fn row_of(&self, y: usize, height: u32) -> &[u8] {
        let y = if self.height < height { y / 2 } else { y };
        let width = self.width as usize * self.channels;
        &self.samples[y * width..(y + 1) * width]
    }

    /// All of the picture in another size.
    pub(crate) fn scaled(&self, to: (u32, u32)) -> Result<Self> {
        // Half a pixel that is wanted whole is kept whole.
        let whole = self.extent.map(f64::ceil) == [to.0, to.1].map(f64::from);
        let extent = if whole {
            self.extent.map(f64::ceil)
        } else {
            self.extent
        };
        self.part_scaled([0.0, 0.0, extent[0], extent[1]], to)
    }

    /// The part `[left, top, width, height]` in another size.
    pub(crate) fn part_scaled(
        &self,
        [left, top, width, height]: [f64; 4],
        to: (u32, u32),
    ) -> Result<Self> {
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .crop(left, top, width, height);
        let samples = match self.channels {
            1 => self.resampled::<U8>(to, &options),
            _ => self.resampled::<U8x3>(to, &options),
        };
        Ok(Self::new(samples?, self.channels, to))
    }

    /// By the type of pixel, so that no other type's code is made.
    fn resampled<P: PixelTrait>(&self, to: (u32, u32), options: &ResizeOptions) -> Result<Vec<u8>> {
        let mut samples = vec![0; to.0 as usize * to.1 as usize * self.channels];
        let source = TypedImageRef::<P>::from_buffer(self.width, self.height, &self.samples);
        let source = source.map_err(|_| Error::Broken)?;
        // The filter takes in what is beside the part, and nothing that is beyond the picture.
        let [width, height] = self.extent.map(|side| side.ceil() as u32);
        let source = TypedCroppedImage::from_ref(&source, 0, 0, width, height);
        let source = source.map_err(|_| Error::Broken)?;
        let target = TypedImage::<P>::from_buffer(to.0, to.1, &mut samples);
        let mut target = target.map_err(|_| Error::Broken)?;
        let scaled = Resizer::new().resize_typed(&source, &mut target, options);
        scaled.map_err(|_| Error::Broken)?;
        Ok(samples)
    }

    /// From video's range, `low` and so much above it, to all of a byte (ITU-R BT.601).
    pub(crate) fn widened(mut self, low: f32, range: f32) -> Self {
        let wide: [u8; 256] =
            std::array::from_fn(|n| ((n as f32 - low) * 255.0 / range).round() as u8);
        let samples = self.samples.iter_mut();
        samples.for_each(|sample| *sample = wide[usize::from(*sample)]);
        self
    }

    /// Turned and mirrored; only where a pixel is one sample.
    pub(crate) fn upright(self, orientation: Orientation) -> Self {
        let Orientation {
            transposed,
            mirrored,
            flipped,
        } = orientation;
        if !transposed && !mirrored && !flipped {
            return self;
        }
        let (width, height) = (self.width as usize, self.height as usize);
        let (to_width, to_height) = if transposed {
            (height, width)
        } else {
            (width, height)
        };
        let mut samples = vec![0; self.samples.len()];
        // Some rows at a time, so that columns of the source are read as pieces of its rows.
        const ROWS: usize = 16;
        for (n, rows) in samples.chunks_mut(to_width * ROWS).enumerate() {
            for x in 0..to_width {
                for (y, row) in rows.chunks_exact_mut(to_width).enumerate() {
                    let y = n * ROWS + y;
                    let from_x = if mirrored { to_width - 1 - x } else { x };
                    let from_y = if flipped { to_height - 1 - y } else { y };
                    row[x] = match transposed {
                        true => self.samples[from_x * width + from_y],
                        false => self.samples[from_y * width + from_x],
                    };
                }
            }
        }
        let to = if transposed {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        Self::new(samples, self.channels, to)
    }
}
