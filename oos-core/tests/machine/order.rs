//! Order, jumps, When, conditions, choice, step budget (template-language 5.2-5.4).

use oos_core::{
    Limits, Value,
    machine::{ExecutionStatus::*, Started, TaskStatus},
    params,
};

use crate::support::{Bench, json, template, template_with};

const OK: TaskStatus = TaskStatus::Success;
const SKIPPED: TaskStatus = TaskStatus::Skipped;
const PENDING: TaskStatus = TaskStatus::Pending;

/// Runs to the end with the same document for all work and gives the tasks in the order of their entry.
fn order(tasks: &[&str]) -> (Vec<String>, Bench) {
    let mut bench = Bench::tasks(tasks);
    bench.finish_all(&Value::empty_map());
    (bench.order(), bench)
}

#[test]
fn tasks_run_in_list_order_one_at_a_time() {
    let mut bench =
        Bench::tasks(&["Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do", "Name: c, Action: Acme::Do"]);
    assert_eq!(bench.outstanding(), ["a"]);
    bench.done("a", Value::Null);
    assert_eq!(bench.outstanding(), ["b"]);
    bench.done("b", Value::Null).done("c", Value::Null);
    assert_eq!((bench.status(), bench.order().join("")), (Success, "abc".into()));
}

#[test]
fn a_jump_forward_leaves_out_what_lies_between() {
    let (order, bench) = order(&[
        "Name: a, Action: Acme::Do, OnSuccess: c",
        "Name: b, Action: Acme::Do",
        "Name: c, Action: Acme::Do",
        "Name: d, Action: Acme::Do",
    ]);
    assert_eq!(order.join(""), "acd");
    assert_eq!(bench.statuses(), [OK, PENDING, OK, OK]);
}

#[test]
fn the_words_end_and_next_steer() {
    let (order_, _) = order(&[
        "Name: a, Action: Acme::Do, OnSuccess: 'ACS::NEXT'",
        "Name: b, Action: Acme::Do, OnSuccess: 'ACS::END'",
        "Name: c, Action: Acme::Do",
    ]);
    assert_eq!(order_.join(""), "ab");
    let (old, _) = order(&[
        "Name: a, Action: Acme::Do, OnSuccess: NEXT",
        "Name: b, Action: Acme::Do, OnSuccess: END",
        "Name: c, Action: Acme::Do",
    ]);
    assert_eq!(old.join(""), "ab");
}

#[test]
fn a_task_named_like_an_old_word_is_a_task() {
    let (order, _) = order(&[
        "Name: a, Action: Acme::Do, OnSuccess: END",
        "Name: b, Action: Acme::Do",
        "Name: END, Action: Acme::Do",
    ]);
    assert_eq!(order, ["a", "END"]);
}

#[test]
fn a_jump_backward_enters_the_task_anew_and_replaces_its_outputs() {
    let choice = "Name: again, Action: ACS::Choice, Properties: {DefaultTask: 'ACS::END', Choices: [{When: {'Fn::Equals': ['{{ a.v }}', 1]}, NextTask: a}]}";
    let mut bench =
        Bench::tasks(&["Name: a, Action: Acme::Do, Outputs: {v: {Type: Number, ValueSelector: v}}", choice]);
    bench.done("a", params! { "v" => 1 });
    assert_eq!(bench.outstanding(), ["a"]);
    assert_eq!(bench.work("a").key.run, 2);
    bench.done("a", params! { "v" => 2 });
    assert_eq!((bench.status(), bench.order().join(" ")), (Success, "a again a again".into()));
    assert_eq!(bench.task("a").outputs, params! { "v" => 2 });
}

#[test]
fn an_endless_jump_ends_with_the_step_budget() {
    let mut limits = Limits::default();
    limits.steps = 7;
    let text = template(&["Name: a, Action: Acme::Do, OnSuccess: a"]);
    let mut bench = Bench::idle(&text, &[], limits);
    bench.start(Started::default());
    for _ in 0..7 {
        bench.done("a", Value::Null);
    }
    assert_eq!(bench.status(), Failed);
    assert!(bench.message().starts_with("LimitExceeded.Steps"), "{}", bench.message());
}

#[test]
fn a_false_condition_skips_to_the_next_in_the_list_not_to_on_success() {
    let (order, bench) = order(&[
        "Name: a, Action: Acme::Do, When: {'Fn::Equals': [1, 2]}, OnSuccess: c",
        "Name: b, Action: Acme::Do",
        "Name: c, Action: Acme::Do",
    ]);
    assert_eq!(order.join(""), "bc");
    assert_eq!(bench.statuses(), [SKIPPED, OK, OK]);
    assert_eq!(bench.status(), Success);
}

