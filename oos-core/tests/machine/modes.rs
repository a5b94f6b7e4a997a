//! Modes: FailurePause, Debug, and holding a run (service-model 3).

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, Mode, SignalKind, SignalTarget, Started, StepResult, TaskStatus, UnknownOutcome},
    params,
    ports::{ActionError, ActionErrorKind, control::WaitingFor},
};

use crate::support::{Bench, Open, json, template, template_with};

fn mode(mode: Mode, tasks: &[&str]) -> Bench {
    Bench::run_with(&template(tasks), &[], Started { mode, ..Started::default() })
}

fn pausing(tasks: &[&str]) -> Bench {
    mode(Mode::FailurePause, tasks)
}

fn execute(task: &str) -> (SignalTarget, SignalKind) {
    let to = SignalTarget { task: (!task.is_empty()).then(|| task.into()), ..SignalTarget::default() };
    (to, SignalKind::ExecuteTask { parameters: Value::Null })
}

fn step(bench: &mut Bench, task: &str) {
    let (to, kind) = execute(task);
    bench.send("tester", to, kind).unwrap();
}

#[test]
fn a_failure_without_handler_waits_for_a_decision() {
    let mut bench = pausing(&["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do"]);
    bench.fail("a");
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::FailureDecision)));
    assert_eq!(bench.message(), "Broken: it broke");
    bench.signal(SignalKind::RetryTask).unwrap();
    let open = bench.work("a");
    assert_eq!((open.key.run, open.key.attempt, open.answers), (2, 1, 0), "a new run has a new token and new retries");
    assert_eq!(bench.message(), "");
    bench.done("a", Value::Null).done("b", Value::Null);
    assert_eq!(bench.status(), Success);
}

#[test]
fn a_skipped_failure_goes_on_as_after_a_success() {
    let text = template_with(
        "Outputs: {v: {Type: Json, Value: '{{ a.v }}'}}",
        &[
            "Name: a, Action: Acme::Do, OnSuccess: c, Outputs: {v: {Type: Json, ValueSelector: v}}",
            "Name: b, Action: Acme::Do",
            "Name: c, Action: Acme::Do",
        ],
    );
    let mut bench = Bench::run_with(&text, &[], Started { mode: Mode::FailurePause, ..Started::default() });
    bench.fail("a");
    bench.signal(SignalKind::SkipTask).unwrap();
    assert_eq!((bench.task("a").status, bench.outstanding()), (TaskStatus::Skipped, vec!["c".to_owned()]));
    bench.done("c", Value::Null);
    assert_eq!((bench.status(), bench.output("v")), (Success, Value::Null));
}

#[test]
fn a_handler_wins_over_the_pause() {
    let mut bench =
        pausing(&["Name: a, Action: Acme::Do, OnError: c", "Name: b, Action: Acme::Do", "Name: c, Action: Acme::Do"]);
    bench.fail("a");
    assert_eq!(bench.outstanding(), ["c"]);
    let mut bench = pausing(&["Name: a, Action: Acme::Do, OnError: 'ACS::NEXT'", "Name: b, Action: Acme::Do"]);
    bench.fail("a");
    assert_eq!(bench.outstanding(), ["b"]);
}

#[test]
fn skipping_a_second_failure_keeps_the_message_of_the_first() {
    let mut bench = pausing(&["Name: a, Action: Acme::Do, OnError: b", "Name: b, Action: Acme::Do"]);
    bench.fail("a").fail("b");
    assert_eq!(bench.status(), Waiting);
    bench.signal(SignalKind::SkipTask).unwrap();
    assert_eq!((bench.status(), bench.message()), (Failed, "Broken: it broke".to_owned()));
}

const LOOP: &str = "Name: a, Action: Acme::Do, Outputs: {v: {Type: Json, ValueSelector: v}}, Loop: {Items: [1, 2, 3, 4], RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 1}, Outputs: {vs: {AggregateType: 'Fn::ListJoin', AggregateField: v}}}";

fn failed_loop() -> Bench {
    let mut bench = pausing(&[LOOP]);
    bench.fail_item("a", 1).fail_item("a", 2).done_item("a", 3, params! { "v" => 3 });
    assert_eq!(bench.root().waiting_for, Some(WaitingFor::FailureDecision), "{:?}", bench.outstanding());
    bench
}

