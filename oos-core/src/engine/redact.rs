//! Keeps secrets out of everything that people or files see.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{Map, Value};

/// What stands in the place of a secret.
pub const MASK: &str = "******";

/// Texts shorter than this are masked only where they are the whole value: masking every `1` would hide everything.
const MIN_PART: usize = 4;

/// Knows the secrets of an execution and masks them. A clone knows the same ones.
#[derive(Clone, Default)]
pub struct Redactor(Arc<Mutex<Vec<Arc<str>>>>);

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(******)")
    }
}

impl Redactor {
    /// Learns the texts in a value.
    pub fn learn(&self, secret: &Value) {
        match secret {
            Value::Null | Value::Bool(_) => {}
            Value::List(list) => list.iter().for_each(|v| self.learn(v)),
            Value::Map(map) => map.values().for_each(|v| self.learn(v)),
            scalar => {
                let text = scalar.to_text();
                let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if !text.is_empty() && !secrets.contains(&text) {
                    secrets.push(text);
                    // Longer ones first, so that a secret inside a secret leaves nothing behind.
                    secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
                }
            }
        }
    }

    /// True when there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The text with secrets masked.
    pub fn text(&self, text: &str) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mask_text(text, &secrets)
    }

    /// The value with secrets masked.
    pub fn value(&self, value: &Value) -> Value {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.is_empty() { value.clone() } else { mask(value, &secrets) }
    }
}

fn mask_text(text: &str, secrets: &[Arc<str>]) -> String {
    if secrets.iter().any(|s| &**s == text) {
        return MASK.to_owned();
    }
    let parts = secrets.iter().filter(|s| s.len() >= MIN_PART);
    parts.fold(
        text.to_owned(),
        |text, secret| if text.contains(&**secret) { text.replace(&**secret, MASK) } else { text },
    )
}

fn mask(value: &Value, secrets: &[Arc<str>]) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::List(list) => list.iter().map(|v| mask(v, secrets)).collect(),
        Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), mask(v, secrets))).collect::<Map>()),
        Value::String(text) => Value::from(mask_text(text, secrets)),
        number => {
            let hidden = secrets.iter().any(|s| **s == *number.to_text());
            if hidden { Value::from(MASK) } else { number.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn masks_whole_values_and_parts_but_not_every_digit() {
        let redactor = Redactor::default();
        redactor.learn(&Value::from("hunter22"));
        redactor.learn(&Value::Int(7));
        let masked = redactor.value(&params! { "a" => "pw=hunter22;", "b" => 7, "c" => "17 of 70" });
        assert_eq!(masked, params! { "a" => "pw=******;", "b" => "******", "c" => "17 of 70" });
        assert_eq!(format!("{redactor:?}"), "Redactor(******)");
    }
}
