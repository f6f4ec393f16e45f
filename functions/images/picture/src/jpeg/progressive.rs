//! Scans that bring bands of coefficients, and bits of them (ITU T.81, annex G).

use super::{
    Scale, Scan,
    coefficients::{Coefficients, Kept},
    edge::Sampler,
    huffman::{Bits, Table},
    segments::Jpeg,
    tables::Header,
};
use crate::{Error, Result, raster::Raster};
use std::sync::{Arc, atomic::AtomicBool};

impl Jpeg<'_> {
    pub(super) fn progressive(&self, scale: Scale, stop: &AtomicBool) -> Result<Vec<Raster>> {
        let mut kept: Vec<_> = self.layouts(scale).map(Coefficients::new).collect();
        let mut samplers: Vec<_> = kept.iter().map(|_| None).collect();
        self.scans(|header, tables, bits| {
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
                scanned.push(kept[index].layout);
                // A table that the scan does not use need not be there.
                codes.push(match (is_first, missing) {
                    (true, 0) => Some(tables.dc(dc)?),
                    (true, _) => None,
                    (false, _) => Some(tables.ac(ac)?),
                });
                if is_first {
                    let steps = tables.steps(self.frame.components[index].quantization)?;
                    samplers[index] = Some(Sampler::new(scale, steps));
                }
                targets.push(index);
            }
            let mut scan = Progressive {
                bits,
                kept: &mut kept,
                targets,
                codes,
                header,
                before: [0; 4],
                ends: 0,
            };
            scan.run(&scanned, tables.restart_interval, stop)
        })?;
        let mut planes = Vec::new();
        for (mut kept, sampler) in kept.into_iter().zip(samplers) {
            planes.push(kept.plane(&sampler.ok_or(Error::Broken)?, stop)?);
        }
        Ok(planes)
    }
}

/// A scan that adds to coefficients.
struct Progressive<'a, 'b> {
    bits: Bits<'b>,
    kept: &'a mut [Coefficients],
    /// Of each of the scan's components: where it is in `kept`, and its codes if any are read.
    targets: Vec<usize>,
    codes: Vec<Option<Arc<Table>>>,
    header: &'a Header,
    /// The first coefficients of the blocks before.
    before: [i32; 4],
    /// How many blocks from here on have no more codes.
    ends: u32,
}

impl Scan for Progressive<'_, '_> {
    fn block(&mut self, component: usize, x: usize, y: usize) -> Result<()> {
        let kept = &mut self.kept[self.targets[component]];
        let mut kept = kept.block(x, y).ok_or(Error::Broken)?;
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
