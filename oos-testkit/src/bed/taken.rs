//! What an action takes, for the report of a task that failed for its properties: made from the action's signature.

use oos_core::{
    ActionName,
    machine::TaskStatus,
    ports::{action::ActionCatalog, event::EventKind},
};

use super::Run;

/// A line per property, each after a line break; empty when no task failed for its properties. Values are not known
/// here: they may be secrets.
pub(super) fn by_the_failed_task(run: &Run) -> String {
    let events = run.events();
    let failed = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::StepEnded { key, status: TaskStatus::Failed, message: Some(message), .. } => {
            message.starts_with("InvalidProperty").then_some((&event.execution, &key.task))
        }
        _ => None,
    });
    let action = events.iter().find_map(|event| match &event.kind {
        EventKind::StepStarted { key, action, .. } if Some((&event.execution, &key.task)) == failed => {
            Some(ActionName::new(action.clone()))
        }
        _ => None,
    });
    let signature = action.and_then(|name| run.bed().engine().actions().signature(&name));
    signature.map_or_else(String::new, |s| s.explain(None).lines().map(|line| format!("\n{line}")).collect())
}
