//! Executions that wait longer than a process lives, and who may go on with them.

use std::time::Duration;

use oos_core::{
    Value,
    machine::{ExecutionStatus, SignalKind, SignalTarget},
    ports::{
        index::{ExecutionIndex, OwnerId},
        store::StoreError,
    },
};

use super::{
    super::{
        super::{equal, good, require},
        Store,
    },
    World, drive, finished,
};
use crate::{clock::hours, in_place::wait};

const fn days(n: u64) -> Duration {
    hours(24 * n)
}

const HOLD: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: before
  Action: Conformance::Note
  Properties: {value: before, seconds: 1}
- Name: hold
  Action: ACS::Pause
- Name: after
  Action: Conformance::Note
  Properties: {value: after, seconds: 1}
";

pub(super) fn an_approval_outlives_the_process<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let run = world.bed().run(HOLD, Value::Null);
    equal(&run.status(), &ExecutionStatus::Waiting, "the execution waits");
    let status = world.rows(run.id()).first().map(|r| r.status);
    equal(&status, &Some(ExecutionStatus::Waiting), "the row says that it waits");
    let (bed, handle) = world.resume(run.id());
    drive(&bed, &handle);
    require(handle.finished().is_none(), "an execution that is taken up goes on waiting");
    let approver = handle.clone();
    let approved = bed.block_on(async move { approver.approve("ana", Some("hold")).await });
    equal(&approved, &Ok(()), "an execution that is taken up can be approved");
    drive(&bed, &handle);
    equal(&finished(&handle).status, &ExecutionStatus::Success, "it goes on after the approval");
    equal(&world.note.begun(), &(2, 0, 0), "what was done before the restart is not done again");
}

const HOLD_TWICE: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: first
  Action: ACS::Pause
- Name: second
  Action: ACS::Pause
";

pub(super) fn one_person_approves_before_and_after_a_restart<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let run = world.bed().run(HOLD_TWICE, Value::Null);
    for task in ["first", "second"] {
        let (bed, handle) = world.resume(run.id());
        let approver = handle.clone();
        let approved = bed.block_on(async move { approver.approve("ana", Some(task)).await });
        equal(&approved, &Ok(()), "a signal after a restart is not taken for one before it");
        drive(&bed, &handle);
    }
    equal(&world.finish(run.id()).status, &ExecutionStatus::Success, "both approvals count");
}

const A_MONTH: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: thirty
  Action: ACS::Sleep
  Properties: {Duration: P30D}
- Name: one
  Action: ACS::Sleep
  Properties: {Duration: P1D}
";

pub(super) fn thirty_one_days_end_to_the_second<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let mut bed = world.bed();
    let run = bed.start(A_MONTH, Value::Null);
    let (start, mut handle) = (run.started(), run.handle().clone());
    for pause in [days(15), hours(7), days(15)] {
        bed.run_for(pause);
        require(handle.finished().is_none(), "31 days are not over");
        (bed, handle) = world.resume(run.id());
    }
    drive(&bed, &handle);
    equal(&finished(&handle).status, &ExecutionStatus::Success, "31 days end");
    equal(&world.cloud.now().since(start), &days(31), "timers keep their instants over restarts");
}

pub(super) fn only_what_has_not_ended_is_taken_up<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let bed = world.bed();
    let held = bed.run(HOLD, Value::Null);
    let asleep = bed.start(A_MONTH, Value::Null);
    let done = bed.start(HOLD, Value::Null);
    bed.run_for(hours(1));
    bed.approve(&done, "hold", "ana");
    bed.run_for(hours(1));
    require(done.finished().is_some(), "an execution that was approved ends");
    let next = world.bed();
    let engine = next.engine().clone();
    let resumed = good(next.block_on(async move { engine.resume_all().await }), "unfinished executions can be found");
    let ids: Vec<_> = resumed.iter().filter(|(_, handle)| handle.is_ok()).map(|(id, _)| id.clone()).collect();
    equal(&ids, &vec![held.id().clone(), asleep.id().clone()], "what has not ended is taken up, oldest first");
}

pub(super) fn the_owner_that_lost_stops<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let bed = world.bed();
    let run = bed.run(HOLD, Value::Null);
    let now = world.cloud.now();
    let claim = |now, until| wait(world.store.claim(run.id(), &OwnerId("other".into()), now, until));
    let refused = matches!(claim(now, now + hours(1)), Err(StoreError::Fenced { .. }));
    require(refused, "an execution that is driven cannot be claimed by another engine");
    let later = now + days(365);
    good(claim(later, later + hours(1)), "an execution whose owner gave no sign of life can be claimed");
    let answer = bed.try_signal(&run, "ana", SignalTarget::default(), SignalKind::Approve { note: None });
    require(answer.is_err(), "an engine that lost an execution takes no signals for it");
    bed.run_to_end();
    let end = run.handle().finished();
    require(matches!(end, Some(Err(StoreError::Fenced { .. }))), "an engine that lost an execution stops and says why");
    equal(&world.note.begun(), &(1, 0, 0), "an engine that lost an execution does nothing more");
}
