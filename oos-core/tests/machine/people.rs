//! People: approvals, pauses, risk confirmation (actions.md 11, 12, 21).

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, SafetyCheck, Started, TaskStatus},
    params,
    ports::control::WaitingFor,
};

use crate::support::{Bench, broken, json, template};

fn approval(rest: &str) -> Bench {
    let properties =
        format!("Properties: {{NotifyType: WebHook, WebHook: {{URI: 'https://x', Content: {{a: b}}}}{rest}}}");
    let text = [format!("Name: ask, Action: ACS::Approve, {properties}, OnCancel: ONCANCEL, Outputs: {{who: {{Type: Json, ValueSelector: Approvers}}}}").replace("ONCANCEL", "'ACS::END'"), "Name: go, Action: Acme::Do".to_owned()];
    let mut bench = Bench::tasks(&[&text[0], &text[1]]);
    assert_eq!(bench.work("ask").action.as_str(), "ACS::Notify");
    bench.done("ask", params! {});
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::Approval)));
    bench
}

#[test]
fn one_yes_of_anybody_is_enough_by_default() {
    let mut bench = approval("");
    bench.approve("anna").unwrap();
    assert_eq!(bench.task("ask").outputs, json(r#"{"who": ["anna"]}"#));
    assert_eq!(bench.outstanding(), ["go"]);
}

#[test]
fn two_of_three_must_agree_and_nobody_counts_twice() {
    let mut bench = approval(", Approvers: [anna, ben, eva], MinRequiredApprovals: 2");
    bench.approve("anna").unwrap();
    let records = bench.inputs.len();
    assert_eq!(bench.approve("anna"), Err("DuplicateSignal"));
    assert_eq!((bench.status(), bench.inputs.len()), (Waiting, records), "a double vote is one");
    assert_eq!(bench.approve("mallory"), Err("NotApprover"));
    assert_eq!(bench.reject("mallory"), Err("NotApprover"));
    bench.approve("eva").unwrap();
    assert_eq!(bench.task("ask").outputs, json(r#"{"who": ["anna", "eva"]}"#));
}

#[test]
fn one_no_cancels_and_on_error_never_sees_it() {
    let mut bench = approval(", Approvers: [anna, ben], MinRequiredApprovals: 2");
    bench.approve("anna").unwrap();
    bench.reject("ben").unwrap();
    assert_eq!((bench.status(), bench.task("ask").status), (Cancelled, TaskStatus::Cancelled));
    assert!(bench.open.is_empty() && bench.timers.is_empty());
}

#[test]
fn a_rejection_runs_the_handler_of_on_cancel() {
    let ask = "Name: ask, Action: ACS::Approve, OnCancel: clean, OnError: bad, Properties: {NotifyType: WebHook, WebHook: {URI: 'https://x', Content: {a: b}}}";
    let mut bench = Bench::tasks(&[ask, "Name: bad, Action: Acme::Do", "Name: clean, Action: Acme::Do"]);
    bench.done("ask", params! {});
    bench.reject("anna").unwrap();
    assert_eq!(bench.outstanding(), ["clean"]);
    bench.done("clean", Value::Null);
    assert_eq!(bench.status(), Cancelled);
}

#[test]
fn a_message_that_cannot_be_sent_fails_the_task() {
    let ask = "Name: ask, Action: ACS::Approve, Properties: {NotifyType: WebHook, WebHook: {URI: 'https://x', Content: {a: b}}}";
    let mut bench = Bench::tasks(&[ask]);
    let open = bench.work("ask");
    bench.answer(&open, broken());
    assert_eq!(bench.status(), Failed);
    assert!(bench.message().starts_with("NotifyFailed"), "{}", bench.message());
}

#[test]
fn a_pause_goes_on_by_approval_only() {
    let mut bench = Bench::tasks(&["Name: hold, Action: ACS::Pause", "Name: go, Action: Acme::Do"]);
    assert_eq!(bench.root().waiting_for, Some(WaitingFor::Pause));
    bench.approve("anybody").unwrap();
    assert_eq!(bench.outstanding(), ["go"]);
    let mut bench = Bench::tasks(&["Name: hold, Action: ACS::Pause"]);
    bench.reject("anybody").unwrap();
    assert_eq!(bench.status(), Cancelled);
}

fn risky(task: &str) -> Bench {
    let started = Started { safety_check: SafetyCheck::ConfirmEveryHighRiskAction, ..Started::default() };
    Bench::run_with(&template(&[task]), &[], started)
}

const DELETE: &str = "Name: a, Action: ACS::ExecuteAPI, Properties: {Service: ecs, API: DeleteInstance, Parameters: {}";

#[test]
fn a_risky_call_waits_for_a_confirmation_when_asked_for() {
    let mut bench = risky(&format!("{DELETE}}}"));
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::RiskConfirmation)));
    assert!(bench.open.is_empty());
    bench.approve("anybody").unwrap();
    assert_eq!(bench.outstanding(), ["a"]);
    let mut bench = risky(&format!("{DELETE}}}"));
    bench.reject("anybody").unwrap();
    assert_eq!((bench.status(), bench.task("a").status), (Cancelled, TaskStatus::Cancelled));
}

#[test]
fn the_risk_property_and_the_verb_decide() {
    for (task, asks) in [
        (format!("{DELETE}, Risk: Normal}}"), false),
        ("Name: a, Action: ACS::ExecuteAPI, Properties: {Service: ecs, API: DescribeInstances, Parameters: {}}".into(), false),
        ("Name: a, Action: ACS::ExecuteAPI, Properties: {Service: ecs, API: DescribeInstances, Risk: High, Parameters: {}}".into(), true),
        ("Name: a, Action: Acme::Do, Properties: {API: DeleteInstance}".into(), false),
    ] {
        assert_eq!(risky(&task).open.is_empty(), asks, "{task}");
    }
    assert_eq!(Bench::tasks(&[&format!("{DELETE}}}")]).outstanding(), ["a"], "the default asks nothing");
}

#[test]
fn items_are_confirmed_one_by_one_or_together() {
    let task = format!("{DELETE}}}, Loop: {{Items: [1, 2, 3], RateControl: {{Mode: Concurrency, Concurrency: 3}}}}");
    let mut bench = risky(&task);
    bench.signal_items(&[2], oos_core::machine::SignalKind::Approve { note: None }).unwrap();
    assert_eq!(bench.outstanding(), ["a#2"]);
    bench.approve("anybody").unwrap();
    assert_eq!(bench.outstanding(), ["a#2", "a#1", "a#3"]);
}

#[test]
fn the_rejection_of_one_item_cancels_the_execution() {
    let task = format!(
        "{DELETE}}}, Loop: {{Items: [1, 2], RateControl: {{Mode: Concurrency, Concurrency: 2, MaxErrors: 2}}}}"
    );
    let mut bench = risky(&task);
    bench.signal_items(&[2], oos_core::machine::SignalKind::Reject { note: None }).unwrap();
    assert_eq!(bench.status(), Cancelled);
}
