//! A task, its items and an output of a run, with assertions that show the report when they fail.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use oos_core::{
    ExecutionId, Timestamp, Value,
    machine::TaskStatus,
    ports::{ExecutionEvent, event::EventKind},
};

use super::Run;
use crate::calls::Count;

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
    run: Run,
}

impl TaskView {
    pub(super) fn of(run: &Run, events: &[ExecutionEvent], execution: &ExecutionId, name: &str) -> Option<Self> {
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
                run: run.clone(),
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

    #[track_caller]
    fn complain(&self, what: &str) -> ! {
        self.run.complain(&format!("task `{}` {what}", self.name))
    }

    /// Asserts the status.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn status(&self, expected: TaskStatus) -> &Self {
        if self.status != expected {
            self.complain(&format!("is {}, not {expected}: {:?}", self.status, self.message));
        }
        self
    }

    /// Asserts the number of attempts.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn attempts(&self, expected: impl Count) -> &Self {
        if !usize::try_from(self.attempts).is_ok_and(|n| expected.takes(n)) {
            self.complain(&format!("took {} attempts, not {expected:?}", self.attempts));
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
            self.complain(&format!("took {took:?}, not {expected:?}"));
        }
        self
    }

    /// The items of a looped task.
    pub fn items(&self) -> ItemsView {
        let items = self.items.iter().map(|(n, s)| (*n, *s)).collect();
        ItemsView { name: self.name.clone(), items, run: self.run.clone() }
    }
}

/// Items of a looped task; indices count from 0, as in a list.
#[derive(Clone, Debug)]
pub struct ItemsView {
    name: String,
    items: Vec<(u32, TaskStatus)>,
    run: Run,
}

impl ItemsView {
    fn of(&self, status: TaskStatus) -> Self {
        let items = self.items.iter().copied().filter(|(_, s)| *s == status).collect();
        Self { name: self.name.clone(), items, run: self.run.clone() }
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
            self.run.complain(&format!("items of `{}` are {found:?}, not {expected:?}", self.name));
        }
    }
}

/// One output of a run.
#[derive(Clone, Debug)]
pub struct OutputView {
    name: String,
    value: Value,
    run: Run,
}

impl OutputView {
    pub(super) fn new(run: &Run, name: &str, value: &Value) -> Self {
        Self { name: name.to_owned(), value: value.clone(), run: run.clone() }
    }

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
            self.run.complain(&format!("output `{}` is {}, not {expected}", self.name, self.value));
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
            self.run
                .complain(&format!("output `{}` holds {member} {found} times, not {times}: {}", self.name, self.value));
        }
        self
    }
}
