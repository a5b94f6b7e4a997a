//! Checks templates: `cargo run --example check -- PATH…`.
//!
//! PATHs are files, or directories that are searched for `*.yml`, `*.yaml` and `*.json`. Templates are checked against
//! the standard actions, the embedded product actions, those of `--actions DIR`, and each other by their file names.
//! Official product actions whose definitions are not at hand are known by their parameters.
//! Findings go to the standard output as text, JSON, SARIF or parameters of the Language Server Protocol; the summary
//! goes there too for text, else to the standard error. The exit status is 0 without errors, 1 with errors, 2 when
//! something could not be read or the call was wrong. Nothing leaves the machine.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use oos_actions::product::{DirectoryTemplates, MemoryTemplates, OfficialActions, loader, official_signature};
use oos_core::{
    ActionName, Limits, Template, TemplateName,
    check::children,
    diagnostic::{Code, Diagnostic, Diagnostics, Severity, sarif_log},
    plan::{ChildName, Environment, LinkError, Plan},
    registry::ActionRegistry,
    source::{LineIndex, Span},
};
use serde_json::{Value as Json, json};

const USAGE: &str = "usage: check [--format text|json|sarif|lsp] [--actions DIR]... [--strict] PATH...

  --format FORMAT  how findings are written; text without it
  --actions DIR    product action templates, laid over the embedded ones
  --strict         warnings count as errors";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let options = match Options::read(&arguments) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print(io::stdout(), USAGE);
            return ExitCode::SUCCESS;
        }
        Err(problem) => return refuse(&format!("{problem}\n\n{USAGE}")),
    };
    match Checker::new(&options) {
        Ok(mut checker) => checker.run(&options),
        Err(problem) => refuse(&problem),
    }
}

fn refuse(problem: &str) -> ExitCode {
    print(io::stderr(), problem);
    ExitCode::from(2)
}

/// Writes a line. A closed pipe is nobody's error.
fn print(mut to: impl Write, text: &str) {
    let _ = writeln!(to, "{text}");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Sarif,
    Lsp,
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        let known = [("text", Self::Text), ("json", Self::Json), ("sarif", Self::Sarif), ("lsp", Self::Lsp)];
        known.into_iter().find(|(name, _)| *name == text).map(|(_, format)| format)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    format: Format,
    actions: Vec<PathBuf>,
    strict: bool,
    paths: Vec<PathBuf>,
}

impl Options {
    /// The options; `None` when help is asked for.
    fn read(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut options = Self { format: Format::Text, actions: Vec::new(), strict: false, paths: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, inline) = match argument.split_once('=').filter(|_| argument.starts_with("--")) {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let mut value = || inline.clone().or_else(|| rest.next().cloned()).ok_or(format!("`{name}` needs a value"));
            match name {
                "-h" | "--help" => return Ok(None),
                "--strict" => options.strict = true,
                "--actions" => options.actions.push(value()?.into()),
                "--format" => {
                    let text = value()?;
                    options.format = Format::parse(&text).ok_or_else(|| format!("`{text}` is no format"))?;
                }
                "--" => options.paths.extend(rest.by_ref().map(PathBuf::from)),
                _ if name.starts_with('-') && name.len() > 1 => return Err(format!("`{name}` is no option")),
                _ => options.paths.push(argument.into()),
            }
        }
        if options.paths.is_empty() {
            return Err("no files are given".to_owned());
        }
        Ok(Some(options))
    }
}

/// One file that was read.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

struct Checker {
    files: Vec<File>,
    environment: Environment,
    registry: ActionRegistry,
    /// Children that were compiled.
    plans: RefCell<BTreeMap<TemplateName, Result<Arc<Plan>, LinkError>>>,
    unreadable: usize,
}

impl Checker {
    fn new(options: &Options) -> Result<Self, String> {
        let limits = Limits::default();
        let mut unreadable = Vec::new();
        let files = read_all(&options.paths, &limits, &mut unreadable);
        for problem in &unreadable {
            print(io::stderr(), problem);
        }
        let mut registry = oos_actions::standard();
        for directory in &options.actions {
            registry = registry.with_templates(DirectoryTemplates::open(directory).map_err(|e| e.to_string())?);
        }
        let own = MemoryTemplates::default();
        for file in &files {
            if let Ok(text) = std::str::from_utf8(&file.bytes) {
                own.insert(name_of(&file.path), text);
            }
        }
        registry = registry.with_templates(own);
        let environment = Environment::new(Arc::new(OfficialActions(Arc::new(registry.clone()))));
        Ok(Self { files, environment, registry, plans: RefCell::default(), unreadable: unreadable.len() })
    }

