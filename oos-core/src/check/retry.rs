//! Retry settings: actions that do not retry, and literals out of range (template-language 5.1).

use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, nearest},
    plan::{Plan, TaskPlan},
    ports::action::{ActionClass, RetryRule},
    source::{Node, Span},
    template::{Retry, Task, Template},
};

const TYPES: [&str; 3] = ["Exponential", "Constant", "Linear"];
/// Keys that hold numbers, with their ranges.
const RANGES: [(&str, i64, i64); 4] =
    [("Retries", 0, 300), ("Delay", 1, 3600), ("BackOff", 1, 3600), ("MaxRetryInterval", 1, 1800)];

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        let pointer = format!("/Tasks/{i}");
        for (key, node) in keys(&task.retry) {
            setting(key, node, &format!("{pointer}/{key}"), found);
        }
        ignored(task, compiled, &pointer, found);
        if let RetryRule::Property { name, .. } = compiled.signature.retry {
            let settings = task.properties.as_ref().and_then(|p| p.get(name)).and_then(Node::as_map);
            for (key, node) in settings.unwrap_or_default() {
                setting(&key.text, node, &format!("{pointer}/Properties/{name}/{}", key.text), found);
            }
        }
    }
}

fn keys(retry: &Retry) -> impl Iterator<Item = (&'static str, &Node)> {
    let keys = [
        ("Retries", &retry.retries),
        ("DelayType", &retry.delay_type),
        ("Delay", &retry.delay),
        ("BackOff", &retry.back_off),
        ("MaxRetryInterval", &retry.max_retry_interval),
    ];
    keys.into_iter().filter_map(|(key, node)| Some((key, node.as_ref()?)))
}

fn ignored(task: &Task, compiled: &TaskPlan, pointer: &str, found: &mut Diagnostics) {
    let signature = &compiled.signature;
    let Some((key, first)) = keys(&task.retry).next().filter(|_| !matches!(signature.retry, RetryRule::Task { .. }))
    else {
        return;
    };
    let message = format!("`{}` does not retry; `{key}` and the like are ignored", compiled.action);
    let span: Option<Span> = first.span.or(task.name.span);
    let finding = Diagnostic::warning(Code::RETRY, message, span, format!("{pointer}/{key}"));
    let child = matches!(signature.class, ActionClass::Embedded | ActionClass::Product);
    found.push(match signature.retry {
        RetryRule::Property { name, .. } => finding.help(format!("write them inside the property `{name}`")),
        _ if child => finding.help("set them on the tasks of the template that it runs"),
        _ => finding,
    });
}

fn setting(key: &str, node: &Node, pointer: &str, found: &mut Diagnostics) {
    if node.is_null() || !super::walk::is_plain(node) {
        return;
    }
    if key == "DelayType" {
        return delay_type(node, pointer, found);
    }
    let Some((_, low, high)) = RANGES.iter().find(|(name, ..)| *name == key) else { return };
    let value = node.to_value();
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    if !number.is_some_and(|n| (*low..=*high).contains(&n)) {
        let message = format!("`{key}` must be a whole number from {low} to {high}, not `{}`", value.to_text());
        found.push(Diagnostic::error(Code::RETRY, message, node.span, pointer));
    }
}

fn delay_type(node: &Node, pointer: &str, found: &mut Diagnostics) {
    let value = node.to_value();
    let text = value.as_str().unwrap_or("");
    if TYPES.contains(&text) {
        return;
    }
    found.push(match TYPES.iter().find(|t| t.eq_ignore_ascii_case(text)) {
        Some(known) => {
            let message = format!("`{text}` matches only when case is ignored");
            Diagnostic::warning(Code::RETRY, message, node.span, pointer).help(format!("it is spelled `{known}`"))
        }
        None => {
            let message = format!("`{}` is no `DelayType`", value.to_text());
            let help = match nearest(text, TYPES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it is one of {}", TYPES.map(|t| format!("`{t}`")).join(", ")),
            };
            Diagnostic::error(Code::RETRY, message, node.span, pointer).help(help)
        }
    });
}
