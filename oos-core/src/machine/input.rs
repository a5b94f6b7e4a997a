//! What may come into a machine. The journal holds these and nothing else.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    ExecutionId, TaskName, Timestamp, Value,
    ids::{MachinePath, StepKey},
    ports::{action::ActionError, control::Purpose, parameter_store::ParameterRef, store::LinkedTemplate},
};

/// One input with the time at which the host saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: InputKind,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum InputKind {
    /// The first input of every execution.
    Started(Box<Started>),
    /// A work action ended an attempt.
    Outcome {
        /// The machine.
        #[serde(default, skip_serializing_if = "MachinePath::is_root")]
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// What it came to.
        result: StepResult,
    },
    /// A timer fired.
    Woke {
        /// The machine.
        #[serde(default, skip_serializing_if = "MachinePath::is_root")]
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// Which timer of the step.
        purpose: Purpose,
        /// The instant it was set to.
        scheduled: Timestamp,
    },
    /// Stored parameters came in; names that do not exist are listed as missing.
    Fetched {
        /// Values found. Never of secrets.
        values: Vec<(ParameterRef, Value)>,
        /// Names not found.
        missing: Vec<ParameterRef>,
    },
    /// A template that was asked for by a computed name came in.
    Linked {
        /// The machine.
        #[serde(default, skip_serializing_if = "MachinePath::is_root")]
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// The template as it was found, or why there is none.
        result: Result<LinkedTemplate, ActionError>,
    },
    /// A subscription delivered.
    Fired {
        /// The machine.
        #[serde(default, skip_serializing_if = "MachinePath::is_root")]
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// The message.
        message: Value,
    },
    /// Somebody said something.
    Signal(Signal),
    /// A queued execution has got its place.
    Admitted,
}

/// What an execution starts with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Parameters as given: a map. Secrets are references or vault handles.
    pub parameters: Value,
    /// Mode.
    #[serde(default)]
    pub mode: Mode,
    /// Risk confirmation.
    #[serde(default)]
    pub safety_check: SafetyCheck,
    /// Batch pauses asked for from outside.
    #[serde(default)]
    pub loop_mode: LoopMode,
    /// True when a handled critical failure does not fail the execution.
    #[serde(default)]
    pub forgive_handled: bool,
    /// System variables that the engine or the start supplied, by the name after `ACS::`: a map.
    #[serde(default)]
    pub variables: Value,
    /// What becomes of a write of which nobody knows whether it was carried out.
    #[serde(default, skip_serializing_if = "UnknownOutcome::is_default")]
    pub unknown_outcome: UnknownOutcome,
    /// True when it waits for a free place first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub queued: bool,
    /// What an earlier execution already did.
    #[serde(default)]
    pub kept: Kept,
}

/// What becomes of a write of which nobody knows whether it was carried out (durability.md 1, rule 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnknownOutcome {
    /// The step fails with `OutcomeUnknown`; in mode FailurePause a person decides.
    #[default]
    Fail,
    /// It is made again: for clouds and accounts where twice does no harm.
    Repeat,
    /// A person decides in every mode, unless `OnError` of the task names a handler.
    Pause,
}

impl UnknownOutcome {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What an earlier execution already did (re-run).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Steps with their results.
    pub steps: Vec<KeptStep>,
    /// Where machines go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cursors: Vec<KeptCursor>,
}

/// Where a machine goes on, after what is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptCursor {
    /// The machine.
    #[serde(default, skip_serializing_if = "MachinePath::is_root")]
    pub path: MachinePath,
    /// Digest of the plan that it ran.
    pub digest: Arc<str>,
    /// The task; the end of the run when empty.
    pub next: Option<TaskName>,
}

/// One step that is not run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptStep {
    /// The machine.
    #[serde(default, skip_serializing_if = "MachinePath::is_root")]
    pub path: MachinePath,
    /// The task.
    pub task: TaskName,
    /// The loop item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// Success or Skipped.
    pub status: TaskStatus,
    /// Its outputs: a map.
    pub outputs: Value,
    /// The raw result, when it was kept.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub document: Value,
    /// The loop item itself: kept only for the same one.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

