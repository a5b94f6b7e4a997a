//! `ACS::TimerTrigger`: expressions, end dates, missed instants, overlapping firings.

use std::time::Duration;

use oos_actions::trigger::{Missed, Overlap, TimerOptions, TimerTrigger};
use oos_core::{
    Value,
    machine::ExecutionStatus,
    params,
    ports::{
        ControlEvent, Decision,
        control::{ChildRequest, Purpose, Wait, WaitingFor},
    },
};

use crate::support::{Steps, at, ended, json};

const NEVER: &str = "2099-01-01T00:00:00Z";

fn timer(kind: &str, expression: &str, zone: &str, end: &str) -> Value {
    params! { "Type" => kind, "Expression" => expression, "TimeZone" => zone, "EndDate" => end }
}

fn working_days() -> Value {
    timer("cron", "0 30 8 ? * MON-FRI", "Asia/Shanghai", NEVER)
}

fn woke(scheduled: &str) -> ControlEvent {
    ControlEvent::Woke { purpose: Purpose::Firing, scheduled: at(scheduled) }
}

/// Timers of a wait, as texts.
fn waits(decision: Decision) -> Vec<(Purpose, String)> {
    match decision {
        Decision::Wait(Wait { timers, waiting_for: Some(WaitingFor::Timer), .. }) => {
            timers.into_iter().map(|(purpose, at)| (purpose, at.to_iso())).collect()
        }
        other => panic!("expected a wait for a timer, got {other:?}"),
    }
}

fn next(decision: Decision) -> String {
    let timers = waits(decision);
    assert_eq!(timers[0].0, Purpose::Firing);
    timers[0].1.clone()
}

/// The instant for which a firing begins.
fn fires(decision: Decision) -> String {
    match decision {
        Decision::RunChild(ChildRequest::Firing { message, scheduled }) => {
            assert_eq!(message.at(&["ScheduledTime"]).as_str(), scheduled.map(|at| at.to_iso()).as_deref());
            scheduled.unwrap().to_iso()
        }
        other => panic!("expected a firing, got {other:?}"),
    }
}

#[test]
fn a_week_of_working_days_in_shanghai() {
    // 2024-03-01 is a Friday; 08:30 in Shanghai is 00:30Z.
    let mut steps = Steps::of(TimerTrigger::default(), working_days());
    let mut due = next(steps.on(ControlEvent::Entered));
    let mut seen = Vec::new();
    for _ in 0..5 {
        assert_eq!(fires(steps.at(&due).on(woke(&due))), due);
        seen.push(due.clone());
        steps.now = steps.now + Duration::from_secs(120);
        // A failing firing does not end the trigger.
        due = next(steps.on(ended(ExecutionStatus::Failed)));
    }
    assert_eq!(
        seen,
        [
            "2024-03-01T00:30:00Z",
            "2024-03-04T00:30:00Z",
            "2024-03-05T00:30:00Z",
            "2024-03-06T00:30:00Z",
            "2024-03-07T00:30:00Z"
        ]
    );
}

#[test]
fn a_rate_does_not_drift_and_skips_what_a_firing_covers() {
    let mut steps = Steps::of(TimerTrigger::default(), timer("rate", "30 minutes", "", NEVER));
    assert_eq!(next(steps.on(ControlEvent::Entered)), "2024-03-01T00:30:00Z");
    assert_eq!(fires(steps.at("2024-03-01T00:30:00Z").on(woke("2024-03-01T00:30:00Z"))), "2024-03-01T00:30:00Z");
    // It ran for 70 minutes: 01:00 and 01:30 are skipped, the grid stays.
    assert_eq!(next(steps.at("2024-03-01T01:40:00Z").on(ended(ExecutionStatus::Success))), "2024-03-01T02:00:00Z");
}

#[test]
fn ticks_during_a_firing_may_queue() {
    let queueing =
        TimerTrigger::new(TimerOptions { overlap: Overlap::Queue, missed: Missed::All, ..TimerOptions::default() });
    let mut steps = Steps::of(queueing, timer("rate", "30 minutes", "", NEVER));
    steps.on(ControlEvent::Entered);
    fires(steps.at("2024-03-01T00:30:00Z").on(woke("2024-03-01T00:30:00Z")));
    assert_eq!(next(steps.at("2024-03-01T01:40:00Z").on(ended(ExecutionStatus::Success))), "2024-03-01T01:00:00Z");
    assert_eq!(fires(steps.on(woke("2024-03-01T01:00:00Z"))), "2024-03-01T01:00:00Z");
}

