//! The plan: a checked template with every name resolved to an index and every expression and selector compiled.
//!
//! A plan holds nothing that runs; one plan serves any number of executions at once. [`Plan::compile`] is the only
//! way to make one, so a machine can trust every index in it.

mod compile;
mod graph;
mod link;
mod names;
mod retry;

use std::sync::Arc;

pub use compile::Environment;
pub(crate) use compile::{document, escape, is_document};
pub(crate) use graph::jump;
pub use graph::{Edge, EdgeKind, Graph};
pub use link::{LinkError, PlanSet};
pub use retry::{DelayType, FIRST_EXPONENT, RetryPlan, RetryPolicy};

use crate::{
    ActionName, TaskName, TemplateName,
    diagnostic::Diagnostics,
    expr::{Expr, Function, coerce::Constraints},
    ids::Name,
    machine::Extract,
    ports::{
        action::{ActionClass, Signature},
        control::ControlAction,
    },
    selector::Selector,
    source::{SourceText, Span},
    template::{Template, ValueType},
};

/// A checked template, ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name it is known by, when it has one.
    pub name: Option<TemplateName>,
    /// The version it is known by.
    pub version: Option<Arc<str>>,
    /// Digest of its text.
    pub digest: Arc<str>,
    /// Its text.
    pub source: Option<SourceText>,
    /// Parameters in document order.
    pub parameters: Vec<ParameterPlan>,
    /// Conditions in document order.
    pub conditions: Vec<ConditionPlan>,
    /// `RamRole`.
    pub ram_role: Option<Expr>,
    /// Tasks in order.
    pub tasks: Vec<TaskPlan>,
    /// Outputs in document order.
    pub outputs: Vec<OutputPlan>,
    /// Templates that tasks name literally, also inside templates written in place: product actions and
    /// `ACS::Template` with a literal name.
    pub children: Vec<ChildName>,
    /// Warnings.
    pub warnings: Diagnostics,
}

/// A child that is known before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildName {
    /// Its name.
    pub name: TemplateName,
    /// A literal version.
    pub version: Option<Arc<str>>,
    /// The task that names it.
    pub task: usize,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct ParameterPlan {
    /// Its name as declared.
    pub name: Name,
    /// Its type.
    pub value_type: ValueType,
    /// Its default.
    pub default: Option<Expr>,
    /// Its constraints.
    pub constraints: Constraints,
    /// True when its value is masked and kept out of the journal.
    pub no_echo: bool,
}

/// A condition.
#[derive(Clone, Debug)]
pub struct ConditionPlan {
    /// Its name as declared.
    pub name: Name,
    /// The condition.
    pub expr: Expr,
}

/// An output of the template.
#[derive(Clone, Debug)]
pub struct OutputPlan {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub value_type: ValueType,
    /// Its value.
    pub value: Expr,
}

/// A task.
#[derive(Clone, Debug)]
pub struct TaskPlan {
    /// Its name as declared.
    pub name: TaskName,
    /// Where it stands.
    pub span: Option<Span>,
    /// The action as registered.
    pub action: ActionName,
    /// What is known of the action.
    pub signature: Arc<Signature>,
    /// How it runs.
    pub kind: TaskKind,
    /// The template that `ACS::Template` has in place, for those who look ahead; a run reads it when it comes there.
    pub inline: Option<Arc<Plan>>,
    /// `When`.
    pub when: Option<Expr>,
    /// True when `When` reads the loop item and is asked for each item.
    pub when_per_item: bool,
    /// Properties that are evaluated before the action runs.
    pub properties: Expr,
    /// Properties that a control action asks for.
    pub lazy: Expr,
    /// Retry settings.
    pub retry: RetryPlan,
    /// Outputs in document order.
    pub outputs: Vec<TaskOutputPlan>,
    /// The extract, when no selector has references.
    pub extract: Option<Arc<Extract>>,
    /// What other tasks can read, in the order of the indices of references.
    pub visible: Vec<Visible>,
    /// True when something refers into the raw result.
    pub keep_document: bool,
    /// The loop.
    pub looping: Option<LoopPlan>,
    /// Where a success leads.
    pub on_success: Following,
    /// Where a failure leads.
    pub on_error: Following,
    /// Where a cancellation leads.
    pub on_cancel: Following,
    /// True when a failure fails the execution even though it is handled (template-language 5.5).
    pub critical: bool,
}

