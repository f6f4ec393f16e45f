//! The frame header: what kind of JPEG it is, its size and its components (ITU T.81, B.2.2).

use crate::{Error, Result};

/// The refusal of a kind that hardly any program writes.
macro_rules! unusual {
    ($what:literal) => {
        Error::Unsupported(concat!(
            "a JPEG that is ",
            $what,
            " is not read; save it as an ordinary JPEG"
        ))
    };
}

/// How coefficients are spread over scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A block is whole in one scan.
    Sequential,
    /// A block comes in bands of coefficients and bits of them.
    Progressive,
}

/// A component of the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Across and down, 1 to 4.
    pub(super) sampling: [usize; 2],
    /// Which quantization table.
    pub(super) quantization: usize,
}

/// What the frame header says.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) width: u16,
    /// 0 only until it is known.
    pub(super) height: u16,
    pub(super) kind: Kind,
    pub(super) components: Vec<Component>,
}

impl Frame {
    /// One of a kind that we read. Its height may be 0, and come later.
    pub(super) fn read(marker: u8, body: &[u8]) -> Result<Self> {
        let kind = match marker {
            0xc0 | 0xc1 => Kind::Sequential,
            0xc2 => Kind::Progressive,
            0xc3 => return Err(unusual!("lossless")),
            0xc5..=0xc7 => return Err(unusual!("hierarchical")),
            _ => return Err(unusual!("arithmetic coded")),
        };
        let Some((&[bits, y1, y0, x1, x0, count], components)) = body.split_first_chunk() else {
            return Err(Error::Broken);
        };
        if bits != 8 {
            return Err(unusual!("not of 8 bits a colour"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(unusual!(
                "neither grey, nor of three colours, nor of four inks"
            ));
        }
        let (width, height) = (u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0]));
        let components = components.as_chunks::<3>().0;
        let components = components.get(..count.into()).ok_or(Error::Broken)?;
        let read = |&[id, sampling, quantization]: &[u8; 3]| Component {
            id,
            sampling: match count {
                // Alone it has nothing to be sampled against.
                1 => [1, 1],
                _ => [usize::from(sampling >> 4), usize::from(sampling & 15)],
            },
            quantization: usize::from(quantization),
        };
        let components: Vec<_> = components.iter().map(read).collect();
        let good =
            |c: &Component| c.sampling.iter().all(|n| (1..=4).contains(n)) && c.quantization < 4;
        if width == 0 || !components.iter().all(good) {
            return Err(Error::Broken);
        }
        Ok(Self {
            width,
            height,
            kind,
            components,
        })
    }

    /// The largest sampling factors, across and down.
    pub(super) fn most(&self) -> [usize; 2] {
        let most = |axis: usize| self.components.iter().map(|c| c.sampling[axis]).max();
        [most(0).unwrap_or(1), most(1).unwrap_or(1)]
    }
}
