//! Parser events → spans; the only file that names the event parser.
//!
//! The event parser follows YAML 1.2 to the letter and so refuses some official templates that libyaml reads. Its
//! verdict therefore counts for nothing: the usual cause is mended for its eyes only, and what it saw before another
//! refusal gives places. The things that a template must not hold (aliases, anchors, tags, a second document, deep
//! nesting) are refused here because `serde_yaml` would hide them.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use super::{Span, SyntaxError, SyntaxErrorKind, guard};
use crate::Limits;

/// Places of one document.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The root, as far as it was seen.
    pub(super) root: Option<Place>,
}

/// Where a node stands, and its members: items of a list, keys and values of a map in turn.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) span: Span,
    pub(super) kind: PlaceKind,
    pub(super) members: Vec<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceKind {
    Scalar,
    List,
    Map,
}

/// Character offsets → byte offsets.
#[derive(Debug)]
pub(super) struct Offsets {
    /// Byte offset of each character; empty for ASCII text, where both are the same.
    bytes: Vec<usize>,
    len: usize,
}

impl Offsets {
    pub(super) fn new(text: &str) -> Self {
        let bytes = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self { bytes, len: text.len() }
    }

    /// The byte offset of a character.
    pub(super) fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            return character.min(self.len);
        }
        self.bytes.get(character).copied().unwrap_or(self.len)
    }
}

/// CHOICE: how often a text is mended for the event parser; each time costs one more reading of it.
const MOST_REPAIRS: usize = 16;

/// Reads the places of `text`, which starts at byte `base` of the source.
///
/// # Errors
/// Aliases, anchors, tags, a second document, and nesting beyond the limit.
pub(super) fn outline(text: &str, base: usize, limits: &Limits) -> Result<Outline, SyntaxError> {
    let offsets = Offsets::new(text);
    let mut mended: Cow<'_, str> = Cow::Borrowed(text);
    for _ in 0..MOST_REPAIRS {
        let seen = read(&mended, &offsets, base, limits)?;
        let repaired = seen.refused.as_ref().and_then(|error| repair(&mended, &offsets, error));
        match repaired {
            Some(repaired) => mended = Cow::Owned(repaired),
            None => return finish(seen, &mended, base, limits),
        }
    }
    let seen = read(&mended, &offsets, base, limits)?;
    finish(seen, &mended, base, limits)
}

/// What one reading saw, and why it ended early.
struct Seen {
    root: Option<Place>,
    end: usize,
    depth: usize,
    refused: Option<ScanError>,
}

fn finish(seen: Seen, text: &str, base: usize, limits: &Limits) -> Result<Outline, SyntaxError> {
    if seen.refused.is_some() {
        guard::check_unseen(text, seen.end, seen.depth, limits).map_err(|e| e.moved(base))?;
    }
    Ok(Outline { root: seen.root })
}

fn read(text: &str, offsets: &Offsets, base: usize, limits: &Limits) -> Result<Seen, SyntaxError> {
    let mut reader = Reader { text, base, stack: Vec::new(), root: None, end: 0, documents: 0 };
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    let mut refused = None;
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                refused = Some(error);
                break;
            }
        };
        let span = (offsets.byte(span.start.index()), offsets.byte(span.end.index()));
        reader.event(&event, span)?;
        if reader.stack.len() > limits.document_depth {
            return Err(guard::too_deep(Some(base + span.0), limits));
        }
    }
    let depth = reader.stack.len();
    while !reader.stack.is_empty() {
        reader.close(None);
    }
    Ok(Seen { root: reader.root, end: reader.end, depth, refused })
}

/// A quoted scalar that goes on with too little indentation, which libyaml reads and three official templates have:
/// its line ends and indentation become blanks, byte for byte, so that every place stays what it was.
fn repair(text: &str, offsets: &Offsets, error: &ScanError) -> Option<String> {
    if error.info() != "invalid indentation in quoted scalar" {
        return None;
    }
    let start = offsets.byte(error.marker().index());
    let end = start + quoted_len(text.get(start..)?)?;
    let scalar = text.get(start..end)?;
    let blank = scalar.replace(['\n', '\r', '\t'], " ");
    (blank != scalar).then(|| [text.get(..start).unwrap_or(""), &blank, text.get(end..).unwrap_or("")].concat())
}

