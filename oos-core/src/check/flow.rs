//! Jumps: what a choice needs, jumps back, tasks that no path reaches, loops that nothing leaves.

use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, nearest},
    plan::{Edge, EdgeKind, Graph, Plan, escape, jump},
    source::{Node, Span},
    template::{Spanned, Task, Template},
};

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, task) in template.tasks.iter().enumerate() {
        if is_choice(task) {
            choice(i, task, plan, found);
        }
        spelling(i, task, plan, found);
    }
    // With a jump to nowhere the paths are not known.
    if super::reported(found, &[Code::JUMP_TARGET, Code::CHOICE]) {
        return;
    }
    let graph = Graph::of(plan);
    backward(template, &graph, found);
    endless(template, &graph, found);
    unreachable(template, &graph, found);
}

pub(super) fn is_choice(task: &Task) -> bool {
    task.action.value.is("ACS::Choice")
}

fn choice(i: usize, task: &Task, plan: &Plan, found: &mut Diagnostics) {
    let pointer = format!("/Tasks/{i}/Properties");
    let property = |key: &str| task.properties.as_ref().and_then(|p| p.get(key)).filter(|n| !n.is_null());
    let lacks = |what: &str| {
        let message = format!("choice `{}` has no {what}", task.name.value);
        Diagnostic::error(Code::CHOICE, message, task.action.span, pointer.clone())
    };
    match property("DefaultTask") {
        None => found.push(lacks("`DefaultTask`").help("name a task, `ACS::NEXT` or `ACS::END`")),
        Some(node) => target(node, plan, &format!("{pointer}/DefaultTask"), found),
    }
    match property("Choices").map(|node| (node, node.as_list())) {
        None => found.push(lacks("`Choices`")),
        Some((_, Some(list))) => {
            let entries = list.iter().enumerate();
            entries.for_each(|(n, entry)| alternative(n, entry, task, plan, &format!("{pointer}/Choices/{n}"), found));
        }
        Some((node, None)) => {
            let message = format!("`Choices` of `{}` must be a list", task.name.value);
            found.push(Diagnostic::error(Code::CHOICE, message, node.span, format!("{pointer}/Choices")));
        }
    }
}

fn alternative(n: usize, entry: &Node, task: &Task, plan: &Plan, pointer: &str, found: &mut Diagnostics) {
    let Some(members) = entry.as_map() else {
        let message = format!("choice {} of `{}` must be a map", n + 1, task.name.value);
        return found.push(Diagnostic::error(Code::CHOICE, message, entry.span, pointer));
    };
    let first = members.first().map_or(entry.span, |(key, _)| key.span);
    for key in ["When", "NextTask"] {
        if entry.get(key).is_none_or(Node::is_null) {
            let message = format!("choice {} of `{}` has no `{key}`", n + 1, task.name.value);
            found.push(Diagnostic::error(Code::CHOICE, message, first, pointer));
        }
    }
    for (key, _) in members.iter().filter(|(key, _)| !["When", "NextTask"].contains(&&*key.text)) {
        let message = format!("a choice has no key `{}`", key.text);
        let pointer = format!("{pointer}/{}", escape(&key.text));
        let finding = Diagnostic::warning(Code::UNKNOWN_KEY, message, key.span, pointer);
        found.push(match nearest(&key.text, ["When", "NextTask"]) {
            Some(near) => finding.help(format!("a key named `{near}` exists")),
            None => finding,
        });
    }
    if let Some(node) = entry.get("NextTask").filter(|n| !n.is_null()) {
        target(node, plan, &format!("{pointer}/NextTask"), found);
    }
}

/// Targets are literal names (actions.md 8).
fn target(node: &Node, plan: &Plan, pointer: &str, found: &mut Diagnostics) {
    let Some(name) = node.as_str().filter(|n| !n.contains("{{")) else {
        let message = "a jump target must be a literal name";
        return found.push(Diagnostic::error(Code::JUMP_TARGET, message, node.span, pointer));
    };
    let target = Spanned::new(crate::TaskName::new(name), node.span);
    if jump(plan, name).is_none() {
        found.push(super::jump_target(&target, plan, pointer));
    } else {
        respelled(&target, plan, pointer, found);
    }
}

/// Jump targets that match a task only when case is ignored (template-language 8.1).
fn spelling(i: usize, task: &Task, plan: &Plan, found: &mut Diagnostics) {
    let targets = [("OnSuccess", &task.on_success), ("OnError", &task.on_error), ("OnCancel", &task.on_cancel)];
    for (key, target) in targets {
        if let Some(target) = target {
            respelled(target, plan, &format!("/Tasks/{i}/{key}"), found);
        }
    }
}

fn respelled(target: &Spanned<crate::TaskName>, plan: &Plan, pointer: &str, found: &mut Diagnostics) {
    let Some(task) = plan.task_index(target.value.as_str()).and_then(|t| plan.tasks.get(t)) else { return };
    if task.name.as_str() != target.value.as_str() {
        let message = format!("task `{}` matches only when case is ignored", target.value);
        let finding = Diagnostic::warning(Code::REFERENCE_CASE, message, target.span, pointer);
        found.push(finding.help(format!("it is spelled `{}`", task.name)));
    }
}

