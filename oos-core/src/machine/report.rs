//! What people may see of a machine: a snapshot with the service's words, for queries, views and the test kit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    input::{ExecutionStatus, TaskStatus},
    state::{Active, Hold, Machine, Phase, Step},
    tree::Tree,
};
use crate::{
    ExecutionId, TaskName, Timestamp, Value,
    ids::MachinePath,
    ports::{control::WaitingFor, event::LoopCounts, index::TaskCounts},
};

/// A machine as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineReport {
    /// Its execution.
    pub id: ExecutionId,
    /// Its place in the tree.
    pub path: MachinePath,
    /// Its status: Waiting when everything in it waits.
    pub status: ExecutionStatus,
    /// What it waits for.
    pub waiting_for: Option<WaitingFor>,
    /// Failure text, at once visible.
    pub message: Option<Arc<str>>,
    /// Parameters in force: a map.
    pub parameters: Value,
    /// Outputs; null until the end.
    pub outputs: Value,
    /// Evaluated role.
    pub role: Arc<str>,
    /// Tasks in order.
    pub tasks: Vec<TaskReport>,
    /// Start.
    pub started: Timestamp,
    /// End.
    pub ended: Option<Timestamp>,
    /// Last change.
    pub updated: Timestamp,
}

/// A task as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Name.
    pub name: TaskName,
    /// Action.
    pub action: Arc<str>,
    /// Status.
    pub status: TaskStatus,
    /// Failure text.
    pub message: Option<Arc<str>>,
    /// Times entered.
    pub run: u32,
    /// Visible outputs: a map, null without any.
    pub outputs: Value,
    /// Start.
    pub started: Option<Timestamp>,
    /// End.
    pub ended: Option<Timestamp>,
    /// Counts of its loop, while it runs.
    pub counts: Option<LoopCounts>,
    /// Steps in flight.
    pub steps: Vec<StepReport>,
}

/// A step in flight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Loop item from 1.
    pub item: Option<u32>,
    /// Attempt from 1.
    pub attempt: u32,
    /// The next attempt is due then.
    pub retry_at: Option<Timestamp>,
    /// What it waits for.
    pub waiting: Option<WaitReport>,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitReport {
    /// For what; `None` for a plain sleep.
    pub waiting_for: Option<WaitingFor>,
    /// Who may answer; empty for anybody.
    pub voters: Vec<String>,
    /// The next timer.
    pub until: Option<Timestamp>,
}

impl Tree {
    /// The report of a machine; a parent waits when everything in it waits, children included.
    pub fn report(&self, path: &MachinePath) -> Option<MachineReport> {
        self.machine(path).map(|machine| machine.report(self))
    }

    fn waiting(&self, path: &MachinePath) -> Option<WaitingFor> {
        self.machine(path).and_then(|m| m.waiting(self))
    }
}

impl Machine {
    /// What a row of the index shows of a machine, whether it lives in the tree or has just left it: the report
    /// without its tasks, which are only counted.
    pub fn headline(&self, tree: &Tree) -> (MachineReport, TaskCounts, Vec<Arc<str>>) {
        let (mut counts, mut current) = (TaskCounts::default(), Vec::new());
        for (plan, run) in self.plan.tasks.iter().zip(&self.state.tasks) {
            counts.add(run.status);
            if matches!(run.status, TaskStatus::Running | TaskStatus::Waiting) {
                current.push(plan.name.text().clone());
            }
        }
        (self.report_with(tree, Vec::new()), counts, current)
    }

    /// What decides whether the row of the index is stale: status, wait, failure.
    pub fn visible_state(&self, tree: &Tree) -> (ExecutionStatus, Option<WaitingFor>, bool) {
        let waiting = if self.state.status.is_final() { None } else { self.waiting(tree) };
        let status = match self.state.status {
            status if status.is_final() || status == ExecutionStatus::Queued => status,
            _ if waiting.is_some() => ExecutionStatus::Waiting,
            _ => ExecutionStatus::Running,
        };
        (status, waiting, self.state.failure.is_some())
    }

    /// The report of a machine that has left its tree.
    pub fn final_report(&self, tree: &Tree) -> MachineReport {
        self.report(tree)
    }

