//! What the engine's events tell: the tasks of each execution as a trace, and lines for its log.
//!
//! The index holds executions only. Tasks, loop items and logs are read from events, by the same fold that draws runs
//! ([`Trace`]). They live as long as the service does: after a restart over a durable store, an execution that goes on
//! shows the tasks that it enters from then on.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use oos_core::{
    ExecutionId, TaskExecutionId, TaskName, Timestamp, Value,
    ids::StepKey,
    machine::task_execution_id,
    ports::{EventSink, ExecutionEvent, event::EventKind},
    view::{ExecutionTrace, TaskTrace, Trace},
};

use super::lock;

/// Runs that are remembered, as the default store does (service-model 2.8).
const RETENTION: usize = 10_000;
/// Bytes of the log of a task (service-model 8).
const LOG_BYTES: usize = 64 * 1024;

/// Records of all runs. A clone is the same records.
#[derive(Clone, Debug, Default)]
pub(super) struct Records(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    runs: BTreeMap<ExecutionId, Record>,
    /// Root of every execution.
    roots: BTreeMap<ExecutionId, ExecutionId>,
    /// Roots, oldest first.
    order: VecDeque<ExecutionId>,
}

/// One root execution and everything below it.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) trace: Trace,
    pub(super) log: Vec<Line>,
    /// Bytes of the log of each task, and of what belongs to none.
    sizes: BTreeMap<(ExecutionId, Option<TaskExecutionId>), usize>,
    /// Executions whose log was cut.
    cut: BTreeSet<ExecutionId>,
}

/// A line of a log.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) execution: ExecutionId,
    pub(super) task: Option<TaskExecutionId>,
    /// `System`, `Action`, `Output`, `Debug` (CHOICE of service-model 8).
    pub(super) kind: &'static str,
    pub(super) at: Timestamp,
    pub(super) message: String,
}

/// Where a task execution stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) execution: ExecutionId,
    pub(super) task: TaskName,
    pub(super) item: Option<u32>,
}

/// The id of a run of a task, or of an item in it.
pub(super) fn task_id(execution: &ExecutionId, task: &TaskTrace, item: Option<u32>) -> TaskExecutionId {
    task_execution_id(execution, &StepKey { task: task.name.clone(), run: task.run, item, attempt: 1 })
}

impl Records {
    /// Works on the record that an execution belongs to.
    pub(super) fn with<T>(&self, id: &ExecutionId, work: impl FnOnce(&Record) -> T) -> Option<T> {
        let state = lock(&self.0);
        let root = state.roots.get(id)?;
        state.runs.get(root).map(work)
    }

    /// The place of a task execution, within a run or in all.
    pub(super) fn find(&self, within: Option<&ExecutionId>, id: &str) -> Option<Place> {
        let state = lock(&self.0);
        let root = within.and_then(|id| state.roots.get(id));
        state
            .runs
            .iter()
            .filter(|(run, _)| within.is_none() || Some(*run) == root)
            .find_map(|(_, record)| record.trace.roots().iter().find_map(|execution| find_in(execution, id)))
    }

    /// Forgets runs.
    pub(super) fn remove(&self, roots: &[ExecutionId]) {
        let mut state = lock(&self.0);
        state.order.retain(|id| !roots.contains(id));
        roots.iter().for_each(|root| forget(&mut state, root));
    }
}

fn forget(state: &mut State, root: &ExecutionId) {
    state.runs.remove(root);
    state.roots.retain(|_, of| of != root);
}

fn find_in(execution: &ExecutionTrace, id: &str) -> Option<Place> {
    let place = |task: &TaskTrace, item| Place { execution: execution.id.clone(), task: task.name.clone(), item };
    execution.tasks.iter().find_map(|task| {
        let whole = task_id(&execution.id, task, None);
        if whole.as_str() == id {
            return Some(place(task, None));
        }
        let item = id.strip_prefix(whole.as_str()).and_then(|rest| rest.strip_prefix('#')).and_then(|n| n.parse().ok());
        if let Some(item) = item.filter(|item| task.item(*item).is_some()) {
            return Some(place(task, Some(item)));
        }
        let mut below = task.children.iter().chain(task.items().flat_map(|item| &item.children));
        below.find_map(|child| find_in(child, id))
    })
}

