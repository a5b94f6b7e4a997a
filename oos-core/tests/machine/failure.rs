//! Failure and final status (template-language 5.5).

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, Started, TaskStatus},
    params,
};

use crate::support::{Bench, template, template_with};

const HANDLER: &str = "Name: clean, Action: Acme::Do";

/// One task that fails, then everything else ends well.
fn run(first: &str, started: Started) -> Bench {
    let text = template(&[first, "Name: between, Action: Acme::Do", HANDLER]);
    let mut bench = Bench::run_with(&text, &[], started);
    bench.fail("a");
    bench.finish_all(&Value::empty_map());
    bench
}

#[test]
fn without_a_handler_the_run_fails_at_once() {
    for task in [
        "Name: a, Action: Acme::Do",
        "Name: a, Action: Acme::Do, OnError: 'ACS::END'",
        "Name: a, Action: Acme::Do, OnError: END",
    ] {
        let bench = run(task, Started::default());
        assert_eq!((bench.status(), bench.order().join(" ")), (Failed, "a".into()), "{task}");
        assert_eq!(bench.message(), "Broken: it broke");
    }
}

#[test]
fn a_handled_critical_failure_still_fails_the_run() {
    let bench = run("Name: a, Action: Acme::Do, OnError: clean", Started::default());
    assert_eq!((bench.status(), bench.order().join(" ")), (Failed, "a clean".into()));
    assert_eq!(bench.message(), "Broken: it broke");
}

#[test]
fn the_failure_is_visible_while_the_handler_runs() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, OnError: clean", HANDLER]);
    bench.fail("a");
    assert_eq!((bench.status(), bench.message()), (Running, "Broken: it broke".to_owned()));
    bench.done("clean", Value::Null);
    assert_eq!(bench.status(), Failed);
}

#[test]
fn a_failure_that_is_not_critical_is_forgiven_when_handled() {
    let bench = run("Name: a, Action: Acme::Do, OnError: clean, IsCritical: false", Started::default());
    assert_eq!((bench.status(), bench.message()), (Success, String::new()));
    let bench = run("Name: a, Action: Acme::Do, IsCritical: false", Started::default());
    assert_eq!(bench.status(), Failed, "nobody handled it");
}

#[test]
fn next_is_forgiven_unless_the_task_says_that_it_is_critical() {
    let bench = run("Name: a, Action: Acme::Do, OnError: 'ACS::NEXT'", Started::default());
    assert_eq!((bench.status(), bench.order().join(" ")), (Success, "a between clean".into()));
    let bench = run("Name: a, Action: Acme::Do, OnError: CONTINUE", Started::default());
    assert_eq!(bench.status(), Success);
    let bench = run("Name: a, Action: Acme::Do, OnError: 'ACS::NEXT', IsCritical: true", Started::default());
    assert_eq!((bench.status(), bench.order().join(" ")), (Failed, "a between clean".into()));
}

#[test]
fn a_task_with_the_name_of_the_word_is_a_handler_and_forgives_nothing() {
    for word in ["CONTINUE", "NEXT"] {
        let mut bench = Bench::tasks(&[
            &format!("Name: a, Action: Acme::Do, OnError: {word}"),
            "Name: b, Action: Acme::Do",
            &format!("Name: {word}, Action: Acme::Do"),
        ]);
        bench.fail("a").done(word, Value::Null);
        assert_eq!((bench.status(), bench.order()), (Failed, vec!["a".to_owned(), word.to_owned()]));
    }
}

#[test]
fn the_start_may_forgive_handled_failures() {
    let forgive = || Started { forgive_handled: true, ..Started::default() };
    assert_eq!(run("Name: a, Action: Acme::Do, OnError: clean", forgive()).status(), Success);
    assert_eq!(run("Name: a, Action: Acme::Do", forgive()).status(), Failed);
}

#[test]
fn a_handler_that_fails_follows_its_own_on_error() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, OnError: b",
        "Name: x, Action: Acme::Do",
        "Name: b, Action: Acme::Do",
        "Name: c, Action: Acme::Do",
    ]);
    bench.fail("a").fail("b");
    assert_eq!((bench.status(), bench.order().join(" ")), (Failed, "a b".into()));
}

#[test]
fn the_message_is_that_of_the_first_critical_failure() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, OnError: 'ACS::NEXT'",
        "Name: b, Action: Acme::Do, OnError: c",
        "Name: c, Action: Acme::Do, Properties: {x: {'Fn::Jq': [First, 'error', '{{ ACS::RegionId }}']}}",
    ]);
    bench.fail("a");
    assert_eq!(bench.message(), "");
    bench.fail("b");
    assert_eq!((bench.status(), bench.message()), (Failed, "Broken: it broke".to_owned()));
}

#[test]
fn outputs_of_a_failed_run_are_best_effort() {
    let sections = "Outputs: {v: {Type: Json, Value: '{{ a.v }}'}, l: {Type: List, Value: '{{ b.v }}'}, bad: {Type: Json, Value: {'Fn::Jq': [First, 'error', '{{ a.v }}']}}}";
    let v = "Outputs: {v: {Type: Json, ValueSelector: v}}";
    let text = template_with(
        sections,
        &[&format!("Name: a, Action: Acme::Do, {v}"), &format!("Name: b, Action: Acme::Do, {v}")],
    );
    let mut bench = Bench::run(&text);
    bench.done("a", params! { "v" => 1 }).fail("b");
    assert_eq!(bench.root().outputs, params! { "v" => 1, "l" => Value::Null, "bad" => Value::Null });
    assert_eq!(bench.message(), "Broken: it broke");
}

#[test]
fn a_failing_evaluation_fails_the_task_and_on_error_holds() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Properties: {x: {'Fn::Jq': [First, 'error', '{{ ACS::RegionId }}']}}, OnError: clean",
        HANDLER,
    ]);
    assert_eq!(bench.task("a").status, TaskStatus::Failed);
    bench.done("clean", Value::Null);
    assert_eq!(bench.status(), Failed);
}

#[test]
fn a_failing_selector_fails_the_task() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Outputs: {v: {Type: Json, ValueSelector: '.a.b'}}"]);
    bench.done("a", params! { "a" => "text" });
    assert_eq!(bench.status(), Failed);
    assert!(bench.message().starts_with("SelectorError: output `v`"), "{}", bench.message());
}

#[test]
fn parameters_that_do_not_fit_fail_the_run_before_any_task() {
    let text = template_with("Parameters: {n: {Type: Number, MaxValue: 3}}", &["Name: a, Action: Acme::Do"]);
    for (given, code) in [
        (params! {}, "MissingParameter"),
        (params! { "n" => 4 }, "InvalidParameter"),
        (params! { "m" => 1 }, "InvalidParameter.Unknown"),
    ] {
        let bench = Bench::run_with(&text, &[], Started { parameters: given, ..Started::default() });
        assert_eq!(bench.status(), Failed);
        assert!(bench.message().starts_with(code), "{code}: {}", bench.message());
        assert!(bench.open.is_empty());
    }
}
