//! Walks over compiled expressions and over nodes.

use std::collections::BTreeSet;

use crate::{
    expr::{Expr, ExprKind, Reference, Target},
    plan::{Plan, TaskPlan},
    source::{Node, NodeKind, push_key},
};

/// What expressions read: references, and conditions by index.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) references: Vec<Reference>,
    pub(super) conditions: BTreeSet<usize>,
}

impl Reads {
    /// What one expression reads.
    pub(super) fn of(expr: &Expr) -> Self {
        let mut reads = Self::default();
        reads.add(expr);
        reads
    }

    /// What a task reads, the tasks in its `LoopTasks` included; tasks are numbered as in `plan`.
    pub(super) fn of_task(task: &TaskPlan) -> Self {
        let mut reads = Self::default();
        task.expressions(&mut |expr| reads.add(expr));
        if let Some(inner) = task.loop_tasks() {
            reads.add_inner(inner);
        }
        reads
    }

    /// The same with what its conditions read, and theirs.
    pub(super) fn through_conditions(mut self, plan: &Plan) -> Self {
        let mut open: Vec<usize> = self.conditions.iter().copied().collect();
        while let Some(index) = open.pop() {
            let Some(condition) = plan.conditions.get(index) else { continue };
            let below = Self::of(&condition.expr);
            self.references.extend(below.references);
            open.extend(below.conditions.into_iter().filter(|c| self.conditions.insert(*c)));
        }
        self
    }

    fn add(&mut self, expr: &Expr) {
        expr.references(&mut |reference| self.references.push(reference.clone()));
        conditions(expr, &mut self.conditions);
    }

    /// What the tasks of `ACS::Loop` read of the template around, whose tasks are numbered after the inner ones.
    fn add_inner(&mut self, inner: &Plan) {
        let mut below = Self::default();
        inner.tasks.iter().for_each(|task| {
            let task = Self::of_task(task);
            below.references.extend(task.references);
            below.conditions.extend(task.conditions);
        });
        inner.outputs.iter().for_each(|output| below.add(&output.value));
        self.conditions.extend(below.conditions);
        self.references.extend(below.references.into_iter().filter_map(|r| outside(r, inner.tasks.len())));
    }
}

/// The reference as the template around sees it; nothing when it is about a task inside.
fn outside(reference: Reference, inner: usize) -> Option<Reference> {
    let target = match reference.target {
        Target::Output { task, output } => Target::Output { task: task.checked_sub(inner)?, output },
        Target::Raw { task, selector, list } => Target::Raw { task: task.checked_sub(inner)?, selector, list },
        other => other,
    };
    Some(Reference { target, ..reference })
}

fn conditions(expr: &Expr, found: &mut BTreeSet<usize>) {
    match &expr.kind {
        ExprKind::Condition(index) => {
            found.insert(*index);
        }
        ExprKind::List(list) => list.iter().for_each(|e| conditions(e, found)),
        ExprKind::Map(map) => map.iter().for_each(|(_, e)| conditions(e, found)),
        ExprKind::Call(call) => conditions(&call.argument, found),
        ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Text(_) => {}
    }
}

/// The task that a reference is about.
pub(super) fn task_of(reference: &Reference) -> Option<usize> {
    match reference.target {
        Target::Output { task, .. } | Target::Raw { task, .. } => Some(task),
        _ => None,
    }
}

/// True when evaluation can change nothing about what kind of value this is: no reference and no function on top.
pub(super) fn is_plain(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Scalar(value) => value.as_str().is_none_or(|text| !text.contains("{{")),
        NodeKind::List(_) => true,
        NodeKind::Map(map) => !map.iter().any(|(key, _)| key.text.starts_with("Fn::")),
    }
}

/// Calls `visit` with every node below `node` that stands under a key, with the key and the pointer.
pub(super) fn members<'n>(node: &'n Node, pointer: &str, visit: &mut dyn FnMut(&'n str, &'n Node, &str)) {
    below(node, &mut pointer.to_owned(), visit);
}

/// The pointer is written once and cut back: most nodes are passed without anybody asking for theirs.
fn below<'n>(node: &'n Node, pointer: &mut String, visit: &mut dyn FnMut(&'n str, &'n Node, &str)) {
    let length = pointer.len();
    match &node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::List(list) => {
            for (i, item) in list.iter().enumerate().filter(|(_, item)| !matches!(item.kind, NodeKind::Scalar(_))) {
                pointer.push('/');
                pointer.push_str(&i.to_string());
                below(item, pointer, visit);
                pointer.truncate(length);
            }
        }
        NodeKind::Map(map) => {
            for (key, member) in map {
                push_key(pointer, &key.text);
                visit(&key.text, member, pointer);
                below(member, pointer, visit);
                pointer.truncate(length);
            }
        }
    }
}
