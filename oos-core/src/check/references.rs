//! References that resolve and still cannot give what was meant: outputs where no task has run, outputs that no path
//! produces, and items of a loop that are not aggregated.

use std::collections::BTreeMap;

use super::walk::{Reads, task_of};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    expr::{ExprKind, Reference, Target},
    plan::{Graph, Plan, escape},
    template::Template,
};

pub(super) fn check(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    too_early(template, plan, found);
    conditions_in_text(template, plan, found);
    not_aggregated(template, plan, found);
    if !super::reported(found, &[Code::JUMP_TARGET, Code::CHOICE]) {
        never_produced(template, plan, found);
    }
}

/// `RamRole` and defaults are evaluated before the first task (template-language 1.2, 2.4).
fn too_early(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    let role = template.ram_role.as_ref().zip(plan.ram_role.as_ref());
    if let Some((node, expr)) = role {
        for reference in Reads::of(expr).references.iter().filter(|r| task_of(r).is_some()) {
            let message = format!("`RamRole` reads `{}`, and no task has run before it", reference.text);
            let place = reference.span.or(node.span);
            found.push(Diagnostic::error(Code::UNDEFINED_OUTPUT, message, place, "/RamRole"));
        }
    }
    for (parameter, compiled) in template.parameters.iter().zip(&plan.parameters) {
        let Some(expr) = &compiled.default else { continue };
        for reference in Reads::of(expr).references.iter().filter(|r| task_of(r).is_some()) {
            let name = &parameter.name.value;
            let message = format!("the default of `{name}` reads `{}`, and no task has run before it", reference.text);
            let pointer = format!("/Parameters/{}/Default", escape(name.as_str()));
            let place = reference.span.or(expr.span);
            found.push(Diagnostic::error(Code::PARAMETER_DEFAULT, message, place, pointer));
        }
    }
}

/// A condition made of text and references is neither a reference nor the name of a condition.
fn conditions_in_text(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        let is_text = compiled.when.as_ref().is_some_and(|when| matches!(when.kind, ExprKind::Text(_)));
        if is_text {
            let message = format!("the condition of task `{}` is text around a reference", task.name.value);
            let span = task.when.as_ref().and_then(|when| when.span);
            let finding = Diagnostic::error(Code::WHEN, message, span, format!("/Tasks/{i}/When"));
            found.push(finding.help("compare with `Fn::Equals`, or write nothing but the reference"));
        }
    }
}

/// Everything that reads outputs: the reader's index (`None` for `Outputs`) with its references.
fn readers(plan: &Plan) -> Vec<(Option<usize>, Vec<Reference>)> {
    let tasks = plan.tasks.iter().enumerate();
    let mut readers: Vec<_> =
        tasks.map(|(i, task)| (Some(i), Reads::of_task(task).through_conditions(plan).references)).collect();
    let outputs = plan.outputs.iter().map(|o| Reads::of(&o.value).through_conditions(plan).references);
    readers.push((None, outputs.flatten().collect()));
    readers
}

fn pointer_of(reader: Option<usize>) -> String {
    reader.map_or_else(|| "/Outputs".to_owned(), |i| format!("/Tasks/{i}"))
}

/// Outside of a looped task only its aggregates are meant to be read (template-language 6.6).
fn not_aggregated(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    for (reader, references) in readers(plan) {
        for reference in references {
            let Target::Output { task, output } = reference.target else { continue };
            let looping = template.tasks.get(task).and_then(|t| t.looping.as_ref());
            let visible = plan.tasks.get(task).and_then(|t| t.visible.get(output));
            let (Some(looping), Some(visible)) = (looping, visible) else { continue };
            if reader == Some(task) || looping.outputs.iter().any(|a| a.name.value == visible.name) {
                continue;
            }
            let message =
                format!("`{}` is an output of each item of a loop; the values are joined to a list", reference.text);
            let finding = Diagnostic::warning(Code::AGGREGATE_FIELD, message, reference.span, pointer_of(reader));
            found.push(finding.help("name an aggregate under `Loop.Outputs` and read that"));
        }
    }
}

/// An output of a task that cannot have run when it is read, whatever way the run takes: it is always null.
fn never_produced(template: &Template, plan: &Plan, found: &mut Diagnostics) {
    let graph = Graph::of(plan);
    let count = plan.tasks.len();
    let runs = graph.reachable(count);
    let can_run = |task: usize| runs.get(task).copied().unwrap_or(false);
    let mut behind: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
    for (reader, references) in readers(plan) {
        for reference in references {
            let Some(task) = task_of(&reference).filter(|task| *task < count) else { continue };
            let produced = match reader {
                // A later task has a warning of its own, and what never runs reads nothing.
                Some(reader) if task >= reader || !can_run(reader) => true,
                Some(reader) => {
                    let after = behind.entry(task).or_insert_with(|| graph.reachable_from([task], count));
                    can_run(task) && after.get(reader).copied().unwrap_or(false)
                }
                None => can_run(task),
            };
            if !produced {
                found.push(always_null(template, reader, task, &reference));
            }
        }
    }
}

fn always_null(template: &Template, reader: Option<usize>, task: usize, reference: &Reference) -> Diagnostic {
    let name = |task: usize| template.tasks.get(task).map_or("", |t| t.name.value.as_str());
    let (message, place) = match reader {
        Some(reader) => {
            let message = format!(
                "`{}` is always null: no path to task `{}` passes task `{}`",
                reference.text,
                name(reader),
                name(task)
            );
            (message, template.tasks.get(reader).and_then(|t| t.name.span))
        }
        None => (format!("`{}` is always null: no path leads to task `{}`", reference.text, name(task)), None),
    };
    let finding = Diagnostic::warning(Code::NEVER_PRODUCED, message, reference.span.or(place), pointer_of(reader));
    finding.also(template.tasks.get(task).and_then(|t| t.name.span), "the task that would produce it")
}
