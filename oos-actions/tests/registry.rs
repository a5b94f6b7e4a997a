//! A folder of official definitions beside the actions of this crate: listed at once, read when an action is used.
//!
//! They are read from the directory that `OOS_CORPUS` names; without it that test says so and passes.

#![expect(clippy::disallowed_methods, reason = "tests read the environment")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use oos_actions::product::{DirectoryTemplates, LayeredTemplates, embedded};
use oos_core::{
    ActionName, Limits, Template,
    plan::{Environment, LinkError, Plan, PlanSet},
    ports::action::{ActionCatalog, Entry},
    registry::ActionRegistry,
};

/// Compiles an action and everything that it calls; the names of those.
fn linked(registry: &ActionRegistry, name: &ActionName) -> Result<Vec<String>, String> {
    let environment = Environment::new(Arc::new(registry.clone()));
    let compile = |name: &ActionName| {
        let stored = registry.action_template(name).ok_or_else(|| format!("no template {name}"))?;
        let template = Template::parse_source(stored.source.clone(), &Limits::default()).map_err(|f| f.to_string())?;
        Plan::compile(&template, &environment).map_err(|f| f.to_string())
    };
    let plan = compile(name)?;
    let mut used = Vec::new();
    let linked = PlanSet::link(&plan, environment.limits.template_depth, &mut |child, _| {
        used.push(child.to_string());
        let missing = |_| LinkError::Missing { name: child.clone() };
        let plan = compile(&ActionName::new(child.text().clone())).map_err(missing)?;
        Ok(Arc::new(Plan { name: Some(child.clone()), ..plan }))
    });
    linked.map(|_| used).map_err(|e| format!("{name}: {e:?}"))
}

#[test]
fn all_official_actions_load_and_resolve_what_they_name() {
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let folder = Path::new(&corpus).join("actions");
    let over = oos_actions::standard().with_templates(DirectoryTemplates::open(&folder).unwrap());
    let beside = ActionRegistry::new().with_templates(LayeredTemplates::new(vec![
        Arc::new(embedded()),
        Arc::new(DirectoryTemplates::open(&folder).unwrap()),
    ]));
    let beside = oos_actions::all_actions().into_iter().fold(beside, ActionRegistry::with_entry);
    for registry in [over, beside] {
        let products: Vec<_> = registry.names().into_iter().filter(|name| name.parts().count() == 3).collect();
        assert_eq!(products.len(), 199);
        let mut calls = 0;
        for name in &products {
            assert!(matches!(registry.entry(name), Some(Entry::Template)), "{name}");
            let signature = registry.signature(name).unwrap();
            assert!(!signature.open, "{name} was read");
            let any_case = ActionName::new(name.as_str().to_ascii_lowercase());
            assert_eq!(registry.signature(&any_case), Some(signature), "{name}");
            calls += linked(&registry, name).unwrap().len();
        }
        assert!(calls > 100, "{calls} calls of other actions were resolved");
    }
}

/// An empty folder of the test's own.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_definition_is_read_when_it_is_used() {
    let folder = folder("lazy");
    let write = |file: &str, text: &str| fs::write(folder.join(file), text).unwrap();
    write("ACS.ACME.Good.yml", "FormatVersion: OOS-2019-06-01\nTasks: [{Name: a, Action: ACS::Pause}]\n");
    write("ACS.ACME.Broken.yml", "Tasks: [");
    write("README.md", "not a template");
    let registry = oos_actions::standard().with_templates(DirectoryTemplates::open(&folder).unwrap());
    let names = registry.names();
    let acme: Vec<_> = names.iter().map(|n| n.as_str()).filter(|n| n.contains("ACME")).collect();
    assert_eq!(acme, ["ACS::ACME::Broken", "ACS::ACME::Good"]);
    // What is written before the first use is what is read.
    let later =
        "FormatVersion: OOS-2019-06-01\nParameters: {late: {Type: String}}\nTasks: [{Name: a, Action: ACS::Pause}]\n";
    write("ACS.ACME.Good.yml", later);
    let signature = registry.signature(&ActionName::new("acs::acme::good")).unwrap();
    assert_eq!(&*signature.properties[0].name, "late");
    // A broken definition is told when it is compiled, and only then.
    assert!(registry.entry(&ActionName::new("ACS::ACME::Broken")).is_some());
}

/// A definition in the folder wins over the embedded one when it is loaded over it, and loses when beside it.
#[test]
fn the_layer_above_wins() {
    let folder = folder("layers");
    let text =
        "FormatVersion: OOS-2019-06-01\nParameters: {mine: {Type: String}}\nTasks: [{Name: a, Action: ACS::Pause}]\n";
    fs::write(folder.join("ACS.ECS.StopInstance.yml"), text).unwrap();
    let mine = || DirectoryTemplates::open(&folder).unwrap();
    let name = ActionName::new("ACS::ECS::StopInstance");
    let first = |registry: ActionRegistry| registry.signature(&name).unwrap().properties[0].name.to_string();
    assert_eq!(first(oos_actions::standard().with_templates(mine())), "mine");
    let beside = LayeredTemplates::new(vec![Arc::new(embedded()), Arc::new(mine())]);
    assert_eq!(first(ActionRegistry::new().with_templates(beside)), "regionId");
}
