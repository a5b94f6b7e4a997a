//! Crashes at every write, before and after the effects that follow it.

use oos_core::{
    Value,
    engine::{Finished, StartOptions},
    machine::ExecutionStatus,
    params,
    ports::store::{ExecutionStore, StoreError},
};

use super::{
    super::{
        super::{equal, good, require},
        Store,
    },
    World, ended,
};
use crate::{FaultyStore, InPlace, in_place::wait};

/// Work, a sleep, a loop and a child, in a row.
const EVERYTHING: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: first
  Action: Conformance::Note
  Properties: {value: a, seconds: 10}
  Outputs: {seen: {Type: String, ValueSelector: .value}}
- Name: nap
  Action: ACS::Sleep
  Properties: {Duration: PT1H}
- Name: many
  Action: Conformance::Note
  Properties: {value: '{{ ACS::TaskLoopItem }}', seconds: 5}
  Outputs: {seen: {Type: String, ValueSelector: .value}}
  Loop:
    Items: [b, c, d]
    RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}
    Outputs: {all: {AggregateType: 'Fn::ListJoin', AggregateField: seen}}
- Name: child
  Action: ACS::Template
  Properties:
    TemplateContent:
      FormatVersion: OOS-2019-06-01
      Tasks:
      - Name: inner
        Action: Conformance::Note
        Properties: {value: e, seconds: 3}
        Outputs: {seen: {Type: String, ValueSelector: .value}}
      Outputs: {seen: {Type: String, Value: '{{ inner.seen }}'}}
  Outputs: {seen: {Type: String, ValueSelector: .seen}}
Outputs:
  first: {Type: String, Value: '{{ first.seen }}'}
  many: {Type: List, Value: '{{ many.all }}'}
  child: {Type: String, Value: '{{ child.seen }}'}
";
/// Attempts of [`EVERYTHING`].
const ATTEMPTS: usize = 5;
/// Attempts that may be under way at once in it.
const AT_ONCE: usize = 2;

fn named(id: &str) -> StartOptions {
    StartOptions { id: Some(id.into()), ..StartOptions::default() }
}

type Faulty<S> = FaultyStore<InPlace<S>>;

pub(super) fn any_crash_ends_as_no_crash<S: Store>(make: &dyn Fn() -> S) {
    for snapshots in [u64::MAX, 2] {
        any_crash(make, snapshots);
    }
}

fn any_crash<S: Store>(make: &dyn Fn() -> S, snapshots: u64) {
    let world = World::new(make);
    let run = world.bed().run(EVERYTHING, Value::Null);
    let expected = ended(&run, ExecutionStatus::Success);
    equal(&world.note.begun(), &(ATTEMPTS, 0, 0), "without a crash every step runs once");
    let mut n = 1;
    while crashes_in_the_middle(make, snapshots, &expected, |store| store.crash_after(n)) {
        let crashed = crashes_in_the_middle(make, snapshots, &expected, |store| store.crash_in(n));
        require(crashed, "runs are alike");
        n += 1;
    }
    require(n > ATTEMPTS as u64, "every step is written before it counts");
}

/// One crash and the run after it; false when the execution ended before it came.
fn crashes_in_the_middle<S: Store>(
    make: &dyn Fn() -> S,
    snapshots: u64,
    expected: &Finished,
    crash: impl FnOnce(Faulty<S>) -> Faulty<S>,
) -> bool {
    let world = World { snapshots, ..World::new(make) };
    let store = crash(world.faulty());
    let bed = world.bed_over(store.clone());
    let run = bed.try_start(EVERYTHING, Value::Null, named("exec-middle"));
    bed.run_to_end();
    if !store.is_down() {
        return false;
    }
    // A start whose write was not answered is an error of the start.
    if let Ok(run) = &run {
        let stopped = run.handle().finished();
        require(matches!(stopped, Some(Err(StoreError::Unavailable(_)))), "an engine without its journal stops");
    }
    equal(&world.finish(&"exec-middle".into()), expected, "a run with a crash ends as one without");
    let (begun, again, untold) = world.note.begun();
    equal(&(begun - again), &ATTEMPTS, "a step that runs again has its old token");
    require(again <= AT_ONCE, "only steps that were under way run again");
    equal(&untold, &0, "a step that runs again is told so");
    let rows = world.rows(&"exec-middle".into());
    let good_ones = rows.iter().filter(|r| r.status == ExecutionStatus::Success && r.end.is_some()).count();
    equal(&(rows.len(), good_ones), &(2, 2), "the rows of root and child say how it ended");
    true
}

