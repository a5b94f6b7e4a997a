//! Every signal against every state of a run, as one table: taken, or the code of the refusal.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::expect_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

#[path = "../../oos-core/tests/machine/support.rs"]
#[expect(dead_code, reason = "the bench of the machine's tests has more than these need")]
mod support;

use oos_core::{
    Value,
    machine::{ExecutionStatus, Mode, SafetyCheck, SignalKind, Started},
};
use support::{Bench, template};

const STATES: [&str; 20] = [
    "running",
    "retrying",
    "sleeping",
    "approval",
    "pause",
    "risk",
    "batch",
    "failure",
    "debug",
    "held",
    "trigger",
    "ended",
    "looping",
    "items",
    "debugging",
    "child",
    "stopping",
    "handler",
    "firing",
    "event",
];

/// A run in a state.
fn run(state: &str) -> Bench {
    let ask = "Name: a, Action: ACS::Approve, Properties: {NotifyType: WebHook, Approvers: [anna], WebHook: {URI: 'https://x', Content: {a: b}}}";
    let rate = "RateControl: {Mode: Batch, Batch: [1], BatchPauseOption: EveryBatchPause}";
    let batch = format!("Name: a, Action: Acme::Do, Loop: {{Items: [1, 2], {rate}}}");
    let task = match state {
        "retrying" => "Name: a, Action: Acme::Do, Retries: 1",
        "sleeping" => "Name: a, Action: ACS::Sleep, Properties: {Duration: PT1H}",
        "approval" => ask,
        "pause" => "Name: a, Action: ACS::Pause",
        "risk" => "Name: a, Action: ACS::ExecuteAPI, Properties: {Service: ecs, API: DeleteInstance, Parameters: {}}",
        "batch" => &batch,
        "looping" | "items" => {
            "Name: a, Action: Acme::Do, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}"
        }
        "child" => {
            "Name: a, Action: ACS::Template, Properties: {TemplateContent: {FormatVersion: OOS-2019-06-01, Tasks: [{Name: c, Action: Acme::Do}]}}"
        }
        "handler" => "Name: a, Action: Acme::Do, OnCancel: b",
        "event" => {
            "Name: a, Action: ACS::EventTrigger, Properties: {Product: ECS, Name: ['Instance:StateChange'], Level: [INFO]}"
        }
        "trigger" | "firing" => {
            "Name: a, Action: ACS::TimerTrigger, Properties: {Type: rate, Expression: 1 hour, EndDate: '2027-01-01T00:00:00Z'}"
        }
        _ => "Name: a, Action: Acme::Do",
    };
    let (mode, safety_check) = match state {
        "failure" | "items" => (Mode::FailurePause, SafetyCheck::Skip),
        "debug" | "debugging" => (Mode::Debug, SafetyCheck::Skip),
        "risk" => (Mode::Automatic, SafetyCheck::ConfirmEveryHighRiskAction),
        _ => (Mode::Automatic, SafetyCheck::Skip),
    };
    let tasks = template(&[task, "Name: b, Action: Acme::Do"]);
    let mut bench = Bench::run_with(&tasks, &[], Started { mode, safety_check, ..Started::default() });
    match state {
        "retrying" => {
            let open = bench.work("a");
            bench.answer(&open, support::not_yet("x"));
        }
        "approval" => _ = bench.done("a", Value::Null),
        "batch" => _ = bench.done_item("a", 1, Value::Null),
        "failure" => _ = bench.fail("a"),
        "held" => {
            bench.signal(SignalKind::Pause).unwrap();
            bench.done("a", Value::Null);
        }
        "items" => _ = bench.fail_item("a", 1).done_item("a", 2, Value::Null),
        "debugging" => bench.signal(kind("ExecuteTask")).unwrap(),
        "child" if bench.open.is_empty() => bench.linked(),
        "stopping" => bench.cancel(),
        "handler" => {
            bench.cancel();
            bench.report_stopped();
        }
        "firing" => _ = bench.wake(),
        "ended" => _ = bench.done("a", Value::Null).done("b", Value::Null),
        _ => {}
    }
    bench
}

