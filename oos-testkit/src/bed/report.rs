//! What a failed expectation prints: cause, task tree, last calls, rules, seed.

use oos_core::{
    ActionName,
    machine::TaskStatus,
    ports::{action::ActionCatalog, event::EventKind},
    time::human,
    view::{self, TextOptions, Trace},
};

use super::{Run, TestBed};

/// Calls that a report shows.
const CALLS: usize = 20;

impl Run {
    /// The report of this execution as text.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let status = self.status();
        text.push_str(&format!("execution {} is {status} after {}\n", self.id(), human(self.virtual_time())));
        if let Some(message) = self.message() {
            text.push_str(&format!("  {message}\n"));
        }
        self.explain_properties(&mut text);
        text.push_str(&view::text(&self.trace(), &TextOptions { fold: false, ..TextOptions::default() }));
        text.push('\n');
        text.push_str(&self.bed().failure_report());
        text
    }

    /// What the action takes whose properties did not fit. Values are not known here: they may be secrets.
    fn explain_properties(&self, text: &mut String) {
        let events = self.events();
        let failed = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::StepEnded { key, status: TaskStatus::Failed, message: Some(message), .. } => {
                message.starts_with("InvalidProperty").then_some((&event.execution, &key.task))
            }
            _ => None,
        });
        let Some((execution, failed)) = failed else { return };
        let action = events.iter().find_map(|event| match &event.kind {
            EventKind::StepStarted { key, action, .. } if event.execution == *execution && key.task == *failed => {
                Some(ActionName::new(action.clone()))
            }
            _ => None,
        });
        if let Some(signature) = action.and_then(|name| self.bed().engine().actions().signature(&name)) {
            signature.explain(None).lines().for_each(|line| text.push_str(&format!("  {line}\n")));
        }
    }

    /// One line per event, virtual time relative to the start: equal for equal runs, byte for byte.
    pub fn trace_text(&self) -> String {
        view::events(&self.events())
    }

    /// The executions, tasks, items and children of this run as a tree.
    pub fn trace(&self) -> Trace {
        let mut trace = Trace::from_events(&self.events());
        trace.advance(self.bed().clock().now());
        trace
    }
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
