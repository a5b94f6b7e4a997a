//! Text from templates and clouds stays text in every format.

use oos_core::{
    TaskName, Value,
    ports::{ExecutionEvent, event::EventKind},
    view::{self, TextOptions, Trace},
};

use crate::{
    bed, golden,
    golden::{BULKY, RESTART},
};

const EVIL: &str = "a\"]; click x \"b\" <script>alert('1')</script> &amp; \\N {{x}} (y) [z] |`#quot; %%{init}%% \n}\r\u{1b}[2J\u{202e}实例";

/// The run of a plan with every text replaced.
fn evil(events: &[ExecutionEvent]) -> Vec<ExecutionEvent> {
    let name = |task: &TaskName| TaskName::new(format!("{task}{EVIL}"));
    let mut events = events.to_vec();
    for event in &mut events {
        match &mut event.kind {
            EventKind::ExecutionStarted { template, parent } => {
                *template = Some(EVIL.into());
                if let Some((_, key)) = parent {
                    key.task = name(&key.task);
                }
            }
            EventKind::ExecutionEnded { message, .. } => *message = Some(EVIL.into()),
            EventKind::StepStarted { key, action, item } => {
                (key.task, *action) = (name(&key.task), EVIL.into());
                *item = item.as_ref().map(|_| Value::from(EVIL));
            }
            EventKind::StepEnded { key, message, outputs, .. } => {
                (key.task, *message, *outputs) = (name(&key.task), Some(EVIL.into()), Value::from(EVIL));
            }
            EventKind::Retrying { key, reason, .. } => (key.task, *reason) = (name(&key.task), EVIL.into()),
            EventKind::StepWaiting { key, .. } => key.task = name(&key.task),
            EventKind::LoopProgress { task, .. } => *task = name(task),
            EventKind::Log { message, .. } => *message = EVIL.into(),
            _ => {}
        }
    }
    events
}

fn drawn() -> [String; 3] {
    let registry = bed::registry(&[("Acme::Host::Restart", RESTART)]);
    let mut plan = bed::compile(BULKY, &registry);
    let plans = bed::children(&plan, &registry);
    let events = evil(&bed::run("bulky", BULKY, &registry).events);
    bed::hostile(&mut plan, EVIL);
    let trace = Trace::from_events(&events);
    let trace = Some(&trace);
    [
        view::mermaid_with(&plan, trace, &plans),
        view::dot_with(&plan, trace, &plans),
        view::svg_with(&plan, trace, &plans),
    ]
}

#[test]
fn nothing_breaks_out_of_a_chart() {
    for (i, drawing) in drawn().iter().enumerate() {
        assert!(drawing.contains("实例"));
        // Between the quotes of Graphviz `<` is text.
        assert!(i == 1 || !drawing.contains("<script"), "{drawing}");
        assert!(!drawing.contains(['\u{1b}', '\u{202e}', '\r']), "{drawing}");
    }
}

#[test]
fn charts_of_hostile_text_are_as_in_the_golden_files() {
    let mut different = Vec::new();
    for (file, drawing) in ["run.mmd", "run.dot", "run.svg"].iter().zip(drawn()) {
        golden::check("hostile", file, &drawing, &mut different);
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn quotes_of_mermaid_and_dot_are_balanced_on_each_line() {
    let [mermaid, dot, _] = drawn();
    for line in mermaid.lines() {
        assert_eq!(line.matches('"').count() % 2, 0, "{line}");
    }
    for line in dot.lines() {
        let bare = line.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(bare.matches('"').count() % 2, 0, "{line}");
    }
}

/// Names of the elements that are open at each end tag; enough to see that text never became markup.
#[test]
fn svg_is_well_formed() {
    let [_, _, svg] = drawn();
    let mut open = Vec::new();
    let mut rest = svg.as_str();
    while let Some((before, from)) = rest.split_once('<') {
        assert!(!before.contains('>') || open.last() == Some(&"style"), "{before}");
        let (tag, after) = from.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert!(
            ["svg", "title", "style", "defs", "marker", "path", "rect", "g", "text", "polygon", "circle"]
                .contains(&name),
            "{name}"
        );
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = after;
    }
    assert!(open.is_empty());
}

#[test]
fn lines_for_terminals_move_no_cursor() {
    let registry = bed::registry(&[("Acme::Host::Restart", RESTART)]);
    let events = evil(&bed::run("bulky", BULKY, &registry).events);
    let lines = view::events(&events);
    assert_eq!(lines.lines().count(), events.len());
    let tree = view::text(&Trace::from_events(&events), &TextOptions::default());
    for text in [lines, tree] {
        assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text}");
    }
}
