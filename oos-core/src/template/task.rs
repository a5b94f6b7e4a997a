//! One entry of `Tasks`.

use super::{Loop, Retry, Spanned, TaskOutput};
use crate::{
    ids::{ActionName, TaskName},
    source::{Key, Node, Span},
};

/// A task as written.
#[derive(Clone, Debug)]
pub struct Task {
    /// Where the whole task stands.
    pub span: Option<Span>,
    /// `Name`.
    pub name: Spanned<TaskName>,
    /// `Action`.
    pub action: Spanned<ActionName>,
    /// `Description` as written.
    pub description: Option<Node>,
    /// `Properties` as written.
    pub properties: Option<Node>,
    /// `When` as written.
    pub when: Option<Node>,
    /// `Outputs` in document order.
    pub outputs: Vec<TaskOutput>,
    /// `Loop`.
    pub looping: Option<Loop>,
    /// `OnError` as written: `ACS::END`, `ACS::NEXT` or a task.
    pub on_error: Option<Spanned<TaskName>>,
    /// `OnSuccess` as written.
    pub on_success: Option<Spanned<TaskName>>,
    /// `OnCancel` as written.
    pub on_cancel: Option<Spanned<TaskName>>,
    /// `IsCritical`.
    pub is_critical: Option<Spanned<bool>>,
    /// `Retries`, `DelayType`, `Delay`, `BackOff`, `MaxRetryInterval`.
    pub retry: Retry,
    /// Keys that the language does not know.
    pub unknown: Vec<(Key, Node)>,
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.action == other.action
            && self.description == other.description
            && self.properties == other.properties
            && self.when == other.when
            && self.outputs == other.outputs
            && self.looping == other.looping
            && self.on_error == other.on_error
            && self.on_success == other.on_success
            && self.on_cancel == other.on_cancel
            && self.is_critical == other.is_critical
            && self.retry == other.retry
            && self.unknown == other.unknown
    }
}
