//! What a failed expectation prints (testkit 2.4): the cause, the task tree, the last calls, near misses, rules that
//! matched nothing, the seed and how to run it again. Under 80 lines; all of it stands in a file.

use std::{
    path::PathBuf,
    sync::{Arc, Weak},
};

use oos_core::{
    ports::ExecutionEvent,
    time::human,
    view::{self, TextOptions, Trace},
};

use super::{Bed, Run, TestBed, seed, trace};
use crate::calls::{Calls, Context, fail};

/// Lines of each part; together with the headings they stay below 80.
const CAUSE: usize = 4;
const TREE: usize = 26;
const CALLS: usize = 20;
const RULES: usize = 5;

impl Run {
    /// The report of this execution as text.
    pub fn report(&self) -> String {
        let message = self.message().map(|m| format!(": {m}")).unwrap_or_default();
        let after = human(self.virtual_time());
        let taken = super::taken::by_the_failed_task(self);
        let cause = format!("execution {} is {} after {after}{message}{taken}", self.id(), self.status());
        self.bed().explain(&cause, &[], Some(self))
    }

    /// Ends the test with the report.
    #[track_caller]
    pub(super) fn complain(&self, cause: &str) -> ! {
        fail(&self.bed().explain(cause, &[], Some(self)))
    }

    /// One line per event and per call, virtual time relative to the start: equal for equal runs, byte for byte.
    pub fn trace_text(&self) -> String {
        trace::text(&self.events(), &self.calls("*", "*"))
    }

    /// The executions, tasks, items and children of this run as a tree.
    pub fn trace(&self) -> Trace {
        let mut trace = Trace::from_events(&self.events());
        trace.advance(self.bed().clock().now());
        trace
    }
}

/// The bed behind a cloud, for assertions about calls. It does not keep the bed alive.
#[derive(Debug)]
pub(super) struct BedContext(pub(super) Weak<Bed>);

impl Context for BedContext {
    fn explain(&self, cause: &str, near: &[String]) -> Option<String> {
        Some(TestBed(self.0.upgrade()?).explain(cause, near, None))
    }
}

impl TestBed {
    /// One line per event and per call of all executions of the bed.
    pub fn trace_text(&self) -> String {
        trace::text(&self.events().all(), &self.cloud().calls())
    }

    /// The report of a failure.
    pub(super) fn explain(&self, cause: &str, near: &[String], run: Option<&Run>) -> String {
        let events = run.map_or_else(|| self.events().all(), Run::events);
        let calls = self.cloud().calls();
        let mut text = Text::default();
        text.part("", cause.lines().map(str::to_owned).collect(), CAUSE);
        text.part("", self.tree(&events, &TextOptions { fold: false, ..TextOptions::default() }), TREE);
        text.part(&format!("last calls of {}:", calls.len()), lines_of(&calls, CALLS), CALLS + 1);
        let near = if near.is_empty() { self.near(&calls) } else { near.to_vec() };
        text.part("near misses:", near, RULES);
        text.part("stubs and faults that matched nothing:", self.cloud().unmet_rules(), RULES);
        text.part("faults, stubs and commands:", self.cloud().rules_report(), RULES);
        match self.write_all(cause, &events, &calls) {
            Ok(path) => text.0.push_str(&format!("the full trace: {}\n", path.display())),
            Err(error) => text.0.push_str(&format!("the full trace could not be written: {error}\n")),
        }
        let seed = self.seed_of_bed();
        text.0.push_str(&format!("seed {seed}; {}\n", seed::rerun(seed)));
        text.0
    }

    fn tree(&self, events: &[ExecutionEvent], options: &TextOptions) -> Vec<String> {
        let mut trace = Trace::from_events(events);
        trace.advance(self.clock().now());
        view::text(&trace, options).lines().map(str::to_owned).collect()
    }

    /// Calls that come near to a rule that matched nothing.
    fn near(&self, calls: &Calls) -> Vec<String> {
        let rules = self.cloud().unmatched_rules();
        let mut near: Vec<String> = Vec::new();
        for line in rules.iter().flat_map(|(service, api)| calls.near_to(service, api)) {
            if !near.contains(&line) {
                near.push(line);
            }
        }
        near
    }

    /// Writes everything into a file below the target folder, and gives its path.
    fn write_all(&self, cause: &str, events: &[ExecutionEvent], calls: &Calls) -> std::io::Result<PathBuf> {
        let name = seed::test_name().unwrap_or_else(|| "main".to_owned());
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let folder = target_folder().join("oos-testkit");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}-{}.txt", self.seed_of_bed()));
        let everything = TextOptions { width: 200, items: usize::MAX, fold: false, ..TextOptions::default() };
        let mut text = Text::default();
        text.part("", cause.lines().map(str::to_owned).collect(), usize::MAX);
        text.part("tasks:", self.tree(events, &everything), usize::MAX);
        let trace = trace::text(events, calls);
        text.part("trace:", trace.lines().map(str::to_owned).collect(), usize::MAX);
        text.part("calls:", lines_of(calls, usize::MAX), usize::MAX);
        text.part("faults, stubs and commands:", self.cloud().rules_report(), usize::MAX);
        std::fs::write(&path, text.0)?;
        Ok(path)
    }

    /// What assertions about calls of this cloud tell.
    pub(super) fn tell_cloud(&self) {
        self.cloud().set_context(Arc::new(BedContext(Arc::downgrade(&self.0))));
    }
}

fn lines_of(calls: &Calls, most: usize) -> Vec<String> {
    calls.tail(most).lines().map(|line| line.trim_start().to_owned()).collect()
}

/// Files by which cargo marks the folder that it builds in; the first is not in a copied one.
const MARKS: [&str; 2] = ["CACHEDIR.TAG", ".rustc_info.json"];

/// The folder that cargo builds in; elsewhere the one for temporary files.
fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let marked = program.ancestors().find(|folder| MARKS.iter().any(|mark| folder.join(mark).exists()));
    marked.map_or_else(std::env::temp_dir, std::path::Path::to_path_buf)
}

#[derive(Default)]
struct Text(String);

impl Text {
    /// A part with its heading; nothing when it has no lines. What is too much is counted.
    fn part(&mut self, heading: &str, lines: Vec<String>, most: usize) {
        if lines.is_empty() {
            return;
        }
        if !heading.is_empty() {
            self.0.push_str(&format!("{heading}\n"));
        }
        let indent = if heading.is_empty() { "" } else { "  " };
        let shown = if lines.len() > most { most.saturating_sub(1) } else { lines.len() };
        lines.iter().take(shown).for_each(|line| self.0.push_str(&format!("{indent}{line}\n")));
        if lines.len() > shown {
            self.0.push_str(&format!("{indent}… and {} more lines\n", lines.len() - shown));
        }
    }
}
