//! Equality and order inside a program: those of values, but metered, and with jq's NaN, which is below itself.

use std::cmp::Ordering;

use super::{JqValue, meter};
use crate::value::{Map, Value};

/// Compares like `Ord` of values. Once a bound is hit every answer is "less".
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(f), Value::Int(_) | Value::Float(_)) if f.is_nan() => Ordering::Less,
        (Value::String(a), Value::String(b)) => {
            if meter::charge(meter::scan_cost(a.len().min(b.len()))) {
                a.cmp(b)
            } else {
                Ordering::Less
            }
        }
        (Value::List(a), Value::List(b)) => compare_lists(a, b),
        (Value::Map(a), Value::Map(b)) => compare_maps(a, b),
        (a, b) => a.cmp(b),
    }
}

fn compare_lists(a: &[Value], b: &[Value]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        if !meter::charge(1) {
            return Ordering::Less;
        }
        match compare(a, b) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    a.len().cmp(&b.len())
}

fn compare_maps(a: &Map, b: &Map) -> Ordering {
    if !meter::charge(2 * (a.len() + b.len()) as u64) {
        return Ordering::Less;
    }
    let sorted = |map: &Map| {
        let mut keys: Vec<_> = map.keys().cloned().collect();
        keys.sort_unstable();
        keys
    };
    let (keys, other_keys) = (sorted(a), sorted(b));
    let by_value = || {
        let pairs = keys.iter().filter_map(|key| a.get(key).zip(b.get(key)));
        pairs.map(|(a, b)| compare(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    keys.cmp(&other_keys).then_with(by_value)
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && compare_lists(a, b).is_eq(),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| meter::charge(1) && b.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Float(f), _) | (_, Value::Float(f)) if f.is_nan() => false,
        (a, b) => compare(a, b).is_eq(),
    }
}

impl PartialEq for JqValue {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.value, &other.value)
    }
}

impl Eq for JqValue {}

#[expect(clippy::non_canonical_partial_ord_impl, reason = "comparison in programs is metered, sorting is not")]
impl PartialOrd for JqValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(compare(&self.value, &other.value))
    }
}

/// A total order, for sorting: that of [`Value`]. Callers weigh the values before.
impl Ord for JqValue {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}
