//! What became of the task behind a node of a flow chart.
//!
//! One node can stand for many runs: a task below a loop ran once for each item. Then the node tells the worst status
//! and how many there are of each.

use std::collections::BTreeMap;

use super::{
    trace::{ExecutionTrace, TaskTrace},
    words::{firings, length, loop_words},
};
use crate::{Timestamp, machine::TaskStatus, plan::TaskPlan};

/// The outcome of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) status: TaskStatus,
    /// Lines for the node: status and length, counts.
    pub(super) lines: Vec<String>,
    /// The first failure text.
    pub(super) message: Option<String>,
}

/// From harmless to bad; what needs a person's eye goes before what goes on by itself.
const WORSE: [TaskStatus; 7] = [
    TaskStatus::Pending,
    TaskStatus::Skipped,
    TaskStatus::Success,
    TaskStatus::Cancelled,
    TaskStatus::Running,
    TaskStatus::Waiting,
    TaskStatus::Failed,
];

/// The last run of a task in each of these executions.
pub(super) fn runs_of<'t>(executions: &[&'t ExecutionTrace], task: &TaskPlan) -> Vec<&'t TaskTrace> {
    executions.iter().filter_map(|e| e.task(task.name.as_str())).collect()
}

/// The newest children of these runs and of their items.
pub(super) fn children_of<'t>(runs: &[&'t TaskTrace]) -> Vec<&'t ExecutionTrace> {
    let with_items = |run: &&'t TaskTrace| {
        let run: &'t TaskTrace = run;
        std::iter::once(run).chain(run.items.values()).collect::<Vec<_>>()
    };
    runs.iter().flat_map(with_items).filter_map(TaskTrace::child).collect()
}

impl Outcome {
    /// `None` when the task was not reached.
    pub(super) fn of(runs: &[&TaskTrace], now: Timestamp) -> Option<Self> {
        let rank = |status: TaskStatus| WORSE.iter().position(|s| *s == status);
        let status = runs.iter().map(|r| r.status()).max_by_key(|s| rank(*s))?;
        let mut lines = match runs {
            [run] => one(run, status, now),
            many => vec![counts(many)],
        };
        lines.retain(|line| !line.is_empty());
        let message = runs.iter().find_map(|r| r.message.as_deref()).map(str::to_owned);
        Some(Self { status, lines, message })
    }
}

fn one(run: &TaskTrace, status: TaskStatus, now: Timestamp) -> Vec<String> {
    let mut first = vec![status.to_string()];
    if let Some(started) = run.started {
        first.push(length(run.ended.unwrap_or(now).since(started)));
    }
    if run.attempts > 1 {
        first.push(format!("{} attempts", run.attempts));
    }
    if run.run > 1 {
        first.push(format!("run {}", run.run));
    }
    if run.is_trigger() && !run.children.is_empty() {
        first.push(firings(run.children.len()));
    }
    let waiting = run.waiting_for().map(|w| w.as_str().to_owned());
    vec![first.join(" · "), waiting.unwrap_or_default(), run.counts.map(loop_words).unwrap_or_default()]
}

fn counts(runs: &[&TaskTrace]) -> String {
    let mut counts = BTreeMap::<TaskStatus, usize>::new();
    for run in runs {
        *counts.entry(run.status()).or_default() += 1;
    }
    counts.iter().map(|(status, n)| format!("{n} {status}")).collect::<Vec<_>>().join(", ")
}
