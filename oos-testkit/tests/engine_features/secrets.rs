//! Values of NoEcho parameters: never in a store, and what happens when a restart has lost them.

use std::sync::Arc;

use oos_core::{
    engine::SignalError,
    machine::{ExecutionStatus, SignalKind},
    params,
    ports::{
        control::WaitingFor,
        index::{ExecutionIndex, ExecutionQuery},
        vault::{MemoryVault, SecretVault},
    },
};
use oos_testkit::prelude::*;

use crate::support::{World, named, resume, send, template, text};

const SECRET: &str = "hunter22-and-more";

fn secretive(rest: &[&str]) -> String {
    let sections = "Parameters: {password: {Type: String, NoEcho: true}, pin: {Type: Number, NoEcho: true}}";
    template(sections, rest)
}

#[derive(Debug)]
struct Shared(Arc<MemoryVault>);

impl SecretVault for Shared {
    fn put(&self, handle: &str, value: oos_core::Value) {
        self.0.put(handle, value);
    }
    fn get(&self, handle: &str) -> Option<oos_core::Value> {
        self.0.get(handle)
    }
    fn forget(&self, prefix: &str) {
        self.0.forget(prefix);
    }
}

const USE: &str = "Properties: {of: one, login: 'admin:{{ password }}', pin: '{{ pin }}'}";

#[test]
fn errors_snapshots_and_rows_show_no_secret() {
    let mut world = World::new();
    world.action = world.action.breaking(&["one"]);
    let bad = format!("Name: bad, Action: Acme::Do, OnError: doze, {USE}");
    let text_of_template = secretive(&[&bad, "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}"]);
    let bed = world.bed().configure(|engine| engine.snapshot_every(1));
    let run = bed.start(&text_of_template, params! { "password" => SECRET, "pin" => "471147" });
    let first = text(&world.journal(run.id()));
    bed.run_for(mins(1));
    let all = format!("{first}\n{}", text(&world.journal(run.id())));
    assert!(all.contains("vault") && all.contains("cannot do"), "{all}");
    assert!(!all.contains(SECRET) && !all.contains("471147"), "{all}");
    let rows = futures::FutureExt::now_or_never(world.store.list(&ExecutionQuery::default())).unwrap().unwrap().rows;
    assert!(rows[0].status_message.as_ref().unwrap().contains("******"), "{rows:?}");
    assert!(!format!("{rows:?}").contains(SECRET));
    assert!(!format!("{:?}", bed.events().all()).contains(SECRET));
}

#[test]
fn a_restart_with_the_same_vault_goes_on_with_the_secret() {
    let world = World::new();
    let vault = Arc::new(MemoryVault::default());
    for every in [1, 1_000] {
        let id = format!("exec-{every}");
        let given = params! { "password" => SECRET, "pin" => 471_147 };
        let doze = "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}";
        let work = format!(
            "Name: work, Action: Acme::Do, {USE}, Outputs: {{login: {{Type: String, ValueSelector: .login}}, pin: {{Type: Number, ValueSelector: .pin}}}}"
        );
        let outputs = "Outputs: {login: {Type: String, Value: '{{ work.login }}'}, pin: {Type: Number, Value: '{{ work.pin }}'}}\n";
        let template = secretive(&[doze, &work]).replace("Tasks:", &format!("{outputs}Tasks:"));
        let kept = vault.clone();
        let bed = world.bed().configure(move |e| e.vault(Shared(kept.clone())).snapshot_every(every));
        let run = bed.start_with(&template, given, named(&id));
        bed.run_for(mins(1));
        assert!(!text(&world.journal(run.id())).contains(SECRET));
        let kept = vault.clone();
        let other = world.bed().configure(move |e| e.vault(Shared(kept.clone())));
        let handle = resume(&other, run.id());
        other.run_to_end();
        let outputs = handle.finished().unwrap().unwrap().outputs;
        assert_eq!(outputs, params! { "login" => format!("admin:{SECRET}"), "pin" => 471_147 });
    }
}

