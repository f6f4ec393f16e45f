//! Huffman codes and the bits they are read from (ITU T.81, annex C and F.2.2).

use super::markers::{RST, find, has_marker};
use crate::{Error, Result};

/// Codes of up to so many bits are found at once.
const LOOK: u32 = 10;

/// A table of codes.
///
/// An entry of `fast` is, from the lowest bits: 8 bits how many bits it takes, 4 how many of those that follow are the
/// value's, 4 the zeros before it, 16 the value if it was among the bits looked at. Taking no bits, it is a longer code.
#[derive(Debug)]
pub(super) struct Table {
    fast: Box<[u32; 1 << LOOK]>,
    /// Of each length: the first code beyond it, aligned to 16 bits, and what turns a code into an index of `symbols`.
    beyond: [u32; 17],
    offset: [i32; 17],
    symbols: Box<[u8; 256]>,
}

/// What a table says the next bits are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    /// Zeros before it; for a value of nothing, what the symbol's upper half says.
    pub(super) run: u32,
    /// The value, or 0.
    pub(super) value: i32,
}

impl Table {
    /// From the sixteen counts of codes by length, and the symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self> {
        let mut table = Self {
            fast: Box::new([0; 1 << LOOK]),
            beyond: [0; 17],
            offset: [0; 17],
            symbols: Box::new([0; 256]),
        };
        let all = table.symbols.get_mut(..symbols.len());
        all.ok_or(Error::Broken)?.copy_from_slice(symbols);
        let (mut code, mut index) = (0u32, 0u32);
        for (length, &count) in (1u32..).zip(counts) {
            let count = u32::from(count);
            if code + count > 1 << length {
                return Err(Error::Broken);
            }
            let row = length as usize;
            table.offset[row] = index as i32 - code as i32;
            table.beyond[row] = (code + count) << (16 - length);
            for n in 0..count {
                let symbol = symbols.get((index + n) as usize).ok_or(Error::Broken)?;
                table.enter(code + n, length, (*symbol).into());
            }
            code = (code + count) << 1;
            index += count;
        }
        Ok(table)
    }

    /// Everything that the bits looked at can be when they begin with this code.
    fn enter(&mut self, code: u32, length: u32, symbol: u32) {
        let Some(rest) = LOOK.checked_sub(length) else {
            return;
        };
        let (run, size) = (symbol >> 4, symbol & 15);
        for after in 0..1 << rest {
            let entry = match rest.checked_sub(size) {
                Some(unused) if size > 0 => {
                    let value = extend(after >> unused, size);
                    (value as u32) << 16 | run << 12 | (length + size)
                }
                _ => run << 12 | size << 8 | length,
            };
            self.fast[(code << rest | after) as usize] = entry;
        }
    }
}

/// A value from its bits (F.2.2.1): the lower half of them is negative.
#[inline(always)]
fn extend(bits: u32, size: u32) -> i32 {
    let bits = bits as i32;
    if bits < 1 << (size - 1) {
        bits + 1 - (1 << size)
    } else {
        bits
    }
}

/// The bits of a scan's data.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, the first one highest.
    next: u64,
    /// How many of them are valid.
    count: u32,
    /// How many of those, at their end, are not of the data, which had no more.
    padding: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            next: 0,
            count: 0,
            padding: 0,
        }
    }

    /// Whether all that was read was there.
    #[inline(always)]
    pub(super) fn check(&self) -> Result<()> {
        match self.padding <= self.count {
            true => Ok(()),
            false => Err(Error::Broken),
        }
    }

    /// The next code of a table and its value.
    #[inline(always)]
    pub(super) fn code(&mut self, table: &Table) -> Result<Code> {
        self.refill();
        let entry = table.fast[(self.next >> (64 - LOOK)) as usize];
        let taken = entry & 255;
        if taken == 0 {
            return self.long_code(table);
        }
        self.skip(taken);
        let size = entry >> 8 & 15;
        let value = match size {
            0 => entry as i32 >> 16,
            _ => extend(self.take(size), size),
        };
        Ok(Code {
            run: entry >> 12 & 15,
            value,
        })
    }

    #[cold]
    fn long_code(&mut self, table: &Table) -> Result<Code> {
        let bits = (self.next >> 48) as u32;
        let mut lengths = LOOK + 1..=16;
        let length = lengths
            .find(|&length| bits < table.beyond[length as usize])
            .ok_or(Error::Broken)?;
        let index = (bits >> (16 - length)) as i32 + table.offset[length as usize];
        let symbol = usize::try_from(index).ok();
        let symbol = symbol.and_then(|index| table.symbols.get(index));
        let symbol = u32::from(*symbol.ok_or(Error::Broken)?);
        self.skip(length);
        let size = symbol & 15;
        Ok(Code {
            run: symbol >> 4,
            value: match size {
                0 => 0,
                _ => extend(self.take(size), size),
            },
        })
    }

    /// A few bits, 16 at most, as a number.
    pub(super) fn number(&mut self, bits: u32) -> u32 {
        self.refill();
        self.take(bits)
    }

    /// Begins anew behind the next restart marker.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.check()?;
        let data = self.data.get(self.at..).unwrap_or_default();
        let marker = find(data, |next| next.is_some_and(|next| RST.contains(&next)));
        *self = Self::new(&data[marker.ok_or(Error::Broken)? + 2..]);
        Ok(())
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.next <<= bits;
        self.count -= bits;
    }

    #[inline(always)]
    fn take(&mut self, bits: u32) -> u32 {
        let taken = (self.next >> 1 >> (63 - bits)) as u32;
        self.skip(bits);
        taken
    }

    /// At least 32 bits are valid afterwards: a code and its value.
    #[inline(always)]
    fn refill(&mut self) {
        if self.count < 32 {
            let ahead = self.data.get(self.at..).and_then(|data| data.first_chunk());
            match ahead.map(|bytes| u64::from_be_bytes(*bytes)) {
                Some(word) if !has_marker(word) => {
                    // Bits beyond the valid ones are the data's too: writing them again changes nothing.
                    self.next |= word >> self.count;
                    let bytes = (63 - self.count) >> 3;
                    self.at += bytes as usize;
                    self.count += bytes * 8;
                }
                _ => self.refill_slowly(),
            }
        }
    }

    #[inline(never)]
    fn refill_slowly(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.at..).unwrap_or_default() {
                [0xff, 0, ..] => {
                    self.at += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.padding += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    *byte
                }
            };
            self.next |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }
}
