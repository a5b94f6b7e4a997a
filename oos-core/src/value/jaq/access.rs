//! Members by key, index, slice and path: read, write and delete, with jq's meaning and jq's messages.
//!
//! On plain [`Value`]s, because the path walker of selectors needs reading without jq. Nothing here recurses deeper than
//! the path given, and no path is longer than the nesting that is allowed anyway.

use std::{ops::Range, sync::Arc};

use super::{JqError, fail, kind, meter, show};
use crate::value::Value;

/// The highest index that a write may create.
// CHOICE: jq's own bound; the meter stops a program long before.
const LARGEST_INDEX: f64 = 536_870_911.0;

/// The direct member under a key: null where there is none.
pub(crate) fn get(value: &Value, key: &Value) -> Result<Value, JqError> {
    match (value, key) {
        (Value::Null, Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Null | Value::Map(_)) => {
            Ok(Value::Null)
        }
        (Value::Map(map), Value::String(key)) => Ok(map.get(key).cloned().unwrap_or_default()),
        (Value::List(list), Value::Int(_) | Value::Float(_)) => {
            Ok(position(key, list.len()).and_then(|i| list.get(i)).cloned().unwrap_or_default())
        }
        (Value::List(_) | Value::String(_), Value::Map(range)) => {
            let bound = |name| range.get(name).unwrap_or(&Value::Null);
            slice(value, bound("start"), bound("end"))
        }
        (Value::List(list), Value::List(part)) => positions(list, part).map(|found| found.into_iter().collect()),
        _ => Err(wrong_key(value, key)),
    }
}

/// The error for a key that does not fit.
pub(crate) fn wrong_key(value: &Value, key: &Value) -> JqError {
    JqError::str(format!("Cannot index {} with {}", kind(value), show(key)))
}

/// The error for a value without members.
pub(crate) fn not_iterable(value: &Value) -> JqError {
    JqError::str(format!("Cannot iterate over {}", show(value)))
}

/// The position that an index means in a list of `len`: fractions are cut, negative ones count from the end.
fn position(index: &Value, len: usize) -> Option<usize> {
    let index = index.as_f64()?.floor();
    let from_start = if index < 0.0 { index + to_f64(len) } else { index };
    (from_start >= 0.0 && from_start < to_f64(len)).then(|| to_usize(from_start))
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn to_f64(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "callers check the range")]
fn to_usize(f: f64) -> usize {
    f as usize
}

/// Where a list occurs inside a list.
pub(crate) fn positions(list: &[Value], part: &[Value]) -> Result<Vec<Value>, JqError> {
    if part.is_empty() {
        return Ok(Vec::new());
    }
    meter::spend(list.len() as u64)?;
    for item in part {
        meter::weigh(item, list.len() as u64)?;
    }
    let starts = list.windows(part.len()).enumerate().filter(|(_, window)| *window == part);
    Ok(starts.map(|(i, _)| Value::from(i as u64)).collect())
}

/// A part of a list or text.
pub(crate) fn slice(value: &Value, start: &Value, end: &Value) -> Result<Value, JqError> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::List(list) => {
            let range = bounds(start, end, list.len())?;
            meter::take(range.len() * size_of::<Value>())?;
            Ok(list.get(range).unwrap_or_default().iter().cloned().collect())
        }
        Value::String(text) => {
            meter::take(text.len())?;
            let range = bounds(start, end, text.chars().count())?;
            Ok(text.chars().skip(range.start).take(range.len()).collect::<String>().into())
        }
        _ => fail(format!("Cannot index {} with object", kind(value))),
    }
}

/// The positions that a slice covers.
fn bounds(start: &Value, end: &Value, len: usize) -> Result<Range<usize>, JqError> {
    let bound = |given: &Value, default: f64, round: fn(f64) -> f64| match given {
        Value::Null => Ok(default),
        Value::Int(_) | Value::Float(_) => {
            let given = given.as_f64().filter(|f| !f.is_nan()).map_or(default, round);
            Ok(if given < 0.0 { given + to_f64(len) } else { given }.clamp(0.0, to_f64(len)))
        }
        _ => fail("Start and end indices of an array slice must be numbers"),
    };
    let start = to_usize(bound(start, 0.0, f64::floor)?);
    let end = to_usize(bound(end, to_f64(len), f64::ceil)?);
    Ok(start..end.max(start))
}

