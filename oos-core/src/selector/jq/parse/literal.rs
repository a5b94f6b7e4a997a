//! Numbers and strings, with escapes and interpolation.

use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Term},
    },
    ops::Math,
};

use super::{Parsed, Parser, node::Node};
use crate::value::Value;

/// Parts that are put together one after another; more of them make a balanced sum of texts.
const GROUP: usize = 16;

impl<'s> Parser<'s> {
    /// A number; integers of 64 bits are exact.
    pub(super) fn number(&mut self) -> Parsed<Node<'s>> {
        let start = self.at;
        let digits = |p: &mut Self| {
            let before = p.at;
            p.at += p.rest().len() - p.rest().trim_start_matches(|c: char| c.is_ascii_digit()).len();
            p.at > before
        };
        digits(self);
        if self.rest().starts_with('.') {
            self.at += 1;
            digits(self);
        }
        if self.rest().starts_with(['e', 'E']) {
            let before = self.at;
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            if !digits(self) {
                self.at = before;
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(i), _) => Ok(Node::Constant(Value::Int(i))),
            (_, Ok(f)) => Ok(Node::Constant(Value::Float(f.clamp(f64::MIN, f64::MAX)))),
            _ => self.mistake_at(start, format!("`{text}` is not a number")),
        }
    }

    /// A string from its opening quote; `format` is applied to what is interpolated.
    pub(super) fn string(&mut self, format: Option<&'s str>) -> Parsed<Node<'s>> {
        let parts = self.string_parts()?;
        if let [Piece::Text(text)] = parts.as_slice() {
            return Ok(Node::Constant(Value::from(text)));
        }
        if parts.is_empty() {
            return Ok(Node::Constant(Value::from("")));
        }
        self.calls.extend(format.map(|format| (format, 0)));
        let mut inner: Vec<Node<'s>> = Vec::new();
        for part in &parts {
            if let Piece::Inner(node) = part {
                inner.push(node.clone());
            }
        }
        let bound = self.bind_several(&mut inner)?;
        let single = inner.iter().all(Node::is_single);
        let depth = super::node::above(&inner);
        let mut inner = inner.into_iter();
        let mut terms = Vec::new();
        for part in parts {
            terms.push(match part {
                Piece::Text(text) => StrPart::Str(self.keep(text)),
                Piece::Inner(_) => {
                    let node = inner.next().unwrap_or_else(Node::identity);
                    StrPart::Term(self.term_of(node)?)
                }
            });
        }
        let mut groups = Vec::new();
        while !terms.is_empty() {
            let rest = terms.split_off(terms.len().min(GROUP));
            let levels = u32::try_from(terms.len()).unwrap_or(u32::MAX);
            groups.push(self.node(Term::Str(format, terms), single, depth + levels)?);
            terms = rest;
        }
        let body = self.balanced(groups, &BinaryOp::Math(Math::Add), single)?;
        self.bound(body, bound)
    }

    fn string_parts(&mut self) -> Parsed<Vec<Piece<'s>>> {
        let start = self.at;
        self.at += 1;
        let (mut parts, mut text) = (Vec::new(), String::new());
        loop {
            let rest = self.rest();
            let Some(end) = rest.find(['"', '\\']) else {
                return self.mistake_at(start, "a string is not closed");
            };
            text.push_str(rest.get(..end).unwrap_or_default());
            self.at += end;
            if self.rest().starts_with('"') {
                self.at += 1;
                break;
            }
            if self.rest().starts_with("\\(") {
                self.at += 2;
                if !text.is_empty() {
                    parts.push(Piece::Text(std::mem::take(&mut text)));
                }
                parts.push(Piece::Inner(self.pipe()?));
                self.expect(")")?;
            } else {
                text.push(self.escape()?);
            }
        }
        if !text.is_empty() {
            parts.push(Piece::Text(text));
        }
        Ok(parts)
    }

    /// A backslash and what follows it.
    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        let mut chars = self.rest().chars();
        chars.next();
        let c = match chars.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode_escape(),
            _ => return self.mistake_at(start, "invalid escape in a string"),
        };
        self.at += 2;
        Ok(c)
    }

    /// `\uXXXX`, or two of them for a character beyond the basic plane; half a pair becomes the replacement character.
    fn unicode_escape(&mut self) -> Parsed<char> {
        let start = self.at;
        let unit = |p: &mut Self| -> Option<u32> {
            let hex = p.rest().strip_prefix("\\u")?.get(..4)?;
            let unit = hex.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(hex, 16).ok())??;
            p.at += 6;
            Some(unit)
        };
        let Some(first) = unit(self) else {
            return self.mistake_at(start, "invalid escape in a string");
        };
        if (0xd800..0xdc00).contains(&first) {
            let before = self.at;
            match unit(self) {
                Some(second) if (0xdc00..0xe000).contains(&second) => {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                _ => self.at = before,
            }
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// `@name`, alone or before a string.
    pub(super) fn format(&mut self) -> Parsed<Node<'s>> {
        let start = self.at;
        self.at += 1;
        let Some(word) = self.word_here() else {
            return self.unexpected("the name of a format");
        };
        self.at += word.len();
        let name = self.text.get(start..self.at).unwrap_or_default();
        if !super::super::library::has(name, 0) {
            return self.mistake_at(start, format!("`{name}` is not a format"));
        }
        if self.starts_with("\"") {
            return self.string(Some(name));
        }
        let term = self.library_call(name, Vec::new());
        self.node(term, true, 1)
    }
}

enum Piece<'s> {
    Text(String),
    Inner(Node<'s>),
}
