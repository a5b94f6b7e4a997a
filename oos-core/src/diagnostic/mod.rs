//! Findings about a template: plain data with a stable code, a place, a cause and a hint.
//!
//! Library users render them in their own way; ours are `render.rs` (text with source line and carets), `sarif.rs`
//! and `lsp.rs` (the same as data for CI and editors).

mod code;
mod lsp;
pub(crate) mod nearest;
mod render;
mod sarif;

use std::fmt;

pub use code::Code;
pub(crate) use nearest::nearest;
pub use sarif::sarif_log;

use crate::source::{SourceText, Span};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The template loads; something looks wrong.
    Warning,
    /// The template does not load.
    Error,
}

/// A place with a word about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place; `None` where the event parser could not tell.
    pub span: Option<Span>,
    /// What is said about it; may be empty.
    pub text: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// One line, lower case, no final period, user input in backticks.
    pub message: String,
    /// The place it is about.
    pub primary: Label,
    /// Further places.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
    /// JSON pointer of the node, e.g. `/Tasks/2/Properties/API`.
    pub pointer: String,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>, span: Option<Span>, pointer: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label { span, text: String::new() },
            labels: Vec::new(),
            help: None,
            pointer: pointer.into(),
        }
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>, span: Option<Span>, pointer: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message, span, pointer) }
    }

    /// The text beside the carets.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// A second place.
    #[must_use]
    pub fn also(mut self, span: Option<Span>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// All findings about one document, in the order of their places, with the text they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    source: Option<SourceText>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No findings about a document.
    pub fn new(source: Option<SourceText>) -> Self {
        Self { source, list: Vec::new() }
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds all findings of another list about the same document.
    pub fn append(&mut self, other: Self) {
        self.list.extend(other.list);
        if self.source.is_none() {
            self.source = other.source;
        }
    }

    /// Orders by place, then code; the same finding twice is kept once.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.primary.span.is_none(), d.primary.span, d.pointer.clone());
            key(a).cmp(&key(b)).then_with(|| (a.code.service(), &a.message).cmp(&(b.code.service(), &b.message)))
        });
        self.list.dedup();
    }

    /// The text that the findings are about.
    pub fn source(&self) -> Option<&SourceText> {
        self.source.as_ref()
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Number of findings.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True without findings.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// True when one is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Numbers of errors and warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.list.iter().filter(|d| d.severity == Severity::Error).count();
        (errors, self.list.len() - errors)
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The rendered text of all findings.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl std::error::Error for Diagnostics {}
