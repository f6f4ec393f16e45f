//! Whether a JPEG is all there: the decoder paints grey what is missing, and calls it a picture.

/// Start of image, end of image, start of scan; the markers that stand alone (ITU T.81, table B.1).
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const RST: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
const TEM: u8 = 0x01;

/// Follows the markers from the start of the image to its end.
pub(crate) fn is_whole(jpeg: &[u8]) -> bool {
    let Some(mut rest) = jpeg.strip_prefix(&[0xff, SOI]) else {
        return false;
    };
    while let Some((marker, after)) = next_marker(rest) {
        rest = after;
        match marker {
            EOI => return true,
            TEM => {}
            marker if RST.contains(&marker) => {}
            _ => {
                let Some(length) = rest.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
                else {
                    return false;
                };
                let Some(next) = rest.get(usize::from(length)..) else {
                    return false;
                };
                rest = if marker == SOS {
                    after_scan(next)
                } else {
                    next
                };
            }
        }
    }
    false
}

/// The next marker, and what follows it. Bytes between segments are skipped, as decoders do.
fn next_marker(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let start = bytes.iter().position(|&byte| byte == 0xff)?;
        let fill = bytes[start..].iter().position(|&byte| byte != 0xff)?;
        let (&marker, rest) = bytes[start + fill..].split_first()?;
        if marker != 0 {
            return Some((marker, rest));
        }
        bytes = rest;
    }
}

/// What follows a scan's data: a stuffed zero and restarts belong to it, any other marker ends it.
fn after_scan(bytes: &[u8]) -> &[u8] {
    let ends =
        |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff) && !RST.contains(&pair[1]);
    let end = bytes.windows(2).position(ends);
    end.map_or(&[], |end| &bytes[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_is_whole_only_to_its_last_byte() {
        let mut jpeg = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
        let pixels: Vec<u8> = (0..64 * 64 * 3u32).map(|n| (n * n) as u8).collect();
        encoder
            .encode(&pixels, 64, 64, jpeg_encoder::ColorType::Rgb)
            .expect("a JPEG");
        assert!(is_whole(&jpeg));
        for end in 0..jpeg.len() {
            assert!(!is_whole(&jpeg[..end]), "{end} of {}", jpeg.len());
        }
        jpeg.extend(b"trailing");
        assert!(is_whole(&jpeg));
    }

    #[test]
    fn nothing_makes_it_run_away() {
        assert!(!is_whole(&[0xff; 1 << 20]));
        assert!(!is_whole(
            &[&[0xff, SOI][..], &[0xff, 0].repeat(1 << 19)].concat()
        ));
        assert!(!is_whole(&[0xff, SOI, 0xff, 0xe0, 0, 0]));
    }
}