/// Where the jump of an edge is written, and its pointer.
fn place(template: &Template, edge: &Edge) -> (Option<Span>, String) {
    let pointer = format!("/Tasks/{}", edge.from);
    let Some(task) = template.tasks.get(edge.from) else { return (None, pointer) };
    let written = |target: &Option<Spanned<crate::TaskName>>, key: &str| match target {
        Some(target) => (target.span.or(task.name.span), format!("{pointer}/{key}")),
        None => (task.name.span, pointer.clone()),
    };
    match edge.kind {
        EdgeKind::Success | EdgeKind::Skip => written(&task.on_success, "OnSuccess"),
        EdgeKind::Error => written(&task.on_error, "OnError"),
        EdgeKind::Cancel => written(&task.on_cancel, "OnCancel"),
        EdgeKind::Choice(number) => {
            let properties = task.properties.as_ref();
            let (node, below) = match number.checked_sub(1) {
                None => (properties.and_then(|p| p.get("DefaultTask")), "DefaultTask".to_owned()),
                Some(n) => {
                    let list = properties.and_then(|p| p.get("Choices")).and_then(Node::as_list);
                    (list.and_then(|l| l.get(n)?.get("NextTask")), format!("Choices/{n}/NextTask"))
                }
            };
            (node.and_then(|n| n.span).or(task.name.span), format!("{pointer}/Properties/{below}"))
        }
    }
}

/// Edges that lead to their own task or to one before it.
fn edges_back(graph: &Graph) -> impl Iterator<Item = (&Edge, usize)> {
    graph.edges.iter().filter_map(|edge| Some((edge, edge.to?))).filter(|(edge, to)| *to <= edge.from)
}

fn name(template: &Template, task: usize) -> &str {
    template.tasks.get(task).map_or("", |t| t.name.value.as_str())
}

fn name_span(template: &Template, task: usize) -> Option<Span> {
    template.tasks.get(task).and_then(|t| t.name.span)
}

fn backward(template: &Template, graph: &Graph, found: &mut Diagnostics) {
    for (edge, to) in edges_back(graph) {
        let (span, pointer) = place(template, edge);
        let from = name(template, edge.from);
        let message = if to == edge.from {
            format!("task `{from}` jumps to itself")
        } else {
            format!("task `{from}` jumps back to `{}`", name(template, to))
        };
        let mut finding = Diagnostic::warning(Code::BACKWARD_JUMP, message, span, pointer);
        if to != edge.from {
            finding = finding.also(name_span(template, to), "back to here");
        }
        found.push(finding.help("the run ends with `LimitExceeded.Steps` when it does not leave the loop"));
    }
}

/// Loops that the run can enter and that no edge leaves: only a failure or a cancellation ends them.
fn endless(template: &Template, graph: &Graph, found: &mut Diagnostics) {
    let count = template.tasks.len();
    let (runs, ends) = (graph.reachable(count), graph.ending(count));
    let stuck = |task: usize| runs.get(task) == Some(&true) && ends.get(task) == Some(&false);
    let mut covered = vec![false; count];
    for (edge, to) in edges_back(graph).filter(|(edge, _)| stuck(edge.from)) {
        if covered.get(edge.from) == Some(&true) {
            continue;
        }
        let (inside, returning) = (graph.reachable_from([to], count), graph.leading_to([edge.from], count));
        // A loop that leads into another one is left.
        if inside.iter().zip(&returning).any(|(inside, returns)| *inside && !returns) {
            continue;
        }
        covered.iter_mut().zip(&inside).for_each(|(covered, inside)| *covered |= inside);
        let (span, pointer) = place(template, edge);
        let message = if to == edge.from {
            format!("nothing leads out of the loop of task `{}`", name(template, to))
        } else {
            format!(
                "nothing leads out of the loop of the tasks `{}` to `{}`",
                name(template, to),
                name(template, edge.from)
            )
        };
        let finding = Diagnostic::warning(Code::ENDLESS_LOOP, message, span, pointer);
        let finding = if to == edge.from { finding } else { finding.also(name_span(template, to), "it begins here") };
        found.push(finding.help("let a choice or a jump in the loop lead to a task outside or to `ACS::END`"));
    }
}

fn unreachable(template: &Template, graph: &Graph, found: &mut Diagnostics) {
    let seen = graph.reachable(template.tasks.len());
    for ((i, task), _) in template.tasks.iter().enumerate().zip(seen).filter(|(_, seen)| !seen) {
        let message = format!("no path leads to task `{}`", task.name.value);
        let finding = Diagnostic::warning(Code::UNREACHABLE, message, task.name.span, format!("/Tasks/{i}"));
        let finding = finding.label("never runs");
        found.push(match passed_by(template, graph, i) {
            Some(span) => finding.also(Some(span), "the task before it leads elsewhere"),
            None => finding,
        });
    }
}

/// Where the task before one says that it leads elsewhere.
fn passed_by(template: &Template, graph: &Graph, task: usize) -> Option<Span> {
    let before = task.checked_sub(1)?;
    let leads = |edge: &&Edge| edge.from == before && matches!(edge.kind, EdgeKind::Success | EdgeKind::Choice(0));
    let (span, _) = place(template, graph.edges.iter().find(leads)?);
    span.filter(|span| Some(*span) != name_span(template, before))
}
