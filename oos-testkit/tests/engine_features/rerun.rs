//! Re-runs: what has finished is kept, what failed runs again.

use oos_core::{
    ExecutionId, Template,
    engine::{EngineError, ExecutionHandle, RerunOptions},
    machine::{ExecutionStatus, RerunFrom},
    params,
};
use oos_testkit::prelude::*;

use crate::support::{World, nothing, template};

fn rerun(bed: &TestBed, id: &ExecutionId, options: RerunOptions) -> Result<ExecutionHandle, EngineError> {
    let (engine, id) = (bed.engine().clone(), id.clone());
    let started = bed.block_on(async move { engine.rerun(&id, options).await });
    bed.run_to_end();
    started
}

fn from(task: &str) -> RerunOptions {
    RerunOptions { from: RerunFrom::Task(task.into()), ..RerunOptions::default() }
}

fn status(handle: &ExecutionHandle) -> ExecutionStatus {
    handle.finished().unwrap().unwrap().status
}

const THREE: [&str; 3] = [
    "Name: a, Action: Acme::Do, Properties: {of: a}, Outputs: {of: {Type: String, ValueSelector: .of}}",
    "Name: b, Action: Acme::Do, Properties: {of: b}, Outputs: {of: {Type: String, ValueSelector: .of}}",
    "Name: c, Action: Acme::Do, Properties: {of: '{{ a.of }}{{ b.of }}'}, Outputs: {of: {Type: String, ValueSelector: .of}}",
];
const OUT: &str = "Outputs: {c: {Type: String, Value: '{{ c.of }}'}}";

#[test]
fn a_re_run_goes_on_at_the_failed_task_with_the_outputs_of_the_others() {
    let mut world = World::new();
    world.action = world.action.breaking(&["b"]);
    let bed = world.bed();
    let run = bed.run(&template(OUT, &THREE), nothing());
    run.expect_failure();
    assert_eq!(world.action.calls(), 2);
    world.action.repair();
    let again = rerun(&bed, run.id(), RerunOptions::default()).unwrap();
    assert_eq!((status(&again), world.action.calls()), (ExecutionStatus::Success, 2), "b and c");
    assert_eq!(again.finished().unwrap().unwrap().outputs, params! { "c" => "ab" });
    assert_ne!(again.id(), run.id());
    assert_eq!(world.journal(again.id()).header.rerun_of.as_ref(), Some(run.id()));
}

#[test]
fn a_re_run_from_a_task_or_from_the_start_keeps_what_came_before() {
    let world = World::new();
    let bed = world.bed();
    let run = bed.run(&template(OUT, &THREE), nothing());
    assert_eq!(world.action.calls(), 3);
    assert!(rerun(&bed, run.id(), RerunOptions::default()).is_err(), "it has succeeded");
    for (options, calls) in
        [(from("c"), 1), (from("b"), 2), (RerunOptions { from: RerunFrom::Start, ..RerunOptions::default() }, 3)]
    {
        let again = rerun(&bed, run.id(), options).unwrap();
        assert_eq!((status(&again), world.action.calls()), (ExecutionStatus::Success, calls));
        assert_eq!(again.finished().unwrap().unwrap().outputs, params! { "c" => "ab" });
    }
    let error = rerun(&bed, run.id(), from("z")).unwrap_err().to_string();
    assert!(error.ends_with("there is no task `z`"), "{error}");
}

#[test]
fn tasks_after_the_failed_one_run_again_though_a_handler_ran_them_and_jumps_are_not_forgotten() {
    let mut world = World::new();
    world.action = world.action.breaking(&["b"]);
    let bed = world.bed();
    let tasks = [
        "Name: a, Action: Acme::Do, OnSuccess: b, Properties: {of: a}",
        "Name: over, Action: Acme::Do, Properties: {of: over}",
        "Name: b, Action: Acme::Do, OnError: clean, Properties: {of: b}",
        "Name: clean, Action: Acme::Do, Properties: {of: clean}",
    ];
    let run = bed.run(&template("", &tasks), nothing());
    run.expect_failure();
    assert_eq!(world.action.calls(), 3, "a, b and the handler");
    world.action.repair();
    let again = rerun(&bed, run.id(), RerunOptions::default()).unwrap();
    assert_eq!(
        (status(&again), world.action.calls()),
        (ExecutionStatus::Success, 2),
        "b and clean, not what was jumped"
    );
}

const ITEMS: &str = "Name: many, Action: Acme::Do, Properties: {of: '{{ ACS::TaskLoopItem }}'}, Outputs: {of: {Type: String, ValueSelector: .of}}, Loop: {Items: [p, q, r, s, t], RateControl: {Mode: Concurrency, Concurrency: 1, MaxErrors: 1}, Outputs: {all: {AggregateType: 'Fn::ListJoin', AggregateField: of}}}";
const ALL: &str = "Outputs: {all: {Type: List, Value: '{{ many.all }}'}}";

