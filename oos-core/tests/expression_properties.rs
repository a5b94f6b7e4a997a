//! Expressions on arbitrary input, and on all official templates when `OOS_CORPUS` names them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "the corpus is named by the environment")]

mod expression_support;

use expression_support::{TestScope, World, codes, json};
use oos_core::{
    Limits, Map, Value,
    expr::{Functions, coerce::Pattern, drop_nulls, evaluate},
    time::{parse_sleep_duration, parse_time_of_day},
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

fn world() -> World {
    World::new()
        .parameter("ids", json(r#"["i-1","i-2",null]"#))
        .parameter("map", json(r#"{"a":[1,2],"b":"{\"c\":1}"}"#))
        .task("list", &[("x", Value::Null)])
        .task("boot", &[])
        .raw(json(r#"{"a":[1,{"b":2}]}"#))
        .condition("c", Value::Bool(true))
}

fn one(key: impl Into<std::sync::Arc<str>>, value: Value) -> Value {
    let mut map = Map::new();
    map.insert(key, value);
    Value::from(map)
}

fn any_text() -> impl Strategy<Value = String> {
    let known = [
        "{{ ids }}",
        "{{ map }}",
        "{{ list.x }}",
        "{{ boot.a[].b? }}",
        "{{ boot.a[0] }}",
        "{{ nope }}",
        "{{ oos:p }}",
        "{{ ACS::CurrentDate }}",
        "{{ ACS::TaskLoopItem.x }}",
        "{{",
        "}}",
        "${x}",
        "[1,2]",
        "{\"a\":[1]}",
        "c",
        "::-1",
        "2024-03-01T00:00:00Z",
        "08:00:00Z",
        "10.0.0.0/8",
        "::1",
        "powershell",
        "First",
        "true",
        "%Y%Q%",
        "1/0",
    ];
    let piece = prop_oneof![
        3 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
        1 => "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        (-3..10_i64).prop_map(Value::Int),
        any_text().prop_map(Value::from),
    ];
    let names: Vec<String> = Functions::default().names().map(str::to_owned).chain(["Fn::Nope".to_owned()]).collect();
    leaf.prop_recursive(5, 64, 5, move |inner| {
        let name = || prop::sample::select(names.clone());
        let list = || prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
        let members = prop::collection::vec((any_text(), inner.clone()), 0..4);
        prop_oneof![
            list(),
            members.prop_map(|m| Value::from(m.into_iter().collect::<Map>())),
            (name(), inner.clone()).prop_map(|(name, value)| one(name, value)),
            (name(), list()).prop_map(|(name, value)| one(name, value)),
        ]
    })
}

/// Seeds of failures are kept beside this file.
fn config() -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("regressions")) as _);
    ProptestConfig { failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn anything_compiles_and_evaluates_without_a_panic(value in any_value(), in_loop in any::<bool>()) {
        let world = if in_loop { world().in_loop(json(r#"{"x":1}"#)) } else { world() };
        let (expr, _) = world.compile(&value);
        let result = evaluate(&expr, &TestScope(&world));
        prop_assert_eq!(format!("{result:?}"), format!("{:?}", evaluate(&expr, &TestScope(&world))));
        let _ = world.condition_value(&value);
        let _ = result.map(drop_nulls);
    }

    #[test]
    fn text_without_braces_is_itself(text in "[^{]*") {
        let (expr, found) = world().compile(&Value::from(text.as_str()));
        prop_assert!(found.is_empty());
        prop_assert_eq!(expr.as_literal(), Some(&Value::from(text)));
    }

    #[test]
    fn arithmetic_never_panics(text in "[-+*/%().0-9e<>=! ]{0,24}") {
        let _ = world().evaluate(&one("Fn::Eval", Value::from(text)));
    }

    #[test]
    fn durations_and_times_of_day_never_panic(text in "[PpTtDdHhMmSs0-9:Z ]{0,12}") {
        let _ = parse_sleep_duration(&text);
        let _ = parse_time_of_day(&text);
    }
}

fn corpus() -> Option<Vec<(String, serde_json::Value)>> {
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return None;
    };
    let mut templates = Vec::new();
    for directory in ["actions", "public"] {
        for entry in std::fs::read_dir(format!("{corpus}/{directory}")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            templates.push((path.display().to_string(), serde_yaml::from_str(&text).unwrap()));
        }
    }
    assert!(templates.len() > 300, "{}", templates.len());
    Some(templates)
}

fn keys(map: Option<&serde_json::Value>) -> Vec<(&str, Value)> {
    let map = map.and_then(|m| m.as_object());
    map.into_iter().flat_map(|m| m.keys()).map(|key| (key.as_str(), Value::Null)).collect()
}

/// The names that a template declares.
fn world_of(template: &serde_json::Value) -> World {
    let mut world = World::new();
    for (name, value) in keys(template.get("Parameters")) {
        world = world.parameter(name, value);
    }
    for task in template.get("Tasks").and_then(|t| t.as_array()).into_iter().flatten() {
        let aggregates = keys(task.pointer("/Loop/Outputs"));
        let outputs = [aggregates, keys(task.get("Outputs"))].concat();
        world = world.task(task.get("Name").and_then(|n| n.as_str()).unwrap_or(""), &outputs);
    }
    world
}

/// Codes of the findings of one part of a template.
fn codes_of(world: &World, part: Option<&serde_json::Value>) -> Vec<String> {
    codes(&world.compile(&Value::from(part.cloned().unwrap_or_default())).1)
}

#[test]
fn official_templates_compile_without_errors() {
    let Some(templates) = corpus() else { return };
    let mut folded = 0;
    for (path, template) in templates {
        let world = world_of(&template);
        let mut found = codes_of(&world, template.get("Outputs"));
        for parameter in template.get("Parameters").and_then(|p| p.as_object()).into_iter().flat_map(|m| m.values()) {
            found.extend(codes_of(&world, parameter.get("Default")));
        }
        for (i, task) in template.get("Tasks").and_then(|t| t.as_array()).into_iter().flatten().enumerate() {
            let mut world = world.clone().current(i);
            if task.get("Loop").is_some() {
                world = world.in_loop(Value::Null);
            }
            for key in ["Properties", "Outputs", "Loop"] {
                found.extend(codes_of(&world, task.get(key)));
            }
            if let Some(when) = task.get("When") {
                found.extend(codes(&world.condition_diagnostics(&Value::from(when.clone()))));
            }
        }
        folded += found.len();
        assert!(found.iter().all(|code| code == "reference-case"), "{path}: {found:?}");
    }
    // All 481 templates have 47 (template-language 9.1); one of them is not in every copy.
    assert!((46..=47).contains(&folded), "{folded}");
    println!("{folded} references need case folding");
}

#[test]
fn official_patterns_compile() {
    let mut patterns = 0;
    for (path, template) in corpus().into_iter().flatten() {
        let parameters = template.get("Parameters").and_then(|p| p.as_object()).cloned().unwrap_or_default();
        for (name, parameter) in parameters {
            if let Some(pattern) = parameter.get("AllowedPattern").and_then(|p| p.as_str()) {
                Pattern::parse(pattern, &Limits::default()).unwrap_or_else(|e| panic!("{path} {name}: {e}"));
                patterns += 1;
            }
        }
    }
    println!("{patterns} patterns");
}
