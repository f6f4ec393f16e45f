//! Scans that bring bands of coefficients, and bits of them (ITU T.81, annex G).
//!
//! Only the coefficients that the wanted size needs are kept; of the others, whether they are nothing, because the data
//! of later scans depends on it.

use super::{
    Scale, Scan,
    huffman::{Bits, Table},
    idct::{self, Block, ZIGZAG},
    segments::{Jpeg, Part},
    tables::{Header, Tables},
};
use crate::{Error, Result, raster::Raster, unless_stopped};
use std::sync::{Arc, atomic::AtomicBool};

/// What is kept of a block, in bytes.
pub(super) const fn block_memory(Scale(side): Scale) -> usize {
    side * side * size_of::<i16>() + size_of::<u64>()
}

/// The coefficients of a component.
struct Coefficients {
    /// As many of a block as it gets samples, in rows.
    values: Vec<i16>,
    /// A bit for each coefficient of a block, in the order of the data, that is not nothing.
    present: Vec<u64>,
}

impl Jpeg<'_> {
    pub(super) fn progressive(&self, scale: Scale, stop: &AtomicBool) -> Result<Vec<Raster>> {
        let side = scale.0;
        let layouts: Vec<_> = self.layouts().collect();
        let mut kept: Vec<_> = layouts
            .iter()
            .map(|layout| Coefficients {
                values: vec![0; layout.blocks() * side * side],
                present: vec![0; layout.blocks()],
            })
            .collect();
        let mut seen = vec![false; layouts.len()];
        let mut factors = vec![None; layouts.len()];
        let mut tables = Tables::default();
        for part in &self.parts {
            tables.take(part)?;
            let Part::Scan(header, data) = part else {
                continue;
            };
            let header = Header::read(header, &self.frame)?;
            let is_first = header.band == (0, 0);
            let (missing, left) = header.bits;
            if header.band.0 > header.band.1
                || header.band.1 > 63
                || left > 13
                || (missing > 0 && missing != left + 1)
                || !is_first && (header.band.0 == 0 || header.components.len() > 1)
            {
                return Err(Error::Broken);
            }
            let (mut scanned, mut targets, mut codes) = (Vec::new(), Vec::new(), Vec::new());
            for &(index, dc, ac) in &header.components {
                scanned.push(layouts[index]);
                // A table that the scan does not use need not be there.
                codes.push(match (is_first, missing) {
                    (true, 0) => Some(tables.dc(dc)?),
                    (true, _) => None,
                    (false, _) => Some(tables.ac(ac)?),
                });
                if is_first {
                    seen[index] = true;
                    let selector = self.frame.components[index].quantization;
                    factors[index] = Some(tables.factors(scale, selector)?);
                }
                targets.push(index);
            }
            let mut scan = Progressive {
                side,
                bits: Bits::new(data),
                columns: scanned.iter().map(|layout| layout.columns).collect(),
                kept: &mut kept,
                targets,
                codes,
                header: &header,
                before: [0; 4],
                ends: 0,
            };
            scan.run(&scanned, tables.restart_interval, stop)?;
        }
        if !seen.iter().all(|&seen| seen) {
            return Err(Error::Broken);
        }
        let transform = idct::transform(scale);
        let mut planes = Vec::new();
        for ((layout, kept), factors) in layouts.iter().zip(kept).zip(factors) {
            let factors = factors.ok_or(Error::Broken)?;
            let mut plane = layout.plane(scale);
            let width = plane.width as usize;
            let mut blocks = kept.values.chunks_exact(side * side).zip(&kept.present);
            for rows in plane.samples.chunks_exact_mut(width * side) {
                unless_stopped(stop)?;
                for (x, (values, present)) in blocks.by_ref().take(layout.columns).enumerate() {
                    let mut block: Block = [0; 64];
                    for (row, values) in values.chunks_exact(side).enumerate() {
                        block[row * 8..row * 8 + side].copy_from_slice(values);
                    }
                    let samples = &mut rows[x * side..];
                    match present >> 1 {
                        0 => idct::flat(&block, &factors, samples, width, scale),
                        _ => transform(&block, &factors, samples, width),
                    }
                }
            }
            planes.push(plane);
        }
        Ok(planes)
    }
}

/// A scan that adds to coefficients.
struct Progressive<'a, 'b> {
    side: usize,
    bits: Bits<'b>,
    kept: &'a mut [Coefficients],
    /// Of each of the scan's components: where it is in `kept`, its blocks in a row, and its codes if any are read.
    targets: Vec<usize>,
    columns: Vec<usize>,
    codes: Vec<Option<Arc<Table>>>,
    header: &'a Header,
    /// The first coefficients of the blocks before.
    before: [i32; 4],
    /// How many blocks from here on have no more codes.
    ends: u32,
}