    fn run(&mut self, options: &Options) -> ExitCode {
        let all: Vec<Diagnostics> = self.files.iter().map(|file| self.check(file)).collect();
        let (errors, warnings) = all.iter().map(Diagnostics::counts).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let summary =
            format!("{}, {}, {}", count(all.len(), "file"), count(errors, "error"), count(warnings, "warning"));
        write(options.format, &all, &summary);
        match () {
            () if self.unreadable > 0 => ExitCode::from(2),
            () if errors > 0 || (options.strict && warnings > 0) => ExitCode::from(1),
            () => ExitCode::SUCCESS,
        }
    }

    /// All findings about a file, those about the templates that it calls included.
    fn check(&self, file: &File) -> Diagnostics {
        let limits = &self.environment.limits;
        let parsed = Template::parse_bytes(&file.path.to_string_lossy(), &file.bytes, limits);
        let compiled = parsed.and_then(|t| Plan::compile(&t, &self.environment).map(|plan| (t, plan)));
        match compiled {
            Ok((template, plan)) => {
                let plan = Plan { name: Some(name_of(&file.path)), children: self.at_hand(&plan), ..plan };
                let mut found = plan.warnings.clone();
                found.append(children(&template, &plan, limits.template_depth, &mut |name, _| self.child(name)));
                found.sort();
                found
            }
            Err(found) => without_other_documents(found),
        }
    }

    /// The children that can be looked into; of official ones that are not here the parameters were checked, which is
    /// all that is known of them.
    fn at_hand(&self, plan: &Plan) -> Vec<ChildName> {
        let action = |child: &ChildName| ActionName::new(child.name.text().clone());
        let known = |child: &&ChildName| {
            self.registry.action_template(&action(child)).is_some() || official_signature(&action(child)).is_none()
        };
        plan.children.iter().filter(known).cloned().collect()
    }

    fn child(&self, name: &TemplateName) -> Result<Arc<Plan>, LinkError> {
        if let Some(known) = self.plans.borrow().get(name) {
            return known.clone();
        }
        let compiled = self.compile(name);
        self.plans.borrow_mut().insert(name.clone(), compiled.clone());
        compiled
    }

    fn compile(&self, name: &TemplateName) -> Result<Arc<Plan>, LinkError> {
        let stored = self.registry.action_template(&ActionName::new(name.text().clone()));
        let stored = stored.ok_or_else(|| LinkError::Missing { name: name.clone() })?;
        let plan = Template::parse_source(stored.source.clone(), &self.environment.limits)
            .and_then(|template| Plan::compile(&template, &self.environment))
            .map_err(|findings| LinkError::Invalid { name: name.clone(), findings })?;
        Ok(Arc::new(Plan { name: Some(stored.name.clone()), ..plan }))
    }
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn name_of(path: &Path) -> TemplateName {
    loader::name_of_path(&path.to_string_lossy())
}

// CHOICE: folders of templates also hold configuration documents of another kind; they are no errors there.
fn without_other_documents(found: Diagnostics) -> Diagnostics {
    let mut kept = Diagnostics::new(found.source().cloned());
    for finding in found.iter() {
        let severity = if finding.code == Code::UNSUPPORTED_TYPE { Severity::Warning } else { finding.severity };
        kept.push(Diagnostic { severity, ..finding.clone() });
    }
    kept
}

/// All files of the paths, each once, in the order of the paths.
fn read_all(paths: &[PathBuf], limits: &Limits, unreadable: &mut Vec<String>) -> Vec<File> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, true, &mut found, unreadable);
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|path| seen.insert(path.clone()));
    let mut files = Vec::new();
    for path in found {
        match read(&path, limits) {
            Ok(bytes) => files.push(File { path, bytes }),
            Err(error) => unreadable.push(cannot_read(&path, &error)),
        }
    }
    files
}

fn cannot_read(path: &Path, error: &dyn fmt::Display) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

/// A file that is named is taken whatever its ending; links to folders inside folders are not followed, they may form
/// rings.
fn collect(path: &Path, named: bool, found: &mut Vec<PathBuf>, unreadable: &mut Vec<String>) {
    let is_folder = if named { path.is_dir() } else { path.is_dir() && !path.is_symlink() };
    let is_template = path.file_name().and_then(|name| name.to_str()).is_some_and(loader::is_template_file);
    if !is_folder {
        if named || (is_template && !path.is_dir()) {
            found.push(path.to_owned());
        }
        return;
    }
    let entries = fs::read_dir(path).and_then(|entries| entries.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>());
    match entries {
        Ok(mut entries) => {
            entries.sort();
            entries.iter().for_each(|entry| collect(entry, false, found, unreadable));
        }
        Err(error) => unreadable.push(cannot_read(path, &error)),
    }
}

