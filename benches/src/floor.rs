//! The floor: substitute five template fields, one boxed virtual call to a no-op action, two journal events appended
//! in memory, ordered output. Nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::Value;

/// A no-op behind a trait object.
#[async_trait]
pub trait Work: Send + Sync {
    /// Does nothing with its input.
    async fn run(&self, input: Vec<(&'static str, String)>) -> Value;
}

/// The no-op.
#[derive(Debug)]
pub struct Noop;

#[async_trait]
impl Work for Noop {
    async fn run(&self, input: Vec<(&'static str, String)>) -> Value {
        std::hint::black_box(input);
        Value::Null
    }
}

/// A journal in memory.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<Event>>);

#[derive(Debug)]
struct Event {
    _at: std::time::SystemTime,
    _task: Arc<str>,
    _action: Arc<str>,
    _output: Value,
}

impl Journal {
    #[expect(clippy::disallowed_methods, reason = "the floor reads a clock, as an engine does")]
    fn append(&self, task: &Arc<str>, action: &Arc<str>, output: Value) {
        let event =
            Event { _at: std::time::SystemTime::now(), _task: task.clone(), _action: action.clone(), _output: output };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// Five fields, three of them with an expression.
fn substitute(region: &str, item: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Service", "ECS".to_owned()),
        ("API", "DescribeInstances".to_owned()),
        ("RegionId", region.to_owned()),
        ("InstanceId", item.to_owned()),
        ("Name", format!("run-{item}-in-{region}")),
    ]
}

async fn step(journal: &Journal, work: &dyn Work, task: &Arc<str>, action: &Arc<str>, item: &str) -> Value {
    let input = substitute("cn-hangzhou", item);
    journal.append(task, action, Value::Null);
    let output = work.run(input).await;
    journal.append(task, action, output.clone());
    output
}

/// `seq N`: no-op tasks in order.
pub async fn sequence(n: usize) -> Vec<Value> {
    let (journal, work): (_, Box<dyn Work>) = (Journal::default(), Box::new(Noop));
    let action: Arc<str> = "Bench::Noop".into();
    let mut outputs = Vec::with_capacity(n);
    for i in 0..n {
        let task: Arc<str> = format!("t{i}").into();
        outputs.push(step(&journal, &*work, &task, &action, "i-1").await);
    }
    outputs
}

/// `map N`: a loop over N items, at most 100 at once, ordered output.
pub async fn map(n: usize) -> Vec<Value> {
    let (journal, work): (_, Box<dyn Work>) = (Journal::default(), Box::new(Noop));
    let (task, action): (Arc<str>, Arc<str>) = ("t".into(), "Bench::Noop".into());
    let mut outputs = vec![Value::Null; n];
    let (journal, work, task, action) = (&journal, &*work, &task, &action);
    let child = |i: usize| async move { (i, step(journal, work, task, action, &format!("i-{i}")).await) };
    let mut next = 0;
    let mut running = FuturesUnordered::new();
    while next < n || !running.is_empty() {
        while next < n && running.len() < 100 {
            running.push(child(next));
            next += 1;
        }
        if let Some((i, output)) = running.next().await
            && let Some(slot) = outputs.get_mut(i)
        {
            *slot = output;
        }
    }
    outputs
}

/// `executions N`: that many runs of five steps at once, each a task of the runtime.
#[expect(clippy::disallowed_methods, reason = "a hand-written program spawns where it likes")]
pub async fn executions(n: usize) -> usize {
    let runs = (0..n).map(|_| tokio::spawn(sequence(5)));
    let mut steps = 0;
    for run in futures::future::join_all(runs).await {
        steps += run.map_or(0, |outputs| outputs.len());
    }
    steps
}
