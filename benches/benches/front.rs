//! The front end against serde_yaml's bare parse: `OOS_CORPUS=DIR cargo bench -p oos-benches --bench front`.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a bench program")]

use std::{path::Path, sync::Arc};

use oos_actions::product::DirectoryTemplates;
use oos_benches::least;
use oos_core::{
    Limits, Template, Value,
    plan::{Environment, Plan},
    selector::Selector,
    source::SourceText,
};

const ROUNDS: usize = 5;

fn texts(folder: &Path) -> Vec<String> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read = paths.iter().map(|p| std::fs::read_to_string(p).unwrap());
    // One document is a state configuration, which is no task template.
    read.filter(|text| !text.contains("OOS-2019-06-01-State")).collect()
}

fn main() {
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let corpus = Path::new(&corpus);
    let mut all = texts(&corpus.join("public"));
    all.extend(texts(&corpus.join("actions")));
    let registry = oos_actions::standard().with_templates(DirectoryTemplates::open(corpus.join("actions")).unwrap());
    let environment = Environment::new(Arc::new(registry));

    let bare = least(ROUNDS, || {
        all.iter().map(|text| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap()).collect::<Vec<_>>().len()
    });
    let parse =
        |text: &String| Template::parse_source(SourceText::new("t", text.as_str()), &Limits::default()).unwrap();
    let parsed = least(ROUNDS, || all.iter().map(parse).collect::<Vec<_>>().len());
    let whole = least(ROUNDS, || {
        all.iter().map(|text| Plan::compile(&parse(text), &environment).unwrap()).collect::<Vec<_>>().len()
    });
    let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3;
    println!("{} documents", all.len());
    println!("serde_yaml, bare parse        {:>8.2} ms", ms(bare));
    println!("parse with places and findings{:>8.2} ms  ratio {:.2}", ms(parsed), ms(parsed) / ms(bare));
    println!("parse, check and compile      {:>8.2} ms  ratio {:.2} (aim 3)", ms(whole), ms(whole) / ms(bare));

    let instances: Value =
        (0..100).map(|i| oos_core::params! { "InstanceId" => format!("i-{i}"), "Status" => "Running" }).collect();
    let document = oos_core::params! { "Instances" => oos_core::params! { "Instance" => instances } };
    for text in [
        "Instances.Instance[].InstanceId",
        ".Instances.Instance[0].Status",
        ".Instances.Instance|map(select(.Status==\"Running\"))|length",
        "$.Instances.Instance[*].InstanceId",
    ] {
        let compile = least(ROUNDS * 20, || Selector::parse(text).unwrap());
        let selector = Selector::parse(text).unwrap();
        let run = least(ROUNDS * 20, || selector.run(&document, &Limits::default()).unwrap());
        println!("{text:<62} compile {:>8.1} us  run {:>7.1} us", ms(compile) * 1e3, ms(run) * 1e3);
    }
}
