//! What the engine does beyond one machine: journal and snapshots, secrets, pauses over a tree, re-runs, queues.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

mod children;
mod journal;
mod linked;
mod places;
mod rerun;
mod secrets;
mod snapshot;
mod support;
mod tree;
mod unknown;
mod watch;
