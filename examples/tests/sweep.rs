//! The sweep over the official templates against its golden table. Needs `OOS_CORPUS`, and says so where it is not set.
//!
//! Rewrite the table with `OOS_BLESS=1 cargo test -p oos-examples --test sweep`, then read the difference: a template that
//! no longer succeeds, or whose answers now come from shapes, is a loss.

use std::path::{Path, PathBuf};

use oos_examples::sweep::{Line, Numbers, Sum, Sweep};

/// Templates of the corpus.
const ALL: usize = 197;
/// How many must succeed with a model behind every answer.
const AT_LEAST: usize = 150;

const HEAD: &str = "# Made by: OOS_BLESS=1 cargo test -p oos-examples --test sweep
# template | final status | tasks run | API calls made | answers by shape | try that it is (see oos_examples::sweep)
";

#[expect(
    clippy::disallowed_methods,
    reason = "where official templates lie, and whether to rewrite, comes from outside"
)]
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var(name).ok().map(PathBuf::from)
}

fn row(line: &Line) -> String {
    let Numbers { tasks, calls, shaped } = line.numbers;
    let shaped = if shaped == 0 { "none".to_owned() } else { shaped.to_string() };
    format!("{} | {} | {tasks} | {calls} | {shaped} | {}", line.name, line.status, line.attempt)
}

/// The table, the templates that do not run with a model end to end and why, and the sum.
fn table(lines: &[Line]) -> String {
    let (mut rows, mut sum) = (String::from(HEAD), Sum::default());
    for line in lines {
        rows.push_str(&row(line));
        rows.push('\n');
        sum.add(line);
    }
    rows.push_str("\n# not with a model end to end:\n");
    for line in lines.iter().filter(|l| !l.is_modelled()) {
        let why = if line.why.is_empty() { "a state configuration: it has no tasks to run" } else { &line.why };
        rows.push_str(&format!("# {}: {why}\n", line.name));
    }
    rows.push_str(&format!("# {sum}\n"));
    rows
}

#[test]
fn every_official_template_comes_to_its_end_as_the_table_says() {
    let Some(corpus) = variable("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let sweep = Sweep::new(&corpus.join("public"), Some(&corpus.join("actions")));
    let lines: Vec<Line> = sweep.files().unwrap().iter().map(|path| sweep.run(path)).collect();
    assert_eq!(lines.len(), ALL);
    let told = lines.iter().filter(|line| line.untold.is_some()).count();
    println!("{told} of {} have permissions without anything open", lines.len());
    let untold: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            Some(format!("{}: {}", line.name, line.untold.as_ref().filter(|u| !u.is_empty())?.join(", ")))
        })
        .collect();
    assert!(untold.is_empty(), "{}", untold.join("\n"));
    for line in &lines {
        assert!(line.ended, "{line}");
    }
    let modelled = lines.iter().filter(|l| l.is_modelled()).count();
    assert!(modelled >= AT_LEAST, "only {modelled} run with a model behind every answer");
    let found = table(&lines);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sweep.txt");
    if variable("OOS_BLESS").is_some() {
        std::fs::write(&golden, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let differences: Vec<String> = expected
        .lines()
        .filter(|l| !found.lines().any(|f| f == *l))
        .map(|l| format!("- {l}"))
        .chain(found.lines().filter(|f| !expected.lines().any(|l| l == *f)).map(|f| format!("+ {f}")))
        .collect();
    assert!(differences.is_empty(), "the table has changed:\n{}", differences.join("\n"));
}

/// A small folder of templates that nobody has seen: each needs something else of the harness.
#[test]
fn unseen_templates_get_what_they_ask_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sweep");
    let sweep = Sweep::new(&folder, None);
    let lines: Vec<String> = sweep.files().unwrap().iter().map(|path| row(&sweep.run(path))).collect();
    assert_eq!(
        lines,
        [
            "again | Success | 1 | 3 | none | 15",
            "broken | NOT ENDED | 0 | 0 | none | 1",
            "fails | Failed | 1 | 1 | none | 1",
            "package | Success | 1 | 0 | none | 1",
            "pattern | Success | 1 | 0 | none | 1",
            "rds | Success | 1 | 2 | none | 1",
            "shaped | Success | 2 | 2 | 2 | 1",
            "state | state document | 0 | 0 | none | 1",
            "stopped | Success | 1 | 1 | none | 2",
            "timer | Success (fired) | 3 | 0 | none | 1",
            "vote | Success | 1 | 0 | none | 1",
        ]
    );
}