#[test]
fn a_rate_may_fire_at_once() {
    let eager = TimerTrigger::new(TimerOptions { rate_fires_at_once: true, ..TimerOptions::default() });
    let mut steps = Steps::of(eager, timer("rate", "1 hour", "", NEVER));
    assert_eq!(next(steps.on(ControlEvent::Entered)), "2024-03-01T00:00:00Z");
    fires(steps.on(woke("2024-03-01T00:00:00Z")));
    assert_eq!(next(steps.on(ended(ExecutionStatus::Success))), "2024-03-01T01:00:00Z");
}

#[test]
fn the_end_date_ends_the_trigger_with_success() {
    let mut steps = Steps::of(TimerTrigger::default(), timer("cron", "0 0 12 ? * *", "UTC", "2024-03-02"));
    let expected = vec![
        (Purpose::Firing, "2024-03-01T12:00:00Z".to_owned()),
        (Purpose::EndDate, "2024-03-02T00:00:00Z".to_owned()),
    ];
    assert_eq!(waits(steps.on(ControlEvent::Entered)), expected);
    fires(steps.at("2024-03-01T12:00:00Z").on(woke("2024-03-01T12:00:00Z")));
    // The next instant lies behind the end date: only the end is waited for.
    let rest = waits(steps.at("2024-03-01T12:05:00Z").on(ended(ExecutionStatus::Success)));
    assert_eq!(rest, [(Purpose::EndDate, "2024-03-02T00:00:00Z".to_owned())]);
    let end = ControlEvent::Woke { purpose: Purpose::EndDate, scheduled: at("2024-03-02T00:00:00Z") };
    assert_eq!(steps.at("2024-03-02T00:00:00Z").on(end), Decision::Done(Value::empty_map()));
}

#[test]
fn the_last_firing_ends_before_the_trigger_does() {
    let mut steps = Steps::of(TimerTrigger::default(), timer("cron", "0 0 23 ? * *", "UTC", "2024-03-02"));
    steps.on(ControlEvent::Entered);
    fires(steps.at("2024-03-01T23:00:00Z").on(woke("2024-03-01T23:00:00Z")));
    let end = ControlEvent::Woke { purpose: Purpose::EndDate, scheduled: at("2024-03-02T00:00:00Z") };
    assert_eq!(steps.at("2024-03-02T00:00:00Z").on(end), Decision::Wait(Wait::default()));
    assert_eq!(steps.at("2024-03-02T01:00:00Z").on(ended(ExecutionStatus::Failed)), Decision::Done(Value::empty_map()));
}

#[test]
fn one_instant_fires_once_and_ends() {
    let mut steps = Steps::of(TimerTrigger::default(), timer("at", "2024-03-01T09:00:00", "Asia/Shanghai", NEVER));
    assert_eq!(next(steps.on(ControlEvent::Entered)), "2024-03-01T01:00:00Z");
    fires(steps.at("2024-03-01T01:00:00Z").on(woke("2024-03-01T01:00:00Z")));
    assert_eq!(
        steps.at("2024-03-01T01:09:00Z").on(ended(ExecutionStatus::Success)),
        Decision::Done(Value::empty_map())
    );
}

#[test]
fn one_instant_that_was_missed_fails() {
    let once = || timer("at", "2024-03-01T01:00:00Z", "", NEVER);
    let mut steps = Steps::of(TimerTrigger::default(), once());
    steps.on(ControlEvent::Entered);
    assert_eq!(fires(steps.at("2024-03-01T01:09:59Z").on(woke("2024-03-01T01:00:00Z"))), "2024-03-01T01:00:00Z");
    let mut steps = Steps::of(TimerTrigger::default(), once());
    steps.on(ControlEvent::Entered);
    let Decision::Fail(failure) = steps.at("2024-03-01T01:10:01Z").on(woke("2024-03-01T01:00:00Z")) else {
        panic!("it fails")
    };
    assert_eq!(failure.to_string(), "TriggerMissed: the instant 2024-03-01T01:00:00Z passed while nobody could fire");
}

