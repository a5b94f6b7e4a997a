//! The tree of a run: executions → tasks → loop items → child executions.
//!
//! Built from events alone, so it works while a run goes on, after it, and for a record that was read back. What an
//! execution or a task waits for is derived as the machine derives it: it waits when everything in it waits.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    ExecutionId, TaskName, Timestamp, Value,
    ids::StepKey,
    machine::{ExecutionStatus, TaskStatus},
    ports::{control::WaitingFor, event::LoopCounts},
};

/// A run, or several, as a tree; grows with each event ([`Trace::push`]).
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub(super) roots: Vec<ExecutionTrace>,
    pub(super) routes: BTreeMap<ExecutionId, Route>,
    /// Number of the newest event of each root: after a crash a few events come twice.
    pub(super) newest: BTreeMap<usize, u64>,
    pub(super) now: Timestamp,
    pub(super) events: u64,
}

/// The way from the roots to an execution.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub(super) root: usize,
    pub(super) hops: Vec<Hop>,
}

/// One level down: index of the task, the item, index of the child.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    pub(super) task: usize,
    pub(super) item: Option<u32>,
    pub(super) child: usize,
}

/// An execution: root or child.
#[derive(Clone, Debug)]
pub struct ExecutionTrace {
    /// Its identifier.
    pub id: ExecutionId,
    /// Name of its template, when it has one.
    pub template: Option<Arc<str>>,
    /// The execution above it and the step there.
    pub parent: Option<(ExecutionId, StepKey)>,
    /// Start.
    pub started: Timestamp,
    /// End.
    pub ended: Option<Timestamp>,
    /// Failure text.
    pub message: Option<Arc<str>>,
    /// Outputs; null until the end.
    pub outputs: Value,
    /// Its tasks in the order in which they were entered; a task that was entered twice is here twice.
    pub tasks: Vec<TaskTrace>,
    pub(super) told: ExecutionStatus,
    pub(super) hold: Option<WaitingFor>,
}

/// A run of a task, or of an item of a looped task.
#[derive(Clone, Debug)]
pub struct TaskTrace {
    /// Name of the task.
    pub name: TaskName,
    /// How often it was entered, from 1; a restarted item counts on.
    pub run: u32,
    /// Number of the loop item, from 1; `None` for a task.
    pub item: Option<u32>,
    /// The loop item.
    pub value: Option<Value>,
    /// The action as written; `None` when the task was left out before it began.
    pub action: Option<Arc<str>>,
    /// Start; `None` when it was left out before it began.
    pub started: Option<Timestamp>,
    /// End.
    pub ended: Option<Timestamp>,
    /// Failure text.
    pub message: Option<Arc<str>>,
    /// Attempts so far, from 1.
    pub attempts: u32,
    /// When the next attempt is due, and why the last did not suffice.
    pub retry: Option<(Timestamp, Arc<str>)>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Outputs as a map; null without any.
    pub outputs: Value,
    /// API calls of this step itself, and how many of them failed.
    pub calls: (u32, u32),
    /// Numbers of items, for a looped task; while the loop runs, `total` counts the items that have begun.
    pub counts: Option<LoopCounts>,
    pub(super) told: TaskStatus,
    pub(super) items: BTreeMap<u32, TaskTrace>,
    /// Child executions in order: one for a child template, one for each firing of a trigger.
    pub children: Vec<ExecutionTrace>,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// For what; `None` for a plain sleep, which counts as Running.
    pub waiting_for: Option<WaitingFor>,
    /// Until when at most.
    pub until: Option<Timestamp>,
}

impl Trace {
    /// The execution that was told first; `None` before its first event.
    pub fn root(&self) -> Option<&ExecutionTrace> {
        self.roots.first()
    }

    /// All executions that no other execution of this trace has started.
    pub fn roots(&self) -> &[ExecutionTrace] {
        &self.roots
    }

    /// The execution of that identifier, at any depth.
    pub fn execution(&self, id: &ExecutionId) -> Option<&ExecutionTrace> {
        let route = self.routes.get(id)?;
        let root = self.roots.get(route.root)?;
        route.hops.iter().try_fold(root, |at, hop| {
            let task = at.tasks.get(hop.task)?;
            let step = hop.item.map_or(Some(task), |item| task.item(item))?;
            step.children.get(hop.child)
        })
    }

    /// The task, or the item, at a path below the root; see [`ExecutionTrace::find_task`].
    pub fn find_task(&self, path: &str) -> Option<&TaskTrace> {
        self.root()?.find_task(path)
    }

    /// The latest instant that the trace knows of.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the present forward, so that a live view shows how long things have been going on since the last event.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }
}

impl ExecutionTrace {
    /// Its status: Waiting when everything in it waits.
    pub fn status(&self) -> ExecutionStatus {
        match self.told {
            told if told.is_final() => told,
            _ if self.waiting_for().is_some() => ExecutionStatus::Waiting,
            _ => ExecutionStatus::Running,
        }
    }

