//! Headers, rows, records and writes that the checks use, with texts that are easy to get wrong.

use std::sync::Arc;

use oos_core::{
    ExecutionId, Timestamp, Value,
    machine::{ExecutionStatus, Input, InputKind, Signal, SignalKind, SignalTarget},
    params,
    ports::{
        index::{OwnerId, Summary, TaskCounts},
        store::{Epoch, ExecutionHeader, JOURNAL_FORMAT, JournalWrite, PinnedTemplate, Record},
    },
};

use super::{super::good, Store};
use crate::in_place::wait;

/// Texts with quotes, separators, a zero, composed and right-to-left characters, and some beyond 16 bits.
pub(super) const UNICODE: &str = "重启\u{0}'; DROP TABLE record; -- \"ß\u{301}\u{2028} \u{202e}שלום 🦀 İ";

pub(super) fn id(name: &str) -> ExecutionId {
    ExecutionId::new(format!("exec-{name}"))
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

pub(super) fn owner(name: &str) -> OwnerId {
    OwnerId(name.into())
}

pub(super) fn template(digest: &str, text: &str) -> PinnedTemplate {
    PinnedTemplate { digest: digest.into(), name: "".into(), version: None, text: text.into() }
}

pub(super) fn header(id: &ExecutionId) -> ExecutionHeader {
    let child = PinnedTemplate { name: "child".into(), version: Some("v2".into()), ..template("d2", "Tasks: [2]") };
    ExecutionHeader {
        format: JOURNAL_FORMAT,
        id: id.clone(),
        template_name: Some("root".into()),
        template_version: None,
        digest: "d1".into(),
        templates: vec![template("d1", "Tasks: [1]"), child],
        created: at(0),
        executed_by: Some("ana".into()),
        description: Some(UNICODE.into()),
        tags: params! { "team" => "web", "键" => UNICODE },
        rerun_of: None,
        parent: None,
    }
}

pub(super) fn row(id: &ExecutionId, status: ExecutionStatus, start: Timestamp) -> Summary {
    Summary {
        id: id.clone(),
        root: id.clone(),
        parent: None,
        template_name: Some("root".into()),
        template_version: None,
        status,
        waiting_for: None,
        status_message: None,
        parameters: params! { "n" => 1, "f" => 0.5, "list" => ["a", "b"], "none" => Value::Null },
        outputs: Value::Null,
        category: "Other".into(),
        mode: "Automatic".into(),
        ram_role: "".into(),
        tags: Value::Null,
        current_tasks: vec!["first".into()],
        counters: TaskCounts { total: 2, pending: 2, ..TaskCounts::default() },
        start,
        end: status.is_final().then_some(start),
        update: start,
        executed_by: Some("ana".into()),
        trigger: Value::Null,
        order: 0,
        details: None,
    }
}

/// A record whose input carries a text.
pub(super) fn record(seq: u64, text: &str) -> Record {
    let signal = Signal {
        id: format!("s{seq}").into(),
        from: "ana".into(),
        to: SignalTarget::default(),
        kind: SignalKind::Trigger { message: params! { "text" => text, "seq" => seq } },
    };
    let input = Input { at: at(i64::try_from(seq).unwrap_or(0)), kind: InputKind::Signal(signal) };
    Record { seq, input: Arc::new(input) }
}

/// A write of `count` records after `expected`.
pub(super) fn write(id: &ExecutionId, expected: u64, epoch: Epoch, count: u64) -> JournalWrite {
    JournalWrite {
        id: id.clone(),
        expected_seq: expected,
        epoch,
        records: (expected + 1..=expected + count).map(|seq| record(seq, "text")).collect(),
        summaries: Vec::new(),
        snapshot: None,
    }
}

/// Creates an execution and claims it.
#[track_caller]
pub(super) fn started<S: Store + ?Sized>(store: &S, name: &str) -> (ExecutionId, Epoch) {
    let id = id(name);
    good(wait(store.create(&header(&id))), "a new execution is created");
    let epoch = good(wait(store.claim(&id, &owner("a"), at(0), at(300))), "a new execution can be claimed");
    (id, epoch)
}
