//! Lists: selecting, merging and combining.

use std::{collections::BTreeSet, sync::Arc};

use super::{FunctionContext, args};
use crate::{Value, expr::ExprError};

/// What `Fn::Select` gives for something absent (template-language 4.2; templates compare the result with `''`).
fn absent() -> Value {
    Value::from("")
}

/// `[index or key, list or map, default?]`.
pub(super) fn select(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let arguments = args::between(argument, 2, 3)?;
    let (Some(key), Some(container)) = (arguments.first(), arguments.get(1)) else {
        return Err(args::wrong_count(2, arguments.len()));
    };
    let default = || arguments.get(2).cloned().unwrap_or_else(absent);
    match container.parsed_if_json_text() {
        Value::Null => Ok(default()),
        // CHOICE: empty text is what an inner `Fn::Select` gives for something absent, so nothing is in it.
        Value::String(text) if text.is_empty() => Ok(default()),
        Value::List(list) => select_in_list(key, &list, default),
        Value::Map(map) => Ok(map.get(&args::scalar_text(key)?).cloned().unwrap_or_else(default)),
        other => Err(ExprError::function(format!("needs a list or map, not a value of type {}", other.kind()))),
    }
}

fn select_in_list(key: &Value, list: &[Value], default: impl Fn() -> Value) -> Result<Value, ExprError> {
    if let Some(text) = key.as_str().filter(|t| t.contains(':')) {
        return slice(text, list);
    }
    let index = args::integer(key)?;
    let found = usize::try_from(from_end(index, list.len())).ok().and_then(|i| list.get(i));
    Ok(found.cloned().unwrap_or_else(default))
}

/// The index counted from the start; negative ones count from the end.
fn from_end(index: i64, length: usize) -> i64 {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if index < 0 { index.saturating_add(length) } else { index }
}

/// `start:stop:step`, each part optional.
fn slice(text: &str, list: &[Value]) -> Result<Value, ExprError> {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    let part = |i: usize| match parts.get(i) {
        None | Some(&"") => Ok(None),
        Some(text) => text.parse::<i64>().map(Some),
    };
    let error = |_| ExprError::function("needs an index, a key, or a slice `start:stop:step` of whole numbers");
    let (start, stop, step) = (part(0).map_err(error)?, part(1).map_err(error)?, part(2).map_err(error)?);
    if parts.len() > 3 || step == Some(0) {
        return Err(ExprError::function("the slice is not `start:stop:step` with a step other than 0"));
    }
    Ok(stepped(list, start, stop, step.unwrap_or(1)))
}

fn stepped(list: &[Value], start: Option<i64>, stop: Option<i64>, step: i64) -> Value {
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |index: Option<i64>, default| index.map_or(default, |i| from_end(i, list.len()).clamp(low, high));
    let (mut at, stop) =
        if step > 0 { (clamp(start, 0), clamp(stop, length)) } else { (clamp(start, high), clamp(stop, -1)) };
    let mut picked = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        picked.extend(usize::try_from(at).ok().and_then(|i| list.get(i)).cloned());
        at = at.saturating_add(step);
    }
    Value::from(picked)
}

/// `[start, stop, list]`: half-open, negative counts from the end.
pub(super) fn range_select(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [start, stop, list] = args::exactly(argument)?;
    let (start, stop) = (args::integer(&start)?, args::integer(&stop)?);
    let list = args::list_or_null(&list)?;
    Ok(stepped(&list, Some(start), Some(stop), 1))
}

/// The first element, null without one.
pub(super) fn first(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    Ok(args::list_or_null(argument)?.first().cloned().unwrap_or_default())
}

/// The last element, null without one.
pub(super) fn last(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    Ok(args::list_or_null(argument)?.last().cloned().unwrap_or_default())
}

/// The arguments as a list, not flattened.
pub(super) fn list_join(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    args::list_or_null(argument).map(Value::List)
}

/// One level flattened, nulls removed.
pub(super) fn merge_list(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let mut merged = Vec::new();
    for element in args::list_or_null(argument)?.iter() {
        match element {
            Value::Null => {}
            Value::List(inner) => merged.extend(inner.iter().filter(|v| !v.is_null()).cloned()),
            other => merged.push(other.clone()),
        }
    }
    Ok(Value::from(merged))
}

/// `[number of batches, list]`: the size of a batch, at least 1.
pub(super) fn calculate_batch(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [batches, list] = args::exactly(argument)?;
    let batches = usize::try_from(args::integer(&batches)?).ok().filter(|n| *n > 0);
    let batches = batches.ok_or_else(|| ExprError::function("the number of batches must be at least 1"))?;
    let size = args::list_or_null(&list)?.len().div_ceil(batches).max(1);
    Ok(Value::from(size as u64))
}

fn lists(argument: &Value) -> Result<Vec<Arc<Vec<Value>>>, ExprError> {
    args::list(argument)?.iter().map(args::list_or_null).collect()
}

/// Keeps what `keep` accepts, each value once, in order.
fn distinct<'v>(values: impl Iterator<Item = &'v Value>, keep: impl Fn(&Value) -> bool) -> Value {
    let mut seen = BTreeSet::new();
    values.filter(|v| keep(v) && seen.insert(*v)).cloned().collect()
}

/// What stands in all lists, in the order of the first.
pub(super) fn intersection(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let lists = lists(argument)?;
    let Some((first, others)) = lists.split_first() else { return Ok(Value::empty_list()) };
    let others: Vec<BTreeSet<&Value>> = others.iter().map(|l| l.iter().collect()).collect();
    Ok(distinct(first.iter(), |v| others.iter().all(|o| o.contains(v))))
}

/// What stands in any list, in the order of first sight.
pub(super) fn union(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let lists = lists(argument)?;
    Ok(distinct(lists.iter().flat_map(|l| l.iter()), |_| true))
}

/// What stands in exactly one of two lists: union minus intersection, the first list's own first.
pub(super) fn difference(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [a, b] = args::exactly(argument)?;
    let (a, b) = (args::list_or_null(&a)?, args::list_or_null(&b)?);
    let (in_a, in_b): (BTreeSet<_>, BTreeSet<_>) = (a.iter().collect(), b.iter().collect());
    Ok(distinct(a.iter().chain(b.iter()), |v| in_a.contains(v) != in_b.contains(v)))
}
