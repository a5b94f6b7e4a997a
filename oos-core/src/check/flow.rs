//! Jumps: backward, unreachable, and choices that lead nowhere.

use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    plan::{EdgeKind, Graph, Plan},
    source::Node,
    template::{Spanned, Task, Template},
};

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, task) in template.tasks.iter().enumerate() {
        if task.action.value.is("ACS::Choice") {
            choice(i, task, plan, found);
        }
    }
    let graph = Graph::of(plan);
    backward(template, plan, &graph, found);
    unreachable(template, &graph, found);
}

fn choice(i: usize, task: &Task, plan: &Plan, found: &mut Diagnostics) {
    let pointer = format!("/Tasks/{i}/Properties");
    let span = task.name.span;
    let Some(properties) = &task.properties else {
        let message = format!("choice `{}` has no properties", task.name.value);
        return found.push(Diagnostic::error(Code::CHOICE, message, span, pointer));
    };
    match properties.get("DefaultTask") {
        None => {
            let message = format!("choice `{}` has no `DefaultTask`", task.name.value);
            found.push(Diagnostic::error(Code::CHOICE, message, span, pointer.clone()));
        }
        Some(node) => target(node, plan, &format!("{pointer}/DefaultTask"), found),
    }
    let Some(choices) = properties.get("Choices").and_then(Node::as_list) else {
        let message = format!("choice `{}` has no list of `Choices`", task.name.value);
        return found.push(Diagnostic::error(Code::CHOICE, message, span, pointer));
    };
    for (n, entry) in choices.iter().enumerate() {
        let pointer = format!("{pointer}/Choices/{n}");
        for key in ["When", "NextTask"] {
            if entry.get(key).is_none() {
                let message = format!("choice {} of `{}` has no `{key}`", n + 1, task.name.value);
                found.push(Diagnostic::error(Code::CHOICE, message, entry.span, pointer.clone()));
            }
        }
        if let Some(node) = entry.get("NextTask") {
            target(node, plan, &format!("{pointer}/NextTask"), found);
        }
    }
}

/// Targets are literal names (actions.md 8).
fn target(node: &Node, plan: &Plan, pointer: &str, found: &mut Diagnostics) {
    let Some(name) = node.as_str().filter(|n| !n.contains("{{")) else {
        let message = "a jump target must be a literal name";
        return found.push(Diagnostic::error(Code::JUMP_TARGET, message, node.span, pointer));
    };
    if crate::plan::jump(plan, name).is_none() {
        let target = Spanned::new(crate::TaskName::new(name), node.span);
        found.push(super::jump_target(&target, plan, pointer));
    }
}

fn backward(template: &Template, plan: &Plan, graph: &Graph, found: &mut Diagnostics) {
    for edge in &graph.edges {
        let (Some(to), Some(task)) = (edge.to.filter(|to| *to <= edge.from), template.tasks.get(edge.from)) else {
            continue;
        };
        let span = match edge.kind {
            EdgeKind::Success | EdgeKind::Skip => task.on_success.as_ref().and_then(|t| t.span),
            EdgeKind::Error => task.on_error.as_ref().and_then(|t| t.span),
            EdgeKind::Cancel => task.on_cancel.as_ref().and_then(|t| t.span),
            EdgeKind::Choice(_) => task.name.span,
        };
        let name = plan.tasks.get(to).map_or("", |t| t.name.as_str());
        let message = format!("task `{}` jumps back to `{name}`", task.name.value);
        found.push(
            Diagnostic::warning(Code::BACKWARD_JUMP, message, span.or(task.name.span), format!("/Tasks/{}", edge.from))
                .help("the run ends with `LimitExceeded.Steps` when it does not leave the loop"),
        );
    }
}

fn unreachable(template: &Template, graph: &Graph, found: &mut Diagnostics) {
    let seen = graph.reachable(template.tasks.len());
    for ((i, task), _) in template.tasks.iter().enumerate().zip(seen).filter(|(_, seen)| !seen) {
        let message = format!("no path leads to task `{}`", task.name.value);
        found.push(Diagnostic::warning(Code::UNREACHABLE, message, task.name.span, format!("/Tasks/{i}")));
    }
}
