//! Executions beyond the limit wait in a queue; those that wait for somebody cost no place and no task.

use oos_core::{
    Limits,
    engine::{ExecutionHandle, StartOptions},
    machine::{ExecutionStatus, SignalKind},
    ports::index::{ExecutionIndex, ExecutionQuery},
};
use oos_testkit::prelude::*;

use crate::support::{World, named, nothing, reports, send, template};

fn two() -> Limits {
    let mut limits = Limits::default();
    limits.concurrent_executions = 2;
    limits
}

const WAIT: &str = "Name: wait, Action: ACS::WaitFor, Retries: 100, DelayType: Constant, Delay: 2, Properties: {Service: ECS, API: DescribeInstances, Parameters: {}, PropertySelector: TotalCount, DesiredValues: [1]}";

fn status(world: &World, handle: &ExecutionHandle) -> ExecutionStatus {
    let query = ExecutionQuery { id: Some(handle.id().clone()), ..ExecutionQuery::default() };
    futures::FutureExt::now_or_never(world.store.list(&query)).unwrap().unwrap().rows[0].status
}

#[test]
fn beyond_the_limit_executions_queue_first_in_first_out_and_a_crash_keeps_the_queue() {
    use ExecutionStatus::{Cancelled, Queued, Running, Success};
    let world = World::new();
    let bed = world.bed().limits(two());
    let text = template("", &[WAIT, "Name: work, Action: Acme::Do"]);
    let runs: Vec<_> = (0..5).map(|n| bed.start_with(&text, nothing(), named(&format!("exec-{n}")))).collect();
    bed.run_for(secs(5));
    let all = |handles: &[ExecutionHandle]| handles.iter().map(|h| status(&world, h)).collect::<Vec<_>>();
    let handles: Vec<_> = runs.iter().map(|r| r.handle().clone()).collect();
    assert_eq!(all(&handles), [Running, Running, Queued, Queued, Queued]);
    assert_eq!(reports(&bed, &handles[4])[0].status, Queued);
    send(&bed, &handles[3], SignalKind::Cancel).unwrap();
    bed.run_for(secs(1));
    assert_eq!(all(&handles), [Running, Running, Queued, Cancelled, Queued]);

    let other = world.bed().limits(two());
    let engine = other.engine().clone();
    let resumed = other.block_on(async move { engine.resume_all().await }).unwrap();
    let handles: Vec<_> = resumed.into_iter().map(|(_, handle)| handle.unwrap()).collect();
    assert_eq!(all(&handles), [Running, Running, Queued, Queued]);
    world.cloud.ecs().instances(1).create();
    other.run_to_end();
    assert_eq!(all(&handles), [Success; 4]);
    assert_eq!(world.action.calls(), 4);
}

#[test]
fn those_who_wait_for_somebody_give_their_place_up() {
    let world = World::new();
    let bed = world.bed().limits(two());
    let pause = template("", &["Name: a, Action: ACS::Pause", "Name: work, Action: Acme::Do"]);
    let waiting: Vec<_> = (0..10).map(|_| bed.start(&pause, nothing())).collect();
    bed.run_to_end();
    for run in &waiting {
        assert_eq!(status(&world, run.handle()), ExecutionStatus::Waiting);
    }
    let sleeping =
        template("", &["Name: a, Action: ACS::Sleep, Properties: {Duration: PT30M}", "Name: work, Action: Acme::Do"]);
    let run = bed.start_with(&sleeping, nothing(), StartOptions::default());
    bed.run_for(mins(29));
    assert_eq!(world.action.calls(), 0);
    bed.run_for(mins(2));
    assert_eq!((status(&world, run.handle()), world.action.calls()), (ExecutionStatus::Success, 1));
    for run in &waiting {
        send(&bed, run.handle(), SignalKind::Approve { note: None }).unwrap();
    }
    bed.run_to_end();
    assert_eq!(world.action.calls(), 10);
}

#[test]
fn a_parked_execution_hears_its_signals_and_its_timers() {
    let world = World::new();
    let bed = world.bed();
    let text =
        template("", &["Name: a, Action: ACS::Sleep, Properties: {Duration: PT30M}", "Name: work, Action: Acme::Do"]);
    let run = bed.start_with(&text, nothing(), named("exec-parked"));
    bed.run_for(mins(1));
    for _ in 0..3 {
        assert_eq!(reports(&bed, run.handle())[0].status, ExecutionStatus::Running);
    }
    send(&bed, run.handle(), SignalKind::Pause).unwrap();
    bed.run_for(mins(30));
    assert_eq!((world.action.calls(), status(&world, run.handle())), (0, ExecutionStatus::Waiting));
    send(&bed, run.handle(), SignalKind::Resume).unwrap();
    bed.run_to_end();
    assert_eq!(world.action.calls(), 1);
    assert!(send(&bed, run.handle(), SignalKind::Cancel).is_err(), "it has ended");
}