/// What an attempt came to, with outputs instead of answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StepResult {
    /// The outputs in the order of the extract, and the document when the plan refers into it.
    Done {
        /// Values of the task's outputs, in order.
        outputs: Vec<Value>,
        /// The result document.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        document: Value,
    },
    /// Ask again.
    NotYet {
        /// The value that was seen.
        observed: Value,
        /// The error to end with.
        otherwise: ActionError,
    },
    /// It failed.
    Failed(ActionError),
    /// It was stopped.
    Stopped,
}

/// A message from a person or program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Applied once.
    pub id: Arc<str>,
    /// Who.
    pub from: Arc<str>,
    /// To whom.
    pub to: SignalTarget,
    /// What.
    pub kind: SignalKind,
}

/// Which machine and step a signal is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SignalTarget {
    /// The machine; the root when empty.
    #[serde(default, skip_serializing_if = "MachinePath::is_root")]
    pub path: MachinePath,
    /// The task; the only one that waits when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskName>,
    /// Loop items, for RetryTask and SkipTask of a loop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<u32>,
}

/// What a signal says (service-model 3.2, and the operations around it).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SignalKind {
    /// One yes: to an approval, a pause, a risk confirmation, a batch.
    Approve {
        /// Why.
        note: Option<String>,
    },
    /// One no.
    Reject {
        /// Why.
        note: Option<String>,
    },
    /// Debug: run this task next, or the next in order.
    ExecuteTask {
        /// Properties to override: a map or null.
        parameters: Value,
    },
    /// Debug: stop the running task.
    CancelTask,
    /// Debug: end the execution.
    CompleteExecution {
        /// With this status.
        status: ExecutionStatus,
    },
    /// FailurePause: run the failed task or items again.
    RetryTask,
    /// FailurePause: go on as after a success.
    SkipTask,
    /// Stop starting tasks until Resume.
    Pause,
    /// Go on.
    Resume,
    /// Cancel the execution; twice skips the handlers.
    Cancel,
    /// A trigger fires by hand.
    Trigger {
        /// The message.
        message: Value,
    },
    /// New parameters for the next firings of a trigger: a map.
    UpdateParameters {
        /// The values.
        parameters: Value,
    },
    /// The value of a lost secret has been put back into the vault.
    SecretSupplied,
}

/// Status of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ExecutionStatus {
    /// Accepted.
    #[default]
    Started,
    /// Held back.
    Queued,
    /// Working.
    Running,
    /// Needs something from outside.
    Waiting,
    /// Done, good.
    Success,
    /// Done, bad.
    Failed,
    /// Stopped.
    Cancelled,
}

impl ExecutionStatus {
    /// True for Success, Failed and Cancelled.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled)
    }

    /// As the service spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl fmt::Display for ExecutionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Status of a task, or of an item of a looped task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaskStatus {
    /// Not begun.
    #[default]
    Pending,
    /// Working.
    Running,
    /// Needs something from outside.
    Waiting,
    /// Ended well.
    Success,
    /// Failed.
    Failed,
    /// Stopped.
    Cancelled,
    /// Left out.
    Skipped,
}

impl TaskStatus {
    /// True for Success, Failed, Cancelled and Skipped.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled | Self::Skipped)
    }

    /// As the service spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Skipped => "Skipped",
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `Mode` of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Runs by itself.
    #[default]
    Automatic,
    /// Waits after a failure that no handler takes.
    FailurePause,
    /// Waits before each task.
    Debug,
}

impl Mode {
    /// As the service spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "Automatic",
            Self::FailurePause => "FailurePause",
            Self::Debug => "Debug",
        }
    }
}

/// `SafetyCheck` of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SafetyCheck {
    /// High-risk actions run; the default (service-model 3.1).
    #[default]
    Skip,
    /// High-risk actions wait for a confirmation.
    ConfirmEveryHighRiskAction,
}

/// `LoopMode` of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoopMode {
    /// As the template says.
    #[default]
    Automatic,
    /// Pause after the first batch.
    FirstBatchPause,
    /// Pause after every batch.
    EveryBatchPause,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signal {} from {}", self.id, self.from)
    }
}

/// The id of an execution below another, from its path (template-language 3.4): numbers from 0001, `-2` for run 2.
pub fn child_execution_id(parent: &ExecutionId, task_number: usize, item: Option<u32>, run: u32) -> ExecutionId {
    let mut id = format!("{parent}.{task_number:04}");
    if let Some(item) = item {
        id.push_str(&format!(".{item:04}"));
    }
    if run > 1 {
        id.push_str(&format!("-{run}"));
    }
    ExecutionId::new(id)
}
