//! Lists: order, groups, search.

use std::sync::Arc;

use super::{Spec, once};
use crate::value::{
    Value,
    jaq::{JqError, JqResult, JqValue, access, fail, meter, ops::log2, show},
};

pub(super) static NATIVES: [Spec; 17] = [
    Spec::new("sort", "", |cv| once(cv.1.items("sorted").and_then(|items| sorted(&cv.1, items)))),
    Spec::new("unique", "", |cv| once(cv.1.items("sorted").and_then(|items| unique(&cv.1, items)))),
    Spec::new("min", "", |cv| once(cv.1.items("compared").and_then(|items| least(&cv.1, items, items, false)))),
    Spec::new("max", "", |cv| once(cv.1.items("compared").and_then(|items| least(&cv.1, items, items, true)))),
    Spec::new("oos__min_by", "v", |mut cv| {
        let keys = cv.0.pop_var();
        once(with_keys(&cv.1, &keys, "compared", |items, keys| least(&cv.1, items, keys, false)))
    }),
    Spec::new("oos__max_by", "v", |mut cv| {
        let keys = cv.0.pop_var();
        once(with_keys(&cv.1, &keys, "compared", |items, keys| least(&cv.1, items, keys, true)))
    }),
    Spec::new("oos__sort_by", "v", |mut cv| {
        let keys = cv.0.pop_var();
        once(with_keys(&cv.1, &keys, "sorted", |items, keys| {
            let order = order(&keys)?;
            Ok(cv.1.part(order.into_iter().filter_map(|i| items.get(i).cloned()).collect()))
        }))
    }),
    Spec::new("oos__group_by", "v", |mut cv| {
        let keys = cv.0.pop_var();
        once(with_keys(&cv.1, &keys, "grouped", |items, keys| group(&cv.1, items, keys)))
    }),
    Spec::new("reverse", "", |cv| once(reverse(&cv.1))),
    Spec::new("add", "", |cv| once(add(cv.1))),
    Spec::new("flatten", "", |cv| once(flatten(&cv.1, f64::INFINITY))),
    Spec::new("flatten", "v", |mut cv| {
        let depth = cv.0.pop_var();
        once(depth.number().and_then(|depth| flatten(&cv.1, depth)))
    }),
    Spec::new("transpose", "", |cv| once(transpose(&cv.1))),
    Spec::new("indices", "v", |mut cv| {
        let part = cv.0.pop_var();
        once(indices(&cv.1, &part))
    }),
    Spec::new("_strindices", "v", |mut cv| {
        let part = cv.0.pop_var();
        once(text_indices(&cv.1, &part))
    }),
    Spec::new("bsearch", "v", |mut cv| {
        let target = cv.0.pop_var();
        once(search(&cv.1, &target))
    }),
    Spec::new("implode", "", |cv| once(implode(&cv.1))),
];

/// Positions in sorted order; equal ones keep their order.
fn order(keys: &[Value]) -> Result<Vec<usize>, JqError> {
    keys.iter().try_for_each(|key| meter::weigh(key, log2(keys.len())))?;
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|a, b| keys.get(*a).cmp(&keys.get(*b)));
    Ok(order)
}

fn sorted(of: &JqValue, items: &[Value]) -> JqResult {
    items.iter().try_for_each(|item| meter::weigh(item, log2(items.len())))?;
    meter::take(size_of_val(items))?;
    let mut items = items.to_vec();
    items.sort();
    Ok(of.part(items.into()))
}

fn unique(of: &JqValue, items: &[Value]) -> JqResult {
    let mut sorted = sorted(of, items)?;
    if let Value::List(list) = &mut sorted.value {
        Arc::make_mut(list).dedup();
    }
    Ok(sorted)
}

/// Runs a function on the items of a list and their keys, which a definition made with `map([f])`.
fn with_keys(list: &JqValue, keys: &JqValue, verb: &str, f: impl FnOnce(&[Value], Vec<Value>) -> JqResult) -> JqResult {
    let items = list.items(verb)?;
    match keys.value.as_list() {
        Some(keys) if keys.len() == items.len() => f(items, keys.to_vec()),
        _ => fail(format!("{} cannot be {verb}, as it is not an array", show(&list.value))),
    }
}

/// The item with the least key (the first of equals), or with the greatest (the last of equals); null without items.
fn least(of: &JqValue, items: &[Value], keys: impl AsRef<[Value]>, greatest: bool) -> JqResult {
    let keys = keys.as_ref();
    keys.iter().try_for_each(|key| meter::weigh(key, 1))?;
    let pairs = keys.iter().zip(items);
    let found =
        if greatest { pairs.max_by(|(a, _), (b, _)| a.cmp(b)) } else { pairs.min_by(|(a, _), (b, _)| a.cmp(b)) };
    Ok(of.part(found.map(|(_, item)| item.clone()).unwrap_or_default()))
}

fn group(of: &JqValue, items: &[Value], keys: Vec<Value>) -> JqResult {
    let order = order(&keys)?;
    let groups = order.chunk_by(|a, b| keys.get(*a) == keys.get(*b));
    let groups = groups.map(|group| group.iter().filter_map(|i| items.get(*i).cloned()).collect::<Value>());
    Ok(of.list_above(groups.collect()))
}

