//! One entry of `Parameters`, as written (template-language 2.1).

use super::{Spanned, ValueType};
use crate::{
    ids::Name,
    source::{Key, Node, Span},
};

/// The declared type of a parameter.
pub type ParameterType = ValueType;

/// A parameter declaration as written. Attributes that matter when running are typed; the check reports the others.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Where the declaration stands.
    pub span: Option<Span>,
    /// Its name.
    pub name: Spanned<Name>,
    /// `Type` as written; `None` when absent (String).
    pub value_type: Option<Spanned<Name>>,
    /// `Default` as written.
    pub default: Option<Node>,
    /// `AllowedValues` as written.
    pub allowed_values: Option<Node>,
    /// `AllowedPattern` as written.
    pub allowed_pattern: Option<Node>,
    /// `MinLength` as written.
    pub min_length: Option<Node>,
    /// `MaxLength` as written.
    pub max_length: Option<Node>,
    /// `MinValue` as written.
    pub min_value: Option<Node>,
    /// `MaxValue` as written.
    pub max_value: Option<Node>,
    /// `NoEcho` as written.
    pub no_echo: Option<Node>,
    /// `ConstraintDescription` as written.
    pub constraint_description: Option<Node>,
    /// `Description`, `Label`, `AssociationProperty`, `AssociationPropertyMetadata`: console only, kept as written.
    pub console: Vec<(Key, Node)>,
    /// Attributes that the language does not know.
    pub unknown: Vec<(Key, Node)>,
}

impl Parameter {
    /// True when `NoEcho` is true (as boolean or text).
    pub fn is_no_echo(&self) -> bool {
        self.no_echo.as_ref().is_some_and(|n| n.to_value().to_text().eq_ignore_ascii_case("true"))
    }

    /// The value of a console attribute.
    pub fn console(&self, key: &str) -> Option<&Node> {
        self.console.iter().find(|(k, _)| &*k.text == key).map(|(_, n)| n)
    }
}

impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.value_type == other.value_type
            && self.default == other.default
            && self.allowed_values == other.allowed_values
            && self.allowed_pattern == other.allowed_pattern
            && self.min_length == other.min_length
            && self.max_length == other.max_length
            && self.min_value == other.min_value
            && self.max_value == other.max_value
            && self.no_echo == other.no_echo
            && self.constraint_description == other.constraint_description
            && self.console == other.console
            && self.unknown == other.unknown
    }
}