/// How a task runs.
#[derive(Clone, Debug)]
pub enum TaskKind {
    /// A work action.
    Work,
    /// A control action.
    Control(Arc<dyn ControlAction>),
    /// A template under an action's name; the properties are its parameters.
    Child,
    /// `ACS::Loop`: these tasks, once per item.
    LoopTasks(Arc<Plan>),
}

/// Where a task leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// The next task in the list.
    Next,
    /// The end of the run.
    End,
    /// That task.
    Task(usize),
}

/// An output of a task.
#[derive(Clone, Debug)]
pub struct TaskOutputPlan {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub value_type: ValueType,
    /// How it is found.
    pub selector: SelectorPlan,
}

/// How an output is found.
#[derive(Clone, Debug)]
pub enum SelectorPlan {
    /// By this selector.
    Fixed(Selector),
    /// By the selector whose text this gives.
    Text(Expr),
    /// It is this value: the result of `Fn::Jq`, or a reference as in `ACS::Loop`.
    Value(Expr),
}

/// Something of a task that others can read.
#[derive(Clone, Debug)]
pub struct Visible {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: VisibleKind,
}

/// What a [`Visible`] is.
#[derive(Clone, Debug)]
pub enum VisibleKind {
    /// Output of a task without loop, by index.
    Output(usize),
    /// Aggregate of a loop over an output, by its index; `None` when the field is looked up in the raw result.
    Aggregate {
        /// Index of the output; `None` for an undeclared field.
        field: Option<usize>,
        /// The undeclared field as selector.
        raw: Option<Selector>,
        /// The combining function.
        function: Arc<Function>,
    },
}

/// The loop of a task.
#[derive(Clone, Debug)]
pub struct LoopPlan {
    /// `Items`.
    pub items: Expr,
    /// `RateControl`, or the old form as a map.
    pub rate_control: Expr,
    /// True when `BatchPauseOption` of the old form makes batches of size `Concurrency`.
    pub old_form: bool,
}

impl Plan {
    /// Index of a task by name, case ignored.
    pub fn task_index(&self, name: &str) -> Option<usize> {
        self.tasks.iter().position(|t| t.name.as_str().eq_ignore_ascii_case(name))
    }

    /// `Category`: `TimerTrigger`, `EventTrigger`, `AlarmTrigger` or `Other`.
    pub fn category(&self) -> &'static str {
        let first = self.tasks.first().filter(|t| t.signature.class == ActionClass::Trigger);
        match first.map(|t| t.action.as_str().to_ascii_lowercase()) {
            Some(name) if name.ends_with("timertrigger") => "TimerTrigger",
            Some(name) if name.ends_with("eventtrigger") => "EventTrigger",
            Some(name) if name.ends_with("alarmtrigger") => "AlarmTrigger",
            _ => "Other",
        }
    }

    /// True when the first task is a trigger.
    pub fn has_trigger(&self) -> bool {
        self.tasks.first().is_some_and(|t| t.signature.class == ActionClass::Trigger)
    }

    /// Checks and compiles a template.
    ///
    /// # Errors
    /// All findings when one of them is an error; warnings alone stay readable in [`Plan::warnings`].
    pub fn compile(template: &Template, environment: &Environment) -> Result<Self, Diagnostics> {
        compile::compile(template, environment)
    }
}

impl TaskPlan {
    /// True when the action runs another template.
    pub fn is_child(&self) -> bool {
        matches!(self.kind, TaskKind::Child)
    }

    /// The plan of the tasks of `ACS::Loop`.
    pub fn loop_tasks(&self) -> Option<&Plan> {
        match &self.kind {
            TaskKind::LoopTasks(plan) => Some(plan),
            _ => None,
        }
    }
}
