//! The front end against serde_yaml's bare parse, expressions by family, and selectors against a hand-written walker
//! and jaq itself: `OOS_CORPUS=DIR cargo bench -p oos-benches --bench front`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a bench program")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the environment")]

#[path = "../../../oos-core/tests/expression_support/mod.rs"]
mod expression_support;
mod expressions;
mod jaq;
mod selectors;

use std::{path::Path, sync::Arc, time::Duration};

use oos_actions::product::DirectoryTemplates;
use oos_core::{
    Limits, Template,
    plan::{Environment, Plan},
    source::SourceText,
};

const ROUNDS: usize = 15;

/// Microseconds of a run of each, the least of several rounds. Rounds go round all of them, so that what else the
/// machine does meets all alike.
fn each<const N: usize>(rounds: usize, times: u32, mut runs: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut least = [Duration::MAX; N];
    for _ in 0..rounds {
        for (run, least) in runs.iter_mut().zip(&mut least) {
            *least = (*least).min(oos_benches::least(1, || (0..times).for_each(|_| run())) / times);
        }
    }
    least.map(|duration| duration.as_secs_f64() * 1e6)
}

/// Runs something and drops what it gives.
fn run<T>(mut run: impl FnMut() -> T) -> impl FnMut() {
    move || drop(std::hint::black_box(run()))
}

/// Microseconds of two things that are small.
fn us<A, B>(a: impl FnMut() -> A, b: impl FnMut() -> B) -> (f64, f64) {
    let [a, b] = each(ROUNDS, 100, [&mut run(a), &mut run(b)]);
    (a, b)
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
    let bare = || all.iter().map(|text| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap()).collect::<Vec<_>>();
    let parsed = || all.iter().map(parse).collect::<Vec<_>>();
    let compiled = || all.iter().map(|t| Plan::compile(&parse(t), &environment).unwrap()).collect::<Vec<_>>();
    let runs: [&mut dyn FnMut(); 4] = [&mut run(bare), &mut run(parsed), &mut run(compiled), &mut run(bare)];
    let [bare, parsed, compiled, again] = each(ROUNDS, 1, runs).map(|us| us / 1e3);
    println!("{} documents, {} bytes", all.len(), all.iter().map(String::len).sum::<usize>());
    println!("serde_yaml, bare parse          {bare:>8.2} ms");
    println!("parse with places and findings  {parsed:>8.2} ms  {}", ratio(parsed, bare, 1.7));
    println!("parse, check and compile        {compiled:>8.2} ms  {}", ratio(compiled, bare, 3.0));
    println!("two measurements of the bare parse differ by {:.0} %", (again / bare - 1.0).abs() * 100.0);
}

fn main() {
    match std::env::var("OOS_CORPUS") {
        Ok(corpus) => templates(Path::new(&corpus)),
        Err(_) => println!("no official templates: OOS_CORPUS is not set"),
    }
    expressions::measure();
    selectors::measure();
}
