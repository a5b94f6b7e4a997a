//! The reference page of a catalog of actions, made from their signatures: an embedder's own actions are on it too.
//!
//! `docs/actions.md` is the page of [`standard`](crate::standard); a test keeps it fresh. What a signature does not
//! say is not here: the page knows no action by name.

use std::fmt::Write as _;

use oos_core::{
    Value,
    ports::action::{ActionCatalog, ActionClass, Property, RetryRule, Signature, type_words},
};

/// Allowed values that the page shows of one property.
const SHOWN_VALUES: usize = 20;

/// The page as Markdown, actions sorted by name.
///
/// ```
/// use oos_core::{outputs, registry::ActionRegistry};
///
/// let registry = ActionRegistry::new().with_fn("Acme::Ping", |_| async { Ok(outputs! {}) });
/// assert!(oos_actions::reference::page(&registry).contains("### Acme::Ping"));
/// ```
pub fn page(catalog: &dyn ActionCatalog) -> String {
    let signatures: Vec<_> = catalog.names().iter().filter_map(|name| catalog.signature(name)).collect();
    let mut text = String::from(HEAD);
    let section = |text: &mut String, title: &str, is_in: &dyn Fn(&Signature) -> bool| {
        let members: Vec<_> = signatures.iter().filter(|s| is_in(s)).collect();
        if !members.is_empty() {
            let _ = writeln!(text, "\n## {title} ({})", members.len());
            members.iter().for_each(|s| action(text, s));
        }
    };
    section(&mut text, "Atoms, control actions and triggers", &|s| s.class != ActionClass::Product);
    section(&mut text, "Product actions", &|s| s.class == ActionClass::Product);
    text
}

const HEAD: &str = "\
# Actions

Made from the signatures of the actions; do not edit. A property without a default that is not required is left out when
it is not given. Beside the failures that are listed, a task fails with whatever code a cloud answers, and a call that
needs something the host did not give fails with the code that names it. A product action is a template: it fails with
the failures of its tasks, and its result is its outputs.
";

fn action(text: &mut String, signature: &Signature) {
    let _ = writeln!(text, "\n### {}\n", signature.name);
    if !signature.description.is_empty() {
        let _ = writeln!(text, "{}\n", sentence(&signature.description));
    }
    let _ = writeln!(text, "{}", traits(signature));
    properties(text, signature);
    if !signature.outputs.is_empty() {
        text.push_str("\n| Result | Type | What it is |\n|---|---|---|\n");
        for member in &signature.outputs {
            let _ =
                writeln!(text, "| `{}` | {} | {} |", member.name, type_words(&member.types), cell(&member.description));
        }
    }
    if !signature.failures.is_empty() {
        text.push_str("\n| Failure | When |\n|---|---|\n");
        for failure in &signature.failures {
            let _ = writeln!(text, "| `{}` | {} |", failure.code, cell(&failure.when));
        }
    }
}

fn properties(text: &mut String, signature: &Signature) {
    if signature.properties.is_empty() {
        text.push_str(if signature.open { "\nTakes any property.\n" } else { "\nTakes no properties.\n" });
        return;
    }
    text.push_str("\n| Property | Type | Default | Values | What it is |\n|---|---|---|---|---|\n");
    for property in &signature.properties {
        let default = match (&property.default, property.required) {
            (Some(value), _) => code(value),
            (None, true) => "required".to_owned(),
            (None, false) => String::new(),
        };
        let types = type_words(&property.types);
        let (values, what) = (values(property), cell(&property.description));
        let _ = writeln!(text, "| `{}` | {types} | {default} | {values} | {what} |", property.name);
    }
}

fn values(property: &Property) -> String {
    let rest = property.allowed.len().saturating_sub(SHOWN_VALUES);
    let mut shown: Vec<_> = property.allowed.iter().take(SHOWN_VALUES).map(code).collect();
    if rest > 0 {
        shown.push(format!("and {rest} more"));
    }
    shown.join(", ")
}

fn traits(signature: &Signature) -> String {
    let class = match signature.class {
        ActionClass::Api => "API",
        ActionClass::Trigger => "Trigger",
        ActionClass::Control => "Control",
        ActionClass::Embedded => "Embedded",
        ActionClass::Product => "Product",
        _ => "Custom",
    };
    let loops = if signature.loops { "may loop" } else { "does not loop" };
    let retries = match signature.retry {
        RetryRule::None => "no retries".to_owned(),
        RetryRule::Task { default_retries } => format!("`Retries` of the task, default {default_retries}"),
        RetryRule::Property { name, default_retries } => format!("`Retries` in `{name}`, default {default_retries}"),
    };
    format!("{class}; {loops}; {retries}.")
}

/// A value as code in a cell; a long text is cut with a mark.
fn code(value: &Value) -> String {
    const LONGEST: usize = 60;
    let whole = value.to_string();
    let shown: String = whole.chars().take(LONGEST).collect();
    let mark = if shown.len() < whole.len() { " ..." } else { "" };
    format!("`{}`{mark}", cell(&shown))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Capital and full stop.
fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
