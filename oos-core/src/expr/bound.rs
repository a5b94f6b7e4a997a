//! How big a value may get: evaluation must not make a small template eat the memory of its host.
//!
//! Values share their parts, so each place where a part stands counts: what is small in memory may print without end.
//! Measuring stops at the bound.

use super::ExprError;
use crate::Value;

/// CHOICE: deepest nesting of a value; documents nest 64 levels, JSON answers 128 (the parser's own bound).
const VALUE_DEPTH: usize = 512;

/// CHOICE: bytes that a value counts for besides its text: about what it takes in memory.
const VALUE_BYTES: usize = 16;

/// The error of a value that is too big.
pub(super) fn too_big(limit: usize) -> ExprError {
    ExprError::new("LimitExceeded.ValueSize", format!("the value is larger than {limit} bytes"))
}

/// Checks that a value stays within `limit` bytes.
pub(super) fn check(value: &Value, limit: usize) -> Result<(), ExprError> {
    let mut budget = limit;
    measure(value, &mut budget, 0).ok_or_else(|| too_big(limit))
}

/// Checks that a list or map of so many values stays within `limit` bytes, before it is made.
pub(super) fn check_count(values: usize, limit: usize) -> Result<(), ExprError> {
    if values.saturating_mul(VALUE_BYTES) > limit { Err(too_big(limit)) } else { Ok(()) }
}

/// Appends the text form of a value, unless the text gets too big.
pub(super) fn append(text: &mut String, value: &Value, limit: usize) -> Result<(), ExprError> {
    match value {
        Value::String(s) => return append_str(text, s, limit),
        Value::Null => return Ok(()),
        Value::List(_) | Value::Map(_) => check(value, limit.saturating_sub(text.len()))?,
        _ => {}
    }
    append_str(text, &value.to_text(), limit)
}

/// Appends text, unless it gets too big.
pub(super) fn append_str(text: &mut String, more: &str, limit: usize) -> Result<(), ExprError> {
    if text.len().saturating_add(more.len()) > limit {
        return Err(too_big(limit));
    }
    text.push_str(more);
    Ok(())
}

fn measure(value: &Value, budget: &mut usize, depth: usize) -> Option<()> {
    let spend = |budget: &mut usize, bytes: usize| {
        *budget = budget.checked_sub(bytes)?;
        Some(())
    };
    match value {
        Value::String(s) => spend(budget, VALUE_BYTES + s.len()),
        Value::List(_) | Value::Map(_) if depth >= VALUE_DEPTH => None,
        Value::List(list) => {
            spend(budget, VALUE_BYTES)?;
            list.iter().try_for_each(|v| measure(v, budget, depth + 1))
        }
        Value::Map(map) => {
            spend(budget, VALUE_BYTES)?;
            map.iter().try_for_each(|(k, v)| {
                spend(budget, VALUE_BYTES + k.len())?;
                measure(v, budget, depth + 1)
            })
        }
        _ => spend(budget, VALUE_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parts_count_each_time() {
        let mut value = Value::from("0123456789");
        for _ in 0..40 {
            value = Value::from([value.clone(), value]);
        }
        assert_eq!(check(&value, 1 << 20).unwrap_err().code, "LimitExceeded.ValueSize");
        assert!(check(&Value::from("x"), 17).is_ok());
        assert!(check(&Value::from("xy"), 17).is_err());
    }

    #[test]
    fn deep_nesting_is_too_big() {
        let deep = |n| (0..n).fold(Value::Null, |inner, _| Value::from([inner]));
        assert!(check(&deep(400), 1 << 20).is_ok());
        assert!(check(&deep(600), 1 << 20).is_err());
    }
}
