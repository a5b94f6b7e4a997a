//! Create, append, load: one transaction, fenced, and nothing lost or invented.

use oos_core::{
    machine::ExecutionStatus,
    ports::{
        index::ExecutionQuery,
        store::{Epoch, ExecutionHeader, Journal, JournalWrite, Snapshot, StoreError},
    },
};

use super::{
    super::{equal, good, require},
    Check, Store,
    samples::{self, UNICODE, at, header, id, owner, record, row, started, template, write},
};
use crate::in_place::wait;

pub(super) const CHECKS: [Check; 11] = [
    creates_once,
    unknown_ids_are_not_found,
    gives_back_what_was_appended,
    fences_by_sequence,
    fences_by_epoch,
    a_refused_write_changes_nothing,
    a_snapshot_stands_for_the_records_before_it,
    takes_a_thousand_appends,
    keeps_big_records_and_any_text,
    pins_templates_for_each_execution,
    keeps_executions_apart,
];

#[track_caller]
pub(super) fn load(store: &dyn Store, id: &oos_core::ExecutionId) -> Journal {
    good(wait(store.load(id)), "a journal can be loaded")
}

#[track_caller]
fn append(store: &dyn Store, write: JournalWrite) {
    good(wait(store.append(write)), "a write with the right sequence and epoch is taken");
}

#[track_caller]
fn fenced(result: Result<(), StoreError>, rule: &str) {
    require(matches!(result, Err(StoreError::Fenced { .. })), format_args!("{rule} (found {result:?})"));
}

fn creates_once(store: &dyn Store) {
    let id = id("once");
    let first = header(&id);
    good(wait(store.create(&first)), "a new execution is created");
    let second = ExecutionHeader { description: Some("other".into()), ..first.clone() };
    let again = wait(store.create(&second));
    require(matches!(again, Err(StoreError::Exists(_))), "an id that is there is not created again");
    let journal = load(store, &id);
    equal(&journal.header, &first, "the header stays as it was created");
    require(journal.records.is_empty() && journal.snapshot.is_none(), "a new journal is empty");
}

fn unknown_ids_are_not_found(store: &dyn Store) {
    let (unknown, a) = (id("unknown"), owner("a"));
    let not_found = |e: Result<(), StoreError>| matches!(e, Err(StoreError::NotFound(_)));
    require(not_found(wait(store.load(&unknown)).map(drop)), "loading an unknown id gives NotFound");
    require(
        not_found(wait(store.append(write(&unknown, 0, Epoch(1), 1)))),
        "appending to an unknown id gives NotFound",
    );
    require(
        not_found(wait(store.claim(&unknown, &a, at(0), at(1))).map(drop)),
        "claiming an unknown id gives NotFound",
    );
}

fn gives_back_what_was_appended(store: &dyn Store) {
    let (id, epoch) = started(store, "back");
    let mut expected = Vec::new();
    for count in [1, 3, 0, 2] {
        let write = write(&id, expected.len() as u64, epoch, count);
        expected.extend(write.records.iter().cloned());
        append(store, write);
        equal(&load(store, &id).records, &expected, "load gives all records in order");
    }
}

fn fences_by_sequence(store: &dyn Store) {
    let (id, epoch) = started(store, "seq");
    append(store, write(&id, 0, epoch, 2));
    for expected in [0, 1, 3, u64::from(u32::MAX)] {
        fenced(wait(store.append(write(&id, expected, epoch, 1))), "only the sequence that is there is taken");
    }
    append(store, write(&id, 2, epoch, 1));
    fenced(wait(store.append(write(&id, 2, epoch, 1))), "the same write is not taken twice");
    equal(&load(store, &id).records.len(), &3, "refused writes leave no records");
}

fn fences_by_epoch(store: &dyn Store) {
    let (id, first) = started(store, "epoch");
    append(store, write(&id, 0, first, 1));
    let second = good(wait(store.claim(&id, &owner("b"), at(300), at(600))), "a lease that is over can be taken");
    require(second > first, "a new owner gets a higher epoch");
    fenced(wait(store.append(write(&id, 1, first, 1))), "the old owner's writes are refused");
    fenced(wait(store.append(write(&id, 1, Epoch(second.0 + 1), 1))), "an epoch that nobody was given is refused");
    append(store, write(&id, 1, second, 1));
}

fn a_refused_write_changes_nothing(store: &dyn Store) {
    let (id, epoch) = started(store, "nothing");
    let rows = vec![row(&id, ExecutionStatus::Running, at(0))];
    append(store, JournalWrite { summaries: rows.clone(), ..write(&id, 0, epoch, 2) });
    let before = load(store, &id);
    let everything = || JournalWrite {
        summaries: vec![
            row(&id, ExecutionStatus::Failed, at(9)),
            row(&samples::id("nothing.0001"), ExecutionStatus::Failed, at(9)),
        ],
        snapshot: Some(Snapshot { seq: 3, bytes: b"new".as_slice().into() }),
        ..write(&id, 2, epoch, 1)
    };
    let wrong_sequence = JournalWrite { expected_seq: 1, records: write(&id, 1, epoch, 1).records, ..everything() };
    let wrong_epoch = JournalWrite { epoch: Epoch(epoch.0 + 7), ..everything() };
    for write in [wrong_sequence, wrong_epoch] {
        fenced(wait(store.append(write)), "the write is refused");
        let after = load(store, &id);
        equal(&after.records, &before.records, "a refused write leaves the records alone");
        equal(&after.snapshot, &before.snapshot, "a refused write leaves the snapshot alone");
        let query = ExecutionQuery { include_children: true, ..ExecutionQuery::default() };
        let listed = good(wait(store.list(&query)), "rows can be listed");
        equal(&listed.rows, &rows, "a refused write leaves the rows alone");
    }
    append(store, everything());
    require(load(store, &id).snapshot.is_some(), "the same write with the right numbers is taken whole");
}

