//! JSON Schema of templates whose tasks use the actions of a catalog: the schema of the language, and for each action
//! what its signature says of its properties. For editors, which then complete and explain properties too.
//!
//! A value may always be a reference or a function, so that types and allowed values bind only what is written out. The
//! schema compares names with case, as it must; the check does not.

use serde_json::{Map, Value as Json, json};

use crate::{
    ports::action::{ActionCatalog, Property, Signature},
    template::{Template, ValueType},
};

/// The schema for the actions of a catalog.
///
/// ```
/// # use oos_core::{outputs, registry::ActionRegistry};
/// let registry = ActionRegistry::new().with_fn("Acme::Ping", |_| async { Ok(outputs! {}) });
/// let schema = oos_core::check::json_schema(&registry);
/// assert_eq!(schema["$defs"]["task"]["allOf"][0]["if"]["properties"]["Action"]["const"], "Acme::Ping");
/// ```
pub fn json_schema(catalog: &dyn ActionCatalog) -> Json {
    let mut schema = Template::json_schema();
    let cases: Vec<Json> =
        catalog.names().iter().filter_map(|name| catalog.signature(name)).map(|s| case(&s)).collect();
    let task = schema.pointer_mut("/$defs/task").and_then(Json::as_object_mut);
    if let Some(task) = task.filter(|_| !cases.is_empty()) {
        task.insert("allOf".to_owned(), cases.into());
    }
    schema
}

fn case(signature: &Signature) -> Json {
    let name = signature.name.as_str();
    let members: Map<String, Json> = signature.properties.iter().map(|p| (p.name.to_string(), property(p))).collect();
    let required: Vec<&str> = signature.properties.iter().filter(|p| p.required).map(|p| &*p.name).collect();
    let mut then = json!({
        "properties": {"Properties": {
            "description": &*signature.description,
            "properties": members,
            "required": required,
            "additionalProperties": signature.open,
        }},
    });
    if let Some(then) = then.as_object_mut().filter(|_| !required.is_empty()) {
        then.insert("required".to_owned(), json!(["Properties"]));
    }
    json!({"if": {"properties": {"Action": {"const": name}}, "required": ["Action"]}, "then": then})
}

fn property(property: &Property) -> Json {
    let mut schema = Map::new();
    if !property.description.is_empty() {
        schema.insert("description".to_owned(), (*property.description).into());
    }
    if let Some(default) = &property.default {
        schema.insert("default".to_owned(), Json::from(default.clone()));
    }
    if !property.allowed.is_empty() {
        let allowed: Vec<Json> = property.allowed.iter().cloned().map(Json::from).collect();
        // A function, nothing, or a text with a reference in it stands for a value that nobody knows yet.
        let open = json!({"type": "string", "pattern": "\\{\\{"});
        schema.insert("anyOf".to_owned(), json!([{"enum": allowed}, {"type": ["object", "null"]}, open]));
    } else if let Some(types) = types(property) {
        schema.insert("type".to_owned(), types);
    }
    schema.into()
}

/// JSON types that a property takes: its own, text (a reference, or the value as text), a map (a function), null. None
/// for whatever takes any.
fn types(property: &Property) -> Option<Json> {
    let mut types = vec!["null", "object", "string"];
    for of in &property.types {
        match of {
            ValueType::Json => return None,
            ValueType::List => types.push("array"),
            ValueType::Boolean => types.push("boolean"),
            ValueType::Number => types.push("number"),
            ValueType::String => types.extend(["boolean", "number"]),
        }
    }
    types.sort_unstable();
    types.dedup();
    (!property.types.is_empty()).then(|| json!(types))
}
