//! What the codes of a lossless WebP take (RFC 9649, section 3), which is read to where its pixels begin.
//!
//! image-webp keeps as many tables as the file asks for, and says nothing of it beforehand. What it takes for wrong is
//! not told apart here: it comes to that itself.

/// Symbols of green, red, blue, alpha and distances; green's are followed by places in the cache of colours.
const ALPHABETS: [usize; 5] = [256 + 24, 256, 256, 256, 40];
/// In which order the lengths of the code of lengths come.
const LENGTHS: [usize; 19] = [
    17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];
/// Up to so many bits of a code are found in image-webp's tables, of 4 bytes an entry; further ones in trees.
const LOOK: usize = 10;
/// What a symbol takes in such a tree, in bytes: two nodes.
const NODES: u64 = 32;
/// What a group of five codes takes beside them, in bytes, while the list of groups grows.
const GROUP: u64 = 1_024;
/// More than any picture gets, in bytes: further ones need not be counted.
pub(super) const ENOUGH: u64 = 512 * 1024 * 1024;

/// How many bytes the tables of the picture take in image-webp, or more than [`ENOUGH`]; none if that is not to be found
/// out.
///
/// The data begins with the picture's size, unless that is known from elsewhere.
pub(super) fn tables(data: &[u8], size: Option<(u32, u32)>) -> Option<u64> {
    let mut bits = Bits {
        data,
        next: 0,
        count: 0,
    };
    let (mut width, height) = match size {
        Some(size) => size,
        None => {
            bits.take(8)?;
            let size = (bits.take(14)? + 1, bits.take(14)? + 1);
            bits.take(4)?;
            size
        }
    };
    while bits.take(1)? == 1 {
        match bits.take(2)? {
            0 | 1 => {
                let shift = bits.take(3)? + 2;
                highest(&mut bits, smaller(width, shift), smaller(height, shift))?;
            }
            2 => {}
            _ => {
                let colours = bits.take(8)? + 1;
                highest(&mut bits, colours, 1)?;
                let packed = match colours {
                    0..=2 => 3,
                    3..=4 => 2,
                    5..=16 => 1,
                    _ => 0,
                };
                width = smaller(width, packed);
            }
        }
    }
    let cache = cache(&mut bits)?;
    let mut groups = 1;
    if bits.take(1)? == 1 {
        let shift = bits.take(3)? + 2;
        groups += highest(&mut bits, smaller(width, shift), smaller(height, shift))?;
    }
    let mut bytes = 0;
    for _ in 0..groups {
        if bytes > ENOUGH {
            break;
        }
        bytes += GROUP;
        for lengths in alphabets(cache) {
            bytes += cost(&Lengths::read(&mut bits, lengths)?);
        }
    }
    Some(bytes)
}

fn smaller(side: u32, shift: u32) -> u32 {
    side.div_ceil(1 << shift)
}

fn alphabets(cache: usize) -> [usize; 5] {
    let [green, others @ ..] = ALPHABETS;
    let [red, blue, alpha, distance] = others;
    [green + cache, red, blue, alpha, distance]
}

/// How many colours the cache has.
fn cache(bits: &mut Bits<'_>) -> Option<usize> {
    match bits.take(1)? {
        0 => Some(0),
        _ => match bits.take(4)? {
            size @ 1..=11 => Some(1 << size),
            _ => None,
        },
    }
}

/// What a code takes.
fn cost(lengths: &Lengths) -> u64 {
    let Lengths::Of(lengths) = lengths else {
        return 64;
    };
    let longest = lengths.iter().copied().max().unwrap_or_default();
    let beyond = lengths.iter().filter(|&&length| length > LOOK as u8);
    (4 << LOOK.min(longest.into())) + NODES * beyond.count() as u64
}

/// Reads a picture within the picture; gives the highest number that red and green together make.
///
/// Only literal pixels count: all others repeat one of them.
fn highest(bits: &mut Bits<'_>, width: u32, height: u32) -> Option<u32> {
    let cache = cache(bits)?;
    let mut codes = Vec::new();
    for alphabet in alphabets(cache) {
        codes.push(Code::new(Lengths::read(bits, alphabet)?)?);
    }
    let [green, red, blue, alpha, distance] = &codes[..] else {
        return None;
    };
    let (mut left, mut highest) = (u64::from(width) * u64::from(height), 0);
    while left > 0 {
        let repeated = match green.read(bits)? {
            literal @ ..256 => {
                highest = highest.max(red.read(bits)? << 8 | literal);
                blue.read(bits)?;
                alpha.read(bits)?;
                1
            }
            length @ ..280 => {
                let length = length_or_distance(bits, length - 256)?;
                let distance = distance.read(bits)?;
                length_or_distance(bits, distance)?;
                length
            }
            _ => 1,
        };
        left = left.checked_sub(repeated.into())?;
    }
    Some(highest)
}

