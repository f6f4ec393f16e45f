//! See `auth::fuzzing::configuration`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auth::fuzzing::configuration(data));
