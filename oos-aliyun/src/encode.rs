//! Canonical tree → wire: numbering of lists, texts of scalars, places, bodies (aliyun-client 2.2, 2.3).
//!
//! Knows no API: which parameter goes where and in which form is decided before (`oos_core::catalogue`). The "flat
//! map" style of a few newer APIs is deliberately absent: the SDKs disagree about it.

use std::sync::Arc;

use oos_core::{Map, Value};

use crate::sign::percent_encode;

/// CHOICE: an encoded query longer than this moves into the form body of an RPC POST; gateways cut somewhere above
/// 8 KiB, and read RPC parameters from either place (aliyun-client 2.3).
pub const LONGEST_QUERY: usize = 4096;

/// Content type of a form body.
pub const FORM_TYPE: &str = "application/x-www-form-urlencoded";
/// Content type of a JSON body.
pub const JSON_TYPE: &str = "application/json; charset=utf-8";
/// Content type of raw bytes.
pub const BYTES_TYPE: &str = "application/octet-stream";

/// A value that has no form on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A number that would need an exponent, or is none.
    #[error("parameter `{name}`: the number `{number}` cannot be sent, give it as text")]
    Number {
        /// Parameter.
        name: String,
        /// The number.
        number: String,
    },
    /// A path names a parameter that was not given.
    #[error("path `{path}` needs the parameter `{name}`")]
    PathParameter {
        /// The path's template.
        path: String,
        /// Parameter.
        name: String,
    },
    /// A place that takes text got structure.
    #[error("parameter `{name}` must be text or a number in this place")]
    NotScalar {
        /// Parameter.
        name: String,
    },
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The query.
    #[default]
    Query,
    /// The form body.
    Form,
    /// The JSON body.
    Json,
    /// A header.
    Header,
    /// The path.
    Path,
    /// The host only; not sent.
    Host,
}

/// How a list or map looks in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Compact JSON text; a scalar as its text.
    #[default]
    Text,
    /// Numbered members, `Name.1.Key`.
    Flattened,
    /// Items joined with commas.
    Comma,
}

/// One node at the top of the canonical tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name on the wire.
    pub name: Arc<str>,
    /// Place.
    pub place: Place,
    /// Form.
    pub form: Form,
    /// Value.
    pub value: Value,
}

/// Parameters in their places, not yet percent-encoded except for the path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Encoded {
    /// Encoded path.
    pub path: String,
    /// Query.
    pub query: Vec<(String, String)>,
    /// Form body.
    pub form: Vec<(String, String)>,
    /// Members of the JSON body.
    pub json: Map,
    /// Headers.
    pub headers: Vec<(String, String)>,
}

/// Puts every parameter in its place and form. `path` may name parameters as `{name}` or `[name]`.
///
/// # Errors
/// When a number cannot be written or the path needs what is not there.
pub fn encode(path: &str, parameters: &[Parameter]) -> Result<Encoded, EncodeError> {
    let mut out = Encoded { path: fill_path(path, parameters)?, ..Encoded::default() };
    for parameter in parameters.iter().filter(|p| !p.value.is_null()) {
        match parameter.place {
            Place::Query => put(parameter, &mut out.query)?,
            Place::Form => put(parameter, &mut out.form)?,
            Place::Header => put(parameter, &mut out.headers)?,
            Place::Json => drop(out.json.insert(parameter.name.clone(), parameter.value.clone())),
            Place::Path | Place::Host => {}
        }
    }
    Ok(out)
}

fn put(parameter: &Parameter, out: &mut Vec<(String, String)>) -> Result<(), EncodeError> {
    match parameter.form {
        Form::Flattened => flatten_into(&parameter.name, &parameter.value, out),
        Form::Comma => {
            out.push((parameter.name.to_string(), list_text(ListStyle::Comma, &parameter.name, &parameter.value)?));
            Ok(())
        }
        Form::Text => {
            out.push((parameter.name.to_string(), text_of(&parameter.name, &parameter.value)?));
            Ok(())
        }
    }
}

/// Fills `{name}` and `[name]` in a path with encoded parameters; other text stays as it is.
fn fill_path(path: &str, parameters: &[Parameter]) -> Result<String, EncodeError> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(start) = rest.find(['{', '[']) {
        let (head, tail) = rest.split_at(start);
        let Some(end) = tail.find(['}', ']']) else { break };
        let name = tail.get(1..end).unwrap_or_default();
        let missing = || EncodeError::PathParameter { path: path.to_owned(), name: name.to_owned() };
        let parameter = parameters.iter().find(|p| p.place == Place::Path && *p.name == *name).ok_or_else(missing)?;
        let text = text_of(name, &parameter.value)?;
        if text.is_empty() {
            return Err(missing());
        }
        out.push_str(head);
        out.push_str(&percent_encode(&text));
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(if out.is_empty() { "/".to_owned() } else { out })
}

/// Numbers and names the members of a map: lists from 1, nested freely, null left out, empty lists and maps nothing.
///
/// # Errors
/// When a number cannot be written.
pub fn flatten(parameters: &Map) -> Result<Vec<(String, String)>, EncodeError> {
    let mut out = Vec::with_capacity(parameters.len());
    parameters.iter().try_for_each(|(name, value)| flatten_into(name, value, &mut out))?;
    Ok(out)
}

