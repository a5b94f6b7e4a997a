//! Properties of a task against what its action declares.

use super::{arguments::Arguments, flow::is_choice};
use crate::{
    diagnostic::{Code, Diagnostics, Severity},
    plan::Plan,
    ports::action::ActionClass,
    template::Template,
};

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        // What a choice needs has a code of its own.
        if is_choice(task) {
            continue;
        }
        let signature = &compiled.signature;
        let is_child = signature.class == ActionClass::Product;
        let arguments = Arguments {
            owner: compiled.action.as_str(),
            noun: if is_child { "parameter" } else { "property" },
            declared: &signature.properties,
            class: signature.class,
            open: signature.open,
            missing: if is_child { Code::CHILD_PARAMETER } else { Code::PROPERTIES },
            unknown: match is_child {
                true => (Code::CHILD_PARAMETER, Severity::Error),
                false => (Code::UNKNOWN_PROPERTY, Severity::Warning),
            },
            place: task.action.span,
            pointer: format!("/Tasks/{i}/Properties"),
        };
        let given = task.properties.as_ref().and_then(|p| p.as_map()).unwrap_or_default();
        arguments.check(given, found);
    }
}
