//! What the page loop reads from answers, and how it merges them.
//!
//! Products disagree about names and depth: `NextToken`, `nextToken`, `PageInfo.TotalCount`, the XML root of object
//! storage. Names are compared without case and underscores, in the body and in the maps directly under it.

use std::sync::Arc;

use super::Members;
use crate::Value;

/// Names of totals (actions 4.6, aliyun-client 6).
const TOTALS: [&str; 4] = ["TotalCount", "TotalRecordCount", "Total", "TotalNum"];

/// Names of page sizes in answers, when the request's name is not among the members.
const SIZES: [&str; 1] = ["PageSize"];

/// True when two names differ in case and underscores at most.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    let plain = |s: &str| s.bytes().filter(|c| !b"_-".contains(c)).map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>();
    plain(a) == plain(b)
}

/// The scalar called `name`, in the body or in a map directly under it.
fn scalar<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    let own = |map: &'a Members| map.iter().find(|(k, v)| same_name(k, name) && is_scalar(v)).map(|(_, v)| v);
    let body = body.as_map()?;
    own(body).or_else(|| body.values().filter_map(Value::as_map).find_map(own))
}

fn is_scalar(value: &Value) -> bool {
    !value.is_null() && value.as_list().is_none() && value.as_map().is_none()
}

fn number(body: &Value, name: &str) -> Option<i64> {
    let value = scalar(body, name)?;
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A token that leads on; empty, `null` and absent ones do not.
pub(super) fn token(body: &Value, cursor: &str) -> Option<Value> {
    scalar(body, cursor).filter(|v| leads_on(v)).map(|v| Value::String(v.to_text()))
}

fn leads_on(token: &Value) -> bool {
    !matches!(token.to_text().trim(), "" | "null")
}

/// The marker of a truncated answer.
pub(super) fn marker(body: &Value, cursor: &str) -> Option<Value> {
    let truncated = scalar(body, "IsTruncated").is_some_and(|v| v.to_text().eq_ignore_ascii_case("true"));
    let next = ["NextMarker", "NextContinuationToken", cursor].into_iter().find_map(|name| token(body, name));
    next.filter(|_| truncated)
}

/// The total, when the answer has one.
pub(super) fn total(body: &Value) -> Option<i64> {
    TOTALS.iter().find_map(|name| number(body, name))
}

/// The page size that the answer names.
pub(super) fn size(body: &Value, name: Option<&str>) -> Option<i64> {
    name.into_iter().chain(SIZES).find_map(|name| number(body, name)).filter(|n| *n > 0)
}

/// Items of the page: the longest list that is reached through maps alone. `None` without a list.
pub(super) fn items(value: &Value) -> Option<i64> {
    match value {
        Value::List(items) => i64::try_from(items.len()).ok(),
        Value::Map(map) => map.values().filter_map(items).max(),
        _ => None,
    }
}

/// Appends the lists of a further page at every path where the answers hold one; other values stay as they are.
pub(super) fn append(merged: &mut Value, page: &Value) {
    match (merged, page) {
        (Value::List(all), Value::List(more)) => Arc::make_mut(all).extend(more.iter().cloned()),
        (Value::Map(all), Value::Map(more)) => {
            let all = Arc::make_mut(all);
            for (name, value) in more.iter() {
                match all.get_mut(name) {
                    Some(old) => append(old, value),
                    None if items(value).is_some() => {
                        all.insert(name.clone(), value.clone());
                    }
                    None => {}
                }
            }
        }
        // `Instances: ""` or null on a page stands for an empty wrapper.
        (old, more) if items(more).is_some() && !has_content(old) => *old = more.clone(),
        _ => {}
    }
}

fn has_content(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// Removes the cursors, in the body and in the maps directly under it.
pub(super) fn remove_cursors(body: &mut Value, cursors: &[Arc<str>]) {
    let is_cursor = |name: &str, value: &Value| {
        let known = cursors.iter().any(|c| same_name(c, name)) || same_name(name, "NextMarker");
        known && (is_scalar(value) || value.is_null())
    };
    let Value::Map(map) = body else { return };
    let map = Arc::make_mut(map);
    map.retain(|name, value| !is_cursor(name, value));
    for (_, value) in map.iter_mut() {
        if let Value::Map(inner) = value {
            Arc::make_mut(inner).retain(|name, value| !is_cursor(name, value));
        }
    }
}