impl Scan for Progressive<'_, '_> {
    fn block(&mut self, component: usize, x: usize, y: usize) -> Result<()> {
        let at = y * self.columns[component] + x;
        let each = self.side * self.side;
        let kept = &mut self.kept[self.targets[component]];
        let values = kept.values.get_mut(at * each..(at + 1) * each);
        let values = values.ok_or(Error::Broken)?;
        let present = kept.present.get_mut(at).ok_or(Error::Broken)?;
        let mut kept = Kept {
            side: self.side,
            values,
            present,
        };
        let (bits, low) = (&mut self.bits, self.header.bits.1);
        let refines = self.header.bits.0 > 0;
        let codes = self.codes[component].as_deref();
        let (first, last) = self.header.band;
        match codes {
            Some(codes) if first == 0 => {
                let before = &mut self.before[component];
                *before = before.wrapping_add(bits.code(codes)?.value);
                kept.values[0] = (*before << low) as i16;
                bits.check()
            }
            None => {
                kept.values[0] |= (bits.number(1) << low) as i16;
                bits.check()
            }
            Some(codes) if refines => {
                refine(bits, codes, &mut kept, (first, last), low, &mut self.ends)
            }
            Some(codes) => begin(bits, codes, &mut kept, (first, last), low, &mut self.ends),
        }
    }

    fn restart(&mut self) -> Result<()> {
        self.before = [0; 4];
        self.ends = 0;
        self.bits.restart()
    }
}

/// A block's part of [`Coefficients`].
struct Kept<'a> {
    side: usize,
    values: &'a mut [i16],
    present: &'a mut u64,
}

impl Kept<'_> {
    /// The coefficient at a place in the order of the data, if it is kept.
    #[inline(always)]
    fn value(&mut self, at: usize) -> Option<&mut i16> {
        let place = usize::from(ZIGZAG[at & 63]);
        let (row, column) = (place / 8, place % 8);
        match row < self.side && column < self.side {
            true => self.values.get_mut(row * self.side + column),
            false => None,
        }
    }

    #[inline(always)]
    fn set(&mut self, at: usize, value: i32) {
        *self.present |= 1 << (at & 63);
        if let Some(kept) = self.value(at) {
            *kept = value as i16;
        }
    }
}

/// The first scan of a band (G.1.2.2).
fn begin(
    bits: &mut Bits<'_>,
    codes: &Table,
    kept: &mut Kept<'_>,
    (first, last): (usize, usize),
    low: u32,
    ends: &mut u32,
) -> Result<()> {
    if *ends > 0 {
        *ends -= 1;
        return Ok(());
    }
    let mut at = first;
    while at <= last {
        let code = bits.code(codes)?;
        if code.value != 0 {
            at += code.run as usize;
            if at > last {
                return Err(Error::Broken);
            }
            kept.set(at, code.value << low);
            at += 1;
        } else if code.run == 15 {
            at += 16;
        } else {
            *ends = (1 << code.run) - 1 + bits.number(code.run);
            break;
        }
    }
    bits.check()
}

/// A scan that brings one more bit of a band (G.1.2.3).
fn refine(
    bits: &mut Bits<'_>,
    codes: &Table,
    kept: &mut Kept<'_>,
    (first, last): (usize, usize),
    low: u32,
    ends: &mut u32,
) -> Result<()> {
    let mut at = first;
    if *ends == 0 {
        while at <= last {
            let code = bits.code(codes)?;
            if code.value == 0 && code.run < 15 {
                *ends = (1 << code.run) + bits.number(code.run);
                break;
            }
            if code.value.abs() > 1 {
                return Err(Error::Broken);
            }
            at = pass(bits, kept, (at, last), low, code.run);
            if code.value != 0 {
                if at > last {
                    return Err(Error::Broken);
                }
                kept.set(at, code.value << low);
            }
            at += 1;
        }
    }
    if *ends > 0 {
        *ends -= 1;
        pass(bits, kept, (at, last), low, 64);
    }
    bits.check()
}

/// Corrects what is there already up to the place after so many zeros, or the end of the band; and says where that is.
fn pass(
    bits: &mut Bits<'_>,
    kept: &mut Kept<'_>,
    (mut at, last): (usize, usize),
    low: u32,
    mut zeros: u32,
) -> usize {
    while at <= last {
        // Straight to the next one that is there, where zeros are to be skipped without end.
        if zeros == 64 {
            let ahead = *kept.present >> at;
            if ahead == 0 {
                return last + 1;
            }
            at += ahead.trailing_zeros() as usize;
            if at > last {
                return at;
            }
        }
        if *kept.present >> at & 1 == 0 {
            if zeros == 0 {
                break;
            }
            zeros -= 1;
        } else if bits.number(1) == 1
            && let Some(value) = kept.value(at)
        {
            let bit = 1i16 << low;
            if *value & bit == 0 {
                *value = value.wrapping_add(if *value < 0 { -bit } else { bit });
            }
        }
        at += 1;
    }
    at
}
