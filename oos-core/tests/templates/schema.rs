//! The JSON Schema, tried with a validator for the keywords that it uses.

use oos_core::{
    Limits, Map, Template, Value, params,
    source::{self, Node, SourceText},
};

use crate::official;

/// The keywords that our schema uses, and no other.
fn fits(schema: &serde_json::Value, root: &serde_json::Value, value: &serde_json::Value) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().unwrap() {
        let fail = || Err(format!("{keyword}: {rule} refuses {value}"));
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => {}
            "$ref" => fits(root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap(), root, value)?,
            "enum" if !rule.as_array().unwrap().contains(value) => return fail(),
            "type" if !types(rule).contains(&type_of(value)) => return fail(),
            "minItems" if (value.as_array().unwrap().len() as u64) < rule.as_u64().unwrap() => return fail(),
            "pattern" if !is_name(value.as_str().unwrap()) => return fail(),
            "required" if !rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()) => {
                return fail();
            }
            "enum" | "type" | "minItems" | "pattern" | "required" => {}
            "items" => value.as_array().unwrap().iter().try_for_each(|item| fits(rule, root, item))?,
            "properties" => {
                let known = value.as_object().unwrap().iter().filter_map(|(key, v)| Some((rule.get(key)?, v)));
                known.into_iter().try_for_each(|(rule, v)| fits(rule, root, v))?;
            }
            "propertyNames" => {
                value.as_object().unwrap().keys().try_for_each(|key| fits(rule, root, &key.as_str().into()))?;
            }
            "additionalProperties" => {
                let known = |key: &str| schema.get("properties").is_some_and(|p| p.get(key).is_some());
                for (key, v) in value.as_object().unwrap().iter().filter(|(key, _)| !known(key)) {
                    if rule.is_boolean() {
                        return Err(format!("`{key}` is not a known key"));
                    }
                    fits(rule, root, v)?;
                }
            }
            other => panic!("the test does not know the keyword {other}"),
        }
    }
    Ok(())
}

fn types(rule: &serde_json::Value) -> Vec<&str> {
    rule.as_str().map_or_else(|| rule.as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect(), |t| vec![t])
}

fn type_of(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
}

/// The one pattern of the schema, by hand.
fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[test]
fn official_templates_fit_the_json_schema() {
    let schema = Template::json_schema();
    for (name, text) in official() {
        let document = source::parse(&SourceText::new(&*name, &*text), &Limits::default()).unwrap();
        fits(&schema, &schema, &document.to_value().to_json()).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

#[test]
fn the_json_schema_refuses_what_lowering_reports() {
    let schema = Template::json_schema();
    let task = |more: Value| {
        let mut task: Map = [("Name", "nap"), ("Action", "ACS::Sleep")].into_iter().collect();
        task.extend(more.as_map().unwrap().clone());
        params! { "FormatVersion" => "OOS-2019-06-01", "Tasks" => [Value::from(task)] }
    };
    fits(&schema, &schema, &task(params! {}).to_json()).unwrap();
    let wrong = [
        task(params! { "Propertes" => params! {} }),
        task(params! { "Properties" => "x" }),
        task(params! { "Name" => "take a nap" }),
        task(params! { "Action" => 1 }),
        task(params! { "Outputs" => params! { "a" => params! { "Type" => "String" } } }),
        task(params! { "Outputs" => params! { "a" => params! { "Type" => "Text", "ValueSelector" => "." } } }),
        task(params! { "Loop" => params! { "Outputs" => params! { "a" => params! {} } } }),
        params! { "FormatVersion" => "OOS-2019-06-01", "Tasks" => Value::empty_list() },
        params! { "FormatVersion" => "OOS-2019-06-01-State", "Tasks" => [params! { "Name" => "a", "Action" => "b" }] },
        params! { "FormatVersion" => "OOS-2019-06-01" },
        Value::from("text"),
    ];
    for document in wrong {
        assert!(fits(&schema, &schema, &document.to_json()).is_err(), "{document}");
        assert!(
            Template::from_node(&Node::from_value(&document), None, &Limits::default())
                .map_or(true, |template| !template.warnings.is_empty()),
            "{document}"
        );
    }
}
