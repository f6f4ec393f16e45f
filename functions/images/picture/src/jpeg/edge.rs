//! Blocks at the edge of the picture: what fills them up must not be mixed into the fewer samples that they become.

use super::{
    Scale,
    idct::{self, Block, Factors, Transform},
};

/// Makes samples of a component's blocks.
pub(super) struct Sampler {
    scale: Scale,
    transform: Transform,
    factors: Factors,
    /// For all 8 × 8 samples.
    whole: Factors,
}

impl Sampler {
    /// From the quantization steps in the order in which they are stored.
    pub(super) fn new(scale: Scale, steps: &[u16; 64]) -> Self {
        Self {
            scale,
            transform: idct::transform(scale),
            factors: Factors::new(scale, steps),
            whole: Factors::new(Scale(8), steps),
        }
    }

    /// Writes a block at the start of rows that are so long: one of a single colour, one at the edge, or any other.
    #[inline(always)]
    pub(super) fn write(
        &self,
        block: &Block,
        is_flat: bool,
        edge: Option<[usize; 2]>,
        samples: &mut [u8],
        width: usize,
    ) {
        match edge {
            _ if is_flat => idct::flat(block, &self.factors, samples, width, self.scale),
            Some(shown) => self.write_part(block, shown, samples, width),
            None => (self.transform)(block, &self.factors, samples, width),
        }
    }

    /// Means of what is the picture's; where there is nothing of it, black, which nobody sees.
    #[cold]
    fn write_part(
        &self,
        block: &Block,
        [across, down]: [usize; 2],
        samples: &mut [u8],
        width: usize,
    ) {
        let mut whole = [0; 64];
        idct::transform(Scale(8))(block, &self.whole, &mut whole, 8);
        let Scale(side) = self.scale;
        for (y, row) in samples.chunks_mut(width).take(side).enumerate() {
            for (x, sample) in row.iter_mut().take(side).enumerate() {
                let (mut sum, mut parts) = (0, 0);
                for (from_y, row) in whole.chunks_exact(8).take(down).enumerate() {
                    for (from_x, &value) in row.iter().take(across).enumerate() {
                        let part = overlap(from_x, x, side) * overlap(from_y, y, side);
                        sum += part * usize::from(value);
                        parts += part;
                    }
                }
                *sample = (sum + parts / 2).checked_div(parts).unwrap_or_default() as u8;
            }
        }
    }
}

/// How much of one of 8 samples lies in one of so many that take their place, in parts of which it has `side`.
fn overlap(from: usize, to: usize, side: usize) -> usize {
    let end = (side * (from + 1)).min(8 * (to + 1));
    end.saturating_sub((side * from).max(8 * to))
}
