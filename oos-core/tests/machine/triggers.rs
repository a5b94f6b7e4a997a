//! Triggers (actions.md 17): firing, overlap, end date, new parameters, by hand.

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, SignalKind, Started, StepResult},
    params,
    ports::{
        ActionError,
        control::{Purpose, WaitingFor},
        event::EventKind,
    },
};

use crate::support::{Bench, START, template_with};

fn timer(end: &str) -> Bench {
    let text = template_with(
        "Parameters: {x: {Type: Number, Default: 1}}\nOutputs: {v: {Type: Json, Value: {'Fn::Jq': [First, 'if . == null then (\"none\" | error) else . end', '{{ work.v }}']}}}",
        &[
            &format!(
                "Name: tick, Action: ACS::TimerTrigger, Properties: {{Type: rate, Expression: 1 hour, EndDate: '{end}'}}"
            ),
            "Name: work, Action: Acme::Do, Properties: {x: '{{ x }}'}, Outputs: {v: {Type: List, ValueSelector: v}}",
        ],
    );
    Bench::run_with(&text, &[], Started::default())
}

fn trigger(bench: &Bench, field: &str) -> Value {
    bench.tree.root().unwrap().trigger().at(&[field]).clone()
}

#[test]
fn a_timer_fires_a_child_of_the_second_task_and_waits_again() {
    let mut bench = timer("2027-01-01T00:00:00Z");
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::Timer)));
    assert_eq!(trigger(&bench, "NextScheduleTime"), Value::from("2026-01-01T01:00:00Z"));
    bench.wake();
    assert_eq!(bench.status(), Running);
    assert_eq!(bench.below()[0].id.as_str(), "exec-00112233445566aa.0001.0001");
    bench.done("work", params! { "v" => 3 });
    assert_eq!(bench.status(), Waiting);
    assert_eq!(trigger(&bench, "LastTriggerStatus"), Value::from("Success"));
    bench.wake();
    assert_eq!(bench.below()[0].id.as_str(), "exec-00112233445566aa.0001.0002");
    bench.fail("work");
    assert_eq!(bench.status(), Waiting, "a failed child does not fail the parent");
    assert_eq!(trigger(&bench, "LastTriggerStatus"), Value::from("Failed"));
}

