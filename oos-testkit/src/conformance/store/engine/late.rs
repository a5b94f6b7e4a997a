//! Outcomes that come twice or too late, a timer against a signal, and cancels.

use oos_core::{
    Value,
    machine::{ExecutionStatus, InputKind, SignalKind, SignalTarget, StepResult},
    ports::store::Record,
};

use super::{
    super::{
        super::{equal, require},
        Store,
        steps::{PATIENCE, What},
    },
    World, ended, finished,
};
use crate::{calls::fail, clock::secs};

const WORK_THEN_PAUSE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: work
  Action: Conformance::Note
  Properties: {value: a, seconds: 100}
  Outputs: {seen: {Type: String, ValueSelector: .value}}
- Name: hold
  Action: ACS::Pause
Outputs:
  seen: {Type: String, Value: '{{ work.seen }}'}
";

/// The newest outcome in a journal.
#[track_caller]
fn outcome(records: &[Record]) -> Record {
    let is_outcome = |r: &&Record| matches!(r.input.kind, InputKind::Outcome { .. });
    match records.iter().rev().find(is_outcome) {
        Some(record) => record.clone(),
        None => fail("broken: the outcome of a step is in the journal"),
    }
}

pub(super) fn an_outcome_that_comes_twice_counts_once<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let run = world.bed().run(WORK_THEN_PAUSE, Value::Null);
    let twice = outcome(&world.journal(run.id()).records);
    world.append(run.id(), &twice);
    world.append(run.id(), &twice);
    let (bed, handle) = world.resume(run.id());
    let approver = handle.clone();
    let approved = bed.block_on(async move { approver.approve("ana", Some("hold")).await });
    equal(&approved, &Ok(()), "the execution still waits where it waited");
    bed.run_to_end();
    equal(&finished(&handle).status, &ExecutionStatus::Success, "an outcome that comes twice counts once");
    equal(&world.note.begun(), &(1, 0, 0), "a step whose outcome is written does not run again");
}

pub(super) fn an_outcome_after_a_cancel_changes_nothing<S: Store>(make: &dyn Fn() -> S) {
    // An outcome to be late with.
    let world = World::new(make);
    let run = world.bed().run(WORK_THEN_PAUSE, Value::Null);
    let late = outcome(&world.journal(run.id()).records);
    let done = matches!(&late.input.kind, InputKind::Outcome { result: StepResult::Done { .. }, .. });
    require(done, "the outcome of work that went well is in the journal");

    let world = World::new(make);
    let store = world.faulty();
    let bed = world.bed_over(store.clone());
    let run = bed.start(WORK_THEN_PAUSE, Value::Null);
    bed.step();
    let store = store.clone().crash_in(store.appends() + 1);
    // The process dies with the cancel written and nothing done about it.
    let answer = bed.try_signal(&run, "ana", SignalTarget::default(), SignalKind::Cancel);
    require(answer.is_err() && store.is_down(), "the cancel is not answered by a dead process");
    world.append(run.id(), &late);
    let end = world.finish(run.id());
    equal(&end.status, &ExecutionStatus::Cancelled, "a cancel that is written holds, whatever comes later");
    equal(&world.note.begun(), &(1, 0, 0), "what was cancelled does not run again");
    world.append(run.id(), &late);
    equal(&world.finish(run.id()), &end, "an outcome behind the end changes nothing");
}

const ASK: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: ask
  Action: Conformance::Ask
";

pub(super) fn a_timer_and_a_signal_of_one_instant_end_the_same_after_a_crash<S: Store>(make: &dyn Fn() -> S) {
    let race = |world: &World<S>, crash: bool| {
        let store = world.faulty();
        let bed = world.bed_over(store.clone());
        let run = bed.start(ASK, Value::Null);
        bed.step();
        let store = if crash { store.clone().crash_in(store.appends() + 1) } else { store };
        // Both are there when the driver looks next: the timer is due, the signal is in its queue.
        world.cloud.clock().set(world.cloud.now() + PATIENCE);
        let _ = bed.try_signal(&run, "ana", SignalTarget::default(), SignalKind::Approve { note: None });
        bed.run_to_end();
        equal(&store.is_down(), &crash, "the race is decided in one write");
        run
    };
    let world = World::new(make);
    let expected = finished(race(&world, false).handle());
    let world = World::new(make);
    equal(&world.finish(race(&world, true).id()), &expected, "a journal decides a race the same way again");
}

const NESTED: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: outer
  Action: ACS::Template
  Properties:
    TemplateContent:
      FormatVersion: OOS-2019-06-01
      Tasks:
      - Name: middle
        Action: ACS::Template
        Properties:
          TemplateContent:
            FormatVersion: OOS-2019-06-01
            Tasks:
            - Name: inner
              Action: Conformance::Note
              Properties: {value: deep, seconds: 36000}
";

pub(super) fn a_cancel_reaches_the_innermost_child<S: Store>(make: &dyn Fn() -> S) {
    for crash in [false, true] {
        let world = World::new(make);
        let mut bed = world.bed();
        let run = bed.start(NESTED, Value::Null);
        bed.run_for(secs(10));
        let mut handle = run.handle().clone();
        if crash {
            (bed, handle) = world.resume(run.id());
            bed.step();
        }
        let canceller = handle.clone();
        equal(&bed.block_on(async move { canceller.cancel().await }), &Ok(()), "a running execution can be cancelled");
        bed.run_to_end();
        equal(&finished(&handle).status, &ExecutionStatus::Cancelled, "a cancelled execution ends so");
        let last = world.note.log().last().map(|n| (n.value.to_string(), n.what));
        equal(&last, &Some(("deep".to_owned(), What::Cancelled)), "a cancel reaches the innermost step");
        let rows = world.rows(run.id());
        let cancelled = rows.iter().filter(|r| r.status == ExecutionStatus::Cancelled && r.end.is_some()).count();
        equal(&(rows.len(), cancelled), &(3, 3), "the rows of all three executions say so");
        let now = world.cloud.now();
        require(now.since(run.started()) < secs(36_000), "a cancel does not wait for the work");
    }
    let world = World::new(make);
    let bed = world.bed();
    let run = bed.start(ASK, Value::Null);
    bed.step();
    bed.cancel(&run);
    bed.run_to_end();
    ended(&run, ExecutionStatus::Cancelled);
}