#[test]
fn only_items_that_failed_or_never_ran_run_again() {
    let mut world = World::new();
    world.action = world.action.breaking(&["q", "s"]);
    let bed = world.bed();
    let run = bed.run(&template(ALL, &[ITEMS]), nothing());
    run.expect_failure();
    assert_eq!(world.action.calls(), 4, "the second failure is one too many");
    // Still broken: a re-run of a re-run keeps the items of both.
    let again = rerun(&bed, run.id(), RerunOptions::default()).unwrap();
    assert_eq!((status(&again), world.action.calls()), (ExecutionStatus::Failed, 2), "q and s");
    world.action.repair();
    let third = rerun(&bed, again.id(), RerunOptions::default()).unwrap();
    assert_eq!((status(&third), world.action.calls()), (ExecutionStatus::Success, 3), "q, s and t");
    assert_eq!(third.finished().unwrap().unwrap().outputs, params! { "all" => ["p", "q", "r", "s", "t"] });
}

#[test]
fn failed_children_go_on_at_their_failed_task() {
    let mut world = World::new();
    world.action = world.action.breaking(&["2"]);
    let bed = world.bed();
    let each = "Name: many, Action: ACS::Loop, Properties: {LoopItems: ['1', '2', '3'], LoopRateControl: {Mode: Concurrency, Concurrency: 3}, LoopTasks: [{Name: before, Action: Acme::Do, Properties: {of: before}}, {Name: in, Action: Acme::Do, Properties: {of: '{{ ACS::TaskLoopItem }}'}, Outputs: {o: {Type: String, ValueSelector: .of}}}]}, Outputs: {all: {Type: String, ValueSelector: '{{ in.o }}'}}";
    let run = bed.run(&template(ALL, &[each]), nothing());
    run.expect_failure();
    assert_eq!(world.action.calls(), 6);
    world.action.repair();
    let again = rerun(&bed, run.id(), RerunOptions::default()).unwrap();
    assert_eq!(
        (status(&again), world.action.calls()),
        (ExecutionStatus::Success, 1),
        "the failed task of the failed item"
    );
    assert_eq!(again.finished().unwrap().unwrap().outputs, params! { "all" => ["1", "2", "3"] });
}

#[test]
fn a_newer_template_may_repair_the_failed_task_but_not_change_a_finished_one() {
    let mut world = World::new();
    world.action = world.action.breaking(&["b"]);
    let bed = world.bed();
    let run = bed.run(&template(OUT, &THREE), nothing());
    world.action.calls();
    let repaired = Template::parse(&template(OUT, &THREE).replace("{of: b}", "{of: z}")).unwrap();
    let options = RerunOptions { template: Some(repaired), ..RerunOptions::default() };
    let again = rerun(&bed, run.id(), options).unwrap();
    assert_eq!(again.finished().unwrap().unwrap().outputs, params! { "c" => "az" });
    assert_eq!(world.action.calls(), 2);

    let changed = Template::parse(&template(OUT, &THREE).replace("{of: a}", "{of: y}")).unwrap();
    let options = RerunOptions { template: Some(changed), ..RerunOptions::default() };
    let error = rerun(&bed, run.id(), options).unwrap_err().to_string();
    assert!(error.contains("tasks that are kept have changed"), "{error}");
    assert!(error.ends_with("a.Properties.of: a → y") || error.ends_with("a.Properties.of: \"a\" → \"y\""), "{error}");
}

#[test]
fn an_execution_that_runs_cannot_be_run_again_and_a_cancelled_one_goes_on_where_it_was() {
    let world = World::new();
    let bed = world.bed();
    let doze = "Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1H}";
    let tasks =
        ["Name: a, Action: Acme::Do, Properties: {of: a}", doze, "Name: b, Action: Acme::Do, Properties: {of: b}"];
    let run = bed.start(&template("", &tasks), nothing());
    bed.run_for(mins(1));
    let error = {
        let (engine, id) = (bed.engine().clone(), run.id().clone());
        bed.block_on(async move { engine.rerun(&id, RerunOptions::default()).await }).unwrap_err()
    };
    assert!(error.to_string().ends_with("it has not ended"), "{error}");
    bed.cancel(&run);
    bed.run_to_end();
    assert_eq!(world.action.calls(), 1);
    let again = rerun(&bed, run.id(), RerunOptions::default()).unwrap();
    assert_eq!((status(&again), world.action.calls()), (ExecutionStatus::Success, 1), "b only");
}
