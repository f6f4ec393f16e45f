//! The inverse discrete cosine transform, to 8 × 8 samples or to the fewer that a smaller picture needs.
//!
//! In floating point, as plain loops over eight neighbours: the compiler makes vector instructions of them.

use super::Scale;
use std::f64::consts::{PI, SQRT_2};

/// A block's coefficients in rows.
pub(super) type Block = [i16; 64];

/// Row and column of the coefficients in the order in which they are stored (ITU T.81, figure A.6), as `8 * row +
/// column`; longer than a block, so that a run over its end stays within.
pub(super) const ZIGZAG: [u8; 80] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
    63, 63, 63, 63, 63, 63,
];

/// What each coefficient is multiplied with: the quantization step and what the transform leaves to it.
#[derive(Debug, Clone)]
pub(super) struct Factors {
    steps: [f32; 64],
    /// For fewer than 8 × 8 samples: of each coefficient's cosine the values at the samples.
    cosines: Rows,
}

impl Factors {
    /// From the steps in the order in which they are stored.
    pub(super) fn new(Scale(side): Scale, steps: &[u16; 64]) -> Self {
        let mut factors = Self {
            steps: [0.0; 64],
            cosines: [[0.0; 8]; 8],
        };
        for (&place, &step) in ZIGZAG.iter().zip(steps) {
            let place = usize::from(place);
            // What the transform of Arai, Agui and Nakajima leaves out, and what a plain one does.
            let [row, column] = [place / 8, place % 8].map(|n| match (n, side) {
                (0, _) => 1.0,
                (_, 8) => (n as f64 * PI / 16.0).cos() * SQRT_2,
                _ => SQRT_2,
            });
            factors.steps[place] = (f64::from(step) * row * column / 8.0) as f32;
        }
        for (v, cosine) in factors.cosines.iter_mut().enumerate() {
            for (y, value) in cosine.iter_mut().enumerate() {
                *value = ((2 * y + 1) as f64 * v as f64 * PI / (2 * side) as f64).cos() as f32;
            }
        }
        factors
    }
}

/// Writes a block's samples at the start of rows that are so long.
pub(super) type Transform = fn(&Block, &Factors, &mut [u8], usize);

/// The transform for a scale.
pub(super) fn transform(Scale(side): Scale) -> Transform {
    match side {
        1 => small::<1>,
        2 => small::<2>,
        3 => small::<3>,
        4 => small::<4>,
        5 => small::<5>,
        6 => small::<6>,
        _ => full,
    }
}

/// Writes a block of which all but the first coefficient is nothing.
pub(super) fn flat(
    block: &Block,
    factors: &Factors,
    samples: &mut [u8],
    width: usize,
    Scale(side): Scale,
) {
    let sample = sample(f32::from(block[0]) * factors.steps[0]);
    for row in samples.chunks_mut(width).take(side) {
        row[..side].fill(sample);
    }
}

/// Moves a sample to its place around 128, rounded and held within a byte.
#[inline(always)]
fn sample(value: f32) -> u8 {
    // Adding 1.5 × 2²³ leaves the rounded number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    ((value + 128.0).clamp(0.0, 255.0) + ROUND).to_bits() as u8
}

type Rows = [[f32; 8]; 8];

fn full(block: &Block, factors: &Factors, samples: &mut [u8], width: usize) {
    let mut rows: Rows = [[0.0; 8]; 8];
    let (values, factors) = (block.as_chunks::<8>().0, factors.steps.as_chunks::<8>().0);
    for ((row, values), factors) in rows.iter_mut().zip(values).zip(factors) {
        for n in 0..8 {
            row[n] = f32::from(values[n]) * factors[n];
        }
    }
    let rows = columns(&transposed(&columns(&rows)));
    let rows = transposed(&rows);
    for (row, to) in rows.iter().zip(samples.chunks_mut(width)) {
        if let Some(to) = to.first_chunk_mut::<8>() {
            *to = row.map(sample);
        }
    }
}

#[inline(always)]
fn transposed(rows: &Rows) -> Rows {
    std::array::from_fn(|y| std::array::from_fn(|x| rows[x][y]))
}

