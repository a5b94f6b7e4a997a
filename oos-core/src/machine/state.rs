//! What a machine remembers.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    input::{ExecutionStatus, Kept, KeptStep, LoopMode, Mode, SafetyCheck, TaskStatus, UnknownOutcome},
    rate::Rate,
};
use crate::{
    ExecutionId, TaskName, Timestamp, Value,
    ids::{MachinePath, StepKey},
    plan::{Plan, RetryPolicy},
    ports::{
        action::ActionError,
        control::{ChildRequest, ControlEvent, Wait},
        event::LoopCounts,
        trigger::Rule,
    },
};

/// The run of one plan: a root, a nested template, a product action, an item of `ACS::Loop`, or a firing of a trigger.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) plan: Arc<Plan>,
    pub(super) path: MachinePath,
    pub(super) id: ExecutionId,
    /// The step of the parent that waits for this machine.
    pub(super) parent: Option<(ExecutionId, StepKey)>,
    pub(super) settings: Arc<Settings>,
    pub(super) outer: Option<Arc<Outer>>,
    pub(super) state: State,
}

/// Choices made at start; they go down to children.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) safety_check: SafetyCheck,
    pub(super) loop_mode: LoopMode,
    pub(super) forgive_handled: bool,
    #[serde(default)]
    pub(super) unknown_outcome: UnknownOutcome,
    pub(super) variables: Value,
}

/// The scope around the tasks of `ACS::Loop`, frozen when the loop began: all tasks in it have ended.
#[derive(Clone, Debug)]
pub(super) struct Outer {
    pub(super) plan: Arc<Plan>,
    pub(super) id: ExecutionId,
    pub(super) parameters: Vec<Value>,
    pub(super) tasks: Vec<(Vec<Value>, Value)>,
    pub(super) item: Option<Value>,
    pub(super) outer: Option<Arc<Outer>>,
}

/// The part of a machine that changes and is snapshotted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) status: ExecutionStatus,
    pub(super) given: Value,
    pub(super) parameters: Vec<Value>,
    pub(super) role: Arc<str>,
    pub(super) inherited_role: Arc<str>,
    /// The loop item of an `ACS::Loop` machine.
    pub(super) item: Option<Value>,
    /// The message of a firing.
    pub(super) firing: Option<Value>,
    pub(super) tasks: Vec<TaskRun>,
    /// The task that runs now.
    pub(super) current: Option<usize>,
    /// What waits for stored parameters.
    pub(super) blocked: Vec<(Timestamp, Point)>,
    /// Why the run has stopped before a task.
    pub(super) hold: Option<Hold>,
    pub(super) paused: bool,
    pub(super) failure: Option<Failure>,
    /// True when a critical task failed.
    pub(super) failed: bool,
    /// True when the run was cancelled, by a signal or by a rejection.
    pub(super) cancelled: bool,
    /// The task of Debug mode that may be entered.
    pub(super) granted: Option<usize>,
    /// Where to go on; set and taken within one input.
    #[serde(skip)]
    pub(super) next: Option<Next>,
    /// The loop that may start items; set and taken within one input.
    #[serde(skip)]
    pub(super) pump: Option<usize>,
    pub(super) cancel: CancelState,
    /// Debug: the running task was cancelled, not the run.
    #[serde(default)]
    pub(super) step_cancelled: bool,
    pub(super) steps: u64,
    /// True when nothing but the outputs was left to do.
    #[serde(default)]
    pub(super) finishing: bool,
    pub(super) started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) updated: Timestamp,
    pub(super) outputs: Value,
    pub(super) trigger: Value,
    /// Overrides of properties given with ExecuteTask.
    pub(super) overrides: Value,
    /// The event number at which it was made: its place among the children of its parent.
    pub(super) born: u64,
    /// Where an earlier execution has to go on; taken when the run begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) goes_on: Option<Option<TaskName>>,
    /// Loop items that an earlier execution already did, until their loop begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) kept: Vec<KeptStep>,
}

/// Where an evaluation goes on when its stored parameters are there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Point {
    /// Parameters and role.
    Start,
    /// When, Items and RateControl of a task.
    Enter(usize),
    /// Properties of a task or item.
    Step(usize, Option<u32>),
    /// A decision of a control action.
    Decide(usize, Option<u32>, ControlEvent),
    /// Outputs of the template, with the status that is due.
    Finish(bool),
}

/// Where a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// At a task.
    Task(usize),
    /// At the end.
    Finish,
}

/// Why the run has stopped before a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Hold {
    /// Debug: the next task in order.
    DebugStep(Option<usize>),
    /// FailurePause: the failed task.
    Failure(usize),
    /// Paused before this task.
    Paused(usize),
}

