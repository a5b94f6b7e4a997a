//! What of a template a suite has run: tasks, branches of `ACS::Choice`, both values of each `When`, `OnError` edges.
//!
//! Collected from the events of beds, over as many tests of one process as like. Points are found in the text of the
//! template, so that a report names lines; those of `LoopTasks` count as points of the template around them. Branches
//! of a choice that lead to the same task count as one: events tell where a run went on, not why.

mod collect;
mod points;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use oos_core::{Value, params, source::SourceText};

use self::points::Points;
use crate::TestBed;

/// The variable that names a folder: each process writes its report there.
const VARIABLE: &str = "OOS_COVERAGE";

/// Collects coverage; clones share it.
///
/// With `OOS_COVERAGE=FOLDER` in the environment every bed of a process is collected when it is dropped, and the report
/// of the process lies in the folder, under the name of its program, when it ends.
///
/// ```
/// use oos_testkit::{Coverage, prelude::*};
///
/// let coverage = Coverage::default();
/// let bed = TestBed::on(&FakeCloud::new());
/// bed.run("
/// FormatVersion: OOS-2019-06-01
/// Tasks:
///   - {Name: first, Action: 'ACS::Sleep', Properties: {Duration: PT1S}}
///   - {Name: never, Action: 'ACS::Sleep', When: {'Fn::Equals': [1, 2]}, Properties: {Duration: PT1S}}
/// ", params! {});
/// coverage.add(&bed);
/// assert!(coverage.report().contains("line 5: task `never` never ran"));
/// assert!(coverage.report().contains("line 5: `When` of `never` was never true"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Coverage(Arc<Mutex<Templates>>);

/// By name and text: inline templates of several tests may have one name.
type Templates = BTreeMap<(String, Arc<str>), Record>;

/// A template, and how often each of its points was seen.
#[derive(Debug)]
struct Record {
    points: Points,
    hits: BTreeMap<(String, Point), u64>,
    runs: u64,
}

/// Something in a template that a run can see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Point {
    /// The task ran.
    Task,
    /// `When` had this value.
    When(bool),
    /// The choice went on at this task, `ACS::END` or `ACS::NEXT`, as written.
    Branch(String),
    /// The failed task went on where `OnError` says, as written.
    OnError(String),
}

/// A point and how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Line of the template, from 1.
    pub line: usize,
    /// Name of the task; inside `LoopTasks` with the name of the loop before it: `each/start`.
    pub task: String,
    /// What.
    pub point: Point,
    /// How often.
    pub hits: u64,
}

/// Coverage of one template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateCoverage {
    /// Its name.
    pub name: String,
    /// Number of executions.
    pub runs: u64,
    /// All its points in the order of their lines.
    pub points: Vec<Seen>,
}

impl TemplateCoverage {
    /// Points that no run has seen.
    pub fn missed(&self) -> impl Iterator<Item = &Seen> {
        self.points.iter().filter(|p| p.hits == 0)
    }

    /// `2 of 3 tasks, 1 of 2 branches, …`: what there is none of is left out.
    fn counts(points: &[&Seen]) -> String {
        let kinds: [(&str, fn(&Point) -> bool); 4] = [
            ("tasks", |p| matches!(p, Point::Task)),
            ("branches", |p| matches!(p, Point::Branch(_))),
            ("values of When", |p| matches!(p, Point::When(_))),
            ("OnError edges", |p| matches!(p, Point::OnError(_))),
        ];
        let parts = kinds.iter().filter_map(|(name, is)| {
            let of_kind: Vec<_> = points.iter().filter(|p| is(&p.point)).collect();
            let seen = of_kind.iter().filter(|p| p.hits > 0).count();
            (!of_kind.is_empty()).then(|| format!("{seen} of {} {name}", of_kind.len()))
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, task, point, .. } = self;
        match point {
            Point::Task => write!(f, "line {line}: task `{task}` never ran"),
            Point::When(value) => write!(f, "line {line}: `When` of `{task}` was never {value}"),
            Point::Branch(target) => write!(f, "line {line}: `{task}` never went to `{target}`"),
            Point::OnError(target) => write!(f, "line {line}: `OnError` of `{task}` never led to `{target}`"),
        }
    }
}

/// The coverage of this process, when the environment asks for it, and the file of its report.
static OF_PROCESS: LazyLock<Option<(Coverage, PathBuf)>> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "documented: the variable asks for a report")]
    let folder = PathBuf::from(std::env::var_os(VARIABLE)?);
    let program = std::env::current_exe().ok()?;
    let file = folder.join(program.file_name()?).with_extension("txt");
    Some((Coverage::default(), file))
});

