//! Planes beside those of another decoder, and what no decoder may do.

use super::*;
use crate::Error;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

mod edges;

const PROGRESSIVE: &[u8] = include_bytes!("../../fixtures/progressive.jpg");
static RUN: AtomicBool = AtomicBool::new(false);

/// Soft shapes and grain, as bytes of this many channels.
fn pixels(width: usize, height: usize, channels: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(5);
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                let wave = ((x * (c + 1)) as f64 / 9.0).sin() * (y as f64 / 7.0).cos();
                samples.push((128.0 + 90.0 * wave) as u8 ^ random.u8(0..16));
            }
        }
    }
    samples
}

fn jpeg(
    (width, height): (u16, u16),
    sampling: SamplingFactor,
    colour: ColorType,
    set: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let channels = match colour {
        ColorType::Luma => 1,
        ColorType::Cmyk | ColorType::CmykAsYcck => 4,
        _ => 3,
    };
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 90);
    encoder.set_sampling_factor(sampling);
    set(&mut encoder);
    let pixels = pixels(width.into(), height.into(), channels);
    encoder
        .encode(&pixels, width, height, colour)
        .expect("a JPEG");
    jpeg
}

fn planes(jpeg: &[u8], scale: usize) -> Vec<Raster> {
    let jpeg = Jpeg::read(jpeg).expect("its segments");
    jpeg.decode(Scale(scale), &RUN).expect("its planes")
}

fn others(jpeg: &[u8], colours: ColorSpace) -> Vec<u8> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode().expect("another decoder reads it")
}

/// Where both have samples, they are the same but for how they are rounded.
fn assert_same(plane: &Raster, others: &[u8], width: usize, channels: usize, channel: usize) {
    for (y, row) in others.chunks_exact(width * channels).enumerate() {
        for (x, pixel) in row.chunks_exact(channels).enumerate() {
            let ours = plane.samples[y * plane.width as usize + x];
            assert!(
                ours.abs_diff(pixel[channel]) <= 1,
                "{width}: {x}, {y}: {ours} {}",
                pixel[channel]
            );
        }
    }
}

#[test]
fn lightness_is_that_of_another_decoder_however_it_is_sampled_and_stored() {
    use SamplingFactor as S;
    for size in [(64, 48), (75, 50), (8, 9), (1, 1), (33, 17)] {
        // Lightness is the same however colour is sampled, and whatever order blocks and scans come in.
        let plain = jpeg(size, S::F_1_1, ColorType::Rgb, |_| {});
        let others = others(&plain, ColorSpace::YCbCr);
        for sampling in [S::F_1_1, S::F_2_1, S::F_1_2, S::F_2_2] {
            let all = [
                jpeg(size, sampling, ColorType::Rgb, |_| {}),
                jpeg(size, sampling, ColorType::Rgb, |e| e.set_progressive(true)),
                jpeg(size, sampling, ColorType::Rgb, |e| {
                    e.set_restart_interval(3)
                }),
                jpeg(size, sampling, ColorType::Rgb, |e| {
                    e.set_optimized_huffman_tables(true)
                }),
                jpeg(size, sampling, ColorType::Rgb, |e| {
                    e.set_progressive(true);
                    e.set_restart_interval(2);
                }),
            ];
            for jpeg in all {
                assert_same(&planes(&jpeg, 8)[0], &others, size.0.into(), 3, 0);
            }
        }
    }
    let grey = jpeg((75, 50), S::F_2_2, ColorType::Luma, |_| {});
    assert_same(
        &planes(&grey, 8)[0],
        &others(&grey, ColorSpace::Luma),
        75,
        1,
        0,
    );
}

#[test]
fn colour_is_that_of_another_decoder() {
    for progressive in [false, true] {
        let jpeg = jpeg((75, 50), SamplingFactor::F_1_1, ColorType::Rgb, |e| {
            e.set_progressive(progressive)
        });
        let others = others(&jpeg, ColorSpace::YCbCr);
        for (channel, plane) in planes(&jpeg, 8).iter().enumerate() {
            assert_same(plane, &others, 75, 3, channel);
        }
    }
}

