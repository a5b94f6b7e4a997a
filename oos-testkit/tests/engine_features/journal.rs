//! The journal: starts are durable, snapshots change nothing but its length.

use oos_core::{engine::MemoryStore, machine::ExecutionStatus, params};
use oos_testkit::prelude::*;

use crate::support::{World, named, nothing, resume, template};

const STEPS: &str = "Properties: {of: '{{ ACS::TaskLoopItem }}'}, Outputs: {of: {Type: String, ValueSelector: .of}}, Loop: {Items: [a, b, c, d], RateControl: {Mode: Concurrency, Concurrency: 2}, Outputs: {all: {AggregateType: 'Fn::ListJoin', AggregateField: of}}}";

fn long() -> String {
    let many = format!("Name: many, Action: Acme::Do, {STEPS}");
    let inner = "Name: each, Action: ACS::Loop, Properties: {LoopItems: [x, y], LoopRateControl: {Mode: Concurrency, Concurrency: 2}, LoopTasks: [{Name: in, Action: Acme::Do, Properties: {of: '{{ ACS::TaskLoopItem }}'}, Outputs: {o: {Type: String, ValueSelector: .of}}}, {Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1M}}]}, Outputs: {o: {Type: String, ValueSelector: '{{ in.o }}'}}";
    let outputs = "Outputs: {all: {Type: List, Value: '{{ many.all }}'}, os: {Type: List, Value: '{{ each.o }}'}}";
    template(outputs, &[&many, inner, "Name: last, Action: ACS::Sleep, Properties: {Duration: PT1H}"])
}

#[test]
fn a_start_is_durable_when_it_returns_and_an_error_when_it_is_not() {
    let world = World::new();
    let bed = world.bed_over(world.faulty().crash_after(1));
    let run = bed.start(&template("", &["Name: a, Action: Acme::Do"]), nothing());
    assert_eq!(world.journal(run.id()).records.len(), 1, "the start is the one write that the store took");
    world.action.calls();

    let bed = world.bed_over(world.faulty().fail_append(1));
    let error = bed.try_start(&template("", &["Name: a, Action: Acme::Do"]), nothing(), named("exec-lost"));
    assert!(error.unwrap_err().contains("does not answer"), "the caller is told");
    bed.run_to_end();
    assert_eq!(world.action.calls(), 0);
}

#[test]
fn a_run_that_crashes_beside_its_snapshots_ends_as_if_it_had_not() {
    let expected = {
        let world = World::new();
        let run = world.bed().run(&long(), nothing());
        run.expect_success();
        run.handle().finished().unwrap().unwrap()
    };
    assert_eq!(expected.outputs, params! { "all" => ["a", "b", "c", "d"], "os" => ["x", "y"] });
    for every in [1, 2, 3, 5] {
        let mut crashes = 0;
        for n in 1.. {
            let world = World::new();
            let store = world.faulty().crash_after(n);
            let bed = world.bed_over(store.clone()).configure(move |engine| engine.snapshot_every(every));
            let run = bed.start_with(&long(), nothing(), named("exec-snap"));
            bed.run_to_end();
            if !store.is_down() {
                break;
            }
            crashes += 1;
            let journal = world.journal(run.id());
            assert!(journal.records.len() as u64 <= every, "every {every} after {n}: {}", journal.records.len());
            let other = world.bed();
            let handle = resume(&other, run.id());
            other.run_to_end();
            assert_eq!(handle.finished().unwrap().unwrap(), expected, "every {every}, crash after write {n}");
        }
        assert!(crashes >= 5, "{crashes}");
    }
}

#[test]
fn a_store_that_keeps_history_still_has_every_record() {
    let world = World::over(MemoryStore::new().keeping_history());
    let bed = world.bed().configure(|engine| engine.snapshot_every(2));
    let run = bed.run(&long(), nothing());
    run.expect_success();
    let whole =
        futures::FutureExt::now_or_never(oos_core::ports::store::ExecutionStore::history(&*world.store, run.id()));
    let whole = whole.unwrap().unwrap();
    assert!(whole.snapshot.is_none());
    assert_eq!(whole.records[0].seq, 1);
    assert!(world.journal(run.id()).records.len() < whole.records.len(), "loading starts at the snapshot");
}

