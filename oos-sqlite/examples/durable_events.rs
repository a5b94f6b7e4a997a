//! How many durable events per second this machine's disk allows, beside a plain loop of flushes on the same file
//! system, and how many flushes a step of an execution costs.
//!
//! `cargo run --release -p oos-sqlite --example durable_events -- FOLDER` (the folder decides about the disk).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures real time and prints what it finds"
)]

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream::FuturesUnordered};
use oos_core::{
    ExecutionId, Timestamp, Value,
    machine::{ExecutionStatus, Input, InputKind, Signal, SignalKind, SignalTarget},
    params,
    ports::{
        index::{ExecutionIndex, OwnerId},
        store::{Epoch, ExecutionHeader, ExecutionStore, JournalWrite, Record},
    },
};
use oos_sqlite::{Durability, Options, SqliteStore};
use oos_testkit::{FakeCloud, InPlace, TestBed, in_place::wait};

/// How long each line of the table is measured.
const SPAN: Duration = Duration::from_secs(3);
/// Bytes of an event, as in the measurements of the specification.
const EVENT: usize = 300;

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("oos-durable-events-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    println!("| store | writers | events/s | of plain flushes | p50 | p99 | events per commit |");
    println!("|---|---|---|---|---|---|---|");
    let (plain, mut waits) = plain_flushes(&folder);
    line("plain file, flush each", 1, plain, plain, &mut waits, 1.0);
    for level in [Durability::Full, Durability::Process, Durability::Memory] {
        for writers in [1, 8, 64] {
            let path = folder.join(format!("{level:?}-{writers}.db"));
            let store = SqliteStore::open(path, Options::default().durability(level)).unwrap();
            let (rate, mut waits, shared) = wait(events(&store, writers));
            line(&format!("{level:?}"), writers, rate, plain, &mut waits, shared);
        }
    }
    read_back(&folder);
    flushes_per_step(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn line(store: &str, writers: usize, rate: f64, plain: f64, waits: &mut [Duration], shared: f64) {
    waits.sort();
    let at = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default();
    let (ratio, p50, p99) = (rate / plain, at(50), at(99));
    println!("| {store} | {writers} | {rate:.0} | {ratio:.2} | {p50:.2?} | {p99:.2?} | {shared:.1} |");
}

/// One writer that appends to a file and flushes.
fn plain_flushes(folder: &Path) -> (f64, Vec<Duration>) {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("plain")).unwrap();
    let (start, mut waits, bytes) = (Instant::now(), Vec::new(), [b'x'; EVENT]);
    while start.elapsed() < SPAN {
        let one = Instant::now();
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
        waits.push(one.elapsed());
    }
    (per_second(waits.len(), start.elapsed()), waits)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn per_second(count: usize, span: Duration) -> f64 {
    count as f64 / span.as_secs_f64()
}

fn write(id: &ExecutionId, seq: u64, count: u64) -> JournalWrite {
    let record = |seq| {
        let kind = SignalKind::Trigger { message: params! { "text" => "x".repeat(EVENT - 120) } };
        let signal = Signal { id: format!("s{seq}").into(), from: "ana".into(), to: SignalTarget::default(), kind };
        Record { seq, input: Arc::new(Input { at: Timestamp::from_millis(1), kind: InputKind::Signal(signal) }) }
    };
    let records = (seq + 1..=seq + count).map(record).collect();
    let (id, summaries) = (id.clone(), Vec::new());
    JournalWrite { id, expected_seq: seq, epoch: Epoch(1), records, summaries, snapshot: None }
}

async fn started(store: &SqliteStore, name: &str) -> ExecutionId {
    let id = ExecutionId::new(name);
    let header = ExecutionHeader {
        format: 1,
        id: id.clone(),
        template_name: None,
        template_version: None,
        digest: "".into(),
        templates: Vec::new(),
        created: Timestamp::from_millis(0),
        executed_by: None,
        description: None,
        tags: Value::Null,
        rerun_of: None,
        parent: None,
    };
    store.create(&header).await.unwrap();
    let until = Timestamp::from_millis(300_000);
    store.claim(&id, &OwnerId("a".into()), Timestamp::from_millis(0), until).await.unwrap();
    id
}

/// Writers of one execution each, one event per write, as drivers on one thread.
async fn events(store: &SqliteStore, writers: usize) -> (f64, Vec<Duration>, f64) {
    let ids: FuturesUnordered<_> =
        (0..writers).map(|n| async move { started(store, &format!("exec-{n}")).await }).collect();
    let ids: Vec<_> = ids.collect().await;
    let (before, start) = (store.stats(), Instant::now());
    let all: FuturesUnordered<_> = ids.iter().map(|id| one_writer(store, id, start)).collect();
    let waits: Vec<_> = all.collect::<Vec<_>>().await.concat();
    let (span, after) = (start.elapsed(), store.stats());
    let commits = usize::try_from(after.commits - before.commits).unwrap();
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let shared = waits.len() as f64 / commits as f64;
    (per_second(waits.len(), span), waits, shared)
}

async fn one_writer(store: &SqliteStore, id: &ExecutionId, start: Instant) -> Vec<Duration> {
    let mut waits = Vec::new();
    while start.elapsed() < SPAN {
        let one = Instant::now();
        store.append(write(id, waits.len() as u64, 1)).await.unwrap();
        waits.push(one.elapsed());
    }
    waits
}

fn read_back(folder: &Path) {
    let store = SqliteStore::open(folder.join("read.db"), Options::default()).unwrap();
    let id = wait(started(&store, "exec-read"));
    wait(store.append(write(&id, 0, 10_000))).unwrap();
    let start = Instant::now();
    let records = wait(store.load(&id)).unwrap().records.len();
    println!("\n{records} events read back and decoded in {:.1?}", start.elapsed());
}

const LOOP: &str = "
FormatVersion: OOS-2019-06-01
Parameters: {items: {Type: List}}
Tasks:
- Name: stop
  Action: ACS::ExecuteAPI
  Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ ACS::TaskLoopItem }}']}}
  Loop: {Items: '{{ items }}', RateControl: {Mode: Concurrency, Concurrency: 20, MaxErrors: 0}}
";

/// Whole executions, alone: what a step costs when nobody shares its commits.
fn flushes_per_step(folder: &Path) {
    for (name, items) in [("1 step", 1), ("1,000 items, window 20", 1_000)] {
        let store = SqliteStore::open(folder.join(format!("steps-{items}.db")), Options::default()).unwrap();
        let bed = TestBed::new(FakeCloud::new()).store(InPlace::new(store.clone()));
        let ids: Value = (0..items).map(|n| Value::from(format!("i-{n}"))).collect();
        let start = Instant::now();
        let run = bed.run(LOOP, params! { "items" => ids });
        assert_eq!(run.status(), ExecutionStatus::Success, "{}", run.report());
        let (span, stats) = (start.elapsed(), store.stats());
        // Creating and claiming are two writes of their own.
        println!("{name}: {items} steps, {} appends, {} commits, {span:.0?}", stats.writes - 2, stats.commits);
    }
}