fn a_snapshot_stands_for_the_records_before_it(store: &dyn Store) {
    let (id, epoch) = started(store, "snapshot");
    append(store, write(&id, 0, epoch, 4));
    let snapshot = |seq, bytes: &[u8]| Some(Snapshot { seq, bytes: bytes.into() });
    append(store, JournalWrite { snapshot: snapshot(6, b"\x00\xffone"), ..write(&id, 4, epoch, 2) });
    let journal = load(store, &id);
    equal(&journal.snapshot, &snapshot(6, b"\x00\xffone"), "the snapshot comes back byte for byte");
    require(journal.records.is_empty(), "records that a snapshot contains are not loaded");
    fenced(wait(store.append(write(&id, 0, epoch, 1))), "counting goes on after a snapshot");
    append(store, write(&id, 6, epoch, 2));
    let later: Vec<u64> = load(store, &id).records.iter().map(|r| r.seq).collect();
    equal(&later, &vec![7, 8], "records after the snapshot are loaded");
    append(store, JournalWrite { snapshot: snapshot(9, b"two"), ..write(&id, 8, epoch, 1) });
    let journal = load(store, &id);
    equal(&journal.snapshot, &snapshot(9, b"two"), "the newest snapshot counts");
    require(journal.records.is_empty(), "records that the newest snapshot contains are not loaded");
    append(store, JournalWrite { snapshot: snapshot(9, b"three"), ..write(&id, 9, epoch, 0) });
    equal(&load(store, &id).snapshot, &snapshot(9, b"three"), "a snapshot may come without records");
}

fn takes_a_thousand_appends(store: &dyn Store) {
    let (id, epoch) = started(store, "thousand");
    for seq in 0..1_000 {
        append(store, write(&id, seq, epoch, 1));
    }
    let expected = write(&id, 0, epoch, 1_000).records;
    equal(&load(store, &id).records, &expected, "1,000 appends give 1,000 records in order");
}

fn keeps_big_records_and_any_text(store: &dyn Store) {
    let id = id(&format!("any-{UNICODE}"));
    let big = "重启 ".repeat(600_000);
    let texts = vec![template("d1", &big), template("d2", UNICODE)];
    let header = ExecutionHeader { templates: texts, description: Some(big.as_str().into()), ..header(&id) };
    good(wait(store.create(&header)), "any id and any text can be kept");
    let epoch = good(wait(store.claim(&id, &owner(UNICODE), at(0), at(9))), "any owner can claim");
    let records = vec![record(1, &big), record(2, UNICODE), record(3, "")];
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0] ^ 0xa5).collect();
    let snapshot = Snapshot { seq: 1, bytes: bytes.into() };
    append(store, JournalWrite { records: records.clone(), ..write(&id, 0, epoch, 0) });
    let journal = load(store, &id);
    require(journal.header == header, "big and strange texts of the header come back");
    require(journal.records == records, "big and strange records come back");
    append(store, JournalWrite { snapshot: Some(Snapshot { seq: 3, ..snapshot.clone() }), ..write(&id, 3, epoch, 0) });
    let found = load(store, &id).snapshot.map(|s| s.bytes);
    require(found == Some(snapshot.bytes), "a big snapshot comes back");
}

fn pins_templates_for_each_execution(store: &dyn Store) {
    let with = |name: &str, templates: Vec<_>| ExecutionHeader { templates, ..header(&id(name)) };
    let shared = template("same", "Tasks: []");
    // A template that was not made from text has a digest and no text.
    let bare = template("same", "");
    let headers = [
        with("pin-1", vec![shared.clone(), bare.clone()]),
        with("pin-2", vec![bare, shared.clone(), shared]),
        with("pin-3", Vec::new()),
    ];
    for header in &headers {
        good(wait(store.create(header)), "executions may pin the same text");
    }
    let [first, rest @ ..] = &headers;
    for header in &headers {
        equal(&load(store, &header.id).header, header, "templates come back as pinned, in order");
    }
    good(wait(store.remove(std::slice::from_ref(&first.id))), "an execution can be removed");
    for header in rest {
        equal(&load(store, &header.id).header, header, "a text stays while somebody pins it");
    }
}

fn keeps_executions_apart(store: &dyn Store) {
    let (one, two) = (started(store, "apart"), started(store, "apart.2"));
    append(store, write(&one.0, 0, one.1, 3));
    append(store, write(&two.0, 0, two.1, 1));
    append(store, write(&one.0, 3, one.1, 1));
    equal(&load(store, &one.0).records.len(), &4, "each execution has its own records");
    equal(&load(store, &two.0).records.len(), &1, "each execution has its own records");
}
