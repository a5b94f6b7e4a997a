//! Reading evaluated properties: numbers and booleans may arrive as text, lists as one scalar or as JSON text, and
//! null means "not given" (actions.md 3.5). Errors name the property.

use oos_core::{Map, Value, ports::ActionError};

use crate::failure::WRONG_PROPERTY;

/// The evaluated properties of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Properties<'a>(pub(crate) &'a Value);

impl<'a> Properties<'a> {
    /// The property, exactly or else without case; null counts as absent.
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        let (_, value) = self.0.as_map()?.get_folded(name)?;
        (!value.is_null()).then_some(value)
    }

    /// Text, or a number or boolean as its text; the empty text counts as absent.
    pub(crate) fn text(self, name: &str) -> Result<Option<String>, ActionError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::List(_) | Value::Map(_)) => Err(wrong(name, "text")),
            Some(scalar) => Ok(Some(scalar.to_text().to_string()).filter(|text| !text.is_empty())),
        }
    }

    /// Text that must be there.
    pub(crate) fn required_text(self, name: &str) -> Result<String, ActionError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A boolean, or the text `true` or `false` in any case.
    pub(crate) fn flag(self, name: &str) -> Result<Option<bool>, ActionError> {
        self.text(name)?
            .map(|text| match text.to_ascii_lowercase().as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(wrong(name, "true or false")),
            })
            .transpose()
    }

    /// An integer, or text that is one.
    pub(crate) fn integer(self, name: &str) -> Result<Option<i64>, ActionError> {
        self.text(name)?.map(|text| text.trim().parse().map_err(|_| wrong(name, "a whole number"))).transpose()
    }

    /// A list; JSON text of a list is read, any other scalar is its only member, the empty text is no member.
    pub(crate) fn list(self, name: &str) -> Result<Option<Vec<Value>>, ActionError> {
        self.get(name).map(|value| as_list(value).ok_or_else(|| wrong(name, "a list"))).transpose()
    }

    /// The members of a list as text.
    pub(crate) fn texts(self, name: &str) -> Result<Vec<String>, ActionError> {
        Ok(self.list(name)?.unwrap_or_default().iter().map(|v| v.to_text().trim().to_owned()).collect())
    }

    /// A map, or JSON text of one; the empty text counts as absent.
    pub(crate) fn map(self, name: &str) -> Result<Option<Map>, ActionError> {
        match self.get(name).map(Value::parsed_if_json_text) {
            None => Ok(None),
            Some(Value::Map(map)) => Ok(Some((*map).clone())),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(_) => Err(wrong(name, "a map")),
        }
    }
}

fn as_list(value: &Value) -> Option<Vec<Value>> {
    match value.parsed_if_json_text() {
        Value::List(list) => Some((*list).clone()),
        Value::Map(_) => None,
        Value::String(text) if text.trim().is_empty() => Some(Vec::new()),
        scalar => Some(vec![scalar]),
    }
}

/// The error for a property that must be given.
pub(crate) fn missing(name: &str) -> ActionError {
    WRONG_PROPERTY.error(format_args!("property `{name}` is missing"))
}

/// The error for a property of another kind.
pub(crate) fn wrong(name: &str, expected: &str) -> ActionError {
    WRONG_PROPERTY.error(format_args!("property `{name}` must be {expected}"))
}

#[cfg(test)]
mod tests {
    use oos_core::params;

    use super::*;

    #[test]
    fn numbers_and_booleans_may_be_text() {
        let value = params! { "AutoPaging" => "False", "n" => "600", "m" => 7, "empty" => "", "none" => Value::Null };
        let properties = Properties(&value);
        assert_eq!(properties.flag("autopaging").unwrap(), Some(false));
        assert_eq!(properties.integer("n").unwrap(), Some(600));
        assert_eq!(properties.text("m").unwrap().as_deref(), Some("7"));
        assert_eq!(properties.text("empty").unwrap(), None);
        assert_eq!(properties.text("none").unwrap(), None);
        assert_eq!(
            properties.flag("n").unwrap_err().to_string(),
            "InvalidProperty: property `n` must be true or false"
        );
    }

    #[test]
    fn lists_may_be_json_text_or_one_scalar() {
        let value = params! { "a" => r#"["x","y"]"#, "b" => "x", "c" => "", "d" => params! { "k" => 1 } };
        let properties = Properties(&value);
        assert_eq!(properties.texts("a").unwrap(), ["x", "y"]);
        assert_eq!(properties.texts("b").unwrap(), ["x"]);
        assert!(properties.texts("c").unwrap().is_empty());
        assert!(properties.texts("missing").unwrap().is_empty());
        assert!(properties.list("d").is_err());
    }
}
