//! `cargo +nightly fuzz run selector`; what it does stands in `targets.rs`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::selector(data);
});
