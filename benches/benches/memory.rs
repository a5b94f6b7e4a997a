//! What an execution keeps in memory, and that an item of a long loop costs what an item of a short one costs:
//! `cargo bench -p oos-benches --bench memory`.
//!
//! The loop has a child of two steps and a window of 100. Journal and rows are "on disk": a store that takes everything
//! and keeps only what a restart would need to be refused. Bytes are those that the allocator has given out.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench program")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use oos_benches::{least, per_step};
use oos_core::{
    ExecutionId, Limits, Template, Timestamp,
    engine::Engine,
    machine::{SignalKind, SignalTarget},
    params,
    ports::{
        Clock, EventSink, ExecutionEvent, Outcome,
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, StoreError},
    },
    registry::ActionRegistry,
};
use oos_testkit::prelude::*;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const WINDOW: usize = 100;
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const IDLE: usize = 10_000;

/// As if on disk: nothing stays in memory.
#[derive(Debug, Default)]
struct Disk {
    bytes: AtomicUsize,
}

#[async_trait::async_trait]
impl ExecutionStore for Disk {
    async fn create(&self, _: &ExecutionHeader) -> Result<(), StoreError> {
        Ok(())
    }
    async fn append(&self, write: JournalWrite) -> Result<(), StoreError> {
        let snapshot = write.snapshot.map_or(0, |s| s.bytes.len());
        self.bytes.fetch_add(snapshot, Ordering::Relaxed);
        Ok(())
    }
    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        Err(StoreError::NotFound(id.to_string().into()))
    }
}

