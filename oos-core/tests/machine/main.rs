//! The machine without a runtime: a list of inputs in, a list of effects out (machine.md 10).

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::expect_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

mod appendix;
mod cancel;
mod children;
mod each;
mod failure;
mod loops;
mod modes;
mod order;
mod people;
mod retries;
mod selectors;
mod stale;
mod stored;
mod support;
mod triggers;
mod values;
