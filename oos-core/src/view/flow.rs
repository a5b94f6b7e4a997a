//! The flow chart that all formats draw: nodes and edges of a plan, with what became of them.
//!
//! Tasks of `ACS::Loop` are a chart inside their node; so is a child template when its plan is at hand.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    outcome::{Outcome, children_of, runs_of},
    shape::Shape,
    trace::{ExecutionTrace, TaskTrace, Trace},
};
use crate::{
    TemplateName, Timestamp,
    machine::TaskStatus,
    plan::{Edge, EdgeKind, Graph, Plan, PlanSet, TaskPlan},
};

/// CHOICE: charts inside charts, at most so deep; a deeper child stays a plain node.
const DEEPEST: usize = 4;
/// CHOICE: characters of a name; what follows is cut, and a number makes it one of its kind.
const LONGEST_ID: usize = 100;
/// Words that a node cannot be called in one of the formats.
const RESERVED: [&str; 17] = [
    "end",
    "graph",
    "subgraph",
    "flowchart",
    "class",
    "classdef",
    "click",
    "style",
    "linkstyle",
    "default",
    "direction",
    "node",
    "edge",
    "digraph",
    "strict",
    "call",
    "href",
];

/// A chart.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Name of the template.
    pub(super) title: Option<String>,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Line>,
    /// Names of the points where the chart begins and ends.
    pub(super) start: String,
    pub(super) end: String,
}

/// A task.
#[derive(Debug)]
pub(super) struct Node {
    /// Letters, digits and `_` only; one of its kind in the whole drawing.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) action: String,
    pub(super) shape: Shape,
    /// `loop`, `when`.
    pub(super) tags: Vec<&'static str>,
    /// `None` without a trace, and when the task was not reached.
    pub(super) outcome: Option<Outcome>,
    pub(super) inner: Option<Flow>,
}

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    Start,
    Task(usize),
    End,
}

/// Where a run can go.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) from: Point,
    pub(super) to: Point,
    pub(super) style: Style,
    pub(super) label: String,
    /// True when a run went along it.
    pub(super) taken: bool,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Style {
    Plain,
    /// Dashed: failure, cancellation.
    Error,
    /// Dotted: left out by `When`.
    Skip,
}

/// What a drawing is made of.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) trace: Option<&'a Trace>,
    pub(super) plans: Option<&'a PlanSet>,
}

impl Source<'_> {
    pub(super) fn flow(self, plan: &Plan) -> Flow {
        let executions: Vec<_> = self.trace.and_then(Trace::root).into_iter().collect();
        let mut drawing =
            Drawing { source: self, now: self.trace.map(Trace::now).unwrap_or_default(), ids: BTreeSet::new() };
        drawing.flow(plan, &executions, "", 0)
    }
}

struct Drawing<'a> {
    source: Source<'a>,
    now: Timestamp,
    ids: BTreeSet<String>,
}

impl Drawing<'_> {
    fn flow(&mut self, plan: &Plan, executions: &[&ExecutionTrace], prefix: &str, depth: usize) -> Flow {
        let (own, executions) = (executions, with_firings(plan, executions));
        let ids: Vec<_> = plan.tasks.iter().map(|t| self.id(&format!("{prefix}{}", t.name))).collect();
        let nodes = ids.into_iter().enumerate().zip(&plan.tasks).map(|((i, id), task)| {
            // The trigger task of a firing only says that it fired.
            let runs = if i == 0 && plan.has_trigger() { runs_of(own, task) } else { runs_of(&executions, task) };
            let inner = self.inner(plan, i, task, &runs, &id, depth);
            node(id, task, Outcome::of(&runs, self.now), inner)
        });
        let nodes = nodes.collect();
        Flow {
            title: plan.name.as_ref().map(ToString::to_string),
            nodes,
            edges: edges(plan, &executions),
            start: self.id(&format!("{prefix}start")),
            end: self.id(&format!("{prefix}finish")),
        }
    }

    fn inner(
        &mut self,
        plan: &Plan,
        i: usize,
        task: &TaskPlan,
        runs: &[&TaskTrace],
        id: &str,
        depth: usize,
    ) -> Option<Flow> {
        if depth >= DEEPEST {
            return None;
        }
        let executions = children_of(runs);
        let prefix = format!("{id}__");
        if let Some(tasks) = task.loop_tasks() {
            return Some(self.flow(tasks, &executions, &prefix, depth + 1));
        }
        let child = match &task.inline {
            // What `plans` asks for: without them a child stays closed.
            Some(inline) => self.source.plans.map(|_| inline.clone()),
            None => self.named(plan, i),
        }?;
        Some(self.flow(&child, &executions, &prefix, depth + 1))
    }

    /// The plan of a child that is named before the run.
    fn named(&self, plan: &Plan, i: usize) -> Option<Arc<Plan>> {
        let named = plan.children.iter().find(|c| c.task == i)?;
        let name: &TemplateName = &named.name;
        self.source.plans?.named(name, named.version.as_deref()).cloned()
    }

    /// A name that no other node has.
    fn id(&mut self, name: &str) -> String {
        let safe: String =
            name.chars().take(LONGEST_ID).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let reserved = RESERVED.contains(&safe.to_ascii_lowercase().as_str());
        let letter = safe.starts_with(|c: char| c.is_ascii_alphabetic());
        let safe = if reserved || !letter { format!("t_{safe}") } else { safe };
        let free = |n: usize| if n == 1 { safe.clone() } else { format!("{safe}_{n}") };
        let id = (1..).map(free).find(|id| !self.ids.contains(id)).unwrap_or_default();
        self.ids.insert(id.clone());
        id
    }
}

