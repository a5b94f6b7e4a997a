//! Outputs of tasks and of the template, as written.

use super::Spanned;
use crate::{
    ids::Name,
    source::{Key, Node},
};

/// `Type` of an output or parameter: a wrapper, not a converter (template-language 7.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// Text; the default.
    #[default]
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List,
    /// A map or list.
    Json,
}

impl ValueType {
    /// All types.
    pub const ALL: [Self; 5] = [Self::String, Self::Number, Self::Boolean, Self::List, Self::Json];

    /// As templates spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Number => "Number",
            Self::Boolean => "Boolean",
            Self::List => "List",
            Self::Json => "Json",
        }
    }

    /// The type of that exact spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

/// One entry of a task's `Outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskOutput {
    /// Its name.
    pub name: Spanned<Name>,
    /// `Type`, as written when not one of the five (`Array` and `Object` are tolerated); `None` when absent.
    pub value_type: Option<Spanned<Name>>,
    /// `ValueSelector` as written; a parsed template always has it.
    pub selector: Option<Node>,
    /// Keys that the language does not know.
    pub unknown: Vec<(Key, Node)>,
}

/// One entry of the template's `Outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: Spanned<Name>,
    /// `Type`, as [`TaskOutput::value_type`].
    pub value_type: Option<Spanned<Name>>,
    /// `Value` as written; a parsed template always has it.
    pub value: Option<Node>,
    /// Other keys, such as `Description`.
    pub unknown: Vec<(Key, Node)>,
}

/// The type that a written name means: the five, and `Array` and `Object` as tolerated spellings.
pub fn meant_type(written: Option<&Spanned<Name>>) -> ValueType {
    match written.map(|w| w.value.as_str()) {
        Some("Array") => ValueType::List,
        Some("Object") => ValueType::Json,
        Some(name) => ValueType::parse(name).unwrap_or_default(),
        None => ValueType::default(),
    }
}
