//! Templates in the manner of official ones, each built around rarer features of the language and the APIs: they load
//! and compile without an error, as they are, printed again and as JSON, and give exactly the warnings that are named.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod flow;
mod operations;
mod values;

use std::sync::Arc;

use oos_actions::product::OfficialActions;
use oos_core::{
    Limits, Template,
    diagnostic::{Diagnostics, Severity},
    plan::{Environment, Plan},
    source::SourceText,
};

fn environment() -> Environment {
    Environment::new(Arc::new(OfficialActions(Arc::new(oos_actions::standard()))))
}

fn findings(name: &str, text: &str) -> Diagnostics {
    Template::parse_source(SourceText::new(name, text), &Limits::default())
        .and_then(|template| Plan::compile(&template, &environment()))
        .map_or_else(|found| found, |plan| plan.warnings)
}

/// Checks a template in three spellings; `warnings` are all codes in the order of their places.
fn expect(name: &str, warnings: &[&str], text: &str) {
    let template = Template::parse(text).unwrap_or_else(|found| panic!("{name}:\n{found}"));
    for (variant, written) in
        [("as it is", text.to_owned()), ("YAML", template.to_yaml()), ("JSON", template.to_json())]
    {
        let found = findings(name, &written);
        assert!(found.iter().all(|f| f.severity == Severity::Warning), "{name}, {variant}:\n{found}");
        let codes: Vec<String> = found.iter().map(|f| f.code.kebab()).collect();
        assert_eq!(codes, warnings, "{name}, {variant}:\n{found}");
        assert!(Template::parse(&written).unwrap() == template, "{name}, {variant}: another template");
    }
}
