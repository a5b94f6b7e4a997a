//! Stored parameters: asked for when an expression needs them, once, and with the time of the step (machine.md 4).

use oos_core::{Value, machine::ExecutionStatus::*, params};

use crate::support::{Bench, template_with};

#[test]
fn a_name_is_asked_for_once_and_all_items_see_one_value() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Properties: {x: '{{ oos:name }}', at: '{{ ACS::CurrentUTCTime }}'}, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}",
    ]);
    assert_eq!(bench.fetches.len(), 1);
    assert!(bench.open.is_empty());
    bench.now = bench.now.plus_seconds(60);
    bench.fetched(&[("name", Value::from("value"))], &[]);
    assert_eq!(bench.outstanding(), ["a#1", "a#2"]);
    let expected = params! { "x" => "value", "at" => "2026-01-01T00:00:00Z" };
    assert_eq!(bench.item("a", 2).properties, expected, "evaluated with the time of the start of the step");
}

#[test]
fn branches_that_are_not_taken_fetch_nothing() {
    let bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Properties: {x: {'Fn::If': [{'Fn::Equals': [1, 1]}, plain, '{{ oos:name }}']}}",
    ]);
    assert!(bench.fetches.is_empty());
    assert_eq!(bench.work("a").properties, params! { "x" => "plain" });
}

#[test]
fn a_missing_name_fails_the_task() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Properties: {x: '{{ oos:name }}'}"]);
    bench.fetched(&[], &["name"]);
    assert_eq!(bench.status(), Failed);
    assert!(bench.message().starts_with("EntityNotExists.Parameter"), "{}", bench.message());
}

#[test]
fn conditions_choices_and_outputs_may_wait_for_names() {
    let choice = "Name: pick, Action: ACS::Choice, Properties: {DefaultTask: 'ACS::END', Choices: [{When: {'Fn::Equals': ['{{ oos:two }}', 2]}, NextTask: b}]}";
    let text = template_with(
        "Outputs: {o: {Type: Json, Value: '{{ oos:three }}'}}",
        &["Name: a, Action: Acme::Do, When: {'Fn::Equals': ['{{ oos:one }}', 1]}", choice, "Name: b, Action: Acme::Do"],
    );
    let mut bench = Bench::run(&text);
    bench.fetched(&[("one", Value::from(1))], &[]);
    bench.done("a", Value::Null);
    assert_eq!(bench.fetches.len(), 2);
    bench.fetched(&[("two", Value::from(2))], &[]);
    bench.done("b", Value::Null);
    assert_eq!(bench.status(), Running, "the outputs wait");
    bench.fetched(&[("three", Value::from(3))], &[]);
    assert_eq!((bench.status(), bench.output("o")), (Success, Value::from(3)));
}

#[test]
fn two_names_of_different_items_come_in_one_by_one() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Properties: {x: {'Fn::If': [{'Fn::Equals': ['{{ ACS::TaskLoopItem }}', 1]}, '{{ oos:one }}', '{{ oos:two }}']}}, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, Concurrency: 2}}",
    ]);
    assert_eq!(bench.fetches.len(), 2);
    bench.fetched(&[("two", Value::from("II"))], &[]);
    assert_eq!(bench.outstanding(), ["a#2"]);
    bench.fetched(&[("one", Value::from("I"))], &[]);
    assert_eq!(bench.outstanding(), ["a#2", "a#1"]);
}