#[test]
fn bits_that_come_in_later_scans_are_put_where_they_belong() {
    let others = others(PROGRESSIVE, ColorSpace::Luma);
    assert_same(&planes(PROGRESSIVE, 8)[0], &others, 75, 1, 0);
}

#[test]
fn a_smaller_scale_is_the_same_picture_whether_progressive_or_not() {
    let size = (160, 120);
    let sampling = SamplingFactor::F_1_1;
    let one = jpeg(size, sampling, ColorType::Rgb, |_| {});
    let other = jpeg(size, sampling, ColorType::Rgb, |e| e.set_progressive(true));
    let full = &planes(&one, 8)[0];
    for scale in [4, 2, 1] {
        let small = &planes(&one, scale)[0];
        assert_eq!(small.samples, planes(&other, scale)[0].samples);
        assert_eq!(small.extent, [20.0 * scale as f64, 15.0 * scale as f64]);
        let by = 8 / scale;
        let mut apart = 0.0;
        for (n, &sample) in small.samples.iter().enumerate() {
            let (x, y) = (n % small.width as usize * by, n / small.width as usize * by);
            let square =
                (0..by * by).map(|n| full.samples[(y + n / by) * full.width as usize + x + n % by]);
            let mean = square.map(f64::from).sum::<f64>() / (by * by) as f64;
            apart += (mean - f64::from(sample)).abs();
        }
        let apart = apart / small.samples.len() as f64;
        assert!(apart < 4.0, "{scale}: {apart}");
    }
}

#[test]
fn damage_is_refused_or_overlooked_but_never_a_panic() {
    let mut random = fastrand::Rng::with_seed(11);
    let whole = jpeg((75, 50), SamplingFactor::F_2_2, ColorType::Rgb, |e| {
        e.set_restart_interval(2)
    });
    let inks = jpeg(
        (40, 30),
        SamplingFactor::F_2_1,
        ColorType::CmykAsYcck,
        |_| {},
    );
    for whole in [&whole[..], &inks, PROGRESSIVE] {
        for _ in 0..3_000 {
            let mut damaged = whole.to_vec();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..damaged.len());
                damaged[at] = random.u8(..);
            }
            if let Ok(jpeg) = Jpeg::read(&damaged)
                && jpeg.memory(Scale(2)) < 1 << 24
            {
                let _ = jpeg.decode(Scale(2), &RUN);
            }
        }
    }
}

#[test]
fn data_that_ends_early_is_a_broken_picture() {
    for whole in [
        &jpeg((75, 50), SamplingFactor::F_2_2, ColorType::Rgb, |_| {})[..],
        PROGRESSIVE,
    ] {
        for cut in [40, 200, 500] {
            let short = [&whole[..whole.len() - cut], &[0xff, 0xd9]].concat();
            let read = Jpeg::read(&short).and_then(|jpeg| jpeg.decode(Scale(8), &RUN));
            assert!(matches!(read, Err(Error::Broken)), "{cut}");
        }
    }
}

#[test]
fn a_thousand_scans_are_too_many() {
    let start = PROGRESSIVE
        .windows(2)
        .rposition(|pair| pair == [0xff, 0xda])
        .expect("a scan");
    let (before, scan) = PROGRESSIVE[..PROGRESSIVE.len() - 2].split_at(start);
    let many = [before, &scan.repeat(1_000), &[0xff, 0xd9]].concat();
    assert!(matches!(Jpeg::read(&many), Err(Error::TooLarge(_))));
}

#[test]
fn a_decoder_that_is_stopped_says_so() {
    for jpeg in [
        &jpeg((75, 50), SamplingFactor::F_2_2, ColorType::Rgb, |_| {})[..],
        PROGRESSIVE,
    ] {
        let jpeg = Jpeg::read(jpeg).expect("its segments");
        let stopped = jpeg.decode(Scale(8), &AtomicBool::new(true));
        assert!(matches!(stopped, Err(Error::Stopped)));
    }
}
