//! What holds for every template and every order of what happens (machine.md 12).
//!
//! Generated templates of loops, children, handlers and retries are driven through the machine alone by a list of
//! numbers that choose what happens next. The bench itself checks on each input that a refused one changes nothing,
//! that event numbers count without gaps and that an ended run wants nothing.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::expect_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

#[path = "../../oos-core/tests/machine/support.rs"]
#[expect(dead_code, reason = "the bench of the machine's tests has more than these need")]
mod support;

use std::collections::BTreeMap;

use oos_core::{
    Value,
    machine::{ExecutionStatus, Mode, SignalKind, SignalTarget, Started, TaskStatus},
    params,
    ports::event::EventKind,
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use support::{Bench, Open, broken, not_yet, template_with};

/// A generated task.
#[derive(Clone, Debug)]
struct Task {
    child: bool,
    retries: u32,
    on_error: u8,
    on_cancel: bool,
    looped: Option<(usize, u32, u32)>,
}

const CHILD: &str = "FormatVersion: OOS-2019-06-01\nOutputs: {v: {Type: Json, Value: '{{ two.v }}'}}\nTasks:\n  - {Name: one, Action: Acme::Do, OnCancel: two}\n  - {Name: two, Action: Acme::Do, Outputs: {v: {Type: Json, ValueSelector: v}}}";

fn tasks() -> impl Strategy<Value = Vec<Task>> {
    let looped = prop::option::of((0_usize..7, 1_u32..5, 0_u32..4));
    let task = (any::<bool>(), 0_u32..2, 0_u8..3, any::<bool>(), looped);
    let task = task.prop_map(|(child, retries, on_error, on_cancel, looped)| Task {
        child,
        retries: if child { 0 } else { retries },
        on_error,
        on_cancel,
        looped,
    });
    prop::collection::vec(task, 1..5)
}

/// The text of a template; handlers lead forward, so every run ends.
fn text(tasks: &[Task]) -> String {
    let last = tasks.len();
    let mut outputs = String::new();
    let mut lines: Vec<String> = tasks.iter().enumerate().map(|(i, task)| {
        outputs.push_str(&format!("o{i}: {{Type: Json, Value: '{{{{ t{i}.v }}}}'}}, "));
        let action = if task.child { "Acme::Child" } else { "Acme::Do" };
        let mut line = format!("Name: t{i}, Action: {action}, Outputs: {{v: {{Type: Json, ValueSelector: v}}}}");
        if task.retries > 0 {
            line.push_str(&format!(", Retries: {}", task.retries));
        }
        line.push_str(match task.on_error { 0 => "", 1 => ", OnError: 'ACS::NEXT'", _ => ", OnError: last" });
        line.push_str(if task.on_cancel { ", OnCancel: last" } else { "" });
        if let Some((items, window, errors)) = task.looped {
            let items: Vec<_> = (1..=items).collect();
            line.push_str(&format!(", Loop: {{Items: {items:?}, RateControl: {{Mode: Concurrency, Concurrency: {window}, MaxErrors: {errors}}}}}"));
        }
        line
    }).collect();
    lines.push("Name: last, Action: Acme::Do".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(lines.len(), last + 1);
    template_with(&format!("Outputs: {{{outputs}}}"), &lines)
}

fn start(tasks: &[Task], mode: Mode) -> Bench {
    Bench::run_with(&text(tasks), &[("Acme::Child", CHILD)], Started { mode, ..Started::default() })
}

/// A document that tells which step it answers, so that outputs show a mix-up.
fn document(open: &Open) -> Value {
    let path: Vec<String> = open.path.steps().iter().map(|s| format!("{}{:?}", s.task, s.item)).collect();
    params! { "v" => format!("{}/{}{:?}", path.join("/"), open.key.task, open.key.item) }
}

/// What may be seen at any time: no loop has more in flight than its window, nor more failures than it may.
fn invariants(bench: &Bench, tasks: &[Task]) {
    for (i, task) in tasks.iter().enumerate() {
        let Some((_, window, errors)) = task.looped else { continue };
        let Some(counts) = bench.task(&format!("t{i}")).counts else { continue };
        assert!(counts.running <= window, "{} run, the window is {window}", counts.running);
        assert!(counts.failed <= errors + window, "{} failed of {errors} with {window} in flight", counts.failed);
    }
}

/// Lets one thing happen.
fn happen(bench: &mut Bench, choice: u32, cancels: &mut u32) {
    let open = (!bench.open.is_empty()).then(|| bench.open[choice as usize / 16 % bench.open.len()].clone());
    match (choice % 16, open) {
        (0, _) if *cancels > 0 => {
            *cancels -= 1;
            let _ = bench.signal(SignalKind::Cancel);
        }
        (1, _) => _ = bench.signal(SignalKind::Pause),
        (2 | 3, _) => _ = bench.signal(SignalKind::Resume),
        (4, _) => _ = bench.signal(SignalKind::RetryTask),
        (5, _) => _ = bench.signal(SignalKind::SkipTask),
        (6, _) if !bench.timers.is_empty() => _ = bench.wake(),
        (_, Some(open)) if open.stopped => bench.report_stopped(),
        (7 | 8, Some(open)) => bench.answer(&open, broken()),
        (9, Some(open)) => bench.answer(&open, not_yet("x")),
        (_, Some(open)) => bench.answer(&open, Bench::result(&open, document(&open))),
        (_, None) if !bench.timers.is_empty() => _ = bench.wake(),
        (_, None) => _ = bench.signal(SignalKind::Approve { note: None }),
    }
}

/// Drives a run to its end: what is held goes on, what failed is skipped, all work ends well.
fn finish(bench: &mut Bench) -> u32 {
    for inputs in 0..2_000 {
        if bench.status().is_final() {
            return inputs;
        }
        let _ = bench.signal(SignalKind::Resume);
        if bench.open.iter().any(|o| o.stopped) {
            bench.report_stopped();
        } else if let Some(open) = bench.open.first().cloned() {
            bench.answer(&open, Bench::result(&open, document(&open)));
        } else if !bench.timers.is_empty() {
            bench.wake();
        } else {
            // Several children may wait for a decision, and each is asked by its path.
            for report in bench.reports().into_iter().rev() {
                let to = SignalTarget { path: report.path, ..SignalTarget::default() };
                if bench.send("tester", to, SignalKind::SkipTask).is_ok() {
                    break;
                }
            }
        }
    }
    panic!("the run does not end: {:?}", bench.root());
}

/// Every run of a step has ended exactly once.
fn one_end_per_step(bench: &Bench) {
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for (id, kind) in &bench.events {
        if let EventKind::StepEnded { key, status, .. } = kind {
            assert!(status.is_final());
            // A failure that people decided to skip is told a second time, as Skipped.
            if *status != TaskStatus::Skipped {
                *ends.entry(format!("{id}/{}/{}/{:?}", key.task, key.run, key.item)).or_default() += 1;
            }
        }
    }
    // A loop that people reopened ends again in the same run.
    let twice: Vec<_> = ends.iter().filter(|(key, n)| **n > 1 && !key.ends_with("None")).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let ended =
        bench.events.iter().filter(|(id, k)| id == bench.tree.id() && matches!(k, EventKind::ExecutionEnded { .. }));
    assert_eq!(ended.count(), 1);
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(350))]

    #[test]
    fn whatever_happens_bounds_hold_and_the_run_ends(
        tasks in tasks(),
        pausing in any::<bool>(),
        choices in prop::collection::vec(any::<u32>(), 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bench = start(&tasks, if pausing { Mode::FailurePause } else { Mode::Automatic });
        let mut cancels = 2;
        for choice in choices {
            if bench.status().is_final() {
                break;
            }
            happen(&mut bench, choice, &mut cancels);
            invariants(&bench, &tasks);
        }
        let cut = cut.index(bench.inputs.len() + 1);
        let there = bench.inputs.len() == cut;
        let prefix = bench.replay(cut);
        if there {
            prop_assert_eq!(prefix.reports(), bench.reports());
        }
        finish(&mut bench);
        one_end_per_step(&bench);
        // The prefix goes on to the same end with the rest of the inputs.
        let mut prefix = prefix;
        for input in bench.inputs[cut..].iter().cloned() {
            prefix.now = input.at;
            prefix.take(input.kind);
        }
        prop_assert_eq!(prefix.reports(), bench.reports());
    }

    #[test]
    fn a_cancelled_run_ends_after_finitely_many_inputs(
        tasks in tasks(),
        choices in prop::collection::vec(any::<u32>(), 0..30),
    ) {
        let mut bench = start(&tasks, Mode::Automatic);
        for choice in choices {
            if !bench.status().is_final() {
                happen(&mut bench, choice, &mut 0);
            }
        }
        if !bench.status().is_final() {
            bench.cancel();
            let inputs = finish(&mut bench);
            prop_assert!(inputs < 200, "{} inputs", inputs);
            prop_assert_eq!(bench.status(), ExecutionStatus::Cancelled);
        }
    }
}

proptest! {
    #![proptest_config(config(350))]

    #[test]
    fn outputs_do_not_depend_on_the_order_of_completions(
        tasks in tasks(),
        failing in prop::collection::btree_set(1_u32..7, 0..4),
        orders in prop::collection::vec(prop::collection::vec(any::<u32>(), 64), 2),
    ) {
        // Which items are started before a loop gives up hangs on the order; so budgets are wide here.
        let tasks: Vec<Task> = tasks.into_iter().map(|task| Task {
            looped: task.looped.map(|(items, window, _)| (items, window, 9)), ..task
        }).collect();
        let ends = orders.iter().map(|order| {
            let mut bench = start(&tasks, Mode::Automatic);
            for choice in order.iter().cycle().take(5_000) {
                if bench.open.is_empty() {
                    break;
                }
                let open = bench.open[*choice as usize % bench.open.len()].clone();
                let item = open.key.item.or(open.path.steps().last().and_then(|s| s.item));
                let fails = item.is_some_and(|n| failing.contains(&n));
                let result = if fails { broken() } else { Bench::result(&open, document(&open)) };
                bench.answer(&open, result);
            }
            (bench.status(), bench.root().outputs, bench.message())
        });
        let ends: Vec<_> = ends.collect();
        prop_assert!(ends[0].0.is_final());
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}
