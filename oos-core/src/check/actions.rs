//! Properties, loops and retry settings against what an action declares.

use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    plan::{Environment, Plan, TaskPlan},
    ports::action::{ActionClass, RetryRule},
    template::{Task, Template},
};

pub(super) fn check(template: &Template, plan: &Plan, _environment: &Environment, found: &mut Diagnostics) {
    for (i, (task, plan)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        looping(i, task, plan, found);
        retry(i, task, plan, found);
        properties(i, task, plan, found);
    }
}

fn looping(i: usize, task: &Task, plan: &TaskPlan, found: &mut Diagnostics) {
    let Some(looping) = &task.looping else { return };
    let pointer = format!("/Tasks/{i}/Loop");
    if !plan.signature.loops {
        let message = format!("`{}` cannot loop", plan.action);
        found.push(Diagnostic::error(Code::LOOP, message, looping.span, pointer.clone()));
    }
    if looping.items.is_none() {
        found.push(Diagnostic::error(Code::LOOP, "a loop needs `Items`", looping.span, pointer));
    }
}

fn retry(i: usize, task: &Task, plan: &TaskPlan, found: &mut Diagnostics) {
    if matches!(plan.signature.retry, RetryRule::Task { .. }) || task.retry.is_empty() {
        return;
    }
    let message = format!("`{}` does not retry; these keys are ignored", plan.action);
    let help = "set them on the WaitFor inside";
    let finding = Diagnostic::warning(Code::RETRY, message, task.name.span, format!("/Tasks/{i}"));
    let child = matches!(plan.signature.class, ActionClass::Embedded | ActionClass::Product);
    found.push(if child { finding.help(help) } else { finding });
}

fn properties(i: usize, task: &Task, plan: &TaskPlan, found: &mut Diagnostics) {
    let signature = &plan.signature;
    let Some(map) = task.properties.as_ref().and_then(|p| p.as_map()) else {
        return missing(i, task, plan, found);
    };
    missing(i, task, plan, found);
    if signature.open {
        return;
    }
    for (key, _) in map {
        let known = signature.properties.iter().any(|p| p.name.eq_ignore_ascii_case(&key.text));
        if known {
            continue;
        }
        let pointer = format!("/Tasks/{i}/Properties/{}", crate::plan::escape(&key.text));
        let message = format!("`{}` has no property `{}`", plan.action, key.text);
        let code = if signature.class == ActionClass::Product { Code::CHILD_PARAMETER } else { Code::UNKNOWN_PROPERTY };
        let is_error = signature.class == ActionClass::Product;
        let names = signature.properties.iter().map(|p| &*p.name);
        let finding = if is_error {
            Diagnostic::error(code, message, key.span, pointer)
        } else {
            Diagnostic::warning(code, message, key.span, pointer)
        };
        found.push(match crate::diagnostic::nearest::nearest(&key.text, names) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding,
        });
    }
}

fn missing(i: usize, task: &Task, plan: &TaskPlan, found: &mut Diagnostics) {
    let given = |name: &str| {
        let map = task.properties.as_ref().and_then(|p| p.as_map()).unwrap_or_default();
        map.iter().any(|(k, _)| k.text.eq_ignore_ascii_case(name))
    };
    // A whole reference may give any property.
    if task.properties.as_ref().is_some_and(|p| p.as_map().is_none()) {
        return;
    }
    for property in plan.signature.properties.iter().filter(|p| p.required && !given(&p.name)) {
        let code = if plan.signature.class == ActionClass::Product { Code::CHILD_PARAMETER } else { Code::PROPERTIES };
        let message = format!("`{}` needs the property `{}`", plan.action, property.name);
        let pointer = format!("/Tasks/{i}/Properties");
        found.push(Diagnostic::error(code, message, task.action.span, pointer));
    }
}
