//! The one value type of the engine: JSON, Arc-shared, insertion-ordered, cheap to clone.
//!
//! Every parameter, property, answer and output is a [`Value`]. A clone is an `Arc` bump, so a response of 200 KB
//! can sit in a scope, a selector and a record at once. jq runs on it without conversion (`value/jaq.rs` is the only
//! file that knows jaq's value trait); `serde_json` appears only where the outside world wants it ([`Value::to_json`]).
//!
//! Numbers are `i64` or `f64`; an integer beyond 64 bits becomes a float. Equality is by value: `1 == 1.0`, and the
//! order of map members does not matter.

pub(crate) mod jaq;
mod map;
mod order;
mod serde;

use std::{fmt, sync::Arc};

pub use map::Map;

/// A JSON value. See the module documentation.
#[derive(Clone, Default)]
pub enum Value {
    /// JSON null; also "not given".
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A map with text keys in insertion order.
    Map(Arc<Map>),
}

impl Value {
    /// An empty list.
    pub fn empty_list() -> Self {
        Self::List(Arc::default())
    }

    /// An empty map.
    pub fn empty_map() -> Self {
        Self::Map(Arc::default())
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The integer, also of a float without a fraction; not of text.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Float(f) => float_as_int(*f),
            _ => None,
        }
    }

    /// The number as a float; not of text.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "a float is asked for")]
            Self::Int(i) => Some(*i as f64),
            Self::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The members, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(l) => Some(l),
            _ => None,
        }
    }

    /// The members, if it is a map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(m) => Some(m),
            _ => None,
        }
    }

    /// The member of a map under `key`; `None` for a missing key or another kind of value.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().and_then(|m| m.get(key))
    }

    /// The value at a path of map keys, null where something is missing.
    pub fn at(&self, path: &[&str]) -> &Value {
        static NULL: Value = Value::Null;
        path.iter().try_fold(self, |v, key| v.get(key)).unwrap_or(&NULL)
    }

    /// What kind of value it is, in the words of the product: `Null`, `Boolean`, `Number`, `String`, `List`, `Json`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Bool(_) => "Boolean",
            Self::Int(_) | Self::Float(_) => "Number",
            Self::String(_) => "String",
            Self::List(_) => "List",
            Self::Map(_) => "Json",
        }
    }

    /// The text that stands for this value inside other text (template-language 3.3): text as it is, null as nothing,
    /// whole floats without a point, lists and maps as compact JSON.
    pub fn to_text(&self) -> Arc<str> {
        match self {
            Self::Null => Arc::from(""),
            Self::String(s) => Arc::clone(s),
            other => other.to_string().into(),
        }
    }

    /// Converts to `serde_json`, for the public edge.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::from(self.clone())
    }

    /// Parses JSON text.
    ///
    /// # Errors
    /// The parser's error when the text is not one JSON document.
    pub fn from_json_str(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The value, or the document in it when it is text that starts like a JSON list or map and parses
    /// (template-language 4.1: functions that need structure accept JSON text).
    #[must_use]
    pub fn parsed_if_json_text(&self) -> Self {
        match self {
            Self::String(s) if s.trim_start().starts_with(['{', '[']) => {
                Self::from_json_str(s).unwrap_or_else(|_| self.clone())
            }
            other => other.clone(),
        }
    }
}

/// The integer that a float without a fraction stands for.
pub(crate) fn float_as_int(f: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (f.fract() == 0.0 && f.abs() < 9.2e18).then_some(f as i64)
}

/// Compact JSON; a float without a fraction is written as an integer.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Self::Int(i)
    }
}

impl From<i32> for Value {
    fn from(i: i32) -> Self {
        Self::Int(i.into())
    }
}

impl From<u32> for Value {
    fn from(i: u32) -> Self {
        Self::Int(i.into())
    }
}

impl From<u64> for Value {
    fn from(i: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "documented: integers beyond 64 bits become floats")]
        i64::try_from(i).map_or(Self::Float(i as f64), Self::Int)
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::from(n as u64)
    }
}

impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Self::Float(f)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::String(s.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(s: Arc<str>) -> Self {
        Self::String(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::String(s.into())
    }
}

impl From<&String> for Value {
    fn from(s: &String) -> Self {
        Self::String(s.as_str().into())
    }
}

impl From<Map> for Value {
    fn from(m: Map) -> Self {
        Self::Map(Arc::new(m))
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(list: Vec<T>) -> Self {
        list.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(list: [T; N]) -> Self {
        list.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(iter: I) -> Self {
        Self::List(Arc::new(iter.into_iter().collect()))
    }
}

/// Parameters of an execution, written as a map: `params! { "instanceIds" => ["i-1", "i-2"] }`.
#[macro_export]
macro_rules! params {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an empty list of parameters changes nothing")]
        let mut map = $crate::Map::new();
        $(map.insert($key, $crate::Value::from($value));)*
        $crate::Value::from(map)
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_follows_the_language() {
        assert_eq!(&*Value::Float(1.0).to_text(), "1");
        assert_eq!(&*Value::Float(1.5).to_text(), "1.5");
        assert_eq!(&*Value::Null.to_text(), "");
        assert_eq!(&*Value::from(["a", "b"]).to_text(), r#"["a","b"]"#);
        assert_eq!(&*params! { "k" => 1, "你" => true }.to_text(), r#"{"k":1,"你":true}"#);
    }

    #[test]
    fn equality_is_by_value_and_ignores_member_order() {
        assert_eq!(Value::Int(1), Value::Float(1.0));
        assert_ne!(Value::from("1"), Value::Int(1));
        assert_eq!(params! { "a" => 1, "b" => 2 }, params! { "b" => 2, "a" => 1 });
    }

    #[test]
    fn json_round_trip_keeps_order_and_numbers() {
        let text = r#"{"z":1,"a":[1.5,null,"x"],"n":9007199254740993}"#;
        assert_eq!(Value::from_json_str(text).unwrap().to_string(), text);
        assert_eq!(Value::from_json_str(text).unwrap().to_json().to_string(), text);
    }
}
