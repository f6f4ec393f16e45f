//! Markers, and what is between them (ITU T.81, annex B.1).

/// Restarts: within a scan's data.
pub(super) const RST: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;

/// The next marker, and what follows it. Bytes between segments are skipped, as decoders do.
pub(super) fn next_marker(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let start = memchr::memchr(0xff, bytes)?;
        let fill = bytes[start..].iter().position(|&byte| byte != 0xff)?;
        let (&marker, rest) = bytes[start + fill..].split_first()?;
        if marker != 0 {
            return Some((marker, rest));
        }
        bytes = rest;
    }
}

/// A segment's body, and what follows it.
pub(super) fn split_segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    let body = bytes.get(2..length)?;
    Some((body, &bytes[length..]))
}

/// A scan's data, and what follows it: a stuffed zero and restarts belong to it, any other marker ends it.
pub(super) fn split_scan(bytes: &[u8]) -> (&[u8], &[u8]) {
    let ends = |&at: &usize| match bytes.get(at + 1) {
        Some(0 | 0xff) => false,
        Some(next) => !RST.contains(next),
        None => true,
    };
    let end = memchr::memchr_iter(0xff, bytes).find(ends);
    bytes.split_at(end.unwrap_or(bytes.len()))
}
