//! Matchers of values, shared by assertions, faults, stubs and scripts.

use std::{fmt, sync::Arc};

use fancy_regex::Regex;
use oos_core::Value;

/// Says whether a value is the one that is meant.
#[derive(Clone)]
pub struct Matcher(Kind);

type Test = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

#[derive(Clone)]
enum Kind {
    Any,
    Eq(Value),
    Subset(Value),
    Regex(Arc<Regex>),
    Test(Test),
}

/// Matches everything.
pub fn any() -> Matcher {
    Matcher(Kind::Any)
}

/// Matches an equal value.
pub fn eq(value: impl Into<Value>) -> Matcher {
    Matcher(Kind::Eq(value.into()))
}

/// Matches a map that has at least these members, each of them a subset in turn; text and numbers or booleans with
/// the same text are equal, and a list matches a list whose members match one by one.
pub fn subset(value: impl Into<Value>) -> Matcher {
    Matcher(Kind::Subset(value.into()))
}

/// Matches a value whose text holds a match of the regular expression.
///
/// # Panics
/// When it is no regular expression.
#[track_caller]
pub fn re(pattern: &str) -> Matcher {
    match Regex::new(pattern) {
        Ok(regex) => Matcher(Kind::Regex(Arc::new(regex))),
        Err(error) => super::fail(&format!("`{pattern}` is no regular expression: {error}")),
    }
}

/// The same as [`re`], where that reads better.
///
/// # Panics
/// When it is no regular expression.
#[track_caller]
pub fn matching(pattern: &str) -> Matcher {
    re(pattern)
}

/// Matches what the closure says.
pub fn is(test: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Matcher {
    Matcher(Kind::Test(Arc::new(test)))
}

impl Matcher {
    /// True when `value` is meant.
    pub fn matches(&self, value: &Value) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Eq(expected) => expected == value,
            Kind::Subset(expected) => contains(value, expected),
            Kind::Regex(regex) => regex.is_match(&*value.to_text()).unwrap_or(false),
            Kind::Test(test) => test(value),
        }
    }

    /// True when the text is meant.
    pub fn matches_text(&self, text: &str) -> bool {
        self.matches(&Value::from(text))
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("anything"),
            Kind::Eq(value) => write!(f, "exactly {}", super::masked(value)),
            Kind::Subset(value) => write!(f, "{}", super::masked(value)),
            Kind::Regex(regex) => write!(f, "/{}/", regex.as_str()),
            Kind::Test(_) => f.write_str("what the test's closure takes"),
        }
    }
}

impl From<serde_json::Value> for Matcher {
    fn from(value: serde_json::Value) -> Self {
        subset(value)
    }
}

impl From<Value> for Matcher {
    fn from(value: Value) -> Self {
        subset(value)
    }
}

impl From<&str> for Matcher {
    fn from(text: &str) -> Self {
        eq(text)
    }
}

/// True when `value` has all that `expected` has.
fn contains(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Map(map), Value::Map(members)) => {
            members.iter().all(|(key, member)| map.get(key).is_some_and(|found| contains(found, member)))
        }
        (Value::List(list), Value::List(members)) => {
            list.len() == members.len() && list.iter().zip(members.iter()).all(|(v, e)| contains(v, e))
        }
        (Value::String(text), Value::Map(_) | Value::List(_)) => {
            Value::from_json_str(text).is_ok_and(|parsed| contains(&parsed, expected))
        }
        (Value::String(_), Value::Int(_) | Value::Float(_) | Value::Bool(_))
        | (Value::Int(_) | Value::Float(_) | Value::Bool(_), Value::String(_)) => value.to_text() == expected.to_text(),
        _ => value == expected,
    }
}

/// True when `text` matches `pattern`, in which `*` is any run of characters and `?` one; case does not matter.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    if pattern == "*" || !pattern.contains(['*', '?']) {
        return pattern == "*" || pattern.eq_ignore_ascii_case(text);
    }
    let fold = |s: &str| s.chars().map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>();
    glob_chars(&fold(pattern), &fold(text))
}

fn glob_chars(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// All texts inside a value, those of JSON texts in it included; with the name of the member that holds each.
pub(crate) fn texts_in(value: &Value) -> Vec<(String, Arc<str>)> {
    fn walk(name: &str, value: &Value, out: &mut Vec<(String, Arc<str>)>) {
        match value {
            Value::List(list) => list.iter().for_each(|v| walk(name, v, out)),
            Value::Map(map) => map.iter().for_each(|(key, v)| walk(key, v, out)),
            Value::Null => {}
            Value::String(text) if text.starts_with(['[', '{']) => match Value::from_json_str(text) {
                Ok(parsed) => walk(name, &parsed, out),
                Err(_) => out.push((name.to_owned(), Arc::clone(text))),
            },
            scalar => out.push((name.to_owned(), scalar.to_text())),
        }
    }
    let mut out = Vec::new();
    walk("", value, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn globs_ignore_case() {
        assert!(glob("Describe*", "DescribeInstances"));
        assert!(glob("ecs", "ECS"));
        assert!(glob("*", ""));
        assert!(glob("a*b*c", "aXbYbc"));
        assert!(!glob("Describe", "DescribeInstances"));
        assert!(glob("Set?", "SetX"));
        assert!(!glob("Set?", "Set"));
    }

    #[test]
    fn a_subset_looks_into_maps_lists_and_json_text() {
        let value =
            Value::from(json!({"A": {"B": 1, "C": 2}, "L": ["x", {"k": "v", "z": 0}], "J": "[1,2]", "N": "10"}));
        assert!(subset(json!({"A": {"B": 1}, "L": ["x", {"k": "v"}]})).matches(&value));
        assert!(subset(json!({"J": [1, 2], "N": 10})).matches(&value));
        assert!(!subset(json!({"A": {"B": 2}})).matches(&value));
        assert!(!subset(json!({"L": ["x"]})).matches(&value));
        assert!(!eq(json!({"A": 1})).matches(&value));
    }

    #[test]
    fn regular_expressions_look_at_the_text() {
        assert!(re("dep.oy").matches_text("run deploy.sh"));
        assert!(!re("^deploy").matches_text("run deploy.sh"));
    }
}
