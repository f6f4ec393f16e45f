//! Uploads of every format, made of the same pixels.

use image_webp::{ColorType as WebPColour, WebPEncoder};
use jpeg_encoder::{ColorType, Encoder};
use png::{BitDepth, ColorType as PngColour, Encoder as PngEncoder, Info};

/// What stands in every kind of metadata.
pub(super) const SECRET: &[u8] = b"where the photographer lives";

pub(super) type Rgb = [u8; 3];
pub(super) const RED: Rgb = [200, 30, 40];
pub(super) const GREEN: Rgb = [40, 180, 60];
pub(super) const BLUE: Rgb = [30, 60, 200];
pub(super) const YELLOW: Rgb = [220, 210, 60];

/// What an upload is made of: pixels, and what is said of them.
#[derive(Clone, Default)]
pub(super) struct Upload {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) rgb: Vec<u8>,
    pub(super) exif: Vec<u8>,
    pub(super) profile: Vec<u8>,
}

impl Upload {
    pub(super) fn of(width: u16, height: u16, colour: impl Fn(u16, u16) -> Rgb) -> Self {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            height,
            rgb: places.flat_map(|(x, y)| colour(x, y)).collect(),
            ..Self::default()
        }
    }

    /// Red and green above, blue and yellow below.
    pub(super) fn quarters(width: u16, height: u16) -> Self {
        Self::of(width, height, |x, y| {
            match (x < width / 2, y < height / 2) {
                (true, true) => RED,
                (false, true) => GREEN,
                (true, false) => BLUE,
                (false, false) => YELLOW,
            }
        })
    }

    pub(super) fn jpeg(&self) -> Vec<u8> {
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, 95);
        if !self.exif.is_empty() {
            encoder.add_exif_metadata(&self.exif).expect("EXIF");
        }
        if !self.profile.is_empty() {
            encoder.add_icc_profile(&self.profile).expect("a profile");
        }
        let encoded = encoder.encode(&self.rgb, self.width, self.height, ColorType::Rgb);
        encoded.expect("a JPEG");
        jpeg
    }

    pub(super) fn png(&self) -> Vec<u8> {
        png(self, PngColour::Rgb, BitDepth::Eight, &self.rgb)
    }

    pub(super) fn webp(&self) -> Vec<u8> {
        let mut webp = Vec::new();
        let mut encoder = WebPEncoder::new(&mut webp);
        encoder.set_exif_metadata(self.exif.clone());
        encoder.set_icc_profile(self.profile.clone());
        let size = (self.width.into(), self.height.into());
        let encoded = encoder.encode(&self.rgb, size.0, size.1, WebPColour::Rgb8);
        encoded.expect("a WebP");
        webp
    }

    pub(super) fn formats(&self) -> [Vec<u8>; 3] {
        [self.jpeg(), self.png(), self.webp()]
    }
}

pub(super) fn png(upload: &Upload, colour: PngColour, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
    let mut info = Info::with_size(upload.width.into(), upload.height.into());
    info.color_type = colour;
    info.bit_depth = depth;
    if colour == PngColour::Indexed {
        info.palette = Some([RED, GREEN, BLUE, YELLOW].concat().into());
        info.trns = Some(vec![255, 255, 255, 0].into());
    }
    if !upload.exif.is_empty() {
        info.exif_metadata = Some(upload.exif.clone().into());
    }
    if !upload.profile.is_empty() {
        info.icc_profile = Some(upload.profile.clone().into());
    }
    let mut png = Vec::new();
    let encoder = PngEncoder::with_info(&mut png, info).expect("a PNG");
    let mut writer = encoder.write_header().expect("a PNG");
    writer.write_image_data(samples).expect("a PNG");
    writer.finish().expect("a PNG");
    png
}

/// EXIF with an orientation, and something that is nobody's business.
pub(super) fn exif(orientation: u8) -> Vec<u8> {
    let entry = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    [b"MM\0\x2a\0\0\0\x08\0\x01", &entry[..], &[0; 4], SECRET].concat()
}
