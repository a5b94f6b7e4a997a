//! The facts about the official product actions equal the official definitions.
//!
//! They are read from the directory that `OOS_CORPUS` names; without it that test says so and passes. Rewrite the facts
//! with `OOS_BLESS=1 cargo test -p oos-actions --test official_actions`.

#![expect(clippy::disallowed_methods, reason = "tests read the environment")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path, sync::Arc};

use oos_actions::product::{OfficialActions, official_signature};
use oos_core::{
    ActionName, Limits, Map, Template, Value,
    plan::{Environment, Plan},
    ports::action::ActionCatalog,
    source::{Node, SourceText},
    template::{Parameter, meant_type},
};

fn facts(parameter: &Parameter) -> Value {
    let required = if parameter.default.is_none() { "!" } else { "" };
    let kind = Value::from(format!("{}{required}", meant_type(parameter.value_type.as_ref()).as_str()));
    let allowed = parameter.allowed_values.as_ref().and_then(Node::as_list).unwrap_or_default();
    if allowed.is_empty() { kind } else { std::iter::once(kind).chain(allowed.iter().map(Node::to_value)).collect() }
}

/// One line an action.
fn table(folder: &Path) -> String {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let line = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().replace('.', "::");
        let source = SourceText::new(name.as_str(), fs::read_to_string(path).unwrap());
        let template = Template::parse_source(source, &Limits::default()).unwrap();
        let facts = template.parameters.iter().map(|p| (p.name.value.text().clone(), facts(p)));
        format!("{}: {}", Value::from(name), Value::from(facts.collect::<Map>()))
    };
    format!("{{\n{}\n}}\n", paths.iter().map(line).collect::<Vec<_>>().join(",\n"))
}

#[test]
fn facts_equal_the_official_definitions() {
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/product/official.json");
    let table = table(&Path::new(&corpus).join("actions"));
    if std::env::var("OOS_BLESS").is_ok() {
        fs::write(&file, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), table);
}

#[test]
fn every_official_action_is_known_with_its_parameters() {
    let official = OfficialActions(Arc::new(oos_core::registry::ActionRegistry::new()));
    assert_eq!(official.names().len(), 199);
    let signature = official_signature(&ActionName::new("acs::ecs::AttachDisk")).unwrap();
    let required = |name: &str| signature.properties.iter().find(|p| &*p.name == name).map(|p| p.required);
    assert_eq!((required("diskId"), required("regionId"), required("nope")), (Some(true), Some(false), None));
    assert!(official_signature(&ActionName::new("ACS::ECS::Nope")).is_none());
}

/// What is shipped or loaded is asked first.
#[test]
fn a_call_is_checked_without_the_definition() {
    let environment = Environment::new(Arc::new(OfficialActions(Arc::new(oos_actions::standard()))));
    let findings = |properties: &str| {
        let text = format!(
            "FormatVersion: OOS-2019-06-01\nTasks: [{{Name: a, Action: 'ACS::ECS::AttachDisk', Properties: {properties}}}]\n"
        );
        let plan = Template::parse(&text).and_then(|template| Plan::compile(&template, &environment));
        plan.map_or_else(|found| found.iter().map(|f| f.message.clone()).collect(), |_| Vec::new())
    };
    assert_eq!(findings("{instanceId: i-1, diskId: d-1}"), Vec::<String>::new());
    assert_eq!(findings("{instanceId: i-1}"), ["`ACS::ECS::AttachDisk` needs the parameter `diskId`"]);
    assert_eq!(findings("{instanceId: i-1, diskId: d-1, disk: 1}"), ["`ACS::ECS::AttachDisk` has no parameter `disk`"]);
}
