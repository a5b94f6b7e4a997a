//! Loops: `Loop` of a task with its aggregates, and the tasks of `ACS::Loop`.

use std::sync::Arc;

use super::{Pass, compile_with, escape};
use crate::{
    Value,
    diagnostic::{Code, Diagnostic},
    expr::{Expr, Functions},
    ids::Name,
    plan::{
        ChildName, LoopPlan, TaskKind, TaskOutputPlan, Visible, VisibleKind,
        names::{TaskNames, TemplateNames},
    },
    selector::Selector,
    source::{Key, Node, NodeKind},
    template::{Aggregate, FORMAT_VERSION, Task, Template},
};

/// How deep `ACS::Loop` may nest (actions.md 15).
const LOOP_DEPTH: usize = 3;

impl Pass<'_> {
    /// The tasks of `ACS::Loop` as a plan of their own, whose names include those of this template.
    pub(super) fn loop_tasks(&mut self, i: usize, task: &Task, pointer: &str) -> TaskKind {
        let properties = task.properties.as_ref();
        let Some((key, list)) = properties.and_then(|p| p.entry("LoopTasks")).filter(|(_, n)| !n.is_null()) else {
            // The signature requires the property, so its absence is reported there.
            return TaskKind::Work;
        };
        if list.as_list().is_none_or(<[Node]>::is_empty) {
            let message = "`LoopTasks` must be a list with at least one task";
            let span = list.span.or(key.span);
            self.found.push(Diagnostic::error(
                Code::PROPERTIES,
                message,
                span,
                format!("{pointer}/Properties/LoopTasks"),
            ));
            return TaskKind::Work;
        }
        if self.names.depth >= LOOP_DEPTH {
            let message = format!("`ACS::Loop` nests deeper than {LOOP_DEPTH} levels");
            self.found.push(Diagnostic::error(Code::LIMIT_DEPTH, message, task.action.span, pointer));
            return TaskKind::Work;
        }
        self.compile_loop_tasks(i, task, list, pointer)
    }

    fn compile_loop_tasks(&mut self, i: usize, task: &Task, list: &Node, pointer: &str) -> TaskKind {
        let parsed = Template::from_node(&document(list), self.template.source.clone(), &self.environment.limits);
        let compiled = parsed.and_then(|inner| {
            self.shared_names(&inner, pointer);
            let names = TemplateNames::inside(&inner, self.environment, &self.names);
            compile_with(&inner, self.environment, names, &task.outputs)
        });
        let place = |inner: &str| match inner.strip_prefix("/Tasks") {
            Some(rest) => format!("{pointer}/Properties/LoopTasks{rest}"),
            None => format!("{pointer}{inner}"),
        };
        match compiled {
            Ok(plan) => {
                self.take(&plan.warnings, place);
                self.children.extend(plan.children.iter().map(|child| ChildName { task: i, ..child.clone() }));
                TaskKind::LoopTasks(Arc::new(plan))
            }
            Err(found) => {
                self.take(&found, place);
                TaskKind::Work
            }
        }
    }

    /// Inner tasks share the name space of the tasks around (actions.md 15).
    fn shared_names(&mut self, inner: &Template, pointer: &str) {
        for (n, task) in inner.tasks.iter().enumerate() {
            let name = Name::new(task.name.value.text().clone());
            if self.names.tasks.iter().any(|outer| outer.name == name) {
                let message = format!("task `{name}` has the name of a task around the loop");
                let pointer = format!("{pointer}/Properties/LoopTasks/{n}/Name");
                let finding = Diagnostic::error(Code::DUPLICATE_NAME, message, task.name.span, pointer);
                self.found.push(finding.help("rename one of them"));
            }
        }
    }

    pub(super) fn looping(&mut self, task: &Task, kind: &TaskKind, pointer: &str) -> Option<LoopPlan> {
        if let TaskKind::LoopTasks(_) = kind {
            let properties = task.properties.as_ref();
            let pointer = format!("{pointer}/Properties");
            let mut property = |key: &str| {
                let node = properties.and_then(|p| p.get(key));
                node.map_or(Expr::literal(Value::Null), |n| self.expr(n, &format!("{pointer}/{key}")))
            };
            let (items, rate_control) = (property("LoopItems"), property("LoopRateControl"));
            return Some(LoopPlan { items, rate_control, old_form: false });
        }
        let looping = task.looping.as_ref()?;
        let pointer = format!("{pointer}/Loop");
        let items = looping.items.as_ref();
        let items = items.map_or(Expr::literal(Value::Null), |n| self.expr(n, &format!("{pointer}/Items")));
        let (rate_control, old_form) = match &looping.rate_control {
            Some(rate) => (self.expr(&rate.0, &format!("{pointer}/RateControl")), false),
            None => (self.old_form(task, &pointer), true),
        };
        Some(LoopPlan { items, rate_control, old_form })
    }

    fn old_form(&mut self, task: &Task, pointer: &str) -> Expr {
        let Some(old) = task.looping.as_ref().map(|l| &l.old_form) else { return Expr::literal(Value::Null) };
        self.keys(
            [
                ("Mode", &old.mode),
                ("Concurrency", &old.concurrency),
                ("MaxErrors", &old.max_errors),
                ("BatchPauseOption", &old.batch_pause_option),
            ],
            pointer,
        )
    }

    pub(super) fn visible(
        &mut self,
        task: &Task,
        looped: bool,
        outputs: &[TaskOutputPlan],
        pointer: &str,
    ) -> Vec<Visible> {
        let names = TaskNames::of(task).visible;
        let index = |name: &Name| outputs.iter().position(|o| o.name == *name);
        let list_join = self.environment.functions.get("Fn::ListJoin").cloned();
        let aggregates = task.looping.as_ref().map(|l| l.outputs.as_slice()).unwrap_or_default();
        let mut visible = Vec::with_capacity(names.len());
        for name in names {
            let aggregate = aggregates.iter().find(|a| a.name.value == name);
            let kind = match aggregate {
                Some(aggregate) => self.aggregate(aggregate, index(&aggregate.field.value), pointer),
                None if looped => list_join.clone().map(|function| VisibleKind::Aggregate {
                    field: index(&name),
                    raw: None,
                    function,
                }),
                None => index(&name).map(VisibleKind::Output),
            };
            if let Some(kind) = kind {
                visible.push(Visible { name, kind });
            }
        }
        visible
    }

    fn aggregate(&mut self, aggregate: &Aggregate, field: Option<usize>, pointer: &str) -> Option<VisibleKind> {
        let name = aggregate.aggregate_type.value.as_str();
        let function = self.environment.functions.get(name).filter(|f| f.aggregates).cloned();
        if function.is_none() {
            let pointer = format!("{pointer}/Loop/Outputs/{}/AggregateType", escape(aggregate.name.value.as_str()));
            let message = format!("`{name}` does not combine the values of a loop");
            let known = aggregating(&self.environment.functions);
            self.found.push(
                Diagnostic::error(Code::AGGREGATE, message, aggregate.aggregate_type.span, pointer)
                    .help(format!("one of {known}")),
            );
        }
        let raw = if field.is_none() { Selector::parse(aggregate.field.value.as_str()).ok() } else { None };
        // A kind must exist for every name, else the indices of references would shift.
        let function = function.or_else(|| self.environment.functions.get("Fn::ListJoin").cloned())?;
        Some(VisibleKind::Aggregate { field, raw, function })
    }
}

/// The list of tasks as a template.
fn document(tasks: &Node) -> Node {
    let key = |text: &str| Key { span: None, text: text.into() };
    let version = Node { span: None, kind: NodeKind::Scalar(Value::from(FORMAT_VERSION)) };
    let members = vec![(key("FormatVersion"), version), (key("Tasks"), tasks.clone())];
    Node { span: tasks.span, kind: NodeKind::Map(members) }
}

/// Names of the functions that combine the values of a loop.
fn aggregating(functions: &Functions) -> String {
    let known = functions.names().filter(|n| functions.get(n).is_some_and(|f| f.aggregates));
    known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
