//! References to stored parameters that come in with parameter values: bound just before the action runs.

use std::sync::Arc;

use crate::{Map, Value, expr::StoreReference, ports::parameter_store::ParameterValue};

/// References to stored parameters that are still in evaluated properties: they came in with parameter values and
/// are bound just before the action runs. Command text that the remote side expands is left alone.
pub(super) fn late_references(properties: &Value) -> Vec<StoreReference> {
    let mut names = Vec::new();
    // Hardly any properties hold one: look before keeping track of places.
    if !has_reference(properties) {
        return names;
    }
    visit(properties, &mut Vec::new(), &mut |path, text| {
        if !expanded_remotely(properties, path) {
            names.extend(crate::expr::store_references(text).into_iter().map(|(_, reference)| reference));
        }
    });
    names.sort();
    names.dedup();
    names
}

/// The properties with these values in the place of their references.
pub(super) fn bind_late(properties: &Value, found: &[ParameterValue]) -> Value {
    replace(properties, properties, &mut Vec::new(), found)
}

/// `CommandContent` of a command with `EnableParameter` is expanded inside the instance (template-language 2.5 c).
fn expanded_remotely(properties: &Value, path: &[Arc<str>]) -> bool {
    let [.., parent, last] = path else { return false };
    let enabled = properties.at(&[parent, "EnableParameter"]);
    last.eq_ignore_ascii_case("CommandContent") && enabled.to_text().eq_ignore_ascii_case("true")
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::List(list) => list.iter().any(has_reference),
        Value::Map(map) => map.iter().any(|(_, value)| has_reference(value)),
        _ => false,
    }
}

fn visit(value: &Value, path: &mut Vec<Arc<str>>, found: &mut dyn FnMut(&[Arc<str>], &str)) {
    match value {
        Value::String(text) => found(path, text),
        Value::List(list) => list.iter().for_each(|v| visit(v, path, found)),
        Value::Map(map) => {
            for (key, value) in map.iter() {
                path.push(key.clone());
                visit(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn replace(root: &Value, value: &Value, path: &mut Vec<Arc<str>>, found: &[ParameterValue]) -> Value {
    match value {
        Value::String(text) if text.contains("{{") && !expanded_remotely(root, path) => bind_text(text, found),
        Value::List(list) => list.iter().map(|v| replace(root, v, path, found)).collect(),
        Value::Map(map) => {
            let mut bound = Map::with_capacity(map.len());
            for (key, value) in map.iter() {
                path.push(key.clone());
                bound.insert(key.clone(), replace(root, value, path, found));
                path.pop();
            }
            Value::from(bound)
        }
        other => other.clone(),
    }
}

/// A whole reference keeps the type of its value; an embedded one becomes text.
fn bind_text(text: &str, found: &[ParameterValue]) -> Value {
    let references = crate::expr::store_references(text);
    let value =
        |r: &StoreReference| found.iter().find(|v| v.reference == *r).map(|v| v.value.clone()).unwrap_or_default();
    if let [(range, reference)] = references.as_slice()
        && text.get(range.clone()) == Some(text.trim())
    {
        return value(reference);
    }
    let mut bound = String::with_capacity(text.len());
    let mut at = 0;
    for (range, reference) in references {
        bound.push_str(text.get(at..range.start).unwrap_or(""));
        bound.push_str(&value(&reference).to_text());
        at = range.end;
    }
    bound.push_str(text.get(at..).unwrap_or(""));
    Value::from(bound)
}