#[test]
fn a_secret_of_a_child_that_has_ended_stays_masked_after_a_restart() {
    let world = World::new();
    let vault = Arc::new(MemoryVault::default());
    let child = secretive(&["Name: in, Action: Acme::Do, Properties: {of: '{{ password }}'}, Outputs: {plain: {Type: String, ValueSelector: .of}}"])
        .replace("Tasks:", "Outputs: {plain: {Type: String, Value: '{{ in.plain }}'}}\nTasks:");
    let library = || oos_actions::product::MemoryTemplates::new().with("Child", &child);
    // The parent makes the value up, so that no parameter of its own tells that it is a secret.
    let call = format!(
        "Name: call, Action: ACS::Template, Properties: {{TemplateName: Child, Parameters: {{password: {{'Fn::Join': ['', ['{}', '{}']]}}, pin: 1}}}}, Outputs: {{plain: {{Type: String, ValueSelector: .plain}}}}",
        &SECRET[..8],
        &SECRET[8..]
    );
    let text_of_template = template(
        "",
        &[
            &call,
            "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}",
            "Name: last, Action: Acme::Do, Properties: {of: '{{ call.plain }}'}, Outputs: {of: {Type: String, ValueSelector: .of}}",
        ],
    );
    let kept = vault.clone();
    let bed = world.bed().templates(library()).configure(move |e| e.vault(Shared(kept.clone())).snapshot_every(1));
    let run = bed.start(&text_of_template, params! {});
    bed.run_for(mins(1));
    assert!(!text(&world.journal(run.id())).contains(SECRET));
    let kept = vault.clone();
    let other = world.bed().templates(library()).configure(move |e| e.vault(Shared(kept.clone())));
    let handle = resume(&other, run.id());
    other.run_to_end();
    assert_eq!(handle.finished().unwrap().unwrap().status, ExecutionStatus::Success);
    let told = format!("{:?}", other.events().all());
    assert!(told.contains("******") && !told.contains(SECRET), "{told}");
    assert!(!text(&world.journal(run.id())).contains(SECRET));
}

fn lost(world: &World, bed: &TestBed) -> oos_core::engine::ExecutionHandle {
    let work = format!("Name: work, Action: Acme::Do, {USE}");
    let first = world.bed();
    let doze = "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}";
    let run = first.start(&secretive(&[doze, &work]), params! { "password" => SECRET, "pin" => "471147" });
    first.run_for(mins(1));
    resume(bed, run.id())
}

fn row(world: &World) -> oos_core::ports::index::Summary {
    let page = futures::FutureExt::now_or_never(world.store.list(&ExecutionQuery::default())).unwrap().unwrap();
    page.rows[0].clone()
}

#[test]
fn an_execution_whose_secret_was_lost_waits_until_it_is_supplied() {
    let world = World::new();
    let bed = world.bed();
    let handle = lost(&world, &bed);
    bed.run_for(hours(2));
    assert!(handle.finished().is_none());
    assert_eq!((row(&world).status, row(&world).waiting_for), (ExecutionStatus::Waiting, Some(WaitingFor::Secret)));
    let message = row(&world).status_message.unwrap();
    assert!(message.ends_with("password, pin"), "{message}");
    assert_eq!(world.action.calls(), 0);

    let refused = send(&bed, &handle, SignalKind::Pause).unwrap_err();
    assert!(matches!(&refused, SignalError::Refused(r) if r.code == "EntityStatusConflict.Execution"), "{refused}");
    assert!(send(&bed, &handle, SignalKind::SecretSupplied).is_err(), "it is not there yet");
    let supply = |name: &'static str, value: &'static str| {
        let handle = handle.clone();
        bed.block_on(async move { handle.supply_secret(name, value).await })
    };
    assert!(supply("other", "x").is_err());
    assert!(supply("pin", "no number").is_err(), "a value must fit its parameter");
    supply("password", SECRET).unwrap();
    assert_eq!(world.action.calls(), 0);
    supply("pin", "471147").unwrap();
    bed.run_to_end();
    assert_eq!(handle.finished().unwrap().unwrap().status, ExecutionStatus::Success);
    assert_eq!((world.action.calls(), row(&world).status), (1, ExecutionStatus::Success));
    assert!(!text(&world.journal(handle.id())).contains(SECRET));
}

#[test]
fn an_execution_that_waits_for_a_secret_may_be_cancelled() {
    let world = World::new();
    let bed = world.bed();
    let handle = lost(&world, &bed);
    send(&bed, &handle, SignalKind::Cancel).unwrap();
    bed.run_to_end();
    assert_eq!(handle.finished().unwrap().unwrap().status, ExecutionStatus::Cancelled);
    assert_eq!((row(&world).status, world.action.calls()), (ExecutionStatus::Cancelled, 0));
    let third = world.bed();
    let engine = third.engine().clone();
    assert!(third.block_on(async move { engine.resume_all().await }).unwrap().is_empty());
}
