//! Files for tests, and the smallest writes.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use oos_core::{
    ExecutionId, Timestamp, Value,
    machine::{ExecutionStatus, Input, InputKind, Signal, SignalKind, SignalTarget},
    params,
    ports::{
        index::{ExecutionIndex, OwnerId, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, JournalWrite, PinnedTemplate, Record},
    },
};
use oos_sqlite::{Durability, Options, SqliteStore};
use oos_testkit::in_place::wait;

/// A path in a fresh folder of the target directory.
pub(crate) fn fresh(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}-{number}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("store.db")
}

/// Tests of anything but flushes need none.
pub(crate) fn quick() -> Options {
    Options::default().durability(Durability::Process)
}

pub(crate) fn open(name: &str, options: Options) -> SqliteStore {
    SqliteStore::open(fresh(name), options).unwrap()
}

pub(crate) fn id(name: &str) -> ExecutionId {
    ExecutionId::new(format!("exec-{name}"))
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

pub(crate) fn header(id: &ExecutionId) -> ExecutionHeader {
    let template =
        PinnedTemplate { digest: "d".into(), name: "".into(), version: None, text: "Tasks: []\n".repeat(1_000).into() };
    ExecutionHeader {
        format: 1,
        id: id.clone(),
        template_name: None,
        template_version: None,
        digest: "d".into(),
        templates: vec![template],
        created: at(0),
        executed_by: None,
        description: None,
        tags: Value::Null,
        rerun_of: None,
        parent: None,
    }
}

/// An event of some 300 bytes.
pub(crate) fn record(seq: u64) -> Record {
    let message = params! { "text" => "x".repeat(180), "seq" => seq };
    let kind = SignalKind::Trigger { message };
    let signal = Signal { id: format!("s{seq}").into(), from: "ana".into(), to: SignalTarget::default(), kind };
    Record { seq, input: Arc::new(Input { at: at(1), kind: InputKind::Signal(signal) }) }
}

pub(crate) fn write(id: &ExecutionId, expected: u64, count: u64) -> JournalWrite {
    JournalWrite {
        id: id.clone(),
        expected_seq: expected,
        epoch: Epoch(1),
        records: (expected + 1..=expected + count).map(record).collect(),
        summaries: Vec::new(),
        snapshot: None,
    }
}

pub(crate) fn row(id: &ExecutionId, status: ExecutionStatus, time: Timestamp) -> Summary {
    Summary {
        id: id.clone(),
        root: id.clone(),
        parent: None,
        template_name: None,
        template_version: None,
        status,
        waiting_for: None,
        status_message: None,
        parameters: Value::empty_map(),
        outputs: Value::Null,
        category: "Other".into(),
        mode: "Automatic".into(),
        ram_role: "".into(),
        tags: Value::Null,
        current_tasks: Vec::new(),
        counters: Default::default(),
        start: time,
        end: status.is_final().then_some(time),
        update: time,
        executed_by: None,
        trigger: Value::Null,
        order: 0,
        details: None,
    }
}

/// An execution that can be written to.
pub(crate) fn started(store: &SqliteStore, name: &str) -> ExecutionId {
    let id = id(name);
    wait(store.create(&header(&id))).unwrap();
    wait(store.claim(&id, &OwnerId("a".into()), at(0), at(300))).unwrap();
    id
}

/// An execution that ended then.
pub(crate) fn ended(store: &SqliteStore, name: &str, time: Timestamp) -> ExecutionId {
    let id = started(store, name);
    let summaries = vec![row(&id, ExecutionStatus::Success, time)];
    wait(store.append(JournalWrite { summaries, ..write(&id, 0, 3) })).unwrap();
    id
}
