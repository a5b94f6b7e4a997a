//! Equality and order of values, as jq has them: null < false < true < numbers < text < lists < maps.

use std::cmp::Ordering;

use super::{Map, Value};

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Int(_) | Self::Float(_), Self::Int(_) | Self::Float(_)) => compare_numbers(self, other),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Map(a), Self::Map(b)) => compare_maps(a, b),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 2,
        Value::String(_) => 3,
        Value::List(_) => 4,
        Value::Map(_) => 5,
    }
}

/// A total order: NaN is the smallest number and equals itself, an integer and a float compare exactly. (jq's NaN is
/// also below itself; programs see that in `jaq/compare.rs`, where nothing is sorted.)
fn compare_numbers(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Int(i), Value::Float(f)) => compare_int_float(*i, *f),
        (Value::Float(f), Value::Int(i)) => compare_int_float(*i, *f).reverse(),
        _ => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
        }
    }
}

/// Two integers that round to the same float are both equal to it, but not to each other; so compare as integers
/// wherever the float is one.
fn compare_int_float(i: i64, f: f64) -> Ordering {
    #[expect(clippy::cast_precision_loss, reason = "2^63 is exact")]
    const BEYOND: f64 = i64::MAX as f64;
    if f.is_nan() || f < -BEYOND {
        return Ordering::Greater;
    } else if f >= BEYOND {
        return Ordering::Less;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    let whole = f.floor() as i64;
    i.cmp(&whole).then(if f.fract() == 0.0 { Ordering::Equal } else { Ordering::Less })
}

/// Maps compare by their sorted keys first, then by the values in the order of the sorted keys.
fn compare_maps(a: &Map, b: &Map) -> Ordering {
    let sorted = |m: &Map| {
        let mut members: Vec<_> = m.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        members
    };
    if a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|other| other == v)) {
        return Ordering::Equal;
    }
    let (a, b) = (sorted(a), sorted(b));
    let keys = a.iter().map(|(k, _)| k).cmp(b.iter().map(|(k, _)| k));
    keys.then_with(|| a.iter().map(|(_, v)| v).cmp(b.iter().map(|(_, v)| v)))
}
