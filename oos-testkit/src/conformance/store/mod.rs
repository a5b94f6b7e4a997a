//! The contract of stores: journal, rows and ownership, alone and under an engine.

mod engine;
mod index;
mod journal;
mod racing;
mod reopened;
mod samples;
mod steps;

use oos_core::ports::{index::ExecutionIndex, store::ExecutionStore};

/// Journal and index in one.
pub trait Store: ExecutionStore + ExecutionIndex {}

impl<T: ExecutionStore + ExecutionIndex> Store for T {}

/// Runs the whole contract; `make` gives a new, empty store each time.
///
/// ```
/// oos_testkit::conformance::store::suite(oos_core::engine::MemoryStore::new);
/// ```
///
/// # Panics
/// With the rule that is broken.
#[track_caller]
pub fn suite<S: Store>(make: impl Fn() -> S) {
    ports(&make);
    engine(&make);
}

/// The same for a store that keeps its data when it is closed: `reopen` closes one and opens it again.
///
/// # Panics
/// With the rule that is broken.
#[track_caller]
pub fn suite_reopening<S: Store>(make: impl Fn() -> S, reopen: impl Fn(S) -> S) {
    suite(&make);
    reopened::checks(&make, &reopen);
}

/// The part of the contract that needs no engine.
///
/// # Panics
/// With the rule that is broken.
#[track_caller]
pub fn ports<S: Store>(make: impl Fn() -> S) {
    for check in journal::CHECKS.iter().chain(&index::CHECKS).chain(&racing::CHECKS) {
        check(&make());
    }
}

/// The part of the contract that shows only under an engine: crashes, cancels, timers, loops, two owners.
///
/// # Panics
/// With the rule that is broken.
#[track_caller]
pub fn engine<S: Store>(make: impl Fn() -> S) {
    engine::checks(&make);
}

/// One rule, checked on an empty store.
type Check = fn(&dyn Store);
