//! `Conditions`: the outermost function, cycles, and tasks that have not run when the condition is asked
//! (template-language 5.4).

use std::collections::BTreeSet;

use super::walk::{Reads, task_of};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    expr::{Expr, ExprKind, NESTING},
    plan::{Plan, escape},
    template::{Condition, Template},
};

/// Functions that may stand outermost in a condition.
const OUTERMOST: [&str; 4] = ["Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals"];

/// Judges one entry with what compiling said about it: shapes and unknown tasks count as faults of the condition.
pub(crate) fn condition(condition: &Condition, expr: &Expr, pointer: &str, said: Diagnostics, found: &mut Diagnostics) {
    let had_errors = said.has_errors();
    for finding in said.iter() {
        let of_condition = [Code::WHEN, Code::UNDEFINED_TASK].contains(&finding.code);
        let code = if of_condition { Code::CONDITION } else { finding.code };
        found.push(Diagnostic { code, ..finding.clone() });
    }
    let fits = matches!(&expr.kind, ExprKind::Call(call) if OUTERMOST.contains(&&*call.function.name));
    if had_errors || fits {
        return;
    }
    let name = &condition.name.value;
    let (message, span) = match &expr.kind {
        ExprKind::Call(call) => (format!("condition `{name}` starts with `{}`", call.function.name), call.span),
        _ => (format!("condition `{name}` is no function"), condition.node.span),
    };
    let finding = Diagnostic::error(Code::CONDITION, message, span, pointer);
    found.push(finding.help(format!("put {} outermost", OUTERMOST.map(|f| format!("`{f}`")).join(", "))));
}

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    let reads: Vec<Reads> = plan.conditions.iter().map(|c| Reads::of(&c.expr)).collect();
    cycles(template, &reads, found);
    nesting(template, plan, &reads, found);
    later(template, plan, &reads, found);
}

fn cycles(template: &Template, reads: &[Reads], found: &mut Diagnostics) {
    for (i, condition) in template.conditions.iter().enumerate() {
        let mut reached = BTreeSet::new();
        let mut stack: Vec<usize> = reads.get(i).into_iter().flat_map(|r| r.conditions.iter().copied()).collect();
        while let Some(next) = stack.pop() {
            if reached.insert(next) {
                stack.extend(reads.get(next).into_iter().flat_map(|r| r.conditions.iter().copied()));
            }
        }
        if reached.contains(&i) {
            let name = &condition.name.value;
            let message = format!("condition `{name}` leads back to itself");
            let pointer = format!("/Conditions/{}", escape(name.as_str()));
            found.push(Diagnostic::error(Code::CONDITION, message, condition.name.span, pointer));
        }
    }
}

/// A condition is evaluated inside the one that names it, so a chain of them needs as deep a stack as one nested value.
fn nesting(template: &Template, plan: &Plan, reads: &[Reads], found: &mut Diagnostics) {
    let own = |i: usize| plan.conditions.get(i).map_or(0, |c| c.expr.levels());
    let below = |i: usize| reads.get(i).into_iter().flat_map(|r| r.conditions.iter().copied());
    let mut levels: Vec<Option<usize>> = vec![None; reads.len()];
    let mut entered = BTreeSet::new();
    for start in 0..reads.len() {
        let mut open = vec![start];
        while let Some(&i) = open.last() {
            // What is entered and has no level yet leads back to itself, which is an error of its own.
            if entered.insert(i) {
                open.extend(below(i).filter(|b| !entered.contains(b)));
                continue;
            }
            open.pop();
            let deepest = below(i).filter_map(|b| levels.get(b).copied().flatten()).max().unwrap_or(0);
            if let Some(slot) = levels.get_mut(i) {
                *slot = Some(own(i) + deepest);
            }
        }
    }
    let too_deep = levels.iter().position(|levels| levels.is_some_and(|levels| levels > NESTING));
    if let Some(condition) = too_deep.and_then(|i| template.conditions.get(i)) {
        let name = &condition.name.value;
        let message = format!("condition `{name}` and those that it names nest deeper than {NESTING} levels");
        let pointer = format!("/Conditions/{}", escape(name.as_str()));
        found.push(Diagnostic::error(Code::LIMIT_DEPTH, message, condition.name.span, pointer));
    }
}

/// A condition is asked before the task that uses it runs, so it can read only tasks before that one.
fn later(template: &Template, plan: &Plan, reads: &[Reads], found: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        let used = Reads::of_task(compiled).through_conditions(plan).conditions;
        for index in used {
            let (Some(condition), Some(reads)) = (template.conditions.get(index), reads.get(index)) else { continue };
            for reference in &reads.references {
                let Some(read) = task_of(reference).filter(|read| *read >= i) else { continue };
                if !seen.insert((index, reference.text.clone())) {
                    continue;
                }
                let name = plan.tasks.get(read).map_or("", |t| t.name.as_str());
                let message = if read == i {
                    format!("condition `{}` reads task `{name}`, which asks it before it runs", condition.name.value)
                } else {
                    let user = &task.name.value;
                    format!(
                        "condition `{}` reads task `{name}`, which comes after task `{user}` that asks it",
                        condition.name.value
                    )
                };
                let pointer = format!("/Conditions/{}", escape(condition.name.value.as_str()));
                let place = reference.span.or(condition.node.span);
                let finding = Diagnostic::error(Code::CONDITION, message, place, pointer).label("not produced yet");
                let user = task.when.as_ref().and_then(|when| when.span).or(task.name.span);
                found.push(finding.also(user, "asked here"));
            }
        }
    }
}
