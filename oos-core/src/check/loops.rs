//! Loops: items, who may loop, rate control in both forms, and aggregates (template-language 6).

use super::rate::Rates;
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest},
    expr::{ExprKind, Target},
    plan::{Environment, Plan, TaskPlan, escape},
    source::{Node, NodeKind, Span},
    template::{Loop, Task, Template},
};

pub(super) fn check(template: &Template, plan: &Plan, environment: &Environment, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        if let Some(looping) = &task.looping {
            looped(i, task, looping, compiled, environment, found);
        }
        if compiled.action.is("ACS::Loop") {
            looped_tasks(i, task, environment, found);
        }
    }
    defaults(template, plan, found);
}

fn looped(
    i: usize,
    task: &Task,
    looping: &Loop,
    compiled: &TaskPlan,
    environment: &Environment,
    found: &mut Diagnostics,
) {
    let pointer = format!("/Tasks/{i}/Loop");
    if !compiled.signature.loops {
        let message = format!("`{}` cannot loop", compiled.action);
        let finding = Diagnostic::error(Code::LOOP, message, task.action.span, pointer.clone());
        found.push(finding.help("API actions and actions that run templates can"));
    }
    match looping.items.as_ref().filter(|items| !items.is_null()) {
        Some(node) => items(node, &format!("{pointer}/Items"), environment, found),
        None => {
            let message = format!("the loop of task `{}` has no `Items`", task.name.value);
            found.push(Diagnostic::error(Code::LOOP, message, looping.span.or(task.name.span), pointer.clone()));
        }
    }
    rates(looping, &pointer, found);
    aggregates(task, looping, &pointer, found);
}

/// `ACS::Loop` has the same settings as properties; that `LoopItems` is there is said with the other properties.
fn looped_tasks(i: usize, task: &Task, environment: &Environment, found: &mut Diagnostics) {
    let property = |key: &str| task.properties.as_ref().and_then(|p| p.get(key)).filter(|n| !n.is_null());
    if let Some(node) = property("LoopItems") {
        items(node, &format!("/Tasks/{i}/Properties/LoopItems"), environment, found);
    }
    if let Some(node) = property("LoopRateControl") {
        Rates::new(Severity::Error, found).control(node, &format!("/Tasks/{i}/Properties/LoopRateControl"));
    }
}

fn items(node: &Node, pointer: &str, environment: &Environment, found: &mut Diagnostics) {
    let limit = environment.limits.loop_items;
    match &node.kind {
        NodeKind::List(list) if list.len() > limit => {
            let message = format!("the loop has {} items, the limit is {limit}", list.len());
            let span = list.get(limit).and_then(|item| item.span).or(node.span);
            found.push(Diagnostic::error(Code::LIMIT_LOOP_ITEMS, message, span, pointer));
        }
        NodeKind::List(_) => {}
        NodeKind::Map(map) if map.iter().any(|(key, _)| key.text.starts_with("Fn::")) => {}
        NodeKind::Scalar(value) if value.as_str().is_some_and(|text| text.contains("{{")) => {}
        NodeKind::Scalar(value) if value.parsed_if_json_text().as_list().is_some() => {}
        _ => {
            let key = pointer.rsplit('/').next().unwrap_or_default();
            let message = format!("`{key}` is no list; it counts as the only item");
            found.push(Diagnostic::warning(Code::LOOP, message, node.span, pointer));
        }
    }
}

fn rates(looping: &Loop, pointer: &str, found: &mut Diagnostics) {
    let old = &looping.old_form;
    let keys = [
        ("Mode", &old.mode),
        ("Concurrency", &old.concurrency),
        ("MaxErrors", &old.max_errors),
        ("BatchPauseOption", &old.batch_pause_option),
    ];
    let given = keys.iter().filter_map(|(key, node)| Some((*key, node.as_ref()?)));
    match &looping.rate_control {
        Some(rate) => {
            for (key, node) in given {
                let message = format!("`{key}` beside `RateControl` is ignored");
                let pointer = format!("{pointer}/{key}");
                let finding = Diagnostic::warning(Code::LOOP, message, node.span, pointer);
                found.push(finding.help("write it inside `RateControl`"));
            }
            Rates::new(Severity::Error, found).control(&rate.0, &format!("{pointer}/RateControl"));
        }
        None => given.for_each(|(key, node)| {
            Rates::new(Severity::Error, found).key(key, node, &format!("{pointer}/{key}"));
        }),
    }
}

fn aggregates(task: &Task, looping: &Loop, pointer: &str, found: &mut Diagnostics) {
    for aggregate in &looping.outputs {
        let field = &aggregate.field;
        let pointer = format!("{pointer}/Outputs/{}/AggregateField", escape(aggregate.name.value.as_str()));
        let declared = task.outputs.iter().find(|output| output.name.value == field.value);
        match declared {
            Some(output) if output.name.value.as_str() == field.value.as_str() => {}
            Some(output) => {
                let message = format!("output `{}` matches only when case is ignored", field.value);
                let finding = Diagnostic::warning(Code::REFERENCE_CASE, message, field.span, pointer);
                found.push(finding.help(format!("it is spelled `{}`", output.name.value)));
            }
            None => found.push(undeclared(task, field.value.as_str(), field.span, pointer)),
        }
    }
}

fn undeclared(task: &Task, field: &str, span: Option<Span>, pointer: String) -> Diagnostic {
    let message = format!("task `{}` has no output `{field}` to combine", task.name.value);
    let finding = Diagnostic::warning(Code::AGGREGATE_FIELD, message, span, pointer)
        .label("not found under the `Outputs` of the task");
    match nearest(field, task.outputs.iter().map(|output| output.name.value.as_str())) {
        Some(near) => finding.help(format!("an output named `{near}` exists")),
        None => finding.help("it is looked up in the raw result of each item"),
    }
}

/// Defaults of parameters that hold a rate control. A caller can give something else, so they are warnings.
fn defaults(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    let read_by = |index: usize| {
        let rates = plan.tasks.iter().filter_map(|t| t.looping.as_ref()).map(|l| &l.rate_control);
        rates.into_iter().any(|rate| match &rate.kind {
            ExprKind::Reference(reference) => matches!(reference.target, Target::Parameter(i) if i == index),
            _ => false,
        })
    };
    for (i, parameter) in template.parameters.iter().enumerate() {
        let shown_as = parameter.console("AssociationProperty").and_then(Node::as_str);
        let default = parameter.default.as_ref().filter(|d| d.as_map().is_some());
        if let Some(node) = default.filter(|_| shown_as == Some("RateControl") || read_by(i)) {
            let pointer = format!("/Parameters/{}/Default", escape(parameter.name.value.as_str()));
            Rates::new(Severity::Warning, found).control(node, &pointer);
        }
    }
}
