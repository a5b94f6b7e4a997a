//! jaq's value traits for [`Value`], so that selectors run on the engine's values without conversion.
//!
//! [`JqValue`] is a [`Value`] with two counters beside it; wrapping and unwrapping copies nothing. The wrapper exists for
//! two reasons: jaq stays out of the public interface of [`Value`], and hostile programs can be kept from building
//! values so deep that dropping them would overflow the stack.
//!
//! Deliberately absent: byte strings, big integers and maps with keys that are not text, which jaq's own value has.

pub(crate) mod access;
mod compare;
mod core;
pub(crate) mod meter;
pub(crate) mod ops;
mod standard;
pub(crate) mod text;

use std::sync::Arc;

use super::{Map, Value};
use meter::{Bound, MAX_CHAIN, MAX_DEPTH};

/// An error inside a jq program.
pub(crate) type JqError = jaq_core::Error<JqValue>;
/// A value or an error inside a jq program.
pub(crate) type JqResult = Result<JqValue, JqError>;

/// Nesting that is assumed of the input of a program.
// CHOICE: the JSON parser stops at 128; twice that leaves room for what templates wrap around a response.
const INPUT_DEPTH: u32 = 256;

/// A value inside a running jq program.
#[derive(Clone, Debug)]
pub(crate) struct JqValue {
    pub(crate) value: Value,
    /// Upper bound of the nesting of `value`.
    depth: u32,
    /// How many steps below null, or slices, lead to this value (see [`MAX_CHAIN`]).
    chain: u32,
}

impl JqValue {
    /// The input of a program, or a constant in its text.
    pub(crate) fn input(value: Value) -> Self {
        Self::derived(value, INPUT_DEPTH)
    }

    /// Null, a boolean, a number or text.
    pub(crate) fn scalar(value: impl Into<Value>) -> Self {
        Self { value: value.into(), depth: 0, chain: 0 }
    }

    /// A value that nests no deeper than `depth`; stops the program when that is too deep.
    pub(crate) fn derived(value: Value, depth: u32) -> Self {
        let depth = if is_container(&value) { depth } else { 0 };
        if depth <= MAX_DEPTH {
            return Self { value, depth, chain: 0 };
        }
        match exact_depth(&value, MAX_DEPTH) {
            Some(depth) => Self { value, depth, chain: 0 },
            None => {
                meter::trip(Bound::Depth);
                Self::scalar(Value::Null)
            }
        }
    }

    /// A list of values that nest no deeper than this value.
    pub(crate) fn list_above(&self, items: Vec<Value>) -> Self {
        Self::derived(Value::List(Arc::new(items)), self.depth + 1)
    }

    /// A value that is found somewhere in this one, or is made of parts of it without deeper nesting.
    pub(crate) fn part(&self, value: Value) -> Self {
        Self::derived(value, self.depth)
    }

    /// A direct child of this value.
    pub(crate) fn child(&self, value: Value) -> Self {
        let depth = if is_container(&value) { self.depth.saturating_sub(1).max(1) } else { 0 };
        Self { value, depth, chain: self.chain }
    }

    /// What lies so many steps further on a path that may go on for ever: below null, along slices or given by keys.
    pub(crate) fn link(&self, value: Value, steps: usize) -> Self {
        let chain = self.chain.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        if chain > MAX_CHAIN {
            meter::trip(Bound::Depth);
        }
        Self { depth: if is_container(&value) { self.depth.max(1) } else { 0 }, value, chain }
    }

    /// Upper bound of the nesting.
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

/// The nesting of a value, `None` when it is beyond `limit` or takes too many steps to find.
fn exact_depth(value: &Value, limit: u32) -> Option<u32> {
    if !meter::charge(1) {
        return None;
    }
    let below = |child: &Value| exact_depth(child, limit.checked_sub(1)?).map(|d| d + 1);
    let deepest = |depth: u32, child: &Value| Some(depth.max(if is_container(child) { below(child)? } else { 1 }));
    match value {
        Value::List(list) => list.iter().try_fold(1, deepest),
        Value::Map(map) => map.values().try_fold(1, deepest),
        _ => Some(0),
    }
}

/// The name that jq has for the kind of a value.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

/// Kind and shortened text of a value, as jq's messages show it.
pub(crate) fn show(value: &Value) -> String {
    format!("{} ({})", kind(value), text::shortened(value))
}

/// An error with a message.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, JqError> {
    Err(JqError::new(JqValue::scalar(message.into())))
}

impl From<Map> for JqValue {
    /// Only for maps of scalars.
    fn from(map: Map) -> Self {
        Self { value: map.into(), depth: 1, chain: 0 }
    }
}
