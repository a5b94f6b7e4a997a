//! Parameters: coercion to the declared type and constraints (template-language 2.1, 2.3, 2.6).
//!
//! Pure functions on values. Constraints see what the template sees: of a secret its reference, not its value.

use std::sync::Arc;

use super::functions::args;
pub use super::pattern::Pattern;
use crate::{Value, template::ValueType};

/// Why a value is no value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParameterError {
    /// `MissingParameter`, `InvalidParameter.Type`, `.AllowedValues`, `.AllowedPattern`, `.Length` or `.Range`.
    pub code: &'static str,
    /// One line; `ConstraintDescription` when the parameter has one.
    pub message: Arc<str>,
}

impl ParameterError {
    fn new(code: &'static str, message: impl Into<Arc<str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// A required parameter that was not given.
    pub fn missing(name: &str) -> Self {
        Self::new("MissingParameter", format!("parameter `{name}` has no value and no default"))
    }
}

/// Converts a value to the declared type, where that loses nothing.
///
/// # Errors
/// `MissingParameter` for null, which counts as not given; `InvalidParameter.Type` for what does not convert.
pub fn coerce(value: Value, value_type: ValueType) -> Result<Value, ParameterError> {
    let kind = value.kind();
    let converted = match value_type {
        _ if value.is_null() => return Err(ParameterError::new("MissingParameter", "the value is missing")),
        ValueType::String => Some(Value::String(value.to_text())),
        ValueType::Number => args::numeric(&value),
        ValueType::Boolean => boolean(&value),
        ValueType::List => list(value),
        // Text stays text: it is parsed when a function or selector needs structure, and an API may want it as it is.
        ValueType::Json => Some(value),
    };
    let message = || format!("a value of type {kind} is given where {} is declared", value_type.as_str());
    converted.ok_or_else(|| ParameterError::new("InvalidParameter.Type", message()))
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(s) if s.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Value::String(s) if s.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        _ => None,
    }
}

fn list(value: Value) -> Option<Value> {
    match value.parsed_if_json_text() {
        list @ Value::List(_) => Some(list),
        _ if matches!(value, Value::Map(_)) => None,
        _ => Some(Value::from([value])),
    }
}

/// The constraints of a parameter, already parsed. The default constrains nothing.
#[derive(Clone, Debug, Default)]
pub struct Constraints {
    /// `AllowedValues`.
    pub allowed_values: Option<Vec<Value>>,
    /// `AllowedPattern`; of text only.
    pub allowed_pattern: Option<Pattern>,
    /// `MinLength` in characters; of text only.
    pub min_length: Option<usize>,
    /// `MaxLength` in characters; of text only.
    pub max_length: Option<usize>,
    /// `MinValue`, inclusive; of numbers only.
    pub min_value: Option<f64>,
    /// `MaxValue`, inclusive; of numbers only.
    pub max_value: Option<f64>,
    /// `ConstraintDescription`: the message when one of them does not hold.
    pub description: Option<Arc<str>>,
}

/// Coerces a value and checks it.
///
/// # Errors
/// As [`coerce`] and [`check`]; the message is the `ConstraintDescription` when there is one, else it names the
/// parameter.
pub fn accept(
    name: &str,
    value: Value,
    value_type: ValueType,
    constraints: &Constraints,
) -> Result<Value, ParameterError> {
    if value.is_null() {
        return Err(ParameterError::missing(name));
    }
    let accepted = coerce(value, value_type).and_then(|v| check(constraints, &v).map(|()| v));
    accepted.map_err(|error| {
        let message = format!("parameter `{name}`: {}", error.message);
        let description = constraints.description.clone();
        ParameterError { message: description.unwrap_or_else(|| message.into()), ..error }
    })
}

/// Checks a coerced value.
///
/// # Errors
/// `InvalidParameter.AllowedValues`, `.AllowedPattern`, `.Length` or `.Range`; the message is the
/// `ConstraintDescription` when there is one.
pub fn check(constraints: &Constraints, value: &Value) -> Result<(), ParameterError> {
    let checked = check_allowed(constraints, value)
        .and_then(|()| value.as_str().map_or(Ok(()), |text| check_text(constraints, text)))
        .and_then(|()| value.as_f64().map_or(Ok(()), |number| check_range(constraints, number)));
    checked.map_err(|error| match &constraints.description {
        Some(description) => ParameterError { message: description.clone(), ..error },
        None => error,
    })
}

