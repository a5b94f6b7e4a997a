//! jq's own test cases against the selector engine.
//!
//! The cases are read from `$OOS_CORPUS/../conformance/jq-*.test`; what is left out stands in `conformance/skips.txt`, each
//! with its reason.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use oos_core::{Limits, Value, selector::Selector};

const FILES: [&str; 6] =
    ["jq-jq.test", "jq-man.test", "jq-onig.test", "jq-optional.test", "jq-uri.test", "jq-base64.test"];
const SKIPS: &str = include_str!("conformance/skips.txt");

/// A group of a test file.
struct Case {
    /// `file:line` of the program.
    place: String,
    program: String,
    expected: Expected,
}

enum Expected {
    /// The program must not compile.
    Refused,
    Results {
        input: String,
        results: Vec<String>,
    },
}

fn directory() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests find their data through the environment")]
    let corpus = std::env::var("OOS_CORPUS").ok()?;
    Some(PathBuf::from(corpus).join("../conformance"))
}

fn cases(file: &str, text: &str) -> Vec<Case> {
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line)).peekable();
    let ignored = |line: &str| line.trim().is_empty() || line.starts_with('#');
    let mut cases = Vec::new();
    while let Some((mut number, mut program)) = lines.next() {
        if ignored(program) {
            continue;
        }
        let fails = program.starts_with("%%FAIL");
        if fails {
            (number, program) = lines.next().unwrap();
        }
        let rest: Vec<&str> =
            std::iter::from_fn(|| lines.next_if(|(_, line)| !ignored(line)).map(|(_, l)| l)).collect();
        let expected = match rest.split_first() {
            Some((input, results)) if !fails => Expected::Results {
                input: input.trim_start_matches('\u{feff}').to_owned(),
                results: results.iter().map(ToString::to_string).collect(),
            },
            _ => Expected::Refused,
        };
        cases.push(Case { place: format!("{file}:{number}"), program: program.to_owned(), expected });
    }
    cases
}

/// Place → kind and reason.
fn skips() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let lines = SKIPS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            (parts.next().unwrap(), (parts.next().unwrap(), parts.next().expect("a reason")))
        })
        .collect()
}

fn run(program: &str, input: &Value) -> Result<Vec<Value>, String> {
    let mut limits = Limits::default();
    limits.selector_steps = 5_000_000;
    let selector = Selector::parse_program(program).map_err(|e| format!("does not compile: {e}"))?;
    selector.run(input, &limits).or_else(|error| {
        // jq's cases list what comes before an error; a run here gives all or nothing.
        let until_error = format!("try ({program}\n) catch empty");
        let selector = Selector::parse_program(&until_error).map_err(|_| error.to_string())?;
        selector.run(input, &limits).map_err(|e| e.to_string())
    })
}

fn check(case: &Case) -> Result<(), String> {
    let Expected::Results { input, results } = &case.expected else {
        return match Selector::parse_program(&case.program) {
            Ok(_) => Err("compiles but must not".into()),
            Err(_) => Ok(()),
        };
    };
    let input = Value::from_json_str(input).map_err(|_| format!("input is no JSON: {input}"))?;
    let expected: Result<Vec<Value>, _> = results.iter().map(|text| Value::from_json_str(text)).collect();
    let expected = expected.map_err(|_| format!("expected results are no JSON: {results:?}"))?;
    let found = run(&case.program, &input)?;
    if found == expected { Ok(()) } else { Err(format!("gives {found:?}, not {expected:?}")) }
}

#[test]
fn jq_cases_pass() {
    let Some(directory) = directory() else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let skips = skips();
    let (mut passed, mut failed, mut removed, mut differing, mut report) = (0, 0, 0, 0, String::new());
    for file in FILES {
        for case in cases(file, &std::fs::read_to_string(directory.join(file)).unwrap()) {
            let outcome = check(&case);
            match (outcome, skips.get(case.place.as_str())) {
                (Ok(()), None) => passed += 1,
                (Ok(()), Some(_)) => {
                    failed += 1;
                    let _ = writeln!(report, "{} passes, remove it from the skips", case.place);
                }
                (Err(_), Some(("removed", _))) => removed += 1,
                (Err(_), Some(_)) => differing += 1,
                (Err(why), None) => {
                    failed += 1;
                    let _ = writeln!(report, "{} {}\n    {why}", case.place, case.program);
                }
            }
        }
    }
    println!("jq: {passed} passed, {differing} differ, {removed} need what is removed, {failed} unexpected");
    print!("{report}");
    let relevant = passed + differing + failed;
    assert!(passed * 100 >= relevant * 95, "only {passed} of {relevant} pass");
    assert_eq!(failed, 0, "see the report above");
}
