//! `Loop` of a task, as written (template-language 6.2).

use super::Spanned;
use crate::{
    ids::Name,
    source::{Key, Node, Span},
};

/// `Loop` as written.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Where the map stands.
    pub span: Option<Span>,
    /// `Items`; `None` when missing, which is an error that the check reports.
    pub items: Option<Node>,
    /// `RateControl`: a map or a whole reference to one.
    pub rate_control: Option<RateControl>,
    /// The old form: `Concurrency`, `MaxErrors`, `BatchPauseOption`, `Mode` directly under `Loop`.
    pub old_form: RateControlMap,
    /// `Outputs`: aggregates in document order.
    pub outputs: Vec<Aggregate>,
    /// Keys that the language does not know.
    pub unknown: Vec<(Key, Node)>,
}

impl PartialEq for Loop {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
            && self.rate_control == other.rate_control
            && self.old_form == other.old_form
            && self.outputs == other.outputs
            && self.unknown == other.unknown
    }
}

/// `RateControl` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct RateControl(pub Node);

/// The rate keys of the old form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateControlMap {
    /// `Mode`.
    pub mode: Option<Node>,
    /// `Concurrency`.
    pub concurrency: Option<Node>,
    /// `MaxErrors`.
    pub max_errors: Option<Node>,
    /// `BatchPauseOption`.
    pub batch_pause_option: Option<Node>,
}

/// One entry of `Loop.Outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Its name.
    pub name: Spanned<Name>,
    /// `AggregateType`, e.g. `Fn::ListJoin`.
    pub aggregate_type: Spanned<Name>,
    /// `AggregateField`: the task output that is combined.
    pub field: Spanned<Name>,
    /// Keys that the language does not know.
    pub unknown: Vec<(Key, Node)>,
}
