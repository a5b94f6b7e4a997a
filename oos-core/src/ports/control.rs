//! Actions that steer: sync and pure, so that the machine's decisions replay.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    action::{ActionError, Signature},
    parameter_store::ParameterRef,
    trigger::Rule,
};
use crate::{ActionName, ExecutionId, TaskName, Timestamp, Value};

/// Steers an execution.
///
/// # Implementing
/// `decide` is pure: the same context and event give the same decision, with no clock, no randomness and no state of
/// its own. [`ControlContext::history`] holds the events of this run so far; fold over them.
pub trait ControlAction: fmt::Debug + Send + Sync + 'static {
    /// The name that templates use.
    fn name(&self) -> &ActionName;

    /// What the checker and the documentation know of the action.
    fn signature(&self) -> Signature;

    /// What to do next.
    ///
    /// # Errors
    /// `Failed` ends the step; `Need` makes the machine fetch stored parameters and ask again.
    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError>;
}

/// What happened to a control step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ControlEvent {
    /// The step was entered.
    Entered,
    /// A timer fired.
    Woke {
        /// Which.
        purpose: Purpose,
        /// The instant it was set to; the event's own time may be later.
        scheduled: Timestamp,
    },
    /// A person decided.
    Signalled(Vote),
    /// The message was sent, or not.
    Notified(Result<Value, ActionError>),
    /// A subscription delivered a message.
    Fired(Value),
    /// The child ended.
    ChildEnded {
        /// How.
        status: crate::machine::ExecutionStatus,
        /// Its outputs, a map.
        outputs: Value,
        /// Its failure.
        error: Option<ActionError>,
    },
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// The next attempt.
    Retry,
    /// The end of a sleep.
    Sleep,
    /// A timer trigger fires.
    Firing,
    /// A trigger ends.
    EndDate,
    /// A wait for people ends.
    TimeOut,
    /// The grace after a cancel ends.
    Grace,
}

/// A decision of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Yes or no.
    pub approve: bool,
    /// Who.
    pub from: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What an execution waits for (service-model 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WaitingFor {
    /// A timer trigger.
    Timer,
    /// An event trigger.
    Event,
    /// An alarm trigger.
    Alarm,
    /// `ACS::Approve`.
    Approval,
    /// `ACS::Pause`.
    Pause,
    /// The value of a NoEcho parameter.
    Secret,
    /// Confirmation of a high-risk action.
    RiskConfirmation,
    /// The next step in Debug mode.
    DebugStep,
    /// What to do about a failure in FailurePause mode.
    FailureDecision,
    /// The next batch of a loop.
    Batch,
}

impl WaitingFor {
    /// The text of `WaitingStatus`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timer => "WaitingForTimer",
            Self::Event => "WaitingForEvent",
            Self::Alarm => "WaitingForAlarm",
            Self::Approval => "WaitingForApproval",
            Self::Pause => "WaitingForPause",
            Self::Secret => "WaitingForSecret",
            Self::RiskConfirmation => "WaitingForRiskConfirmation",
            Self::DebugStep => "WaitingForDebugStep",
            Self::FailureDecision => "WaitingForFailureDecision",
            Self::Batch => "WaitingForBatch",
        }
    }
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the machine does next with a control step.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The step is done; the document feeds its selectors.
    Done(Value),
    /// The step is done and the run goes on at a task, `ACS::END` or `ACS::NEXT`.
    Goto(TaskName),
    /// Wait; whatever comes first wakes it. Replaces an earlier wait.
    Wait(Wait),
    /// Send a message with these properties; `Notified` follows.
    Notify(Value),
    /// Run a child; `ChildEnded` follows.
    RunChild(ChildRequest),
    /// The step failed.
    Fail(ActionError),
    /// The step is cancelled (a rejection).
    Cancel,
}

/// What a control step waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// Timers.
    pub timers: Vec<(Purpose, Timestamp)>,
    /// The status that people see: `None` means that the execution stays Running (Sleep).
    pub waiting_for: Option<WaitingFor>,
    /// Who may vote; empty for anybody. Votes are taken only for Approval and Pause.
    pub voters: Vec<String>,
    /// A subscription.
    pub rule: Option<Rule>,
}

/// A child to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ChildRequest {
    /// A template by name (`ACS::Template`).
    Named {
        /// Its name.
        name: crate::TemplateName,
        /// A version, newest without one.
        version: Option<String>,
        /// Values for its parameters.
        parameters: Value,
    },
    /// A template given in place (`TemplateContent`).
    Inline {
        /// The document.
        content: Value,
        /// Values for its parameters.
        parameters: Value,
    },
    /// A firing of a trigger: this plan from its second task.
    Firing {
        /// The message; the trigger task's selectors read it.
        message: Value,
        /// The instant it was due, for timers.
        scheduled: Option<Timestamp>,
    },
}

/// Why `decide` did not decide.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlError {
    /// The step fails.
    Failed(ActionError),
    /// Stored parameters are needed first.
    Need(Vec<ParameterRef>),
}

impl From<ActionError> for ControlError {
    fn from(error: ActionError) -> Self {
        Self::Failed(error)
    }
}

/// Evaluates the lazy properties of a control step.
pub trait LazyProperties {
    /// Number of members of the list at a path of the properties; `None` when there is no list.
    fn len(&self, path: &[&str]) -> Option<usize>;
    /// The value at a path of keys and decimal indices; null when nothing is there.
    ///
    /// # Errors
    /// As [`ControlAction::decide`].
    fn evaluate(&self, path: &[&str]) -> Result<Value, ControlError>;
}

/// What a control action may look at.
pub struct ControlContext<'a> {
    /// The execution.
    pub execution: &'a ExecutionId,
    /// The task.
    pub task: &'a TaskName,
    /// Evaluated properties, without the lazy ones.
    pub properties: &'a Value,
    /// The lazy properties.
    pub lazy: &'a dyn LazyProperties,
    /// Time of the event.
    pub now: Timestamp,
    /// Time of `Entered`.
    pub entered: Timestamp,
    /// Events of this run so far with their times, the present one last.
    pub history: &'a [(Timestamp, ControlEvent)],
}

impl fmt::Debug for ControlContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlContext").field("task", &self.task).field("now", &self.now).finish_non_exhaustive()
    }
}
