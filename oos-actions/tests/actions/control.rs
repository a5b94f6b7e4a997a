//! Control actions: choice, sleep, pause, approve, template, loop.

use std::time::Duration;

use oos_actions::control::{Approve, ApproveOptions, Choice, ForEach, Pause, Sleep, Template};
use oos_core::{
    TaskName, TemplateName, Value,
    machine::ExecutionStatus,
    params,
    ports::{
        ActionError, ActionErrorKind, ControlEvent, Decision,
        control::{ChildRequest, Purpose, Vote, Wait, WaitingFor},
    },
};

use crate::support::{Steps, at};

fn vote(approve: bool, from: &str, note: Option<&str>) -> ControlEvent {
    ControlEvent::Signalled(Vote { approve, from: from.into(), note: note.map(str::to_owned) })
}

fn choices(list: Vec<(Value, &str)>) -> Value {
    let list: Value = list.into_iter().map(|(when, next)| params! { "When" => when, "NextTask" => next }).collect();
    params! { "DefaultTask" => "ACS::END", "Choices" => list }
}

fn chosen(properties: Value) -> Decision {
    Steps::of(Choice, properties).on(ControlEvent::Entered)
}

#[test]
fn the_first_true_choice_wins() {
    let list = vec![(false.into(), "a"), (true.into(), "b"), (true.into(), "c")];
    assert_eq!(chosen(choices(list)), Decision::Goto(TaskName::new("b")));
    let texts = vec![("False".into(), "a"), ("true".into(), "b")];
    assert_eq!(chosen(choices(texts)), Decision::Goto(TaskName::new("b")));
    assert_eq!(chosen(choices(vec![(false.into(), "a")])), Decision::Goto(TaskName::new("ACS::END")));
    assert_eq!(chosen(choices(Vec::new())), Decision::Goto(TaskName::new("ACS::END")));
}

#[test]
fn conditions_behind_the_first_true_one_are_not_evaluated() {
    let list = vec![(true.into(), "a"), ("Fail".into(), "b")];
    assert_eq!(chosen(choices(list)), Decision::Goto(TaskName::new("a")));
    assert_eq!(Steps::of(Choice, choices(vec![("Fail".into(), "b")])).refusal(), "FunctionError: it fails");
}

#[test]
fn a_choice_that_is_no_choice_is_said() {
    let refusal = |properties: Value| Steps::of(Choice, properties).refusal();
    let text = choices(vec![("maybe".into(), "a")]);
    assert!(refusal(text).starts_with("InvalidConditionValue: "));
    assert_eq!(refusal(params! { "DefaultTask" => "a" }), "InvalidProperty: property `Choices` must be a list");
    assert_eq!(
        refusal(params! { "Choices" => Value::empty_list() }),
        "InvalidProperty: property `DefaultTask` is missing"
    );
    assert_eq!(refusal(choices(vec![(true.into(), "")])), "InvalidProperty: property `NextTask` is missing");
}

#[test]
fn a_sleep_is_a_wake_up_time_and_stays_running() {
    let mut steps = Steps::of(Sleep, params! { "Duration" => "PT12H" });
    let expected = Wait { timers: vec![(Purpose::Sleep, at("2024-03-01T12:00:00Z"))], ..Wait::default() };
    assert_eq!(steps.on(ControlEvent::Entered), Decision::Wait(expected.clone()));
    // Asked again later, the wake-up time is the same: it counts from the start.
    steps.at("2024-03-01T05:00:00Z");
    assert_eq!(steps.on(ControlEvent::Fired(Value::Null)), Decision::Wait(expected));
    steps.at("2024-03-01T12:00:01Z");
    let woke = ControlEvent::Woke { purpose: Purpose::Sleep, scheduled: at("2024-03-01T12:00:00Z") };
    assert_eq!(steps.on(woke), Decision::Done(Value::empty_map()));
}

/// Check 7 of actions.md 26.
#[test]
fn durations_are_read_in_every_spelling_of_the_page() {
    let table = [("1S", 1), ("1m", 60), ("1H2M", 3_720), ("PT1H2M", 3_720), ("PT90M", 5_400), ("4m", 240), ("3s", 3)];
    for (text, seconds) in table {
        let decision = Steps::of(Sleep, params! { "Duration" => text }).on(ControlEvent::Entered);
        let wakes = at("2024-03-01T00:00:00Z") + Duration::from_secs(seconds);
        let expected = Wait { timers: vec![(Purpose::Sleep, wakes)], ..Wait::default() };
        assert_eq!(decision, Decision::Wait(expected), "{text}");
    }
}

