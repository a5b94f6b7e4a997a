//! How functions read their arguments: the coercions of template-language 4.1.
//!
//! Messages name the kind of an argument, never its value: arguments may be secret.

use std::sync::Arc;

use crate::{
    Map, Value,
    expr::{ExprError, bound},
};

/// The error of a wrong number of arguments.
pub(in crate::expr) fn wrong_count(expected: usize, given: usize) -> ExprError {
    ExprError::function(format!("takes {}, not {given}", plural(expected)))
}

fn plural(count: usize) -> String {
    if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") }
}

/// Exactly `N` arguments.
pub(in crate::expr) fn exactly<const N: usize>(argument: &Value) -> Result<[Value; N], ExprError> {
    let list = list(argument)?;
    <[Value; N]>::try_from(list.to_vec()).map_err(|list| wrong_count(N, list.len()))
}

/// `fewest` to `most` arguments.
pub(super) fn between(argument: &Value, fewest: usize, most: usize) -> Result<Arc<Vec<Value>>, ExprError> {
    let list = list(argument)?;
    if (fewest..=most).contains(&list.len()) {
        return Ok(list);
    }
    Err(wrong_count(if list.len() < fewest { fewest } else { most }, list.len()))
}

/// A list, also as JSON text.
pub(in crate::expr) fn list(value: &Value) -> Result<Arc<Vec<Value>>, ExprError> {
    match value.parsed_if_json_text() {
        Value::List(list) => Ok(list),
        other => Err(ExprError::function(format!("needs a list, not a value of type {}", other.kind()))),
    }
}

/// A list; null, as of a task that did not run, is an empty one.
///
/// CHOICE: template-language 4.1 says only that null is a legal result.
pub(super) fn list_or_null(value: &Value) -> Result<Arc<Vec<Value>>, ExprError> {
    if value.is_null() { Ok(Arc::default()) } else { list(value) }
}

/// A map, also as JSON text.
pub(in crate::expr) fn map(value: &Value) -> Result<Arc<Map>, ExprError> {
    match value.parsed_if_json_text() {
        Value::Map(map) => Ok(map),
        other => Err(ExprError::function(format!("needs a map, not a value of type {}", other.kind()))),
    }
}

/// The text form of a value (template-language 3.3), unless it is too big.
pub(super) fn text(value: &Value, limit: usize) -> Result<Arc<str>, ExprError> {
    bound::check(value, limit)?;
    Ok(value.to_text())
}

/// A scalar as text.
pub(super) fn scalar_text(value: &Value) -> Result<Arc<str>, ExprError> {
    match value {
        Value::List(_) | Value::Map(_) => {
            Err(ExprError::function(format!("needs text, not a value of type {}", value.kind())))
        }
        scalar => Ok(scalar.to_text()),
    }
}

/// The number that a number or numeric text stands for.
pub(in crate::expr) fn numeric(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(value.clone()),
        Value::String(text) => number_text(text.trim()),
        _ => None,
    }
}

/// Decimal text as a number; `inf`, `nan` and the like are none.
fn number_text(text: &str) -> Option<Value> {
    if let Ok(int) = text.parse::<i64>() {
        return Some(Value::Int(int));
    }
    let decimal = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let float = text.parse::<f64>().ok().filter(|f| decimal && f.is_finite())?;
    Some(Value::Float(float))
}

/// A number, also as text.
pub(super) fn number(value: &Value) -> Result<Value, ExprError> {
    numeric(value).ok_or_else(|| match value {
        Value::String(_) => ExprError::function("needs a number, not other text"),
        other => ExprError::function(format!("needs a number, not a value of type {}", other.kind())),
    })
}

/// A whole number, also as text.
pub(super) fn integer(value: &Value) -> Result<i64, ExprError> {
    number(value)?.as_i64().ok_or_else(|| ExprError::function("needs a whole number"))
}
