//! Forms of the language that templates of the service may take, the rarer ones too: none is an error, and each gives
//! exactly the warnings that its first line names.
//!
//! Each file is tried as it is, with the line ends of Windows, with a byte order mark, printed as YAML, and as JSON.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use oos_actions::product::OfficialActions;
use oos_core::{
    Limits, Template,
    diagnostic::Diagnostics,
    plan::{Environment, Plan},
    source::SourceText,
};

fn findings(name: &str, text: &str, environment: &Environment) -> Diagnostics {
    Template::parse_source(SourceText::new(name, text), &Limits::default())
        .and_then(|template| Plan::compile(&template, environment))
        .map_or_else(|found| found, |plan| plan.warnings)
}

/// The codes that the first line names; a JSON text has no comment and no warning.
fn expected(text: &str) -> BTreeSet<String> {
    let first = text.lines().next().unwrap_or_default();
    let named = first.split_once("Warnings:").map_or("none", |(_, codes)| codes);
    named.split_whitespace().filter(|code| *code != "none").map(str::to_owned).collect()
}

#[test]
fn forms_that_the_service_takes_have_no_errors() {
    let environment = Environment::new(Arc::new(OfficialActions(Arc::new(oos_actions::standard()))));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 7, "forms are missing");
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let template = Template::parse(&text).unwrap();
        let variants = [
            ("as it is", text.clone()),
            ("line ends of Windows", text.replace('\n', "\r\n")),
            ("byte order mark", format!("\u{feff}{text}")),
            ("printed", template.to_yaml()),
            ("JSON", template.to_json()),
        ];
        for (variant, written) in variants {
            let found = findings(name, &written, &environment);
            assert!(!found.has_errors(), "{name}, {variant}:\n{found}");
            let codes: BTreeSet<String> = found.iter().map(|finding| finding.code.kebab()).collect();
            assert_eq!(codes, expected(&text), "{name}, {variant}:\n{found}");
        }
    }
}
