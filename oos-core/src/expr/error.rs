//! What can go wrong while an expression is evaluated.

use std::sync::Arc;

use crate::source::Span;

/// An evaluation error: stable code, one line, and the place of the expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// `UndefinedReference`, `FunctionError`, `UnsupportedFunction`, `InvalidConditionValue`, `SelectorError`,
    /// `InvalidSelector`, `LimitExceeded.ValueSize`.
    pub code: &'static str,
    /// One line, lower case, without a final period; arguments are redacted by who shows it.
    pub message: Arc<str>,
    /// The expression.
    pub span: Option<Span>,
}

impl ExprError {
    /// An error without a place.
    pub fn new(code: &'static str, message: impl Into<Arc<str>>) -> Self {
        Self { code, message: message.into(), span: None }
    }

    /// A `FunctionError`.
    pub fn function(message: impl Into<Arc<str>>) -> Self {
        Self::new("FunctionError", message)
    }

    /// The same error at a place, unless it has one.
    #[must_use]
    pub fn at(mut self, span: Option<Span>) -> Self {
        self.span = self.span.or(span);
        self
    }
}
