//! Maps, kinds and JSON text.

use super::{Spec, once};
use crate::value::{
    Map, Value, float_as_int,
    jaq::{JqError, JqResult, JqValue, fail, kind, meter, show, text},
};

pub(super) static NATIVES: [Spec; 14] = [
    Spec::new("length", "", |cv| once(length(&cv.1.value))),
    Spec::new("type", "", |cv| once(Ok(JqValue::scalar(cv.1.kind())))),
    Spec::new("keys", "", |cv| once(keys(&cv.1.value, true))),
    Spec::new("keys_unsorted", "", |cv| once(keys(&cv.1.value, false))),
    Spec::new("has", "v", |mut cv| {
        let key = cv.0.pop_var();
        once(has(&cv.1.value, &key.value))
    }),
    Spec::new("contains", "v", |mut cv| {
        let part = cv.0.pop_var();
        once(contains(&cv.1.value, &part.value).map(JqValue::scalar))
    }),
    Spec::new("from_entries", "", |cv| once(from_entries(&cv.1))),
    Spec::new("tojson", "", |cv| once(text::json(&cv.1.value).map(JqValue::scalar))),
    Spec::new("tostring", "", |cv| once(text::plain(&cv.1.value).map(JqValue::scalar))),
    Spec::new("fromjson", "", |cv| once(from_json(&cv.1))),
    Spec::new("tonumber", "", |cv| once(to_number(cv.1))),
    Spec::new("toboolean", "", |cv| once(to_boolean(cv.1))),
    Spec::new("builtins", "", |_| once(Ok(builtins()))),
    Spec::new("utf8bytelength", "", |cv| {
        once(cv.1.text("only strings have UTF-8 byte length").map(|s| JqValue::scalar(s.len() as u64)))
    }),
];

fn length(value: &Value) -> JqResult {
    Ok(JqValue::scalar(match value {
        Value::Null => Value::Int(0),
        Value::Bool(_) => return fail(format!("{} has no length", show(value))),
        Value::Int(i) => i.checked_abs().map_or(Value::Float(-(i64::MIN as f64)), Value::Int),
        Value::Float(f) => Value::Float(f.abs()),
        Value::String(s) => {
            meter::spend(meter::scan_cost(s.len()))?;
            Value::from(s.chars().count() as u64)
        }
        Value::List(list) => Value::from(list.len() as u64),
        Value::Map(map) => Value::from(map.len() as u64),
    }))
}

fn keys(value: &Value, sorted: bool) -> JqResult {
    let keys: Value = match value {
        Value::List(list) => {
            meter::take(list.len() * size_of::<Value>())?;
            (0..list.len()).map(|i| Value::from(i as u64)).collect()
        }
        Value::Map(map) => {
            meter::take(map.len() * 2 * size_of::<Value>())?;
            let mut keys: Vec<_> = map.keys().cloned().collect();
            if sorted {
                keys.sort();
            }
            keys.into()
        }
        other => return fail(format!("{} has no keys", show(other))),
    };
    Ok(JqValue::derived(keys, 1))
}

fn has(value: &Value, key: &Value) -> JqResult {
    let has = match (value, key) {
        (Value::Map(map), Value::String(key)) => map.contains_key(key),
        #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
        (Value::List(list), Value::Int(_) | Value::Float(_)) => {
            key.as_f64().is_some_and(|i| i.floor() >= 0.0 && i.floor() < list.len() as f64)
        }
        _ => return fail(format!("Cannot check whether {} has a {} key", kind(value), kind(key))),
    };
    Ok(JqValue::scalar(has))
}