#[test]
fn the_child_of_a_firing_has_a_record_of_the_trigger_task() {
    let mut bench = timer("2027-01-01T00:00:00Z");
    bench.wake();
    let child = bench.below()[0].clone();
    let tick = &child.tasks[0];
    assert_eq!((tick.name.as_str(), tick.status.as_str()), ("tick", "Success"));
    let told: Vec<_> = bench
        .events
        .iter()
        .filter(|(id, kind)| *id == child.id && format!("{kind:?}").contains("tick"))
        .map(|(_, kind)| kind)
        .collect();
    let [_, EventKind::StepStarted { .. }, EventKind::StepEnded { status, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(status.as_str(), "Success");
}

#[test]
fn at_the_end_date_the_parent_ends_well() {
    let mut bench = timer("2026-01-01T01:30:00Z");
    bench.wake();
    bench.done("work", params! { "v" => 3 });
    assert_eq!(bench.wake().purpose, Purpose::EndDate);
    assert_eq!((bench.status(), bench.message()), (Success, String::new()), "outputs that need a firing are null");
    assert!(bench.timers.is_empty());
}

#[test]
fn ticks_during_a_child_are_skipped() {
    let mut bench = timer("2027-01-01T00:00:00Z");
    bench.wake();
    assert!(bench.timers.iter().all(|t| t.purpose != Purpose::Firing), "{:?}", bench.timers);
    bench.now = START.plus_seconds(3 * 3_600 + 60);
    bench.done("work", params! {});
    assert_eq!(bench.status(), Waiting);
    assert_eq!(trigger(&bench, "NextScheduleTime"), Value::from("2026-01-01T04:00:00Z"));
}

#[test]
fn new_parameters_go_to_the_next_firing() {
    let mut bench = timer("2027-01-01T00:00:00Z");
    bench.signal(SignalKind::UpdateParameters { parameters: params! { "x" => 7 } }).unwrap();
    assert_eq!(
        bench.signal(SignalKind::UpdateParameters { parameters: params! { "y" => 7 } }),
        Err("InvalidParameter")
    );
    bench.wake();
    assert_eq!(bench.work("work").properties, params! { "x" => 7 });
}

#[test]
fn a_trigger_may_be_fired_by_hand() {
    let mut bench = timer("2027-01-01T00:00:00Z");
    bench.signal(SignalKind::Trigger { message: params! {} }).unwrap();
    assert_eq!(bench.outstanding(), ["work"]);
}

#[test]
fn outputs_of_a_trigger_may_have_selectors_with_references() {
    let text = template_with(
        "Parameters: {key: {Type: String, Default: state}}",
        &[
            "Name: on, Action: ACS::EventTrigger, Properties: {Product: ECS, Name: [x]}, Outputs: {named: {Type: String, ValueSelector: '.content.{{ key }}'}, id: {Type: String, ValueSelector: '.content.resourceId'}}",
            "Name: work, Action: Acme::Do, Properties: {named: '{{ on.named }}', id: '{{ on.id }}'}",
        ],
    );
    let mut bench = Bench::run_with(&text, &[], Started::default());
    bench.fire(params! { "content" => params! { "state" => "Stopped", "resourceId" => "i-1" } });
    assert_eq!(bench.work("work").properties, params! { "named" => "Stopped", "id" => "i-1" });
}

#[test]
fn a_message_that_the_outputs_cannot_be_read_from_fails_the_firing() {
    let on = "Name: on, Action: ACS::EventTrigger, Properties: {Product: ECS, Name: [x]}, Outputs: {n: {Type: Number, ValueSelector: '.content | error'}}";
    let mut bench = Bench::run_with(&template_with("", &[on, "Name: work, Action: Acme::Do"]), &[], Started::default());
    bench.fire(params! { "content" => "no" });
    assert_eq!(bench.status(), Waiting);
    assert_eq!(trigger(&bench, "LastTriggerStatus"), Value::from("Failed"));
    assert!(bench.events.iter().any(|(_, kind)| matches!(kind, EventKind::StepEnded { key, status, .. } if key.task.as_str() == "on" && status.as_str() == "Failed")));
}

fn event() -> Bench {
    let text = template_with(
        "",
        &[
            "Name: on, Action: ACS::EventTrigger, Properties: {Product: ECS, Name: ['Instance:StateChange'], Level: [INFO]}, Outputs: {id: {Type: String, ValueSelector: .content.instanceId}}",
            "Name: work, Action: Acme::Do, Properties: {id: '{{ on.id }}'}",
        ],
    );
    Bench::run(&text)
}

fn message(id: &str) -> Value {
    let content = params! { "instanceId" => id, "resourceId" => id };
    params! { "product" => "ECS", "name" => "Instance:StateChange", "level" => "INFO", "content" => content }
}

#[test]
fn events_that_come_during_a_child_are_queued_and_run_one_by_one() {
    let mut bench = event();
    assert_eq!((bench.status(), bench.rules.len()), (Waiting, 1));
    for id in ["i-1", "i-2", "i-3"] {
        bench.fire(message(id));
    }
    for id in ["i-1", "i-2", "i-3"] {
        assert_eq!(bench.work("work").properties, params! { "id" => id });
        bench.done("work", Value::Null);
    }
    assert_eq!((bench.status(), bench.rules.len()), (Waiting, 1), "it listens on");
}

#[test]
fn a_cancel_ends_parent_and_child() {
    let mut bench = event();
    bench.fire(message("i-1"));
    bench.cancel();
    bench.report_stopped();
    assert_eq!(bench.status(), Cancelled);
    assert!(bench.rules.is_empty() && bench.below().is_empty());
}

#[test]
fn a_subscription_that_fails_fails_the_run() {
    let mut bench = event();
    let (path, key, _) = bench.rules[0].clone();
    let result = StepResult::Failed(ActionError::unsupported("TriggerUnsupported", "no source of events"));
    bench.take(oos_core::machine::InputKind::Outcome { path, key, result });
    assert_eq!((bench.status(), bench.message()), (Failed, "TriggerUnsupported: no source of events".to_owned()));
}
