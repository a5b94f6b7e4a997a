//! Shapes of answers and of structured parameters.
//!
//! A shape says what members there are and of what type; it has no descriptions, no enums and no required flags,
//! because the sources have none that can be trusted.

use std::sync::Arc;

use serde_json::Value as Json;

/// Shape of a JSON document.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Text.
    String,
    /// An integer, up to 64 bits.
    Integer,
    /// Any number.
    Number,
    /// A boolean.
    Boolean,
    /// Bytes.
    Binary,
    /// A list of items of one shape.
    List(Box<Shape>),
    /// A map with known members, in the order of their names.
    Map(Vec<(Arc<str>, Shape)>),
    /// A map with free keys and values of one shape.
    Free(Box<Shape>),
    /// Not known.
    Any,
}

impl Shape {
    /// The member `name` of a map, or of a map with free keys.
    pub fn member(&self, name: &str) -> Option<&Shape> {
        match self {
            Self::Map(members) => members.iter().find(|(n, _)| &**n == name).map(|(_, shape)| shape),
            Self::Free(shape) => Some(shape),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn item(&self) -> Option<&Shape> {
        match self {
            Self::List(item) => Some(item),
            _ => None,
        }
    }

    /// Reads the short notation of the data file: `"s"`, `["i"]`, `{"Name": "s"}`, `{"*": "s"}`.
    pub(crate) fn from_short(json: &Json) -> Self {
        match json {
            Json::String(s) => Self::from_letter(s),
            Json::Array(items) => Self::List(Box::new(items.first().map_or(Self::Any, Self::from_short))),
            Json::Object(members) => match members.get("*") {
                Some(any) if members.len() == 1 => Self::Free(Box::new(Self::from_short(any))),
                _ => Self::Map(members.iter().map(|(k, v)| (k.as_str().into(), Self::from_short(v))).collect()),
            },
            _ => Self::Any,
        }
    }

    fn from_letter(letter: &str) -> Self {
        match letter {
            "s" => Self::String,
            "i" => Self::Integer,
            "n" => Self::Number,
            "b" => Self::Boolean,
            "y" => Self::Binary,
            "m" => Self::Free(Box::new(Self::Any)),
            _ => Self::Any,
        }
    }
}