/// How far a cancel has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CancelState {
    /// Nobody cancelled.
    #[default]
    No,
    /// Cancelled; handlers run.
    Once,
    /// Cancelled twice; nothing runs any more.
    Twice,
}

/// The first critical failure of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The task that failed; `None` when the run failed outside a task.
    pub task: Option<TaskName>,
    /// The error; its text is `StatusMessage`.
    pub error: ActionError,
}

/// One task of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct TaskRun {
    pub(super) status: TaskStatus,
    /// How often it was entered.
    pub(super) run: u32,
    /// The highest run of an item so far.
    pub(super) item_run: u32,
    pub(super) active: Option<Active>,
    /// Values of the visible outputs; empty while there are none.
    pub(super) outputs: Vec<Value>,
    pub(super) document: Value,
    pub(super) message: Option<Arc<str>>,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    /// Numbers of the steps in which it was entered: first and last; 0 for never.
    pub(super) first: u64,
    pub(super) last: u64,
    /// What a failed or cancelled task leaves for a re-run: ended items, and what failed children had done.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub(super) remains: Kept,
    /// The token of a last run whose outcome is unknown.
    #[serde(default)]
    pub(super) unknown: Option<TokenSeed>,
}

/// A task that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Active {
    /// Without a loop.
    Single(Box<Step>),
    /// With a loop.
    Loop(Box<LoopState>),
}

/// One run of a task or of an item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) run: u32,
    pub(super) attempt: u32,
    /// Time of the input that started this run: what its expressions see as now.
    pub(super) started: Timestamp,
    /// What its token is derived from beside its key.
    pub(super) token: TokenSeed,
    pub(super) phase: Phase,
    pub(super) policy: RetryPolicy,
    pub(super) properties: Value,
    pub(super) history: Vec<(Timestamp, ControlEvent)>,
    /// Messages that came while a child ran.
    pub(super) queue: VecDeque<ControlEvent>,
    /// The rule that the step listens by, and the key under which.
    pub(super) subscription: Option<(StepKey, Rule)>,
    /// True when the high-risk confirmation was given.
    pub(super) confirmed: bool,
}

/// What the token of a step is derived from (durability.md 1, rule 6): the run under which the call was first made, and
/// the definite answers since. A RetryTask after an unknown outcome keeps both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TokenSeed {
    pub(super) run: u32,
    pub(super) answers: u32,
}

/// What a step is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Its expressions are being evaluated, or wait for stored parameters.
    Evaluating,
    /// Waits for a risk confirmation.
    Confirming,
    /// An attempt is in flight.
    Running,
    /// Waits for the next attempt.
    Retrying(Timestamp),
    /// A control action waits.
    Waiting(Wait),
    /// A message is on its way.
    Notifying,
    /// A template is being found.
    Linking(ChildRequest),
    /// A child runs.
    Child,
    /// Being stopped: work until its grace is over, a child until it has ended.
    Stopping(Option<Timestamp>),
}

/// A running loop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LoopState {
    pub(super) items: Arc<Vec<Value>>,
    pub(super) rate: Rate,
    /// Index of the next item that was never started.
    pub(super) next: usize,
    /// Items to run again before new ones.
    pub(super) again: VecDeque<u32>,
    /// Items in flight, by number from 1.
    pub(super) running: BTreeMap<u32, Step>,
    /// Ended items, by index; packed, because a loop may have 100,000.
    pub(super) entries: Vec<Option<Entry>>,
    pub(super) failed: u32,
    /// The batch that runs, from 0, and the index after its last item.
    pub(super) batch: usize,
    pub(super) batch_end: usize,
    /// True while the loop waits between batches.
    pub(super) pausing: bool,
    /// Added to 1 for the run of an item that starts for the first time in this loop.
    pub(super) run_base: u32,
    /// Tokens of items whose outcome is unknown.
    #[serde(default)]
    pub(super) unknown: BTreeMap<u32, TokenSeed>,
    /// First failure, for the message.
    pub(super) first_failure: Option<Arc<str>>,
    /// When the loop was entered.
    pub(super) started: Timestamp,
    /// Ended items by status.
    pub(super) tally: LoopCounts,
    /// When progress was last told.
    pub(super) told: Timestamp,
}

/// An ended item: what aggregation and the report need, nothing else. Saved as a list, because a loop may have 100,000.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) status: TaskStatus,
    pub(super) run: u32,
    /// Outputs in the order of the task's outputs, the document last when it is kept; empty when nothing is kept.
    pub(super) outputs: Box<[Value]>,
    pub(super) ended: Timestamp,
}

impl Serialize for Entry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.status, self.run, self.ended, &self.outputs).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (status, run, ended, outputs) = Deserialize::deserialize(deserializer)?;
        Ok(Self { status, run, ended, outputs })
    }
}

