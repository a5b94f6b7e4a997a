//! The official templates: they parse, have places, and print to what they were.

use std::fs;

use oos_core::{
    Limits, Map, Template, Value,
    diagnostic::Code,
    source::{self, Node, NodeKind, SourceText},
};

use crate::{STATE, corpus, files, official, parse};

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

#[test]
fn official_templates_print_and_parse_to_the_same() {
    for (name, text) in official() {
        let template = parse(&name, &text).unwrap();
        let yaml = template.to_yaml();
        assert!(parse(&name, &yaml).unwrap_or_else(|found| panic!("{name}:\n{found}")) == template, "{name}");
        assert!(!yaml.starts_with('{'), "{name}: printed as JSON");
        assert!(parse(&name, &template.to_json()).unwrap() == template, "{name}");
        let node = template.to_node();
        // Names compare without case, nodes with it; and nothing of the document is lost.
        assert!(parse(&name, &yaml).unwrap().to_node() == node, "{name}");
        let document = source::parse(&SourceText::new(&*name, &*text), &Limits::default()).unwrap();
        assert_eq!(node.to_value(), without_empty_sections(document.to_value()), "{name}");
        assert!(Template::from_node(&node, None, &Limits::default()).unwrap() == template, "{name}");
    }
}

/// The document as it is printed: sections without entries are left out.
fn without_empty_sections(document: Value) -> Value {
    let Value::Map(map) = &document else { return document };
    let is_empty = |value: &Value| value.as_map().is_some_and(Map::is_empty);
    let is_section = |key: &str| ["Parameters", "Conditions", "Outputs"].contains(&key);
    let members = map.iter().filter(|(key, value)| !(is_section(key) && is_empty(value)));
    let members = members.map(|(key, value)| {
        let value = match (&**key, value) {
            ("Tasks", Value::List(tasks)) => tasks.iter().cloned().map(without_empty_sections).collect(),
            ("Loop", value) => without_empty_sections(value.clone()),
            (_, value) => value.clone(),
        };
        (key.clone(), value)
    });
    Value::from(members.collect::<Map>())
}
