//! The views: golden files of charts, trees and lines from plans and real runs, escaping, and what never panics.
//!
//! `golden_views/<case>/` holds the texts; rewrite them with `OOS_BLESS=1 cargo test -p oos-core --test views`, then read
//! the difference.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests read the environment")]

mod bed;
mod escaping;
mod golden;
mod properties;
mod trace;
