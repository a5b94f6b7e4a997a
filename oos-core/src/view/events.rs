//! Events as lines, one each, for snapshots and failure reports (testkit 2.6).
//!
//! Two runs that did the same give the same text: times count from the start, places are paths of task names, request
//! ids and the identifier of the root execution become ordinals, keys of values are sorted.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use super::words::{clean, columns, cut, loop_words, offset, value_words};
use crate::{
    ExecutionId, Timestamp, Value,
    ids::StepKey,
    ports::event::{EventKind, ExecutionEvent},
};

/// CHOICE: columns of a value or a message in a line.
const WIDEST: usize = 160;
/// CHOICE: columns that the paths of all lines are padded to at most.
const WIDEST_PATH: usize = 48;
/// Columns of the time.
const TIME: usize = 8;
/// The path of a root execution.
const ROOT: &str = "execution";

/// The events as text, one line each:
///
/// ```text
/// +0s      execution         ExecutionStarted ACS-ECS-BulkyStartInstances
/// +0s      startInstance[1]  StepStarted ACS::ECS::StartInstance i-1
/// +0s      startInstance[1]  ApiCall ECS.StartInstance ok request-1
/// ```
pub fn events(events: &[ExecutionEvent]) -> String {
    let mut lines = Lines::default();
    let rows: Vec<_> =
        events.iter().map(|event| (lines.offset(event), lines.path(event), lines.words(event))).collect();
    let width = rows.iter().map(|(_, path, _)| columns(path)).max().unwrap_or(0).min(WIDEST_PATH);
    let mut text = String::new();
    for (at, path, words) in rows {
        let pad = " ".repeat(width.saturating_sub(columns(&path)));
        let line = format!("{at:TIME$} {path}{pad}  {words}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What the lines before have told.
#[derive(Default)]
struct Lines {
    start: Option<Timestamp>,
    /// Path of each execution, empty for a root.
    paths: BTreeMap<ExecutionId, String>,
    /// Identifiers that differ from run to run, with what stands for them.
    names: BTreeMap<Arc<str>, String>,
    requests: usize,
    roots: usize,
}

impl Lines {
    fn offset(&mut self, event: &ExecutionEvent) -> String {
        offset(event.at, *self.start.get_or_insert(event.at))
    }

    fn path(&mut self, event: &ExecutionEvent) -> String {
        if let EventKind::ExecutionStarted { parent, .. } = &event.kind {
            let path = parent.as_ref().map(|(above, key)| self.step(above, key));
            if path.is_none() {
                self.add_root(&event.execution);
            }
            self.paths.insert(event.execution.clone(), path.unwrap_or_default());
        } else if !self.paths.contains_key(&event.execution) {
            self.add_root(&event.execution);
            self.paths.insert(event.execution.clone(), String::new());
        }
        match key(&event.kind) {
            Some(key) => self.step(&event.execution, key),
            None => {
                let path = self.paths.get(&event.execution).map(String::as_str).unwrap_or_default();
                clean(if path.is_empty() { ROOT } else { path }).into_owned()
            }
        }
    }

    fn add_root(&mut self, id: &ExecutionId) {
        self.roots += 1;
        self.names.insert(id.text().clone(), format!("{ROOT}-{}", self.roots));
    }

    fn step(&self, execution: &ExecutionId, key: &StepKey) -> String {
        let mut path = self.paths.get(execution).cloned().unwrap_or_default();
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&clean(key.task.as_str()));
        if let Some(item) = key.item {
            path.push_str(&format!("[{item}]"));
        }
        if key.run > 1 {
            path.push_str(&format!("#{}", key.run));
        }
        path
    }

    fn words(&mut self, event: &ExecutionEvent) -> String {
        let mut words = String::new();
        let start = self.start.unwrap_or(event.at);
        let written = match &event.kind {
            EventKind::ExecutionStarted { template, .. } => {
                write!(words, "ExecutionStarted {}", template.as_deref().unwrap_or_default())
            }
            EventKind::ExecutionStatus { status, waiting_for, message } => {
                let waiting = waiting_for.map(|w| w.as_str()).unwrap_or_default();
                write!(words, "ExecutionStatus {status} {waiting} {}", self.text(message.as_deref()))
            }
            EventKind::ExecutionEnded { status, outputs, message } => {
                write!(words, "ExecutionEnded {status}{}", self.end(message.as_deref(), outputs))
            }
            EventKind::StepStarted { action, item, .. } => {
                let item = item.as_ref().map(|i| self.value(i)).unwrap_or_default();
                write!(words, "StepStarted {action} {item}")
            }
            EventKind::Retrying { key, until, reason } => {
                let (attempt, until) = (key.attempt, offset(*until, start));
                write!(words, "Retrying after attempt {attempt}, next at {until}: {}", self.text(Some(reason)))
            }
            EventKind::StepWaiting { waiting_for, until, .. } => {
                let waiting = waiting_for.map_or("for time", |w| w.as_str());
                let until = until.map(|until| format!("until {}", offset(until, start))).unwrap_or_default();
                write!(words, "StepWaiting {waiting} {until}")
            }
            EventKind::StepEnded { key, status, message, outputs } => {
                let attempts = if key.attempt > 1 { format!(" after {} attempts", key.attempt) } else { String::new() };
                write!(words, "StepEnded {status}{attempts}{}", self.end(message.as_deref(), outputs))
            }
            EventKind::LoopProgress { task, counts } => write!(words, "LoopProgress {task} {}", loop_words(*counts)),
            EventKind::ApiCall { service, api, error, request_id, .. } => {
                let request = request_id.as_ref().map(|id| self.request(id)).unwrap_or_default();
                write!(words, "ApiCall {service}.{api} {} {request}", error.as_deref().unwrap_or("ok"))
            }
            EventKind::Log { message, .. } => write!(words, "Log {}", self.text(Some(message))),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        clean(words.trim_end()).into_owned()
    }

    fn end(&mut self, message: Option<&str>, outputs: &Value) -> String {
        let mut words = message.map(|m| format!(": {}", self.text(Some(m)))).unwrap_or_default();
        if !outputs.is_null() {
            words.push(' ');
            words.push_str(&self.value(outputs));
        }
        words
    }

    fn request(&mut self, id: &Arc<str>) -> String {
        let requests = &mut self.requests;
        let name = self.names.entry(id.clone()).or_insert_with(|| {
            *requests += 1;
            format!("request-{requests}")
        });
        name.clone()
    }

    fn value(&self, value: &Value) -> String {
        self.stable(&value_words(value, WIDEST))
    }

    /// A message; a request id at its end is one even when no call told of it.
    fn text(&mut self, text: Option<&str>) -> String {
        let text = text.unwrap_or_default();
        if let Some(id) = text.rsplit_once("(RequestId: ").and_then(|(_, id)| id.strip_suffix(')')) {
            self.request(&id.into());
        }
        let text = clean(text);
        let text = self.stable(&text);
        cut(&text, WIDEST).into_owned()
    }

    /// The text with identifiers replaced: whole words only, and the root before the dots of a child.
    fn stable(&self, text: &str) -> String {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_word) {
            let (before, from) = rest.split_at(start);
            let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
            out.push_str(before);
            out.push_str(self.names.get(word).map_or(word, String::as_str));
            rest = after;
        }
        out + rest
    }
}

/// The step that an event is about.
fn key(kind: &EventKind) -> Option<&StepKey> {
    match kind {
        EventKind::StepStarted { key, .. }
        | EventKind::Retrying { key, .. }
        | EventKind::StepWaiting { key, .. }
        | EventKind::StepEnded { key, .. } => Some(key),
        EventKind::ApiCall { key, .. } | EventKind::Log { key, .. } => key.as_ref(),
        EventKind::ExecutionStarted { .. }
        | EventKind::ExecutionStatus { .. }
        | EventKind::ExecutionEnded { .. }
        | EventKind::LoopProgress { .. } => None,
    }
}
