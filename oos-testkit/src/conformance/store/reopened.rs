//! What a store that is closed and opened again still knows: everything.

use oos_core::{
    machine::ExecutionStatus,
    ports::{
        index::ExecutionQuery,
        store::{JournalWrite, Snapshot, StoreError},
    },
};

use super::{
    super::{equal, good, require},
    Store,
    samples::{at, owner, row, started, write},
};
use crate::in_place::wait;

pub(super) fn checks<S: Store>(make: &dyn Fn() -> S, reopen: &dyn Fn(S) -> S) {
    let store = make();
    let (id, epoch) = started(&store, "reopened");
    let rows = vec![row(&id, ExecutionStatus::Waiting, at(3))];
    let snapshot = Some(Snapshot { seq: 2, bytes: b"state".as_slice().into() });
    let first = JournalWrite { summaries: rows.clone(), snapshot, ..write(&id, 0, epoch, 2) };
    good(wait(store.append(first)), "a write is taken");
    good(wait(store.append(write(&id, 2, epoch, 1))), "a write is taken");
    let before = good(wait(store.load(&id)), "a journal can be loaded");

    let mut store = store;
    for _ in 0..2 {
        store = reopen(store);
        let after = good(wait(store.load(&id)), "a journal can be loaded after reopening");
        equal(&after.header, &before.header, "the header survives");
        equal(&after.snapshot, &before.snapshot, "the snapshot survives");
        equal(&after.records, &before.records, "records survive");
        let listed = good(wait(store.list(&ExecutionQuery::default())), "rows can be listed after reopening");
        equal(&listed.rows, &rows, "rows survive");
    }
    let other = wait(store.claim(&id, &owner("b"), at(1), at(900)));
    require(matches!(other, Err(StoreError::Fenced { .. })), "leases survive");
    equal(&wait(store.claim(&id, &owner("a"), at(1), at(300))), &Ok(epoch), "owners and epochs survive");
    let old = wait(store.append(write(&id, 2, epoch, 1)));
    require(matches!(old, Err(StoreError::Fenced { .. })), "the count of records survives");
    good(wait(store.append(write(&id, 3, epoch, 1))), "writes go on after reopening");
    good(wait(store.remove(std::slice::from_ref(&id))), "an execution can be removed");
    let store = reopen(store);
    let gone = wait(store.load(&id));
    require(matches!(gone, Err(StoreError::NotFound(_))), "what was removed does not come back");
}