fn check_allowed(constraints: &Constraints, value: &Value) -> Result<(), ParameterError> {
    let Some(allowed) = &constraints.allowed_values else { return Ok(()) };
    let is_allowed = |value: &Value| allowed.iter().any(|a| same(a, value));
    let members = |list: &[Value]| list.iter().all(is_allowed);
    if is_allowed(value) || value.as_list().is_some_and(members) {
        return Ok(());
    }
    let allowed: Vec<String> = allowed.iter().map(|a| format!("`{a}`")).collect();
    let message = format!("the value is not one of {}", allowed.join(", "));
    Err(ParameterError::new("InvalidParameter.AllowedValues", message))
}

/// CHOICE: an entry of `AllowedValues` is read like the value that it allows, so `80` allows the text `80` of a
/// String parameter; apart from that the comparison is exact (template-language 8.1).
fn same(allowed: &Value, value: &Value) -> bool {
    let like = match value {
        Value::String(_) if !matches!(allowed, Value::List(_) | Value::Map(_)) => Some(ValueType::String),
        Value::Int(_) | Value::Float(_) => Some(ValueType::Number),
        Value::Bool(_) => Some(ValueType::Boolean),
        _ => None,
    };
    allowed == value || like.and_then(|t| coerce(allowed.clone(), t).ok()).is_some_and(|a| a == *value)
}

fn check_text(constraints: &Constraints, text: &str) -> Result<(), ParameterError> {
    let length = text.chars().count();
    let too_short = constraints.min_length.filter(|min| length < *min);
    if let Some(min) = too_short {
        let message = format!("the value has {length} characters, at least {min} are needed");
        return Err(ParameterError::new("InvalidParameter.Length", message));
    }
    if let Some(max) = constraints.max_length.filter(|max| length > *max) {
        let message = format!("the value has {length} characters, at most {max} are allowed");
        return Err(ParameterError::new("InvalidParameter.Length", message));
    }
    let Some(pattern) = &constraints.allowed_pattern else { return Ok(()) };
    let mismatch = match pattern.matches(text) {
        Ok(true) => return Ok(()),
        Ok(false) => "the value does not match the allowed pattern".to_owned(),
        Err(error) => error,
    };
    Err(ParameterError::new("InvalidParameter.AllowedPattern", mismatch))
}

