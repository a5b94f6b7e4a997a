//! One execution in a bed: what came of it, and assertions about it that say why when they fail.

use std::time::Duration;

use oos_core::{
    ExecutionId, Timestamp, Value,
    engine::{ExecutionHandle, Finished},
    machine::{ExecutionStatus, MachineReport, TaskStatus},
    ports::{ExecutionEvent, control::WaitingFor, event::EventKind, index::ExecutionQuery},
};

use super::{FailureView, OutputView, TaskView, TestBed};
use crate::calls::{Matcher, masked};

/// An execution in a bed.
#[derive(Clone, Debug)]
pub struct Run {
    bed: TestBed,
    handle: ExecutionHandle,
    started: Timestamp,
}

impl Run {
    pub(super) fn new(bed: TestBed, handle: ExecutionHandle) -> Self {
        let started = bed.clock().now();
        Self { bed, handle, started }
    }

    /// Its id.
    pub fn id(&self) -> &ExecutionId {
        self.handle.id()
    }

    /// Its handle.
    pub fn handle(&self) -> &ExecutionHandle {
        &self.handle
    }

    /// How it ended, if it has.
    pub fn finished(&self) -> Option<Finished> {
        self.handle.finished().and_then(Result::ok)
    }

    /// Its status: final, or as its machines say.
    pub fn status(&self) -> ExecutionStatus {
        match self.finished() {
            Some(finished) => finished.status,
            None => self.reports().first().map_or(ExecutionStatus::Started, |r| r.status),
        }
    }

    /// Reports of its living machines, root first; empty when it has ended.
    pub fn reports(&self) -> Vec<MachineReport> {
        if self.finished().is_some() {
            return Vec::new();
        }
        let handle = self.handle.clone();
        self.bed.block_on(async move { handle.report().await })
    }

    /// Its outputs: a map; null before the end.
    pub fn outputs(&self) -> Value {
        self.finished().map(|f| f.outputs).unwrap_or_default()
    }

    /// One output.
    ///
    /// # Panics
    /// When there is no such output.
    #[track_caller]
    pub fn output(&self, name: &str) -> OutputView {
        match self.outputs().get(name) {
            Some(value) => OutputView::new(self, name, value),
            None => self.complain(&format!("there is no output `{name}`")),
        }
    }

    /// The text of `StatusMessage`.
    pub fn message(&self) -> Option<String> {
        self.finished().and_then(|f| f.message())
    }

    /// Asserts a final status.
    ///
    /// # Panics
    /// With the report when it is another.
    #[track_caller]
    pub fn expect_status(&self, expected: ExecutionStatus) -> &Self {
        if self.status() != expected {
            let message = self.message().map(|m| format!(": {m}")).unwrap_or_default();
            self.complain(&format!("expected {expected}, found {}{message}", self.status()));
        }
        self
    }

    /// Asserts Success.
    ///
    /// # Panics
    /// As [`Run::expect_status`].
    #[track_caller]
    pub fn expect_success(&self) -> &Self {
        self.expect_status(ExecutionStatus::Success)
    }

    /// The same, as in the first example of the documentation.
    ///
    /// # Panics
    /// As [`Run::expect_status`].
    #[track_caller]
    pub fn assert_success(&self) -> &Self {
        self.expect_success()
    }

    /// Asserts Failed and gives the error.
    ///
    /// # Panics
    /// As [`Run::expect_status`].
    #[track_caller]
    pub fn expect_failure(&self) -> FailureView {
        self.expect_status(ExecutionStatus::Failed);
        match self.finished().and_then(|f| f.failure) {
            Some(failure) => FailureView::new(self.clone(), failure.error),
            None => self.complain(&format!("a failed execution has no error")),
        }
    }

    /// The error of an execution that has failed or was cancelled; the same as [`Run::expect_failure`], where that
    /// reads better.
    ///
    /// # Panics
    /// With the report when there is none.
    #[track_caller]
    pub fn error(&self) -> FailureView {
        match self.finished().and_then(|f| f.failure) {
            Some(failure) => FailureView::new(self.clone(), failure.error),
            None => self.complain(&format!("{} has no error", self.status())),
        }
    }

    /// Asserts the outputs: a map is matched as a [`subset`](crate::calls::subset).
    ///
    /// # Panics
    /// With the report when they are others.
    #[track_caller]
    pub fn expect_outputs(&self, expected: impl Into<Matcher>) -> &Self {
        let expected = expected.into();
        if !expected.matches(&self.outputs()) {
            self.complain(&format!("the outputs are {}, not {expected:?}", masked(&self.outputs())));
        }
        self
    }