/// Transforms each column (Arai, Agui and Nakajima, 1988; as in the Independent JPEG Group's jidctflt.c).
#[inline(always)]
fn columns(rows: &Rows) -> Rows {
    let mut out: Rows = [[0.0; 8]; 8];
    for n in 0..8 {
        let at = |row: usize| rows[row][n];
        let (even0, even1) = (at(0) + at(4), at(0) - at(4));
        let even3 = at(2) + at(6);
        let even2 = (at(2) - at(6)) * std::f32::consts::SQRT_2 - even3;
        let (a0, a3) = (even0 + even3, even0 - even3);
        let (a1, a2) = (even1 + even2, even1 - even2);

        let (z13, z10) = (at(5) + at(3), at(5) - at(3));
        let (z11, z12) = (at(1) + at(7), at(1) - at(7));
        let b7 = z11 + z13;
        let z5 = (z10 + z12) * 1.847_759_1;
        let b6 = z5 - z10 * 2.613_126 - b7;
        let b5 = (z11 - z13) * std::f32::consts::SQRT_2 - b6;
        let b4 = z12 * 1.082_392_2 - z5 + b5;

        out[0][n] = a0 + b7;
        out[7][n] = a0 - b7;
        out[1][n] = a1 + b6;
        out[6][n] = a1 - b6;
        out[2][n] = a2 + b5;
        out[5][n] = a2 - b5;
        out[4][n] = a3 + b4;
        out[3][n] = a3 - b4;
    }
    out
}

/// The lowest `N` × `N` coefficients alone make a picture of `N` × `N` samples.
fn small<const N: usize>(block: &Block, factors: &Factors, samples: &mut [u8], width: usize) {
    let mut rows: Rows = [[0.0; 8]; 8];
    let (values, steps) = (block.as_chunks::<8>().0, factors.steps.as_chunks::<8>().0);
    for v in 0..N {
        for n in 0..8 {
            rows[v][n] = f32::from(values[v][n]) * steps[v][n];
        }
    }
    let rows = small_columns::<N>(&rows, &factors.cosines);
    let rows = small_columns::<N>(&transposed(&rows), &factors.cosines);
    let rows = transposed(&rows);
    for (row, to) in rows.iter().zip(samples.chunks_mut(width)).take(N) {
        if let Some(to) = to.first_chunk_mut::<N>() {
            *to = std::array::from_fn(|x| sample(row[x]));
        }
    }
}

/// Transforms each column: cosines that are even around the middle make both halves, and odd ones with opposite signs.
#[inline(always)]
fn small_columns<const N: usize>(rows: &Rows, cosines: &Rows) -> Rows {
    let mut out: Rows = [[0.0; 8]; 8];
    for y in 0..N.div_ceil(2) {
        let (mut even, mut odd) = ([0.0; 8], [0.0; 8]);
        for v in 0..N {
            let sum = if v % 2 == 0 { &mut even } else { &mut odd };
            for n in 0..8 {
                sum[n] += rows[v][n] * cosines[v][y];
            }
        }
        for n in 0..8 {
            out[y][n] = even[n] + odd[n];
            out[N - 1 - y][n] = even[n] - odd[n];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition (ITU T.81, A.3.3), a mean of each `8 / N` × `8 / N` not taken.
    fn slow(block: &Block, n: usize) -> Vec<f64> {
        let cos = |x: usize, u: usize| {
            let c = if u == 0 { 0.5f64.sqrt() } else { 1.0 };
            c * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / (2 * n) as f64).cos()
        };
        let places = (0..n * n).map(|place| (place / n, place % n));
        places
            .clone()
            .map(|(y, x)| {
                let terms = places.clone();
                let sum: f64 = terms
                    .map(|(v, u)| f64::from(block[v * 8 + u]) * cos(x, u) * cos(y, v))
                    .sum();
                (sum / 4.0 + 128.0).clamp(0.0, 255.0)
            })
            .collect()
    }

    fn close(block: &Block, side: usize) {
        let mut samples = vec![0; side * 12];
        let factors = Factors::new(Scale(side), &[1; 64]);
        transform(Scale(side))(block, &factors, &mut samples, 12);
        let rows = samples.chunks(12).flat_map(|row| &row[..side]);
        for (made, right) in rows.zip(slow(block, side)) {
            assert!(
                (f64::from(*made) - right).abs() <= 0.51,
                "{side}: {made} {right}"
            );
        }
    }

    #[test]
    fn every_size_is_the_definition() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let spread = random.i16(1..600);
            let block: Block = std::array::from_fn(|_| random.i16(-spread..spread) / 3);
            for side in [1, 2, 3, 4, 5, 6, 8] {
                close(&block, side);
            }
        }
    }

    #[test]
    fn the_wildest_values_stay_within_a_byte() {
        let block = [i16::MIN; 64];
        let mut samples = [7; 64];
        let factors = Factors::new(Scale(8), &[u16::MAX; 64]);
        transform(Scale(8))(&block, &factors, &mut samples, 8);
        assert!(samples.iter().all(|sample| matches!(sample, 0 | 255)));
    }
}
