//! How alike two pictures are: the structural similarity index of their lightness (Wang, Bovik, Sheikh and Simoncelli,
//! 2004), over a Gaussian window of 11 samples.

use anyhow::{Result, ensure};
use std::{fs, path::Path};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// Lightness in rows.
struct Luma {
    width: usize,
    height: usize,
    samples: Vec<f32>,
}

/// Of two JPEGs, decoded by neither of the two that are compared; 1 for the same.
pub(crate) fn of_files(one: &Path, other: &Path) -> Result<f64> {
    let (one, other) = (read(one)?, read(other)?);
    ensure!(
        (one.width, one.height) == (other.width, other.height),
        "one picture has {} × {} pixels, the other {} × {}",
        one.width,
        one.height,
        other.width,
        other.height
    );
    Ok(index(&one, &other))
}

fn read(path: &Path) -> Result<Luma> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(fs::read(path)?), options);
    let samples = decoder.decode()?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    Ok(Luma {
        width,
        height,
        samples: samples.into_iter().map(f32::from).collect(),
    })
}

fn index(one: &Luma, other: &Luma) -> f64 {
    let size = (one.width, one.height);
    let (a, b) = (&one.samples, &other.samples);
    let product = |a: &[f32], b: &[f32]| {
        let products: Vec<f32> = a.iter().zip(b).map(|(a, b)| a * b).collect();
        blurred(&products, size)
    };
    let (mean_a, mean_b) = (blurred(a, size), blurred(b, size));
    let (aa, bb, ab) = (product(a, a), product(b, b), product(a, b));
    // (0.01 × 255)² and (0.03 × 255)².
    const C1: f32 = 6.5025;
    const C2: f32 = 58.5225;
    let sum: f64 = (0..a.len())
        .map(|n| {
            let (ma, mb) = (mean_a[n], mean_b[n]);
            let (va, vb, covariance) = (aa[n] - ma * ma, bb[n] - mb * mb, ab[n] - ma * mb);
            let upper = (2.0 * ma * mb + C1) * (2.0 * covariance + C2);
            f64::from(upper / ((ma * ma + mb * mb + C1) * (va + vb + C2)))
        })
        .sum();
    sum / a.len() as f64
}

/// Means under a Gaussian of deviation 1.5, the edges repeated.
fn blurred(samples: &[f32], (width, height): (usize, usize)) -> Vec<f32> {
    let mut window: [f32; 11] = std::array::from_fn(|n| {
        let distance = n as f32 - 5.0;
        (-distance * distance / 4.5).exp()
    });
    let sum: f32 = window.iter().sum();
    window.iter_mut().for_each(|weight| *weight /= sum);
    let mean = |at: usize, end: usize, sample: &dyn Fn(usize) -> f32| {
        let weighted = window.iter().enumerate();
        weighted
            .map(|(n, weight)| weight * sample((at + n).saturating_sub(5).min(end - 1)))
            .sum::<f32>()
    };
    let mut across = vec![0.0; samples.len()];
    for (row, to) in samples.chunks(width).zip(across.chunks_mut(width)) {
        for (x, to) in to.iter_mut().enumerate() {
            *to = mean(x, width, &|x| row[x]);
        }
    }
    let mut both = vec![0.0; samples.len()];
    for (y, to) in both.chunks_mut(width).enumerate() {
        for (x, to) in to.iter_mut().enumerate() {
            *to = mean(y, height, &|y| across[y * width + x]);
        }
    }
    both
}
