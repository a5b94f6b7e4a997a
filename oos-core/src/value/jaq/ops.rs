//! Arithmetic of jq: `+ - * / %` and negation, on every kind of value that has them.

use std::{
    collections::BTreeSet,
    ops::{Add, Div, Mul, Neg, Rem, Sub},
    sync::Arc,
};

use super::{JqError, JqResult, JqValue, fail, meter, show};
use crate::value::{Map, Value};

/// Bytes that a repeated text may have.
const LONGEST_REPEAT: f64 = 2_147_483_647.0;

fn wrong(a: &Value, b: &Value, verb: &str) -> JqResult {
    fail(format!("{} and {} cannot be {verb}", show(a), show(b)))
}

/// A number as jq makes one: whole results of integers stay integers as long as they fit.
fn number(exact: Option<i64>, float: impl FnOnce() -> f64) -> JqResult {
    Ok(JqValue::scalar(exact.map_or_else(|| Value::Float(float()), Value::Int)))
}

fn floats(a: &Value, b: &Value) -> Option<(f64, f64)> {
    a.as_f64().zip(b.as_f64())
}

impl Add for JqValue {
    type Output = JqResult;

    fn add(self, other: Self) -> JqResult {
        let depth = self.depth().max(other.depth());
        meter::spend(1)?;
        match (self.value, other.value) {
            (Value::Null, value) | (value, Value::Null) => Ok(Self::derived(value, depth)),
            (Value::Int(a), Value::Int(b)) => number(a.checked_add(b), || to_f64(a) + to_f64(b)),
            (Value::String(a), Value::String(b)) => {
                meter::take(a.len() + b.len())?;
                Ok(Self::scalar([&*a, &*b].concat()))
            }
            (Value::List(a), Value::List(b)) => Ok(Self::derived(Value::List(joined(a, &b)?), depth)),
            (Value::Map(a), Value::Map(b)) => Ok(Self::derived(Value::Map(united(a, &b)?), depth)),
            (a, b) => match floats(&a, &b) {
                Some((a, b)) => Ok(Self::scalar(a + b)),
                None => wrong(&a, &b, "added"),
            },
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "jq's numbers are floats")]
fn to_f64(i: i64) -> f64 {
    i as f64
}

fn joined(mut a: Arc<Vec<Value>>, b: &[Value]) -> Result<Arc<Vec<Value>>, JqError> {
    let copied = if Arc::get_mut(&mut a).is_some() { 0 } else { a.len() };
    meter::take((copied + b.len()) * size_of::<Value>())?;
    Arc::make_mut(&mut a).extend(b.iter().cloned());
    Ok(a)
}

fn united(mut a: Arc<Map>, b: &Map) -> Result<Arc<Map>, JqError> {
    let copied = if Arc::get_mut(&mut a).is_some() { 0 } else { a.len() };
    meter::take((copied + b.len()) * 2 * size_of::<Value>())?;
    Arc::make_mut(&mut a).extend(b.iter().map(|(k, v)| (k.clone(), v.clone())));
    Ok(a)
}

impl Sub for JqValue {
    type Output = JqResult;

    fn sub(self, other: Self) -> JqResult {
        meter::spend(1)?;
        match (&self.value, &other.value) {
            (Value::Int(a), Value::Int(b)) => number(a.checked_sub(*b), || to_f64(*a) - to_f64(*b)),
            (Value::List(a), Value::List(b)) => {
                meter::weigh(&self.value, log2(b.len()))?;
                meter::weigh(&other.value, log2(b.len()))?;
                let removed: BTreeSet<&Value> = b.iter().collect();
                let kept = a.iter().filter(|item| !removed.contains(item)).cloned();
                Ok(self.part(kept.collect()))
            }
            (a, b) => match floats(a, b) {
                Some((a, b)) => Ok(Self::scalar(a - b)),
                None => wrong(a, b, "subtracted"),
            },
        }
    }
}

/// How often an item is compared while `n` of them are sorted.
pub(crate) fn log2(n: usize) -> u64 {
    u64::from(n.checked_ilog2().unwrap_or(0)) + 1
}

impl Mul for JqValue {
    type Output = JqResult;

