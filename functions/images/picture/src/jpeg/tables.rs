//! What the segments before a scan set up, and a scan's header.

use super::{
    frame::{self, Frame},
    huffman::Table,
    segments::Part,
};
use crate::{Error, Result};
use std::sync::Arc;

/// What the segments before a scan set up.
#[derive(Debug, Default)]
pub(super) struct Tables {
    quantization: [Option<Box<[u16; 64]>>; 4],
    dc: [Option<Arc<Table>>; 4],
    ac: [Option<Arc<Table>>; 4],
    pub(super) restart_interval: usize,
}

/// A scan's header (ITU T.81, B.2.3).
#[derive(Debug)]
pub(super) struct Header {
    /// Indices into the frame's components, and selectors of their DC and AC tables.
    pub(super) components: Vec<(usize, usize, usize)>,
    /// First and last coefficient.
    pub(super) band: (usize, usize),
    /// How many low bits were missing before this scan, and how many are after it.
    pub(super) bits: (u32, u32),
}

impl Tables {
    /// Takes in what a segment defines.
    pub(super) fn take(&mut self, part: &Part<'_>) -> Result<()> {
        match part {
            Part::Quantization(body) => self.quantization(body),
            Part::Huffman(body) => self.huffman(body),
            Part::RestartInterval(units) => {
                self.restart_interval = *units;
                Ok(())
            }
            Part::Scan(..) => Ok(()),
        }
    }

    fn quantization(&mut self, mut body: &[u8]) -> Result<()> {
        while let Some((&first, rest)) = body.split_first() {
            let steps = match first >> 4 {
                0 => {
                    let (steps, rest) = rest.split_first_chunk::<64>().ok_or(Error::Broken)?;
                    body = rest;
                    steps.map(u16::from)
                }
                _ => {
                    let (steps, rest) = rest.split_first_chunk::<128>().ok_or(Error::Broken)?;
                    body = rest;
                    let steps = steps.as_chunks::<2>().0;
                    std::array::from_fn(|n| u16::from_be_bytes(steps[n]))
                }
            };
            let table = self.quantization.get_mut(usize::from(first & 15));
            *table.ok_or(Error::Broken)? = Some(Box::new(steps));
        }
        Ok(())
    }

    fn huffman(&mut self, mut body: &[u8]) -> Result<()> {
        /// As many as there are places for: making one takes a while.
        const TABLES: usize = 8;
        for _ in 0..TABLES {
            let Some((&first, rest)) = body.split_first() else {
                return Ok(());
            };
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Error::Broken)?;
            let all: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(all).ok_or(Error::Broken)?;
            body = rest;
            let tables = match first >> 4 {
                0 => &mut self.dc,
                _ => &mut self.ac,
            };
            let table = tables.get_mut(usize::from(first & 15));
            *table.ok_or(Error::Broken)? = Some(Arc::new(Table::new(counts, symbols)?));
        }
        match body.is_empty() {
            true => Ok(()),
            false => Err(Error::Broken),
        }
    }

    /// Quantization steps.
    pub(super) fn steps(&self, selector: usize) -> Result<&[u16; 64]> {
        let steps = self.quantization.get(selector).and_then(Option::as_deref);
        steps.ok_or(Error::Broken)
    }

    pub(super) fn dc(&self, selector: usize) -> Result<Arc<Table>> {
        let table = self.dc.get(selector).cloned().flatten();
        table.ok_or(Error::Broken)
    }

    pub(super) fn ac(&self, selector: usize) -> Result<Arc<Table>> {
        let table = self.ac.get(selector).cloned().flatten();
        table.ok_or(Error::Broken)
    }
}

impl Header {
    pub(super) fn read(body: &[u8], frame: &Frame) -> Result<Self> {
        let (&count, body) = body.split_first().ok_or(Error::Broken)?;
        let (selectors, rest) = body
            .split_at_checked(2 * usize::from(count))
            .ok_or(Error::Broken)?;
        let mut components: Vec<(usize, usize, usize)> = Vec::new();
        for &[id, tables] in selectors.as_chunks::<2>().0 {
            let is_named = |component: &frame::Component| component.id == id;
            let index = frame.components.iter().position(is_named);
            let index = index.ok_or(Error::Broken)?;
            if components.iter().any(|&(other, ..)| other == index) {
                return Err(Error::Broken);
            }
            components.push((index, usize::from(tables >> 4), usize::from(tables & 15)));
        }
        match rest {
            [first, last, bits, ..] if !components.is_empty() => Ok(Self {
                components,
                band: ((*first).into(), (*last).into()),
                bits: (u32::from(bits >> 4), u32::from(bits & 15)),
            }),
            _ => Err(Error::Broken),
        }
    }
}
