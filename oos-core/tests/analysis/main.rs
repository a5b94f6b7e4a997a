//! Analysis of plans over small actions of its own; `oos-actions` runs it over the real ones.

#![cfg(feature = "catalogue")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod bed;
mod children;
mod dry_run;
mod permissions;
