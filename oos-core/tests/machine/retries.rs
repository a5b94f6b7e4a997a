//! Retries (actions.md 20): every row of the table, what is retried, tokens.

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, StepResult},
    params,
    ports::ActionError,
};

use crate::support::{Bench, START, broken, not_yet};

/// Answers "not yet" until the task ends; gives calls and seconds.
fn exhaust(task: &str) -> (usize, u64) {
    let properties =
        "Properties: {Service: ecs, API: DescribeInstances, Parameters: {}, PropertySelector: x, DesiredValues: [1]}";
    let mut bench = Bench::tasks(&[&format!("Name: a, {task}, {properties}")]);
    let mut calls = 0;
    while bench.status() == Running {
        let open = bench.work("a");
        calls += 1;
        assert_eq!(open.key.attempt as usize, calls);
        assert_eq!(open.answers as usize, calls - 1, "each definite answer gives a new token");
        bench.answer(&open, not_yet("Pending"));
        if !bench.timers.is_empty() {
            bench.wake();
        }
    }
    assert_eq!(bench.status(), Failed);
    let seconds = bench.now.since(START).as_secs();
    let text = format!("TimedOut: still not after {} retries and {seconds} s", calls - 1);
    assert_eq!(bench.message(), text);
    (calls, seconds)
}

#[test]
fn the_table_of_settings_holds() {
    let table = [
        ("Action: ACS::WaitFor", (11, 2_046)),
        ("Action: ACS::WaitFor, Retries: 57", (58, 86_646)),
        ("Action: ACS::WaitFor, Retries: 296, MaxRetryInterval: 300", (297, 86_910)),
        ("Action: ACS::WaitFor, Retries: 7, DelayType: Constant, Delay: 15", (8, 105)),
        ("Action: ACS::WaitFor, Retries: 7, Delay: 15", (8, 254)),
        ("Action: ACS::WaitFor, Retries: 30, DelayType: Constant, Delay: 10", (31, 300)),
        ("Action: ACS::WaitFor, Retries: 300, DelayType: Constant, Delay: 120", (301, 36_000)),
        ("Action: ACS::WaitFor, Retries: 3, DelayType: Linear, Delay: 1, BackOff: 5", (4, 33)),
        ("Action: ACS::WaitFor, Retries: 0", (1, 0)),
        ("Action: ACS::CheckFor", (1, 0)),
        ("Action: ACS::CheckFor, Retries: 2", (3, 6)),
    ];
    for (task, expected) in table {
        assert_eq!(exhaust(task), expected, "{task}");
    }
}

#[test]
fn settings_may_be_references_and_are_clamped() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Retries: {'Fn::Sum': [1, 1]}, DelayType: Constant, Delay: {'Fn::Sum': [9000, 1]}",
    ]);
    let open = bench.work("a");
    bench.answer(&open, not_yet("x"));
    assert_eq!(bench.wake().at.since(START).as_secs(), 1_800, "MaxRetryInterval caps it");
}

#[test]
fn only_errors_that_may_pass_are_retried() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Retries: 3"]);
    let open = bench.work("a");
    bench.answer(&open, StepResult::Failed(ActionError::retryable("Throttling", "slow down")));
    assert_eq!(bench.status(), Running);
    bench.wake();
    let open = bench.work("a");
    assert_eq!(open.key.attempt, 2);
    bench.answer(&open, broken());
    assert_eq!(bench.status(), Failed);
}

#[test]
fn actions_without_the_key_do_not_retry() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do"]);
    let open = bench.work("a");
    bench.answer(&open, StepResult::Failed(ActionError::retryable("Throttling", "slow down")));
    assert_eq!(bench.status(), Failed);
}

#[test]
fn items_retry_by_themselves_and_keep_their_slots() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Retries: 1, Loop: {Items: [x, y, z], RateControl: {Mode: Concurrency, Concurrency: 2}}",
    ]);
    let open = bench.item("a", 1);
    bench.answer(&open, not_yet("x"));
    assert_eq!(bench.outstanding(), ["a#2"], "a retrying item keeps its slot");
    bench.done_item("a", 2, Value::Null);
    assert_eq!(bench.outstanding(), ["a#3"]);
    bench.wake();
    bench.finish_all(&params! {});
    assert_eq!(bench.status(), Success);
}
