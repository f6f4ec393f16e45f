//! See `images::fuzzing::form`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| images::fuzzing::form(data));
