//! The task tree for terminals and failure reports.

use super::{
    trace::{ExecutionTrace, TaskTrace, Trace},
    words::{as_task, clean, columns, cut, firings, length, loop_words, mark, offset, value_words},
};
use crate::{Timestamp, machine::TaskStatus};

/// How [`text`] writes a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// Columns of a line.
    pub width: usize,
    /// ANSI colours.
    pub colour: bool,
    /// A loop with more items than this shows only those that failed, at most this many, and how many others there are.
    pub items: usize,
    /// Loop items that ended well are shown without the tasks below them.
    pub fold: bool,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { width: 100, colour: false, items: 10, fold: true }
    }
}

/// CHOICE: lines that an error takes at most.
const ERROR_LINES: usize = 3;
/// CHOICE: an error gets at least so many columns, however deep it stands.
const NARROWEST: usize = 24;
/// CHOICE: columns of a loop item's value behind its number.
const ITEM: usize = 24;
/// Columns of the longest status and its mark.
const STATUS: usize = 11;

/// The tree of all executions of a trace: status, start, length, attempts, loop counts and errors of each task.
///
/// ```text
/// ACS-ECS-BulkyRunCommand exec-1        ✗ Failed     +0s    34s
/// │  LoopMaxErrorsExceeded: 1 of 3 items failed, at most 0 may
/// ├─ getInstance                        ✓ Success    +0s     0s
/// └─ runCommand                         ✗ Failed     +0s    34s  3 items: 2 Success, 1 Failed
///    └─ [2] i-2                         ✗ Failed     +0s    30s
///       ├─ runCommand                   ✓ Success    +0s     2s
/// ```
pub fn text(trace: &Trace, options: &TextOptions) -> String {
    let start = trace.root().map(|root| root.started).unwrap_or_default();
    let mut tree = TreeText { options, start, now: trace.now(), rows: Vec::new() };
    for root in trace.roots() {
        tree.execution(root);
    }
    tree.render()
}

struct TreeText<'a> {
    options: &'a TextOptions,
    start: Timestamp,
    now: Timestamp,
    rows: Vec<Row>,
}

/// A line before its columns are known.
enum Row {
    Step { label: String, status: TaskStatus, at: String, took: String, note: String },
    Words(String),
}

/// One node with the branches before it: `own` for its own line, `below` for the lines under it.
#[derive(Clone, Default)]
struct Branch {
    own: String,
    below: String,
}

impl Branch {
    fn child(&self, last: bool) -> Self {
        let (own, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        Self { own: format!("{}{own}", self.below), below: format!("{}{below}", self.below) }
    }
}

impl TreeText<'_> {
    fn execution(&mut self, execution: &ExecutionTrace) {
        self.execution_row(&Branch::default(), execution, execution.template.as_deref().unwrap_or("execution"));
        self.tasks(&Branch::default(), execution);
    }

    fn execution_row(&mut self, branch: &Branch, execution: &ExecutionTrace, name: &str) {
        let label = format!("{}{} {}", branch.own, clean(name), clean(execution.id.as_str()));
        let at = offset(execution.started, self.start);
        let took = length(execution.ended.unwrap_or(self.now).since(execution.started));
        let note = execution.waiting_for().map(|w| w.as_str().to_owned()).unwrap_or_default();
        self.rows.push(Row::Step { label, status: as_task(execution.status()), at, took, note });
        let told_below = |m: &&str| !execution.tasks.iter().any(|t| t.message.as_deref() == Some(m));
        if let Some(message) = execution.message.as_deref().filter(told_below) {
            self.message(branch, !execution.tasks.is_empty(), message);
        }
    }

    fn tasks(&mut self, branch: &Branch, execution: &ExecutionTrace) {
        let count = execution.tasks.len();
        for (i, task) in execution.tasks.iter().enumerate() {
            self.step(&branch.child(i + 1 == count), task);
        }
    }

    fn step(&mut self, branch: &Branch, step: &TaskTrace) {
        let at = step.started.map(|at| offset(at, self.start)).unwrap_or_default();
        let until = step.ended.unwrap_or(self.now);
        let took = step.started.map(|at| length(until.since(at))).unwrap_or_default();
        let label = format!("{}{}", branch.own, label(step));
        let note = self.note(step);
        self.rows.push(Row::Step { label, status: step.status(), at, took, note });
        let below = |m: &&str| {
            let ended = step.children.iter().flat_map(|c| &c.tasks).any(|t| t.message.as_deref() == Some(m));
            !ended || self.is_folded(step)
        };
        if let Some(message) = step.message.as_deref().filter(below) {
            self.message(branch, self.has_below(step), message);
        }
        self.below(branch, step);
    }

    fn is_folded(&self, step: &TaskTrace) -> bool {
        self.options.fold && step.item.is_some() && step.status() == TaskStatus::Success
    }

    fn has_below(&self, step: &TaskTrace) -> bool {
        step.items().len() > 0 || (!self.is_folded(step) && step.children.iter().any(|c| !c.tasks.is_empty()))
    }

    fn below(&mut self, branch: &Branch, step: &TaskTrace) {
        if step.items().len() > 0 {
            return self.items(branch, step);
        }
        if self.is_folded(step) {
            return;
        }
        if let [child] = step.children.as_slice()
            && !step.is_trigger()
        {
            return self.tasks(branch, child);
        }
        self.firings(branch, step);
    }

