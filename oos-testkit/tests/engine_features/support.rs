//! A world that several engines share: one store, one cloud, and an action that does what its properties say.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use oos_core::{
    ExecutionId, Value,
    engine::{ExecutionHandle, MemoryStore, StartOptions},
    machine::{SignalKind, SignalTarget},
    ports::{
        action::{Action, ActionContext, ActionError, Outcome},
        store::{ExecutionStore, Journal},
    },
};
use oos_testkit::{FaultyStore, prelude::*};

/// Fails while its property `broken` says so, with a message that shows its properties; else answers with them.
#[derive(Clone, Debug)]
pub(crate) struct Do {
    name: oos_core::ActionName,
    pub(crate) calls: Arc<AtomicU64>,
    /// Values of `of` that fail.
    pub(crate) broken: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Do {
    pub(crate) fn new() -> Self {
        Self { name: "Acme::Do".into(), calls: Arc::default(), broken: Arc::default() }
    }

    pub(crate) fn breaking(self, of: &[&str]) -> Self {
        *self.broken.lock().unwrap() = of.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn repair(&self) {
        self.broken.lock().unwrap().clear();
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl Action for Do {
    fn name(&self) -> &oos_core::ActionName {
        &self.name
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let of = ctx.raw_properties().at(&["of"]).to_text();
        if self.broken.lock().unwrap().iter().any(|b| **b == *of) {
            return Err(ActionError::failed("Broken", format!("cannot do {}", ctx.raw_properties())));
        }
        Ok(Outcome::Done(ctx.raw_properties().clone()))
    }
}

pub(crate) struct World {
    pub(crate) cloud: FakeCloud,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) action: Do,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(MemoryStore::new())
    }

    pub(crate) fn over(store: MemoryStore) -> Self {
        Self { cloud: FakeCloud::at("2026-01-05T10:00:00Z"), store: Arc::new(store), action: Do::new() }
    }

    /// Another process over the same store and cloud.
    pub(crate) fn bed(&self) -> TestBed {
        self.bed_over(FaultyStore::over(self.store.clone()))
    }

    pub(crate) fn bed_over(&self, store: FaultyStore<MemoryStore>) -> TestBed {
        TestBed::on(&self.cloud).store(store).register(self.action.clone())
    }

    pub(crate) fn faulty(&self) -> FaultyStore<MemoryStore> {
        FaultyStore::over(self.store.clone())
    }

    pub(crate) fn journal(&self, id: &ExecutionId) -> Journal {
        use futures::FutureExt;
        self.store.load(id).now_or_never().unwrap().unwrap()
    }
}

pub(crate) fn named(id: &str) -> StartOptions {
    StartOptions { id: Some(id.into()), ..StartOptions::default() }
}

pub(crate) fn template(sections: &str, tasks: &[&str]) -> String {
    let tasks: Vec<_> = tasks.iter().map(|task| format!("  - {{{task}}}\n")).collect();
    format!("FormatVersion: OOS-2019-06-01\n{sections}\nTasks:\n{}", tasks.concat())
}

pub(crate) fn resume(bed: &TestBed, id: &ExecutionId) -> ExecutionHandle {
    let (engine, id) = (bed.engine().clone(), id.clone());
    bed.block_on(async move { engine.resume(&id).await }).unwrap()
}

pub(crate) fn send(
    bed: &TestBed,
    handle: &ExecutionHandle,
    kind: SignalKind,
) -> Result<(), oos_core::engine::SignalError> {
    let handle = handle.clone();
    bed.block_on(async move { handle.send("tester", SignalTarget::default(), kind).await })
}

pub(crate) fn reports(bed: &TestBed, handle: &ExecutionHandle) -> Vec<oos_core::machine::MachineReport> {
    let handle = handle.clone();
    bed.block_on(async move { handle.report().await })
}

/// Everything of a journal as text.
pub(crate) fn text(journal: &Journal) -> String {
    let records = journal.records.iter().map(|r| String::from_utf8(r.encode().unwrap()).unwrap());
    let snapshot = journal.snapshot.iter().map(|s| String::from_utf8_lossy(&s.bytes).into_owned());
    records.chain(snapshot).collect::<Vec<_>>().join("\n")
}

pub(crate) fn nothing() -> Value {
    Value::empty_map()
}
