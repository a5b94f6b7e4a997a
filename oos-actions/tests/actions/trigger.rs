//! Triggers: timers with their missed instants, events, alarms, and what matches.

use std::time::Duration;

use oos_actions::trigger::{
    AlarmTrigger, EventTrigger, Missed, Overlap, TimerOptions, TimerTrigger,
    alarm::{self, breaches, silenced},
    event::{self, tags_match, wanted_tags},
};
use oos_core::{
    Value,
    machine::ExecutionStatus,
    params,
    ports::{
        ControlAction, ControlEvent, Decision,
        control::{ChildRequest, Purpose, Wait, WaitingFor},
        trigger::Rule,
    },
};

use crate::support::{Steps, at, json};

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

fn ended(status: ExecutionStatus) -> ControlEvent {
    ControlEvent::ChildEnded { status, outputs: Value::empty_map(), error: None }
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

fn spot() -> Value {
    params! {
        "Product" => "ECS", "Name" => ["Instance:PreemptibleInstanceInterruption"], "Level" => ["WARN"],
        "Content" => params! { "action" => "delete" }, "RegionId" => ["cn-hangzhou"],
    }
}

fn spot_message(level: &str, action: &str) -> Value {
    params! {
        "product" => "ECS", "name" => "Instance:PreemptibleInstanceInterruption", "level" => level, "regionId" => "cn-hangzhou",
        "content" => params! { "instanceId" => "i-1", "action" => action },
    }
}

fn firing(message: Value) -> Decision {
    Decision::RunChild(ChildRequest::Firing { message, scheduled: None })
}

fn subscribed(action: impl ControlAction, properties: Value, waiting_for: Option<WaitingFor>) -> Decision {
    let rule = Rule { action: action.name().clone(), properties };
    Decision::Wait(Wait { rule: Some(rule), waiting_for, ..Wait::default() })
}

#[test]
fn an_event_fires_and_the_trigger_waits_again() {
    let mut steps = Steps::of(EventTrigger::default(), spot());
    let waiting = subscribed(EventTrigger::default(), spot(), Some(WaitingFor::Event));
    assert_eq!(steps.on(ControlEvent::Entered), waiting);
    assert_eq!(steps.on(ControlEvent::Fired(spot_message("WARN", "delete"))), firing(spot_message("WARN", "delete")));
    assert_eq!(steps.on(ended(ExecutionStatus::Failed)), waiting);
}

#[test]
fn events_during_a_firing_wait_for_their_turn() {
    let message = |n: i32| params! { "n" => n };
    let mut steps = Steps::of(EventTrigger::default(), spot());
    steps.on(ControlEvent::Entered);
    assert_eq!(steps.on(ControlEvent::Fired(message(1))), firing(message(1)));
    let listening = subscribed(EventTrigger::default(), spot(), None);
    assert_eq!(steps.on(ControlEvent::Fired(message(2))), listening, "the execution is Running, and hears on");
    assert_eq!(steps.on(ControlEvent::Fired(message(3))), listening);
    assert_eq!(steps.on(ended(ExecutionStatus::Success)), firing(message(2)));
    assert_eq!(steps.on(ended(ExecutionStatus::Success)), firing(message(3)));
    assert!(matches!(steps.on(ended(ExecutionStatus::Success)), Decision::Wait(_)));
    assert_eq!(steps.on(ControlEvent::Fired(message(4))), firing(message(4)));
}

#[test]
fn events_during_a_firing_may_be_dropped() {
    let mut steps = Steps::of(EventTrigger::new(Overlap::Skip), spot());
    steps.on(ControlEvent::Entered);
    steps.on(ControlEvent::Fired(Value::Int(1)));
    steps.on(ControlEvent::Fired(Value::Int(2)));
    assert!(matches!(steps.on(ended(ExecutionStatus::Success)), Decision::Wait(_)));
}

#[test]
fn no_more_than_a_thousand_events_wait() {
    let mut steps = Steps::of(EventTrigger::default(), spot());
    steps.on(ControlEvent::Entered);
    (0..1_003).for_each(|n| drop(steps.on(ControlEvent::Fired(Value::Int(n)))));
    let mut last = None;
    for _ in 0..1_001 {
        if let Decision::RunChild(ChildRequest::Firing { message, .. }) = steps.on(ended(ExecutionStatus::Success)) {
            last = Some(message);
        }
    }
    assert_eq!(last, Some(Value::Int(1_000)), "the first runs, the next thousand wait, the rest is dropped");
}

#[test]
fn a_transformer_makes_the_parameters_of_another_template() {
    let mut properties = spot().as_map().unwrap().clone();
    let rules = params! { "instanceId" => ".content.instanceId", "command" => "df -h", "all" => ".content", "n" => 1, "none" => ".nothing" };
    properties.insert("OutputTransformer", rules);
    let mut steps = Steps::of(EventTrigger::default(), properties.into());
    steps.on(ControlEvent::Entered);
    let expected = json(
        r#"{"instanceId":"i-1","command":"df -h","all":{"instanceId":"i-1","action":"delete"},"n":1,"none":null}"#,
    );
    assert_eq!(steps.on(ControlEvent::Fired(spot_message("WARN", "delete"))), firing(expected));
}

#[test]
fn a_transformer_that_does_not_compile_fails() {
    let mut properties = spot().as_map().unwrap().clone();
    properties.insert("OutputTransformer", params! { "x" => ".a[" });
    let mut steps = Steps::of(EventTrigger::default(), properties.into());
    steps.on(ControlEvent::Entered);
    let error = format!("{:?}", steps.send(ControlEvent::Fired(Value::Null)).unwrap_err());
    assert!(error.contains("InvalidSelector"), "{error}");
}

#[test]
fn an_event_trigger_needs_product_and_name() {
    assert_eq!(
        Steps::of(EventTrigger::default(), params! { "Name" => ["x"] }).refusal(),
        "InvalidProperty: property `Product` is missing"
    );
    assert_eq!(
        Steps::of(EventTrigger::default(), params! { "Product" => "ECS" }).refusal(),
        "InvalidProperty: property `Name` is missing"
    );
}

#[test]
fn events_match_by_product_name_level_region_and_content() {
    assert!(event::matches(&spot(), &spot_message("WARN", "delete")));
    assert!(!event::matches(&spot(), &spot_message("INFO", "delete")));
    assert!(!event::matches(&spot(), &spot_message("WARN", "reboot")));
    let changed = |key: &str, value: Value| {
        let mut message = spot_message("WARN", "delete").as_map().unwrap().clone();
        message.insert(key, value);
        Value::from(message)
    };
    assert!(event::matches(&spot(), &changed("product", "ecs".into())));
    assert!(!event::matches(&spot(), &changed("product", "RDS".into())));
    assert!(!event::matches(&spot(), &changed("name", "Instance:StateChange".into())));
    assert!(!event::matches(&spot(), &changed("regionId", "cn-beijing".into())));
    assert!(!event::matches(&spot(), &changed("content", Value::empty_map())), "a missing member is no match");
}

#[test]
fn content_matches_lists_by_intersection_and_scalars_loosely() {
    let rule = params! { "Product" => "tag", "Name" => ["Tag:ChangeOnResource"], "Content" => params! { "changedTagKeys" => ["env", "team"], "n" => ["1"] } };
    let message = |keys: Value, n: Value| {
        params! { "product" => "Tag", "name" => "Tag:ChangeOnResource", "content" => params! { "changedTagKeys" => keys, "n" => n } }
    };
    assert!(event::matches(&rule, &message(["x", "team"].into(), 1.into())));
    assert!(!event::matches(&rule, &message(["x"].into(), 1.into())));
    assert!(!event::matches(&rule, &message(["team"].into(), 2.into())));
    let open = params! { "Product" => "tag", "Name" => "Tag:ChangeOnResource", "Content" => Value::empty_map(), "Tags" => Value::empty_list() };
    assert!(event::matches(&open, &message(["x"].into(), 2.into())), "empty means no restriction");
}

#[test]
fn tags_are_compared_with_those_of_the_resource() {
    let rule = params! { "Tags" => [params! { "Key" => "env", "Value" => "prod" }] };
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(wanted_tags(&rule), [tag("env", "prod")]);
    assert!(tags_match(&rule, &[tag("team", "a"), tag("env", "prod")]));
    assert!(!tags_match(&rule, &[tag("env", "test")]));
    assert!(tags_match(&Value::empty_map(), &[]));
}

fn disk_full() -> Value {
    params! {
        "Namespace" => "acs_ecs_dashboard", "MetricName" => "diskusage_utilization", "Statistics" => "Maximum",
        "ComparisonOperator" => "GreaterThanThreshold", "Threshold" => "90", "Resources" => r#"[{"instanceId":"i-1"}]"#,
        "Times" => 1, "SilenceTime" => "60",
    }
}

#[test]
fn an_alarm_fires_and_the_trigger_waits_again() {
    let mut steps = Steps::of(AlarmTrigger::default(), disk_full());
    let waiting = subscribed(AlarmTrigger::default(), disk_full(), Some(WaitingFor::Alarm));
    assert_eq!(steps.on(ControlEvent::Entered), waiting);
    let message = params! { "alertState" => "ALERT", "instanceId" => "i-1", "curValue" => "93" };
    assert_eq!(steps.on(ControlEvent::Fired(message.clone())), firing(message));
    assert_eq!(steps.on(ended(ExecutionStatus::Success)), waiting);
    assert_eq!(
        Steps::of(AlarmTrigger::new(Overlap::Skip), Value::empty_map()).refusal(),
        "InvalidProperty: property `Namespace` is missing"
    );
}

#[test]
fn alarms_match_by_state_metric_and_dimensions() {
    let message = |state: &str, metric: &str, instance: &str| {
        params! { "alertState" => state, "metricName" => metric, "namespace" => "acs_ecs_dashboard", "instanceId" => instance }
    };
    assert!(alarm::matches(&disk_full(), &message("ALERT", "diskusage_utilization", "i-1")));
    assert!(!alarm::matches(&disk_full(), &message("OK", "diskusage_utilization", "i-1")));
    assert!(!alarm::matches(&disk_full(), &message("INSUFFICIENT_DATA", "diskusage_utilization", "i-1")));
    assert!(!alarm::matches(&disk_full(), &message("ALERT", "cpu_total", "i-1")));
    assert!(!alarm::matches(&disk_full(), &message("ALERT", "diskusage_utilization", "i-2")));
    assert!(alarm::matches(&disk_full(), &params! { "instanceId" => "i-1" }), "raised by hand with the least");
    let all = params! { "Namespace" => "n", "MetricName" => "m", "Resources" => r#"[{"resource":"_ALL"}]"# };
    assert!(alarm::matches(&all, &params! { "instanceId" => "i-9" }));
}

#[test]
fn values_breach_thresholds() {
    let rule = |operator: &str| params! { "ComparisonOperator" => operator, "Threshold" => "90" };
    let table = [
        ("GreaterThanOrEqualToThreshold", 90.0, true),
        ("GreaterThanThreshold", 90.0, false),
        ("GreaterThanThreshold", 90.5, true),
        ("LessThanOrEqualToThreshold", 90.0, true),
        ("LessThanThreshold", 90.0, false),
        ("LessThanThreshold", 1.0, true),
        ("NotEqualToThreshold", 90.0, false),
        ("NotEqualToThreshold", 91.0, true),
        ("GreaterThanYesterday", 200.0, false),
        ("Unknown", 200.0, false),
    ];
    for (operator, value, expected) in table {
        assert_eq!(breaches(&rule(operator), value, None), expected, "{operator} {value}");
    }
    assert!(breaches(&rule("GreaterThanYesterday"), 200.0, Some(100.0)), "100 % more");
    assert!(!breaches(&rule("GreaterThanLastWeek"), 150.0, Some(100.0)));
    assert!(breaches(&rule("LessThanLastPeriod"), 5.0, Some(100.0)), "95 % less");
}

#[test]
fn silence_lasts_as_long_as_it_says() {
    let last = at("2024-03-01T00:00:00Z");
    assert!(silenced(&disk_full(), last, at("2024-03-01T00:00:59Z")));
    assert!(!silenced(&disk_full(), last, at("2024-03-01T00:01:00Z")));
    assert!(silenced(&Value::empty_map(), last, at("2024-03-01T23:59:59Z")), "a day without the property");
}