#[test]
fn failed_items_run_again_and_the_loop_goes_on() {
    let mut bench = failed_loop();
    bench.signal(SignalKind::RetryTask).unwrap();
    assert_eq!(bench.outstanding(), ["a#1", "a#2"]);
    assert_eq!(bench.item("a", 1).key.run, 2);
    for n in [1, 2, 4] {
        bench.done_item("a", n, params! { "v" => n });
    }
    assert_eq!((bench.status(), bench.task("a").outputs.at(&["vs"]).clone()), (Success, json(r#"[1, 2, 3, 4]"#)));
}

#[test]
fn one_item_may_run_again_and_one_named_twice_runs_once() {
    let mut bench = failed_loop();
    bench.signal_items(&[2, 2], SignalKind::RetryTask).unwrap();
    assert_eq!(bench.outstanding(), ["a#2", "a#4"], "one failure is left, the budget allows it");
    bench.done_item("a", 2, params! { "v" => 2 }).done_item("a", 4, params! { "v" => 4 });
    assert_eq!((bench.status(), bench.task("a").outputs.at(&["vs"]).clone()), (Success, json(r#"[null, 2, 3, 4]"#)));
}

#[test]
fn an_item_that_people_want_again_runs_once_even_where_others_spent_the_budget() {
    let text = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}}";
    let mut bench = pausing(&[text]);
    bench.fail_item("a", 1).fail_item("a", 2);
    bench.signal_items(&[2], SignalKind::RetryTask).unwrap();
    assert_eq!(bench.outstanding(), ["a#2"]);
    bench.done_item("a", 2, Value::Null);
    assert_eq!(bench.root().waiting_for, Some(WaitingFor::FailureDecision), "item 1 has still failed");
    bench.signal(SignalKind::RetryTask).unwrap();
    assert_eq!(bench.outstanding(), ["a#1"]);
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.status(), Success);
}

#[test]
fn an_item_that_did_not_fail_cannot_be_decided_about() {
    for kind in [SignalKind::RetryTask, SignalKind::SkipTask] {
        for item in [3, 4, 0, 9] {
            assert_eq!(
                failed_loop().signal_items(&[item], kind.clone()),
                Err("EntityNotExists.TaskExecution"),
                "{kind:?} {item}"
            );
        }
    }
}

#[test]
fn skipped_items_leave_the_error_count() {
    let mut bench = failed_loop();
    bench.signal_items(&[1], SignalKind::SkipTask).unwrap();
    assert_eq!(bench.outstanding(), ["a#4"]);
    bench.done_item("a", 4, params! { "v" => 4 });
    assert_eq!((bench.status(), bench.task("a").outputs.at(&["vs"]).clone()), (Success, json(r#"[null, null, 3, 4]"#)));
    let mut bench = failed_loop();
    bench.signal(SignalKind::SkipTask).unwrap();
    assert_eq!((bench.status(), bench.task("a").status), (Success, TaskStatus::Skipped));
}

#[test]
fn an_item_whose_child_was_cancelled_may_run_again() {
    let child = template(&["Name: hold, Action: ACS::Pause"]);
    let text = template(&["Name: a, Action: Acme::Child, Loop: {Items: [1]}"]);
    let mut bench =
        Bench::run_with(&text, &[("Acme::Child", &child)], Started { mode: Mode::FailurePause, ..Started::default() });
    bench.reject("anybody").unwrap();
    assert_eq!(bench.root().waiting_for, Some(WaitingFor::FailureDecision));
    bench.signal(SignalKind::RetryTask).unwrap();
    bench.approve("anybody").unwrap();
    assert_eq!(bench.status(), Success);
}

#[test]
fn a_cancel_ends_a_run_that_waits_for_a_decision() {
    let mut bench = failed_loop();
    bench.cancel();
    assert_eq!(bench.status(), Cancelled);
}

#[test]
fn debug_runs_what_it_is_told_in_any_order() {
    let mut bench =
        mode(Mode::Debug, &["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do", "Name: c, Action: Acme::Do"]);
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::DebugStep)));
    assert!(bench.open.is_empty());
    step(&mut bench, "b");
    bench.done("b", Value::Null);
    assert_eq!(bench.root().waiting_for, Some(WaitingFor::DebugStep));
    step(&mut bench, "");
    assert_eq!(bench.outstanding(), ["c"], "the next in order after b");
    bench.done("c", Value::Null);
    assert_eq!(bench.root().waiting_for, Some(WaitingFor::DebugStep), "the last leads back to Waiting like each");
    bench.signal(SignalKind::CompleteExecution { status: Success }).unwrap();
    assert_eq!(bench.status(), Success);
}

#[test]
fn a_failed_task_of_debug_may_run_again_and_outputs_are_those_at_the_end() {
    let text = template_with(
        "Outputs: {v: {Type: String, Value: '{{ a.v }}'}, w: {Type: String, Value: '{{ b.w }}'}}",
        &[
            "Name: a, Action: Acme::Do, Outputs: {v: {Type: String, ValueSelector: v}}",
            "Name: b, Action: Acme::Do, Outputs: {w: {Type: String, ValueSelector: w}}",
        ],
    );
    let mut bench = Bench::run_with(&text, &[], Started { mode: Mode::Debug, ..Started::default() });
    step(&mut bench, "a");
    bench.fail("a");
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::DebugStep)));
    step(&mut bench, "a");
    bench.done("a", params! { "v" => "good" });
    bench.signal(SignalKind::CompleteExecution { status: Success }).unwrap();
    assert_eq!(bench.status(), Success);
    assert_eq!((bench.output("v"), bench.output("w")), (Value::from("good"), Value::Null));
}

