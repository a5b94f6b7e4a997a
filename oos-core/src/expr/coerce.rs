//! Parameters: coercion to the declared type and constraints (template-language 2.1, 2.3, 2.6).
//!
//! Pure functions on values. Constraints see what the template sees: of a secret its reference, not its value.

use std::sync::Arc;

use super::functions::args;
use crate::{Limits, Value, template::ValueType};

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

/// A compiled `AllowedPattern`.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<fancy_regex::Regex>);

impl Pattern {
    /// Compiles a pattern. It is matched at the start of the text but need not reach its end, as the shape hints of
    /// the official templates want it (template-language 2.6).
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, String> {
        let anchored = format!(r"\A(?:{text})");
        let mut builder = fancy_regex::RegexBuilder::new(&anchored);
        let regex = builder.backtrack_limit(limits.regex_steps).build();
        let one_line = |e: fancy_regex::Error| e.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        regex.map(|r| Self(Arc::new(r))).map_err(one_line)
    }

    /// True when the text matches.
    ///
    /// # Errors
    /// When the match takes too many steps.
    pub fn matches(&self, text: &str) -> Result<bool, String> {
        self.0.is_match(text).map_err(|_| "the pattern takes too many steps on this value".to_owned())
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
