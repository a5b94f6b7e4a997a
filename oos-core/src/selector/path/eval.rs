//! Evaluation of a query: nodes in document order, within the bounds of the meter.

use std::borrow::Cow;

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, Literal, Segment, Selector, SingularQuery, SingularQuerySegment,
    Test, TestFunction,
};

use crate::{
    selector::jq::regex::{self, Patterns},
    value::{Value, jaq::meter},
};

/// A bound was hit; the meter knows which.
pub(super) struct Stopped;

type Nodes<'v> = Result<Vec<&'v Value>, Stopped>;
/// A value in a filter, `None` where there is none.
type Operand<'v> = Option<Cow<'v, Value>>;

/// One run of a query.
#[derive(Clone, Copy)]
pub(super) struct Run<'v, 'q> {
    pub(super) root: &'v Value,
    pub(super) patterns: &'q Patterns,
}

fn step() -> Result<(), Stopped> {
    if meter::charge(1) { Ok(()) } else { Err(Stopped) }
}

impl<'v> Run<'v, '_> {
    /// The nodes that segments select from a value.
    pub(super) fn query(&self, segments: &[Segment], from: &'v Value) -> Nodes<'v> {
        segments.iter().try_fold(vec![from], |nodes, segment| {
            let mut selected = Vec::new();
            nodes.into_iter().try_for_each(|node| self.segment(segment, node, &mut selected))?;
            Ok(selected)
        })
    }

    fn segment(&self, segment: &Segment, node: &'v Value, out: &mut Vec<&'v Value>) -> Result<(), Stopped> {
        step()?;
        match segment {
            Segment::Selector(selector) => self.selector(selector, node, out),
            Segment::Selectors(selectors) => {
                selectors.iter().try_for_each(|selector| self.selector(selector, node, out))
            }
            Segment::Descendant(inner) => {
                self.segment(inner, node, out)?;
                children(node).try_for_each(|child| self.segment(segment, child, out))
            }
        }
    }

    fn selector(&self, selector: &Selector, node: &'v Value, out: &mut Vec<&'v Value>) -> Result<(), Stopped> {
        match (selector, node) {
            (Selector::Name(name), Value::Map(map)) => out.extend(map.get(name)),
            (Selector::Index(index), Value::List(list)) => out.extend(item(list, *index)),
            (Selector::Wildcard, node) => {
                for child in children(node) {
                    step()?;
                    out.push(child);
                }
            }
            (Selector::Slice(start, end, by), Value::List(list)) => {
                for index in slice(*start, *end, by.unwrap_or(1), list.len()) {
                    step()?;
                    out.extend(item(list, index));
                }
            }
            (Selector::Filter(filter), node) => {
                for child in children(node) {
                    if self.filter(filter, child)? {
                        out.push(child);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn filter(&self, filter: &Filter, at: &'v Value) -> Result<bool, Stopped> {
        step()?;
        match filter {
            Filter::Or(filters) => {
                for filter in filters {
                    if self.filter(filter, at)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::And(filters) => {
                for filter in filters {
                    if !self.filter(filter, at)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Atom(FilterAtom::Filter { expr, not }) => Ok(self.filter(expr, at)? != *not),
            Filter::Atom(FilterAtom::Test { expr, not }) => Ok(self.test(expr, at)? != *not),
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.comparison(comparison, at),
        }
    }

    fn test(&self, test: &Test, at: &'v Value) -> Result<bool, Stopped> {
        match test {
            Test::Function(function) => {
                Ok(self.function(function, at)?.is_some_and(|value| value.as_bool() == Some(true)))
            }
            query => Ok(!self.nodes(query, at)?.is_empty()),
        }
    }

    fn nodes(&self, test: &Test, at: &'v Value) -> Nodes<'v> {
        match test {
            Test::RelQuery(segments) => self.query(segments, at),
            Test::AbsQuery(query) => self.query(&query.segments, self.root),
            Test::Function(_) => Ok(Vec::new()),
        }
    }

    fn comparison(&self, comparison: &Comparison, at: &'v Value) -> Result<bool, Stopped> {
        let (a, b) = comparison.vals();
        let (a, b) = (self.comparable(a, at)?, self.comparable(b, at)?);
        if let Some(value) = &a {
            meter::weigh(value, 1).map_err(|_| Stopped)?;
        }
        Ok(match comparison {
            Comparison::Eq(..) => a == b,
            Comparison::Ne(..) => a != b,
            Comparison::Lt(..) => is_less(&a, &b),
            Comparison::Gt(..) => is_less(&b, &a),
            Comparison::Lte(..) => is_less(&a, &b) || a == b,
            Comparison::Gte(..) => is_less(&b, &a) || a == b,
        })
    }

    fn comparable(&self, comparable: &Comparable, at: &'v Value) -> Result<Operand<'v>, Stopped> {
        match comparable {
            Comparable::Literal(literal) => Ok(Some(Cow::Owned(constant(literal)))),
            Comparable::Function(function) => self.function(function, at),
            Comparable::SingularQuery(SingularQuery::Current(segments)) => Ok(single(segments, at).map(Cow::Borrowed)),
            Comparable::SingularQuery(SingularQuery::Root(segments)) => {
                Ok(single(segments, self.root).map(Cow::Borrowed))
            }
        }
    }

    fn function(&self, function: &TestFunction, at: &'v Value) -> Result<Operand<'v>, Stopped> {
        step()?;
        Ok(match function {
            TestFunction::Length(arg) => self.value_of(arg, at)?.and_then(|value| length(&value)).map(Cow::Owned),
            TestFunction::Count(arg) => Some(Cow::Owned(Value::from(self.nodes_of(arg, at)?.len() as u64))),
            TestFunction::Value(arg) => match self.nodes_of(arg, at)?.as_slice() {
                [one] => Some(Cow::Borrowed(*one)),
                _ => None,
            },
            TestFunction::Match(text, pattern) => self.regex(text, pattern, true, at)?,
            TestFunction::Search(text, pattern) => self.regex(text, pattern, false, at)?,
            TestFunction::Custom(..) => None,
        })
    }

    fn nodes_of(&self, arg: &FnArg, at: &'v Value) -> Nodes<'v> {
        match arg {
            FnArg::Test(test) => self.nodes(test, at),
            _ => Ok(Vec::new()),
        }
    }

    fn value_of(&self, arg: &FnArg, at: &'v Value) -> Result<Operand<'v>, Stopped> {
        match arg {
            FnArg::Literal(literal) => Ok(Some(Cow::Owned(constant(literal)))),
            FnArg::Test(test) => match &**test {
                Test::Function(function) => self.function(function, at),
                query => Ok(self.nodes(query, at)?.first().map(|node| Cow::Borrowed(*node))),
            },
            FnArg::Filter(_) => Ok(None),
        }
    }

    fn regex(&self, text: &FnArg, pattern: &FnArg, whole: bool, at: &'v Value) -> Result<Operand<'v>, Stopped> {
        let (text, pattern) = (self.value_of(text, at)?, self.value_of(pattern, at)?);
        let found = match (text.as_deref(), pattern.as_deref()) {
            (Some(Value::String(text)), Some(Value::String(pattern))) => {
                regex::is_match(self.patterns, &translated(pattern, whole), text).unwrap_or(false)
            }
            _ => false,
        };
        if meter::hit().is_some() { Err(Stopped) } else { Ok(Some(Cow::Owned(found.into()))) }
    }
}

fn children(node: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match node {
        Value::List(list) => Box::new(list.iter()),
        Value::Map(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// The item at an index; negative ones count from the end.
fn item(list: &[Value], index: i64) -> Option<&Value> {
    let len = i64::try_from(list.len()).ok()?;
    let at = if index < 0 { index.checked_add(len)? } else { index };
    list.get(usize::try_from(at).ok()?)
}

/// The indexes that a slice selects (RFC 9535, 2.3.4.2.2).
fn slice(start: Option<i64>, end: Option<i64>, by: i64, len: usize) -> impl Iterator<Item = i64> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let normal = |i: i64| if i < 0 { i.saturating_add(len) } else { i };
    let (mut at, stop) = if by > 0 {
        (normal(start.unwrap_or(0)).clamp(0, len), normal(end.unwrap_or(len)).clamp(0, len))
    } else {
        let stop = end.map_or(-1, |end| normal(end).clamp(-1, len - 1));
        (normal(start.unwrap_or(len - 1)).clamp(-1, len - 1), stop)
    };
    std::iter::from_fn(move || {
        let inside = if by > 0 { at < stop } else { by < 0 && at > stop };
        let current = inside.then_some(at)?;
        at = at.saturating_add(by);
        Some(current)
    })
}

fn single<'v>(segments: &[SingularQuerySegment], from: &'v Value) -> Option<&'v Value> {
    segments.iter().try_fold(from, |value, segment| match (segment, value) {
        (SingularQuerySegment::Name(name), Value::Map(map)) => map.get(name),
        (SingularQuerySegment::Index(index), Value::List(list)) => item(list, *index),
        _ => None,
    })
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Int(i) => Value::Int(*i),
        Literal::Float(f) => Value::Float(*f),
        Literal::String(s) => Value::from(s),
        Literal::Bool(b) => Value::Bool(*b),
        Literal::Null => Value::Null,
    }
}

/// Order exists among numbers and among texts only.
fn is_less(a: &Operand<'_>, b: &Operand<'_>) -> bool {
    match (a.as_deref(), b.as_deref()) {
        (Some(a @ (Value::Int(_) | Value::Float(_))), Some(b @ (Value::Int(_) | Value::Float(_))))
        | (Some(a @ Value::String(_)), Some(b @ Value::String(_))) => a < b,
        _ => false,
    }
}

fn length(value: &Value) -> Option<Value> {
    let length = match value {
        Value::String(s) => s.chars().count(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return None,
    };
    Some(Value::from(length as u64))
}

/// An I-Regexp (RFC 9485) for the engine here: a dot matches no line break of any kind, and `match` means the whole text.
fn translated(pattern: &str, whole: bool) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let (mut in_class, mut escaped) = (false, false);
    for c in pattern.chars() {
        match c {
            '.' if !in_class && !escaped => out.push_str("[^\\n\\r]"),
            c => out.push(c),
        }
        match c {
            '[' if !escaped => in_class = true,
            ']' if !escaped => in_class = false,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    if whole { format!("^(?:{out})$") } else { out }
}
