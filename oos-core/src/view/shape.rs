//! The shape of a node, by the class of its action.

use crate::{
    plan::{TaskKind, TaskPlan},
    ports::action::ActionClass,
};

/// The shape of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Calls an API: a rectangle.
    Api,
    /// An embedder's action: a rectangle with round corners.
    Custom,
    /// `ACS::Choice`: a rhombus.
    Choice,
    /// Steers: a hexagon.
    Control,
    /// A trigger: a stadium.
    Trigger,
    /// Runs a template, or tasks of its own: a rectangle with double sides.
    Child,
}

impl Shape {
    pub(super) fn of(task: &TaskPlan) -> Self {
        match (&task.kind, task.signature.class) {
            _ if task.action.is("ACS::Choice") => Self::Choice,
            (TaskKind::Child | TaskKind::LoopTasks(_), _) => Self::Child,
            (_, ActionClass::Embedded | ActionClass::Product) => Self::Child,
            (_, ActionClass::Trigger) => Self::Trigger,
            (_, ActionClass::Control) => Self::Control,
            (TaskKind::Control(_), _) => Self::Control,
            (_, ActionClass::Api) => Self::Api,
            (_, ActionClass::Custom) => Self::Custom,
        }
    }
}