#[test]
fn debug_overrides_properties_of_one_task() {
    let mut bench = mode(
        Mode::Debug,
        &["Name: a, Action: Acme::Do, Properties: {x: 1, y: 2}", "Name: b, Action: Acme::Do, Properties: {x: 1}"],
    );
    bench.signal(SignalKind::ExecuteTask { parameters: params! { "x" => 9 } }).unwrap();
    assert_eq!(bench.work("a").properties, params! { "x" => 9, "y" => 2 });
    bench.done("a", Value::Null);
    step(&mut bench, "");
    assert_eq!(bench.work("b").properties, params! { "x" => 1 });
    bench.done("b", Value::Null);
}

#[test]
fn debug_runs_loops_one_item_at_a_time() {
    let mut bench = mode(
        Mode::Debug,
        &["Name: a, Action: Acme::Do, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}"],
    );
    step(&mut bench, "a");
    assert_eq!(bench.outstanding(), ["a#1"]);
}

#[test]
fn a_cancelled_task_leads_back_to_waiting_in_debug() {
    let mut bench = mode(Mode::Debug, &["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do"]);
    step(&mut bench, "a");
    bench.signal(SignalKind::CancelTask).unwrap();
    bench.report_stopped();
    assert_eq!(bench.task("a").status, TaskStatus::Cancelled);
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::DebugStep)));
    step(&mut bench, "a");
    bench.done("a", Value::Null);
    step(&mut bench, "b");
    bench.done("b", Value::Null);
    assert_eq!(bench.status(), Waiting);
    bench.signal(SignalKind::Cancel).unwrap();
    assert_eq!(bench.status(), Cancelled);
}

#[test]
fn debug_may_be_completed_with_any_final_status() {
    for status in [Success, Failed, Cancelled] {
        let mut bench = mode(Mode::Debug, &["Name: a, Action: Acme::Do"]);
        bench.signal(SignalKind::CompleteExecution { status }).unwrap();
        assert_eq!(bench.status(), status);
    }
    let mut bench = mode(Mode::Debug, &["Name: a, Action: Acme::Do"]);
    assert_eq!(
        bench.signal(SignalKind::CompleteExecution { status: Running }),
        Err("InvalidParameter.ExecutionStatus")
    );
}

#[test]
fn a_held_run_starts_nothing_until_it_goes_on() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do"]);
    bench.signal(SignalKind::Pause).unwrap();
    bench.done("a", Value::Null);
    assert!(bench.open.is_empty());
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::Pause)));
    bench.signal(SignalKind::Resume).unwrap();
    bench.done("b", Value::Null);
    assert_eq!(bench.status(), Success);
}