impl Coverage {
    fn lock(&self) -> MutexGuard<'_, Templates> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds all that the executions of a bed have done so far. A bed is added once.
    pub fn add(&self, bed: &TestBed) {
        collect::add(self, &bed.covered());
    }

    /// Adds a bed that is dropped to the coverage of the process.
    pub(crate) fn add_to_process(covered: impl FnOnce() -> Covered) {
        if let Some((coverage, file)) = &*OF_PROCESS {
            collect::add(coverage, &covered());
            let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
            if let Err(error) = folder.and_then(|()| std::fs::write(file, coverage.report())) {
                warn(&format!("the coverage could not be written to {}: {error}", file.display()));
            }
        }
    }

    /// The coverage of each template, ordered by name.
    pub fn templates(&self) -> Vec<TemplateCoverage> {
        let one = |((name, _), record): (&(String, Arc<str>), &Record)| {
            let hits = |task: &str, point: &Point| {
                record.hits.get(&(task.to_lowercase(), point.clone())).copied().unwrap_or_default()
            };
            let all = record.points.all.iter();
            let points = all.map(|(line, task, point)| Seen {
                line: *line,
                task: task.clone(),
                point: point.clone(),
                hits: hits(task, point),
            });
            TemplateCoverage { name: name.clone(), runs: record.runs, points: points.collect() }
        };
        self.lock().iter().map(one).collect()
    }

    /// The coverage as data: a list of templates with their points.
    pub fn to_value(&self) -> Value {
        let point = |p: &Seen| {
            let (kind, value) = match &p.point {
                Point::Task => ("Task", Value::Null),
                Point::When(value) => ("When", Value::from(*value)),
                Point::Branch(target) => ("Branch", Value::from(target.as_str())),
                Point::OnError(target) => ("OnError", Value::from(target.as_str())),
            };
            params! {
                "Line" => p.line, "Task" => p.task.as_str(), "Kind" => kind, "Value" => value, "Hits" => p.hits,
            }
        };
        let templates = self.templates().into_iter().map(|t| {
            params! {
                "Template" => t.name, "Runs" => t.runs, "Points" => t.points.iter().map(point).collect::<Value>(),
            }
        });
        templates.collect()
    }

    /// The coverage as text: counts of each template and the lines that no run has seen.
    pub fn report(&self) -> String {
        let templates = self.templates();
        let mut text = String::new();
        for template in &templates {
            let all: Vec<&Seen> = template.points.iter().collect();
            let counts = TemplateCoverage::counts(&all);
            text.push_str(&format!("{}: {} runs, {counts}\n", template.name, template.runs));
            template.missed().for_each(|missed| text.push_str(&format!("  {missed}\n")));
        }
        let all: Vec<&Seen> = templates.iter().flat_map(|t| &t.points).collect();
        text.push_str(&format!("{} templates: {}\n", templates.len(), TemplateCoverage::counts(&all)));
        text
    }
}

#[expect(clippy::print_stderr, reason = "a report that is asked for and cannot be written must be told")]
fn warn(text: &str) {
    eprintln!("warning: {text}");
}

/// What a bed tells about its executions.
#[derive(Debug, Default)]
pub(crate) struct Covered {
    pub(crate) events: Vec<oos_core::ports::ExecutionEvent>,
    /// Texts of the root executions, and of children by the name of their template.
    pub(crate) roots: BTreeMap<oos_core::ExecutionId, SourceText>,
    pub(crate) named: BTreeMap<Arc<str>, SourceText>,
}
