//! What of a PNG its picture needs: the rest is dropped before a decoder sees it.
//!
//! A colour profile or a text that unpacks to a gigabyte costs as much as a picture of that size, and neither is shown.

/// What every PNG begins with.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Length, type and checksum around a chunk's data.
const FRAME: usize = 12;

/// The chunks that make the picture, and the one that says which way up it is.
pub(crate) fn essential(png: &[u8]) -> Vec<u8> {
    let mut kept = SIGNATURE.to_vec();
    let mut rest = png.strip_prefix(SIGNATURE).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let whole = length.saturating_add(FRAME).min(rest.len());
        let (chunk, next) = rest.split_at(whole);
        if let Some(b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" | b"IEND" | b"eXIf") = after.first_chunk()
        {
            kept.extend_from_slice(chunk);
        }
        rest = next;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_picture_is_kept_and_what_breaks_off_stays_broken() {
        let chunk = |kind: &[u8; 4], data: &[u8]| {
            let length = u32::try_from(data.len()).expect("short").to_be_bytes();
            [&length[..], kind, data, b"sum!"].concat()
        };
        let (header, data, end) = (
            chunk(b"IHDR", b"13"),
            chunk(b"IDAT", &[7; 9]),
            chunk(b"IEND", b""),
        );
        let bomb = chunk(b"iCCP", &[1; 100]);
        let whole = [SIGNATURE, &header, &bomb, &data, &end].concat();
        assert_eq!(
            essential(&whole),
            [SIGNATURE, &header, &data, &end].concat()
        );
        let cut = SIGNATURE.len() + header.len() + bomb.len() + 5;
        assert_eq!(
            essential(&whole[..cut]).len(),
            SIGNATURE.len() + header.len()
        );
        assert_eq!(essential(b"no picture"), SIGNATURE);
        assert_eq!(essential(&[SIGNATURE, &[0xff; 40]].concat()), SIGNATURE);
    }
}