/// The value at a path: null below null.
pub(crate) fn get_path(value: &Value, path: &[Value]) -> Result<Value, JqError> {
    let mut at = value.clone();
    for key in path {
        if at.is_null() {
            return Ok(Value::Null);
        }
        meter::spend(1)?;
        at = get(&at, key)?;
    }
    Ok(at)
}

/// Takes the value at a path out of a value, leaving null; null where there is none.
pub(crate) fn take_path(value: &mut Value, path: &[Value]) -> Result<Value, JqError> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(std::mem::take(value));
    };
    charge_copy(value)?;
    match slot(value, key) {
        Some(slot) => take_path(slot, rest),
        None => get_path(&get(value, key)?, rest),
    }
}

/// The place of an existing direct member, for change.
fn slot<'a>(value: &'a mut Value, key: &Value) -> Option<&'a mut Value> {
    match (value, key) {
        (Value::Map(map), Value::String(key)) if map.contains_key(key) => Arc::make_mut(map).get_mut(key),
        (Value::List(list), Value::Int(_) | Value::Float(_)) => {
            let at = position(key, list.len())?;
            Arc::make_mut(list).get_mut(at)
        }
        _ => None,
    }
}

/// Sets the value at a path, making what is missing on the way.
pub(crate) fn set_path(value: &mut Value, path: &[Value], new: Value) -> Result<(), JqError> {
    let Some((key, rest)) = path.split_first() else {
        *value = new;
        return Ok(());
    };
    charge_copy(value)?;
    if rest.is_empty() {
        return set(value, key, new);
    }
    if let Some(slot) = slot(value, key) {
        return set_path(slot, rest, new);
    }
    let mut child = get(value, key)?;
    set_path(&mut child, rest, new)?;
    set(value, key, child)
}

/// Counts the copy that a write to a shared list or map makes.
fn charge_copy(value: &mut Value) -> Result<(), JqError> {
    let copied = match value {
        Value::List(list) => Arc::get_mut(list).is_none().then(|| list.len()),
        Value::Map(map) => Arc::get_mut(map).is_none().then(|| 2 * map.len()),
        _ => None,
    };
    meter::take(copied.unwrap_or(0) * size_of::<Value>())
}

/// Sets a direct member.
pub(crate) fn set(value: &mut Value, key: &Value, new: Value) -> Result<(), JqError> {
    if value.is_null() {
        *value = match key {
            Value::String(_) => Value::empty_map(),
            Value::Int(_) | Value::Float(_) | Value::Map(_) => Value::empty_list(),
            _ => return Err(wrong_key(value, key)),
        };
    }
    match (value, key) {
        (Value::Map(map), Value::String(key)) => {
            Arc::make_mut(map).insert(key.clone(), new);
            Ok(())
        }
        (Value::List(list), Value::Int(_) | Value::Float(_)) => set_index(Arc::make_mut(list), key, new),
        (Value::List(list), Value::Map(range)) => {
            let bound = |name| range.get(name).unwrap_or(&Value::Null);
            let range = bounds(bound("start"), bound("end"), list.len())?;
            set_slice(Arc::make_mut(list), range, &new)
        }
        (Value::String(_), Value::Map(_)) => fail("Cannot update string slices"),
        (Value::List(_), Value::List(_)) => fail("Cannot update field at array index of array"),
        (value, key) => Err(wrong_key(value, key)),
    }
}