/// No more than it takes to see that a file is too large.
fn read(path: &Path, limits: &Limits) -> io::Result<Vec<u8>> {
    let most = u64::try_from(limits.template_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write(format: Format, all: &[Diagnostics], summary: &str) {
    let document = match format {
        Format::Text => {
            let mut blocks: Vec<String> = all.iter().filter(|f| !f.is_empty()).map(Diagnostics::render).collect();
            blocks.push(summary.to_owned());
            return print(io::stdout(), &blocks.join("\n"));
        }
        Format::Json => Json::from(all.iter().flat_map(findings).collect::<Vec<_>>()),
        Format::Sarif => sarif_log(all),
        Format::Lsp => Json::from(all.iter().map(Diagnostics::to_lsp).collect::<Vec<_>>()),
    };
    print(io::stdout(), &format!("{document:#}"));
    print(io::stderr(), summary);
}

/// The findings as flat JSON objects; lines and columns count from 1, columns in characters.
fn findings(found: &Diagnostics) -> Vec<Json> {
    let source = found.source();
    let text = source.map_or("", |s| &s.text);
    let lines = LineIndex::new(text);
    let place = |span: Option<Span>| {
        let (start, end) = (lines.position(text, span?.start), lines.position(text, span?.end));
        Some(json!({"line": start.line, "column": start.column, "endLine": end.line, "endColumn": end.column}))
    };
    let finding = |finding: &Diagnostic| {
        let label = |l: &oos_core::diagnostic::Label| json!({"text": l.text, "place": place(l.span)});
        json!({
            "file": source.map(|s| &*s.name),
            "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
            "code": finding.code.kebab(),
            "serviceCode": finding.code.service(),
            "message": finding.message,
            "help": finding.help,
            "pointer": finding.pointer,
            "place": place(finding.primary.span),
            "labels": finding.labels.iter().map(label).collect::<Vec<_>>(),
        })
    };
    found.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Option<Options>, String> {
        Options::read(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    fn check(path: &Path, text: &str) -> Diagnostics {
        let checker = Checker::new(&options(&["nothing-there.yml"]).unwrap().unwrap()).unwrap();
        assert_eq!(checker.unreadable, 1);
        checker.check(&File { path: path.to_owned(), bytes: text.into() })
    }

    #[test]
    fn arguments_are_read_in_any_order() {
        let read = options(&["a.yml", "--format=sarif", "--actions", "dir", "--strict", "--", "-b.yml"]);
        let expected = Options {
            format: Format::Sarif,
            actions: vec!["dir".into()],
            strict: true,
            paths: vec!["a.yml".into(), "-b.yml".into()],
        };
        assert_eq!(read, Ok(Some(expected)));
        assert_eq!(options(&["--help"]), Ok(None));
        for wrong in [&["--format", "xml", "a"][..], &["--format"], &["--what", "a"], &[]] {
            assert!(options(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_template_is_checked_against_the_embedded_actions() {
        let good = "FormatVersion: OOS-2019-06-01\nTasks:\n- Name: a\n  Action: ACS::ECS::StopInstance\n  Properties: {instanceId: i-1}\n";
        assert!(check(Path::new("good.yml"), good).is_empty());
        let bad = good.replace("instanceId", "instnaceId");
        let found = check(Path::new("bad.yml"), &bad);
        assert_eq!(found.counts(), (2, 0), "{found}");
        let first = findings(&found);
        assert_eq!(first[0]["file"], "bad.yml");
        assert_eq!(first[0]["place"]["line"], 4);
    }

    #[test]
    fn a_template_that_calls_itself_is_found_by_its_name() {
        let text = "FormatVersion: OOS-2019-06-01\nTasks:\n- Name: a\n  Action: ACS::Template\n  Properties: {TemplateName: ring}\n";
        let found = check(Path::new("ring.yml"), text);
        assert!(found.iter().any(|f| f.code == Code::RECURSION), "{found}");
    }

    #[test]
    fn official_actions_without_a_definition_are_checked_by_their_parameters() {
        let text = "FormatVersion: OOS-2019-06-01\nTasks:\n- Name: a\n  Action: ACS::CS::FCRunCommand\n  Properties: {nope: 1}\n";
        let codes = |found: &Diagnostics| found.iter().map(|f| (f.code, f.severity)).collect::<Vec<_>>();
        let found = check(Path::new("a.yml"), text);
        assert!(!found.is_empty() && found.iter().all(|f| f.code == Code::CHILD_PARAMETER), "{found}");
        for wrong in ["ECS::StopInstnce", "Nope", "Quantum::Entangle"] {
            let found = check(Path::new("a.yml"), &text.replace("CS::FCRunCommand", wrong));
            assert_eq!(codes(&found), [(Code::UNKNOWN_ACTION, Severity::Error)], "{wrong}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_a_finding() {
        let checker = Checker::new(&options(&["nothing-there.yml"]).unwrap().unwrap()).unwrap();
        let found = checker.check(&File { path: "x.yml".into(), bytes: vec![0xff, 0xfe, 0x00] });
        assert!(found.has_errors());
    }
}
