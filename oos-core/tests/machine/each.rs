//! `ACS::Loop`: several tasks for each item (actions.md 15).

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, Started},
    params,
};

use crate::support::{Bench, json, template_with};

fn text(rate: &str, inner: &[&str]) -> String {
    let inner: Vec<_> = inner.iter().map(|t| format!("{{{t}}}")).collect();
    let task = format!(
        "Name: each, Action: ACS::Loop, Properties: {{LoopItems: [p, q, r], LoopRateControl: {rate}, LoopTasks: [{}]}}, Outputs: {{vs: {{Type: Json, ValueSelector: '{{{{ second.v }}}}'}}}}",
        inner.join(", ")
    );
    let first = "Name: outer, Action: Acme::Do, Outputs: {o: {Type: Json, ValueSelector: o}}";
    template_with(
        "Parameters: {k: {Type: String, Default: K}}\nOutputs: {vs: {Type: Json, Value: '{{ each.vs }}'}}",
        &[first, &task, "Name: after, Action: Acme::Do"],
    )
}

const FIRST: &str = "Name: first, Action: Acme::Do, Properties: {all: '{{ ACS::TaskLoopItem }}-{{ k }}-{{ outer.o }}'}, Outputs: {v: {Type: Json, ValueSelector: v}}";
const SECOND: &str =
    "Name: second, Action: Acme::Do, Properties: {of: '{{ first.v }}'}, Outputs: {v: {Type: Json, ValueSelector: v}}";

fn run(rate: &str, inner: &[&str]) -> Bench {
    let mut bench = Bench::run_with(&text(rate, inner), &[], Started::default());
    bench.done("outer", params! { "o" => "O" });
    bench
}

#[test]
fn items_run_their_tasks_in_order_and_see_the_scope_around_them() {
    let mut bench = run("{Mode: Concurrency, Concurrency: 2}", &[FIRST, SECOND]);
    assert_eq!(bench.item("each", 1).properties, params! { "all" => "p-K-O" });
    bench.done_item("each", 2, params! { "v" => "f2" });
    assert_eq!(bench.item("each", 2).properties, params! { "of" => "f2" });
    bench.done_item("each", 2, params! { "v" => "s2" });
    for (n, v) in [(1, "x"), (1, "s1"), (3, "x"), (3, "s3")] {
        bench.done_item("each", n, params! { "v" => v });
    }
    bench.done("after", Value::Null);
    assert_eq!((bench.status(), bench.output("vs")), (Success, json(r#"["s1", "s2", "s3"]"#)));
}

#[test]
fn inner_jumps_stay_inside_and_end_ends_the_item() {
    let jump = "Name: first, Action: Acme::Do, OnError: second, OnSuccess: 'ACS::END', IsCritical: false, Outputs: {v: {Type: Json, ValueSelector: v}}";
    let mut bench = run("{Mode: Concurrency, MaxErrors: 3}", &[jump, "Name: between, Action: Acme::Do", SECOND]);
    bench.done_item("each", 1, params! {});
    bench.fail_item("each", 2);
    assert_eq!(bench.outstanding(), ["second"]);
    bench.done_item("each", 2, params! { "v" => 2 }).fail_item("each", 3).done_item("each", 3, params! { "v" => 3 });
    assert_eq!(bench.task("each").outputs, json(r#"{"vs": [null, 2, 3]}"#));
}

#[test]
fn a_failed_item_gives_null_and_counts() {
    let mut bench = run("{Mode: Concurrency, MaxErrors: 1}", &[FIRST, SECOND]);
    bench.fail_item("each", 1);
    for (n, v) in [(2, 1), (2, 2), (3, 1), (3, 3)] {
        bench.done_item("each", n, params! { "v" => v });
    }
    assert_eq!(bench.task("each").outputs, json(r#"{"vs": [null, 2, 3]}"#));
    let mut bench = run("{Mode: Concurrency, MaxErrors: 0}", &[FIRST, SECOND]);
    bench.fail_item("each", 1);
    assert_eq!(bench.status(), Failed);
}

#[test]
fn items_are_part_of_the_execution_around_them() {
    let bench = run(
        "{Mode: Concurrency}",
        &[
            "Name: first, Action: Acme::Do, Properties: {id: '{{ ACS::ExecutionId }}'}, Outputs: {v: {Type: Json, ValueSelector: v}}",
            SECOND,
        ],
    );
    assert_eq!(bench.item("each", 1).properties, params! { "id" => "exec-00112233445566aa" });
}