fn length_or_distance(bits: &mut Bits<'_>, symbol: u32) -> Option<u32> {
    match symbol {
        0..4 => Some(symbol + 1),
        4..40 => {
            let extra = (symbol - 2) >> 1;
            Some(((2 + (symbol & 1)) << extra) + bits.take(extra)? + 1)
        }
        _ => None,
    }
}

/// How long the codes of all symbols are.
enum Lengths {
    /// One symbol, of no bits, or two of one.
    Simple(Vec<u16>),
    Of(Vec<u8>),
}

impl Lengths {
    fn read(bits: &mut Bits<'_>, alphabet: usize) -> Option<Self> {
        if bits.take(1)? == 1 {
            let two = bits.take(1)? == 1;
            let first_bits = 1 + 7 * bits.take(1)?;
            let mut symbols = vec![bits.take(first_bits)? as u16];
            if two {
                symbols.push(bits.take(8)? as u16);
            }
            return Some(Self::Simple(symbols));
        }
        let mut of_lengths = vec![0; LENGTHS.len()];
        let count = 4 + bits.take(4)? as usize;
        for &place in LENGTHS.get(..count)? {
            of_lengths[place] = bits.take(3)? as u8;
        }
        let code = Code::new(Self::Of(of_lengths))?;
        let mut symbols = match bits.take(1)? {
            0 => alphabet,
            _ => {
                let size = 2 + 2 * bits.take(3)?;
                2 + bits.take(size)? as usize
            }
        };
        let (mut lengths, mut before) = (Vec::with_capacity(alphabet), 8);
        while lengths.len() < alphabet && symbols > 0 {
            symbols -= 1;
            let (length, times) = match code.read(bits)? {
                16 => (before, 3 + bits.take(2)?),
                17 => (0, 3 + bits.take(3)?),
                18 => (0, 11 + bits.take(7)?),
                length => (length as u8, 1),
            };
            before = if length > 0 { length } else { before };
            lengths.resize(lengths.len() + times as usize, length);
        }
        (lengths.len() <= alphabet).then_some(Self::Of(lengths))
    }
}

/// A code: for every number that its longest codes can be, the symbol, and in the lowest four bits its length.
struct Code {
    table: Vec<u16>,
}

impl Code {
    fn new(lengths: Lengths) -> Option<Self> {
        let lengths = match lengths {
            Lengths::Simple(symbols) => {
                let length = symbols.len() as u16 - 1;
                let table = symbols.iter().map(|symbol| symbol << 4 | length);
                return Some(Self {
                    table: table.collect(),
                });
            }
            Lengths::Of(lengths) => lengths,
        };
        let used = || (0u16..).zip(&lengths).filter(|(_, length)| **length > 0);
        let (symbol, &longest) = used().max_by_key(|(_, length)| **length)?;
        if used().count() == 1 {
            return Some(Self {
                table: vec![symbol << 4],
            });
        }
        let mut table = vec![0; 1 << longest];
        let mut code = 0usize;
        for length in 1..=longest {
            code <<= 1;
            for (symbol, _) in used().filter(|(_, other)| **other == length) {
                if code >= 1 << length {
                    return None;
                }
                // Codes come with their first bit lowest.
                let first = code.reverse_bits() >> (usize::BITS - u32::from(length));
                let places = table.iter_mut().skip(first).step_by(1 << length);
                places.for_each(|place| *place = symbol << 4 | u16::from(length));
                code += 1;
            }
        }
        // Every number means something.
        (code == 1 << longest).then_some(Self { table })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<u32> {
        bits.fill();
        let entry = self.table[bits.next as usize & (self.table.len() - 1)];
        bits.take(u32::from(entry & 15))?;
        Some(u32::from(entry >> 4))
    }
}

/// Bits, the lowest of each byte first.
struct Bits<'a> {
    data: &'a [u8],
    next: u64,
    count: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 56
            && let Some((&byte, rest)) = self.data.split_first()
        {
            self.next |= u64::from(byte) << self.count;
            self.count += 8;
            self.data = rest;
        }
    }

    /// So many bits, 18 at most, if they are there.
    fn take(&mut self, bits: u32) -> Option<u32> {
        self.fill();
        self.count = self.count.checked_sub(bits)?;
        let taken = self.next & ((1 << bits) - 1);
        self.next >>= bits;
        Some(taken as u32)
    }
}