fn check_range(constraints: &Constraints, number: f64) -> Result<(), ParameterError> {
    let error = |what: String| Err(ParameterError::new("InvalidParameter.Range", what));
    match (constraints.min_value, constraints.max_value) {
        (Some(min), _) if number < min => error(format!("the value is smaller than {min}")),
        (_, Some(max)) if number > max => error(format!("the value is larger than {max}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ValueType::{Boolean, Json, List, Number, String as Text};

    fn json(text: &str) -> Value {
        Value::from_json_str(text).unwrap()
    }

    #[test]
    fn coercion_follows_the_table() {
        let cases = [
            (r#""a""#, Text, r#""a""#),
            ("80", Text, r#""80""#),
            ("1.50", Text, r#""1.5""#),
            ("2.0", Text, r#""2""#),
            ("false", Text, r#""false""#),
            (r#"["10.0.0.1","你"]"#, Text, r#""[\"10.0.0.1\",\"你\"]""#),
            (r#"{"a": 1}"#, Text, r#""{\"a\":1}""#),
            ("3", Number, "3"),
            ("2.5", Number, "2.5"),
            (r#""30""#, Number, "30"),
            (r#"" 180 ""#, Number, "180"),
            (r#""-1.5e3""#, Number, "-1500"),
            ("true", Boolean, "true"),
            (r#""TRUE""#, Boolean, "true"),
            (r#""false""#, Boolean, "false"),
            ("[1]", List, "[1]"),
            (r#""[1, 2]""#, List, "[1,2]"),
            (r#""assist""#, List, r#"["assist"]"#),
            (r#""[oops""#, List, r#"["[oops"]"#),
            ("5", List, "[5]"),
            (r#"{"a": 1}"#, Json, r#"{"a":1}"#),
            ("[1]", Json, "[1]"),
            (r#""{\"a\": 1}""#, Json, r#""{\"a\": 1}""#),
            (r#""plain""#, Json, r#""plain""#),
        ];
        for (given, value_type, expected) in cases {
            let coerced = coerce(json(given), value_type).unwrap_or_else(|e| panic!("{given}: {e}"));
            assert_eq!(coerced.to_string(), expected, "{given} as {value_type:?}");
        }
    }

    #[test]
    fn what_would_lose_something_is_refused() {
        let cases = [
            (r#""many""#, Number),
            (r#""inf""#, Number),
            ("true", Number),
            ("[1]", Number),
            (r#""yes""#, Boolean),
            ("1", Boolean),
            (r#"{"a": 1}"#, List),
        ];
        for (given, value_type) in cases {
            assert_eq!(coerce(json(given), value_type).unwrap_err().code, "InvalidParameter.Type", "{given}");
        }
        for value_type in ValueType::ALL {
            assert_eq!(coerce(Value::Null, value_type).unwrap_err().code, "MissingParameter");
        }
    }

    #[test]
    fn lengths_count_characters_and_ranges_include_their_ends() {
        let constraints = Constraints {
            min_length: Some(2),
            max_length: Some(3),
            min_value: Some(1.0),
            max_value: Some(2.5),
            ..Constraints::default()
        };
        let code = |value: Value| check(&constraints, &value).map_err(|e| e.code);
        assert_eq!(code("你好".into()), Ok(()));
        assert_eq!(code("你".into()), Err("InvalidParameter.Length"));
        assert_eq!(code("abcd".into()), Err("InvalidParameter.Length"));
        assert_eq!(code(1.into()), Ok(()));
        assert_eq!(code(2.5.into()), Ok(()));
        assert_eq!(code(0.into()), Err("InvalidParameter.Range"));
        assert_eq!(code(3.into()), Err("InvalidParameter.Range"));
    }

    #[test]
    fn allowed_values_are_exact_and_hold_for_each_element_of_a_list() {
        let allowed =
            |text| Constraints { allowed_values: json(text).as_list().map(<[_]>::to_vec), ..Default::default() };
        let cases = [
            (r#"["a","b"]"#, r#""a""#, true),
            (r#"["a","b"]"#, r#""A""#, false),
            ("[80, 443]", r#""80""#, true),
            ("[1, 2]", "2.0", true),
            (r#"["1"]"#, "1", true),
            (r#"["true"]"#, "true", true),
            (r#"["a","b"]"#, r#"["b","a"]"#, true),
            (r#"["a","b"]"#, r#"["b","c"]"#, false),
            (r#"["a"]"#, "[]", true),
            (r#"[["a"]]"#, r#"["a"]"#, true),
        ];
        for (list, value, holds) in cases {
            let result = check(&allowed(list), &json(value)).map_err(|e| e.code);
            assert_eq!(result.is_ok(), holds, "{list} {value}");
            assert!(holds || result == Err("InvalidParameter.AllowedValues"));
        }
    }

    #[test]
    fn messages_name_the_parameter_or_say_the_constraint_description() {
        let mut constraints = Constraints { max_length: Some(1), ..Constraints::default() };
        let error = accept("size", "ab".into(), Text, &constraints).unwrap_err();
        assert_eq!(error.to_string(), "parameter `size`: the value has 2 characters, at most 1 are allowed");
        constraints.description = Some("one letter".into());
        assert_eq!(accept("size", "ab".into(), Text, &constraints).unwrap_err().to_string(), "one letter");
        let error = accept("size", "x".into(), Number, &Constraints::default()).unwrap_err();
        assert_eq!(error.to_string(), "parameter `size`: a value of type String is given where Number is declared");
        let error = accept("size", Value::Null, Text, &constraints).unwrap_err();
        assert_eq!(error.code, "MissingParameter");
        assert_eq!(accept("size", 7.into(), Text, &constraints), Ok("7".into()));
    }
}
