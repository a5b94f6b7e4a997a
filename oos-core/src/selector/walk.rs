//! Plain paths: `.a.b[].c`, `.a[0]`, `."x"`, `.["x"]?`. Nine of ten selectors are one.
//!
//! A walker of its own, because it is ten times as fast as jq and makes no copies on the way. Its answers are jq's: null
//! below null and for a missing key, an error for `[]` on null unless `?` follows.

use std::sync::Arc;

use super::{Limits, SelectorError};
use crate::value::{
    Value,
    jaq::{JqError, access, text},
};

/// A plain path.
#[derive(Debug)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug)]
struct Step {
    part: Part,
    /// With `?`, what does not fit gives nothing.
    optional: bool,
}

#[derive(Debug)]
enum Part {
    Field(Arc<str>),
    Index(i64),
    Each,
}

/// The path that a text is, `None` if it is not plain.
pub(super) fn parse(text: &str) -> Option<Path> {
    let mut rest = text.trim().strip_prefix('.')?;
    let mut steps = Vec::new();
    let mut dot = true;
    while !rest.is_empty() {
        let (part, after) = part(rest, dot)?;
        let after_marks = after.trim_start_matches('?');
        steps.push(Step { part, optional: after_marks.len() < after.len() });
        rest = after_marks;
        dot = match rest.strip_prefix('.') {
            Some(after) if after.starts_with('[') || !after.is_empty() => {
                rest = after;
                true
            }
            Some(_) => return None,
            None => false,
        };
    }
    Some(Path(steps))
}

/// One part of a path and what follows it.
fn part(rest: &str, dot: bool) -> Option<(Part, &str)> {
    if let Some(inside) = rest.strip_prefix('[') {
        let (inside, after) = match inside.strip_prefix('"') {
            Some(quoted) => {
                let (name, after) = quoted_name(quoted)?;
                return Some((Part::Field(name.into()), after.strip_prefix(']')?));
            }
            None => inside.split_once(']')?,
        };
        let part = if inside.is_empty() { Part::Each } else { Part::Index(index(inside)?) };
        return Some((part, after));
    }
    if !dot {
        return None;
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let (name, after) = quoted_name(quoted)?;
        return Some((Part::Field(name.into()), after));
    }
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then(|| (Part::Field(name.into()), after))
}

/// A name up to its closing quote; names with escapes are left to jq.
fn quoted_name(rest: &str) -> Option<(&str, &str)> {
    rest.split_once('"').filter(|(name, _)| !name.contains('\\'))
}

fn index(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() < 16 && digits.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

impl Path {
    /// All results on an input.
    ///
    /// # Errors
    /// What jq would say, or too many results.
    pub(super) fn run(&self, input: &Value, limits: &Limits) -> Result<Vec<Value>, SelectorError> {
        let mut results = Vec::new();
        match walk(&self.0, input, &mut results, limits.selector_results) {
            Ok(()) => Ok(results),
            Err(Stop::TooMany) => Err(SelectorError::Limit { what: "too many results".into() }),
            Err(Stop::Error(error)) => Err(SelectorError::Run { message: text::message(error).into() }),
        }
    }
}

enum Stop {
    TooMany,
    Error(JqError),
}

fn walk(steps: &[Step], value: &Value, results: &mut Vec<Value>, most: usize) -> Result<(), Stop> {
    static NULL: Value = Value::Null;
    let mut value = value;
    let mut steps = steps;
    while let Some((step, rest)) = steps.split_first() {
        steps = rest;
        let found = match (&step.part, value) {
            (Part::Each, Value::List(list)) => {
                return list.iter().try_for_each(|item| walk(rest, item, results, most));
            }
            (Part::Each, Value::Map(map)) => {
                return map.values().try_for_each(|item| walk(rest, item, results, most));
            }
            (Part::Field(name), Value::Map(map)) => Ok(map.get(name).unwrap_or(&NULL)),
            (Part::Index(index), Value::List(list)) => Ok(item(list, *index).unwrap_or(&NULL)),
            (Part::Field(_) | Part::Index(_), Value::Null) => Ok(&NULL),
            (Part::Each, other) => Err(access::not_iterable(other)),
            (Part::Field(name), other) => Err(access::wrong_key(other, &Value::String(name.clone()))),
            (Part::Index(index), other) => Err(access::wrong_key(other, &Value::Int(*index))),
        };
        value = match found {
            Ok(found) => found,
            Err(_) if step.optional => return Ok(()),
            Err(error) => return Err(Stop::Error(error)),
        };
    }
    if results.len() >= most {
        return Err(Stop::TooMany);
    }
    results.push(value.clone());
    Ok(())
}

/// The item at an index; negative ones count from the end.
fn item(list: &[Value], index: i64) -> Option<&Value> {
    match usize::try_from(index) {
        Ok(index) => list.get(index),
        Err(_) => list.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?).and_then(|at| list.get(at)),
    }
}
