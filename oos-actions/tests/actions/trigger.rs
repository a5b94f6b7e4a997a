//! Events and alarms: firings, what matches, what a rule must say.

use oos_actions::trigger::{
    AlarmTrigger, EventTrigger, Overlap,
    alarm::{self, breaches, silenced},
    event::{self, tags_match, wanted_group, wanted_tags},
};
use oos_core::{
    Value,
    machine::ExecutionStatus,
    params,
    ports::{
        ControlAction, ControlEvent, Decision,
        control::{ChildRequest, Wait, WaitingFor},
        trigger::Rule,
    },
};

use crate::support::{Steps, at, ended, json};

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
    let wanted = || vec![("env".to_owned(), Some("prod".to_owned()))];
    assert_eq!(wanted_tags(&rule), wanted());
    assert_eq!(wanted_tags(&params! { "Tags" => params! { "env" => "prod" } }), wanted(), "a map will do");
    let any = params! { "Tags" => [params! { "Key" => "env" }] };
    assert!(tags_match(&any, &[tag("env", "x")]) && !tags_match(&any, &[tag("team", "x")]));
    assert_eq!(wanted_group(&params! { "ResourceGroup" => "rg-1" }).as_deref(), Some("rg-1"));
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
fn an_alarm_rule_that_could_never_fire_is_refused() {
    let refusal = |name: &str, value: Value| {
        let mut rule = disk_full().as_map().unwrap().clone();
        rule.insert(name, value);
        Steps::of(AlarmTrigger::default(), rule.into()).refusal()
    };
    assert!(
        refusal("ComparisonOperator", "Above".into()).starts_with(
            "InvalidProperty: property `ComparisonOperator` must be one of GreaterThanOrEqualToThreshold, "
        )
    );
    assert_eq!(refusal("Threshold", "much".into()), "InvalidProperty: property `Threshold` must be a number");
    assert_eq!(refusal("SilenceTime", "1h".into()), "InvalidProperty: property `SilenceTime` must be a whole number");
    assert_eq!(refusal("Times", (-1).into()), "InvalidProperty: property `Times` must be no negative number");
    assert_eq!(refusal("Tags", [1].into()), "InvalidProperty: property `Tags.Key` is missing");
    let both = params! { "Key" => "env", "Value" => "prod" };
    let mut rule = disk_full().as_map().unwrap().clone();
    rule.insert("ResourceGroup", "rg-1");
    rule.insert("Tags", [both]);
    let refused = Steps::of(AlarmTrigger::default(), rule.into()).refusal();
    assert_eq!(refused, "InvalidProperty: property `ResourceGroup` must be left out with Tags");
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
