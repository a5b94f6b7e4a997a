//! Live progress: a bar on a terminal, plain lines otherwise.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use oos_core::{
    Timestamp,
    ids::StepKey,
    ports::{EventSink, ExecutionEvent, event::EventKind},
    time::human,
};

/// Shows what happens while it happens.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    start: Mutex<Option<Timestamp>>,
}

impl Progress {
    /// A bar when the error output is a terminal, else lines.
    pub fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len} steps  {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
        });
        Self { bar, start: Mutex::new(None) }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn since_start(&self, at: Timestamp) -> Duration {
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        at.since(*start.get_or_insert(at))
    }

    fn show(&self, at: Timestamp, text: &str) {
        let time = format!("+{}", human(self.since_start(at)));
        match &self.bar {
            Some(bar) => bar.set_message(format!("{time} {text}")),
            // Progress is no result: a closed pipe must not end the run.
            None => drop(writeln!(stderr(), "{time:>7}  {text}")),
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl EventSink for Progress {
    fn emit(&self, event: &ExecutionEvent) {
        let depth = event.execution.as_str().matches('.').count().div_ceil(2);
        let step = |key: &StepKey| match key.item {
            Some(item) => format!("{:indent$}{}[{item}]", "", key.task, indent = depth * 2),
            None => format!("{:indent$}{}", "", key.task, indent = depth * 2),
        };
        match &event.kind {
            EventKind::StepStarted { key, .. } => {
                if let Some(bar) = &self.bar {
                    bar.inc_length(1);
                }
                self.show(event.at, &format!("{} …", step(key)));
            }
            EventKind::StepEnded { key, status, message, .. } => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
                let message = message.as_ref().map(|m| format!(": {m}")).unwrap_or_default();
                self.show(event.at, &format!("{} {status}{message}", step(key)));
            }
            EventKind::StepWaiting { key, waiting_for: Some(what), .. } => {
                self.show(event.at, &format!("{} {what}", step(key)));
            }
            EventKind::Log { message, .. } => self.show(event.at, message),
            _ => {}
        }
    }
}
