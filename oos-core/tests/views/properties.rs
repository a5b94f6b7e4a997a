//! Whatever compiles can be drawn, with any record of a run.

use std::{fs, path::PathBuf, sync::Arc};

use oos_core::{
    Template, Timestamp,
    plan::{Environment, Plan},
    ports::ExecutionEvent,
    registry::ActionRegistry,
    view::{self, TextOptions, Trace},
};
use proptest::prelude::*;

use crate::{
    bed,
    golden::{BULKY, RESTART},
};

fn draw(plan: &Plan, trace: Option<&Trace>) {
    let drawings = [view::mermaid(plan, trace), view::dot(plan, trace), view::svg(plan, trace)];
    for (i, drawing) in drawings.iter().enumerate() {
        for task in &plan.tasks {
            assert!(drawing.contains(task.name.as_str()), "{i} {}\n{drawing}", task.name);
        }
        assert!(!drawing.contains("NaN") && !drawing.contains("inf,"), "{drawing}");
    }
}

#[derive(Clone, Debug)]
struct Task {
    kind: usize,
    jumps: [Option<usize>; 4],
    when: bool,
    looped: bool,
}

fn task() -> impl Strategy<Value = Task> {
    let jump = || prop::option::weighted(0.3, 1..8_usize);
    (0..5_usize, [jump(), jump(), jump(), jump()], any::<bool>(), any::<bool>())
        .prop_map(|(kind, jumps, when, looped)| Task { kind, jumps, when, looped })
}

/// The text of a template whose jumps lead forward.
fn template(tasks: &[Task]) -> String {
    let mut text = String::from("FormatVersion: OOS-2019-06-01\nTasks:\n");
    for (i, task) in tasks.iter().enumerate() {
        let target =
            |jump: usize| if i + jump < tasks.len() { format!("task{}", i + jump) } else { "ACS::END".to_owned() };
        let action = ["ACS::ExecuteAPI", "Acme::Do", "ACS::Choice", "ACS::Sleep", "Acme::Host::Restart"][task.kind];
        text.push_str(&format!("- Name: task{i}\n  Action: {action}\n"));
        let keys = if task.kind == 2 { &["OnError", "OnCancel"][..] } else { &["OnError", "OnCancel", "OnSuccess"] };
        for (key, jump) in keys.iter().zip(task.jumps).filter_map(|(key, jump)| Some((key, jump?))) {
            text.push_str(&format!("  {key}: {}\n", target(jump)));
        }
        if task.kind == 2 {
            let choices: Vec<_> =
                task.jumps.iter().flatten().map(|j| format!("{{When: true, NextTask: {}}}", target(*j))).collect();
            text.push_str(&format!("  Properties: {{DefaultTask: 'ACS::NEXT', Choices: [{}]}}\n", choices.join(", ")));
        } else if task.kind == 4 {
            text.push_str("  Properties: {host: a}\n");
        }
        if task.when {
            text.push_str("  When: {'Fn::Equals': [a, b]}\n");
        }
        if task.looped && matches!(task.kind, 0 | 1 | 4) {
            text.push_str("  Loop: {Items: [1, 2]}\n");
        }
    }
    text
}

fn compiled(text: &str) -> Option<Plan> {
    let registry = bed::registry(&[("Acme::Host::Restart", RESTART)]);
    let template = Template::parse(text).unwrap_or_else(|found| panic!("{text}{found}"));
    Plan::compile(&template, &Environment::new(Arc::new(registry))).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_template_that_compiles_can_be_drawn(tasks in prop::collection::vec(task(), 1..14)) {
        let text = template(&tasks);
        let plan = compiled(&text);
        prop_assert!(plan.is_some() || tasks.iter().any(|t| t.kind == 2), "{text}");
        if let Some(plan) = plan {
            draw(&plan, None);
        }
    }

    #[test]
    fn every_record_can_be_drawn(order in prop::collection::vec((0..64_usize, 0..1000_i64, any::<u8>()), 0..80)) {
        let registry = bed::registry(&[("Acme::Host::Restart", RESTART)]);
        let all = bed::run("bulky", BULKY, &registry).events;
        let pick = |&(i, at, number): &(usize, i64, u8)| {
            let event = all[i % all.len()].clone();
            ExecutionEvent { at: Timestamp::from_millis(at), number: u64::from(number), ..event }
        };
        let events: Vec<_> = order.iter().map(pick).collect();
        let trace = Trace::from_events(&events);
        draw(&bed::compile(BULKY, &registry), Some(&trace));
        for width in [0, 20, 200] {
            view::text(&trace, &TextOptions { width, colour: true, items: width / 50, fold: false });
        }
        prop_assert_eq!(view::events(&events).lines().count(), events.len());
    }
}

/// The official templates with their actions as closures; control actions as they are.
#[test]
fn official_templates_can_be_drawn() {
    let Some(corpus) = std::env::var_os("OOS_CORPUS").map(PathBuf::from) else {
        return println!("skipped: OOS_CORPUS is not set");
    };
    let mut drawn = 0;
    for entry in fs::read_dir(corpus.join("public")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let Ok(template) = Template::parse(&text) else { continue };
        let known = |registry: ActionRegistry, name: &str| {
            let (control, done) =
                (name.starts_with("ACS::Choice") || name == "ACS::Loop", || async { Ok(oos_core::outputs! {}) });
            if control { registry } else { registry.with_fn(name, move |_| done()) }
        };
        let registry = template.tasks.iter().fold(bed::registry(&[]), |r, t| known(r, t.action.value.as_str()));
        let Ok(plan) = Plan::compile(&template, &Environment::new(Arc::new(registry))) else { continue };
        draw(&plan, None);
        drawn += 1;
    }
    assert!(drawn > 190, "{drawn} drawn");
}