fn set_index(list: &mut Vec<Value>, key: &Value, new: Value) -> Result<(), JqError> {
    let index = key.as_f64().unwrap_or(f64::NAN).floor();
    let at = if index < 0.0 { index + to_f64(list.len()) } else { index };
    if at.is_nan() {
        return fail("Cannot set array element at NaN index");
    } else if at < 0.0 {
        return fail("Out of bounds negative array index");
    } else if at > LARGEST_INDEX {
        return fail("Array index too large");
    }
    let at = to_usize(at);
    if at >= list.len() {
        meter::take((at + 1 - list.len()) * size_of::<Value>())?;
        list.resize(at + 1, Value::Null);
    }
    if let Some(slot) = list.get_mut(at) {
        *slot = new;
    }
    Ok(())
}

fn set_slice(list: &mut Vec<Value>, range: Range<usize>, new: &Value) -> Result<(), JqError> {
    let Value::List(new) = new else {
        return fail("A slice of an array can only be assigned another array");
    };
    meter::take((list.len() + new.len()) * size_of::<Value>())?;
    list.splice(range, new.iter().cloned());
    Ok(())
}

/// Deletes what lies at the paths; positions are those before any deletion.
pub(crate) fn delete_paths(value: &mut Value, mut paths: Vec<&[Value]>) -> Result<(), JqError> {
    paths.sort_unstable();
    paths.dedup();
    delete_sorted(value, &paths, 0)
}

fn delete_sorted(value: &mut Value, paths: &[&[Value]], level: usize) -> Result<(), JqError> {
    meter::spend(paths.len() as u64)?;
    if value.is_null() {
        return Ok(());
    }
    if paths.iter().any(|path| path.len() == level) {
        *value = Value::Null;
        return Ok(());
    }
    charge_copy(value)?;
    let mut leaves = Vec::new();
    for group in paths.chunk_by(|a, b| a.get(level) == b.get(level)) {
        let Some(key) = group.first().and_then(|path| path.get(level)) else { continue };
        if group.iter().any(|path| path.len() == level + 1) {
            leaves.push(key);
        } else if let Some(slot) = slot(value, key) {
            delete_sorted(slot, group, level + 1)?;
        } else {
            let mut child = get(value, key)?;
            if !child.is_null() {
                delete_sorted(&mut child, group, level + 1)?;
                set(value, key, child)?;
            }
        }
    }
    delete_members(value, &leaves)
}

fn delete_members(value: &mut Value, keys: &[&Value]) -> Result<(), JqError> {
    if keys.is_empty() {
        return Ok(());
    }
    match value {
        Value::Map(map) => {
            let map = Arc::make_mut(map);
            let mut names = std::collections::BTreeSet::new();
            for key in keys {
                match key {
                    Value::String(name) => names.insert(&**name),
                    key => return fail(format!("Cannot delete field at object index of {}", kind(key))),
                };
            }
            map.retain(|name, _| !names.contains(name));
            Ok(())
        }
        Value::List(list) => {
            let mut keep = vec![true; list.len()];
            for key in keys {
                mark_deleted(&mut keep, key)?;
            }
            let mut keep = keep.into_iter();
            Arc::make_mut(list).retain(|_| keep.next().unwrap_or(true));
            Ok(())
        }
        other => {
            let key = keys.first().copied().unwrap_or(&Value::Null);
            fail(format!("Cannot delete field at {} index of {}", key_kind(key), kind(other)))
        }
    }
}

fn key_kind(key: &Value) -> &'static str {
    match key {
        Value::String(_) => "object",
        _ => "array",
    }
}

fn mark_deleted(keep: &mut [bool], key: &Value) -> Result<(), JqError> {
    let range = match key {
        Value::Int(_) | Value::Float(_) => match position(key, keep.len()) {
            Some(at) => at..at + 1,
            None => return Ok(()),
        },
        Value::Map(range) => {
            let bound = |name| range.get(name).unwrap_or(&Value::Null);
            bounds(bound("start"), bound("end"), keep.len())?
        }
        key => return fail(format!("Cannot delete field at {} index of array", key_kind(key))),
    };
    keep.get_mut(range).into_iter().flatten().for_each(|kept| *kept = false);
    Ok(())
}