impl EventSink for Records {
    fn emit(&self, event: &ExecutionEvent) {
        let mut state = lock(&self.0);
        let root = root_for(&mut state, event);
        if let Some(record) = state.runs.get_mut(&root) {
            record.trace.push(event);
            record.write(event);
        }
        while state.order.len() > RETENTION {
            let Some(oldest) = state.order.pop_front() else { return };
            forget(&mut state, &oldest);
        }
    }
}

fn root_for(state: &mut State, event: &ExecutionEvent) -> ExecutionId {
    if let Some(root) = state.roots.get(&event.execution) {
        return root.clone();
    }
    let above = match &event.kind {
        EventKind::ExecutionStarted { parent: Some((parent, _)), .. } => state.roots.get(parent).cloned(),
        _ => None,
    };
    let root = above.unwrap_or_else(|| {
        state.runs.insert(event.execution.clone(), Record::default());
        state.order.push_back(event.execution.clone());
        event.execution.clone()
    });
    state.roots.insert(event.execution.clone(), root.clone());
    root
}

impl Record {
    /// True when something of an execution's log is missing.
    pub(super) fn is_cut(&self, id: &ExecutionId) -> bool {
        self.cut.contains(id)
    }

    fn write(&mut self, event: &ExecutionEvent) {
        let Some((key, kind, mut message)) = line(&event.kind) else { return };
        let task = key.and_then(|key| {
            let task = self.trace.execution(&event.execution)?.task(key.task.as_str())?;
            Some(task_id(&event.execution, task, key.item))
        });
        let size = self.sizes.entry((event.execution.clone(), task.clone())).or_default();
        let room = LOG_BYTES.saturating_sub(*size);
        if message.len() > room {
            self.cut.insert(event.execution.clone());
            message.truncate(message.floor_char_boundary(room));
            if message.is_empty() {
                return;
            }
        }
        *size += message.len();
        self.log.push(Line { execution: event.execution.clone(), task, kind, at: event.at, message });
    }
}

/// What an event says in a log: the step that it is about, the type of the line, the line.
fn line(kind: &EventKind) -> Option<(Option<&StepKey>, &'static str, String)> {
    Some(match kind {
        EventKind::ExecutionStarted { template, .. } => {
            let of = template.as_ref().map(|name| format!(" of template {name}")).unwrap_or_default();
            (None, "System", format!("Execution{of} started."))
        }
        EventKind::ExecutionStatus { status, waiting_for, message } => {
            let waiting = waiting_for.map(|w| format!(" ({w})")).unwrap_or_default();
            (None, "System", format!("Execution is {status}{waiting}{}", because(message.as_deref())))
        }
        EventKind::ExecutionEnded { status, message, .. } => {
            (None, "System", format!("Execution ended: {status}{}", because(message.as_deref())))
        }
        EventKind::StepStarted { key, action, item } => {
            let item = item.as_ref().map(|value| format!(" with item {}", value.to_text())).unwrap_or_default();
            (Some(key), "System", format!("Task {} ({action}) started{item}.", key.task))
        }
        EventKind::Retrying { key, until, reason } => {
            let next = until.to_iso();
            (Some(key), "Debug", format!("Attempt {} of {}: {reason}; the next at {next}.", key.attempt, key.task))
        }
        EventKind::StepWaiting { key, waiting_for, .. } => {
            let what = waiting_for.map_or_else(|| "a pause to end".to_owned(), |w| w.to_string());
            (Some(key), "System", format!("Task {} waits: {what}.", key.task))
        }
        EventKind::StepEnded { key, status, message, outputs } => {
            let (kind, outputs) = match outputs {
                Value::Null => ("System", String::new()),
                outputs => ("Output", format!(" Outputs: {outputs}")),
            };
            (Some(key), kind, format!("Task {} ended: {status}{}{outputs}", key.task, because(message.as_deref())))
        }
        EventKind::ApiCall { key, service, api, error, request_id, .. } => {
            let outcome = error.as_ref().map_or_else(|| "done".to_owned(), |code| format!("failed with {code}"));
            let id = request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
            (key.as_ref(), "Action", format!("{service}.{api} {outcome}{id}."))
        }
        EventKind::Log { key, message } => (key.as_ref(), "Action", message.to_string()),
        _ => return None,
    })
}

fn because(message: Option<&str>) -> String {
    message.map_or_else(|| ".".to_owned(), |message| format!(": {message}"))
}