    /// What it waits for; `None` while something in it works.
    pub fn waiting_for(&self) -> Option<WaitingFor> {
        if self.told.is_final() {
            return None;
        }
        self.hold.or_else(|| self.tasks.last().and_then(TaskTrace::waiting_for))
    }

    /// How long it took; `None` before its end.
    pub fn took(&self) -> Option<Duration> {
        self.ended.map(|end| end.since(self.started))
    }

    /// The last run of the task of that name, case ignored.
    pub fn task(&self, name: &str) -> Option<&TaskTrace> {
        self.tasks.iter().rfind(|t| t.name.as_str().eq_ignore_ascii_case(name))
    }

    /// All runs of the task of that name.
    pub fn runs<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a TaskTrace> {
        self.tasks.iter().filter(move |t| t.name.as_str().eq_ignore_ascii_case(name))
    }

    /// The task, or the item, at a path such as `runCommand[2]/checkInvocationResult`: names of tasks with items from
    /// 1 in brackets, one level of child executions after each `/`, and `#3` for a run that is not the last
    /// (for a trigger: a firing).
    pub fn find_task(&self, path: &str) -> Option<&TaskTrace> {
        let (head, rest) = path.split_once('/').map_or((path, None), |(head, rest)| (head, Some(rest)));
        let segment = Segment::parse(head)?;
        let step = segment.find(self)?;
        let Some(rest) = rest else { return Some(step) };
        let of_run = |c: &&ExecutionTrace| segment.run.is_none_or(|run| c.parent_run() == run);
        step.children.iter().rfind(of_run)?.find_task(rest)
    }

    fn parent_run(&self) -> u32 {
        self.parent.as_ref().map_or(1, |(_, key)| key.run)
    }
}

/// One level of a path.
struct Segment<'a> {
    name: &'a str,
    item: Option<u32>,
    run: Option<u32>,
}

impl<'a> Segment<'a> {
    /// `None` when the numbers are none.
    fn parse(text: &'a str) -> Option<Self> {
        let (text, run) = match text.split_once('#') {
            Some((text, run)) => (text, Some(run.parse().ok()?)),
            None => (text, None),
        };
        let (name, item) = match text.split_once('[') {
            Some((name, item)) => (name, Some(item.strip_suffix(']')?.parse().ok()?)),
            None => (text, None),
        };
        Some(Self { name, item, run })
    }

    fn find<'t>(&self, execution: &'t ExecutionTrace) -> Option<&'t TaskTrace> {
        let named = |t: &&TaskTrace| t.name.as_str().eq_ignore_ascii_case(self.name);
        let is_run = |t: &&TaskTrace| {
            self.run.is_none_or(|run| t.run == run || t.children.iter().any(|c| c.parent_run() == run))
        };
        let mut runs = execution.tasks.iter().rev().filter(named);
        match self.item {
            None => runs.find(is_run),
            Some(item) => runs.find_map(|t| t.item(item).filter(is_run)),
        }
    }
}

impl TaskTrace {
    /// Its status: Waiting when everything in it waits.
    pub fn status(&self) -> TaskStatus {
        match self.told {
            told if told.is_final() => told,
            _ if self.waiting_for().is_some() => TaskStatus::Waiting,
            told => told,
        }
    }

    /// What it waits for; `None` while something in it works.
    pub fn waiting_for(&self) -> Option<WaitingFor> {
        if self.told.is_final() {
            return None;
        }
        if let Some(waiting) = &self.waiting {
            return waiting.waiting_for;
        }
        if self.counts.is_some() {
            let mut waits = self.items.values().filter(|i| !i.told.is_final()).map(Self::waiting_for);
            let first = waits.next()??;
            return waits.all(|w| w.is_some()).then_some(first);
        }
        // A trigger parent is Running while its child runs (actions.md 17.1).
        self.children.last().filter(|_| !self.is_trigger()).and_then(ExecutionTrace::waiting_for)
    }

    /// True for a trigger: the children are its firings. CHOICE: told by the name of the action, since events carry no
    /// class.
    pub(super) fn is_trigger(&self) -> bool {
        let action = self.action.as_deref().unwrap_or_default();
        action.get(action.len().saturating_sub(7)..).is_some_and(|end| end.eq_ignore_ascii_case("trigger"))
    }

    /// How long it took; `None` before its end and for what was left out.
    pub fn took(&self) -> Option<Duration> {
        Some(self.ended?.since(self.started?))
    }

    /// Attempts after the first.
    pub fn retries(&self) -> u32 {
        self.attempts.saturating_sub(1)
    }

    /// True for a task with a loop.
    pub fn is_loop(&self) -> bool {
        self.counts.is_some()
    }

    /// Its loop items in order of their numbers, as far as they have begun; a restarted item is here once.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = &TaskTrace> + ExactSizeIterator {
        self.items.values()
    }

    /// The loop item of that number, from 1.
    pub fn item(&self, number: u32) -> Option<&TaskTrace> {
        self.items.get(&number)
    }

    /// The newest child execution.
    pub fn child(&self) -> Option<&ExecutionTrace> {
        self.children.last()
    }
}