fn kind(name: &str) -> SignalKind {
    match name {
        "Approve" => SignalKind::Approve { note: None },
        "Reject" => SignalKind::Reject { note: Some("no".into()) },
        "ExecuteTask" => SignalKind::ExecuteTask { parameters: Value::Null },
        "CancelTask" => SignalKind::CancelTask,
        "CompleteExecution" => SignalKind::CompleteExecution { status: ExecutionStatus::Success },
        "RetryTask" => SignalKind::RetryTask,
        "SkipTask" => SignalKind::SkipTask,
        "Pause" => SignalKind::Pause,
        "Resume" => SignalKind::Resume,
        "Cancel" => SignalKind::Cancel,
        "Trigger" => SignalKind::Trigger { message: Value::empty_map() },
        "UpdateParameters" => SignalKind::UpdateParameters { parameters: Value::empty_map() },
        "SecretSupplied" => SignalKind::SecretSupplied,
        other => panic!("no signal `{other}`"),
    }
}

/// Every kind there is: a new one does not compile until it has a name, and fails until it has a row.
fn name(kind: &SignalKind) -> &'static str {
    match kind {
        SignalKind::Approve { .. } => "Approve",
        SignalKind::Reject { .. } => "Reject",
        SignalKind::ExecuteTask { .. } => "ExecuteTask",
        SignalKind::CancelTask => "CancelTask",
        SignalKind::CompleteExecution { .. } => "CompleteExecution",
        SignalKind::RetryTask => "RetryTask",
        SignalKind::SkipTask => "SkipTask",
        SignalKind::Pause => "Pause",
        SignalKind::Resume => "Resume",
        SignalKind::Cancel => "Cancel",
        SignalKind::Trigger { .. } => "Trigger",
        SignalKind::UpdateParameters { .. } => "UpdateParameters",
        SignalKind::SecretSupplied => "SecretSupplied",
    }
}

/// Per signal: where it is taken. `y` taken, `c` EntityStatusConflict.Execution, `n` NotApprover; columns as [`STATES`].
/// The first seven are the types of NotifyExecution (service-model 3.2), the others are operations of their own.
const TABLE: [(&str, &str); 13] = [
    // run retry sleep appr pause risk batch fail debug held trig ended loop items debugging child stop handler firing event
    ("Approve", "c c c n y y y c c c c c c c c c c c c c"),
    ("Reject", "c c c n y y y c c c c c c c c c c c c c"),
    ("ExecuteTask", "c c c c c c c c y c c c c c c c c c c c"),
    ("CancelTask", "c c c c c c c c c c c c c c y c c c c c"),
    ("CompleteExecution", "c c c c c c c c y c c c c c c c c c c c"),
    ("RetryTask", "c c c c c c c y c c c c c y c c c c c c"),
    ("SkipTask", "c c c c c c c y c c c c c y c c c c c c"),
    ("Pause", "y y y y y y y y y c y c y y y y y y y y"),
    ("Resume", "c c c c c c c c c y c c c c c c c c c c"),
    ("Cancel", "y y y y y y y y y y y c y y y y y y y y"),
    ("Trigger", "c c c c c c c c c c y c c c c c c c y y"),
    ("UpdateParameters", "c c c c c c c c c c y c c c c c c c y y"),
    ("SecretSupplied", "y y y y y y y y y y y c y y y y y y y y"),
];

#[test]
fn every_signal_in_every_state_is_taken_or_refused_by_its_code() {
    let mut wrong = Vec::new();
    for (name, row) in TABLE {
        let row: Vec<_> = row.split_whitespace().collect();
        assert_eq!((row.len(), self::name(&kind(name))), (STATES.len(), name));
        for (state, expected) in STATES.into_iter().zip(row) {
            let answer = match run(state).signal(kind(name)) {
                Ok(()) => "y",
                Err("EntityStatusConflict.Execution") => "c",
                Err("NotApprover") => "n",
                Err(other) => other,
            };
            if answer != expected {
                wrong.push(format!("{name} in {state}: {answer}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_approver_of_the_table_is_taken_by_name() {
    assert_eq!(run("approval").approve("anna"), Ok(()));
    assert_eq!(run("approval").reject("anna"), Ok(()));
}

#[test]
fn a_running_task_of_a_debug_run_may_be_cancelled() {
    let mut bench = run("debug");
    bench.signal(kind("ExecuteTask")).unwrap();
    assert_eq!(bench.signal(kind("CancelTask")), Ok(()));
}
