//! JPEG: from the file to planes of samples, at full size or at a half, a quarter or an eighth of it.
//!
//! A decoder of our own, because none in safe Rust gives planes as they are stored at the size that is needed, and both
//! halve the work (docs/decisions/0012-pictures.md). It reads what cameras and programs write: 8 bits a sample,
//! Huffman coded, sequential or progressive. It takes no damage: the picture is all there, or it is refused.

mod coefficients;
mod edge;
mod frame;
mod huffman;
mod idct;
mod markers;
mod progressive;
mod segments;
mod sequential;
mod tables;

use crate::{Error, Result, raster::Raster, unless_stopped};
use frame::Kind;
use huffman::Bits;
use segments::Part;
pub(crate) use segments::{Jpeg, Model};
use std::sync::atomic::AtomicBool;
use tables::{Header, Tables};

#[cfg(test)]
mod tests;

/// How much smaller than the picture its planes become: so many of 8 samples are left on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale(usize);

impl Scale {
    /// The smallest that leaves something to the filter that follows, which does it better.
    pub(crate) fn for_sides(longer: u32, wanted: u32) -> Self {
        let enough =
            |scale: &usize| u64::from(longer) * 5 * *scale as u64 >= u64::from(wanted) * 6 * 8;
        Self([1, 2, 3, 4, 5, 6].into_iter().find(enough).unwrap_or(8))
    }
}

impl Jpeg<'_> {
    /// What [`Jpeg::decode`] holds at most, in bytes.
    pub(crate) fn memory(&self, scale: Scale) -> u64 {
        let of = |layout: Layout| match self.frame.kind {
            Kind::Sequential => layout.samples(),
            Kind::Progressive => layout.samples() + coefficients::memory(&layout),
        };
        self.layouts(scale).map(of).sum::<usize>() as u64
    }

    /// The most rows that a plane has.
    pub(crate) fn rows(&self, scale: Scale) -> u64 {
        let rows = self.layouts(scale).map(|layout| layout.rows * layout.side);
        rows.max().unwrap_or_default() as u64
    }

    /// The planes, one a component.
    pub(crate) fn decode(&self, scale: Scale, stop: &AtomicBool) -> Result<Vec<Raster>> {
        match self.frame.kind {
            Kind::Sequential => self.sequential(scale, stop),
            Kind::Progressive => self.progressive(scale, stop),
        }
    }

    /// Takes scan after scan, each with what the segments before it set up.
    fn scans(&self, mut take: impl FnMut(&Header, &Tables, Bits<'_>) -> Result<()>) -> Result<()> {
        let mut tables = Tables::default();
        for part in &self.parts {
            match part {
                Part::Scan(header, data) => {
                    let header = Header::read(header, &self.frame)?;
                    take(&header, &tables, Bits::new(data))?;
                }
                other => tables.take(other)?,
            }
        }
        Ok(())
    }

    /// Where each component's blocks lie.
    fn layouts(&self, Scale(side): Scale) -> impl Iterator<Item = Layout> {
        let frame = &self.frame;
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        let [h_max, v_max] = frame.most();
        let columns = width.div_ceil(8 * h_max);
        let rows = height.div_ceil(8 * v_max);
        frame.components.iter().map(move |component| {
            let [h, v] = component.sampling;
            let own = [(width * h).div_ceil(h_max), (height * v).div_ceil(v_max)];
            let [own_columns, own_rows] = own.map(|samples| samples.div_ceil(8));
            Layout {
                side,
                sampling: component.sampling,
                columns: columns * h,
                rows: rows * v,
                own_columns,
                own_rows,
                last: own.map(|samples| (samples - 1) % 8 + 1),
                extent: [
                    (width * h) as f64 / h_max as f64,
                    (height * v) as f64 / v_max as f64,
                ],
            }
        })
    }
}

/// Where a component's blocks lie.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// How many samples a block becomes on each side.
    side: usize,
    /// Blocks of it in a unit of an interleaved scan, across and down.
    sampling: [usize; 2],
    /// In whole units, which is what is stored.
    columns: usize,
    rows: usize,
    /// Without what only fills up units: these alone are in a scan of its own.
    own_columns: usize,
    own_rows: usize,
    /// How many of its 8 samples are the picture's in the last own column, and in the last own row.
    last: [usize; 2],
    /// Samples at full size that the picture covers.
    extent: [f64; 2],
}

impl Layout {
    fn blocks(&self) -> usize {
        self.columns * self.rows
    }

    fn samples(&self) -> usize {
        self.blocks() * self.side * self.side
    }

    /// How many samples of a block are the picture's, across and down, where the others must not count.
    #[inline(always)]
    fn edge(&self, x: usize, y: usize) -> Option<[usize; 2]> {
        let (right, bottom) = (x + 1 == self.own_columns, y + 1 == self.own_rows);
        if self.side == 8 || !right && !bottom {
            return None;
        }
        let shown = [
            if right { self.last[0] } else { 8 },
            if bottom { self.last[1] } else { 8 },
        ];
        (shown != [8, 8]).then_some(shown)
    }

    fn plane(&self) -> Raster {
        let size =
            |blocks: usize| u32::try_from(blocks * self.side).expect("a JPEG has 65535 at most");
        Raster {
            samples: vec![0; self.samples()],
            channels: 1,
            width: size(self.columns),
            height: size(self.rows),
            extent: self.extent.map(|samples| samples * self.side as f64 / 8.0),
        }
    }
}

/// A scan on its way through the blocks.
trait Scan {
    /// Reads a block: which of the scan's components, its column and row.
    fn block(&mut self, component: usize, x: usize, y: usize) -> Result<()>;

    /// Goes on behind a restart marker, as if the scan began there.
    fn restart(&mut self) -> Result<()>;

    /// Visits every block in the order of the data (ITU T.81, A.2), with restarts after every so many units.
    fn run(&mut self, layouts: &[Layout], interval: usize, stop: &AtomicBool) -> Result<()> {
        let one = [1, 1];
        let (columns, rows, alone) = match layouts {
            [only] => (only.own_columns, only.own_rows, Some(one)),
            [first, ..] => {
                let [h, v] = first.sampling;
                (first.columns / h, first.rows / v, None)
            }
            [] => return Err(Error::Broken),
        };
        let mut until_restart = interval;
        for y in 0..rows {
            unless_stopped(stop)?;
            for x in 0..columns {
                if interval > 0 {
                    if until_restart == 0 {
                        self.restart()?;
                        until_restart = interval;
                    }
                    until_restart -= 1;
                }
                for (component, layout) in layouts.iter().enumerate() {
                    let [h, v] = alone.unwrap_or(layout.sampling);
                    for down in 0..v {
                        for across in 0..h {
                            self.block(component, x * h + across, y * v + down)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
