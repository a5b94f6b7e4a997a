//! Cancel at every phase (template-language 5.5.4, machine.md 6).

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, TaskStatus},
    ports::control::Purpose,
};

use crate::support::{Bench, START, not_yet, template};

#[test]
fn work_is_stopped_and_has_a_grace() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do"]);
    bench.cancel();
    assert!(bench.open[0].stopped);
    assert_eq!((bench.timers[0].purpose, bench.timers[0].at.since(START).as_secs()), (Purpose::Grace, 10));
    assert_eq!(bench.status(), Running, "it has not reported yet");
    bench.report_stopped();
    assert_eq!((bench.status(), bench.statuses()), (Cancelled, vec![TaskStatus::Cancelled, TaskStatus::Pending]));
    assert!(bench.timers.is_empty());
}

#[test]
fn work_that_does_not_report_is_given_up_after_the_grace() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do"]);
    let open = bench.work("a");
    bench.cancel();
    bench.wake();
    assert_eq!(bench.status(), Cancelled);
    let late = Bench::result(&open, Value::Null);
    let input = oos_core::machine::InputKind::Outcome { path: open.path, key: open.key, result: late };
    assert!(bench.try_take(input).is_err(), "a late outcome changes nothing");
}

#[test]
fn what_waits_ends_at_once() {
    let tasks = [
        "Name: a, Action: ACS::Sleep, Properties: {Duration: PT1H}",
        "Name: a, Action: ACS::Pause",
        "Name: a, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hour, EndDate: '2027-01-01T00:00:00Z'}",
        "Name: a, Action: ACS::EventTrigger, Properties: {Product: ECS, Name: ['x'], Level: [INFO]}",
        "Name: a, Action: Acme::Do, Properties: {x: '{{ oos:name }}'}",
        "Name: a, Action: Acme::Do, When: {'Fn::Equals': ['{{ oos:name }}', 1]}",
        "Name: a, Action: ACS::Template, Properties: {TemplateName: {'Fn::Join': ['', [x]]}}",
    ];
    for task in tasks {
        let mut bench = Bench::tasks(&[task]);
        assert!(!bench.status().is_final(), "{task}: {}", bench.message());
        bench.cancel();
        assert_eq!((bench.status(), bench.task("a").status), (Cancelled, TaskStatus::Cancelled), "{task}");
        assert!(bench.timers.is_empty() && bench.rules.is_empty(), "{task}");
    }
}

#[test]
fn a_wait_for_the_next_attempt_ends_at_once() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Retries: 2"]);
    let open = bench.work("a");
    bench.answer(&open, not_yet("x"));
    bench.cancel();
    assert_eq!(bench.status(), Cancelled);
    assert!(bench.timers.is_empty());
}

#[test]
fn items_in_flight_are_stopped_and_the_rest_is_cancelled() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3, 4], RateControl: {Mode: Concurrency, Concurrency: 2}}",
    ]);
    bench.done_item("a", 1, Value::Null);
    bench.cancel();
    assert!(bench.open.iter().all(|o| o.stopped) && bench.open.len() == 2);
    bench.report_stopped();
    assert_eq!((bench.status(), bench.task("a").status), (Cancelled, TaskStatus::Cancelled));
    assert_eq!(bench.items("a")[&1], TaskStatus::Success);
    assert_eq!(bench.items("a")[&2], TaskStatus::Cancelled);
}

#[test]
fn on_cancel_runs_its_handler_and_a_second_cancel_stops_that() {
    let tasks = [
        "Name: a, Action: Acme::Do, OnCancel: clean",
        "Name: b, Action: Acme::Do",
        "Name: clean, Action: Acme::Do",
        "Name: more, Action: Acme::Do",
    ];
    let mut bench = Bench::tasks(&tasks);
    bench.cancel();
    bench.report_stopped();
    assert_eq!(bench.outstanding(), ["clean"]);
    bench.done("clean", Value::Null).done("more", Value::Null);
    assert_eq!((bench.status(), bench.order().join(" ")), (Cancelled, "a clean more".into()));
    let mut bench = Bench::tasks(&tasks);
    bench.cancel();
    bench.report_stopped();
    bench.cancel();
    bench.report_stopped();
    assert_eq!((bench.status(), bench.order().join(" ")), (Cancelled, "a clean".into()));
}

#[test]
fn a_second_cancel_during_the_grace_skips_the_handler() {
    let mut bench =
        Bench::tasks(&["Name: a, Action: Acme::Do, OnCancel: 'ACS::NEXT'", "Name: clean, Action: Acme::Do"]);
    bench.cancel();
    bench.cancel();
    bench.report_stopped();
    assert_eq!((bench.status(), bench.order().join(" ")), (Cancelled, "a".into()));
}

#[test]
fn a_handler_that_fails_leaves_the_run_cancelled() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, OnCancel: clean", "Name: clean, Action: Acme::Do"]);
    bench.cancel();
    bench.report_stopped();
    bench.fail("clean");
    assert_eq!(bench.status(), Cancelled);
}

const CHILD: [&str; 2] = ["Name: work, Action: Acme::Do, OnCancel: clean", "Name: clean, Action: Acme::Do"];

fn nested(task: &str) -> Bench {
    Bench::run_with(&template(&[task]), &[("Acme::Child", &template(&CHILD))], oos_core::machine::Started::default())
}

#[test]
fn children_are_cancelled_with_their_parent() {
    let mut bench = nested("Name: a, Action: Acme::Child");
    bench.cancel();
    bench.report_stopped();
    assert_eq!(bench.outstanding(), ["clean"], "the child's handler runs");
    bench.done("clean", Value::Null);
    assert_eq!((bench.status(), bench.task("a").status), (Cancelled, TaskStatus::Cancelled));
}

#[test]
fn a_second_cancel_goes_down_to_children_too() {
    let mut bench =
        nested("Name: a, Action: Acme::Child, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}");
    bench.cancel();
    bench.report_stopped();
    assert_eq!(bench.outstanding(), ["clean", "clean"]);
    bench.cancel();
    bench.report_stopped();
    assert_eq!(bench.status(), Cancelled);
    assert!(bench.open.is_empty(), "{:?}", bench.outstanding());
}
