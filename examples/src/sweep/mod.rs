//! Runs every template of a folder on the fake cloud with made-up parameters: does each come to an end?
//!
//! A template gets values for its parameters from their declarations, from what it uses them for and from what is in the
//! fake; people say yes, triggers fire once. When it fails, the next of `TRIES` is made, until one succeeds: another
//! state of the account, another of the allowed values. Operations without a model are answered by shape and by what the
//! template expects, and counted.
//! Nothing is asserted about results; that is what tests are for.

mod expect;
mod kinds;
mod packages;
mod pattern;
mod people;
mod privilege;
mod stacks;
mod uses;
mod values;
mod words;
mod world;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use fancy_regex::Regex;
use oos_actions::product::DirectoryTemplates;
use oos_core::{Template, TemplateName, engine::StartOptions, machine::ExecutionStatus, ports::event::EventKind};
use oos_testkit::{calls::Answer, prelude::*};

use self::{
    packages::Packages,
    values::{Choice, Maker},
    world::{Account, World},
};

const fn account() -> Account {
    Account {
        stopped: false,
        prepaid: false,
        eip: false,
        windows: false,
        shrinks: false,
        loose: false,
        quick: false,
        again: false,
    }
}

const fn choice(allowed: usize, fill: bool) -> Choice {
    Choice { allowed, fill }
}

/// What is tried, in this order, until an execution succeeds.
const TRIES: &[(Account, Choice)] = &[
    (account(), choice(0, false)),
    (Account { stopped: true, ..account() }, choice(0, false)),
    (account(), choice(0, true)),
    (Account { prepaid: true, ..account() }, choice(0, false)),
    (account(), choice(1, false)),
    (account(), choice(2, false)),
    (Account { stopped: true, ..account() }, choice(0, true)),
    (account(), choice(1, true)),
    (Account { eip: true, ..account() }, choice(0, false)),
    (Account { shrinks: true, ..account() }, choice(0, false)),
    (Account { shrinks: true, ..account() }, choice(1, false)),
    (Account { quick: true, ..account() }, choice(0, false)),
    (Account { windows: true, ..account() }, choice(0, false)),
    (Account { loose: true, ..account() }, choice(0, false)),
    (Account { again: true, ..account() }, choice(0, false)),
    (Account { loose: true, stopped: true, ..account() }, choice(1, true)),
];

/// Templates of a folder and where their actions come from.
#[derive(Clone, Debug)]
pub struct Sweep {
    folder: PathBuf,
    actions: Option<PathBuf>,
}

impl Sweep {
    /// A sweep over a folder, with action templates of another over the embedded ones.
    pub fn new(folder: &Path, actions: Option<&Path>) -> Self {
        Self { folder: folder.to_owned(), actions: actions.map(Path::to_owned) }
    }

