//! What is beyond a picture's edge, in blocks that it does not fill: it is never seen.

use super::{RUN, jpeg, planes};
use crate::jpeg::Jpeg;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor as S};

/// Says that a JPEG is so large; whatever else it holds is beyond its edge.
fn cut(jpeg: &[u8], (width, height): (u16, u16)) -> Vec<u8> {
    let frame = |pair: &[u8]| matches!(pair, [0xff, 0xc0 | 0xc2]);
    let at = jpeg.windows(2).position(frame).expect("a frame") + 5;
    let mut jpeg = jpeg.to_vec();
    jpeg[at..at + 2].copy_from_slice(&height.to_be_bytes());
    jpeg[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
    jpeg
}

/// The mean of what a smaller sample stands for, within the picture.
fn mean(full: &[u8], width: usize, shown: [usize; 2], [x, y]: [usize; 2], by: f64) -> f64 {
    let [columns, rows] = [(x, shown[0]), (y, shown[1])].map(|(at, shown)| {
        let (from, to) = (at as f64 * by, (at + 1) as f64 * by);
        (0..shown).map(move |n| {
            let part = to.min((n + 1) as f64) - from.max(n as f64);
            (n, part.max(0.0))
        })
    });
    let (mut sum, mut parts) = (0.0, 0.0);
    for (row, down) in rows {
        for (column, across) in columns.clone() {
            sum += f64::from(full[row * width + column]) * across * down;
            parts += across * down;
        }
    }
    sum / parts
}

#[test]
fn a_smaller_scale_is_the_mean_of_what_is_the_picture_s_at_every_edge() {
    for sampling in [S::F_1_1, S::F_2_1, S::F_1_2, S::F_2_2, S::F_4_1] {
        for progressive in [false, true] {
            let whole = jpeg((96, 64), sampling, ColorType::Rgb, |e| {
                e.set_progressive(progressive);
            });
            // As many units as before, however large: otherwise the data does not fit.
            for size in [(89, 57), (90, 64), (96, 58), (93, 61), (95, 63)] {
                let cut = cut(&whole, size);
                let full = planes(&cut, 8);
                for scale in [1, 2, 3, 4, 5, 6] {
                    for (full, small) in full.iter().zip(planes(&cut, scale)) {
                        let shown = full.extent.map(|side| side.ceil() as usize);
                        // Of the last blocks.
                        let first = shown.map(|side| (side - 1) / 8 * scale);
                        let [columns, rows] = small.extent.map(|side| side.ceil() as usize);
                        for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
                            let partial = (x >= first[0] && !shown[0].is_multiple_of(8))
                                || (y >= first[1] && !shown[1].is_multiple_of(8));
                            if !partial {
                                continue;
                            }
                            let by = 8.0 / scale as f64;
                            let width = full.width as usize;
                            let right = mean(&full.samples, width, shown, [x, y], by);
                            let seen = f64::from(small.samples[y * small.width as usize + x]);
                            assert!(
                                (seen - right).abs() <= 1.0,
                                "{sampling:?} {size:?} {scale}: {x}, {y}: {seen} {right}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_picture_of_two_rows_or_columns_has_their_colours_and_no_other() {
    // Of one difference of colour, because this encoder takes that of two rows from the first.
    const FIRST: [u8; 3] = [220, 100, 120];
    const SECOND: [u8; 3] = [140, 20, 40];
    let right = [180, 60, 80];
    for length in [2_400, 5_000, 12_000, 30_000, 65_000u16] {
        for wide in [true, false] {
            // One unit across.
            for (sampling, progressive, unit) in [
                (S::F_1_1, false, 8),
                (S::F_1_1, true, 8),
                (S::F_2_2, false, 16),
            ] {
                let size = if wide { (length, unit) } else { (unit, length) };
                let [along, across] = [length, unit].map(usize::from);
                let colour = |n| {
                    let line = if wide { n / along } else { n % across };
                    [FIRST, SECOND].get(line).copied().unwrap_or([0, 255, 0])
                };
                let pixels: Vec<u8> = (0..along * across).flat_map(colour).collect();
                let mut whole = Vec::new();
                let mut encoder = Encoder::new(&mut whole, 100);
                encoder.set_sampling_factor(sampling);
                encoder.set_progressive(progressive);
                let encoded = encoder.encode(&pixels, size.0, size.1, ColorType::Rgb);
                encoded.expect("a JPEG");
                let thin = if wide { (length, 2) } else { (2, length) };
                let made = crate::make(&cut(&whole, thin), &RUN).expect("made");
                // Of the long side's middle; where two rows are left, of both.
                let large = planes(&made.large, 8);
                let [y, cb, cr] = &large[..] else {
                    panic!("three planes")
                };
                let rows = made.width.min(made.height) as usize;
                let middle = made.width.max(made.height) as usize / 2;
                let mean = |plane: &crate::raster::Raster, rows: usize, at: usize| {
                    let width = plane.width as usize;
                    let place = |n| if wide { n * width + at } else { at * width + n };
                    let sum: f64 = (0..rows).map(|n| f64::from(plane.samples[place(n)])).sum();
                    sum / rows as f64
                };
                let light = mean(y, rows, middle);
                let [blue, red] = [cb, cr].map(|plane| mean(plane, 1, middle / 2) - 128.0);
                let seen = [
                    light + 1.402 * red,
                    light - 0.344 * blue - 0.714 * red,
                    light + 1.772 * blue,
                ];
                let near = seen
                    .iter()
                    .zip(right)
                    .all(|(seen, right)| (seen - f64::from(right)).abs() < 6.0);
                assert!(near, "{length} {wide} {sampling:?} {progressive}: {seen:?}");
            }
        }
    }
}

#[test]
fn a_height_that_comes_behind_the_first_scan_is_the_picture_s() {
    for progressive in [false, true] {
        let whole = jpeg((75, 50), S::F_2_2, ColorType::Rgb, |e| {
            e.set_progressive(progressive);
        });
        let unknown = cut(&whole, (75, 0));
        assert!(Jpeg::read(&unknown).is_err());
        // Behind the first scan: where the second begins, or the picture ends.
        let behind = |pair: &[u8]| matches!(pair, [0xff, 0xc4 | 0xda | 0xd9]);
        let scan = unknown.windows(2).position(|pair| pair == [0xff, 0xda]);
        let scan = scan.expect("a scan") + 2;
        let end = unknown[scan..].windows(2).position(behind);
        let (before, after) = unknown.split_at(scan + end.expect("an end"));
        let with = |lines: u8| [before, &[0xff, 0xdc, 0, 4, 0, lines], after].concat();
        let known = with(50);
        let read = Jpeg::read(&known).expect("its segments");
        assert_eq!(read.dimensions(), (75, 50));
        assert_eq!(planes(&known, 8)[0].samples, planes(&whole, 8)[0].samples);
        assert!(Jpeg::read(&with(0)).is_err());
    }
}
