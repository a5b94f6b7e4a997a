//! The edges of a plan: what can follow what. Views and flow checks read it.

use super::{Following, Plan, TaskPlan};

/// Why one task can follow another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// Success, or the next task in the list.
    Success,
    /// Failure.
    Error,
    /// Cancellation.
    Cancel,
    /// `When` was false.
    Skip,
    /// A choice, by number from 1; 0 for the default.
    Choice(usize),
}

/// One edge; `None` as target is the end of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index of the task it leaves.
    pub from: usize,
    /// Index of the task it reaches.
    pub to: Option<usize>,
    /// Why.
    pub kind: EdgeKind,
}

/// All edges, in order of their tasks.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The edges.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// The edges of a plan. A choice has its literal targets; the default error edge to the end is left out.
    pub fn of(plan: &Plan) -> Self {
        let mut edges = Vec::new();
        for (i, task) in plan.tasks.iter().enumerate() {
            add(&mut edges, plan, i, task);
        }
        Self { edges }
    }

    /// Indices of tasks that some path from the first task reaches.
    pub fn reachable(&self, tasks: usize) -> Vec<bool> {
        self.reachable_from([0], tasks)
    }

    /// Indices of these tasks and of those that some path from one of them reaches.
    pub(crate) fn reachable_from(&self, starts: impl IntoIterator<Item = usize>, tasks: usize) -> Vec<bool> {
        spread(starts, tasks, self.edges.iter().filter_map(|e| Some((e.from, e.to?))))
    }

    /// Indices of these tasks and of those from which some path leads to one of them.
    pub(crate) fn leading_to(&self, ends: impl IntoIterator<Item = usize>, tasks: usize) -> Vec<bool> {
        spread(ends, tasks, self.edges.iter().filter_map(|e| Some((e.to?, e.from))))
    }

    /// Indices of tasks from which some path leads to the end of the run.
    pub(crate) fn ending(&self, tasks: usize) -> Vec<bool> {
        self.leading_to(self.edges.iter().filter(|e| e.to.is_none()).map(|e| e.from), tasks)
    }
}

/// What can be reached from `starts` along pairs of (from, to).
fn spread(
    starts: impl IntoIterator<Item = usize>,
    tasks: usize,
    pairs: impl Iterator<Item = (usize, usize)>,
) -> Vec<bool> {
    let mut next = vec![Vec::new(); tasks];
    for (from, to) in pairs {
        if let Some(list) = next.get_mut(from) {
            list.push(to);
        }
    }
    let mut seen = vec![false; tasks];
    let mut stack: Vec<usize> = starts.into_iter().collect();
    while let Some(at) = stack.pop() {
        let Some(slot) = seen.get_mut(at).filter(|s| !**s) else { continue };
        *slot = true;
        stack.extend(next.get(at).into_iter().flatten());
    }
    seen
}

fn add(edges: &mut Vec<Edge>, plan: &Plan, i: usize, task: &TaskPlan) {
    let next = (i + 1 < plan.tasks.len()).then_some(i + 1);
    let target = |following: Following| match following {
        Following::Next => next,
        Following::End => None,
        Following::Task(t) => Some(t),
    };
    let choices = choice_targets(plan, task);
    // What is skipped goes on at the next task, not where it leads itself.
    let skips = task.when.is_some() && (!choices.is_empty() || target(task.on_success) != next);
    if choices.is_empty() {
        edges.push(Edge { from: i, to: target(task.on_success), kind: EdgeKind::Success });
    }
    edges.extend(choices.into_iter().map(|(number, to)| Edge {
        from: i,
        to: target(to),
        kind: EdgeKind::Choice(number),
    }));
    if skips {
        edges.push(Edge { from: i, to: next, kind: EdgeKind::Skip });
    }
    if task.on_error != Following::End {
        edges.push(Edge { from: i, to: target(task.on_error), kind: EdgeKind::Error });
    }
    if task.on_cancel != Following::End {
        edges.push(Edge { from: i, to: target(task.on_cancel), kind: EdgeKind::Cancel });
    }
}

/// The literal targets of a choice: number (0 for the default) and where it leads; empty for other actions.
fn choice_targets(plan: &Plan, task: &TaskPlan) -> Vec<(usize, Following)> {
    if !task.action.is("ACS::Choice") {
        return Vec::new();
    }
    let resolve = |name: &str| jump(plan, name);
    let mut targets = Vec::new();
    let choices = task.lazy.member("Choices");
    let list: Vec<_> = match choices.as_ref().map(|c| &c.kind) {
        Some(crate::expr::ExprKind::List(list)) => list.iter().map(|c| c.member("NextTask")).collect(),
        Some(crate::expr::ExprKind::Literal(value)) => value
            .as_list()
            .unwrap_or_default()
            .iter()
            .map(|c| c.get("NextTask").cloned().map(crate::expr::Expr::literal))
            .collect(),
        _ => Vec::new(),
    };
    for (n, target) in list.into_iter().enumerate() {
        let name = target.and_then(|t| t.as_literal().map(crate::Value::to_text));
        targets.extend(name.and_then(|name| resolve(&name)).map(|to| (n + 1, to)));
    }
    let default = task.properties.member("DefaultTask").and_then(|d| d.as_literal().map(crate::Value::to_text));
    targets.extend(default.and_then(|name| resolve(&name)).map(|to| (0, to)));
    targets
}

/// What a jump target means: `ACS::END`, `ACS::NEXT`, the old words, or a task (template-language 5.1).
pub(crate) fn jump(plan: &Plan, name: &str) -> Option<Following> {
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(name));
    if let Some(task) = plan.task_index(name) {
        return Some(Following::Task(task));
    }
    if is(&["ACS::END", "END"]) {
        return Some(Following::End);
    }
    is(&["ACS::NEXT", "NEXT", "CONTINUE"]).then_some(Following::Next)
}
