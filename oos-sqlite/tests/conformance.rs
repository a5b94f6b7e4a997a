//! The contract of stores.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{fresh, open, quick};
use oos_sqlite::{Durability, Options, SqliteStore};
use oos_testkit::conformance::store;

fn reopen(closed: SqliteStore, options: Options) -> SqliteStore {
    let path = closed.path().to_path_buf();
    drop(closed);
    SqliteStore::open(path, options).unwrap()
}

#[test]
fn a_store_that_survives_kills_keeps_the_contract() {
    store::suite_reopening(|| open("process", quick()), |closed| reopen(closed, quick()));
}

#[test]
fn a_store_that_survives_power_loss_keeps_the_contract() {
    store::ports(|| SqliteStore::open(fresh("full"), Options::default()).unwrap());
}

#[test]
fn a_store_that_flushes_nothing_and_keeps_history_keeps_the_contract() {
    let options = || Options::default().durability(Durability::Memory).keep_history(true).readers(1);
    store::ports(|| open("memory", options()));
}
