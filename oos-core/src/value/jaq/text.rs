//! Values as text: JSON as jq writes it, and the shortened form in its messages.
//!
//! Apart from serde because writing is metered here: shared parts can make a small value very long.

use std::fmt;

use super::{JqError, JqValue, meter};
use crate::value::{Value, float_as_int};

/// Bytes of a value that a message shows, dots included.
// CHOICE: jq's own messages cut here, and programs compare them.
const SHORTENED: usize = 29;

/// What stops writing.
#[derive(Debug)]
struct Full;

struct Writer {
    out: String,
    limit: usize,
}

impl Writer {
    fn push(&mut self, text: &str) -> Result<(), Full> {
        self.out.push_str(text);
        if self.out.len() > self.limit || !meter::grow(text.len()) { Err(Full) } else { Ok(()) }
    }

    fn string(&mut self, text: &str) -> Result<(), Full> {
        self.push("\"")?;
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c < ' ' || matches!(c, '"' | '\\' | '\u{7f}')) {
            let (plain, tail) = rest.split_at(at);
            self.push(plain)?;
            let mut chars = tail.chars();
            if let Some(special) = chars.next() {
                self.push(&escape(special))?;
            }
            rest = chars.as_str();
        }
        self.push(rest)?;
        self.push("\"")
    }

    fn value(&mut self, value: &Value) -> Result<(), Full> {
        match value {
            Value::Null => self.push("null"),
            Value::Bool(b) => self.push(if *b { "true" } else { "false" }),
            Value::Int(i) => self.push(&i.to_string()),
            Value::Float(f) => self.push(&float_text(*f)),
            Value::String(s) => self.string(s),
            Value::List(list) => {
                self.push("[")?;
                for (i, item) in list.iter().enumerate() {
                    self.push(if i == 0 { "" } else { "," })?;
                    self.value(item)?;
                }
                self.push("]")
            }
            Value::Map(map) => {
                self.push("{")?;
                for (i, (key, item)) in map.iter().enumerate() {
                    self.push(if i == 0 { "" } else { "," })?;
                    self.string(key)?;
                    self.push(":")?;
                    self.value(item)?;
                }
                self.push("}")
            }
        }
    }
}

fn escape(c: char) -> String {
    match c {
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        '\u{8}' => "\\b".into(),
        '\u{c}' => "\\f".into(),
        other => format!("\\u{:04x}", u32::from(other)),
    }
}

/// A float as JSON: whole ones without a point, NaN as null, infinity as the largest number, like jq.
fn float_text(f: f64) -> String {
    if f.is_nan() {
        return "null".into();
    }
    match float_as_int(f) {
        Some(_) if f == 0.0 && f.is_sign_negative() => "-0".into(),
        Some(i) => i.to_string(),
        None => scientific(f.clamp(f64::MIN, f64::MAX)),
    }
}

/// Very large and very small numbers with an exponent, as C does it for jq.
fn scientific(f: f64) -> String {
    let text = format!("{f:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.bytes().filter(u8::is_ascii_digit).count()).unwrap_or(i32::MAX);
    if exponent < -5 || exponent + 1 > count + 15 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    } else {
        f.to_string()
    }
}

/// The value as compact JSON.
pub(crate) fn json(value: &Value) -> Result<String, JqError> {
    let mut writer = Writer { out: String::new(), limit: usize::MAX };
    match writer.value(value) {
        Ok(()) => Ok(writer.out),
        Err(Full) => Err(meter::stopped()),
    }
}

/// The value as text: text as it is, everything else as JSON.
pub(crate) fn plain(value: &Value) -> Result<std::sync::Arc<str>, JqError> {
    match value {
        Value::String(s) => Ok(s.clone()),
        other => json(other).map(Into::into),
    }
}

/// The start of the JSON of a value.
pub(crate) fn shortened(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), limit: 4 * SHORTENED };
    let _ = writer.value(value);
    let mut text = writer.out;
    if text.len() <= SHORTENED {
        return text;
    }
    let closing = if text.starts_with('"') { "\"" } else { "" };
    let mut end = SHORTENED - 3 - closing.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text + "..." + closing
}

/// Used by messages of jaq itself; programs see it only there.
impl fmt::Display for JqValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shortened(&self.value))
    }
}

/// The text of an error that ends a program.
pub(crate) fn message(error: JqError) -> String {
    // CHOICE: long enough for any message of a person, short enough for a record.
    const LONGEST: usize = 1_000;
    match &error.into_val().value {
        Value::String(s) => s.chars().take(LONGEST).collect(),
        other => format!("not a string: {}", super::show(other)),
    }
}
