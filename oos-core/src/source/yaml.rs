//! Text → value; the only file that names `serde_yaml`.
//!
//! It decides what is accepted. What it is lenient about and a template may not hold is refused around it: aliases,
//! anchors, tags and several documents by `spans.rs`, size, characters and nesting by `guard.rs`, keys that are no
//! text and keys given twice here, on the tree as read. YAML 1.1 booleans (`yes`, `No`) stay text, as does anything
//! that looks like a date.

use std::{cell::Cell, fmt};

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::{
    Key, LineIndex, Node, NodeKind, SourceText, Span, SyntaxError, SyntaxErrorKind, guard,
    spans::{self, Offsets, Place, PlaceKind},
};
use crate::{Limits, Value};

/// Parses YAML or JSON text into a spanned node. Text without content is null.
///
/// # Errors
/// The first thing that keeps the text from being one document.
pub fn parse(source: &SourceText, limits: &Limits) -> Result<Node, SyntaxError> {
    let text = &*source.text;
    guard::check_size(text.len(), limits)?;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let base = text.len() - body.len();
    guard::check_characters(body, base)?;
    let outline = spans::outline(body, base, limits)?;
    let raw = read(body, limits).map_err(|e| e.moved(base))?;
    Builder { limits }.node(raw, outline.root.as_ref(), 1)
}

/// The value of a document as YAML text.
pub(crate) fn print(value: &Value) -> Option<String> {
    serde_yaml::to_string(value).ok()
}

/// The document as the parser sees it: keys of any kind, also twice.
#[derive(Debug)]
enum Raw {
    Scalar(Value),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

/// A byte of a document without aliases makes three nodes at most (`:` alone is a map, a key and a value), so this
/// budget stops what aliases would multiply.
fn read(text: &str, limits: &Limits) -> Result<Raw, SyntaxError> {
    let budget = Cell::new(3 * (text.len() + 1) + 1);
    let error = match (RawSeed { budget: &budget }).deserialize(serde_yaml::Deserializer::from_str(text)) {
        Ok(raw) => return Ok(raw),
        Err(error) => error,
    };
    if budget.get() == 0 {
        return Err(SyntaxError::alias(None));
    }
    read_json(text).ok_or_else(|| explain(&error, text, limits))
}

/// JSON that libyaml does not read, such as escaped surrogate pairs.
fn read_json(text: &str) -> Option<Raw> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let budget = Cell::new(3 * (text.len() + 1) + 1);
    let mut json = serde_json::Deserializer::from_str(text);
    let raw = RawSeed { budget: &budget }.deserialize(&mut json).ok()?;
    json.end().ok().map(|()| raw)
}

#[derive(Clone, Copy)]
struct RawSeed<'b> {
    budget: &'b Cell<usize>,
}

impl RawSeed<'_> {
    fn scalar<E: de::Error>(self, value: impl Into<Value>) -> Result<Raw, E> {
        self.spend()?;
        Ok(Raw::Scalar(value.into()))
    }

    fn spend<E: de::Error>(self) -> Result<(), E> {
        self.budget.set(self.budget.get().saturating_sub(1));
        if self.budget.get() == 0 { Err(E::custom("too many nodes")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for RawSeed<'_> {
    type Value = Raw;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RawSeed<'_> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        self.scalar(Value::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Raw, E> {
        self.scalar(Value::Null)
    }
    fn visit_bool<E: de::Error>(self, b: bool) -> Result<Raw, E> {
        self.scalar(b)
    }
    fn visit_i64<E: de::Error>(self, i: i64) -> Result<Raw, E> {
        self.scalar(i)
    }
    fn visit_u64<E: de::Error>(self, i: u64) -> Result<Raw, E> {
        self.scalar(i)
    }
    fn visit_i128<E: de::Error>(self, i: i128) -> Result<Raw, E> {
        #[expect(clippy::cast_precision_loss, reason = "integers beyond 64 bits become floats")]
        self.scalar(i as f64)
    }
    fn visit_u128<E: de::Error>(self, i: u128) -> Result<Raw, E> {
        #[expect(clippy::cast_precision_loss, reason = "integers beyond 64 bits become floats")]
        self.scalar(i as f64)
    }
    fn visit_f64<E: de::Error>(self, f: f64) -> Result<Raw, E> {
        self.scalar(f)
    }
    fn visit_str<E: de::Error>(self, s: &str) -> Result<Raw, E> {
        self.scalar(s)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        self.spend()?;
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        self.spend()?;
        let mut members = Vec::new();
        while let Some(member) = map.next_entry_seed(self, self)? {
            members.push(member);
        }
        Ok(Raw::Map(members))
    }
    fn visit_enum<A: de::EnumAccess<'de>>(self, _data: A) -> Result<Raw, A::Error> {
        Err(de::Error::custom("tags are not allowed in templates"))
    }
}

