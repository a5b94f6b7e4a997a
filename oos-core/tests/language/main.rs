//! What the language page says, rule by rule, as findings of a template; and templates made to cost much.

#![expect(clippy::disallowed_methods, reason = "tests measure how long something takes")]

mod hostile;
mod stated;

use std::sync::Arc;

use oos_core::{
    Limits, Template,
    diagnostic::Diagnostics,
    plan::{Environment, Plan},
    source::SourceText,
};

/// All findings about a template that calls standard actions.
fn findings(text: &str) -> Diagnostics {
    let environment = Environment::new(Arc::new(oos_actions::standard()));
    Template::parse_source(SourceText::new("template.yml", text), &Limits::default())
        .and_then(|template| Plan::compile(&template, &environment))
        .map_or_else(|found| found, |plan| plan.warnings)
}

/// A template with these sections and this flow list of tasks.
fn template(sections: &str, tasks: &str) -> String {
    format!("FormatVersion: OOS-2019-06-01\n{sections}\nTasks: [{tasks}]\n")
}

/// The inside of a task that waits.
const NAP: &str = "Name: nap, Action: ACS::Sleep, Properties: {Duration: 1S}";