fn contains(value: &Value, part: &Value) -> Result<bool, JqError> {
    meter::spend(1)?;
    match (value, part) {
        (Value::Map(map), Value::Map(part)) => {
            for (key, part) in part.iter() {
                match map.get(key) {
                    Some(value) if kind(value) == kind(part) && contains(value, part)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Value::List(list), Value::List(part)) => {
            for part in part.iter() {
                let mut found = false;
                for value in list.iter().filter(|value| kind(value) == kind(part)) {
                    found = contains(value, part)?;
                    if found {
                        break;
                    }
                }
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::String(text), Value::String(part)) => {
            meter::spend(meter::scan_cost(text.len()))?;
            Ok(text.contains(&**part))
        }
        (a, b) if kind(a) == kind(b) => Ok(a == b),
        (a, b) => fail(format!("{} and {} cannot have their containment checked", show(a), show(b))),
    }
}

/// Accepts the spellings that jq accepts: `key`, `k`, `name`, and `value`, `v`, each also capitalised.
fn from_entries(value: &JqValue) -> JqResult {
    let items: Vec<Value> = match &value.value {
        Value::List(list) => list.to_vec(),
        Value::Map(map) => map.values().cloned().collect(),
        other => return Err(crate::value::jaq::access::not_iterable(other)),
    };
    let mut map = Map::new();
    for entry in &items {
        meter::take(2 * size_of::<Value>())?;
        let Value::Map(entry) = entry else {
            return fail(format!("Cannot index {} with string (\"key\")", kind(entry)));
        };
        map.insert(entry_key(entry)?, entry_value(entry));
    }
    Ok(value.part(map.into()))
}

fn entry_key(entry: &Map) -> Result<std::sync::Arc<str>, JqError> {
    let spellings = ["key", "k", "name", "Name", "Key", "K"];
    let given = spellings.iter().filter_map(|name| entry.get(name));
    let key = given.clone().find(|key| !matches!(key, Value::Null | Value::Bool(false)));
    match key.or_else(|| given.clone().find(|key| !key.is_null())) {
        None | Some(Value::Null) => Ok("null".into()),
        Some(Value::String(key)) => Ok(key.clone()),
        Some(key @ (Value::Bool(_) | Value::Int(_) | Value::Float(_))) => text::plain(key),
        Some(other) => fail(format!("Cannot use {} as object key", show(other))),
    }
}

fn entry_value(entry: &Map) -> Value {
    let spellings = ["value", "v", "Value", "V"];
    spellings.iter().find_map(|name| entry.get(name)).cloned().unwrap_or_default()
}

fn from_json(value: &JqValue) -> JqResult {
    let Value::String(text) = &value.value else {
        return fail(format!("{} only strings can be parsed", show(&value.value)));
    };
    meter::take(4 * text.len())?;
    match text.trim() {
        "" => return Ok(JqValue::scalar(Value::Null)),
        "nan" | "NaN" | "-nan" | "-NaN" => return Ok(JqValue::scalar(f64::NAN)),
        _ => {}
    }
    match Value::from_json_str(text) {
        Ok(parsed) => Ok(JqValue::input(parsed)),
        Err(error) => fail(format!("{error} (while parsing '{}')", text.chars().take(200).collect::<String>())),
    }
}

fn to_number(value: JqValue) -> JqResult {
    match &value.value {
        Value::Int(_) | Value::Float(_) => Ok(value),
        Value::String(text) => match parse_number(text) {
            Some(number) => Ok(JqValue::scalar(number)),
            None => fail(format!("{} cannot be parsed as a number", show(&value.value))),
        },
        other => fail(format!("{} cannot be parsed as a number", show(other))),
    }
}

/// A number as JSON or jq would read it: no blanks, no names, no plus sign without digits.
pub(super) fn parse_number(text: &str) -> Option<Value> {
    if let Ok(i) = text.parse::<i64>() {
        return Some(Value::Int(i));
    }
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let number = text.parse::<f64>().ok().filter(|_| plain)?;
    Some(float_as_int(number).filter(|_| !text.starts_with('-')).map_or(Value::Float(number), Value::Int))
}

fn to_boolean(value: JqValue) -> JqResult {
    match &value.value {
        Value::Bool(_) => Ok(value),
        Value::String(text) if &**text == "true" => Ok(JqValue::scalar(true)),
        Value::String(text) if &**text == "false" => Ok(JqValue::scalar(false)),
        other => fail(format!("{} cannot be parsed as a boolean", show(other))),
    }
}

fn builtins() -> JqValue {
    let public =
        super::super::library::names().filter(|(name, _)| !name.starts_with(['_', '@']) && !name.starts_with("oos__"));
    JqValue::derived(public.map(|(name, arity)| Value::from(format!("{name}/{arity}"))).collect(), 1)
}