#[test]
fn a_held_loop_finishes_what_runs_and_starts_no_item() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Loop: {Items: [1, 2]}"]);
    bench.signal(SignalKind::Pause).unwrap();
    bench.done_item("a", 1, Value::Null);
    assert!(bench.open.is_empty());
    bench.signal(SignalKind::Resume).unwrap();
    bench.done_item("a", 2, Value::Null);
    assert_eq!(bench.status(), Success);
}

fn unknown() -> StepResult {
    StepResult::Failed(ActionError::new(ActionErrorKind::UnknownOutcome, "OutcomeUnknown", "nobody knows"))
}

fn asking(tasks: &[&str]) -> Bench {
    let started = Started { unknown_outcome: UnknownOutcome::Pause, ..Started::default() };
    Bench::run_with(&template(tasks), &[], started)
}

fn token(open: &Open) -> (u32, u32) {
    (open.token_run, open.answers)
}

#[test]
fn an_unknown_outcome_waits_for_a_decision_in_every_mode_when_the_engine_wants_it() {
    let tasks = ["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do"];
    let mut bench = asking(&tasks);
    bench.answer(&bench.work("a"), unknown());
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::FailureDecision)));
    bench.signal(SignalKind::SkipTask).unwrap();
    bench.done("b", Value::Null);
    assert_eq!(bench.status(), Success);
    // Any other failure ends the run, and so does an unknown outcome of an engine that wants nothing.
    let mut bench = asking(&tasks);
    assert_eq!(bench.fail("a").status(), Failed);
    let mut bench = Bench::tasks(&tasks);
    bench.answer(&bench.work("a"), unknown());
    assert_eq!((bench.status(), bench.message()), (Failed, "OutcomeUnknown: nobody knows".to_owned()));
    // A handler that the author named goes first, as in mode FailurePause.
    let mut bench = asking(&["Name: a, Action: Acme::Do, OnError: b", "Name: b, Action: Acme::Do"]);
    bench.answer(&bench.work("a"), unknown());
    assert_eq!(bench.outstanding(), ["b"]);
}

#[test]
fn a_retry_after_an_unknown_outcome_keeps_the_token_and_any_other_does_not() {
    let mut bench = pausing(&["Name: a, Action: Acme::Do, Retries: 2"]);
    bench.answer(&bench.work("a"), crate::support::not_yet("x"));
    bench.wake();
    let lost = bench.work("a");
    assert_eq!(token(&lost), (1, 1));
    bench.answer(&lost, unknown());
    bench.signal(SignalKind::RetryTask).unwrap();
    let again = bench.work("a");
    assert_eq!((again.key.run, token(&again)), (2, (1, 1)));
    // The second answer is definite: what comes now is another call.
    bench.answer(&again, crate::support::broken());
    bench.signal(SignalKind::RetryTask).unwrap();
    assert_eq!(token(&bench.work("a")), (3, 0));
}

#[test]
fn items_of_unknown_outcome_wait_for_a_decision_and_keep_their_tokens() {
    let mut bench =
        asking(&["Name: a, Action: Acme::Do, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}"]);
    bench.answer(&bench.item("a", 1), unknown());
    bench.done_item("a", 2, Value::Null);
    assert_eq!((bench.status(), bench.root().waiting_for), (Waiting, Some(WaitingFor::FailureDecision)));
    bench.signal_items(&[1], SignalKind::RetryTask).unwrap();
    let again = bench.item("a", 1);
    assert_eq!((again.key.run, token(&again)), (2, (1, 0)));
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.status(), Success);
}

#[test]
fn items_that_are_run_again_keep_to_the_size_of_a_batch() {
    let mut bench = pausing(&[
        "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3], RateControl: {Mode: Batch, Batch: [1], MaxErrors: 1}}",
    ]);
    bench.fail_item("a", 1).fail_item("a", 2);
    assert_eq!(bench.root().waiting_for, Some(WaitingFor::FailureDecision));
    bench.signal(SignalKind::RetryTask).unwrap();
    assert_eq!(bench.outstanding(), ["a#1"]);
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.outstanding(), ["a#2"]);
    bench.done_item("a", 2, Value::Null).done_item("a", 3, Value::Null);
    assert_eq!(bench.status(), Success);
}