pub(super) fn a_refused_append_stops_the_engine_before_it_acts<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let bed = world.bed_over(world.faulty().fail_append(1));
    let run = bed.try_start(EVERYTHING, Value::Null, named("exec-refused"));
    bed.run_to_end();
    require(run.is_err(), "a start whose write is refused is no start");
    equal(&world.note.begun(), &(0, 0, 0), "nothing is done before it is written");
    let journal = good(wait(world.store.load(&"exec-refused".into())), "a journal can be loaded");
    require(journal.records.is_empty(), "a refused write is not kept");
    let bed = world.bed_over(world.faulty().fail_append(2));
    let run = bed.start(EVERYTHING, Value::Null);
    bed.run_to_end();
    require(matches!(run.handle().finished(), Some(Err(_))), "an engine whose write is refused stops");
    equal(&world.note.begun(), &(1, 0, 0), "nothing is done before it is written");
}

pub(super) fn a_start_that_died_before_its_first_write_can_be_made_again<S: Store>(make: &dyn Fn() -> S) {
    let world = World::new(make);
    let options = || named("exec-again");
    let bed = world.bed_over(world.faulty().fail_append(1));
    require(bed.try_start(EVERYTHING, Value::Null, options()).is_err(), "a start whose write is refused is no start");
    let bed = world.bed();
    let engine = bed.engine().clone();
    let taken_up = bed.block_on(async move { engine.resume(&"exec-again".into()).await.is_ok() });
    require(!taken_up, "an execution without a record cannot be taken up");
    let run = bed.start_with(EVERYTHING, Value::Null, options());
    bed.run_to_end();
    ended(&run, ExecutionStatus::Success);
    let again = bed.try_start(EVERYTHING, Value::Null, options());
    require(again.is_err(), "an execution that has begun is started once");
}

const LOOP: &str = "
FormatVersion: OOS-2019-06-01
Parameters: {items: {Type: List}}
Tasks:
- Name: many
  Action: Conformance::Note
  Properties: {value: '{{ ACS::TaskLoopItem }}', seconds: 1}
  Outputs: {seen: {Type: String, ValueSelector: .value}}
  Loop:
    Items: '{{ items }}'
    RateControl: {Mode: Concurrency, Concurrency: 20, MaxErrors: 0}
    Outputs: {all: {AggregateType: 'Fn::ListJoin', AggregateField: seen}}
Outputs:
  all: {Type: List, Value: '{{ many.all }}'}
";

pub(super) fn a_thousand_items_survive_a_crash<S: Store>(make: &dyn Fn() -> S) {
    const WINDOW: usize = 20;
    let items: Value = (0..1_000).map(|n| Value::from(format!("item-{n}"))).collect();
    let parameters = params! { "items" => items.clone() };

    let world = World::new(make);
    let run = world.bed().run(LOOP, parameters.clone());
    let all = ended(&run, ExecutionStatus::Success).outputs;
    equal(&all, &params! { "all" => items.clone() }, "1,000 items come back in order");
    equal(&world.note.most_at_once(), &WINDOW, "a window of 20 is used and kept");

    let world = World::new(make);
    let store = world.faulty().crash_after(30);
    let bed = world.bed_over(store.clone());
    let run = bed.start(LOOP, parameters);
    bed.run_to_end();
    require(store.is_down(), "the crash comes in the middle of the loop");
    equal(&world.finish(run.id()).outputs, &params! { "all" => items }, "1,000 items come back after a crash");
    let (begun, again, untold) = world.note.begun();
    equal(&(begun - again, untold), &(1_000, 0), "every item runs under one token");
    require(again <= WINDOW, "items whose outcome was written do not run again");
}