    fn report(&self, tree: &Tree) -> MachineReport {
        self.report_with(tree, (0..self.plan.tasks.len()).filter_map(|i| self.task_report(i)).collect())
    }

    fn report_with(&self, tree: &Tree, tasks: Vec<TaskReport>) -> MachineReport {
        let state = &self.state;
        let (status, waiting_for, _) = self.visible_state(tree);
        let named = self.plan.parameters.iter().map(|p| p.name.text().clone()).zip(state.parameters.iter().cloned());
        MachineReport {
            id: self.id.clone(),
            path: self.path.clone(),
            status,
            waiting_for,
            message: state.failure.as_ref().map(|f| f.error.to_string().into()),
            parameters: Value::from(named.collect::<crate::Map>()),
            outputs: state.outputs.clone(),
            role: state.role.clone(),
            tasks,
            started: state.started,
            ended: state.ended,
            updated: state.updated,
        }
    }

    fn task_report(&self, i: usize) -> Option<TaskReport> {
        let (plan, run) = (self.plan.tasks.get(i)?, self.task(i)?);
        let outputs = plan.visible.iter().map(|v| v.name.text().clone()).zip(run.outputs.iter().cloned());
        let outputs = if run.outputs.is_empty() { Value::Null } else { Value::from(outputs.collect::<crate::Map>()) };
        let steps = match &run.active {
            None => Vec::new(),
            Some(Active::Single(step)) => vec![step.report(None)],
            Some(Active::Loop(state)) => state.running.iter().map(|(n, step)| step.report(Some(*n))).collect(),
        };
        Some(TaskReport {
            name: plan.name.clone(),
            action: plan.action.text().clone(),
            status: run.status,
            message: run.message.clone(),
            run: run.run,
            outputs,
            started: run.started,
            ended: run.ended,
            counts: run.active.as_ref().and_then(Active::counts),
            steps,
        })
    }

    /// What the whole machine waits for; `None` while something in it works.
    pub(super) fn waiting(&self, tree: &Tree) -> Option<WaitingFor> {
        match &self.state.hold {
            Some(Hold::DebugStep(_)) => return Some(WaitingFor::DebugStep),
            Some(Hold::Failure(_)) => return Some(WaitingFor::FailureDecision),
            Some(Hold::Paused(_)) => return Some(WaitingFor::Pause),
            None => {}
        }
        let i = self.state.current?;
        match self.task(i)?.active.as_ref()? {
            Active::Single(step) => self.step_waits(tree, i, None, step),
            Active::Loop(state) if state.pausing => Some(WaitingFor::Batch),
            Active::Loop(state) if state.running.is_empty() && self.state.paused => Some(WaitingFor::Pause),
            Active::Loop(state) => {
                let mut waits = state.running.iter().map(|(n, step)| self.step_waits(tree, i, Some(*n), step));
                let first = waits.next()??;
                waits.all(|w| w.is_some()).then_some(first)
            }
        }
    }

    fn step_waits(&self, tree: &Tree, i: usize, item: Option<u32>, step: &Step) -> Option<WaitingFor> {
        match &step.phase {
            Phase::Confirming => Some(WaitingFor::RiskConfirmation),
            Phase::Waiting(wait) => wait.waiting_for,
            // A trigger parent is Running while its child runs (actions.md 17.1).
            Phase::Child if self.is_trigger_parent(i) => None,
            Phase::Child => {
                let task = self.plan.tasks.get(i)?.name.clone();
                tree.waiting(&self.path.child(crate::ids::PathStep { task, run: step.run, item }))
            }
            _ => None,
        }
    }
}

impl Step {
    fn report(&self, item: Option<u32>) -> StepReport {
        let retry_at = if let Phase::Retrying(at) = self.phase { Some(at) } else { None };
        let waiting = match &self.phase {
            Phase::Confirming => {
                Some(WaitReport { waiting_for: Some(WaitingFor::RiskConfirmation), voters: Vec::new(), until: None })
            }
            Phase::Waiting(wait) => Some(WaitReport {
                waiting_for: wait.waiting_for,
                voters: wait.voters.clone(),
                until: wait.timers.iter().map(|(_, at)| *at).min(),
            }),
            _ => None,
        };
        StepReport { item, attempt: self.attempt, retry_at, waiting }
    }
}