/// Puts the places of the outline on the tree and refuses what no template may hold.
struct Builder<'l> {
    limits: &'l Limits,
}

impl Builder<'_> {
    fn node(&self, raw: Raw, place: Option<&Place>, depth: usize) -> Result<Node, SyntaxError> {
        let span = place.map(|p| p.span);
        let members = |kind| place.filter(|p| p.kind == kind).map_or(&[][..], |p| &p.members);
        if depth > self.limits.document_depth && !matches!(raw, Raw::Scalar(_)) {
            return Err(guard::too_deep(span.map(|s| s.start as usize), self.limits));
        }
        let kind = match raw {
            Raw::Scalar(value) => NodeKind::Scalar(finite(value, span)?),
            Raw::List(list) => {
                let places = members(PlaceKind::List);
                let items = list.into_iter().enumerate().map(|(i, item)| self.node(item, places.get(i), depth + 1));
                NodeKind::List(items.collect::<Result<_, _>>()?)
            }
            Raw::Map(map) => NodeKind::Map(self.map(map, span, members(PlaceKind::Map), depth)?),
        };
        Ok(Node { span, kind })
    }

    fn map(
        &self,
        raw: Vec<(Raw, Raw)>,
        span: Option<Span>,
        places: &[Place],
        depth: usize,
    ) -> Result<Vec<(Key, Node)>, SyntaxError> {
        let mut members = Vec::with_capacity(raw.len());
        for (i, (key, value)) in raw.into_iter().enumerate() {
            let key = key_text(key, span, places.get(2 * i).map(|p| p.span))?;
            members.push((key, self.node(value, places.get(2 * i + 1), depth + 1)?));
        }
        given_twice(&members)?;
        Ok(members)
    }
}

fn key_text(raw: Raw, map: Option<Span>, span: Option<Span>) -> Result<Key, SyntaxError> {
    let fail = |message: String, span| SyntaxError::new(SyntaxErrorKind::Syntax, message, span);
    match raw {
        Raw::Scalar(Value::String(text)) => Ok(Key { span, text }),
        Raw::Scalar(value) => Err(fail(format!("the key `{value}` is not text"), span).help("quote the key")),
        Raw::List(_) => Err(fail("a list cannot be a key".into(), span).help("quote text that starts with `[`")),
        Raw::Map(_) => Err(fail("an expression in braces must be quoted".into(), map.or(span))
            .help("quote the expression: `'{{ … }}'`")),
    }
}

/// Refuses the first key that has stood in the map before.
fn given_twice(members: &[(Key, Node)]) -> Result<(), SyntaxError> {
    let mut keys: Vec<(&str, usize)> = members.iter().enumerate().map(|(i, (key, _))| (&*key.text, i)).collect();
    keys.sort_unstable();
    let pairs = keys.iter().zip(keys.iter().skip(1)).filter(|((a, _), (b, _))| a == b);
    let Some((first, again)) = pairs.map(|((_, first), (_, again))| (*first, *again)).min_by_key(|(_, again)| *again)
    else {
        return Ok(());
    };
    match (members.get(first), members.get(again)) {
        (Some((first, _)), Some((key, _))) => Err(duplicate(key, first.span)),
        _ => Ok(()),
    }
}

