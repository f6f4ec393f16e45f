//! Coefficients of a progressive picture while its scans are read.
//!
//! Only those are kept that the wanted size needs; of the others, whether they are nothing, because the data of later
//! scans depends on it.

use super::{
    Layout,
    edge::Sampler,
    idct::{Block, ZIGZAG},
};
use crate::{Error, Result, raster::Raster, unless_stopped};
use std::sync::atomic::AtomicBool;

/// What is kept of a component, in bytes.
pub(super) fn memory(layout: &Layout) -> usize {
    let values = layout.samples() + 64 * edges(layout);
    values * size_of::<i16>() + layout.blocks() * size_of::<u64>()
}

/// How many blocks are at the edge, at most.
fn edges(layout: &Layout) -> usize {
    match layout.side {
        8 => 0,
        _ => layout.columns + layout.rows,
    }
}

/// The coefficients of a component.
pub(super) struct Coefficients {
    pub(super) layout: Layout,
    /// As many of a block as it gets samples, in rows.
    values: Vec<i16>,
    /// All of those at the edge: of the last row, then of the last column.
    edges: Vec<i16>,
    /// A bit for each coefficient of a block, in the order of the data, that is not nothing.
    present: Vec<u64>,
}

impl Coefficients {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            values: vec![0; layout.samples()],
            edges: vec![0; 64 * edges(&layout)],
            present: vec![0; layout.blocks()],
        }
    }

    /// A block's part of them.
    #[inline(always)]
    pub(super) fn block(&mut self, x: usize, y: usize) -> Option<Kept<'_>> {
        let layout = &self.layout;
        let at = y * layout.columns + x;
        let (values, side, index) = match layout.edge(x, y) {
            None => (&mut self.values, layout.side, at),
            Some(_) if y + 1 == layout.own_rows => (&mut self.edges, 8, x),
            Some(_) => (&mut self.edges, 8, layout.columns + y),
        };
        let each = side * side;
        Some(Kept {
            side,
            values: values.get_mut(index * each..(index + 1) * each)?,
            present: self.present.get_mut(at)?,
        })
    }

    /// All blocks as samples.
    pub(super) fn plane(&mut self, sampler: &Sampler, stop: &AtomicBool) -> Result<Raster> {
        let layout = self.layout;
        let mut plane = layout.plane();
        let width = plane.width as usize;
        let rows = plane.samples.chunks_exact_mut(width * layout.side);
        for (y, rows) in rows.enumerate() {
            unless_stopped(stop)?;
            for x in 0..layout.columns {
                let kept = self.block(x, y).ok_or(Error::Broken)?;
                let mut block: Block = [0; 64];
                for (row, values) in kept.values.chunks_exact(kept.side).enumerate() {
                    block[row * 8..row * 8 + kept.side].copy_from_slice(values);
                }
                let is_flat = *kept.present >> 1 == 0;
                let samples = &mut rows[x * layout.side..];
                sampler.write(&block, is_flat, layout.edge(x, y), samples, width);
            }
        }
        Ok(plane)
    }
}

/// A block's part of [`Coefficients`].
pub(super) struct Kept<'a> {
    side: usize,
    pub(super) values: &'a mut [i16],
    pub(super) present: &'a mut u64,
}

impl Kept<'_> {
    /// The coefficient at a place in the order of the data, if it is kept.
    #[inline(always)]
    pub(super) fn value(&mut self, at: usize) -> Option<&mut i16> {
        let place = usize::from(ZIGZAG[at & 63]);
        let (row, column) = (place / 8, place % 8);
        match row < self.side && column < self.side {
            true => self.values.get_mut(row * self.side + column),
            false => None,
        }
    }

    #[inline(always)]
    pub(super) fn set(&mut self, at: usize, value: i32) {
        *self.present |= 1 << (at & 63);
        if let Some(kept) = self.value(at) {
            *kept = value as i16;
        }
    }
}