#[async_trait::async_trait]
impl ExecutionIndex for Disk {
    async fn claim(&self, _: &ExecutionId, _: &OwnerId, _: Timestamp, _: Timestamp) -> Result<Epoch, StoreError> {
        Ok(Epoch(1))
    }
    async fn renew(&self, _: &OwnerId, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
    async fn list(&self, _: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        Ok(Page { rows: Vec::new(), total: 0 })
    }
    async fn remove(&self, _: &[ExecutionId]) -> Result<(), StoreError> {
        Ok(())
    }
}

#[derive(Debug)]
struct Silent;

impl EventSink for Silent {
    fn emit(&self, event: &ExecutionEvent) {
        std::hint::black_box(event);
    }
}

const CHILD: &str = "
FormatVersion: OOS-2019-06-01
Parameters: {id: {Type: String}}
Tasks:
  - {Name: one, Action: Bench::Step, Properties: {id: '{{ id }}'}, Outputs: {id: {Type: String, ValueSelector: id}}}
  - {Name: two, Action: Bench::Step, Properties: {id: '{{ one.id }}'}, Outputs: {id: {Type: String, ValueSelector: id}}}
Outputs: {id: {Type: String, Value: '{{ two.id }}'}}
";

const LOOP: &str = "
FormatVersion: OOS-2019-06-01
Parameters: {ids: {Type: List}}
Tasks:
  - Name: many
    Action: Bench::Child
    Properties: {id: '{{ ACS::TaskLoopItem }}'}
    Outputs: {id: {Type: String, ValueSelector: id}}
    Loop:
      Items: '{{ ids }}'
      RateControl: {Mode: Concurrency, Concurrency: 100, MaxErrors: 0}
      Outputs: {ids: {AggregateType: 'Fn::ListJoin', AggregateField: id}}
Outputs: {ids: {Type: List, Value: '{{ many.ids }}'}}
";

fn used() -> usize {
    HEAP.current_usage()
}

/// Bytes in use when so many steps have ended.
#[derive(Debug, Default)]
struct Samples {
    steps: AtomicU64,
    first: AtomicUsize,
    last: AtomicUsize,
}

fn engine(samples: &Arc<Samples>, from: u64, to: u64) -> Engine {
    let samples = samples.clone();
    let registry = ActionRegistry::new().with_fn("Bench::Step", move |ctx| {
        let n = samples.steps.fetch_add(1, Ordering::Relaxed) + 1;
        if n == from {
            samples.first.store(used(), Ordering::Relaxed);
        } else if n == to {
            samples.last.store(used(), Ordering::Relaxed);
        }
        async move { Ok(Outcome::Done(params! { "id" => ctx.raw_properties().at(&["id"]).clone() })) }
    });
    let registry = registry.with_templates(oos_actions::product::MemoryTemplates::new().with("Bench::Child", CHILD));
    Engine::builder()
        .actions(registry)
        .events(Silent)
        .limits(Limits::unlimited())
        .store(Disk::default())
        .build()
        .unwrap()
}

fn items(n: usize) -> Value {
    (0..n).map(|i| Value::from(format!("i-bp1bench{i:09}"))).collect()
}

/// Runs a loop; gives the growth per finished item between a tenth of it and nearly all of it.
fn run_loop(runtime: &tokio::runtime::Runtime, n: usize) -> f64 {
    let (early, late) = (n / 10, n - WINDOW);
    let samples = Arc::new(Samples::default());
    let engine = engine(&samples, early as u64 * 2, late as u64 * 2);
    let template = Template::parse(LOOP).unwrap();
    runtime.block_on(async {
        let started = engine.start(&template, params! { "ids" => items(n) }).await.unwrap();
        let finished = started.wait().await.unwrap();
        assert_eq!(finished.status.as_str(), "Success");
        assert_eq!(finished.outputs.at(&["ids"]).as_list().map(<[_]>::len), Some(n));
    });
    let grown = samples.last.load(Ordering::Relaxed) as f64 - samples.first.load(Ordering::Relaxed) as f64;
    grown / (late - early) as f64
}

/// Bytes of one aggregated output: a value, and its text on the heap.
fn output_bytes() -> f64 {
    let before = used();
    let outputs: Vec<Value> = (0..10_000).map(|i| Value::from(format!("i-bp1bench{i:09}"))).collect();
    let grown = used() - before;
    drop(outputs);
    grown as f64 / 10_000.0
}

fn loops(runtime: &tokio::runtime::Runtime) {
    let output = output_bytes();
    println!("one aggregated output            {output:>8.0} bytes");
    let mut costs = Vec::new();
    for n in SIZES {
        let grown = run_loop(runtime, n);
        let rounds = if n > 10_000 { 2 } else { 4 };
        let time = least(rounds, || run_loop(runtime, n));
        let cost = per_step(time, n);
        costs.push(cost);
        let above = grown - output;
        let verdict = if above < 300.0 { "within" } else { "above" };
        println!(
            "{n:>7} items: {cost:>7.2} us per item, {grown:>6.0} bytes per finished item, {above:>6.0} above its output ({verdict} 300)"
        );
    }
    if let [first, .., last] = costs.as_slice() {
        println!("cost of an item at 100,000 to 1,000: {:.2}", last / first);
    }
}

fn idle(runtime: &tokio::runtime::Runtime, what: &str, task: &str) {
    let engine =
        Engine::builder().actions(oos_actions::standard()).events(Silent).limits(Limits::unlimited()).build().unwrap();
    let text = format!("FormatVersion: OOS-2019-06-01\nParameters: {{id: {{Type: String}}}}\nTasks:\n  - {{{task}}}\n");
    let template = Template::parse(&text).unwrap();
    runtime.block_on(async {
        let warm = engine.start(&template, params! { "id" => "warm" }).await.unwrap();
        tokio::task::yield_now().await;
        let before = used();
        let mut handles = Vec::with_capacity(IDLE);
        for i in 0..IDLE {
            handles.push(engine.start(&template, params! { "id" => format!("i-{i:09}") }).await.unwrap());
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let each = (used() - before) / IDLE;
        let verdict = if each < 10_240 { "within" } else { "above" };
        println!(
            "{IDLE} executions waiting for {what}: {each} bytes each, journal and row in memory ({verdict} 10 KB)"
        );
        // They are alive: one hears its signal.
        handles.push(warm);
        let last = handles.last().unwrap();
        last.send("bench", SignalTarget::default(), SignalKind::Cancel).await.unwrap();
        assert_eq!(last.wait().await.unwrap().status.as_str(), "Cancelled");
    });
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let clock = oos_core::engine::TokioClock;
    println!("measured from {}", clock.now().to_iso());
    loops(&runtime);
    idle(&runtime, "somebody", "Name: ask, Action: ACS::Pause, Properties: {Description: '{{ id }}'}");
    idle(&runtime, "a timer", "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT720H}");
}
