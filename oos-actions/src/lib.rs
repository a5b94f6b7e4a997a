//! The actions of CloudOps Orchestration Service templates.
//!
//! Atoms call APIs and HTTP services, control actions steer, triggers start firings, product actions are templates
//! under an action's name. Everything stands on the ports of `oos-core`: an action knows neither the machine that
//! runs it nor the cloud that answers. What a task's attributes do (loops, retries, jumps) is the machine's business
//! and not here.

pub mod atom;
pub mod control;
mod failure;
pub mod notify;
pub mod product;
mod properties;
pub mod reference;
pub mod select_targets;
mod signature;
mod tags;
pub mod trigger;

use std::sync::Arc;

use oos_core::{
    ports::{
        action::{Action, Entry},
        control::ControlAction,
    },
    registry::ActionRegistry,
};

pub use tags::WantedTag;

/// A registry of every action of this crate and the embedded product actions.
///
/// ```
/// use oos_core::{ActionName, ports::action::ActionCatalog};
///
/// let registry = oos_actions::standard();
/// assert!(registry.signature(&ActionName::new("acs::executeapi")).is_some_and(|s| s.calls_api));
/// ```
pub fn standard() -> ActionRegistry {
    let registry = ActionRegistry::new().with_templates(product::embedded());
    all_actions().into_iter().fold(registry, ActionRegistry::with_entry)
}

/// Every action of this crate, in the order of the product's list; product actions come from
/// [`product::embedded`].
pub fn all_actions() -> Vec<Entry> {
    let work: [Arc<dyn Action>; 7] = [
        Arc::new(atom::ExecuteApi),
        Arc::new(atom::WaitFor::default()),
        Arc::new(atom::CheckFor::default()),
        Arc::new(atom::ExecuteHttpRequest::default()),
        Arc::new(atom::GitCodeRepo),
        Arc::new(notify::Notify),
        Arc::new(select_targets::SelectTargets),
    ];
    let control: [Arc<dyn ControlAction>; 9] = [
        Arc::new(trigger::TimerTrigger::default()),
        Arc::new(trigger::AlarmTrigger::default()),
        Arc::new(trigger::EventTrigger::default()),
        Arc::new(control::Approve::default()),
        Arc::new(control::Choice),
        Arc::new(control::Sleep),
        Arc::new(control::Pause),
        Arc::new(control::Template),
        Arc::new(control::ForEach),
    ];
    work.into_iter().map(Entry::Work).chain(control.into_iter().map(Entry::Control)).collect()
}