    /// The files of the folder that may be templates, ordered.
    ///
    /// # Errors
    /// A line for people when the folder cannot be listed.
    pub fn files(&self) -> Result<Vec<PathBuf>, String> {
        let problem = |error| format!("{}: {error}", self.folder.display());
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(problem)? {
            let path = entry.map_err(problem)?.path();
            if path.extension().is_some_and(|e| e == "yml" || e == "yaml" || e == "json") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Runs one template: the first try that succeeds, else the first of all. A try that does not end, or panics, is
    /// never hidden by another.
    pub fn run(&self, path: &Path) -> Line {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut first = None;
        for (n, (account, choice)) in TRIES.iter().enumerate() {
            let attempt = AssertUnwindSafe(|| self.attempt(&name, path, *account, *choice));
            let line =
                catch_unwind(attempt).unwrap_or_else(|cause| Line::bad(format!("panicked: {}", text_of(&*cause))));
            let line = Line { name: name.clone(), attempt: n + 1, ..line };
            if !line.ended || !line.status.starts_with("Failed") {
                return line;
            }
            first.get_or_insert(line);
        }
        first.unwrap_or_default()
    }

    /// Runs one try of a template and says what it was started with and which calls it made: for who asks why.
    pub fn explain(&self, path: &Path, attempt: usize) -> String {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Some((account, choice)) = attempt.checked_sub(1).and_then(|n| TRIES.get(n)) else {
            return format!("there is no try {attempt}");
        };
        let world = World::new(*account);
        match self.start(&name, path, &world, *choice) {
            Ok((bed, run, template, _)) => {
                let before = bed.cloud().calls().len();
                let given = run.handle().clone();
                let line = people::to_the_end(&world, &bed, &run, &template);
                let calls = bed.cloud().calls();
                let calls: Vec<String> = calls
                    .iter()
                    .skip(before)
                    .map(|call| {
                        let answer = match &call.answer {
                            Answer::Ok(body) => body.to_text().chars().take(300).collect(),
                            other => format!("{other:?}"),
                        };
                        format!("{}.{} {}\n    {answer}", call.service, call.api, call.params.to_text())
                    })
                    .collect();
                format!("{given:?}\n{}\n{line}\n{}", calls.join("\n"), run.report())
            }
            Err(found) => found,
        }
    }

    fn attempt(&self, name: &str, path: &Path, account: Account, choice: Choice) -> Line {
        let world = World::new(account);
        match self.start(name, path, &world, choice) {
            Ok((bed, run, template, values)) => {
                let line = people::to_the_end(&world, &bed, &run, &template);
                Line { untold: privilege::untold(&bed, name, &template, &values), ..line }
            }
            // A state configuration has no tasks, so there is nothing to run.
            Err(found) if found.contains("unsupported-template-type") => {
                Line { status: "state document".to_owned(), ended: true, ..Line::default() }
            }
            Err(found) => Line::bad(format!("rejected: {}", first_line(&found))),
        }
    }

    fn start(
        &self,
        name: &str,
        path: &Path,
        world: &World,
        choice: Choice,
    ) -> Result<(TestBed, Run, Template, Value), String> {
        let text = crate::read_text(&path.to_string_lossy())?;
        let mut bed = TestBed::new(world.cloud.clone()).templates(open(&self.folder)?);
        bed = bed.templates(Packages);
        bed = bed.git_account("github", world::NAME, "token").git_account("gitee", world::NAME, "token");
        if let Some(actions) = &self.actions {
            bed = bed.templates(open(actions)?);
        }
        let template = Template::parse(&text).map_err(|found| found.render())?;
        let (texts, templates) = (RefCell::new(vec![text.clone()]), RefCell::new(vec![template.clone()]));
        let lookup = |action: &str| {
            let (engine, action) = (bed.engine().clone(), TemplateName::new(action));
            let stored = bed.block_on(async move { engine.actions().template(&action, None).await });
            let text = stored.ok()??.source.text.to_string();
            let found = Template::parse(&text).ok()?;
            texts.borrow_mut().push(text);
            templates.borrow_mut().push(found.clone());
            Some(found)
        };
        let uses = uses::of(&template, &lookup);
        texts.borrow().iter().for_each(|text| store_parameters(&bed, text));
        stacks::register(world, &template);
        expect::stub(world, &templates.borrow());
        let values = Maker::new(world, &uses, choice).values(name, &template);
        let run = bed.try_start(&text, values.clone(), StartOptions::default())?;
        if !world.has_run_before() {
            return Ok((bed, run, template, values));
        }
        people::to_the_end(world, &bed, &run, &template);
        let run = bed.try_start(&text, values.clone(), StartOptions::default())?;
        Ok((bed, run, template, values))
    }
}

/// Names of stored parameters in a text.
static STORED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{\s*(oos|oos-secret):([A-Za-z0-9_/.-]+)").ok());

/// Stores a parameter for each reference that a text has.
fn store_parameters(bed: &TestBed, text: &str) {
    let store = |secret: bool, name: &str| {
        let value = if secret { "Passw0rd!" } else { words::COMMAND };
        if secret {
            bed.parameters().secret(name, value);
            bed.cloud().oos().secret(name, value);
        } else {
            bed.parameters().set(name, value);
            bed.cloud().oos().parameter(name, value);
        }
    };
    store(true, world::NAME);
    store(false, world::NAME);
    for found in STORED.as_ref().into_iter().flat_map(|regex| regex.captures_iter(text)).flatten() {
        let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
        store(part(1) == "oos-secret", part(2));
    }
}

fn open(folder: &Path) -> Result<DirectoryTemplates, String> {
    DirectoryTemplates::open(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn text_of(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    first_line(text.unwrap_or("without a text"))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// What came of one template.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Name of the template.
    pub name: String,
    /// Final status; behind it `(fired)` when it is that of an execution that a trigger started.
    pub status: String,
    /// Why it failed or did not end.
    pub why: String,
    /// True when it came to an end.
    pub ended: bool,
    /// Which try this is, from 1.
    pub attempt: usize,
    /// What it did.
    pub numbers: Numbers,
    /// Permissions that it needed and that were not told before it; `None` when the template keeps something open.
    pub untold: Option<Vec<String>>,
}

/// Tasks that ended, API calls made, and answers of them that have no model behind them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// Tasks that ended, without the items of loops.
    pub tasks: usize,
    /// API calls.
    pub calls: usize,
    /// Answers by shape.
    pub shaped: usize,
}

impl Line {
    fn bad(why: String) -> Self {
        Self { status: "NOT ENDED".to_owned(), why, ..Self::default() }
    }

    /// True when it succeeded with a model behind every answer.
    pub fn is_modelled(&self) -> bool {
        self.status.starts_with("Success") && self.numbers.shaped == 0
    }
}

/// One line of the table, in columns.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Numbers { tasks, calls, shaped } = self.numbers;
        write!(f, "{:<70} {:<18} {tasks:>5} {calls:>5} {shaped:>6} {:>4}", self.name, self.status, self.attempt)?;
        if self.why.is_empty() { Ok(()) } else { write!(f, "  {}", self.why) }
    }
}

/// The head of the table.
pub fn head() -> String {
    format!("{:<70} {:<18} {:>5} {:>5} {:>6} {:>4}", "template", "status", "tasks", "calls", "shaped", "try")
}

/// The last line of the table.
#[derive(Debug, Default)]
pub struct Sum {
    by_status: BTreeMap<String, usize>,
    numbers: Numbers,
    modelled: usize,
    not_ended: usize,
}

impl Sum {
    /// Counts a line.
    pub fn add(&mut self, line: &Line) {
        *self.by_status.entry(line.status.clone()).or_default() += 1;
        self.not_ended += usize::from(!line.ended);
        self.modelled += usize::from(line.is_modelled());
        self.numbers.tasks += line.numbers.tasks;
        self.numbers.calls += line.numbers.calls;
        self.numbers.shaped += line.numbers.shaped;
    }

    /// Templates that did not come to an end.
    pub fn not_ended(&self) -> usize {
        self.not_ended
    }

    /// Templates that succeeded with a model behind every answer.
    pub fn modelled(&self) -> usize {
        self.modelled
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses: Vec<String> = self.by_status.iter().map(|(status, n)| format!("{n} {status}")).collect();
        let Numbers { tasks, calls, shaped } = self.numbers;
        let all: usize = self.by_status.values().sum();
        write!(f, "{all} templates: {}; {tasks} tasks, {calls} API calls, {shaped} shaped; ", statuses.join(", "))?;
        write!(f, "{} with a model behind every answer, {} not ended", self.modelled, self.not_ended)
    }
}

/// The line of an execution.
fn line_of(bed: &TestBed, run: &Run, fired: bool, why: String) -> Line {
    let events = run.events();
    let ended = |e: &&oos_core::ports::ExecutionEvent| matches!(&e.kind, EventKind::StepEnded { key, .. } if key.item.is_none());
    let tasks = events.iter().filter(ended).count();
    let calls = bed.cloud().calls().when(|call| call.origin.execution.is_some());
    let shaped = |call: &&oos_testkit::Call| {
        matches!(call.answer, Answer::Ok(_)) && !FakeCloud::models(&call.service, &call.api)
    };
    let numbers = Numbers { tasks, calls: calls.len(), shaped: calls.iter().filter(shaped).count() };
    let Some(finished) = run.finished() else { return Line { numbers, ..Line::bad(why) } };
    let children = run.children();
    let firing = children.first().filter(|_| fired && finished.status == ExecutionStatus::Cancelled);
    let of_firing = firing.and_then(|child| {
        events.iter().find_map(|e| match &e.kind {
            EventKind::ExecutionEnded { status, message, .. } if e.execution == *child => {
                Some((*status, message.clone()))
            }
            _ => None,
        })
    });
    let (status, message) = match of_firing {
        Some((status, message)) => (format!("{status} (fired)"), message.map(|m| m.to_string())),
        None => (finished.status.to_string(), finished.message()),
    };
    Line { status, why: message.map(|m| first_line(&m)).unwrap_or_default(), ended: true, numbers, ..Line::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_counts_what_lines_say() {
        let mut sum = Sum::default();
        let numbers = Numbers { tasks: 2, calls: 3, shaped: 1 };
        sum.add(&Line { status: "Success".to_owned(), ended: true, numbers, ..Line::default() });
        sum.add(&Line { status: "Success".to_owned(), ended: true, ..Line::default() });
        sum.add(&Line::bad("waits".to_owned()));
        assert_eq!((sum.not_ended(), sum.modelled()), (1, 1));
        let text = sum.to_string();
        assert!(text.starts_with("3 templates: 1 NOT ENDED, 2 Success; 2 tasks, 3 API calls, 1 shaped"), "{text}");
    }
}
