//! Every selector and jq program of the official templates compiles.

use std::{collections::BTreeSet, path::PathBuf};

use oos_core::{Value, selector::Selector};

#[derive(Default)]
struct Found {
    selectors: BTreeSet<String>,
    programs: BTreeSet<String>,
}

fn collect(value: &Value, found: &mut Found) {
    if let Some(list) = value.as_list() {
        list.iter().for_each(|item| collect(item, found));
    }
    for (key, member) in value.as_map().into_iter().flat_map(|map| map.iter()) {
        match (&**key, member) {
            ("ValueSelector" | "PropertySelector", Value::String(text)) => {
                found.selectors.insert(filled(text));
            }
            ("Fn::Jq", Value::List(args)) => {
                if let Some(Value::String(program)) = args.get(1) {
                    found.programs.insert(filled(program));
                }
            }
            _ => {}
        }
        collect(member, found);
    }
}

/// The text with every reference replaced by a JSON literal.
fn filled(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        out.push('1');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    out + rest
}

#[test]
fn every_selector_of_the_corpus_compiles() {
    #[expect(clippy::disallowed_methods, reason = "tests find their data through the environment")]
    let Ok(corpus) = std::env::var("OOS_CORPUS") else {
        println!("skipped: OOS_CORPUS is not set");
        return;
    };
    let mut found = Found::default();
    for group in ["actions", "public"] {
        for entry in std::fs::read_dir(PathBuf::from(&corpus).join(group)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
                let template: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
                collect(&template, &mut found);
            }
        }
    }
    println!("{} selectors, {} programs", found.selectors.len(), found.programs.len());
    let selectors = found.selectors.iter().map(|text| (text, Selector::parse(text)));
    let programs = found.programs.iter().map(|text| (text, Selector::parse_program(text)));
    let failures: Vec<_> = selectors.chain(programs).filter_map(|(text, result)| Some((text, result.err()?))).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(found.selectors.len() >= 400 && found.programs.len() >= 90, "the corpus has more");
}
