//! Markers, and what is between them (ITU T.81, annex B.1).

/// Restarts: within a scan's data.
pub(super) const RST: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;

/// Whether one of eight bytes is 0xff.
#[inline(always)]
pub(super) fn has_marker(bytes: u64) -> bool {
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    (!bytes).wrapping_sub(LOWEST) & bytes & (LOWEST << 7) != 0
}

/// Where the first 0xff is that has what is wanted behind it. Eight bytes at a time, because most are others.
pub(super) fn find(bytes: &[u8], wanted: impl Fn(Option<u8>) -> bool) -> Option<usize> {
    let words = bytes.as_chunks::<8>().0;
    let is_it = |at: &usize| bytes[*at] == 0xff && wanted(bytes.get(at + 1).copied());
    let found = words.iter().enumerate().find_map(|(n, word)| {
        let mut places = 8 * n..8 * n + 8;
        has_marker(u64::from_ne_bytes(*word)).then(|| places.find(is_it))?
    });
    found.or_else(|| (8 * words.len()..bytes.len()).find(is_it))
}

/// The next marker, and what follows it. Bytes between segments are skipped, as decoders do.
pub(super) fn next_marker(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let start = find(bytes, |_| true)?;
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
    let end = find(bytes, |next| match next {
        Some(0 | 0xff) => false,
        Some(next) => !RST.contains(&next),
        None => true,
    });
    bytes.split_at(end.unwrap_or(bytes.len()))
}
