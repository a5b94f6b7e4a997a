//! Two engines over one store: one drives, the other takes over when the first gives no sign of life, and never do both.

use std::time::Duration;

use oos_core::{Value, engine::EngineError, ports::store::StoreError};

use super::{
    super::{
        super::{equal, good, require},
        Store,
    },
    World, drive, finished,
};
use crate::clock::hours;

const STEPS: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: first
  Action: Conformance::Note
  Properties: {value: a, seconds: 10}
- Name: many
  Action: Conformance::Note
  Properties: {value: '{{ ACS::TaskLoopItem }}', seconds: 20}
  Loop: {Items: [b, c, d], RateControl: {Mode: Concurrency, Concurrency: 2}}
- Name: last
  Action: Conformance::Note
  Properties: {value: e, seconds: 10}
";
/// Attempts of [`STEPS`], and how many of them may be under way at once.
const ATTEMPTS: usize = 5;
const AT_ONCE: usize = 2;
/// Longer than any lease.
const SILENCE: Duration = hours(1);

pub(super) fn engines_take_over_and_never_drive_together<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let undisturbed = world.faulty();
    world.bed_over(undisturbed.clone()).run(STEPS, Value::Null);
    for appends in 1..undisturbed.appends() {
        taken_over_after(make, appends);
    }
}

/// Waits for somebody: nothing happens, and nothing is written.
const SILENT: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: hold
  Action: ACS::Pause
- Name: last
  Action: Conformance::Note
  Properties: {value: a, seconds: 1}
";

pub(super) fn a_living_engine_keeps_what_waits<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let first = world.bed();
    let run = first.start(SILENT, Value::Null);
    let second = world.bed().owned_by("other");
    let take_up = || {
        let (engine, id) = (second.engine().clone(), run.id().clone());
        second.block_on(async move { engine.resume(&id).await })
    };
    for _ in 0..5 {
        first.run_for(SILENCE);
        let fenced = matches!(take_up(), Err(EngineError::Store(StoreError::Fenced { .. })));
        require(fenced, "a living engine renews its claim on an execution that waits");
    }
    drop(first);
    world.cloud.clock().set(world.cloud.now() + SILENCE);
    let handle = good(take_up(), "what a dead engine left can be taken up");
    let approver = handle.clone();
    let approved = second.block_on(async move { approver.approve("ana", None).await });
    equal(&approved, &Ok(()), "an execution that was taken over can be approved");
    drive(&second, &handle);
    equal(&finished(&handle).status.as_str(), &"Success", "an execution that was taken over ends");
}

fn taken_over_after<S: Store>(make: &dyn Fn() -> S, appends: u64) {
    let world = World::new(make);
    let store = world.faulty();
    let first = world.bed_over(store.clone());
    let run = first.start(STEPS, Value::Null);
    first.run_until(|| store.appends() >= appends);

    let second = world.bed().owned_by("other");
    let take_up = || {
        let (engine, id) = (second.engine().clone(), run.id().clone());
        second.block_on(async move { engine.resume(&id).await })
    };
    let refused = take_up();
    let fenced = matches!(refused, Err(EngineError::Store(StoreError::Fenced { .. })));
    require(fenced, "an execution that one engine drives is not given to another");
    // The first engine hangs, for longer than its lease.
    world.cloud.clock().set(world.cloud.now() + SILENCE);
    let handle = match take_up() {
        Ok(handle) => handle,
        Err(error) => crate::calls::fail(&format!("broken: a silent engine can be taken over from\n  error: {error}")),
    };
    drive(&second, &handle);
    equal(&finished(&handle).status.as_str(), &"Success", "an execution that was taken over ends");
    let done = world.note.begun();
    // It wakes up, and must notice before it does anything.
    first.run_to_end();
    let end = run.handle().finished();
    require(
        matches!(end, Some(Err(StoreError::Fenced { .. }))),
        "an engine that was taken over from stops and says why",
    );
    equal(&world.note.begun(), &done, "an engine that was taken over from begins nothing");
    let (begun, again, untold) = done;
    equal(&(begun - again, untold), &(ATTEMPTS, 0), "every step runs under one token, and a repeat is told so");
    require(again <= AT_ONCE, "only steps that were under way run again");
}
