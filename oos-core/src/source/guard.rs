//! Bounds that hold before any parser works hard: size, characters, and nesting that only a byte scan can see.
//!
//! libyaml's scanner is quadratic in the depth of flow brackets, and it reads the whole text before anybody can stop
//! it: 65 KB of `[` cost it more than a second. The event parser counts depth cheaply, but refuses some texts early;
//! what it has not seen is scanned here, byte by byte.

use super::{Span, SyntaxError, SyntaxErrorKind};
use crate::Limits;

/// CHOICE: the byte scan guards time, not meaning (it can be fooled by brackets in plain text), so it allows this
/// many times the depth that a document may have; the exact depth is checked on the parsed document.
const SCAN_SLACK: usize = 4;

/// CHOICE: opening brackets that the part after a refusal may hold, however they close: with more, a text made to
/// fool the scan could still keep libyaml busy. Official templates have a few hundred.
const MOST_OPENINGS_UNSEEN: usize = 4_096;

/// A text of so many bytes is within the limit.
pub(crate) fn check_size(bytes: usize, limits: &Limits) -> Result<(), SyntaxError> {
    if bytes <= limits.template_bytes {
        return Ok(());
    }
    let message = format!("the template has {bytes} bytes, the limit is {}", limits.template_bytes);
    Err(SyntaxError::new(SyntaxErrorKind::TooLarge, message, None))
}

/// The text has only characters that YAML allows.
pub(super) fn check_characters(text: &str, base: usize) -> Result<(), SyntaxError> {
    // Nearly every text is plain, and bytes are looked at faster than characters.
    if text.bytes().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
        return Ok(());
    }
    let Some((at, c)) = text.char_indices().find(|(_, c)| !is_printable(*c)) else { return Ok(()) };
    let span = Span::new(base + at, base + at + c.len_utf8());
    let message = format!("the character U+{:04X} is not allowed", u32::from(c));
    Err(SyntaxError::new(SyntaxErrorKind::Syntax, message, Some(span))
        .help("remove it, or write it as an escape inside double quotes"))
}

/// YAML 1.2.2 section 5.1; the byte order mark is allowed only as the first character, which callers cut off.
pub(crate) fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..)
        && c != '\u{feff}'
}

/// A depth beyond the limit at an offset.
pub(super) fn too_deep(at: Option<usize>, limits: &Limits) -> SyntaxError {
    let message = format!("the document nests deeper than {} levels", limits.document_depth);
    SyntaxError::new(SyntaxErrorKind::TooDeep, message, at.map(|at| Span::new(at, at + 1)))
}

/// Checks the part of a text that the event parser did not reach, which starts at byte `from` on nesting level `depth`.
pub(super) fn check_unseen(text: &str, from: usize, depth: usize, limits: &Limits) -> Result<(), SyntaxError> {
    let bytes = text.as_bytes().get(from..).unwrap_or_default();
    let most = limits.document_depth.saturating_mul(SCAN_SLACK);
    let mut scan = Scan { depth, ..Scan::default() };
    let mut openings = 0;
    for (i, byte) in bytes.iter().enumerate() {
        scan.step(*byte);
        openings += usize::from(matches!(byte, b'[' | b'{'));
        if scan.depth > most || openings > MOST_OPENINGS_UNSEEN {
            return Err(too_deep(Some(from + i), limits));
        }
    }
    check_aliases(text, from)
}

/// Flow depth outside quotes and comments.
#[derive(Default)]
struct Scan {
    depth: usize,
    quote: Option<u8>,
    escaped: bool,
    comment: bool,
    previous: Option<u8>,
}

impl Scan {
    fn step(&mut self, byte: u8) {
        let starts_token =
            self.previous.is_none_or(|p| p.is_ascii_whitespace() || matches!(p, b'[' | b'{' | b',' | b':'));
        match (self.quote, byte) {
            _ if self.comment => self.comment = byte != b'\n',
            _ if self.escaped => self.escaped = false,
            (Some(b'"'), b'\\') => self.escaped = true,
            (Some(quote), _) if byte == quote => self.quote = None,
            (Some(_), _) => {}
            (None, b'#') if starts_token => self.comment = true,
            (None, b'"' | b'\'') if starts_token => self.quote = Some(byte),
            (None, b'[' | b'{') if starts_token || self.depth > 0 => self.depth += 1,
            (None, b']' | b'}') => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.previous = Some(byte);
    }
}

/// An anchor and an alias of the same name: `&name` and later `*name`, each at the start of a token.
fn check_aliases(text: &str, from: usize) -> Result<(), SyntaxError> {
    let mut anchors = std::collections::BTreeSet::new();
    let mut starts_token = true;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < from) {
        if starts_token && matches!(c, '&' | '*') {
            let rest = text.get(at + 1..).unwrap_or_default();
            let name = rest.split(|c: char| c.is_whitespace() || ",[]{}".contains(c)).next().unwrap_or_default();
            if c == '&' && !name.is_empty() {
                anchors.insert(name);
            } else if anchors.contains(name) {
                return Err(SyntaxError::alias(Some(Span::new(at, at + 1 + name.len()))));
            }
        }
        starts_token = c.is_whitespace() || matches!(c, '[' | '{' | ',');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(text: &str) -> Result<(), SyntaxError> {
        check_unseen(text, 0, 0, &Limits::default())
    }

    #[test]
    fn brackets_in_quotes_and_comments_do_not_nest() {
        assert_eq!(unseen(&"- '['\n# [\n- \"\\\"[\"\n".repeat(500)), Ok(()));
        assert_eq!(unseen(&"x[ y] ".repeat(1_000)), Ok(()));
        assert_eq!(unseen(&"[".repeat(300)).unwrap_err().kind, SyntaxErrorKind::TooDeep);
    }

    #[test]
    fn closing_brackets_in_quotes_do_not_hide_depth() {
        assert_eq!(unseen(&"[\"]\",".repeat(300)).unwrap_err().kind, SyntaxErrorKind::TooDeep);
    }

    #[test]
    fn many_openings_are_refused_however_they_look() {
        let text = format!("it 's\n{}", "[".repeat(5_000));
        assert_eq!(unseen(&text).unwrap_err().kind, SyntaxErrorKind::TooDeep);
    }

    #[test]
    fn an_alias_needs_its_anchor_to_count() {
        assert!(unseen("a: &x 1\nb: *x\n").unwrap_err().message.contains("aliases"));
        assert_eq!(unseen("a && b * c\n*.txt &x **\n"), Ok(()));
    }
}
