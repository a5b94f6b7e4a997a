//! The official templates through the whole check: no errors, and exactly the warnings that `official_checks.txt`
//! lists, one a line as `file: code: message`.
//!
//! They are read from the directory that `OOS_CORPUS` names; without it the tests say so and pass. Rewrite the list with
//! `OOS_BLESS=1 cargo test -p oos-actions --test official_checks`, then justify every new line: each must follow from a
//! rule of template-language 10.
//!
//! Section 9 of that page counts irregularities over more files than are here, read by a YAML 1.1 reader. [`COUNTS`] says
//! for each kind how many are listed and, where the page has another number, why.

#![expect(clippy::disallowed_methods, reason = "tests read the environment")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use oos_actions::product::DirectoryTemplates;
use oos_core::{
    Limits, Template,
    diagnostic::{Code, Diagnostics, Severity},
    plan::{Environment, Plan},
    registry::ActionRegistry,
    source::SourceText,
};

/// A code, how often it is listed, how often section 9 counts it, and why the two differ.
const COUNTS: [(Code, usize, usize, &str); 6] = [
    (Code::REFERENCE_CASE, 46, 47, "`LoadBalancerId` stands in \"one more\" file, which is not here"),
    (Code::PARAMETER_DEFAULT, 11, 12, "the plain `No` of ACS-OSS-PutBucketEncryption is text in YAML 1.2"),
    (
        Code::UNUSED_PARAMETER,
        23,
        22,
        "the rule of section 9 in its own words gives these 23, counted again by a program of its own over the same \
         files: own or other defaults, task properties, keys, substrings, case and whole documents change nothing. Of \
         some 250 other readings those that come to 22 all leave out `TimerTrigger` of \
         ACS-VPC-ScheduleToUpgradeEipBandwidth and nothing else: they take text of the parameter itself (its Label is \
         `TimerTrigger`, its AssociationProperty ends so) for a mention, with case. The rule speaks of the metadata of \
         another parameter, so the warning stays",
    ),
    (Code::SECRET_ECHO, 13, 13, ""),
    (Code::AGGREGATE_FIELD, 6, 6, ""),
    (Code::LOOP, 2, 1, "one default with two commas, in `Mode` and in `MaxErrors`"),
];

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var("OOS_CORPUS").ok().map(PathBuf::from);
    if corpus.is_none() {
        println!("skipped: OOS_CORPUS is not set");
    }
    corpus
}

/// The standard actions and the official product actions and public templates.
fn environment(corpus: &Path) -> Environment {
    let directory = |name: &str| DirectoryTemplates::open(corpus.join(name)).unwrap();
    let registry = ActionRegistry::new().with_templates(directory("public")).with_templates(directory("actions"));
    let registry = oos_actions::all_actions().into_iter().fold(registry, ActionRegistry::with_entry);
    Environment::new(Arc::new(registry))
}

fn files(corpus: &Path) -> Vec<PathBuf> {
    let entries = ["public", "actions"].into_iter().flat_map(|folder| fs::read_dir(corpus.join(folder)).unwrap());
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// All findings about a file; `None` for a state configuration, which is no task template.
fn findings(path: &Path, environment: &Environment) -> Option<Diagnostics> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let source = SourceText::new(name, fs::read_to_string(path).unwrap());
    let checked = Template::parse_source(source, &Limits::default())
        .and_then(|template| Plan::compile(&template, environment))
        .map_or_else(|found| found, |plan| plan.warnings);
    let is_state = checked.iter().any(|finding| finding.code == Code::UNSUPPORTED_TYPE);
    (!is_state).then_some(checked)
}

fn listed(all: &[(String, Diagnostics)], severity: Severity) -> Vec<String> {
    let line = |name: &str, finding: &oos_core::diagnostic::Diagnostic| {
        format!("{name}: {}: {}", finding.code, finding.message)
    };
    let of_file = |(name, found): &(String, Diagnostics)| {
        found.iter().filter(|f| f.severity == severity).map(|f| line(name, f)).collect::<Vec<_>>()
    };
    all.iter().flat_map(of_file).collect()
}

#[test]
fn official_templates_have_no_errors_and_the_known_warnings() {
    let Some(corpus) = corpus() else { return };
    let environment = environment(&corpus);
    let named = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Some((name, findings(&path, &environment)?))
    };
    let all: Vec<_> = files(&corpus).into_iter().filter_map(named).collect();
    assert_eq!(all.len(), 395);
    assert_eq!(listed(&all, Severity::Error), Vec::<String>::new());
    let mut warnings = listed(&all, Severity::Warning);
    warnings.sort();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official_checks.txt");
    if std::env::var("OOS_BLESS").is_ok() {
        fs::write(&golden, warnings.join("\n") + "\n").unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    let expected: Vec<&str> = expected.lines().collect();
    let new: Vec<_> = warnings.iter().filter(|line| !expected.contains(&line.as_str())).collect();
    let gone: Vec<_> = expected.iter().filter(|line| !warnings.iter().any(|w| w == *line)).collect();
    assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}\ngone: {gone:#?}");
    assert_eq!(warnings.len(), expected.len());
    for (code, ours, page, why) in COUNTS {
        let listed = expected.iter().filter(|line| line.contains(&format!(": {code}: "))).count();
        assert_eq!(listed, ours, "{code}");
        assert_eq!(ours == page, why.is_empty(), "{code}: a difference needs a reason");
    }
    assert_eq!(COUNTS.iter().map(|(_, ours, ..)| ours).sum::<usize>(), expected.len(), "a code without a count");
}
