//! How the camera was held: the one thing of EXIF that is read (CIPA DC-008, tag 0x0112).

/// How a stored picture is brought upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orientation {
    /// Rows become columns, before the rest.
    pub(crate) transposed: bool,
    /// Left and right change places.
    pub(crate) mirrored: bool,
    /// Top and bottom change places.
    pub(crate) flipped: bool,
}

const ORIENTATION: u16 = 0x0112;

/// The orientation that a TIFF structure tells in its first directory, if it does.
pub(crate) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    let big = match tiff.first_chunk()? {
        b"MM\0\x2a" => true,
        b"II\x2a\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(match big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    };
    let bytes = *tiff.get(4..)?.first_chunk()?;
    let directory = match big {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    };
    let directory = usize::try_from(directory).ok()?;
    let entries = usize::from(u16_at(directory)?);
    let mut entries = (0..entries).map(|n| directory.saturating_add(2 + 12 * n));
    let entry = entries.find(|&at| u16_at(at) == Some(ORIENTATION))?;
    let [transposed, mirrored, flipped] = match u16_at(entry.saturating_add(8))? {
        1 => [false, false, false],
        2 => [false, true, false],
        3 => [false, true, true],
        4 => [false, false, true],
        5 => [true, false, false],
        6 => [true, true, false],
        7 => [true, true, true],
        8 => [true, false, true],
        _ => return None,
    };
    Some(Orientation {
        transposed,
        mirrored,
        flipped,
    })
}
