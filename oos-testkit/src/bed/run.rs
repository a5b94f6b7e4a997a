//! One execution in a bed: what came of it, and assertions about it that say why when they fail.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use oos_core::{
    ExecutionId, Timestamp, Value,
    engine::{ExecutionHandle, Finished},
    machine::{ExecutionStatus, MachineReport, TaskStatus},
    ports::{ExecutionEvent, control::WaitingFor, event::EventKind, index::ExecutionQuery},
};

use super::{FailureView, TestBed};
use crate::calls::fail;

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
            Some(value) => OutputView { name: name.to_owned(), value: value.clone() },
            None => fail(&format!("there is no output `{name}`\n{}", self.report())),
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
            fail(&format!("expected {expected}, found {}\n{}", self.status(), self.report()));
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
            None => fail(&format!("a failed execution has no error\n{}", self.report())),
        }
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
            fail(&format!("`{task}` does not wait for an approval\n{}", self.report()));
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
        let view = TaskView::of(&self.events(), execution, name);
        match view {
            Some(view) => view,
            None => fail(&format!("task `{name}` was never reached\n{}", self.report())),
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
                fail(&format!("`{name}` is {status}, not Skipped\n{}", self.report()));
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
        TaskView::of(&self.events(), self.id(), name).is_some()
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

/// A task of a run, as its events tell.
#[derive(Clone, Debug)]
pub struct TaskView {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: TaskStatus,
    /// Its failure text.
    pub message: Option<Arc<str>>,
    /// Its outputs: a map, or null.
    pub outputs: Value,
    /// Attempts of its last run, of a task without loop.
    pub attempts: u32,
    /// When it was first entered.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    items: BTreeMap<u32, TaskStatus>,
}

impl TaskView {
    fn of(events: &[ExecutionEvent], execution: &ExecutionId, name: &str) -> Option<Self> {
        let mut view: Option<Self> = None;
        let name_of = |key: &oos_core::ids::StepKey| key.task.as_str().eq_ignore_ascii_case(name);
        for event in events.iter().filter(|e| e.execution == *execution) {
            let new = || Self {
                name: name.to_owned(),
                status: TaskStatus::Running,
                message: None,
                outputs: Value::Null,
                attempts: 0,
                started: None,
                ended: None,
                items: BTreeMap::new(),
            };
            match &event.kind {
                EventKind::StepStarted { key, .. } if name_of(key) => {
                    let view = view.get_or_insert_with(new);
                    match key.item {
                        Some(item) => {
                            view.items.insert(item, TaskStatus::Running);
                        }
                        None => {
                            view.started = view.started.or(Some(event.at));
                            (view.status, view.attempts) = (TaskStatus::Running, 1);
                        }
                    }
                }
                EventKind::Retrying { key, .. } if name_of(key) && key.item.is_none() => {
                    view.get_or_insert_with(new).attempts = key.attempt + 1;
                }
                EventKind::StepWaiting { key, .. } if name_of(key) && key.item.is_none() => {
                    view.get_or_insert_with(new).status = TaskStatus::Waiting;
                }
                EventKind::StepEnded { key, status, message, outputs } if name_of(key) => {
                    let view = view.get_or_insert_with(new);
                    match key.item {
                        Some(item) => {
                            view.items.insert(item, *status);
                        }
                        None => {
                            (view.status, view.ended) = (*status, Some(event.at));
                            (view.message, view.outputs) = (message.clone(), outputs.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        view
    }

    /// Asserts the status.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn status(&self, expected: TaskStatus) -> &Self {
        if self.status != expected {
            fail(&format!("task `{}` is {}, not {expected}: {:?}", self.name, self.status, self.message));
        }
        self
    }

    /// Asserts the number of attempts.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn attempts(&self, expected: u32) -> &Self {
        if self.attempts != expected {
            fail(&format!("task `{}` took {} attempts, not {expected}", self.name, self.attempts));
        }
        self
    }

    /// Asserts the virtual time from entry to end.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn took(&self, expected: Duration) -> &Self {
        let took = self.ended.zip(self.started).map(|(end, start)| end.since(start));
        if took != Some(expected) {
            fail(&format!("task `{}` took {took:?}, not {expected:?}", self.name));
        }
        self
    }

    /// The items of a looped task.
    pub fn items(&self) -> ItemsView {
        ItemsView { name: self.name.clone(), items: self.items.iter().map(|(n, s)| (*n, *s)).collect() }
    }
}

/// Items of a looped task; indices count from 0, as in a list.
#[derive(Clone, Debug)]
pub struct ItemsView {
    name: String,
    items: Vec<(u32, TaskStatus)>,
}

impl ItemsView {
    fn of(&self, status: TaskStatus) -> Self {
        let items = self.items.iter().copied().filter(|(_, s)| *s == status).collect();
        Self { name: self.name.clone(), items }
    }

    /// Those that failed.
    #[must_use]
    pub fn failed(&self) -> Self {
        self.of(TaskStatus::Failed)
    }

    /// Those that succeeded.
    #[must_use]
    pub fn succeeded(&self) -> Self {
        self.of(TaskStatus::Success)
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True without items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Asserts which they are, by index from 0.
    ///
    /// # Panics
    /// When they are others.
    #[track_caller]
    pub fn eq(&self, expected: &[u32]) {
        let found: Vec<u32> = self.items.iter().map(|(n, _)| n - 1).collect();
        if found != expected {
            fail(&format!("items of `{}` are {found:?}, not {expected:?}", self.name));
        }
    }
}

/// One output of a run.
#[derive(Clone, Debug)]
pub struct OutputView {
    name: String,
    value: Value,
}

impl OutputView {
    /// The value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Asserts the value.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn eq(&self, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        if self.value != expected {
            fail(&format!("output `{}` is {}, not {expected}", self.name, self.value));
        }
        self
    }

    /// Asserts that a list holds a value that many times.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn list_contains(&self, member: impl Into<Value>, times: usize) -> &Self {
        let member = member.into();
        let found = self.value.as_list().unwrap_or_default().iter().filter(|v| **v == member).count();
        if found != times {
            fail(&format!("output `{}` holds {member} {found} times, not {times}: {}", self.name, self.value));
        }
        self
    }
}
