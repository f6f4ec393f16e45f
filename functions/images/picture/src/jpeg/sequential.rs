//! Scans whose blocks are whole: each becomes samples at once.

use super::{
    Layout, Scale, Scan,
    edge::Sampler,
    huffman::{Bits, Table},
    idct::{Block, ZIGZAG},
    segments::Jpeg,
};
use crate::{Error, Result, raster::Raster};
use std::sync::{Arc, atomic::AtomicBool};

impl Jpeg<'_> {
    pub(super) fn sequential(&self, scale: Scale, stop: &AtomicBool) -> Result<Vec<Raster>> {
        let layouts: Vec<_> = self.layouts(scale).collect();
        let mut planes: Vec<_> = layouts.iter().map(|layout| Some(layout.plane())).collect();
        let mut seen = vec![false; planes.len()];
        self.scans(|header, tables, bits| {
            let (mut scanned, mut components) = (Vec::new(), Vec::new());
            for &(index, dc, ac) in &header.components {
                if seen[index] {
                    return Err(Error::Broken);
                }
                scanned.push(layouts[index]);
                let steps = tables.steps(self.frame.components[index].quantization)?;
                components.push(Component {
                    layout: layouts[index],
                    plane: planes[index].take().ok_or(Error::Broken)?,
                    sampler: Sampler::new(scale, steps),
                    dc: tables.dc(dc)?,
                    ac: tables.ac(ac)?,
                    before: 0,
                });
            }
            let mut scan = Sequential {
                bits,
                block: [0; 64],
                components,
            };
            scan.run(&scanned, tables.restart_interval, stop)?;
            for (component, &(index, ..)) in scan.components.into_iter().zip(&header.components) {
                planes[index] = Some(component.plane);
                seen[index] = true;
            }
            Ok(())
        })?;
        let planes: Option<Vec<_>> = planes.into_iter().collect();
        planes
            .filter(|_| seen.iter().all(|&seen| seen))
            .ok_or(Error::Broken)
    }
}

/// A scan that writes samples.
struct Sequential<'a> {
    bits: Bits<'a>,
    block: Block,
    components: Vec<Component>,
}

struct Component {
    layout: Layout,
    plane: Raster,
    sampler: Sampler,
    dc: Arc<Table>,
    ac: Arc<Table>,
    /// The first coefficient of the block before.
    before: i32,
}

impl Scan for Sequential<'_> {
    #[inline(always)]
    fn block(&mut self, component: usize, x: usize, y: usize) -> Result<()> {
        let component = &mut self.components[component];
        let (bits, block) = (&mut self.bits, &mut self.block);
        *block = [0; 64];
        component.before = component
            .before
            .wrapping_add(bits.code(&component.dc)?.value);
        block[0] = component.before as i16;
        // F.2.2.2: each code is a run of zeros and a value, sixteen zeros, or the end of the block.
        let mut at = 1;
        let mut only_first = true;
        while at < 64 {
            let code = bits.code(&component.ac)?;
            if code.value != 0 {
                let place = ZIGZAG[(at + code.run) as usize];
                block[usize::from(place & 63)] = code.value as i16;
                at += code.run + 1;
                only_first = false;
            } else if code.run == 15 {
                at += 16;
            } else {
                break;
            }
        }
        bits.check()?;
        let plane = &mut component.plane;
        let width = plane.width as usize;
        let layout = &component.layout;
        let samples = plane.samples.get_mut((y * width + x) * layout.side..);
        let samples = samples.ok_or(Error::Broken)?;
        let (sampler, edge) = (&component.sampler, layout.edge(x, y));
        sampler.write(block, only_first, edge, samples, width);
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        for component in &mut self.components {
            component.before = 0;
        }
        self.bits.restart()
    }
}
