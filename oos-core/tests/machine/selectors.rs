//! Selectors in a run: texts that references make, functions that make texts or values, and what fails
//! (template-language 3.3, 7.5, 7.6).

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, Started, TaskStatus},
    params,
};

use crate::support::{Bench, json, template, template_with};

/// The output of a task under a selector, on a document.
fn selected(selector: &str, parameters: &str, document: &str) -> Bench {
    let task = format!("Name: a, Action: Acme::Do, Outputs: {{o: {{Type: Json, ValueSelector: {selector}}}}}");
    let mut bench = Bench::run(&template_with(parameters, &[&task]));
    bench.done("a", json(document));
    bench
}

fn output(selector: &str, parameters: &str, document: &str) -> Value {
    let bench = selected(selector, parameters, document);
    assert_eq!(bench.status(), Success, "{selector}: {}", bench.message());
    bench.task("a").outputs.at(&["o"]).clone()
}

const NAMES: &str = "Parameters: {name: {Default: b}, quoted: {Default: 'x\"y'}, list: {Type: List, Default: [1, 2]}, path: {Default: 'a[1].b'}}";
const DOCUMENT: &str = r#"{"a": [{"b": 1, "n": "b"}, {"b": 2, "n": "c"}], "b": "found"}"#;

#[test]
fn references_are_put_into_the_text_bare_and_lists_as_json() {
    assert_eq!(output("'.{{ name }}'", NAMES, DOCUMENT), Value::from("found"));
    assert_eq!(output("'a[] | select(.n == \"{{ name }}\") | .{{ name }}'", NAMES, DOCUMENT), Value::from(1));
    assert_eq!(output("'.a[1].b as $x | {{ list }} | index($x)'", NAMES, DOCUMENT), Value::from(1));
    assert_eq!(output("'{{ path }}'", NAMES, DOCUMENT), Value::from(2), "a dot is supplied after that");
}

#[test]
fn a_value_with_a_quote_breaks_the_text_and_fails_the_task() {
    let bench = selected("'.a[] | select(.n == \"{{ quoted }}\")'", NAMES, DOCUMENT);
    assert_eq!((bench.status(), bench.task("a").status), (Failed, TaskStatus::Failed));
    assert!(bench.message().starts_with("InvalidSelector"), "{}", bench.message());
    assert!(bench.message().contains(r#"x"y"#), "the text as it was: {}", bench.message());
}

#[test]
fn functions_make_the_text() {
    for (selector, expected) in [
        ("{'Fn::Sub': ['.a[${i}].b', {i: 1}]}", Value::from(2)),
        ("{'Fn::Join': ['.', ['a[0]', '{{ name }}']]}", Value::from(1)),
        ("{'Fn::If': [true, b, a]}", Value::from("found")),
        ("{'Fn::Replace': [{X: b}, .X]}", Value::from("found")),
        ("{'Fn::Select': [1, [a, b]]}", Value::from("found")),
    ] {
        assert_eq!(output(selector, NAMES, DOCUMENT), expected, "{selector}");
    }
}

#[test]
fn jq_makes_the_value_itself() {
    let selector = "{'Fn::Jq': [First, '.[1]', '{{ list }}']}";
    assert_eq!(output(selector, NAMES, DOCUMENT), Value::from(2));
    // A text that would be a selector is the value too.
    let selector = "{'Fn::Jq': [All, '.[] | tostring | \".\" + .', '{{ list }}']}";
    assert_eq!(output(selector, NAMES, DOCUMENT), json(r#"[".1", ".2"]"#));
}

#[test]
fn an_output_of_an_earlier_task_may_be_the_text() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, Outputs: {path: {ValueSelector: path}}",
        "Name: b, Action: Acme::Do, Outputs: {o: {ValueSelector: '{{ a.path }}'}}",
    ]);
    bench.done("a", params! { "path" => "x.y" }).done("b", json(r#"{"x": {"y": 5}}"#));
    assert_eq!((bench.status(), bench.task("b").outputs), (Success, params! { "o" => 5 }));
}

#[test]
fn what_fails_while_it_runs_fails_the_task_and_on_error_holds() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, OnError: c, Outputs: {o: {ValueSelector: '.x[]'}}",
        "Name: b, Action: Acme::Do",
        "Name: c, Action: Acme::Do",
    ]);
    bench.done("a", params! { "x" => Value::Null });
    assert_eq!((bench.task("a").status, bench.outstanding()), (TaskStatus::Failed, vec!["c".to_owned()]));
    bench.done("c", Value::Null);
    assert!(bench.message().starts_with("SelectorError"), "{}", bench.message());
}

#[test]
fn outputs_of_a_looped_task_are_selected_item_by_item() {
    let outputs = "Outputs: {own: {ValueSelector: '.all[] | select(.id == \"{{ ACS::TaskLoopItem }}\") | .v'}}";
    let combined = "Outputs: {own: {AggregateType: 'Fn::Sum', AggregateField: own}}";
    let task = format!("Name: a, Action: Acme::Do, {outputs}, Loop: {{Items: [x, y, z], {combined}}}");
    let mut bench = Bench::run_with(&template(&[&task]), &[], Started::default());
    let all = json(r#"{"all": [{"id": "x", "v": 1}, {"id": "y", "v": 2}]}"#);
    (1..=3).for_each(|n| {
        bench.done_item("a", n, all.clone());
    });
    assert_eq!((bench.status(), bench.task("a").outputs), (Success, params! { "own" => 3 }));
}
