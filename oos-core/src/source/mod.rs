//! Source text and the spanned tree that both parsers produce together.
//!
//! `serde_yaml` decides what is accepted (`yaml.rs`), the event parser supplies positions (`spans.rs`); a [`Node`] is
//! their union. Spans are optional: three official templates are refused by the strict event parser, and then the
//! JSON pointer of a node takes the place of its line.

mod guard;
mod pointer;
mod spans;
mod yaml;

use std::sync::Arc;

pub(crate) use guard::{check_size, is_printable};
pub(crate) use pointer::{escape, push_key};
pub use yaml::parse;
pub(crate) use yaml::{print, reads_as};

use crate::Value;

/// A byte range of the source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// First byte after the end.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets; offsets beyond 4 GiB are cut (templates are at most 64 KB).
    pub fn new(start: usize, end: usize) -> Self {
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: cut(start), end: cut(end) }
    }
}

/// The text of a template with the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// File name, or `<template>`.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

impl SourceText {
    /// Wraps text under a name.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The text of a span; empty when the span does not lie on character borders inside the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

/// What keeps a text from being a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// Neither YAML nor JSON, or something in it that templates may not hold.
    Syntax,
    /// More bytes than the limit.
    TooLarge,
    /// Deeper nesting than the limit.
    TooDeep,
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct SyntaxError {
    /// Which kind of trouble.
    pub kind: SyntaxErrorKind,
    /// One line.
    pub message: String,
    /// The place, when known.
    pub span: Option<Span>,
    /// A second place and what is said about it.
    pub also: Option<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl SyntaxError {
    pub(crate) fn new(kind: SyntaxErrorKind, message: impl Into<String>, span: Option<Span>) -> Self {
        Self { kind, message: message.into(), span, also: None, help: None }
    }

    pub(crate) fn help(self, text: impl Into<String>) -> Self {
        Self { help: Some(text.into()), ..self }
    }

    fn alias(span: Option<Span>) -> Self {
        Self::new(SyntaxErrorKind::Syntax, "aliases are not allowed in templates", span)
            .help("write the value out; quote text that starts with `*`")
    }

    /// The same with places that many bytes later.
    fn moved(mut self, by: usize) -> Self {
        let shift = |s: Span| Span::new(s.start as usize + by, s.end as usize + by);
        self.span = self.span.map(shift);
        self.also = self.also.map(|(span, text)| (shift(span), text));
        self
    }
}

/// Line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line from 1.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
}

/// Byte offsets of line starts.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Indexes a text.
    pub fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| Span::new(i + 1, 0).start);
        Self { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// Line and column of a byte offset in the text that was indexed.
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0) as usize;
        let column = text.get(start..offset as usize).map_or(0, |before| units(before, |b| b.chars().count())) + 1;
        Position { line, column }
    }

    /// Line and column of a byte offset, both from 0, the column in UTF-16 units: what editors count.
    pub fn position_utf16(&self, text: &str, offset: u32) -> (usize, usize) {
        let line = self.position(text, offset).line;
        let start = self.start(line).unwrap_or(0);
        let before = text.get(start..offset as usize);
        let column = before.map_or(0, |before| units(before, |b| b.encode_utf16().count()));
        (line - 1, column)
    }

    /// Byte offset of the first character of a line (from 1).
    pub fn start(&self, line: usize) -> Option<usize> {
        self.starts.get(line.checked_sub(1)?).map(|s| *s as usize)
    }

    /// The text of a line (from 1) without its line break.
    pub fn line<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0) as usize;
        let end = self.starts.get(line).map_or(text.len(), |s| *s as usize);
        text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }
}

/// The length of a text in other units than bytes. Most text is ASCII, where all units are the same, and lines are long
/// where there are many places to be told: in JSON on one line.
fn units(text: &str, count: fn(&str) -> usize) -> usize {
    if text.is_ascii() { text.len() } else { count(text) }
}

/// A node of the document: its value, and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands, when the event parser could tell.
    pub span: Option<Span>,
    /// What it is.
    pub kind: NodeKind,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Null, boolean, number or text; never a list or map.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A map, in document order, keys unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where it stands.
    pub span: Option<Span>,
    /// The key as text.
    pub text: Arc<str>,
}

/// Equality ignores spans: two documents are equal when they say the same.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Node {
    /// A node without a place, from a value.
    pub fn from_value(value: &Value) -> Self {
        let kind = match value {
            Value::List(list) => NodeKind::List(list.iter().map(Self::from_value).collect()),
            Value::Map(map) => NodeKind::Map(
                map.iter().map(|(k, v)| (Key { span: None, text: k.clone() }, Self::from_value(v))).collect(),
            ),
            scalar => NodeKind::Scalar(scalar.clone()),
        };
        Self { span: None, kind }
    }

    /// The value of the node without places.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(value) => value.clone(),
            NodeKind::List(list) => list.iter().map(Self::to_value).collect(),
            NodeKind::Map(map) => {
                Value::from(map.iter().map(|(k, v)| (k.text.clone(), v.to_value())).collect::<crate::Map>())
            }
        }
    }

    /// The member of a map under `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The key and member of a map under `key`.
    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        self.as_map().and_then(|map| map.iter().find(|(k, _)| &*k.text == key)).map(|(k, n)| (k, n))
    }

    /// The members, if it is a map.
    pub fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.kind {
            NodeKind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The members, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::List(list) => Some(list),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar(Value::Null))
    }

    /// What kind of value it is, in the words of the product.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar(value) => value.kind(),
            NodeKind::List(_) => "List",
            NodeKind::Map(_) => "Json",
        }
    }
}