    /// Several children of one step: firings of a trigger, or runs of a restarted item; the last ones.
    fn firings(&mut self, branch: &Branch, step: &TaskTrace) {
        let hidden = step.children.len().saturating_sub(self.options.items.max(1));
        if hidden > 0 {
            let branch = branch.child(false);
            self.rows.push(Row::Words(format!("{}… {hidden} before", branch.own)));
        }
        let name = if step.is_trigger() { "firing" } else { "run" };
        for (i, child) in step.children.iter().enumerate().skip(hidden) {
            let branch = branch.child(i + 1 == step.children.len());
            self.execution_row(&branch, child, &format!("{name} {}", i + 1));
            self.tasks(&branch, child);
        }
    }

    fn items(&mut self, branch: &Branch, step: &TaskTrace) {
        let all = step.items().len();
        let shown: Vec<_> = if all <= self.options.items {
            step.items().collect()
        } else {
            step.items().filter(|i| i.status() == TaskStatus::Failed).take(self.options.items).collect()
        };
        let hidden = all - shown.len();
        for (i, item) in shown.iter().enumerate() {
            self.step(&branch.child(hidden == 0 && i + 1 == shown.len()), item);
        }
        if hidden > 0 {
            let numbers = shown.iter().filter_map(|i| i.item);
            let words = others(step, &numbers.collect());
            self.rows.push(Row::Words(format!("{}… {hidden} more: {words}", branch.child(true).own)));
        }
    }

    fn note(&self, step: &TaskTrace) -> String {
        let mut notes = Vec::new();
        notes.extend(step.counts.map(loop_words));
        if step.is_trigger() && !step.children.is_empty() {
            notes.push(firings(step.children.len()));
        }
        if step.attempts > 1 {
            notes.push(format!("{} attempts", step.attempts));
        }
        if let Some((until, reason)) = &step.retry {
            notes.push(format!("next at {}: {}", offset(*until, self.start), clean(reason)));
        }
        if let Some(waiting) = step.waiting.filter(|_| !step.told.is_final()) {
            let until = waiting.until.map(|until| format!(" until {}", offset(until, self.start)));
            let what = waiting.waiting_for.map_or("sleeping", |w| w.as_str());
            notes.push(format!("{what}{}", until.unwrap_or_default()));
        }
        notes.join(", ")
    }

    fn message(&mut self, branch: &Branch, has_below: bool, message: &str) {
        let lead = format!("{}{}", branch.below, if has_below { "│  " } else { "   " });
        let room = self.options.width.saturating_sub(columns(&lead)).max(NARROWEST);
        for line in wrap(&clean(message), room) {
            self.rows.push(Row::Words(format!("{lead}{line}")));
        }
    }

    fn render(&self) -> String {
        let widest = |row: &Row| if let Row::Step { label, .. } = row { columns(label) } else { 0 };
        let label = self.rows.iter().map(widest).max().unwrap_or(0).min(self.options.width * 3 / 5);
        let mut out = String::new();
        for row in &self.rows {
            let line = match row {
                Row::Words(words) => words.clone(),
                Row::Step { .. } => self.step_line(row, label),
            };
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    fn step_line(&self, row: &Row, width: usize) -> String {
        let Row::Step { label, status, at, took, note } = row else { return String::new() };
        let label = cut(label, width);
        let pad = " ".repeat(width.saturating_sub(columns(&label)));
        let times = format!("{at:>7} {took:>8}");
        let used = width + 2 + STATUS + 1 + columns(&times) + 2;
        let note = cut(note, self.options.width.saturating_sub(used).max(NARROWEST));
        format!("{label}{pad}  {} {times}  {note}", self.status(*status))
    }

    fn status(&self, status: TaskStatus) -> String {
        let words = format!("{} {status:<9}", mark(status));
        if !self.options.colour {
            return words;
        }
        format!("\u{1b}[{}m{words}\u{1b}[0m", colour(status))
    }
}

/// ANSI colours: green, red, blue, yellow; grey for what did not happen.
fn colour(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Success => "32",
        TaskStatus::Failed => "31",
        TaskStatus::Running => "34",
        TaskStatus::Waiting => "33",
        TaskStatus::Cancelled => "35",
        TaskStatus::Pending | TaskStatus::Skipped => "90",
    }
}

fn label(step: &TaskTrace) -> String {
    let name = clean(step.name.as_str());
    match (step.item, &step.value) {
        (Some(item), Some(value)) => format!("[{item}] {}", value_words(value, ITEM)),
        (Some(item), None) => format!("[{item}]"),
        (None, _) if step.run > 1 => format!("{name} #{}", step.run),
        (None, _) => name.into_owned(),
    }
}

/// The items that are not shown, counted by status.
fn others(step: &TaskTrace, shown: &std::collections::BTreeSet<u32>) -> String {
    let mut counts = std::collections::BTreeMap::<TaskStatus, usize>::new();
    for item in step.items().filter(|i| !i.item.is_some_and(|n| shown.contains(&n))) {
        *counts.entry(item.status()).or_default() += 1;
    }
    counts.iter().map(|(status, n)| format!("{n} {status}")).collect::<Vec<_>>().join(", ")
}

/// The text in lines of at most so many columns, broken at blanks where there are any.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    let cut_off = lines.len() > ERROR_LINES;
    lines.truncate(ERROR_LINES);
    if let Some(last) = lines.last_mut().filter(|_| cut_off) {
        last.push_str(" …");
    }
    lines.iter().map(|line| cut(line, room).into_owned()).collect()
}
