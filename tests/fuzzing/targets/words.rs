//! See `customers::fuzzing::words`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| customers::fuzzing::words(data));
