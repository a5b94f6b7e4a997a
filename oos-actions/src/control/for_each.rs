//! `ACS::Loop`: what the checker must know of it.
//!
//! Its tasks run in one machine per item, with this machine's scope around them, so the machine drives it by its own
//! loop rules and never asks for a decision; a host that does gets a clear failure instead of a silent success.

use oos_core::{
    ActionName, Value, params,
    ports::{
        ActionErrorKind, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, Signature},
        control::ControlError,
    },
    template::ValueType,
};

use crate::{
    failure::{self, Failure},
    signature,
};

/// The machine raises it.
const TOO_MANY_ERRORS: Failure =
    Failure::new(ActionErrorKind::Internal, "LoopMaxErrorsExceeded", "more items failed than MaxErrors allows");
const NOT_DRIVEN: Failure =
    Failure::new(ActionErrorKind::Unsupported, "UnsupportedAction", "the host is another engine that drives no loops");

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::Loop"));

/// `ACS::Loop`: several tasks for each item.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForEach;

impl ForEach {
    /// CHOICE: the rate control of a loop that gives none, as of the task attribute `Loop` (actions.md 15).
    pub fn default_rate_control() -> Value {
        params! { "Mode" => "Concurrency", "Concurrency" => 1, "MaxErrors" => 0 }
    }
}

impl ControlAction for ForEach {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let properties = vec![
            Property::required("LoopItems", &[ValueType::List], "the items, at most 1,000"),
            Property::optional("LoopRateControl", &[ValueType::Json], "concurrency, batches and tolerated errors")
                .default(Self::default_rate_control()),
            Property::required("LoopTasks", &[ValueType::List], "tasks that run in order for each item"),
        ];
        let signature = Signature {
            lazy: vec!["LoopTasks"],
            ..signature::closed(&NAME, ActionClass::Control, "runs several tasks for each item of a list", properties)
        }
        .gives([signature::document("outputs of the inner tasks: each a list over all items, null where one failed")]);
        failure::list(signature, &[TOO_MANY_ERRORS, NOT_DRIVEN])
    }

    fn decide(&self, _ctx: &ControlContext<'_>, _event: &ControlEvent) -> Result<Decision, ControlError> {
        Err(NOT_DRIVEN.error("this host does not drive ACS::Loop").into())
    }
}
