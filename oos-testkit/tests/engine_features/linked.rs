//! Templates that are found during a run, by version, or that were never a text: what a restart needs of them is pinned.

use oos_actions::product::MemoryTemplates;
use oos_core::{
    Limits, Template, TemplateName,
    machine::ExecutionStatus,
    ports::{
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    source::Node,
};
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

#[test]
fn a_child_that_is_pinned_stays_as_it_is_when_another_template_brings_a_newer_one() {
    let world = World::new();
    world.action.broken.lock().unwrap().push("new".to_owned());
    let leaf = |of: &str| template("", &[&format!("Name: leaf, Action: Acme::Do, Properties: {{of: {of}}}")]);
    let middle = template("", &["Name: below, Action: ACS::Template, Properties: {TemplateName: Leaf}"]);
    let library = std::sync::Arc::new(MemoryTemplates::new().with("Middle", &middle).with("Leaf", &leaf("old")));
    let bed = world.bed().templates(Held(library.clone()));
    let other = "Name: other, Action: ACS::Template, Properties: {TemplateName: '{{ which }}'}";
    let own = "Name: own, Action: ACS::Template, Properties: {TemplateName: Leaf}";
    let root = template("Parameters: {which: {Type: String}}", &[DOZE, other, own]);
    let run = bed.start(&root, params! { "which" => "Middle" });
    bed.run_for(mins(1));
    library.insert("Leaf", &leaf("new"));
    bed.engine().actions().forget(&"Leaf".into());
    bed.run_to_end();
    let end = run.handle().finished().unwrap().unwrap();
    assert_eq!(end.status, ExecutionStatus::Success, "{:?}", end.failure);
}

/// A library that changes while a bed has it.
#[derive(Debug)]
struct Held(std::sync::Arc<MemoryTemplates>);

#[async_trait::async_trait]
impl TemplateStore for Held {
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        self.0.get(name, version).await
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        self.0.list().await
    }
}

#[test]
fn a_debugged_execution_is_led_by_its_handle_and_an_action_runs_alone() {
    let world = World::new();
    let bed = world.bed();
    let options = oos_core::engine::StartOptions { mode: oos_core::machine::Mode::Debug, ..named("exec-debug") };
    let text = template("", &["Name: a, Action: Acme::Do, Properties: {of: x}", "Name: b, Action: Acme::Do"]);
    let run = bed.start_with(&text, nothing(), options);
    let handle = run.handle().clone();
    let lead = |what: futures::future::BoxFuture<'static, Result<(), oos_core::engine::SignalError>>| {
        let answer = bed.block_on(what);
        bed.step();
        answer.is_ok()
    };
    let h = || handle.clone();
    assert!(lead(Box::pin({
        let h = h();
        async move { h.step_task("b", nothing()).await }
    })));
    assert!(
        !lead(Box::pin({
            let h = h();
            async move { h.step().await }
        })),
        "b was the last"
    );
    assert!(lead(Box::pin({
        let h = h();
        async move { h.step_task("a", nothing()).await }
    })));
    assert_eq!(world.action.calls(), 2);
    assert!(
        !lead(Box::pin({
            let h = h();
            async move { h.retry_task(None).await }
        })),
        "nothing has failed"
    );
    assert!(lead(Box::pin({
        let h = h();
        async move { h.complete(ExecutionStatus::Success).await }
    })));
    assert_eq!(handle.finished().unwrap().unwrap().status, ExecutionStatus::Success);

    let engine = bed.engine().clone();
    let alone = bed.block_on(async move {
        let handle = engine.run_action("", "Acme::Do", params! { "of" => "{{ braces }}" }).await.unwrap();
        handle.wait().await.unwrap()
    });
    assert_eq!(alone.outputs.at(&["result"]), &params! { "of" => "{{ braces }}" });
}