/// Bytes of the quoted scalar that a text starts with.
fn quoted_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let mut at = 1;
    loop {
        let byte = *bytes.get(at)?;
        let doubled = quote == b'\'' && byte == quote && bytes.get(at + 1) == Some(&quote);
        if byte == quote && !doubled {
            return Some(at + 1);
        }
        at += if doubled || (quote == b'"' && byte == b'\\') { 2 } else { 1 };
    }
}

struct Reader<'t> {
    text: &'t str,
    base: usize,
    stack: Vec<Place>,
    root: Option<Place>,
    /// Byte after the last event that stands for text.
    end: usize,
    documents: usize,
}

impl Reader<'_> {
    fn event(&mut self, event: &Event<'_>, (start, end): (usize, usize)) -> Result<(), SyntaxError> {
        let place = Some(Span::new(self.base + start, self.base + end));
        match event {
            Event::DocumentStart(_) => return self.document(place),
            Event::Alias(_) => return Err(SyntaxError::alias(place)),
            Event::Scalar(_, _, anchor, tag) => {
                refuse_marks(*anchor, tag.is_some(), place)?;
                self.scalar(event, start, end);
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_marks(*anchor, tag.is_some(), place)?;
                self.open(PlaceKind::List, start);
            }
            Event::MappingStart(anchor, tag) => {
                refuse_marks(*anchor, tag.is_some(), place)?;
                self.open(PlaceKind::Map, start);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close((end > start).then_some(end)),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn document(&mut self, place: Option<Span>) -> Result<(), SyntaxError> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let message = "the text holds more than one document";
        Err(SyntaxError::new(SyntaxErrorKind::Syntax, message, place).help("a template is one document; remove `---`"))
    }

    /// A scalar; one without text (a key without value) gets an empty span behind what stands before it.
    fn scalar(&mut self, event: &Event<'_>, start: usize, end: usize) {
        let empty = matches!(event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty());
        let (start, end) = if empty { (self.end, self.end) } else { (start, self.trimmed(start, end)) };
        let span = Span::new(self.base + start, self.base + end);
        self.end = self.end.max(end);
        self.attach(Place { span, kind: PlaceKind::Scalar, members: Vec::new() });
    }

    /// The parser counts blanks behind a quoted scalar as part of it.
    fn trimmed(&self, start: usize, end: usize) -> usize {
        start + self.text.get(start..end).map_or(end - start, |written| written.trim_end().len())
    }

    fn open(&mut self, kind: PlaceKind, start: usize) {
        let at = self.base + start;
        self.end = self.end.max(start);
        self.stack.push(Place { span: Span::new(at, at), kind, members: Vec::new() });
    }

    /// Closes the innermost collection: at its bracket, or behind its last member where there is none.
    fn close(&mut self, bracket: Option<usize>) {
        let Some(mut place) = self.stack.pop() else { return };
        self.end = self.end.max(bracket.unwrap_or(0));
        let last = place.members.last().map_or(place.span.start, |m| m.span.end);
        place.span.end = bracket.map_or(last, |b| Span::new(self.base + b, 0).start).max(place.span.start);
        self.attach(place);
    }

    fn attach(&mut self, place: Place) {
        match self.stack.last_mut() {
            Some(parent) => parent.members.push(place),
            None => self.root = self.root.take().or(Some(place)),
        }
    }
}

fn refuse_marks(anchor: usize, tagged: bool, place: Option<Span>) -> Result<(), SyntaxError> {
    if anchor > 0 {
        let error = SyntaxError::new(SyntaxErrorKind::Syntax, "anchors are not allowed in templates", place);
        return Err(error.help("write the value out where it is used; quote text that starts with `&`"));
    }
    if tagged {
        let error = SyntaxError::new(SyntaxErrorKind::Syntax, "tags are not allowed in templates", place);
        return Err(error.help("quote text that starts with `!`"));
    }
    Ok(())
}
