//! Events → trace.
//!
//! An event of an execution whose start was not seen (a watcher that began late) makes a root of its own, so nothing is
//! lost and nothing panics. Items count under the newest run of their task: their run numbers are their own.

use std::sync::Arc;

use super::trace::{ExecutionTrace, Hop, Route, TaskTrace, Trace, Waiting};
use crate::{
    ExecutionId, TaskName, Timestamp, Value,
    ids::StepKey,
    machine::{ExecutionStatus, TaskStatus},
    ports::event::{EventKind, ExecutionEvent, LoopCounts},
};

impl Trace {
    /// The trace of events in the order of their numbers.
    pub fn from_events(events: &[ExecutionEvent]) -> Self {
        let mut trace = Self::default();
        events.iter().for_each(|event| trace.push(event));
        trace
    }

    /// Takes the next event; one that was taken before changes nothing.
    pub fn push(&mut self, event: &ExecutionEvent) {
        self.advance(event.at);
        if let EventKind::ExecutionStarted { parent, .. } = &event.kind {
            let above = parent.as_ref().and_then(|(id, _)| self.routes.get(id)).or(self.routes.get(&event.execution));
            let root = above.map_or(self.roots.len(), |route| route.root);
            if self.is_new(root, event.number) {
                self.start(event);
            }
            return;
        }
        if !self.routes.contains_key(&event.execution) {
            self.add_root(ExecutionTrace::new(&event.execution, event.at));
        }
        let Some(root) = self.routes.get(&event.execution).map(|route| route.root) else { return };
        if self.is_new(root, event.number)
            && let Some(execution) = self.execution_mut(&event.execution)
        {
            execution.take(event.at, &event.kind);
        }
    }

    fn is_new(&mut self, root: usize, number: u64) -> bool {
        let newest = self.newest.entry(root).or_default();
        let is_new = number == 0 || number > *newest;
        *newest = number.max(*newest);
        self.events += u64::from(is_new);
        is_new
    }

    fn start(&mut self, event: &ExecutionEvent) {
        let EventKind::ExecutionStarted { template, parent } = &event.kind else { return };
        let mut started = ExecutionTrace::new(&event.execution, event.at);
        (started.template, started.parent) = (template.clone(), parent.clone());
        match parent.as_ref().filter(|(above, _)| self.routes.contains_key(above)) {
            Some((above, key)) => self.add_child(above, key, started),
            None => self.add_root(started),
        }
    }

    fn add_root(&mut self, execution: ExecutionTrace) {
        let route = Route { root: self.roots.len(), hops: Vec::new() };
        self.routes.insert(execution.id.clone(), route);
        self.roots.push(execution);
    }

    fn add_child(&mut self, above: &ExecutionId, key: &StepKey, child: ExecutionTrace) {
        let id = child.id.clone();
        let Some(mut route) = self.routes.get(above).cloned() else { return };
        let Some(hop) = self.execution_mut(above).and_then(|parent| parent.add_child(key, child)) else { return };
        route.hops.push(hop);
        self.routes.insert(id, route);
    }

    fn execution_mut(&mut self, id: &ExecutionId) -> Option<&mut ExecutionTrace> {
        let route = self.routes.get(id)?;
        let root = self.roots.get_mut(route.root)?;
        route.hops.iter().try_fold(root, |at, hop| {
            let task = at.tasks.get_mut(hop.task)?;
            let step = match hop.item {
                Some(item) => task.items.get_mut(&item)?,
                None => task,
            };
            step.children.get_mut(hop.child)
        })
    }
}

impl ExecutionTrace {
    fn new(id: &ExecutionId, started: Timestamp) -> Self {
        Self {
            id: id.clone(),
            template: None,
            parent: None,
            started,
            ended: None,
            message: None,
            outputs: Value::Null,
            tasks: Vec::new(),
            told: ExecutionStatus::Running,
            hold: None,
        }
    }

    fn take(&mut self, at: Timestamp, kind: &EventKind) {
        match kind {
            EventKind::ExecutionStarted { .. } => {}
            EventKind::ExecutionStatus { status, waiting_for, message } => {
                (self.told, self.hold, self.message) = (*status, *waiting_for, message.clone());
            }
            EventKind::ExecutionEnded { status, outputs, message } => {
                (self.told, self.hold, self.ended) = (*status, None, Some(at));
                (self.outputs, self.message) = (outputs.clone(), message.clone());
            }
            EventKind::StepStarted { key, action, item } => self.step_started(at, key, action, item.as_ref()),
            EventKind::Retrying { key, until, reason } => {
                self.change(key, |step| {
                    (step.attempts, step.waiting) = (key.attempt, None);
                    step.retry = Some((*until, reason.clone()));
                });
            }
            EventKind::StepWaiting { key, waiting_for, until } => {
                let waiting = Waiting { waiting_for: *waiting_for, until: *until };
                self.change(key, |step| (step.waiting, step.retry) = (Some(waiting), None));
            }
            EventKind::StepEnded { key, status, message, outputs } => {
                self.step_ended(at, key, *status, message.clone(), outputs.clone());
            }
            EventKind::LoopProgress { task, counts } => {
                if let Some(task) = self.latest_mut(task) {
                    task.counts = Some(*counts);
                }
            }
            EventKind::ApiCall { key, error, .. } => {
                let failed = u32::from(error.is_some());
                // A step that calls no longer waits: a confirmation of its risk is told by no event of its own.
                if let Some(key) = key {
                    self.change(key, |step| {
                        step.calls = (step.calls.0 + 1, step.calls.1 + failed);
                        step.waiting = None;
                    });
                }
            }
            EventKind::Log { .. } => {}
        }
    }

