//! Any bytes: no panic, no more memory than was announced, and nothing but a JPEG comes out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use std::sync::atomic::AtomicBool;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Larger pictures make a run slow and show nothing new.
const MEMORY: u64 = 24 * 1024 * 1024;
/// What image-webp asks for when a frame claims it, and does not touch.
const CLAIMED: u64 = 16 * 1024 * 1024;
/// What looking at the head of a picture may hold.
const LOOK: usize = 1024 * 1024;

fuzz_target!(|upload: &[u8]| {
    let (announced, held) = holding(|| picture::memory(upload));
    assert!(held < LOOK + upload.len(), "looking held {held} bytes");
    let Ok(announced) = announced else { return };
    if announced > MEMORY {
        return;
    }
    let (made, held) = holding(|| picture::make(upload, &AtomicBool::new(false)));
    let claimed = if upload.starts_with(b"RIFF") { CLAIMED } else { 0 };
    assert!(held as u64 <= announced + claimed, "{held} bytes were held, {announced} announced");
    let Ok(made) = made else { return };
    assert!((1..=2048).contains(&made.width) && (1..=2048).contains(&made.height));
    for jpeg in [&made.small, &made.medium, &made.large] {
        assert!(jpeg.starts_with(&[0xff, 0xd8, 0xff]) && jpeg.ends_with(&[0xff, 0xd9]));
    }
});

/// What some work gave, and how many bytes it held at most beside what was held before.
fn holding<T>(work: impl FnOnce() -> T) -> (T, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let done = work();
    (done, ALLOCATOR.peak_usage().saturating_sub(before))
}
