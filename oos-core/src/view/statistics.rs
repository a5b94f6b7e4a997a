//! Numbers of a run.

use std::{collections::BTreeMap, time::Duration};

use super::trace::{ExecutionTrace, TaskTrace, Trace};
use crate::machine::TaskStatus;

/// Numbers over a whole trace, children included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Events taken.
    pub events: u64,
    /// Executions, roots included.
    pub executions: u32,
    /// Runs of tasks by status; items are not among them.
    pub tasks: BTreeMap<TaskStatus, u32>,
    /// Loop items by status, as far as they have begun.
    pub items: BTreeMap<TaskStatus, u32>,
    /// Attempts after the first, of tasks and items.
    pub retries: u32,
    /// API calls.
    pub calls: u32,
    /// API calls that failed.
    pub failed_calls: u32,
    /// From the start of the first root to its end, or to the present.
    pub took: Duration,
}

impl Trace {
    /// Numbers over the whole trace.
    pub fn statistics(&self) -> Statistics {
        let took = self.root().map(|root| root.ended.unwrap_or(self.now).since(root.started)).unwrap_or_default();
        let mut statistics = Statistics { events: self.events, took, ..Statistics::default() };
        self.roots.iter().for_each(|root| statistics.add(root));
        statistics
    }
}

impl Statistics {
    fn add(&mut self, execution: &ExecutionTrace) {
        self.executions += 1;
        for task in &execution.tasks {
            *self.tasks.entry(task.status()).or_default() += 1;
            self.add_step(task);
            for item in task.items() {
                *self.items.entry(item.status()).or_default() += 1;
                self.add_step(item);
            }
        }
    }

    fn add_step(&mut self, step: &TaskTrace) {
        self.retries += step.retries();
        self.calls += step.calls.0;
        self.failed_calls += step.calls.1;
        step.children.iter().for_each(|child| self.add(child));
    }
}
