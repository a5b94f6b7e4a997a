//! Checks over a template and its plan: every finding in one go, each with code, place and hint.

mod actions;
mod flow;
mod parameters;

pub(crate) use parameters::constraints;

use crate::{
    ActionName, TaskName,
    diagnostic::{Code, Diagnostic, Diagnostics, nearest},
    plan::{Environment, Plan},
    template::{Spanned, Template},
};

/// Runs all passes that need the whole plan.
pub(crate) fn run(template: &Template, plan: &Plan, environment: &Environment, found: &mut Diagnostics) {
    actions::check(template, plan, environment, found);
    flow::check(template, plan, found);
    parameters::check(template, plan, found);
}

/// An action that is not registered, with the names that were likely meant.
pub(crate) fn unknown_action(action: &Spanned<ActionName>, environment: &Environment, pointer: &str) -> Diagnostic {
    let name = action.value.as_str();
    let finding = Diagnostic::error(Code::UNKNOWN_ACTION, format!("unknown action `{name}`"), action.span, pointer)
        .label("no action of this name is registered");
    let names: Vec<String> = environment.actions.names().iter().map(ToString::to_string).collect();
    let last = name.rsplit("::").next().unwrap_or(name);
    let same_end = names.iter().filter(|n| n.rsplit("::").next().is_some_and(|l| l.eq_ignore_ascii_case(last)));
    let mut meant: Vec<&str> = same_end.map(String::as_str).collect();
    meant.extend(nearest::nearest(name, names.iter().map(String::as_str)).into_iter().filter(|n| !n.is_empty()));
    if name.to_ascii_lowercase().starts_with("acs::flow::") {
        meant.insert(0, "ACS::Loop");
    }
    meant.dedup();
    meant.truncate(3);
    if meant.is_empty() {
        return finding.help("register the action, or load a directory of action templates");
    }
    let list = meant.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(" or ");
    finding.help(format!("did you mean {list}?"))
}

/// A jump to something that is no task.
pub(crate) fn jump_target(target: &Spanned<TaskName>, plan: &Plan, pointer: &str) -> Diagnostic {
    let name = target.value.as_str();
    let finding = Diagnostic::error(Code::JUMP_TARGET, format!("jump to unknown task `{name}`"), target.span, pointer)
        .label("no task of this name");
    let names = plan.tasks.iter().map(|t| t.name.as_str()).chain(["ACS::END", "ACS::NEXT"]);
    match nearest::nearest(name, names) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("a target is the name of a task, `ACS::NEXT` or `ACS::END`"),
    }
}
