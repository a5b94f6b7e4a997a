//! The parser of jq programs: text to the syntax tree of jaq's compiler.
//!
//! Apart from jaq's own parser for three reasons. Programs come from templates and from values in them, so nesting must
//! be bounded before anything recurses over it. Offsets of errors are wanted. And where jaq's language differs from jq's
//! (order of results of operators, assignment, `?//`, `reduce` with several results), the tree is built so that jaq
//! gives jq's answer.
//!
//! Deliberately absent: modules (`import`, `include`, `module`), for a template has no files.

mod literal;
mod node;
mod object;
mod operator;
mod pattern;
mod scope;
mod term;

use jaq_core::load::{Arena, parse::Term};

use crate::value::Value;
use node::Node;
pub(super) use scope::DEPTH;
use scope::Scope;

/// How deep brackets, conditions and definitions may nest.
// CHOICE: the corpus needs 10; bounds the stack of the parser in debug builds to a quarter of a megabyte.
const DEEPEST_SYNTAX: usize = 64;

/// Nodes of a program, constants not counted.
// CHOICE: the largest program of the corpus has a few hundred; bounds what a compiled selector holds in memory.
const MOST_NODES: usize = 8_192;

/// Why a program does not parse.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) message: String,
    pub(super) offset: Option<usize>,
}

pub(super) type Parsed<T> = Result<T, Mistake>;

/// A program as jaq's compiler takes it.
pub(super) struct Tree<'s> {
    pub(super) main: Term<&'s str>,
    /// Values of the variables that stand for constant lists and maps, with their names.
    pub(super) constants: Vec<(&'s str, Value)>,
    /// Filters of the library that the program calls.
    pub(super) calls: Vec<(&'s str, usize)>,
}

/// Parses a program.
pub(super) fn parse<'s>(text: &'s str, arena: &'s Arena) -> Parsed<Tree<'s>> {
    let scope = Scope::default();
    let mut parser =
        Parser { text, at: 0, arena, nesting: 0, nodes: 0, scope, constants: Vec::new(), calls: Vec::new() };
    let main = if parser.at_end() { Node::identity() } else { parser.pipe()? };
    if !parser.at_end() {
        return parser.unexpected("the end");
    }
    let main = parser.term_of(main)?;
    parser.calls.sort_unstable();
    parser.calls.dedup();
    Ok(Tree { main, constants: parser.constants, calls: parser.calls })
}

struct Parser<'s> {
    text: &'s str,
    at: usize,
    arena: &'s Arena,
    nesting: usize,
    nodes: usize,
    scope: Scope<'s>,
    constants: Vec<(&'s str, Value)>,
    calls: Vec<(&'s str, usize)>,
}

/// Operators and brackets, the longer before the shorter.
const SYMBOLS: [&str; 31] = [
    "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", "::", "|", ",", "+", "-", "*", "/",
    "%", "=", "<", ">", "?", ":", ";", "(", ")", "[", "]",
];

const KEYWORDS: [&str; 18] = [
    "def", "if", "then", "elif", "else", "end", "as", "reduce", "foreach", "try", "catch", "label", "import",
    "include", "and", "or", "__loc__", "module",
];

impl<'s> Parser<'s> {
    fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips blanks and comments.
    fn skip_blanks(&mut self) {
        loop {
            self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.skip_comment();
        }
    }

    /// A comment ends with its line, unless an odd number of backslashes stands before the line break.
    fn skip_comment(&mut self) {
        while let Some(line) = self.rest().split_inclusive('\n').next() {
            self.at += line.len();
            let content = line.trim_end_matches('\n').trim_end_matches('\r');
            let backslashes = content.len() - content.trim_end_matches('\\').len();
            if backslashes % 2 == 0 {
                return;
            }
        }
    }

    fn at_end(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }

    /// The operator or bracket that comes next.
    fn symbol(&mut self) -> Option<&'static str> {
        self.skip_blanks();
        let rest = self.rest();
        rest.bytes().next().filter(u8::is_ascii_punctuation)?;
        SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol))
    }

    /// Takes a symbol if it comes next.
    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.symbol() == Some(symbol) || (matches!(symbol, "{" | "}" | ".") && self.starts_with(symbol));
        if found {
            self.at += symbol.len();
        }
        found
    }

    fn starts_with(&mut self, text: &str) -> bool {
        self.skip_blanks();
        self.rest().starts_with(text)
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { self.unexpected(&format!("`{symbol}`")) }
    }

    /// The word that comes next, keyword or name.
    fn word(&mut self) -> Option<&'s str> {
        self.skip_blanks();
        self.word_here()
    }

    /// The word that starts right here, without blanks before it.
    fn word_here(&self) -> Option<&'s str> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        rest.get(..end).filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
    }

    /// Takes a keyword if it comes next.
    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.word() == Some(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word) { Ok(()) } else { self.unexpected(&format!("`{word}`")) }
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Parsed<T> {
        self.skip_blanks();
        let found = match self.word_here().or_else(|| self.symbol()) {
            Some(found) => format!("`{found}`"),
            None => self.rest().chars().next().map_or_else(|| "the end".to_owned(), |c| format!("`{c}`")),
        };
        self.mistake_at(self.at, format!("expected {wanted}, found {found}"))
    }

    fn mistake_at<T>(&self, offset: usize, message: impl Into<String>) -> Parsed<T> {
        Err(Mistake { message: message.into(), offset: Some(offset) })
    }

    /// Runs a parser one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > DEEPEST_SYNTAX {
            return self.mistake_at(self.at, "the program nests too deep");
        }
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    /// A text that lives as long as the program.
    fn keep(&self, text: String) -> &'s str {
        self.arena.alloc(text)
    }
}