impl Step {
    pub(super) fn new(run: u32, started: Timestamp) -> Self {
        Self {
            run,
            attempt: 1,
            started,
            token: TokenSeed { run, answers: 0 },
            phase: Phase::Evaluating,
            policy: RetryPolicy::NONE,
            properties: Value::Null,
            history: Vec::new(),
            queue: VecDeque::new(),
            subscription: None,
            confirmed: false,
        }
    }
}

impl Machine {
    /// The execution's id.
    pub fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// Its place in the tree.
    pub fn path(&self) -> &MachinePath {
        &self.path
    }

    /// Its plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The first critical failure so far.
    pub fn failure(&self) -> Option<&Failure> {
        self.state.failure.as_ref()
    }

    /// Outputs; null until the end.
    pub fn outputs(&self) -> &Value {
        &self.state.outputs
    }

    pub(super) fn task(&self, i: usize) -> Option<&TaskRun> {
        self.state.tasks.get(i)
    }

    pub(super) fn task_mut(&mut self, i: usize) -> Option<&mut TaskRun> {
        self.state.tasks.get_mut(i)
    }

    pub(super) fn step(&self, i: usize, item: Option<u32>) -> Option<&Step> {
        match (self.task(i)?.active.as_ref()?, item) {
            (Active::Single(step), None) => Some(step),
            (Active::Loop(state), Some(item)) => state.running.get(&item),
            _ => None,
        }
    }

    pub(super) fn step_mut(&mut self, i: usize, item: Option<u32>) -> Option<&mut Step> {
        match (self.task_mut(i)?.active.as_mut()?, item) {
            (Active::Single(step), None) => Some(step),
            (Active::Loop(state), Some(item)) => state.running.get_mut(&item),
            _ => None,
        }
    }

    pub(super) fn loop_state(&self, i: usize) -> Option<&LoopState> {
        match self.task(i)?.active.as_ref()? {
            Active::Loop(state) => Some(state),
            Active::Single(_) => None,
        }
    }

    pub(super) fn loop_mut(&mut self, i: usize) -> Option<&mut LoopState> {
        match self.task_mut(i)?.active.as_mut()? {
            Active::Loop(state) => Some(state),
            Active::Single(_) => None,
        }
    }

    /// The loop item that a step works on.
    pub(super) fn item_value(&self, i: usize, item: Option<u32>) -> Option<&Value> {
        match item {
            Some(n) => self.loop_state(i)?.items.get(n as usize - 1),
            None => self.state.item.as_ref(),
        }
    }

    /// The key of the present attempt of a step.
    pub(super) fn key(&self, i: usize, item: Option<u32>) -> Option<StepKey> {
        let step = self.step(i, item)?;
        Some(StepKey { task: self.plan.tasks.get(i)?.name.clone(), run: step.run, item, attempt: step.attempt })
    }

    /// The step that a key names, if it is still the present one.
    pub(super) fn find(&self, key: &StepKey) -> Option<(usize, Option<u32>)> {
        let i = self.state.current.filter(|i| self.plan.tasks.get(*i).is_some_and(|t| t.name == key.task))?;
        let step = self.step(i, key.item)?;
        (step.run == key.run && step.attempt == key.attempt).then_some((i, key.item))
    }

    /// `ACS::RegionId` of the execution.
    pub fn region(&self) -> Option<crate::RegionId> {
        let region = self.settings.variables.get("RegionId").filter(|v| !v.is_null())?;
        Some(crate::RegionId::new(region.to_text()))
    }

    /// Its status by itself: Running when something below may wait.
    pub fn status(&self) -> ExecutionStatus {
        self.state.status
    }

    /// Its place among the children of its parent.
    pub fn born(&self) -> u64 {
        self.state.born
    }

    /// False for an item of `ACS::Loop`, which is part of the execution around it.
    pub fn is_execution(&self) -> bool {
        self.outer.is_none()
    }

    /// True for a firing of a trigger.
    pub fn is_firing(&self) -> bool {
        self.state.firing.is_some()
    }

    /// The execution above.
    pub fn parent_id(&self) -> Option<&ExecutionId> {
        self.parent.as_ref().map(|(id, _)| id)
    }

    /// `Mode`.
    pub fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// What becomes of a write of unknown outcome.
    pub(crate) fn unknown_outcome(&self) -> UnknownOutcome {
        self.settings.unknown_outcome
    }

    /// `LastTrigger*` and `NextScheduleTime`: a map, or null.
    pub fn trigger(&self) -> &Value {
        &self.state.trigger
    }

    /// Records a failure as the run's, if it is the first.
    pub(super) fn set_failure(&mut self, task: Option<&TaskName>, error: &ActionError) {
        if self.state.failure.is_none() {
            self.state.failure = Some(Failure { task: task.cloned(), error: error.clone() });
        }
    }
}
