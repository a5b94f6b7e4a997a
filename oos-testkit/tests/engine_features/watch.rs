//! Watching from an event on, and questions about tasks of running and ended executions.

use futures::{FutureExt, StreamExt};
use oos_core::{
    ExecutionId,
    engine::{Lagged, MemoryStore},
    ports::{ExecutionEvent, event::EventKind},
};
use oos_testkit::prelude::*;

use crate::support::{World, named, nothing, template};

const DOZE: &str = "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}";

fn text() -> String {
    template(
        "",
        &["Name: a, Action: Acme::Do, Properties: {of: a}", DOZE, "Name: b, Action: Acme::Do, Properties: {of: b}"],
    )
}

fn watch(bed: &TestBed, id: &ExecutionId, from: u64) -> oos_core::engine::Watch {
    let (engine, id) = (bed.engine().clone(), id.clone());
    bed.block_on(async move { engine.watch(&id, from).await }).unwrap()
}

fn ready(watch: &mut oos_core::engine::Watch) -> Vec<Result<ExecutionEvent, Lagged>> {
    std::iter::from_fn(|| watch.next().now_or_never().flatten()).collect()
}

fn numbers(events: &[Result<ExecutionEvent, Lagged>]) -> Vec<u64> {
    events.iter().map(|e| e.as_ref().unwrap().number).collect()
}

#[test]
fn a_watcher_sees_every_event_once_in_order_whenever_it_comes() {
    let world = World::new();
    let bed = world.bed();
    let run = bed.start_with(&text(), nothing(), named("exec-seen"));
    bed.run_for(mins(1));
    let mut early = watch(&bed, run.id(), 1);
    let mut later = watch(&bed, run.id(), 3);
    let before = ready(&mut early);
    assert!(before.len() > 3, "{before:?}");
    assert_eq!(numbers(&ready(&mut later))[0], 3);
    bed.run_to_end();
    let after = ready(&mut early);
    let all: Vec<u64> = numbers(&before).into_iter().chain(numbers(&after)).collect();
    assert_eq!(all, (1..=all.len() as u64).collect::<Vec<_>>());
    assert!(matches!(after.last().unwrap().as_ref().unwrap().kind, EventKind::ExecutionEnded { .. }));
    let mut ended = watch(&bed, run.id(), 1);
    let past: Vec<_> = ready(&mut ended).into_iter().map(Result::unwrap).collect();
    let told: Vec<_> = before.into_iter().chain(after).map(Result::unwrap).collect();
    assert_eq!(past, told, "an ended execution tells the same events");
    assert_eq!(past, bed.events().of(run.id()).into_iter().filter(|e| e.number > 0).collect::<Vec<_>>());
}

#[test]
fn what_a_snapshot_dropped_is_told_as_lagged_unless_history_is_kept() {
    let seen = |store: MemoryStore| {
        let world = World::over(store);
        let bed = world.bed().configure(|engine| engine.snapshot_every(1));
        let run = bed.start(&text(), nothing());
        bed.run_for(mins(1));
        ready(&mut watch(&bed, run.id(), 1))
    };
    let lagged = seen(MemoryStore::new());
    assert!(matches!(lagged[0], Err(Lagged { wanted: 1, first }) if first > 1), "{lagged:?}");
    let whole = seen(MemoryStore::new().keeping_history());
    assert_eq!(numbers(&whole)[0], 1);
}

#[test]
fn templates_may_ask_for_tasks_of_running_and_ended_executions() {
    let world = World::new();
    let bed = world.bed();
    let first = bed.run(
        &template(
            "",
            &["Name: a, Action: Acme::Do, Properties: {of: a}, Outputs: {of: {Type: String, ValueSelector: .of}}"],
        ),
        nothing(),
    );
    first.expect_success();
    let ask = |id: &str| {
        let task = format!(
            "Name: ask, Action: ACS::ExecuteAPI, Properties: {{Service: OOS, API: ListTaskExecutions, Parameters: {{ExecutionId: '{id}'}}}}, Outputs: {{names: {{Type: List, ValueSelector: 'TaskExecutions[].TaskName'}}, states: {{Type: List, ValueSelector: 'TaskExecutions[].Status'}}}}"
        );
        let outputs =
            "Outputs: {names: {Type: List, Value: '{{ ask.names }}'}, states: {Type: List, Value: '{{ ask.states }}'}}";
        let run = bed.run(&template(outputs, &["Name: before, Action: Acme::Do", &task]), nothing());
        run.expect_success();
        run.handle().finished().unwrap().unwrap().outputs
    };
    assert_eq!(ask(first.id().as_str()), params! { "names" => ["a"], "states" => ["Success"] });
    let own = ask("{{ ACS::ExecutionId }}");
    assert_eq!(own, params! { "names" => ["before", "ask"], "states" => ["Success", "Running"] });
    let (engine, id) = (bed.engine().clone(), first.id().clone());
    let report = bed.block_on(async move { engine.report(&id).await }).unwrap().unwrap();
    assert_eq!(report.tasks[0].outputs, params! { "of" => "a" });
}
