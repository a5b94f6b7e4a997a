//! JSON Schema of the template language, made of the key tables that drive lowering.
//!
//! For editors: completion, hover texts, typing errors. It says what lowering says about shapes and keys (an unknown
//! key, a warning there, is an error here) and nothing about references, functions and actions, which need `check`.

use serde_json::{Map, Value as Json, json};

use super::{
    FORMAT_VERSION, ValueType,
    keys::{self, Rule, Shape, Table},
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The tables that others refer to.
const DEFINITIONS: [&Table; 6] =
    [&keys::PARAMETER, &keys::TASK, &keys::TASK_OUTPUT, &keys::LOOP, &keys::AGGREGATE, &keys::OUTPUT];

pub(super) fn json_schema() -> Json {
    let mut schema = object(&keys::TEMPLATE);
    let definitions: Map<String, Json> = DEFINITIONS.iter().map(|t| (t.definition.to_owned(), object(t))).collect();
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), DIALECT.into());
        members.insert("title".to_owned(), format!("OOS template ({FORMAT_VERSION})").into());
        members.insert("$defs".to_owned(), definitions.into());
    }
    schema
}

fn object(table: &Table) -> Json {
    let properties: Map<String, Json> = table.keys.iter().map(|rule| (rule.name.to_owned(), property(rule))).collect();
    let required: Vec<&str> = table.keys.iter().filter(|rule| rule.required).map(|rule| rule.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(rule: &Rule) -> Json {
    let mut schema = shape(rule.shape);
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), rule.summary.into());
    }
    schema
}

fn shape(shape: Shape) -> Json {
    let reference = |table: &Table| json!({"$ref": format!("#/$defs/{}", table.definition)});
    match shape {
        Shape::Any => json!({}),
        Shape::Text => json!({"type": "string"}),
        Shape::Name => json!({"type": "string", "pattern": keys::NAME_PATTERN}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Flag => json!({"enum": [true, false, "true", "false"]}),
        Shape::Map => json!({"type": "object"}),
        Shape::TextOrMap => json!({"type": ["string", "object"]}),
        Shape::Type => json!({"enum": ValueType::ALL.map(ValueType::as_str)}),
        Shape::Object(table) => reference(table),
        Shape::Named(table) => json!({
            "type": "object",
            "propertyNames": {"pattern": keys::NAME_PATTERN},
            "additionalProperties": reference(table),
        }),
        Shape::NamedAny => json!({"type": "object"}),
        Shape::Each(table) => json!({"type": "array", "minItems": 1, "items": reference(table)}),
    }
}
