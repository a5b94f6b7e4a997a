//! Durable events per second and flushes per step, by whole executions: `cargo bench -p oos-benches --bench durability`.
//!
//! The budget (durability.md 3): at most one flush per step outcome, plus one per intent that must not be repeated — of
//! which this engine needs none, since the input that leads to a call is its intent; and with 8 or more active executions
//! at least 3,000 durable events per second on a disk that takes 4 ms to flush. `OOS_BENCH_DIR` names a folder on the
//! disk to measure; without it the target directory is measured.
//!
//! A disk of exactly 4 ms is made of a store that flushes nothing and commits that take 4 ms longer. Its lines say
//! `4 ms`; the others are this machine's disk. A step of an execution that does one thing at a time waits for a flush, so
//! eight of those cannot pass 2,000 events per second on that disk, and sixteen 4,000.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench program")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time and waits for a disk")]

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use oos_core::{
    Limits, Template, Value,
    engine::Engine,
    ports::{EventSink, ExecutionEvent, Outcome, store::ExecutionStore},
    registry::ActionRegistry,
    source::SourceText,
};
use oos_sqlite::{Durability, Options, SqliteStore};
use oos_testkit::HookedStore;

/// Steps of each execution.
const STEPS: usize = 240;
/// The disk of the budget.
const FLUSH: Duration = Duration::from_millis(4);
/// The budget with 8 or more executions on it.
const EVENTS: f64 = 3_000.0;

#[derive(Debug)]
struct Silent;

impl EventSink for Silent {
    fn emit(&self, event: &ExecutionEvent) {
        std::hint::black_box(event);
    }
}

/// Counts what a store is given.
#[derive(Debug, Default)]
struct Counts {
    appends: AtomicU64,
    records: AtomicU64,
}

/// A store whose appends are counted.
struct Counted {
    store: HookedStore<SqliteStore>,
    counts: Arc<Counts>,
}

impl Counted {
    fn open(folder: &Path, options: Options) -> Self {
        let name = format!("{}.db", std::fs::read_dir(folder).unwrap().count());
        let counts = Arc::<Counts>::default();
        let counted = counts.clone();
        let store = HookedStore::new(SqliteStore::open(folder.join(name), options).unwrap(), move |below, write| {
            counted.appends.fetch_add(1, Ordering::Relaxed);
            counted.records.fetch_add(write.records.len() as u64, Ordering::Relaxed);
            Box::pin(async move { below.append(write).await })
        });
        Self { store, counts }
    }

    fn commits(&self) -> u64 {
        self.store.below().stats().commits
    }
}

/// Steps one after the other: never more than one event at a time.
fn sequence() -> Template {
    let mut text = String::from("FormatVersion: OOS-2019-06-01\nTasks:\n");
    for i in 0..STEPS {
        writeln!(text, "  - {{Name: t{i}, Action: Bench::Noop, Properties: {{InstanceId: i-{i}}}}}").unwrap();
    }
    Template::parse_source(SourceText::new("bench", text), &Limits::unlimited()).unwrap()
}

/// The same steps as items of a loop, ten at a time.
fn looped() -> Template {
    let items: Vec<_> = (0..STEPS).map(|i| format!("i-{i}")).collect();
    let items = items.join(", ");
    let text = format!(
        "FormatVersion: OOS-2019-06-01\nTasks:\n  - {{Name: t, Action: Bench::Noop, Properties: {{InstanceId: '{{{{ ACS::TaskLoopItem }}}}'}}, Loop: {{Items: [{items}], RateControl: {{Mode: Concurrency, Concurrency: 10}}}}}}\n"
    );
    Template::parse_source(SourceText::new("bench", text), &Limits::unlimited()).unwrap()
}

/// Work that takes as long as a very fast call, and not always the same, so that outcomes do not come in step.
async fn work(n: usize) {
    tokio::time::sleep(Duration::from_micros(200 + (n as u64 * 7_919) % 800)).await;
}

struct Measured {
    events: f64,
    flushes: f64,
}

fn measure(name: &str, store: &Counted, template: &Template, executions: usize) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let registry = ActionRegistry::new().with_fn("Bench::Noop", move |_| {
        let n = next.fetch_add(1, Ordering::Relaxed);
        async move {
            work(usize::try_from(n % 1_000).unwrap_or(0)).await;
            Ok(Outcome::Done(Value::Null))
        }
    });
    let engine =
        Engine::builder().actions(registry).events(Silent).limits(Limits::unlimited()).store(store.store.clone());
    let engine = engine.build().unwrap();
    let (commits, start) = (store.commits(), Instant::now());
    runtime.block_on(async {
        let mut handles = Vec::new();
        for _ in 0..executions {
            handles.push(engine.start(template, Value::empty_map()).await.unwrap());
        }
        for handle in handles {
            assert_eq!(handle.wait().await.unwrap().status.as_str(), "Success");
        }
    });
    let span = start.elapsed().as_secs_f64();
    let (records, appends) = (load(&store.counts.records), load(&store.counts.appends));
    let commits = store.commits() - commits;
    // A start takes three: header, claim, first record.
    let (steps, starts) = ((executions * STEPS) as u64, 3 * executions as u64);
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let measured = Measured { events: records as f64 / span, flushes: commits as f64 / steps as f64 };
    let Measured { events, flushes } = measured;
    println!(
        "| {name} | {executions} | {events:.0} | {records} | {appends} | {commits} | {flushes:.3} |{}",
        if commits <= steps + starts { "" } else { " above 1 flush per outcome" }
    );
    measured
}

fn at(level: Durability) -> Options {
    Options::default().durability(level)
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The middle flush of a small append to a plain file.
fn plain_flush(folder: &Path) -> Duration {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("plain")).unwrap();
    let mut spans: Vec<_> = (0..200)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[b'x'; 300]).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    spans.sort();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let folder =
        std::env::var_os("OOS_BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), Into::into);
    let folder = folder.join(format!("durability-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    println!("a flush of this disk: {:.2?} (the budget's disk: {FLUSH:?})\n", plain_flush(&folder));
    println!("| store, steps | executions | events/s | records | appends | flushes or commits | per step outcome |");
    println!("|---|---|---|---|---|---|---|");
    let (sequence, looped) = (sequence(), looped());
    for level in [Durability::Full, Durability::Process, Durability::Memory] {
        for executions in [1, 8, 64] {
            measure(&format!("{level:?}, in order"), &Counted::open(&folder, at(level)), &sequence, executions);
        }
        measure(&format!("{level:?}, loop of 10"), &Counted::open(&folder, at(level)), &looped, 8);
    }
    let mut verdicts = Vec::new();
    for (name, template) in [("4 ms, in order", &sequence), ("4 ms, loop of 10", &looped)] {
        for executions in [1, 8, 16, 64] {
            let slow = at(Durability::Process).slow_disk(FLUSH);
            let found = measure(name, &Counted::open(&folder, slow), template, executions);
            if executions >= 8 {
                verdicts.push((name, executions, found));
            }
        }
    }
    println!();
    for (name, executions, found) in verdicts {
        let verdict = if found.events >= EVENTS { "within" } else { "below" };
        let Measured { events, flushes } = found;
        println!(
            "{name}, {executions} executions: {events:.0} events/s ({verdict} {EVENTS}), {flushes:.3} flushes per outcome"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
