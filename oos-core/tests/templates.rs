//! Templates from text: the official ones, the same as JSON, and bad input of every kind.
//!
//! The official templates are read from the directory that `OOS_CORPUS` names; without it those tests say so and pass.

#![expect(clippy::disallowed_methods, reason = "tests read the environment and measure time")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use oos_core::{
    Limits, Template,
    diagnostic::{Code, Diagnostics},
    source::{self, Node, NodeKind, SourceText},
};

/// The one official document that is no task template.
const STATE: &str = "ACS-ECS-InventoryDataCollection.yml";
fn corpus() -> Option<PathBuf> {
    let path = std::env::var("OOS_CORPUS").ok().map(PathBuf::from);
    if path.is_none() {
        println!("skipped: OOS_CORPUS is not set");
    }
    path
}

fn files(dir: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn official() -> Vec<(String, String)> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let mut all = files(&corpus.join("public"));
    all.extend(files(&corpus.join("actions")));
    all.retain(|(name, _)| name != STATE);
    all
}

fn parse(name: &str, text: &str) -> Result<Template, Diagnostics> {
    Template::parse_source(SourceText::new(name, text), &Limits::default())
}

#[test]
fn every_official_template_parses_without_a_finding() {
    let official = official();
    for (name, text) in &official {
        let template = parse(name, text).unwrap_or_else(|found| panic!("{name}:\n{found}"));
        assert!(template.warnings.is_empty(), "{name}:\n{}", template.warnings);
    }
    assert!(official.is_empty() || official.len() == 395, "{} files", official.len());
}

#[test]
fn the_state_document_is_named_as_such() {
    let Some(corpus) = corpus() else { return };
    let text = fs::read_to_string(corpus.join("public").join(STATE)).unwrap();
    let found = parse(STATE, &text).unwrap_err();
    let codes: Vec<_> = found.iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::UNSUPPORTED_TYPE]);
}

#[test]
fn json_twins_are_equal_templates() {
    let Some(corpus) = corpus() else { return };
    let twins = files(&corpus.join("json"));
    assert_eq!(twins.len(), 25);
    for (name, json) in twins {
        let yaml = fs::read_to_string(corpus.join("public").join(name.replace(".json", ".yml"))).unwrap();
        let (a, b) = (parse(&name, &json).unwrap(), parse(&name, &yaml).unwrap());
        // The twin of this one was made by a YAML 1.1 reader, which took a plain `No` for false.
        assert_eq!(a == b, name != "ACS-OSS-PutBucketEncryption.json", "{name}");
    }
}

fn walk<'n>(node: &'n Node, pointer: &str, each: &mut dyn FnMut(&str, &'n Node)) {
    each(pointer, node);
    match &node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::List(list) => {
            list.iter().enumerate().for_each(|(i, node)| walk(node, &format!("{pointer}/{i}"), each));
        }
        NodeKind::Map(map) => map.iter().for_each(|(key, node)| walk(node, &format!("{pointer}/{}", key.text), each)),
    }
}

/// The event parser refuses three of them as they are; mended for its eyes they have places too.
#[test]
fn every_node_of_an_official_template_has_a_place() {
    let mut places = 0;
    for (name, text) in official() {
        let node = source::parse(&SourceText::new(&*name, &*text), &Limits::default()).unwrap();
        walk(&node, "", &mut |pointer, node| {
            assert!(node.span.is_some(), "{name}: {pointer}");
            assert!(node.as_map().unwrap_or_default().iter().all(|(key, _)| key.span.is_some()), "{name}: {pointer}");
            places += 1;
        });
    }
    println!("{places} nodes");
}

/// The text under a span is the scalar itself wherever it is written plainly.
#[test]
fn spans_cover_what_was_written() {
    for (name, text) in official() {
        let source = SourceText::new(&*name, &*text);
        let node = source::parse(&source, &Limits::default()).unwrap();
        walk(&node, "", &mut |pointer, node| {
            for (key, _) in node.as_map().unwrap_or_default() {
                let Some(span) = key.span else { continue };
                let written = source.slice(span).trim_matches(['\'', '"']);
                assert_eq!(written, &*key.text, "{name}{pointer}");
            }
            let (Some(span), NodeKind::Scalar(value)) = (node.span, &node.kind) else { return };
            let written = source.slice(span);
            let quoted = written.len() > 1 && written.starts_with(['\'', '"']) && written.ends_with(['\'', '"']);
            let block = written.starts_with(['|', '>']);
            if !(quoted || block || written.contains('\n') || node.is_null()) {
                assert_eq!(written, value.to_text().trim_end(), "{name}{pointer}");
            }
        });
    }
}
