//! What a failed expectation prints: cause, task tree, last calls, rules, seed.

use oos_core::{
    Timestamp,
    ports::{ExecutionEvent, event::EventKind},
    time::human,
};

use super::{Run, TestBed};

/// Calls that a report shows.
const CALLS: usize = 20;
/// Lines of the trace that a report shows.
const LINES: usize = 60;

impl Run {
    /// The report of this execution as text.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let status = self.status();
        text.push_str(&format!("execution {} is {status} after {}\n", self.id(), human(self.virtual_time())));
        if let Some(message) = self.message() {
            text.push_str(&format!("  {message}\n"));
        }
        let lines = self.trace();
        let shown = lines.len().saturating_sub(LINES);
        text.push_str(&format!("trace ({} of {} lines):\n", lines.len() - shown, lines.len()));
        lines.iter().skip(shown).for_each(|line| text.push_str(&format!("  {line}\n")));
        text.push_str(&self.bed().failure_report());
        text
    }

    /// One line per event, virtual time relative to the start.
    pub fn trace(&self) -> Vec<String> {
        let start = self.started();
        self.events().iter().map(|event| line(event, start)).collect()
    }

    /// [`Run::trace`] as text: equal for equal runs, byte for byte.
    pub fn trace_text(&self) -> String {
        self.trace().join("\n")
    }
}

fn line(event: &ExecutionEvent, start: Timestamp) -> String {
    let at = format!("+{}", human(event.at.since(start)));
    let step = |key: &oos_core::ids::StepKey| match key.item {
        Some(item) => format!("{}[{}]", key.task, item - 1),
        None => key.task.to_string(),
    };
    let what = match &event.kind {
        EventKind::ExecutionStarted { template, .. } => {
            format!("started {}", template.as_deref().unwrap_or("template"))
        }
        EventKind::ExecutionStatus { status, waiting_for, .. } => {
            format!("status {status}{}", waiting_for.map(|w| format!(" ({w})")).unwrap_or_default())
        }
        EventKind::ExecutionEnded { status, outputs, .. } => format!("ended {status} {outputs}"),
        EventKind::StepStarted { key, action, .. } => format!("{} starts {action}", step(key)),
        EventKind::Retrying { key, until, reason } => {
            format!("{} again at +{}: {reason}", step(key), human(until.since(start)))
        }
        EventKind::StepWaiting { key, waiting_for, until } => {
            let what = waiting_for.map_or_else(|| "sleeps".to_owned(), |w| w.to_string());
            let until = until.map(|t| format!(" until +{}", human(t.since(start)))).unwrap_or_default();
            format!("{} {what}{until}", step(key))
        }
        EventKind::StepEnded { key, status, message, .. } => {
            format!("{} {status}{}", step(key), message.as_ref().map(|m| format!(": {m}")).unwrap_or_default())
        }
        EventKind::LoopProgress { task, counts } => {
            format!("{task} {} of {} well, {} failed", counts.success, counts.total, counts.failed)
        }
        EventKind::Log { message, .. } => format!("log {message}"),
        other => format!("{other:?}"),
    };
    format!("{at:<8} {} {what}", event.execution)
}

impl TestBed {
    /// What is common to all executions of the bed: calls, rules, seed.
    pub(super) fn failure_report(&self) -> String {
        let calls = self.cloud().calls();
        let mut text = format!("last calls of {}:\n", calls.len());
        calls.tail(CALLS).lines().for_each(|line| text.push_str(&format!("  {line}\n")));
        let rules = self.cloud().rules_report();
        if !rules.is_empty() {
            text.push_str("faults, stubs and commands:\n");
            rules.iter().for_each(|rule| text.push_str(&format!("  {rule}\n")));
        }
        text.push_str(&format!("seed {}\n", self.0.seed));
        text
    }
}