    fn latest_mut(&mut self, name: &TaskName) -> Option<&mut TaskTrace> {
        self.tasks.iter_mut().rfind(|t| t.name == *name)
    }

    /// The step that a key means: the newest run of its task, or the item in it. Firings of a trigger count up the run
    /// of a step that has not ended, so the run is no part of the search.
    fn change(&mut self, key: &StepKey, change: impl FnOnce(&mut TaskTrace)) {
        let task = self.latest_mut(&key.task);
        let step = task.and_then(|t| match key.item {
            Some(item) => t.items.get_mut(&item),
            None => Some(t),
        });
        if let Some(step) = step {
            change(step);
        }
    }

    fn step_started(&mut self, at: Timestamp, key: &StepKey, action: &Arc<str>, value: Option<&Value>) {
        let mut step = TaskTrace::new(key);
        (step.told, step.started) = (TaskStatus::Running, Some(at));
        (step.action, step.value) = (Some(action.clone()), value.cloned());
        if key.item.is_none() {
            return self.tasks.push(step);
        }
        if self.latest_mut(&key.task).is_none() {
            let mut task = TaskTrace::new(&StepKey { item: None, run: 1, ..key.clone() });
            (task.told, task.started, task.action) = (TaskStatus::Running, Some(at), Some(action.clone()));
            self.tasks.push(task);
        }
        if let Some(task) = self.latest_mut(&key.task) {
            task.item_started(step);
        }
    }

    fn step_ended(
        &mut self,
        at: Timestamp,
        key: &StepKey,
        status: TaskStatus,
        message: Option<Arc<str>>,
        outputs: Value,
    ) {
        // A task that `When` leaves out ends without having begun.
        let open =
            self.latest_mut(&key.task).is_some_and(|t| key.item.is_some() || t.run == key.run || !t.told.is_final());
        if !open {
            self.tasks.push(TaskTrace::new(key));
        }
        let Some(task) = self.latest_mut(&key.task) else { return };
        let before = key.item.and_then(|item| task.items.get(&item)).map(|i| i.told);
        if let (Some(_), Some(counts)) = (key.item, &mut task.counts) {
            if let Some(slot) = before.and_then(|status| counts.slot(status)) {
                *slot = slot.saturating_sub(1);
            }
            if let Some(slot) = counts.slot(status) {
                *slot += 1;
            }
        }
        self.change(key, |step| {
            (step.told, step.ended) = (status, Some(at));
            (step.message, step.outputs) = (message, outputs);
            (step.attempts, step.waiting, step.retry) = (step.attempts.max(key.attempt), None, None);
        });
    }

    fn add_child(&mut self, key: &StepKey, child: ExecutionTrace) -> Option<Hop> {
        if self.latest_mut(&key.task).is_none_or(|t| key.item.is_some_and(|i| !t.items.contains_key(&i))) {
            self.step_started(child.started, key, &"".into(), None);
        }
        let task = self.tasks.iter().rposition(|t| t.name == key.task)?;
        let found = self.tasks.get_mut(task)?;
        let step = match key.item {
            Some(item) => found.items.get_mut(&item)?,
            None => found,
        };
        step.waiting = None;
        step.children.push(child);
        Some(Hop { task, item: key.item, child: step.children.len() - 1 })
    }
}

impl TaskTrace {
    fn new(key: &StepKey) -> Self {
        Self {
            name: key.task.clone(),
            run: key.run,
            item: key.item,
            value: None,
            action: None,
            started: None,
            ended: None,
            message: None,
            attempts: key.attempt,
            retry: None,
            waiting: None,
            outputs: Value::Null,
            calls: (0, 0),
            counts: None,
            told: TaskStatus::Pending,
            items: std::collections::BTreeMap::new(),
            children: Vec::new(),
        }
    }

    /// Adds an item, or starts it again; a loop that had ended goes on then.
    fn item_started(&mut self, mut item: Self) {
        (self.told, self.ended, self.message, self.waiting) = (TaskStatus::Running, None, None, None);
        let number = item.item.unwrap_or_default();
        let before = self.items.remove(&number);
        let counts = self.counts.get_or_insert_default();
        if let Some(slot) = before.as_ref().and_then(|b| counts.slot(b.told)) {
            *slot = slot.saturating_sub(1);
        } else if counts.pending > 0 {
            counts.pending -= 1;
        } else {
            counts.total += 1;
        }
        counts.running += 1;
        item.children = before.map(|b| b.children).unwrap_or_default();
        self.items.insert(number, item);
    }
}

impl LoopCounts {
    /// The number of that status; `None` for Pending, which is what is left.
    fn slot(&mut self, status: TaskStatus) -> Option<&mut u32> {
        match status {
            TaskStatus::Pending => None,
            TaskStatus::Running | TaskStatus::Waiting => Some(&mut self.running),
            TaskStatus::Success => Some(&mut self.success),
            TaskStatus::Failed => Some(&mut self.failed),
            TaskStatus::Cancelled => Some(&mut self.cancelled),
            TaskStatus::Skipped => Some(&mut self.skipped),
        }
    }
}