fn duplicate(key: &Key, first: Option<Span>) -> SyntaxError {
    let message = format!("the key `{}` is given twice in one map", key.text);
    let error = SyntaxError::new(SyntaxErrorKind::Syntax, message, key.span).help("remove or rename one of them");
    SyntaxError { also: first.map(|span| (span, "first given here".to_owned())), ..error }
}

/// CHOICE: `.nan` and `.inf` are refused, because values are JSON values and JSON has no word for them.
fn finite(value: Value, span: Option<Span>) -> Result<Value, SyntaxError> {
    match value {
        Value::Float(f) if !f.is_finite() => {
            let error = SyntaxError::new(SyntaxErrorKind::Syntax, "the number is not finite", span);
            Err(error.help("quote it to make it text"))
        }
        value => Ok(value),
    }
}

/// `serde_yaml`'s error with a byte place, the context as a second place, and a hint where the cause is a usual one.
fn explain(error: &serde_yaml::Error, text: &str, limits: &Limits) -> SyntaxError {
    let offsets = Offsets::new(text);
    let at = error.location().map(|l| offsets.byte(l.index()));
    let words = error.to_string();
    if words.contains("recursion limit") {
        return guard::too_deep(at, limits);
    }
    if words.contains("unknown anchor") {
        return SyntaxError::alias(at.map(|at| Span::new(at, next_char(text, at))));
    }
    let (problem, context) = words.split_once(", ").unwrap_or((&words, ""));
    let problem = without_place(problem).0;
    let span = at.map(|at| Span::new(at, next_char(text, at)));
    let mut result = SyntaxError::new(SyntaxErrorKind::Syntax, format!("not YAML or JSON: {problem}"), span);
    result.also = match without_place(context) {
        (context, Some((line, column))) => place_of(text, line, column).map(|s| (s, context.to_owned())),
        (_, None) => None,
    };
    result.help = at.and_then(|at| hint(text, at, problem)).map(str::to_owned);
    result
}

/// `words at line 3 column 5` → the words and the place.
fn without_place(words: &str) -> (&str, Option<(usize, usize)>) {
    let Some((words, place)) = words.split_once(" at line ") else {
        return (words.split(" at position ").next().unwrap_or(words), None);
    };
    let numbers = place.split_once(" column ").and_then(|(l, c)| Some((l.parse().ok()?, c.parse().ok()?)));
    (words, numbers)
}

fn place_of(text: &str, line: usize, column: usize) -> Option<Span> {
    let lines = LineIndex::new(text);
    let start = lines.start(line)?;
    let (at, _) = lines.line(text, line).char_indices().nth(column.saturating_sub(1))?;
    Some(Span::new(start + at, next_char(text, start + at)))
}

fn next_char(text: &str, at: usize) -> usize {
    at + text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n').map_or(0, char::len_utf8)
}

fn hint(text: &str, at: usize, problem: &str) -> Option<&'static str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |i| i + 1);
    let line = text.get(start..)?.lines().next().unwrap_or("");
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim_start().trim_start_matches("- ");
    let first = text.get(at..)?.chars().next();
    match first {
        _ if value.starts_with("{{") => Some("quote the expression: `'{{ … }}'`"),
        Some('\t') => Some("indent with spaces, not with tabs"),
        Some('@' | '`' | '%') if problem.contains("cannot start any token") => {
            Some("quote text that starts with `@`, `%` or a backtick")
        }
        _ if problem.contains("mapping values are not allowed") => {
            Some("quote text that holds `: `, or check the indentation")
        }
        _ => None,
    }
}

/// True when a text is read as that document.
pub(crate) fn reads_as(text: &str, node: &Node) -> bool {
    let limits = Limits { template_bytes: usize::MAX, document_depth: usize::MAX, ..Limits::default() };
    parse(&SourceText::new("", text), &limits).is_ok_and(|read| read == *node)
}
