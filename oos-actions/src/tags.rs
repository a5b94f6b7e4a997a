//! Tags as templates ask for them: a list of `{Key, Value}`, or a map from key to value.

use oos_core::{Value, ports::ActionError};

use crate::properties::{Properties, missing};

/// A key and its value; without a value any will do. The empty text is a value.
pub type WantedTag = (String, Option<String>);

/// The tags under a property; none when it is not given.
pub(crate) fn wanted(properties: Properties<'_>, name: &str) -> Result<Vec<WantedTag>, ActionError> {
    let text = |value: &Value| value.to_text().to_string();
    if let Ok(Some(map)) = properties.map(name) {
        let value = |value: &Value| (!value.is_null()).then(|| text(value));
        return Ok(map.iter().map(|(key, given)| (key.to_string(), value(given))).collect());
    }
    let tags = properties.list(name)?.unwrap_or_default();
    tags.iter()
        .map(|tag| {
            let tag = Properties(tag);
            let key = tag.text("Key")?.ok_or_else(|| missing(&format!("{name}.Key")))?;
            Ok((key, tag.get("Value").map(text)))
        })
        .collect()
}
