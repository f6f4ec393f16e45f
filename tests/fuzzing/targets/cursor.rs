//! See `customers::fuzzing::cursor`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| customers::fuzzing::cursor(data));