fn reverse(value: &JqValue) -> JqResult {
    match &value.value {
        Value::Null => Ok(JqValue::derived(Value::empty_list(), 1)),
        Value::String(text) => {
            meter::take(text.len())?;
            Ok(JqValue::scalar(text.chars().rev().collect::<String>()))
        }
        Value::List(list) => {
            meter::take(list.len() * size_of::<Value>())?;
            Ok(value.part(list.iter().rev().cloned().collect()))
        }
        other => fail(format!("Cannot reverse {}", show(other))),
    }
}

fn add(value: JqValue) -> JqResult {
    let items: Vec<Value> = match &value.value {
        Value::List(list) => list.to_vec(),
        Value::Map(map) => map.values().cloned().collect(),
        other => return Err(access::not_iterable(other)),
    };
    let children: Vec<JqValue> = items.into_iter().map(|item| value.child(item)).collect();
    drop(value);
    if children.iter().all(|child| matches!(child.value, Value::String(_))) && !children.is_empty() {
        let bytes: usize = children.iter().filter_map(|c| c.value.as_str()).map(str::len).sum();
        meter::take(bytes)?;
        return Ok(JqValue::scalar(children.iter().filter_map(|c| c.value.as_str()).collect::<String>()));
    }
    children.into_iter().try_fold(JqValue::scalar(Value::Null), |sum, child| sum + child)
}

fn flatten(value: &JqValue, depth: f64) -> JqResult {
    fn into(items: &[Value], depth: f64, out: &mut Vec<Value>) -> Result<(), JqError> {
        items.iter().try_for_each(|item| match item {
            Value::List(inner) if depth > 0.0 => {
                meter::spend(1)?;
                into(inner, depth - 1.0, out)
            }
            item => {
                meter::take(size_of::<Value>())?;
                out.push(item.clone());
                Ok(())
            }
        })
    }
    if depth < 0.0 {
        return fail("flatten depth must not be negative");
    }
    let mut out = Vec::new();
    match &value.value {
        Value::List(list) => into(list, depth, &mut out)?,
        Value::Map(map) => into(&map.values().cloned().collect::<Vec<_>>(), depth, &mut out)?,
        other => return Err(access::not_iterable(other)),
    }
    Ok(value.part(out.into()))
}

fn transpose(value: &JqValue) -> JqResult {
    let rows = value.items("transposed")?;
    let mut width = 0;
    for row in rows {
        match row {
            Value::List(row) => width = width.max(row.len()),
            other => return fail(format!("Cannot index {} with number", crate::value::jaq::kind(other))),
        }
    }
    meter::take(width.saturating_mul(rows.len()).saturating_mul(size_of::<Value>()))?;
    let cell = |row: &Value, i: usize| row.as_list().and_then(|row| row.get(i)).cloned().unwrap_or_default();
    let columns = (0..width).map(|i| rows.iter().map(|row| cell(row, i)).collect::<Value>());
    Ok(value.part(columns.collect()))
}

fn indices(value: &JqValue, part: &JqValue) -> JqResult {
    match (&value.value, &part.value) {
        (Value::Null, _) => Ok(JqValue::scalar(Value::Null)),
        (Value::List(list), Value::List(part)) => Ok(JqValue::derived(access::positions(list, part)?.into(), 1)),
        (Value::List(list), part) => {
            Ok(JqValue::derived(access::positions(list, std::slice::from_ref(part))?.into(), 1))
        }
        (Value::String(_), Value::String(_)) => text_indices(value, part),
        (value, key) => Err(access::wrong_key(value, key)),
    }
}

/// Where a text occurs in a text, overlaps included, counted in characters.
fn text_indices(value: &JqValue, part: &JqValue) -> JqResult {
    let text = value.text("cannot be searched, as it is not a string")?;
    let part = part.text("is not a string")?;
    if part.is_empty() {
        return Ok(JqValue::scalar(Value::Null));
    }
    meter::take(text.len())?;
    let starts = text.char_indices().enumerate();
    let found = starts.filter(|(_, (at, _))| text.get(*at..).is_some_and(|rest| rest.starts_with(&**part)));
    Ok(JqValue::derived(found.map(|(i, _)| Value::from(i as u64)).collect(), 1))
}

fn search(value: &JqValue, target: &JqValue) -> JqResult {
    let Value::List(items) = &value.value else {
        return fail(format!("{} cannot be searched from", show(&value.value)));
    };
    meter::weigh(&target.value, log2(items.len()))?;
    let found = items.binary_search(&target.value);
    Ok(match found {
        Ok(at) => JqValue::scalar(at as u64),
        Err(at) => JqValue::scalar(-1 - i64::try_from(at).unwrap_or(i64::MAX - 1)),
    })
}

fn implode(value: &JqValue) -> JqResult {
    let Some(codes) = value.value.as_list() else {
        return fail("implode input must be an array");
    };
    meter::take(4 * codes.len())?;
    let mut text = String::new();
    for code in codes {
        let Some(number) = code.as_f64().filter(|f| !f.is_nan()) else {
            return fail(format!("{} can't be imploded, unicode codepoint needs to be numeric", show(code)));
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        let scalar = (0.0..1_114_112.0).contains(&number).then_some(number as u32).and_then(char::from_u32);
        text.push(scalar.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Ok(JqValue::scalar(text))
}
