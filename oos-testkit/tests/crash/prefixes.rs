//! Every run, stopped after every prefix of its journal, over memory and over SQLite.
//!
//! A crash has two sides of the last write: it is durable and nothing was done about it (`Before` the call), or all of
//! it was done and the next write is lost (`After` the call). A write is one transaction, so no prefix ends inside one.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use oos_core::{engine::MemoryStore, ports::store::StoreError};
use oos_sqlite::{Durability, Options, SqliteStore};
use oos_testkit::{FaultyStore, InPlace, conformance::store::Store, prelude::*};

use crate::{
    cases::CASES,
    world::{Case, End, START, end},
};

/// Where a process dies, counted in writes.
#[derive(Clone, Copy, Debug)]
enum Crash {
    Never,
    Before(u64),
    After(u64),
}

/// Runs a case in a process that dies there, then in another. Gives the end, and the writes of the first process.
fn run<S: Store + Clone>(case: &Case, crash: Crash, every: u64, open: &dyn Fn() -> S) -> (End, u64) {
    let cloud = FakeCloud::at(START);
    (case.cloud)(&cloud);
    let first = FaultyStore::new(open());
    let first = match crash {
        Crash::Never => first,
        Crash::Before(n) => first.crash_in(n),
        Crash::After(n) => first.crash_after(n),
    };
    let bed = TestBed::on(&cloud).store(first.clone()).snapshot_every(every);
    (case.bed)(&bed);
    // A start whose write is lost is told as an error.
    let run = bed.try_start(case.template, Value::empty_map(), case.options("exec-crash"));
    if let Ok(run) = &run {
        case.drive(&bed, &first, run.handle());
        if !first.is_down() {
            return (end(case.name, &cloud, &first, run.handle()), first.appends());
        }
        let stopped = run.handle().finished();
        let unavailable = matches!(stopped, Some(Err(StoreError::Unavailable(_))));
        assert!(unavailable, "{}: the first engine stops: {stopped:?}", case.name);
    }
    let writes = first.appends();
    drop((run, bed, first));

    let second = open();
    let bed = TestBed::on(&cloud).store(second.clone()).snapshot_every(every);
    (case.bed)(&bed);
    let engine = bed.engine().clone();
    let handle = bed.block_on(async move {
        let mut resumed = engine.resume_all().await.unwrap();
        assert!(resumed.len() <= 1);
        match resumed.pop() {
            Some((_, handle)) => handle.unwrap(),
            // Its end is durable; only the answer was lost.
            None => engine.resume(&"exec-crash".into()).await.unwrap(),
        }
    });
    case.drive(&bed, &second, &handle);
    (end(case.name, &cloud, &second, &handle), writes)
}

/// Every crash of a case over stores that `make` prepares; gives their number.
fn every_crash<S: Store + Clone>(case: &Case, store: &str, every: u64, make: &dyn Fn() -> Box<dyn Fn() -> S>) -> u64 {
    let (expected, writes) = run(case, Crash::Never, every, &*make());
    assert_eq!(expected.status, case.status, "{}: {:?} {}", case.name, expected.message, expected.outputs);
    let crashes = (1..=writes).map(Crash::Before).chain((1..writes).map(Crash::After));
    let mut count = 0;
    for crash in crashes {
        let (found, _) = run(case, crash, every, &*make());
        found.assert_same(&expected, &format!("{} over {store}: crash {crash:?} of {writes} writes", case.name));
        count += 1;
    }
    println!("{} over {store}: {writes} writes, {count} crashes, {}", case.name, expected.status);
    count
}

fn memory() -> Box<dyn Fn() -> InPlace<MemoryStore>> {
    let shared = InPlace::new(MemoryStore::new());
    Box::new(move || shared.clone())
}

fn sqlite() -> Box<dyn Fn() -> InPlace<SqliteStore>> {
    let folder = Folder::new("prefix");
    Box::new(move || InPlace::new(SqliteStore::open(folder.file(), quick()).unwrap()))
}

/// Tests of anything but power loss need no flush.
pub(crate) fn quick() -> Options {
    Options::default().durability(Durability::Process)
}

/// A fresh folder of the target directory, gone after the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("crash-{}-{name}-{number}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The file of a store in it.
    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("store.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A part of the cases, so that the parts run beside each other.
fn part(n: usize) {
    const PARTS: usize = 4;
    let mut crashes = 0;
    for case in CASES.iter().skip(n).step_by(PARTS) {
        crashes += every_crash(case, "memory", u64::MAX, &memory);
        // Snapshots in the middle of everything.
        crashes += every_crash(case, "SQLite", 3, &sqlite);
    }
    println!("part {n}: {crashes} crashes");
    assert!(crashes > 100, "{crashes}");
}

#[test]
fn part_1_ends_as_if_nothing_had_happened() {
    part(0);
}

#[test]
fn part_2_ends_as_if_nothing_had_happened() {
    part(1);
}

#[test]
fn part_3_ends_as_if_nothing_had_happened() {
    part(2);
}

#[test]
fn part_4_ends_as_if_nothing_had_happened() {
    part(3);
}

#[test]
fn there_are_as_many_runs_as_promised() {
    let names: std::collections::BTreeSet<_> = CASES.iter().map(|c| c.name).collect();
    assert_eq!(names.len(), CASES.len());
    assert!(names.len() >= 20, "{}", names.len());
}
