//! What a machine asks the world to do. Effects follow from inputs and are never recorded.

use std::sync::Arc;

use crate::{
    ActionName, Timestamp, Value,
    ids::{MachinePath, StepKey},
    ports::{control::Purpose, event::EventKind, parameter_store::ParameterRef, trigger::Rule},
    selector::Selector,
    template::ValueType,
};

/// One effect.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Run an attempt of a work action.
    Run {
        /// The machine.
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// The action.
        action: ActionName,
        /// Evaluated properties.
        properties: Value,
        /// Evaluated role chain.
        role: Arc<str>,
        /// The run from which the idempotency token follows: an earlier one than the key's when people retry a step
        /// whose outcome is unknown.
        token_run: u32,
        /// Definite answers of this step so far; the idempotency token follows from it too.
        answers: u32,
        /// What to take out of the result document.
        extract: Arc<Extract>,
        /// Time of the input that started the run of this step.
        started: Timestamp,
    },
    /// Wake the step at an instant.
    Wake {
        /// The machine.
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// Which timer.
        purpose: Purpose,
        /// When.
        at: Timestamp,
    },
    /// Forget all timers of the step.
    Unwake {
        /// The machine.
        path: MachinePath,
        /// The step.
        key: StepKey,
    },
    /// Stop the work action in flight.
    Stop {
        /// The machine.
        path: MachinePath,
        /// The step.
        key: StepKey,
    },
    /// Fetch stored parameters.
    Fetch {
        /// Their names.
        names: Vec<ParameterRef>,
    },
    /// Find a template whose name was computed.
    Link {
        /// The machine.
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// What to find.
        plan: PlanRef,
    },
    /// Start delivery of events or alarms.
    Subscribe {
        /// The machine.
        path: MachinePath,
        /// The step.
        key: StepKey,
        /// The rule.
        rule: Rule,
    },
    /// End delivery.
    Unsubscribe {
        /// The machine.
        path: MachinePath,
        /// The step.
        key: StepKey,
    },
    /// Tell observers.
    Emit {
        /// The machine.
        path: MachinePath,
        /// The execution.
        execution: crate::ExecutionId,
        /// Number of the event.
        number: u64,
        /// When.
        at: Timestamp,
        /// What.
        kind: Box<EventKind>,
    },
}

/// A template that a machine asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanRef {
    /// By name and version.
    Named(crate::TemplateName, Option<String>),
    /// In place.
    Inline(Value),
}

/// The selectors of a task with their references already substituted: a pure function of the result document.
#[derive(Clone, Debug, Default)]
pub struct Extract {
    /// Name, type and way of each output, in order.
    pub outputs: Vec<(Arc<str>, ValueType, ExtractKind)>,
    /// True when the document itself is wanted.
    pub keep_document: bool,
}

/// How an output comes out of the document.
#[derive(Clone, Debug)]
pub enum ExtractKind {
    /// By a selector.
    Selector(Selector),
    /// It is known already.
    Value(Value),
    /// It could not be made: the error of its text.
    Failed(crate::ports::ActionError),
}
