//! `OutputTransformer`: turns a message into the parameters of another template.
//!
//! Its syntax is on no page. CHOICE: a map from name to selector or literal; text that starts with `.` or `$` is a
//! selector, whose first result counts, everything else is a literal (actions.md 17.3).

use oos_core::{
    Limits, Map, Value,
    ports::{ActionError, ActionErrorKind},
    selector::{SelectorCache, SelectorError},
};

use crate::{failure::Failure, properties::Properties};

const NO_SELECTOR: Failure = Failure::new(
    ActionErrorKind::InvalidProperty,
    "InvalidSelector",
    "a selector of OutputTransformer does not compile",
);
const SELECTOR_ERROR: Failure = Failure::new(
    ActionErrorKind::InvalidProperty,
    "SelectorError",
    "a selector of OutputTransformer fails on a message",
);
/// What a transformer may fail with.
pub(super) const FAILURES: [Failure; 2] = [NO_SELECTOR, SELECTOR_ERROR];

/// The result document of a trigger for this message: the message itself without a transformer.
pub(super) fn document(cache: &SelectorCache, properties: &Value, message: &Value) -> Result<Value, ActionError> {
    let rules = Properties(properties).map("OutputTransformer")?.unwrap_or_default();
    if rules.is_empty() {
        return Ok(message.clone());
    }
    let mut document = Map::with_capacity(rules.len());
    for (name, rule) in &rules {
        document.insert(name.clone(), value(cache, rule, message)?);
    }
    Ok(document.into())
}

fn value(cache: &SelectorCache, rule: &Value, message: &Value) -> Result<Value, ActionError> {
    match rule.as_str() {
        Some(text) if text.trim_start().starts_with(['.', '$']) => {
            let results = cache.selector(text).and_then(|selector| selector.run(message, &Limits::default()));
            Ok(results.map_err(|e| selector_failed(&e))?.into_iter().next().unwrap_or_default())
        }
        _ => Ok(rule.clone()),
    }
}

fn selector_failed(error: &SelectorError) -> ActionError {
    let failure = if matches!(error, SelectorError::Compile { .. }) { NO_SELECTOR } else { SELECTOR_ERROR };
    failure.error(format_args!("`OutputTransformer`: {error}"))
}
