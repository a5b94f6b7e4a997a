//! Stale, unknown and repeated inputs change nothing. The bench compares reports and event numbers on every refusal.

use oos_core::{
    Timestamp, Value,
    machine::{ExecutionStatus::*, InputKind, Signal, SignalKind, SignalTarget, Started, StepResult},
    ports::control::Purpose,
};

use crate::support::{Bench, broken, not_yet};

fn outcome(bench: &mut Bench, change: impl FnOnce(&mut oos_core::ids::StepKey)) -> bool {
    let open = bench.open[0].clone();
    let mut key = open.key;
    change(&mut key);
    bench.try_take(InputKind::Outcome { path: open.path, key, result: broken() }).is_ok()
}

#[test]
fn outcomes_of_other_steps_runs_items_and_attempts_are_refused() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Retries: 1", "Name: b, Action: Acme::Do"]);
    assert!(!outcome(&mut bench, |k| k.task = "b".into()));
    assert!(!outcome(&mut bench, |k| k.task = "nobody".into()));
    assert!(!outcome(&mut bench, |k| k.run = 2));
    assert!(!outcome(&mut bench, |k| k.attempt = 2));
    assert!(!outcome(&mut bench, |k| k.item = Some(1)));
    assert!(outcome(&mut bench, |_| ()));
}

#[test]
fn an_outcome_counts_once() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do"]);
    let open = bench.work("a");
    bench.answer(&open, Bench::result(&open, Value::Null));
    let again = InputKind::Outcome { path: open.path, key: open.key, result: StepResult::Stopped };
    assert!(bench.try_take(again).is_err());
    assert_eq!(bench.outstanding(), ["b"]);
}

#[test]
fn a_timer_counts_once_and_only_as_it_was_set() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Retries: 2"]);
    let open = bench.work("a");
    bench.answer(&open, not_yet("x"));
    let timer = bench.timers[0].clone();
    bench.woke(&timer);
    let again = InputKind::Woke { path: timer.path, key: timer.key, purpose: timer.purpose, scheduled: timer.at };
    assert!(bench.try_take(again).is_err());
    let mut bench = Bench::tasks(&["Name: a, Action: ACS::Sleep, Properties: {Duration: PT1H}"]);
    let timer = bench.timers[0].clone();
    let strange =
        |purpose, scheduled| InputKind::Woke { path: timer.path.clone(), key: timer.key.clone(), purpose, scheduled };
    assert!(bench.try_take(strange(Purpose::Retry, timer.at)).is_err(), "another purpose");
    assert!(bench.try_take(strange(Purpose::Sleep, Timestamp::from_millis(5))).is_err(), "another instant");
    bench.woke(&timer);
    assert_eq!(bench.status(), Success);
}

#[test]
fn a_signal_counts_once() {
    let mut bench = Bench::tasks(&["Name: a, Action: ACS::Pause", "Name: b, Action: ACS::Pause"]);
    let signal = || {
        let kind = SignalKind::Approve { note: None };
        InputKind::Signal(Signal { id: "one".into(), from: "anna".into(), to: SignalTarget::default(), kind })
    };
    bench.take(signal());
    assert_eq!(bench.try_take(signal()).unwrap_err().code, "DuplicateSignal");
    assert_eq!(bench.order().join(" "), "a b");
}

#[test]
fn a_second_start_and_parameters_that_nobody_wants_are_refused() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do"]);
    assert!(bench.try_take(InputKind::Started(Box::default())).is_err());
    assert!(bench.try_take(InputKind::Fetched { values: Vec::new(), missing: Vec::new() }).is_err());
}

#[test]
fn nothing_moves_an_ended_run() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do"]);
    let open = bench.work("a");
    bench.done("a", Value::Null);
    let again = InputKind::Outcome { path: open.path.clone(), key: open.key.clone(), result: broken() };
    assert!(bench.try_take(again).is_err());
    let woke = InputKind::Woke {
        path: open.path.clone(),
        key: open.key.clone(),
        purpose: Purpose::Retry,
        scheduled: bench.now,
    };
    assert!(bench.try_take(woke).is_err());
    let fired = InputKind::Fired { path: open.path, key: open.key, message: Value::Null };
    assert!(bench.try_take(fired).is_err());
    assert_eq!(bench.signal(SignalKind::Cancel), Err("EntityStatusConflict.Execution"));
}

#[test]
fn inputs_before_the_start_and_for_unknown_machines_are_refused() {
    let text = crate::support::template(&["Name: a, Action: Acme::Do"]);
    let mut bench = Bench::idle(&text, &[], oos_core::Limits::default());
    assert_eq!(bench.signal(SignalKind::Cancel), Err("EntityNotExists.Execution"));
    bench.start(Started::default());
    let step = oos_core::ids::PathStep { task: "a".into(), run: 1, item: None };
    let path = bench.root().path.child(step);
    let to = SignalTarget { path, ..SignalTarget::default() };
    assert_eq!(bench.send("x", to, SignalKind::Cancel), Err("EntityNotExists.Execution"));
}