#[test]
fn a_duration_that_is_none_is_said() {
    let refusal = |duration: Value| Steps::of(Sleep, params! { "Duration" => duration }).refusal();
    for text in ["0S", "M", "P", "1X", "PT", "1.5S", "-1S", "1M2H"] {
        assert!(refusal(text.into()).starts_with(&format!("InvalidDuration: `{text}` is not a duration")), "{text}");
    }
    assert_eq!(refusal("PT744H".into()), "InvalidDuration: `PT744H` is not a duration from 1 second to 30 days");
    assert_eq!(refusal(Value::Null), "InvalidProperty: property `Duration` is missing");
}

#[test]
fn a_pause_ends_by_approval_or_rejection() {
    let waiting = Decision::Wait(Wait { waiting_for: Some(WaitingFor::Pause), ..Wait::default() });
    let mut steps = Steps::of(Pause, Value::Null);
    assert_eq!(steps.on(ControlEvent::Entered), waiting);
    assert_eq!(steps.on(vote(true, "anybody", None)), Decision::Done(Value::empty_map()));
    let mut steps = Steps::of(Pause, Value::Null);
    steps.on(ControlEvent::Entered);
    assert_eq!(steps.on(vote(false, "anybody", None)), Decision::Cancel);
}

fn approval(approvers: Value, required: Value) -> Value {
    params! {
        "NotifyType" => "WebHook", "WebHook" => params! { "URI" => "https://x.example.com", "Content" => "ok?" },
        "Approvers" => approvers, "MinRequiredApprovals" => required,
    }
}

/// An approval whose message has been sent.
fn asked(action: Approve, properties: Value) -> Steps {
    let mut steps = Steps::of(action, properties);
    assert!(matches!(steps.on(ControlEvent::Entered), Decision::Notify(_)));
    steps.on(ControlEvent::Notified(Ok(Value::empty_map())));
    steps
}

fn waits_for_votes(decision: &Decision) -> bool {
    matches!(decision, Decision::Wait(wait) if wait.waiting_for == Some(WaitingFor::Approval))
}

#[test]
fn two_of_three_must_agree() {
    let mut steps = asked(Approve::default(), approval(["ann", "bob", "cid"].into(), "2".into()));
    let first = steps.on(vote(true, "ann", Some("fine")));
    assert!(matches!(&first, Decision::Wait(wait) if wait.voters == ["ann", "bob", "cid"] && wait.timers.is_empty()));
    assert!(waits_for_votes(&steps.on(vote(true, "ann", Some("again")))), "a second vote of one person counts once");
    assert!(waits_for_votes(&steps.on(vote(true, "mallory", None))), "a stranger does not count");
    assert!(waits_for_votes(&steps.on(vote(false, "mallory", None))), "nor may a stranger refuse");
    let expected = params! { "Approvers" => ["ann", "bob"], "NotifyNote" => "fine" };
    assert_eq!(steps.on(vote(true, "bob", None)), Decision::Done(expected));
}

#[test]
fn a_name_that_stands_twice_is_one_approver() {
    let mut steps = asked(Approve::default(), approval(["ann", "ann", "bob"].into(), 2.into()));
    let Decision::Wait(wait) = steps.on(vote(true, "ann", None)) else { panic!("it waits") };
    assert_eq!(wait.voters, ["ann", "bob"]);
    let refused = Steps::of(Approve::default(), approval(["ann", "ann"].into(), 2.into())).refusal();
    assert_eq!(refused, "InvalidProperty: property `MinRequiredApprovals` must be at most the number of approvers, 1");
}

#[test]
fn one_rejection_cancels() {
    let mut steps = asked(Approve::default(), approval(["ann", "bob"].into(), 2.into()));
    steps.on(vote(true, "ann", None));
    assert_eq!(steps.on(vote(false, "bob", Some("no"))), Decision::Cancel);
}

#[test]
fn anybody_may_approve_when_nobody_is_named() {
    let mut steps = asked(Approve::default(), approval(Value::empty_list(), Value::Null));
    let expected = params! { "Approvers" => ["whoever"], "NotifyNote" => "" };
    assert_eq!(steps.on(vote(true, "whoever", None)), Decision::Done(expected));
}

#[test]
fn a_message_that_was_not_taken_fails_the_approval() {
    let error = || ActionError::failed("Smtp", "no such host");
    let mut steps = Steps::of(Approve::default(), approval(Value::Null, Value::Null));
    steps.on(ControlEvent::Entered);
    let Decision::Fail(failure) = steps.on(ControlEvent::Notified(Err(error()))) else { panic!("it fails") };
    assert_eq!(failure.to_string(), "NotifyFailed: Smtp: no such host");

    let patient = Approve::new(ApproveOptions { wait_without_notification: true, ..ApproveOptions::default() });
    let mut steps = Steps::of(patient, approval(Value::Null, Value::Null));
    steps.on(ControlEvent::Entered);
    assert!(waits_for_votes(&steps.on(ControlEvent::Notified(Err(error())))));
}

