//! The list of actions and their signatures.

use std::{collections::BTreeMap, fs, path::PathBuf};

use oos_core::{
    ActionName,
    ports::action::{ActionClass, Entry, RetryRule, Signature},
};

fn signatures() -> BTreeMap<ActionName, Signature> {
    let entries = oos_actions::all_actions();
    let one = |entry: Entry| match entry {
        Entry::Work(action) => (action.name().clone(), action.signature()),
        Entry::Control(action) => (action.name().clone(), action.signature()),
        Entry::Template => panic!("templates are listed elsewhere"),
    };
    entries.into_iter().map(one).collect()
}

#[test]
fn every_action_of_the_product_is_there() {
    let names: Vec<_> = signatures().keys().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "ACS::AlarmTrigger",
            "ACS::Approve",
            "ACS::CheckFor",
            "ACS::Choice",
            "ACS::EventTrigger",
            "ACS::ExecuteAPI",
            "ACS::ExecuteHttpRequest",
            "ACS::GitCodeRepo",
            "ACS::Loop",
            "ACS::Notify",
            "ACS::Pause",
            "ACS::SelectTargets",
            "ACS::Sleep",
            "ACS::Template",
            "ACS::TimerTrigger",
            "ACS::WaitFor",
        ]
    );
}

#[test]
fn the_standard_registry_knows_atoms_and_product_actions() {
    use oos_core::ports::action::ActionCatalog;
    let registry = oos_actions::standard();
    let names = registry.names();
    assert_eq!(names.len(), 16 + oos_actions::product::embedded().names().count());
    assert!(matches!(registry.entry(&ActionName::new("acs::waitfor")), Some(Entry::Work(_))));
    assert!(registry.entry(&ActionName::new("ACS::RunCommand")).is_none());
    for name in names.iter().filter(|name| name.parts().count() == 3) {
        assert!(matches!(registry.entry(name), Some(Entry::Template)), "{name}");
    }
}

#[test]
fn signatures_are_complete() {
    for (name, signature) in signatures() {
        assert_eq!(signature.name, name);
        assert!(!signature.description.is_empty() && !signature.open, "{name}");
        for property in &signature.properties {
            assert!(
                !property.description.is_empty() && !property.description.ends_with('.'),
                "{name} {}",
                property.name
            );
            assert!(!(property.required && property.default.is_some()), "{name} {}", property.name);
        }
        let listed = |lazy: &str| signature.property(lazy).is_some();
        assert!(signature.lazy.iter().all(|lazy| listed(lazy)), "{name}");
    }
}

#[test]
fn only_calls_and_templates_loop() {
    let looping: Vec<_> = signatures().into_iter().filter(|(_, s)| s.loops).map(|(name, _)| name.to_string()).collect();
    assert_eq!(
        looping,
        ["ACS::CheckFor", "ACS::ExecuteAPI", "ACS::ExecuteHttpRequest", "ACS::Template", "ACS::WaitFor"]
    );
}

#[test]
fn retries_stand_where_the_pages_put_them() {
    let signatures = signatures();
    let retry = |name: &str| signatures[&ActionName::new(name)].retry;
    assert_eq!(retry("ACS::WaitFor"), RetryRule::Task { default_retries: 10 });
    assert_eq!(retry("ACS::CheckFor"), RetryRule::Task { default_retries: 0 });
    assert_eq!(retry("ACS::ExecuteAPI"), RetryRule::Task { default_retries: 0 });
    assert_eq!(retry("ACS::ExecuteHttpRequest"), RetryRule::Property { name: "WaitFor", default_retries: 10 });
    let others = signatures.values().filter(|s| s.retry == RetryRule::None).count();
    assert_eq!(others, 12);
}

#[test]
fn classes_are_those_of_the_product() {
    let signatures = signatures();
    let of = |class: ActionClass| signatures.values().filter(|s| s.class == class).count();
    assert_eq!(
        [of(ActionClass::Api), of(ActionClass::Trigger), of(ActionClass::Control), of(ActionClass::Embedded)],
        [4, 3, 7, 1]
    );
    assert_eq!(signatures.values().filter(|s| s.calls_api).count(), 3);
}

#[test]
fn every_action_says_which_apis_it_calls() {
    let own: Vec<_> = signatures()
        .into_values()
        .filter(|signature| signature.calls.as_ref().is_none_or(|calls| !calls.is_empty()))
        .map(|signature| signature.name.to_string())
        .collect();
    // All others call nothing, or what `Service` and `API` name.
    assert_eq!(own, ["ACS::SelectTargets"]);
}

/// Every key that an official template writes under `Properties` of an atom must be in its signature.
#[test]
fn official_templates_use_only_listed_properties() {
    let Some(corpus) = std::env::var_os("OOS_CORPUS").map(PathBuf::from) else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let signatures = signatures();
    let mut tasks = 0;
    for folder in ["public", "actions"] {
        for file in fs::read_dir(corpus.join(folder)).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let Ok(template) = oos_core::Template::parse(&text) else { continue };
            for task in &template.tasks {
                let Some(signature) = signatures.get(&task.action.value) else { continue };
                tasks += 1;
                for (key, _) in task.properties.iter().filter_map(|node| node.as_map()).flatten() {
                    assert!(signature.property(&key.text).is_some(), "{} {}", task.name.value, key.text);
                }
            }
        }
    }
    assert!(tasks > 1_000, "{tasks} tasks were seen");
}