#[test]
fn of_missed_instants_the_newest_fires_when_it_is_fresh() {
    let every_half_hour = || timer("rate", "30 minutes", "", NEVER);
    let resumed = |missed: Missed, now: &str| {
        let mut steps =
            Steps::of(TimerTrigger::new(TimerOptions { missed, ..TimerOptions::default() }), every_half_hour());
        steps.on(ControlEvent::Entered);
        steps.at(now).on(woke("2024-03-01T00:30:00Z"))
    };
    // The host was down from 00:10 to 05:05: 05:00 fires, the others do not.
    assert_eq!(fires(resumed(Missed::Latest, "2024-03-01T05:05:00Z")), "2024-03-01T05:00:00Z");
    // At 05:15 the newest is too old.
    assert_eq!(next(resumed(Missed::Latest, "2024-03-01T05:15:00Z")), "2024-03-01T05:30:00Z");
    assert_eq!(next(resumed(Missed::Skip, "2024-03-01T05:05:00Z")), "2024-03-01T05:30:00Z");
    assert_eq!(fires(resumed(Missed::Skip, "2024-03-01T00:30:02Z")), "2024-03-01T00:30:00Z");
    assert_eq!(fires(resumed(Missed::All, "2024-03-01T05:05:00Z")), "2024-03-01T00:30:00Z");
}

#[test]
fn every_missed_instant_fires_when_all_are_wanted() {
    let all = TimerTrigger::new(TimerOptions { missed: Missed::All, ..TimerOptions::default() });
    let mut steps = Steps::of(all, timer("rate", "30 minutes", "", NEVER));
    steps.on(ControlEvent::Entered);
    steps.at("2024-03-01T01:45:00Z");
    for due in ["2024-03-01T00:30:00Z", "2024-03-01T01:00:00Z", "2024-03-01T01:30:00Z"] {
        assert_eq!(fires(steps.on(woke(due))), due);
        steps.on(ended(ExecutionStatus::Success));
    }
    assert_eq!(next(steps.on(ControlEvent::Notified(Ok(Value::Null)))), "2024-03-01T02:00:00Z");
}

#[test]
fn firing_by_hand_is_a_firing() {
    let mut steps = Steps::of(TimerTrigger::default(), working_days());
    steps.on(ControlEvent::Entered);
    let by_hand = steps.on(ControlEvent::Fired(params! { "why" => "test" }));
    assert_eq!(
        by_hand,
        Decision::RunChild(ChildRequest::Firing { message: params! { "why" => "test" }, scheduled: None })
    );
    assert_eq!(steps.on(ControlEvent::Fired(Value::Null)), Decision::Wait(Wait::default()), "not while one runs");
    next(steps.on(ended(ExecutionStatus::Success)));
    let Decision::RunChild(ChildRequest::Firing { message, .. }) = steps.on(ControlEvent::Fired(Value::Null)) else {
        panic!("it fires")
    };
    assert_eq!(message, json(r#"{"ScheduledTime":"2024-03-01T00:00:00Z","FireTime":"2024-03-01T00:00:00Z"}"#));
}

#[test]
fn a_timer_that_cannot_fire_is_refused() {
    let refusal = |properties: Value| Steps::of(TimerTrigger::default(), properties).refusal();
    assert_eq!(refusal(timer("daily", "x", "", NEVER)), "InvalidExpression: `daily` is none of rate, cron, at");
    assert_eq!(
        refusal(timer("rate", "soon", "", NEVER)),
        "InvalidExpression: `soon` is not a rate such as `30 minutes`"
    );
    assert_eq!(
        refusal(timer("at", "2024-02-01T00:00:00Z", "", NEVER)),
        "InvalidExpression: it never fires after the start"
    );
    assert_eq!(refusal(timer("cron", "0 0 0 30 2 ?", "", NEVER)), "InvalidExpression: it never fires after the start");
    assert_eq!(
        refusal(timer("rate", "1 day", "", "2024-02-01")),
        "InvalidProperty: property `EndDate`: 2024-02-01T00:00:00Z is over"
    );
    assert_eq!(refusal(timer("rate", "1 day", "", "")), "InvalidProperty: property `EndDate` is missing");
    assert_eq!(
        refusal(timer("rate", "1 day", "Moon", NEVER)),
        "InvalidExpression: `Moon` is not a time zone such as Asia/Shanghai"
    );
}
