//! Loops (template-language 6): windows, error budgets, batches, items, aggregates.

use oos_core::{
    Value,
    machine::{ExecutionStatus::*, LoopMode, SignalKind, Started, TaskStatus},
    params,
};

use crate::support::{Bench, json, template, template_with};

const OUTPUTS: &str = "Outputs: {v: {Type: Json, ValueSelector: v}}";

fn looped(items: &str, rate: &str) -> String {
    format!(
        "Name: a, Action: Acme::Do, Properties: {{item: '{{{{ ACS::TaskLoopItem }}}}'}}, {OUTPUTS}, \
         Loop: {{Items: {items}, {rate}, Outputs: {{vs: {{AggregateType: 'Fn::ListJoin', AggregateField: v}}}}}}"
    )
}

fn bench(items: &str, rate: &str) -> Bench {
    Bench::tasks(&[&looped(items, rate)])
}

#[test]
fn items_alone_run_one_after_the_other() {
    let mut bench = Bench::tasks(&["Name: a, Action: Acme::Do, Loop: {Items: [x, y]}"]);
    assert_eq!(bench.outstanding(), ["a#1"]);
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.outstanding(), ["a#2"]);
    bench.done_item("a", 2, Value::Null);
    assert_eq!(bench.status(), Success);
}

#[test]
fn the_window_is_filled_and_refilled_in_order() {
    let mut bench = bench("[1, 2, 3, 4, 5]", "RateControl: {Mode: Concurrency, Concurrency: 2}");
    assert_eq!(bench.outstanding(), ["a#1", "a#2"]);
    bench.done_item("a", 2, json(r#"{"v": "b"}"#));
    assert_eq!(bench.outstanding(), ["a#1", "a#3"]);
    for (n, v) in [(3, "c"), (4, "d"), (5, "e"), (1, "a")] {
        bench.done_item("a", n, params! { "v" => v });
    }
    assert_eq!(
        bench.task("a").outputs.at(&["vs"]),
        &json(r#"["a", "b", "c", "d", "e"]"#),
        "order of items, not of ends"
    );
}

#[test]
fn windows_take_numbers_texts_percentages_and_more_than_there_are() {
    for (concurrency, width) in [("3", 3), ("'3'", 3), ("50%", 2), ("1%", 1), ("99", 4), ("100%", 4)] {
        let bench = bench("[1, 2, 3, 4]", &format!("RateControl: {{Mode: Concurrency, Concurrency: {concurrency}}}"));
        assert_eq!(bench.outstanding().len(), width, "{concurrency}");
    }
}

#[test]
fn the_error_budget_holds_at_its_boundary() {
    // (items, MaxErrors, failures that are still a success)
    for (count, max, budget) in
        [(5, "0", 0), (5, "2", 2), (5, "'2'", 2), (5, "50%", 2), (3, "50%", 1), (3, "100%", 3), (4, "25%", 1)]
    {
        let items = format!("{:?}", (1..=count).collect::<Vec<_>>());
        for failures in [budget, budget + 1] {
            let mut bench =
                bench(&items, &format!("RateControl: {{Mode: Concurrency, Concurrency: 1, MaxErrors: {max}}}"));
            for n in 1..=count {
                if bench.outstanding().is_empty() {
                    break;
                }
                if n <= failures {
                    bench.fail_item("a", n)
                } else {
                    bench.done_item("a", n, params! {})
                };
            }
            let expected = if failures.min(count) <= budget { Success } else { Failed };
            assert_eq!(bench.status(), expected, "{failures} of {count} with {max}");
        }
    }
}

#[test]
fn too_many_errors_start_nothing_more_and_await_what_runs() {
    let mut bench = bench("[1, 2, 3, 4]", "RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 0}");
    bench.fail_item("a", 1);
    assert_eq!((bench.outstanding(), bench.status()), (vec!["a#2".to_owned()], Running));
    bench.done_item("a", 2, json(r#"{"v": 2}"#));
    assert_eq!(bench.status(), Failed);
    assert!(
        bench.message().starts_with("LoopMaxErrorsExceeded: 1 of 4 items failed, at most 0 may"),
        "{}",
        bench.message()
    );
    assert_eq!(bench.task("a").outputs.at(&["vs"]), &json("[null, 2, null, null]"), "aggregates of a failed loop");
}

#[test]
fn the_status_does_not_depend_on_the_window() {
    for max in 0..=4 {
        let ends = (1..=4).map(|window| {
            let rate = format!("RateControl: {{Mode: Concurrency, Concurrency: {window}, MaxErrors: {max}}}");
            let mut bench = bench("[1, 2, 3, 4]", &rate);
            while let Some(open) = bench.open.first().cloned() {
                let item = open.key.item.unwrap();
                if item <= 2 {
                    bench.fail_item("a", item)
                } else {
                    bench.done_item("a", item, params! {})
                };
            }
            bench.status()
        });
        let expected = if max < 2 { Failed } else { Success };
        assert!(ends.into_iter().all(|status| status == expected), "MaxErrors {max}");
    }
}

#[test]
fn errors_within_the_budget_leave_null() {
    let mut bench = bench("[1, 2]", "RateControl: {Mode: Concurrency, Concurrency: 2, MaxErrors: 1}");
    bench.fail_item("a", 2).done_item("a", 1, json(r#"{"v": [1]}"#));
    assert_eq!((bench.status(), bench.task("a").outputs.at(&["vs"]).clone()), (Success, json(r#"[[1], null]"#)));
}

#[test]
fn empty_null_single_and_json_text_items() {
    for items in ["[]", "{'Fn::First': []}", "'[]'"] {
        let bench = bench(items, "RateControl: {Mode: Concurrency}");
        assert_eq!((bench.status(), bench.task("a").outputs.at(&["vs"]).clone()), (Success, json(r#"[]"#)), "{items}");
    }
    let single = bench("{'Fn::Join': ['-', [one, two]]}", "RateControl: {Mode: Concurrency}");
    assert_eq!(single.item("a", 1).properties, params! { "item" => "one-two" });
    let text = bench("{'Fn::Join': ['', ['[7', ',8]']]}", "RateControl: {Mode: Concurrency, Concurrency: 9}");
    assert_eq!(text.outstanding().len(), 2);
    assert_eq!(text.item("a", 2).properties, params! { "item" => 8 });
}

#[test]
fn an_empty_loop_follows_on_success() {
    let task = "Name: a, Action: Acme::Do, OnSuccess: c, Loop: {Items: []}";
    let bench = Bench::tasks(&[task, "Name: b, Action: Acme::Do", "Name: c, Action: Acme::Do"]);
    assert_eq!(bench.outstanding(), ["c"]);
}

#[test]
fn null_elements_are_items_and_elements_keep_their_type() {
    let bench = bench("[null, {k: 1}, [1, 2], true]", "RateControl: {Mode: Concurrency, Concurrency: 9}");
    assert_eq!(bench.outstanding().len(), 4);
    assert_eq!(bench.item("a", 2).properties, json(r#"{"item": {"k": 1}}"#));
    assert_eq!(bench.item("a", 3).properties, json(r#"{"item": [1, 2]}"#));
    assert_eq!(bench.item("a", 1).properties, params! {}, "null properties are dropped");
}

#[test]
fn a_condition_that_reads_the_item_is_asked_per_item_and_takes_no_slot() {
    let task = "Name: a, Action: Acme::Do, When: {'Fn::Equals': ['{{ ACS::TaskLoopItem }}', 3]}, Outputs: {v: {Type: Json, ValueSelector: v}}, Loop: {Items: [1, 2, 3], Outputs: {vs: {AggregateType: 'Fn::ListJoin', AggregateField: v}}}";
    let mut bench = Bench::tasks(&[task]);
    assert_eq!(bench.outstanding(), ["a#3"]);
    bench.done_item("a", 3, json(r#"{"v": 1}"#));
    assert_eq!(bench.items("a")[&1], TaskStatus::Skipped);
    assert_eq!((bench.status(), bench.task("a").outputs.at(&["vs"]).clone()), (Success, json(r#"[null, null, 1]"#)));
}

#[test]
fn a_condition_without_the_item_is_asked_once_and_skips_the_task() {
    let bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, When: false, Loop: {Items: {'Fn::Jq': [First, 'error', '{{ ACS::RegionId }}']}}",
    ]);
    assert_eq!((bench.status(), bench.task("a").status), (Success, TaskStatus::Skipped), "items are not evaluated");
}

#[test]
fn an_item_whose_evaluation_fails_is_a_failed_item() {
    let task = "Name: a, Action: Acme::Do, Properties: {x: {'Fn::Jq': [First, 'if . == 7 then error else . end', '{{ ACS::TaskLoopItem }}']}}, Loop: {Items: [0, 7, 1], RateControl: {Mode: Concurrency, MaxErrors: 1}}";
    let mut bench = Bench::tasks(&[task]);
    bench.finish_all(&params! {});
    assert_eq!(bench.status(), Success);
    assert_eq!(bench.items("a")[&2], TaskStatus::Failed);
    assert_eq!(bench.items("a")[&3], TaskStatus::Success);
}

#[test]
fn malformed_rates_fail_the_task() {
    for rate in [
        "{Mode: Fast}",
        "{Mode: Concurrency, Concurrency: 0}",
        "{Mode: Concurrency, MaxErrors: many}",
        "{Mode: Batch, Batch: []}",
    ] {
        let text = template_with(
            "Parameters: {rate: {Type: Json}}",
            &["Name: a, Action: Acme::Do, Loop: {Items: [1], RateControl: '{{ rate }}'}"],
        );
        let given = json(&serde_json::to_string(&yaml(rate)).unwrap());
        let bench =
            Bench::run_with(&text, &[], Started { parameters: params! { "rate" => given }, ..Started::default() });
        assert_eq!(bench.status(), Failed, "{rate}");
        assert!(bench.message().starts_with("InvalidLoop"), "{}", bench.message());
    }
}

fn yaml(text: &str) -> serde_json::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn more_items_than_allowed_fail_the_task() {
    let range = "Name: a, Action: Acme::Do, Loop: {Items: {'Fn::Jq': [All, '.', '[range(1001)]']}}";
    let items: Vec<_> = (0..1_001).collect();
    let text = template_with(
        "Parameters: {items: {Type: List}}",
        &["Name: a, Action: Acme::Do, Loop: {Items: '{{ items }}'}"],
    );
    let bench = Bench::run_with(&text, &[], Started { parameters: params! { "items" => items }, ..Started::default() });
    assert_eq!(bench.status(), Failed, "{range}");
    assert!(bench.message().starts_with("LimitExceeded.LoopItems"), "{}", bench.message());
}

/// Numbers of items in flight between pauses, approving each pause.
fn batches(task: &str, loop_mode: LoopMode) -> Vec<Vec<String>> {
    let mut bench = Bench::run_with(&template(&[task]), &[], Started { loop_mode, ..Started::default() });
    let mut seen = Vec::new();
    let mut now = Vec::new();
    for _ in 0..100 {
        match bench.open.first().cloned() {
            Some(open) => {
                now.push(open.key.item.unwrap().to_string());
                bench.answer(&open, Bench::result(&open, Value::Null));
            }
            None if bench.status() == Waiting => {
                seen.push(std::mem::take(&mut now));
                bench.approve("anybody").unwrap();
            }
            None => break,
        }
    }
    assert_eq!(bench.status(), Success);
    seen.push(now);
    seen
}

fn sizes(task: &str, loop_mode: LoopMode) -> Vec<usize> {
    batches(task, loop_mode).iter().map(Vec::len).collect()
}

#[test]
fn batches_pause_as_the_option_says() {
    let task = |option: &str| {
        format!(
            "Name: a, Action: Acme::Do, Loop: {{Items: [1, 2, 3, 4, 5], RateControl: {{Mode: Batch, Batch: [1, 2]{option}}}}}"
        )
    };
    let every = ", BatchPauseOption: EveryBatchPause";
    assert_eq!(sizes(&task(every), LoopMode::Automatic), [1, 2, 2]);
    assert_eq!(sizes(&task(", BatchPauseOption: FirstBatchPause"), LoopMode::Automatic), [1, 4]);
    assert_eq!(sizes(&task(", BatchPauseOption: Automatic"), LoopMode::Automatic), [5]);
    assert_eq!(sizes(&task(""), LoopMode::Automatic), [5]);
    assert_eq!(sizes(&task(""), LoopMode::EveryBatchPause), [1, 2, 2], "the start goes before the template");
    assert_eq!(sizes(&task(every), LoopMode::FirstBatchPause), [1, 4]);
}

#[test]
fn without_batches_the_start_option_has_no_effect() {
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3], RateControl: {Mode: Concurrency, Concurrency: 1}}";
    assert_eq!(sizes(task, LoopMode::EveryBatchPause), [3]);
}

#[test]
fn the_old_form_with_a_pause_option_makes_batches() {
    let task =
        "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3, 4, 5], Concurrency: 2, BatchPauseOption: EveryBatchPause}";
    assert_eq!(sizes(task, LoopMode::Automatic), [2, 2, 1]);
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3], Concurrency: 2, MaxErrors: 1}";
    assert_eq!(Bench::tasks(&[task]).outstanding().len(), 2);
}

#[test]
fn a_batch_ends_before_the_next_begins() {
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3, 4], RateControl: {Mode: Batch, Batch: [50%], ConcurrencyInBatches: [2]}}";
    let mut bench = Bench::tasks(&[task]);
    assert_eq!(bench.outstanding(), ["a#1", "a#2"]);
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.outstanding(), ["a#2"]);
    bench.done_item("a", 2, Value::Null);
    assert_eq!(bench.outstanding(), ["a#3", "a#4"]);
}

#[test]
fn concurrency_in_batches_bounds_a_batch() {
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3, 4], RateControl: {Mode: Batch, Batch: [1, 3], ConcurrencyInBatches: [1, 2]}}";
    let mut bench = Bench::tasks(&[task]);
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.outstanding(), ["a#2", "a#3"]);
}

#[test]
fn the_last_percentage_repeats_as_one_of_each_further_batch() {
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2, 3, 4, 5], RateControl: {Mode: Batch, Batch: [1, 4], ConcurrencyInBatches: 50%}}";
    let mut bench = Bench::tasks(&[task]);
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.outstanding(), ["a#2", "a#3"]);
}

#[test]
fn a_rejected_batch_cancels() {
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2], RateControl: {Mode: Batch, Batch: [1], BatchPauseOption: EveryBatchPause}}";
    let mut bench = Bench::tasks(&[task]);
    bench.done_item("a", 1, Value::Null);
    assert_eq!(bench.status(), Waiting);
    bench.reject("anybody").unwrap();
    assert_eq!((bench.status(), bench.task("a").status), (Cancelled, TaskStatus::Cancelled));
}

#[test]
fn failures_in_a_batch_end_the_loop_without_a_pause() {
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2], RateControl: {Mode: Batch, Batch: [1], BatchPauseOption: EveryBatchPause}}";
    let mut bench = Bench::tasks(&[task]);
    bench.fail_item("a", 1);
    assert_eq!(bench.status(), Failed);
}

/// The aggregate of these values; null stands for an item that failed.
fn aggregate(function: &str, values: &str) -> Value {
    let values = json(values);
    let values = values.as_list().unwrap();
    let items: Vec<_> = (0..values.len()).collect();
    let task = format!(
        "Name: a, Action: Acme::Do, {OUTPUTS}, Loop: {{Items: {items:?}, RateControl: {{Mode: Concurrency, MaxErrors: 100%}}, Outputs: {{r: {{AggregateType: '{function}', AggregateField: v}}}}}}"
    );
    let mut bench = Bench::tasks(&[&task]);
    for (n, value) in (1..).zip(values) {
        if value.is_null() {
            bench.fail_item("a", n)
        } else {
            bench.done_item("a", n, params! { "v" => value.clone() })
        };
    }
    assert_eq!(bench.status(), Success, "{function}: {}", bench.message());
    bench.task("a").outputs.at(&["r"]).clone()
}

#[test]
fn every_aggregate_takes_null_entries() {
    let table = [
        ("Fn::ListJoin", "[1, null, [2]]", "[1, null, [2]]"),
        ("Fn::ListJoin", "[]", "[]"),
        ("Fn::Sum", "[1, null, 2]", "3"),
        ("Fn::Sum", "[]", "0"),
        ("Fn::Min", "[3, null, 2]", "2"),
        ("Fn::Min", "[]", "null"),
        ("Fn::Max", "[3, null, 2]", "3"),
        ("Fn::Max", "[]", "null"),
        ("Fn::First", "[5, 6]", "5"),
        ("Fn::Last", "[5, 6]", "6"),
        ("Fn::MergeList", "[[1], null, [2, 3]]", "[1, 2, 3]"),
        ("Fn::MergeMap", r#"[{"a": 1}, null, {"b": 2}]"#, r#"{"a": 1, "b": 2}"#),
        ("Fn::Union", "[[1, 2], null, [2, 3]]", "[1, 2, 3]"),
        ("Fn::Intersection", "[[1, 2], null, [2, 3]]", "[2]"),
        ("Fn::And", "[true, true]", "true"),
        ("Fn::Or", "[false, true]", "true"),
    ];
    for (function, values, expected) in table {
        assert_eq!(aggregate(function, values), json(expected), "{function} of {values}");
    }
}

#[test]
fn an_aggregate_of_an_output_that_is_not_declared_reads_the_raw_result() {
    let task = "Name: a, Action: Acme::Do, Loop: {Items: [1, 2], RateControl: {Mode: Concurrency, MaxErrors: 1}, Outputs: {r: {AggregateType: 'Fn::ListJoin', AggregateField: reqResult}}}";
    let mut bench = Bench::tasks(&[task]);
    bench.done_item("a", 1, params! { "reqResult" => "ok" }).done_item("a", 2, params! {});
    assert_eq!(bench.task("a").outputs, json(r#"{"r": ["ok", null]}"#));
}

#[test]
fn outside_the_loop_the_aggregate_wins_over_the_output_of_the_same_name() {
    let text = template_with(
        "Outputs: {v: {Type: Json, Value: '{{ a.v }}'}}",
        &[&format!(
            "Name: a, Action: Acme::Do, {OUTPUTS}, Loop: {{Items: [1, 2], Outputs: {{v: {{AggregateType: 'Fn::Sum', AggregateField: v}}}}}}"
        )],
    );
    let mut bench = Bench::run(&text);
    bench.finish_all(&params! { "v" => 4 });
    assert_eq!(bench.output("v"), Value::from(8));
}

#[test]
fn a_per_item_output_read_from_outside_is_the_list_of_it() {
    let text = template_with(
        "Outputs: {v: {Type: Json, Value: '{{ a.v }}'}}",
        &[&format!("Name: a, Action: Acme::Do, {OUTPUTS}, Loop: {{Items: [1, 2]}}")],
    );
    let mut bench = Bench::run(&text);
    bench.finish_all(&params! { "v" => 4 });
    assert_eq!(bench.output("v"), json("[4, 4]"));
}

#[test]
fn on_error_of_the_task_takes_a_failed_loop() {
    let mut bench = Bench::tasks(&[
        "Name: a, Action: Acme::Do, OnError: c, Loop: {Items: [1, 2]}",
        "Name: b, Action: Acme::Do",
        "Name: c, Action: Acme::Do",
    ]);
    bench.fail_item("a", 1);
    assert_eq!(bench.outstanding(), ["c"]);
}

#[test]
fn a_loop_entered_again_runs_its_items_under_new_keys() {
    let mut bench =
        Bench::tasks(&["Name: a, Action: Acme::Do, Loop: {Items: [1]}", "Name: b, Action: Acme::Do, OnSuccess: a"]);
    assert_eq!(bench.item("a", 1).key.run, 1);
    bench.done_item("a", 1, Value::Null).done("b", Value::Null);
    assert_eq!(bench.item("a", 1).key.run, 2);
    bench.signal(SignalKind::Cancel).unwrap();
}