    fn mul(self, other: Self) -> JqResult {
        let depth = self.depth().max(other.depth());
        meter::spend(1)?;
        match (self.value, other.value) {
            (Value::Int(a), Value::Int(b)) => number(a.checked_mul(b), || to_f64(a) * to_f64(b)),
            (Value::String(text), times @ (Value::Int(_) | Value::Float(_)))
            | (times @ (Value::Int(_) | Value::Float(_)), Value::String(text)) => repeat(&text, &times),
            (Value::Map(a), Value::Map(b)) => Ok(Self::derived(Value::Map(merge(a, &b)?), depth)),
            (a, b) => match floats(&a, &b) {
                Some((a, b)) => Ok(Self::scalar(a * b)),
                None => wrong(&a, &b, "multiplied"),
            },
        }
    }
}

fn repeat(text: &str, times: &Value) -> JqResult {
    let times = times.as_f64().unwrap_or(f64::NAN);
    if times.is_nan() || times < 0.0 {
        return Ok(JqValue::scalar(Value::Null));
    }
    let whole = times.floor();
    #[expect(clippy::cast_precision_loss, reason = "only compared with a bound")]
    let bytes = text.len() as f64 * whole;
    if bytes > LONGEST_REPEAT {
        return fail("Repeat string result too long");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    let (bytes, whole) = (bytes as usize, if text.is_empty() { 0 } else { whole as usize });
    meter::take(bytes)?;
    Ok(JqValue::scalar(text.repeat(whole)))
}

/// Merges maps all the way down.
fn merge(mut a: Arc<Map>, b: &Map) -> Result<Arc<Map>, JqError> {
    let copied = if Arc::get_mut(&mut a).is_some() { 0 } else { a.len() };
    meter::take((copied + b.len()) * 2 * size_of::<Value>())?;
    let merged = Arc::make_mut(&mut a);
    for (key, new) in b {
        match (merged.get_mut(key), new) {
            (Some(slot @ Value::Map(_)), Value::Map(new)) => {
                let Value::Map(old) = std::mem::take(slot) else { continue };
                *slot = Value::Map(merge(old, new)?);
            }
            (Some(slot), new) => *slot = new.clone(),
            (None, new) => drop(merged.insert(key.clone(), new.clone())),
        }
    }
    Ok(a)
}

impl Div for JqValue {
    type Output = JqResult;

    fn div(self, other: Self) -> JqResult {
        meter::spend(1)?;
        match (&self.value, &other.value) {
            (Value::Int(a), Value::Int(b)) if a.checked_rem(*b) == Some(0) => {
                number(a.checked_div(*b), || to_f64(*a) / to_f64(*b))
            }
            (Value::String(text), Value::String(separator)) => split(text, separator),
            (a, b) => match floats(a, b) {
                Some((_, 0.0)) => wrong(a, b, "divided because the divisor is zero"),
                Some((a, b)) => Ok(Self::scalar(a / b)),
                None => wrong(a, b, "divided"),
            },
        }
    }
}

/// Splits a text at a separator; an empty one splits into characters, an empty text into nothing.
pub(crate) fn split(text: &str, separator: &str) -> JqResult {
    let list = |parts: &mut dyn Iterator<Item = &str>| -> JqResult {
        let mut list = Vec::new();
        for part in parts {
            meter::take(part.len() + 2 * size_of::<Value>())?;
            list.push(Value::from(part));
        }
        Ok(JqValue::derived(list.into(), 1))
    };
    if text.is_empty() {
        Ok(JqValue::derived(Value::empty_list(), 1))
    } else if separator.is_empty() {
        list(&mut text.split("").filter(|part| !part.is_empty()))
    } else {
        list(&mut text.split(separator))
    }
}

impl Rem for JqValue {
    type Output = JqResult;

    fn rem(self, other: Self) -> JqResult {
        meter::spend(1)?;
        let Some((a, b)) = floats(&self.value, &other.value) else {
            return wrong(&self.value, &other.value, "divided (remainder)");
        };
        if a.is_nan() || b.is_nan() {
            return Ok(Self::scalar(f64::NAN));
        }
        let (a, b) = (truncated(&self.value), truncated(&other.value));
        if b == 0 {
            return wrong(&self.value, &other.value, "divided (remainder) because the divisor is zero");
        }
        Ok(Self::scalar(a.checked_rem(b.saturating_abs()).unwrap_or(0)))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as jq clamps")]
fn truncated(value: &Value) -> i64 {
    match value {
        Value::Int(i) => *i,
        other => other.as_f64().unwrap_or(0.0) as i64,
    }
}

impl Neg for JqValue {
    type Output = JqResult;

    fn neg(self) -> JqResult {
        match &self.value {
            Value::Int(i) => number(i.checked_neg(), || -to_f64(*i)),
            Value::Float(f) => Ok(Self::scalar(-f)),
            other => fail(format!("{} cannot be negated", show(other))),
        }
    }
}