/// [`flatten`] for one value under `name`.
///
/// # Errors
/// When a number cannot be written.
pub fn flatten_into(name: &str, value: &Value, out: &mut Vec<(String, String)>) -> Result<(), EncodeError> {
    match value {
        Value::Null => Ok(()),
        Value::List(list) => {
            let mut numbered = list.iter().zip(1_u32..);
            numbered.try_for_each(|(item, n)| flatten_into(&format!("{name}.{n}"), item, out))
        }
        Value::Map(map) => map.iter().try_for_each(|(key, item)| flatten_into(&format!("{name}.{key}"), item, out)),
        scalar => {
            out.push((name.to_owned(), text_of(name, scalar)?));
            Ok(())
        }
    }
}

/// The text of a value: scalars plain, lists and maps as compact JSON.
///
/// # Errors
/// When a number cannot be written.
pub fn text_of(name: &str, value: &Value) -> Result<String, EncodeError> {
    match value {
        Value::Float(float) => float_text(name, *float),
        other => Ok(other.to_text().to_string()),
    }
}

/// CHOICE: floats are written without exponent, whole ones without fraction; outside this range the SDKs disagree
/// about the text, so we refuse (aliyun-client 2.2).
fn float_text(name: &str, float: f64) -> Result<String, EncodeError> {
    let size = float.abs();
    if float == 0.0 {
        Ok("0".to_owned())
    } else if (1e-6..1e16).contains(&size) {
        Ok(float.to_string())
    } else {
        Err(EncodeError::Number { name: name.to_owned(), number: format!("{float:e}") })
    }
}

/// How a list becomes one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListStyle {
    /// `simple`: `a,b`.
    Comma,
    /// `spaceDelimited`: `a b`.
    Space,
    /// `pipeDelimited`: `a|b`.
    Pipe,
    /// `json`: compact JSON.
    Json,
}

/// One text of a list; a scalar stands for itself.
///
/// # Errors
/// When a number cannot be written.
pub fn list_text(style: ListStyle, name: &str, value: &Value) -> Result<String, EncodeError> {
    let separator = match style {
        ListStyle::Comma => ",",
        ListStyle::Space => " ",
        ListStyle::Pipe => "|",
        ListStyle::Json => return text_of(name, value),
    };
    match value {
        Value::List(list) => {
            let items: Result<Vec<_>, _> = list.iter().map(|item| text_of(name, item)).collect();
            Ok(items?.join(separator))
        }
        other => text_of(name, other),
    }
}

/// Pairs as a form body: spaces as `%20`, in the order given.
pub fn form_body(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", percent_encode(name), percent_encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// True when a query of these pairs is too long for a URL.
pub fn is_long(pairs: &[(String, String)]) -> bool {
    form_body(pairs).len() > LONGEST_QUERY
}

#[cfg(test)]
mod tests {
    use oos_core::params;

    use super::*;

    fn parameter(name: &str, place: Place, form: Form, value: impl Into<Value>) -> Parameter {
        Parameter { name: name.into(), place, form, value: value.into() }
    }

    #[test]
    fn puts_parameters_in_their_places() {
        let parameters = [
            parameter("ClusterId", Place::Path, Form::Text, "c1 2/3*~+中"),
            parameter("InstanceIds", Place::Query, Form::Text, ["i-1", "i-2"]),
            parameter("Tag", Place::Query, Form::Flattened, vec![params! { "Key" => "k", "Value" => "" }]),
            parameter("Scopes", Place::Form, Form::Comma, ["a", "b"]),
            parameter("count", Place::Json, Form::Text, 2),
            parameter("Nothing", Place::Query, Form::Text, Value::Null),
            parameter("AccountId", Place::Host, Form::Text, "123"),
        ];
        let encoded = encode("/clusters/{ClusterId}/nodes", &parameters).unwrap();
        assert_eq!(encoded.path, "/clusters/c1%202%2F3%2A~%2B%E4%B8%AD/nodes");
        let pairs = |list: &[(String, String)]| form_body(list);
        assert_eq!(pairs(&encoded.query), "InstanceIds=%5B%22i-1%22%2C%22i-2%22%5D&Tag.1.Key=k&Tag.1.Value=");
        assert_eq!(pairs(&encoded.form), "Scopes=a%2Cb");
        assert_eq!(Value::from(encoded.json), params! { "count" => 2 });
    }

    #[test]
    fn a_path_without_its_parameter_is_refused() {
        let error = encode("/clusters/[ClusterId]", &[]).unwrap_err();
        assert_eq!(error.to_string(), "path `/clusters/[ClusterId]` needs the parameter `ClusterId`");
    }

    #[test]
    fn numbers_keep_all_digits_and_never_get_an_exponent() {
        let text = |value: Value| text_of("n", &value);
        assert_eq!(text(Value::Int(9_007_199_254_740_993)).unwrap(), "9007199254740993");
        assert_eq!(text(Value::Float(1.0)).unwrap(), "1");
        assert_eq!(text(Value::Float(-0.00001)).unwrap(), "-0.00001");
        for bad in [1e21, 1e-9, f64::NAN, f64::INFINITY] {
            assert!(text(Value::Float(bad)).is_err(), "{bad}");
        }
    }
}