#[test]
fn events_that_a_crash_kept_from_observers_are_told_again() {
    use std::collections::BTreeSet;
    let told = |bed: &TestBed| -> BTreeSet<u64> { bed.events().all().iter().map(|e| e.number).collect() };
    for every in [1, 2, 1_000] {
        for n in 2.. {
            let world = World::new();
            // The write is kept, its answer is lost: nobody has seen the events of that turn.
            let store = world.faulty().crash_in(n);
            let bed = world.bed_over(store.clone()).configure(move |engine| engine.snapshot_every(every));
            let run = bed.start_with(&long(), nothing(), named("exec-told"));
            bed.run_to_end();
            if !store.is_down() {
                break;
            }
            let other = world.bed();
            if other
                .block_on({
                    let (engine, id) = (other.engine().clone(), run.id().clone());
                    async move { engine.resume(&id).await }
                })
                .is_ok()
            {
                other.run_to_end();
            }
            let mut all = told(&bed);
            all.extend(told(&other));
            all.remove(&0);
            let last = *all.last().unwrap();
            assert_eq!(all.len() as u64, last, "every {every}, crash in write {n}: {all:?}");
        }
    }
}

#[test]
fn tasks_of_old_firings_can_be_asked_for() {
    let world = World::new();
    let bed = world.bed();
    let tick = "Name: tick, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hours, EndDate: '2027-01-05T10:00:00Z'}";
    let work = "Name: work, Action: Acme::Do, Properties: {of: a}, Outputs: {of: {Type: String, ValueSelector: .of}}";
    let below =
        "Name: below, Action: ACS::Loop, Properties: {LoopItems: [x], LoopTasks: [{Name: in, Action: Acme::Do}]}";
    let run = bed.start(&template("", &[tick, work, below]), nothing());
    bed.run_for(hours(10));
    assert!(world.journal(run.id()).records.len() <= 2, "their records are gone");
    let child = oos_core::ExecutionId::new(format!("{}.0001.0003", run.id()));
    let report = |bed: &TestBed| {
        let (engine, child) = (bed.engine().clone(), child.clone());
        bed.block_on(async move { engine.report(&child).await }).unwrap().unwrap()
    };
    let found = report(&bed);
    assert_eq!((found.status, &found.id), (ExecutionStatus::Success, &child));
    let tasks: Vec<_> = found.tasks.iter().map(|t| (t.name.as_str(), t.status.as_str())).collect();
    assert_eq!(tasks, [("tick", "Success"), ("work", "Success"), ("below", "Success")]);
    assert_eq!(found.tasks[1].outputs, params! { "of" => "a" });
    assert_eq!(report(&world.bed()), found, "also after a restart");
}

#[test]
fn the_journal_of_a_trigger_does_not_grow_with_its_firings() {
    let world = World::new();
    let bed = world.bed();
    let tick = "Name: tick, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hours, EndDate: '2027-01-05T10:00:00Z'}";
    let run = bed.start(&template("", &[tick, "Name: work, Action: Acme::Do"]), nothing());
    bed.run_for(hours(10));
    let early = world.journal(run.id());
    bed.run_for(hours(200));
    let late = world.journal(run.id());
    assert_eq!(world.action.calls(), 210);
    assert!(late.records.len() <= 2 && early.records.len() <= 2, "{} and {}", early.records.len(), late.records.len());
    let size = |journal: &oos_core::ports::store::Journal| journal.snapshot.as_ref().unwrap().bytes.len();
    assert!(size(&late) < size(&early) + 200, "{} then {}", size(&early), size(&late));

    let other = world.bed();
    let handle = resume(&other, run.id());
    other.run_for(hours(5));
    assert_eq!(world.action.calls(), 5, "another process goes on at the recorded instants");
    assert!(handle.finished().is_none());
    assert_eq!(crate::support::reports(&other, &handle)[0].status, ExecutionStatus::Waiting);
}
