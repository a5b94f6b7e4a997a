//! `OutputTransformer`: turns a message into the parameters of another template.
//!
//! Its syntax is on no page. CHOICE: a map from name to selector or literal; text that starts with `.` or `$` is a
//! selector, whose first result counts, everything else is a literal (actions.md 17.3).

use oos_core::{
    Limits, Map, Value,
    ports::{ActionError, ActionErrorKind},
    selector::{SelectorCache, SelectorError},
};

use crate::properties::Properties;

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
    let code = if matches!(error, SelectorError::Compile { .. }) { "InvalidSelector" } else { "SelectorError" };
    ActionError::new(ActionErrorKind::InvalidProperty, code, format!("`OutputTransformer`: {error}"))
}
