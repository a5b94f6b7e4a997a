//! `ACS::Template`: runs another template as a child and mirrors how it ends.
//!
//! Finding the template, checking its parameters, depth and recursion are the machine's and the plan's; product
//! actions are the short form of this one and end the same way.

use oos_core::{
    ActionName, TemplateName, Value,
    machine::ExecutionStatus,
    ports::{
        ActionError, ActionErrorKind, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, Signature},
        control::{ChildRequest, ControlError, Wait},
    },
    template::ValueType,
};

use crate::{
    failure::{self, Failure, WRONG_PROPERTY},
    properties::Properties,
    signature,
};

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::Template"));

const FAILED_CHILD: Failure =
    Failure::new(ActionErrorKind::Service, "ChildExecutionFailed", "the child failed without an error of its own");

/// The code of a failed child that does not say why.
pub const CHILD_FAILED: &str = FAILED_CHILD.code();

/// `ACS::Template`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Template;

impl ControlAction for Template {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let properties = vec![
            Property::optional("TemplateName", &[ValueType::String], "name of a template or product action"),
            Property::optional("TemplateVersion", &[ValueType::String], "version such as v2; the newest without one"),
            Property::optional("TemplateContent", &[ValueType::Json], "a template written in place"),
            Property::optional("Parameters", &[ValueType::Json], "values for the template's parameters")
                .default(Value::empty_map()),
        ];
        let signature = Signature {
            loops: true,
            verbatim: vec!["TemplateContent"],
            ..signature::closed(&NAME, ActionClass::Embedded, "runs another template", properties)
        }
        .gives([signature::document("outputs of the child")]);
        failure::list(signature, &[FAILED_CHILD])
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        match event {
            ControlEvent::Entered => Ok(Decision::RunChild(request(ctx)?)),
            ControlEvent::ChildEnded { status, outputs, error } => Ok(mirror_child(*status, outputs, error.as_ref())),
            _ => Ok(Decision::Wait(Wait::default())),
        }
    }
}

fn request(ctx: &ControlContext<'_>) -> Result<ChildRequest, ControlError> {
    let properties = Properties(ctx.properties);
    let parameters = Value::from(properties.map("Parameters")?.unwrap_or_default());
    let content = ctx.properties.at(&["TemplateContent"]).parsed_if_json_text();
    match (properties.text("TemplateName")?, content) {
        (Some(name), Value::Null) => Ok(ChildRequest::Named {
            name: TemplateName::new(name),
            version: properties.text("TemplateVersion")?,
            parameters,
        }),
        (None, content @ Value::Map(_)) => Ok(ChildRequest::Inline { content, parameters }),
        (None, Value::Null) => Err(one_of_two("give `TemplateName` or `TemplateContent`")),
        (Some(_), _) => Err(one_of_two("give only one of `TemplateName` and `TemplateContent`")),
        (None, _) => Err(one_of_two("property `TemplateContent` must be a map")),
    }
}

fn one_of_two(message: &str) -> ControlError {
    WRONG_PROPERTY.error(message).into()
}

/// How the task ends when its child has ended: the child's outputs are the result document, its failure the task's.
pub fn mirror_child(status: ExecutionStatus, outputs: &Value, error: Option<&ActionError>) -> Decision {
    match status {
        ExecutionStatus::Success => Decision::Done(outputs.clone()),
        ExecutionStatus::Cancelled => Decision::Cancel,
        _ => Decision::Fail(error.cloned().unwrap_or_else(|| FAILED_CHILD.error("the child execution failed"))),
    }
}
