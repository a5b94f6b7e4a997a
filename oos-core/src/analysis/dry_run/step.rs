//! What a dry run tells.

use std::{sync::Arc, time::Duration};

use super::super::symbolic::Symbolic;
use crate::{ActionName, TaskName, TemplateName, machine::PauseOption, ports::control::WaitingFor};

/// The result of a dry run.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// The template, when it has a name.
    pub template: Option<TemplateName>,
    /// Parameters in the order of the template.
    pub parameters: Vec<(Arc<str>, Symbolic)>,
    /// The role that calls are made as; `None` for the caller's own identity.
    pub role: Option<Symbolic>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// Outputs of the template.
    pub outputs: Vec<(Arc<str>, Symbolic)>,
    /// Why every run would fail, if so.
    pub failure: Option<Arc<str>>,
    /// RAM actions of all calls, sorted.
    pub actions: Vec<Arc<str>>,
    /// Parameters that would be refused, and the like.
    pub problems: Vec<String>,
    /// True when not everything was told, because there were too many steps.
    pub truncated: bool,
}

/// A visit of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The task.
    pub task: TaskName,
    /// Its action.
    pub action: ActionName,
    /// Its line in its template, from 1.
    pub line: Option<usize>,
    /// Whether a run comes here.
    pub reach: Reach,
    /// `When`, if it cannot be decided: the step acts or is skipped.
    pub when: Option<Arc<str>>,
    /// How often it acts.
    pub fan_out: Option<FanOut>,
    /// What it does.
    pub does: Does,
    /// How it asks again.
    pub polls: Option<Polls>,
    /// Ways to go on that cannot be decided, e.g. `choice 1 when …: stop`.
    pub branches: Vec<Arc<str>>,
    /// Where a failure leads, when not to the end.
    pub on_error: Option<OnFailure>,
    /// Why it would fail in every run.
    pub failure: Option<Arc<str>>,
    /// Steps of the child, or of the tasks of `ACS::Loop`.
    pub body: Vec<Step>,
}

/// Whether a run comes to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every run does.
    Always,
    /// It depends: on these decisions, or on those before.
    Maybe(Vec<Arc<str>>),
    /// Only after a failure or cancellation of these tasks.
    AfterFailure(Vec<TaskName>),
}

/// Where a failure leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// On, as after a success.
    GoesOn,
    /// To that task.
    Task(TaskName),
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Does {
    /// Nothing; why.
    Nothing(Arc<str>),
    /// Calls APIs.
    Calls(Vec<ApiCall>),
    /// Runs a template, explored in the body.
    Child {
        /// Its name; null for one without, written in place or given by an expression.
        template: Symbolic,
        /// The role that it names for itself.
        role: Option<Symbolic>,
        /// Why the body is empty.
        unexplored: Option<Arc<str>>,
    },
    /// Runs the tasks in the body for each item.
    Tasks,
    /// Decides where to go on: the target, when it is known.
    Chooses(Option<Arc<str>>),
    /// Sleeps that long.
    Sleeps {
        /// `Duration` as given.
        duration: Symbolic,
        /// The time, when it is known.
        time: Option<Duration>,
    },
    /// Waits for people or for a trigger; what follows a trigger happens at each firing.
    Waits {
        /// For what.
        waiting_for: WaitingFor,
        /// Its properties.
        properties: Vec<(Arc<str>, Symbolic)>,
    },
    /// Anything else, with its properties: a message, an HTTP request, an action of the host.
    Acts(Vec<(Arc<str>, Symbolic)>),
}

/// An API call.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    /// Product code.
    pub service: Symbolic,
    /// Operation.
    pub api: Symbolic,
    /// Request parameters; of a call that an action makes of its own accord, the properties that it makes them of.
    pub parameters: Vec<(Arc<str>, Symbolic)>,
    /// The RAM action, when service and operation are known.
    pub action: Option<Arc<str>>,
    /// True when it is high-risk.
    pub high_risk: bool,
}

/// How often a looped step acts.
#[derive(Clone, Debug, PartialEq)]
pub struct FanOut {
    /// Number of items, when it is known.
    pub items: Option<usize>,
    /// Where the items come from, when their number is not known.
    pub origin: Option<Arc<str>>,
    /// Items at once: by batch when there are batches; empty when it is not known.
    pub windows: Vec<u32>,
    /// Sizes of batches in order; empty without batches or when they are not known.
    pub batches: Vec<u32>,
    /// Failures that are still a success.
    pub max_errors: Option<u32>,
    /// When it pauses between batches.
    pub pause: PauseOption,
    /// The rate control as given, when it cannot be read yet.
    pub rate_control: Option<Symbolic>,
}

/// How a step asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polls {
    /// Attempts at most.
    pub attempts: u32,
    /// Waits between them, together at most.
    pub longest: Duration,
}

impl Step {
    /// The API calls of this step, without those of its body.
    pub fn calls(&self) -> &[ApiCall] {
        match &self.does {
            Does::Calls(calls) => calls,
            _ => &[],
        }
    }

    fn each(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        self.body.iter().for_each(|s| s.each(visit));
    }
}

impl DryRun {
    /// Calls `visit` on every step, those of bodies included, in order.
    pub fn each_step(&self, visit: &mut dyn FnMut(&Step)) {
        self.steps.iter().for_each(|s| s.each(visit));
    }
}