#[test]
fn a_skipped_task_has_null_outputs_and_its_properties_are_not_read() {
    let text = template_with(
        "Outputs: {v: {Type: Json, Value: '{{ a.v }}'}}",
        &[
            "Name: a, Action: Acme::Do, When: false, Properties: {x: {'Fn::Select': [5, []]}}, Outputs: {v: {Type: Json, ValueSelector: .}}",
        ],
    );
    let bench = Bench::run(&text);
    assert_eq!((bench.status(), bench.output("v")), (Success, Value::Null));
}

#[test]
fn when_takes_a_condition_name_a_reference_and_text() {
    let sections = "Parameters: {go: {Type: Boolean}}\nConditions: {yes: {'Fn::Equals': ['{{ go }}', true]}, no: {'Fn::Not': [yes]}}";
    let tasks = [
        "Name: a, Action: Acme::Do, When: yes",
        "Name: b, Action: Acme::Do, When: no",
        "Name: c, Action: Acme::Do, When: '{{ go }}'",
        "Name: d, Action: Acme::Do, When: {'Fn::If': ['{{ go }}', 'false', 'true']}",
    ];
    let started = Started { parameters: params! { "go" => true }, ..Started::default() };
    let mut bench = Bench::run_with(&template_with(sections, &tasks), &[], started);
    bench.finish_all(&Value::empty_map());
    assert_eq!(bench.statuses(), [OK, SKIPPED, OK, SKIPPED]);
}

#[test]
fn conditions_are_evaluated_at_each_use() {
    let sections = "Conditions: {seen: {'Fn::Equals': ['{{ a.v }}', 1]}}";
    let tasks = [
        "Name: a, Action: Acme::Do, Outputs: {v: {Type: Number, ValueSelector: .}}",
        "Name: second, Action: Acme::Do, When: seen",
    ];
    for (value, second) in [(1, OK), (2, SKIPPED)] {
        let mut bench = Bench::run(&template_with(sections, &tasks));
        bench.finish_all(&Value::from(value));
        assert_eq!(bench.statuses(), [OK, second]);
    }
}

#[test]
fn a_when_that_is_no_boolean_fails_the_task() {
    let bench = Bench::tasks(&["Name: a, Action: Acme::Do, When: {'Fn::Join': ['', ['x', 'y']]}"]);
    assert_eq!(bench.status(), Failed);
    assert!(bench.message().starts_with("InvalidConditionValue"), "{}", bench.message());
}

#[test]
fn choice_takes_the_first_that_is_true_and_reads_no_further() {
    let choices = "{When: {'Fn::Equals': [1, 2]}, NextTask: a}, {When: {'Fn::Equals': [1, 1]}, NextTask: b}, {When: {'Fn::Jq': [First, 'error', '{{ ACS::RegionId }}']}, NextTask: a}";
    let choice = format!("Name: pick, Action: ACS::Choice, Properties: {{DefaultTask: a, Choices: [{choices}]}}");
    let (order_, _) = order(&[&choice, "Name: a, Action: Acme::Do", "Name: b, Action: Acme::Do"]);
    assert_eq!(order_.join(" "), "pick b");
    let default = "Name: pick, Action: ACS::Choice, OnSuccess: a, Properties: {DefaultTask: 'ACS::END', Choices: [{When: {'Fn::Equals': [1, 2]}, NextTask: a}]}";
    let (order_, bench) = order(&[default, "Name: a, Action: Acme::Do"]);
    assert_eq!((order_.join(" "), bench.status()), ("pick".into(), Success));
}

#[test]
fn outputs_are_typed_at_the_end() {
    let text = template_with(
        "Outputs: {l: {Type: List, Value: '{{ a.v }}'}, t: {Type: String, Value: 'v={{ a.v }}'}, n: {Type: List, Value: '{{ a.none }}'}}",
        &[
            "Name: a, Action: Acme::Do, Outputs: {v: {Type: Number, ValueSelector: v}, none: {Type: Json, ValueSelector: none}}",
        ],
    );
    let mut bench = Bench::run(&text);
    bench.done("a", params! { "v" => 3 });
    assert_eq!(bench.root().outputs, json(r#"{"l": [3], "t": "v=3", "n": [null]}"#));
}

#[test]
fn an_output_that_cannot_be_made_fails_a_good_run() {
    let text = template_with(
        "Outputs: {v: {Type: Json, Value: {'Fn::Jq': [First, 'error', '{{ a.v }}']}}}",
        &["Name: a, Action: Acme::Do, Outputs: {v: {Type: List, ValueSelector: '.[]'}}"],
    );
    let mut bench = Bench::run(&text);
    bench.done("a", json("[1]"));
    assert_eq!(bench.status(), Failed);
    assert!(bench.message().contains("output `v`"), "{}", bench.message());
}