#[test]
fn a_time_limit_fails_the_approval() {
    let limited = Approve::new(ApproveOptions { time_out: Some(Duration::from_secs(60)), ..ApproveOptions::default() });
    let mut steps = asked(limited, approval(["ann", "bob"].into(), 2.into()));
    let due = at("2024-03-01T00:01:00Z");
    let Decision::Wait(wait) = steps.at("2024-03-01T00:00:30Z").on(vote(true, "ann", None)) else { panic!("it waits") };
    assert_eq!(wait.timers, [(Purpose::TimeOut, due)]);
    let woke = ControlEvent::Woke { purpose: Purpose::TimeOut, scheduled: due };
    let Decision::Fail(failure) = steps.at("2024-03-01T00:01:00Z").on(woke) else { panic!("it fails") };
    assert_eq!(
        (failure.kind, failure.to_string()),
        (ActionErrorKind::TimedOut, "ApprovalTimeout: nobody decided in time".to_owned())
    );
}

#[test]
fn rules_that_cannot_be_met_are_refused() {
    let refusal = |properties: Value| Steps::of(Approve::default(), properties).refusal();
    assert_eq!(
        refusal(approval(["ann"].into(), 2.into())),
        "InvalidProperty: property `MinRequiredApprovals` must be at most the number of approvers, 1"
    );
    assert_eq!(
        refusal(approval(Value::Null, 0.into())),
        "InvalidProperty: property `MinRequiredApprovals` must be at least 1"
    );
    assert_eq!(refusal(Value::empty_map()), "InvalidProperty: property `NotifyType` is missing");
}

fn child(status: ExecutionStatus, error: Option<ActionError>) -> ControlEvent {
    ControlEvent::ChildEnded { status, outputs: params! { "commandOutput" => "ok" }, error }
}

#[test]
fn a_template_runs_by_name_and_version() {
    let properties = params! { "TemplateName" => "ACS-ECS-BulkyRunCommand", "TemplateVersion" => "v2", "Parameters" => r#"{"a":1}"# };
    let expected = ChildRequest::Named {
        name: TemplateName::new("ACS-ECS-BulkyRunCommand"),
        version: Some("v2".into()),
        parameters: params! { "a" => 1 },
    };
    assert_eq!(Steps::of(Template, properties).on(ControlEvent::Entered), Decision::RunChild(expected));
}

#[test]
fn a_template_may_be_written_in_place() {
    let content = params! { "FormatVersion" => "OOS-2019-06-01" };
    let properties = params! { "TemplateContent" => content.clone() };
    let expected = ChildRequest::Inline { content, parameters: Value::empty_map() };
    assert_eq!(Steps::of(Template, properties).on(ControlEvent::Entered), Decision::RunChild(expected));
}

#[test]
fn a_template_ends_as_its_child_ends() {
    let ended = |event: ControlEvent| {
        let mut steps = Steps::of(Template, params! { "TemplateName" => "t" });
        steps.on(ControlEvent::Entered);
        steps.on(event)
    };
    assert_eq!(ended(child(ExecutionStatus::Success, None)), Decision::Done(params! { "commandOutput" => "ok" }));
    assert_eq!(ended(child(ExecutionStatus::Cancelled, None)), Decision::Cancel);
    let error = ActionError::failed("CheckForFailed", "value 1 is not in [0]");
    assert_eq!(ended(child(ExecutionStatus::Failed, Some(error.clone()))), Decision::Fail(error));
    let silent = ActionError::failed("ChildExecutionFailed", "the child execution failed");
    assert_eq!(ended(child(ExecutionStatus::Failed, None)), Decision::Fail(silent));
}

#[test]
fn a_template_needs_exactly_one_source() {
    let refusal = |properties: Value| Steps::of(Template, properties).refusal();
    assert_eq!(refusal(Value::empty_map()), "InvalidProperty: give `TemplateName` or `TemplateContent`");
    let both = params! { "TemplateName" => "t", "TemplateContent" => Value::empty_map() };
    assert_eq!(refusal(both), "InvalidProperty: give only one of `TemplateName` and `TemplateContent`");
    assert_eq!(
        refusal(params! { "TemplateContent" => "text" }),
        "InvalidProperty: property `TemplateContent` must be a map"
    );
    let parameters = params! { "TemplateName" => "t", "Parameters" => [1] };
    assert_eq!(refusal(parameters), "InvalidProperty: property `Parameters` must be a map");
}

#[test]
fn a_loop_that_nobody_drives_fails_clearly() {
    assert_eq!(Steps::of(ForEach, Value::Null).refusal(), "UnsupportedAction: this host does not drive ACS::Loop");
}
