//! What there is to see in a template, with lines.

use std::collections::BTreeMap;

use oos_core::{
    Limits,
    source::{LineIndex, Node, SourceText, parse},
};

use super::Point;

/// The points of a template, and how its tasks lead on.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// Line, task with path, point; in the order of lines.
    pub(super) all: Vec<(usize, String, Point)>,
    /// Lists of tasks by path: empty for the template, `each/` for the `LoopTasks` of `each`.
    scopes: BTreeMap<String, Vec<Step>>,
}

/// How a task leads on.
#[derive(Debug)]
struct Step {
    name: String,
    /// Targets of a choice as written, each once.
    branches: Vec<String>,
    on_error: Option<String>,
    has_when: bool,
    when_per_item: bool,
}

/// What a run that leaves a task can have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Success,
    Failed,
}

struct Reader<'a> {
    source: &'a SourceText,
    lines: LineIndex,
    points: Points,
}

impl Points {
    /// The points of a text; none when it is no template.
    pub(super) fn of(source: &SourceText) -> Self {
        let Ok(root) = parse(source, &Limits::default()) else { return Self::default() };
        let mut reader = Reader { source, lines: LineIndex::new(&source.text), points: Self::default() };
        reader.tasks(root.get("Tasks"), "");
        reader.points.all.sort();
        reader.points
    }

    /// The path of the tasks below a task, when it has `LoopTasks`.
    pub(super) fn below(&self, scope: &str, task: &str) -> Option<String> {
        let path = format!("{scope}{task}/").to_lowercase();
        self.scopes.contains_key(&path).then_some(path)
    }

    /// Whether a task has a `When`, and whether that is evaluated for each item.
    pub(super) fn when(&self, scope: &str, task: &str) -> (bool, bool) {
        self.step(scope, task).map_or((false, false), |(_, step)| (step.has_when, step.when_per_item))
    }

    fn step(&self, scope: &str, task: &str) -> Option<(usize, &Step)> {
        self.scopes.get(scope)?.iter().enumerate().find(|(_, step)| step.name.eq_ignore_ascii_case(task))
    }

    /// The point that a run has seen when it left `from` and came to `to`; the end of the run is `None`.
    pub(super) fn edge(&self, scope: &str, from: &str, left: Left, to: Option<&str>) -> Option<Point> {
        let (index, step) = self.step(scope, from)?;
        let leads = |target: &&String| match target.to_ascii_uppercase().as_str() {
            "ACS::END" | "END" => to.is_none(),
            "ACS::NEXT" | "NEXT" | "CONTINUE" => {
                let next = self.scopes.get(scope).and_then(|steps| steps.get(index + 1));
                next.map(|s| s.name.to_lowercase()) == to.map(str::to_lowercase)
            }
            _ => to.is_some_and(|to| to.eq_ignore_ascii_case(target)),
        };
        match left {
            Left::Success => step.branches.iter().find(leads).map(|t| Point::Branch(t.clone())),
            Left::Failed => step.on_error.as_ref().filter(leads).map(|t| Point::OnError(t.clone())),
        }
    }
}

impl Reader<'_> {
    fn line(&self, node: Option<&Node>) -> usize {
        let start = node.and_then(|n| n.span).map_or(0, |span| span.start);
        self.lines.position(&self.source.text, start).line
    }

    fn tasks(&mut self, list: Option<&Node>, scope: &str) {
        let mut steps = Vec::new();
        for task in list.and_then(Node::as_list).unwrap_or_default() {
            let Some(name) = task.get("Name").and_then(Node::as_str) else { continue };
            steps.push(self.task(task, name, scope));
            let below = task.get("Properties").and_then(|p| p.get("LoopTasks"));
            if below.is_some() {
                self.tasks(below, &format!("{scope}{name}/").to_lowercase());
            }
        }
        self.points.scopes.insert(scope.to_owned(), steps);
    }

    fn task(&mut self, task: &Node, name: &str, scope: &str) -> Step {
        let mut found = vec![(self.line(Some(task)), Point::Task)];
        let when = task.get("When");
        if when.is_some() {
            found.extend([true, false].map(|value| (self.line(when), Point::When(value))));
        }
        let on_error = task.get("OnError").filter(|n| n.as_str().is_some_and(|text| !text.is_empty()));
        let on_error_text = on_error.and_then(Node::as_str).map(str::to_owned);
        found.extend(on_error_text.clone().map(|target| (self.line(on_error), Point::OnError(target))));
        let mut branches: Vec<String> = Vec::new();
        for target in choice_targets(task) {
            let text = target.as_str().unwrap_or_default();
            if !branches.iter().any(|b| b.eq_ignore_ascii_case(text)) {
                found.push((self.line(Some(target)), Point::Branch(text.to_owned())));
                branches.push(text.to_owned());
            }
        }
        let path = format!("{scope}{name}");
        self.points.all.extend(found.into_iter().map(|(line, point)| (line, path.clone(), point)));
        let has_loop = task.get("Loop").is_some();
        let when_per_item = has_loop && when.is_some_and(|w| w.to_value().to_string().contains("TaskLoopItem"));
        Step { name: name.to_owned(), branches, on_error: on_error_text, has_when: when.is_some(), when_per_item }
    }
}

/// The literal targets of a choice; expressions lead nobody knows where.
fn choice_targets(task: &Node) -> Vec<&Node> {
    let action = task.get("Action").and_then(Node::as_str).unwrap_or_default();
    let Some(properties) = task.get("Properties").filter(|_| action.eq_ignore_ascii_case("ACS::Choice")) else {
        return Vec::new();
    };
    let choices = properties.get("Choices").and_then(Node::as_list).unwrap_or_default();
    let targets = choices.iter().filter_map(|c| c.get("NextTask")).chain(properties.get("DefaultTask"));
    targets.filter(|t| t.as_str().is_some_and(|text| !text.contains("{{"))).collect()
}
