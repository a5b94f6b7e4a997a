//! The front end against serde_yaml's bare parse, expressions by family, and selectors against a hand-written walker
//! and jaq itself: `OOS_CORPUS=DIR cargo bench -p oos-benches --bench front`.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a bench program")]

#[path = "../../../oos-core/tests/expression_support/mod.rs"]
mod expression_support;
mod expressions;
mod jaq;
mod selectors;

use std::{path::Path, sync::Arc, time::Duration};

use oos_actions::product::DirectoryTemplates;
use oos_benches::least;
use oos_core::{
    Limits, Template,
    plan::{Environment, Plan},
    source::SourceText,
};

const ROUNDS: usize = 9;

/// Milliseconds of one run, the least of several rounds.
fn ms<T>(run: impl FnMut() -> T) -> f64 {
    least(ROUNDS, run).as_secs_f64() * 1e3
}

/// Microseconds of one of a thousand runs, the least of several rounds.
fn us<T>(mut run: impl FnMut() -> T) -> f64 {
    const TIMES: u32 = 200;
    let total: Duration = least(ROUNDS, || (0..TIMES).for_each(|_| drop(std::hint::black_box(run()))));
    (total / TIMES).as_secs_f64() * 1e6
}

/// Ours as a ratio to something else, beside what is aimed at.
fn ratio(ours: f64, other: f64, goal: f64) -> String {
    let ratio = ours / other;
    format!("ratio {ratio:>6.2} ({} {goal})", if ratio <= goal { "within" } else { "above" })
}

fn texts(folder: &Path) -> Vec<String> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read = paths.iter().map(|p| std::fs::read_to_string(p).unwrap());
    // One document is a state configuration, which is no task template.
    read.filter(|text| !text.contains("OOS-2019-06-01-State")).collect()
}

fn templates(corpus: &Path) {
    let mut all = texts(&corpus.join("public"));
    all.extend(texts(&corpus.join("actions")));
    let registry = oos_actions::standard().with_templates(DirectoryTemplates::open(corpus.join("actions")).unwrap());
    let environment = Environment::new(Arc::new(registry));
    let limits = Limits::default();
    let parse = |text: &String| Template::parse_source(SourceText::new("t", text.as_str()), &limits).unwrap();
    let bare =
        || all.iter().map(|text| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap()).collect::<Vec<_>>().len();
    let before = ms(bare);
    let parsed = ms(|| all.iter().map(parse).collect::<Vec<_>>().len());
    let compiled = ms(|| all.iter().map(|t| Plan::compile(&parse(t), &environment).unwrap()).collect::<Vec<_>>().len());
    let after = ms(bare);
    let floor = before.min(after);
    println!("{} documents, {} bytes", all.len(), all.iter().map(String::len).sum::<usize>());
    println!("serde_yaml, bare parse          {floor:>8.2} ms");
    println!("parse with places and findings  {parsed:>8.2} ms  {}", ratio(parsed, floor, 1.7));
    println!("parse, check and compile        {compiled:>8.2} ms  {}", ratio(compiled, floor, 3.0));
    println!("the bare parse moved by {:.0} % between its measurements", (after / before - 1.0).abs() * 100.0);
}

fn main() {
    match std::env::var("OOS_CORPUS") {
        Ok(corpus) => templates(Path::new(&corpus)),
        Err(_) => println!("no official templates: OOS_CORPUS is not set"),
    }
    expressions::measure();
    selectors::measure();
}
