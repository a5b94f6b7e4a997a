//! Lenient access to normalised parameters: booleans and numbers arrive as either type or text, lists as lists, JSON
//! text or one scalar.

use std::sync::Arc;

use oos_core::{Map, Value, ports::ApiError};

use super::error::{invalid, missing};

/// The normalised parameters of a call, by wire name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(pub(crate) Map);

static NULL: Value = Value::Null;

impl Params {
    /// The value, or null.
    pub(crate) fn get(&self, name: &str) -> &Value {
        self.0.get_folded(name).map_or(&NULL, |(_, v)| v)
    }

    /// True when it is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.get(name).is_null()
    }

    /// Trimmed text; `None` when it is missing or empty.
    pub(crate) fn str(&self, name: &str) -> Option<Arc<str>> {
        let value = self.get(name);
        if value.is_null() {
            return None;
        }
        let text = value.to_text();
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| if trimmed.len() == text.len() { Arc::clone(&text) } else { trimmed.into() })
    }

    /// Text as it was given, for what is kept; `None` when it is missing or blank.
    pub(crate) fn verbatim(&self, name: &str) -> Option<Arc<str>> {
        Some(self.get(name).to_text()).filter(|text| !text.trim().is_empty())
    }

    /// Trimmed text, or empty.
    pub(crate) fn text(&self, name: &str) -> Arc<str> {
        self.str(name).unwrap_or_else(|| Arc::from(""))
    }

    /// Text that must be given.
    pub(crate) fn need(&self, name: &str) -> Result<Arc<str>, ApiError> {
        self.str(name).ok_or_else(|| missing(name))
    }

    /// A number; an error when it is none.
    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match (self.get(name), self.str(name)) {
            (value, Some(text)) => value
                .as_i64()
                .or_else(|| text.parse().ok())
                .map(Some)
                .ok_or_else(|| invalid(name, "it is not a number")),
            _ => Ok(None),
        }
    }

    /// A boolean; false when it is missing.
    pub(crate) fn bool(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or_else(|| self.text(name).eq_ignore_ascii_case("true"))
    }

    /// A list of texts: a list, JSON text of a list, or one scalar. Blanks around ids are dropped.
    pub(crate) fn list(&self, name: &str) -> Vec<Arc<str>> {
        texts(&self.get(name).parsed_if_json_text())
    }

    /// A filter by ids: `None` when it is not given. CHOICE: an empty list that is given matches nothing.
    pub(crate) fn ids(&self, name: &str) -> Option<Vec<Arc<str>>> {
        self.has(name).then(|| self.comma(name))
    }

    /// The same, where commas separate.
    pub(crate) fn comma(&self, name: &str) -> Vec<Arc<str>> {
        self.list(name)
            .iter()
            .flat_map(|t| t.split(',').map(str::trim).filter(|t| !t.is_empty()).map(Arc::from).collect::<Vec<_>>())
            .collect()
    }

    /// A list that must have members.
    pub(crate) fn need_list(&self, name: &str) -> Result<Vec<Arc<str>>, ApiError> {
        Some(self.list(name)).filter(|l| !l.is_empty()).ok_or_else(|| missing(name))
    }

    /// A list of maps: a list, JSON text of a list, or one map.
    pub(crate) fn maps(&self, name: &str) -> Vec<Map> {
        maps_of(self.get(name))
    }

    /// Tags: a list of `{Key, Value}`, or a map.
    pub(crate) fn tags(&self, name: &str) -> Vec<(String, String)> {
        tags_of(&self.get(name).parsed_if_json_text())
    }

    /// A member of a structure, written `A.B` or nested.
    pub(crate) fn sub(&self, outer: &str, inner: &str) -> Value {
        let flat = self.get(&format!("{outer}.{inner}"));
        if flat.is_null() {
            self.get(outer)
                .parsed_if_json_text()
                .as_map()
                .and_then(|m| m.get_folded(inner))
                .map_or(Value::Null, |(_, v)| v.clone())
        } else {
            flat.clone()
        }
    }
}

/// The maps in a value, JSON text parsed at any depth.
fn maps_of(value: &Value) -> Vec<Map> {
    match value {
        Value::List(list) => list.iter().flat_map(maps_of).collect(),
        Value::Map(map) => vec![(**map).clone()],
        Value::String(_) => match value.parsed_if_json_text() {
            Value::String(_) => Vec::new(),
            parsed => maps_of(&parsed),
        },
        _ => Vec::new(),
    }
}

/// The texts of a list, or of one scalar.
pub(crate) fn texts(value: &Value) -> Vec<Arc<str>> {
    match value {
        Value::Null => Vec::new(),
        Value::List(list) => list.iter().flat_map(texts).collect(),
        scalar => {
            let text = scalar.to_text();
            let trimmed = text.trim();
            if trimmed.is_empty() { Vec::new() } else { vec![trimmed.into()] }
        }
    }
}

/// Pairs of a list of `{Key, Value}` (or `{TagKey, TagValue}`), or of a map.
pub(crate) fn tags_of(value: &Value) -> Vec<(String, String)> {
    let member = |map: &Map, names: [&str; 2]| {
        names.iter().find_map(|n| map.get_folded(n)).map_or_else(String::new, |(_, v)| v.to_text().to_string())
    };
    match value {
        Value::List(list) => list
            .iter()
            .filter_map(|v| v.parsed_if_json_text().as_map().cloned())
            .map(|m| (member(&m, ["Key", "TagKey"]), member(&m, ["Value", "TagValue"])))
            .collect(),
        Value::Map(map) if map.get_folded("Key").is_some() => tags_of(&Value::from(vec![value.clone()])),
        Value::Map(map) => map.iter().map(|(k, v)| (k.to_string(), v.to_text().to_string())).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(json: serde_json::Value) -> Params {
        Params(Value::from(json).as_map().cloned().unwrap())
    }

    #[test]
    fn values_arrive_in_many_forms() {
        let p = params(json!({"A": " i-1 ", "N": "10", "B": "True", "L": "[\"a\",\"b\"]", "One": "x", "C": "a, b"}));
        assert_eq!(p.need("A").unwrap(), "i-1".into());
        assert_eq!((p.int("N").unwrap(), p.bool("b"), p.int("Missing").unwrap()), (Some(10), true, None));
        assert_eq!(p.list("L"), ["a".into(), "b".into()]);
        assert_eq!(p.list("One"), ["x".into()]);
        assert_eq!(p.comma("C"), ["a".into(), "b".into()]);
        assert_eq!(p.int("A").unwrap_err().code(), "InvalidParameter.A");
        assert_eq!(p.need("Missing").unwrap_err().code(), "MissingParameter.Missing");
    }

    #[test]
    fn tags_are_pairs_or_maps() {
        let pair = vec![("k".to_owned(), "v".to_owned())];
        assert_eq!(params(json!({"Tag": [{"Key": "k", "Value": "v"}]})).tags("Tag"), pair);
        assert_eq!(params(json!({"Tag": {"k": "v"}})).tags("Tag"), pair);
        assert_eq!(params(json!({"S": {"Size": 4}})).sub("S", "Size"), Value::from(4));
        assert_eq!(params(json!({"S.Size": 4})).sub("S", "Size"), Value::from(4));
    }
}
