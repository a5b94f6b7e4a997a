//! `cargo +nightly fuzz run parse`; what it does stands in `targets.rs`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::parse(data);
});
