//! Signals that reach a whole tree.

use oos_core::{
    machine::{ExecutionStatus, SignalKind},
    ports::control::WaitingFor,
};
use oos_testkit::prelude::*;

use crate::support::{World, nothing, reports, send, template};

#[test]
fn a_pause_reaches_children_and_items_and_a_resume_lets_them_go() {
    let world = World::new();
    let bed = world.bed();
    let each = "Name: each, Action: ACS::Loop, Properties: {LoopItems: [1, 2, 3], LoopRateControl: {Mode: Concurrency, Concurrency: 2}, LoopTasks: [{Name: doze, Action: ACS::Sleep, Properties: {Duration: PT1M}}, {Name: work, Action: Acme::Do}]}";
    let run = bed.start(&template("", &[each]), nothing());
    bed.run_for(secs(10));
    send(&bed, run.handle(), SignalKind::Pause).unwrap();
    assert!(send(&bed, run.handle(), SignalKind::Pause).is_err(), "it is paused already");
    bed.run_for(mins(10));
    assert_eq!(world.action.calls(), 0, "no task starts in any child");
    let all = reports(&bed, run.handle());
    assert_eq!(all.len(), 3, "root and two items");
    for report in &all {
        assert_eq!((report.status, report.waiting_for), (ExecutionStatus::Waiting, Some(WaitingFor::Pause)));
    }
    send(&bed, run.handle(), SignalKind::Resume).unwrap();
    assert!(send(&bed, run.handle(), SignalKind::Resume).is_err(), "nothing is paused any more");
    bed.run_to_end();
    run.expect_success();
    assert_eq!(world.action.calls(), 3);
}

#[test]
fn a_firing_that_begins_in_a_paused_trigger_waits_too() {
    let world = World::new();
    let bed = world.bed();
    let tick = "Name: tick, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hours, EndDate: '2026-01-06T10:00:00Z'}";
    let run = bed.start(&template("", &[tick, "Name: work, Action: Acme::Do"]), nothing());
    bed.run_for(mins(30));
    send(&bed, run.handle(), SignalKind::Pause).unwrap();
    bed.run_for(mins(40));
    assert_eq!(world.action.calls(), 0);
    send(&bed, run.handle(), SignalKind::Resume).unwrap();
    bed.run_for(mins(1));
    assert_eq!(world.action.calls(), 1);
}
