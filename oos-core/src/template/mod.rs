//! The document as written: the typed tree between the spanned nodes and the plan.
//!
//! Free-form parts (properties, conditions, selectors, loop settings) stay [`Node`]s, because expressions may stand
//! anywhere in them; `plan::compile` turns them into expressions. Equality ignores places, so that
//! `parse(print(t)) == t`.

mod keys;
mod looping;
mod lower;
mod metadata;
mod output;
mod parameter;
mod print;
mod retry;
mod schema;
mod task;

use std::sync::Arc;

pub use looping::{Aggregate, Loop, RateControl, RateControlMap};
pub use metadata::Description;
pub use output::{Output, TaskOutput, ValueType, meant_type};
pub use parameter::{Parameter, ParameterType};
pub use retry::Retry;
pub use task::Task;

use crate::{
    diagnostic::Diagnostics,
    ids::Name,
    limits::Limits,
    source::{Key, Node, SourceText, Span},
};

/// The one format version that runs.
pub const FORMAT_VERSION: &str = "OOS-2019-06-01";

/// A value with the place where it was written; equality ignores the place.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Option<Span>,
}

impl<T> Spanned<T> {
    /// A value with its place.
    pub fn new(value: T, span: Option<Span>) -> Self {
        Self { value, span }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// One entry of `Conditions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Its name.
    pub name: Spanned<Name>,
    /// The condition as written.
    pub node: Node,
}

/// A template as written. Equality ignores places, source text and warnings.
#[derive(Clone, Debug)]
pub struct Template {
    /// Text and name it was parsed from.
    pub source: Option<SourceText>,
    /// SHA-256 of the text it was parsed from (of its printed form when built in code), hexadecimal.
    pub digest: Arc<str>,
    /// `Description` as written.
    pub description: Option<Node>,
    /// `Metadata` as written; console only.
    pub metadata: Option<Node>,
    /// `RamRole` as written.
    pub ram_role: Option<Node>,
    /// `Parameters` in document order.
    pub parameters: Vec<Parameter>,
    /// `Conditions` in document order.
    pub conditions: Vec<Condition>,
    /// `Tasks` in order.
    pub tasks: Vec<Task>,
    /// `Outputs` in document order.
    pub outputs: Vec<Output>,
    /// Keys that the language does not know, kept for round trips.
    pub unknown: Vec<(Key, Node)>,
    /// Warnings of parsing.
    pub warnings: Diagnostics,
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.description == other.description
            && self.metadata == other.metadata
            && self.ram_role == other.ram_role
            && self.parameters == other.parameters
            && self.conditions == other.conditions
            && self.tasks == other.tasks
            && self.outputs == other.outputs
            && self.unknown == other.unknown
    }
}

impl Template {
    /// Parses YAML or JSON text.
    ///
    /// # Errors
    /// All findings when one of them is an error; warnings alone stay readable in [`Template::warnings`].
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        Self::parse_source(SourceText::new("<template>", text), &Limits::default())
    }

    /// Parses text under the name that diagnostics show, within limits.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_source(source: SourceText, limits: &Limits) -> Result<Self, Diagnostics> {
        lower::parse(source, limits)
    }

    /// Parses bytes, which may not be UTF-8.
    ///
    /// # Errors
    /// As [`Template::parse`]; invalid UTF-8 is a syntax error with its byte position.
    pub fn parse_bytes(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Diagnostics> {
        lower::parse_bytes(name, bytes, limits)
    }

    /// Reads a template from a node, e.g. `TemplateContent` of `ACS::Template`.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn from_node(node: &Node, source: Option<SourceText>, limits: &Limits) -> Result<Self, Diagnostics> {
        lower::from_node(node, source, limits)
    }

    /// The document as a node without places.
    pub fn to_node(&self) -> Node {
        print::to_node(self)
    }

    /// The document as YAML text.
    pub fn to_yaml(&self) -> String {
        print::to_yaml(self)
    }

    /// The document as JSON text, indented.
    pub fn to_json(&self) -> String {
        print::to_json(self)
    }

    /// The JSON Schema (draft 2020-12) of the template language, made of the tables that drive parsing.
    pub fn json_schema() -> serde_json::Value {
        schema::json_schema()
    }

    /// The task of that name, case ignored.
    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|t| t.name.value.as_str().eq_ignore_ascii_case(name))
    }

    /// The parameter of that name, case ignored.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name.value.as_str().eq_ignore_ascii_case(name))
    }

    /// True when the first task is a trigger.
    pub fn has_trigger(&self) -> bool {
        self.tasks.first().is_some_and(|t| t.action.value.as_str().to_ascii_lowercase().ends_with("trigger"))
    }
}
