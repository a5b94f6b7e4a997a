//! `ACS::Choice`: the first true condition names the next task.
//!
//! `Choices` is lazy: conditions are evaluated in order and only until one holds, so a condition behind it may refer
//! to what does not exist on this way. Whether targets exist is checked with the template, not here.

use oos_core::{
    ActionName, TaskName,
    expr::truth,
    ports::{
        ActionErrorKind, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, Signature},
        control::ControlError,
    },
    template::ValueType,
};

use crate::{
    failure::{self, Failure},
    properties, signature,
};

const NO_CONDITION: Failure =
    Failure::new(ActionErrorKind::InvalidProperty, "InvalidConditionValue", "a When is neither true nor false");

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::Choice"));

/// `ACS::Choice`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice;

impl ControlAction for Choice {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let properties = vec![
            Property::required("DefaultTask", &[ValueType::String], "task, ACS::END or ACS::NEXT when no choice holds"),
            Property::required("Choices", &[ValueType::List], "list of When and NextTask; the first true When wins"),
        ];
        let description = "goes on at the task of the first condition that holds";
        let signature = signature::closed(&NAME, ActionClass::Control, description, properties);
        failure::list(Signature { lazy: vec!["Choices"], ..signature }, &[NO_CONDITION])
    }

    fn decide(&self, ctx: &ControlContext<'_>, _event: &ControlEvent) -> Result<Decision, ControlError> {
        let count = ctx.lazy.len(&["Choices"]).ok_or_else(|| properties::wrong("Choices", "a list"))?;
        for index in (0..count).map(|i| i.to_string()) {
            if holds(ctx, &index)? {
                let next = ctx.lazy.evaluate(&["Choices", &index, "NextTask"])?;
                return goto(&next.to_text(), "NextTask");
            }
        }
        let default = properties::Properties(ctx.properties).required_text("DefaultTask")?;
        goto(&default, "DefaultTask")
    }
}

fn holds(ctx: &ControlContext<'_>, index: &str) -> Result<bool, ControlError> {
    let value = ctx.lazy.evaluate(&["Choices", index, "When"])?;
    truth(&value).map_err(|e| NO_CONDITION.error(e.message).into())
}

fn goto(target: &str, property: &str) -> Result<Decision, ControlError> {
    if target.is_empty() {
        return Err(properties::missing(property).into());
    }
    Ok(Decision::Goto(TaskName::new(target)))
}