fn node(id: String, task: &TaskPlan, outcome: Option<Outcome>, inner: Option<Flow>) -> Node {
    let mut tags = Vec::new();
    if task.looping.is_some() {
        tags.push("loop");
    }
    if task.when.is_some() {
        tags.push("when");
    }
    Node {
        id,
        name: task.name.to_string(),
        action: task.action.to_string(),
        shape: Shape::of(task),
        tags,
        outcome,
        inner,
    }
}

/// The executions of a plan with a trigger: the root knows of the trigger, its newest firing of all other tasks.
fn with_firings<'t>(plan: &Plan, executions: &[&'t ExecutionTrace]) -> Vec<&'t ExecutionTrace> {
    let trigger = plan.tasks.first().filter(|_| plan.has_trigger());
    let firings = trigger.map(|t| children_of(&runs_of(executions, t))).unwrap_or_default();
    executions.iter().copied().chain(firings).collect()
}

fn edges(plan: &Plan, executions: &[&ExecutionTrace]) -> Vec<Line> {
    let first = if plan.tasks.is_empty() { Point::End } else { Point::Task(0) };
    let taken = executions.iter().any(|e| !e.tasks.is_empty());
    let mut lines = vec![Line { from: Point::Start, to: first, style: Style::Plain, label: String::new(), taken }];
    let walked = walked(plan, executions);
    lines.extend(Graph::of(plan).edges.iter().map(|edge| line(edge, &walked)));
    lines
}

/// The steps from task to task that runs took, with the status of the task that was left.
fn walked(plan: &Plan, executions: &[&ExecutionTrace]) -> BTreeSet<(usize, Option<usize>, TaskStatus)> {
    let mut walked = BTreeSet::new();
    let index = |task: &TaskTrace| plan.task_index(task.name.as_str());
    for execution in executions {
        // A firing begins behind the trigger.
        let fired = plan.has_trigger() && execution.tasks.first().is_some_and(|t| index(t) != Some(0));
        if fired {
            walked.extend(execution.tasks.first().map(|t| (0, index(t), TaskStatus::Success)));
        }
        for (from, to) in execution.tasks.iter().zip(execution.tasks.iter().skip(1)) {
            walked.extend(index(from).map(|i| (i, index(to), from.status())));
        }
        let last = execution.tasks.last().filter(|_| execution.ended.is_some());
        walked.extend(last.and_then(|t| Some((index(t)?, None, t.status()))));
    }
    walked
}

fn line(edge: &Edge, walked: &BTreeSet<(usize, Option<usize>, TaskStatus)>) -> Line {
    let (style, label, statuses): (_, _, &[TaskStatus]) = match &edge.kind {
        EdgeKind::Success => (Style::Plain, String::new(), &[TaskStatus::Success, TaskStatus::Skipped]),
        EdgeKind::Error => (Style::Error, "OnError".to_owned(), &[TaskStatus::Failed]),
        EdgeKind::Cancel => (Style::Error, "OnCancel".to_owned(), &[TaskStatus::Cancelled]),
        EdgeKind::Skip => (Style::Skip, "skipped".to_owned(), &[TaskStatus::Skipped]),
        EdgeKind::Choice(0) => (Style::Plain, "default".to_owned(), &[TaskStatus::Success]),
        EdgeKind::Choice(number) => (Style::Plain, number.to_string(), &[TaskStatus::Success]),
    };
    let taken = statuses.iter().any(|status| walked.contains(&(edge.from, edge.to, *status)));
    Line { from: Point::Task(edge.from), to: edge.to.map_or(Point::End, Point::Task), style, label, taken }
}

impl Flow {
    /// True when a line leads to the end.
    pub(super) fn has_end(&self) -> bool {
        self.edges.iter().any(|e| e.to == Point::End)
    }

    /// The name of a point.
    pub(super) fn id(&self, point: Point) -> &str {
        match point {
            Point::Start => &self.start,
            Point::Task(i) => self.nodes.get(i).map(|n| n.id.as_str()).unwrap_or_default(),
            Point::End => &self.end,
        }
    }

    /// This chart and all inside it.
    pub(super) fn all(&self) -> Vec<&Self> {
        let below = self.nodes.iter().filter_map(|n| n.inner.as_ref()).flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }
}

impl Node {
    /// The status, Pending without one.
    pub(super) fn status(&self) -> TaskStatus {
        self.outcome.as_ref().map(|o| o.status).unwrap_or_default()
    }

    /// Action and tags: the second line of a node.
    pub(super) fn detail(&self) -> String {
        let tags: String = self.tags.iter().map(|tag| format!(" · {tag}")).collect();
        format!("{}{tags}", self.action)
    }

    /// All lines of the node.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.name.clone(), self.detail()];
        if let Some(outcome) = &self.outcome {
            lines.extend(outcome.lines.iter().cloned());
        }
        lines
    }
}
