//! Names that lead nowhere: actions that are not registered, jumps to something that is no task.

use crate::{
    ActionName, TaskName,
    diagnostic::{Code, Diagnostic, nearest},
    plan::{Environment, Plan},
    template::Spanned,
};

/// CHOICE: names in one hint.
const MOST_HINTS: usize = 3;

/// An action that is not registered, with the names that were likely meant: those that end alike, and the nearest.
pub(crate) fn unknown_action(action: &Spanned<ActionName>, environment: &Environment, pointer: &str) -> Diagnostic {
    let name = action.value.as_str();
    let finding = Diagnostic::error(Code::UNKNOWN_ACTION, format!("unknown action `{name}`"), action.span, pointer)
        .label("no action of this name is registered");
    if name.to_ascii_lowercase().starts_with("acs::flow::") {
        return finding.help("give a task a `Loop`, or loop over several tasks with `ACS::Loop`");
    }
    let names: Vec<String> = environment.actions.names().iter().map(ToString::to_string).collect();
    let meant = meant(name, &names);
    if meant.is_empty() {
        return finding.help("register the action, or load a directory of action templates");
    }
    let list = meant.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(" or ");
    finding.help(format!("did you mean {list}?"))
}

fn meant<'n>(name: &str, names: &'n [String]) -> Vec<&'n str> {
    let last = |name: &str| name.rsplit("::").next().unwrap_or(name).to_ascii_lowercase();
    let near = nearest(name, names.iter().map(String::as_str));
    let mut alike: Vec<&str> = names.iter().map(String::as_str).filter(|n| last(n) == last(name)).collect();
    // CHOICE: of several products the one that most templates are about comes first.
    alike.sort_by_key(|n| !n.to_ascii_lowercase().starts_with("acs::ecs::"));
    let mut meant: Vec<&str> = near.into_iter().collect();
    meant.extend(alike.into_iter().filter(|n| Some(*n) != near));
    meant.truncate(MOST_HINTS);
    meant
}

/// A jump to something that is no task.
pub(crate) fn jump_target(target: &Spanned<TaskName>, plan: &Plan, pointer: &str) -> Diagnostic {
    let name = target.value.as_str();
    let finding = Diagnostic::error(Code::JUMP_TARGET, format!("jump to unknown task `{name}`"), target.span, pointer)
        .label("no task of this name");
    let names = plan.tasks.iter().map(|t| t.name.as_str()).chain(["ACS::END", "ACS::NEXT"]);
    match nearest(name, names) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("a target is the name of a task, `ACS::NEXT` or `ACS::END`"),
    }
}