    /// Asserts that a task waits for people.
    ///
    /// # Panics
    /// With the report when it does not.
    #[track_caller]
    pub fn assert_waiting_for_approval(&self, task: &str) -> &Self {
        let waits = self.reports().iter().flat_map(|r| r.tasks.iter()).any(|t| {
            let approval = |s: &oos_core::machine::StepReport| {
                s.waiting.as_ref().is_some_and(|w| w.waiting_for == Some(WaitingFor::Approval))
            };
            t.name == task.into() && t.steps.iter().any(approval)
        });
        if !waits {
            self.complain(&format!("`{task}` does not wait for an approval"));
        }
        self
    }

    /// Events of the execution and its children, in order.
    pub fn events(&self) -> Vec<ExecutionEvent> {
        self.bed.events().of(self.id())
    }

    /// Virtual time from start to end, or to now.
    pub fn virtual_time(&self) -> Duration {
        let end = self.events().iter().find_map(|e| match &e.kind {
            EventKind::ExecutionEnded { .. } if e.execution == *self.id() => Some(e.at),
            _ => None,
        });
        end.unwrap_or_else(|| self.bed.clock().now()).since(self.started)
    }

    /// When its timer trigger fires next, if it waits for that.
    pub fn next_schedule_time(&self) -> Option<Timestamp> {
        let index = self.bed.engine().index().clone();
        let query = ExecutionQuery { id: Some(self.id().clone()), ..ExecutionQuery::default() };
        let page = self.bed.block_on(async move { index.list(&query).await }).ok()?;
        let row = page.rows.first()?;
        Timestamp::parse(row.trigger.get("NextScheduleTime")?.as_str()?).ok()
    }

    /// The same, as in the first example of the documentation.
    pub fn virtual_elapsed(&self) -> Duration {
        self.virtual_time()
    }

    /// When it was started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Calls that this execution or its children made.
    pub fn calls(&self, service: &str, api: &str) -> crate::Calls {
        let root = self.id().clone();
        let below = format!("{root}.");
        self.bed.cloud().calls().of(service, api).when(move |call| {
            call.origin.execution.as_ref().is_some_and(|id| *id == root || id.as_str().starts_with(&below))
        })
    }

    /// A task of the root execution.
    ///
    /// # Panics
    /// When it was never reached.
    #[track_caller]
    pub fn task(&self, name: &str) -> TaskView {
        self.task_of(self.id(), name)
    }

    /// A task of a child, by the child's execution id.
    ///
    /// # Panics
    /// When it was never reached.
    #[track_caller]
    pub fn task_of(&self, execution: &ExecutionId, name: &str) -> TaskView {
        let view = TaskView::of(self, &self.events(), execution, name);
        match view {
            Some(view) => view,
            None => self.complain(&format!("task `{name}` was never reached")),
        }
    }

    /// Asserts that tasks were skipped.
    ///
    /// # Panics
    /// With the report when one was not.
    #[track_caller]
    pub fn skipped<const N: usize>(&self, names: [&str; N]) -> &Self {
        for name in names {
            let status = self.task(name).status;
            if status != TaskStatus::Skipped {
                self.complain(&format!("`{name}` is {status}, not Skipped"));
            }
        }
        self
    }

    /// The most items of a looped task of the root that were in flight at once.
    pub fn most_items_in_flight(&self, task: &str) -> usize {
        let (mut now, mut most) = (0_usize, 0);
        for event in self.events().iter().filter(|e| e.execution == *self.id()) {
            match &event.kind {
                EventKind::StepStarted { key, .. } if key.item.is_some() && key.task == task.into() => {
                    now += 1;
                    most = most.max(now);
                }
                EventKind::StepEnded { key, .. } if key.item.is_some() && key.task == task.into() => now -= 1,
                _ => {}
            }
        }
        most
    }

    /// True when the task was reached.
    pub fn reached(&self, name: &str) -> bool {
        TaskView::of(self, &self.events(), self.id(), name).is_some()
    }

    /// Ids of child executions, in order of their start.
    pub fn children(&self) -> Vec<ExecutionId> {
        let started = self.events().into_iter().filter_map(|e| match e.kind {
            EventKind::ExecutionStarted { parent: Some((parent, _)), .. } if parent == *self.id() => Some(e.execution),
            _ => None,
        });
        started.collect()
    }

    /// How an execution of this run ended.
    pub fn end_of(&self, execution: &ExecutionId) -> Option<(ExecutionStatus, Value)> {
        self.events().into_iter().find_map(|e| match e.kind {
            EventKind::ExecutionEnded { status, outputs, .. } if e.execution == *execution => Some((status, outputs)),
            _ => None,
        })
    }

    pub(super) fn bed(&self) -> &TestBed {
        &self.bed
    }
}
