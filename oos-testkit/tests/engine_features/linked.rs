//! Templates that are found during a run, by version, or that were never a text: what a restart needs of them is pinned.

use oos_actions::product::MemoryTemplates;
use oos_core::{Limits, Template, machine::ExecutionStatus, source::Node};
use oos_testkit::prelude::*;

use crate::support::{World, named, nothing, resume, template};

const DOZE: &str = "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}";

/// A template that says `of`, and one that calls it.
fn library(of: &str) -> MemoryTemplates {
    let leaf = template("", &[&format!("Name: leaf, Action: Acme::Do, Properties: {{of: {of}}}")]);
    let middle = template("", &[DOZE, "Name: below, Action: ACS::Template, Properties: {TemplateName: Leaf}"]);
    MemoryTemplates::new().with("Middle", &middle).with("Leaf", &leaf)
}

#[test]
fn what_lies_below_a_template_with_a_computed_name_is_pinned_with_it() {
    let call = "Name: call, Action: ACS::Template, Properties: {TemplateName: '{{ which }}'}";
    let root = template("Parameters: {which: {Type: String}}", &[call]);
    for every in [1, 1_000] {
        let world = World::new();
        let bed = world.bed().templates(library("old")).snapshot_every(every);
        let run = bed.start_with(&root, params! { "which" => "Middle" }, named("exec-linked"));
        bed.run_for(mins(1));
        let mut newer = World { action: world.action.clone().breaking(&["new"]), ..World::new() };
        (newer.cloud, newer.store) = (world.cloud.clone(), world.store.clone());
        // The library of the next process has another leaf, and no middle at all.
        let leaf = template("", &["Name: leaf, Action: Acme::Do, Properties: {of: new}"]);
        let other = newer.bed().templates(MemoryTemplates::new().with("Leaf", &leaf));
        let handle = resume(&other, run.id());
        other.run_to_end();
        let end = handle.finished().unwrap().unwrap();
        assert_eq!(end.status, ExecutionStatus::Success, "every {every}: {:?}", end.failure);
        assert_eq!(newer.action.calls(), 1);
    }
}

#[test]
fn a_child_may_be_of_an_older_version() {
    let world = World::new();
    world.action.broken.lock().unwrap().push("new".to_owned());
    let say = |of: &str| template("", &[&format!("Name: leaf, Action: Acme::Do, Properties: {{of: {of}}}")]);
    let library = MemoryTemplates::new().with("Leaf", &say("old")).with("Leaf", &say("new"));
    let bed = world.bed().templates(library);
    let call = |version: &str| {
        let version = format!("Name: call, Action: ACS::Template, Properties: {{TemplateName: Leaf{version}}}");
        bed.run(&template("", &[&version]), nothing()).handle().finished().unwrap().unwrap()
    };
    assert_eq!(call(", TemplateVersion: v1").status, ExecutionStatus::Success);
    assert_eq!(call(", TemplateVersion: v2").status, ExecutionStatus::Failed);
    assert_eq!(call("").status, ExecutionStatus::Failed, "the newest");
    let gone =
        template("", &["Name: call, Action: ACS::Template, Properties: {TemplateName: Leaf, TemplateVersion: v9}"]);
    let error = bed.try_start(&gone, nothing(), named("exec-gone")).unwrap_err();
    assert!(error.contains("`Leaf` does not exist"), "{error}");
}

#[test]
fn a_template_that_was_never_a_text_can_be_taken_up() {
    let world = World::new();
    let text = template("", &[DOZE, "Name: after, Action: Acme::Do, Properties: {of: it}"]);
    let value = oos_core::Value::from_json_str(&Template::parse(&text).unwrap().to_json()).unwrap();
    let built = Template::from_node(&Node::from_value(&value), None, &Limits::default()).unwrap();
    let bed = world.bed();
    let (engine, options) = (bed.engine().clone(), named("exec-built"));
    let id = bed.block_on(async move { engine.start_with(&built, nothing(), options).await }).unwrap().id().clone();
    bed.run_for(mins(1));
    let other = world.bed();
    let handle = resume(&other, &id);
    other.run_to_end();
    assert_eq!(handle.finished().unwrap().unwrap().status, ExecutionStatus::Success);
    assert_eq!(world.action.calls(), 1);
}
