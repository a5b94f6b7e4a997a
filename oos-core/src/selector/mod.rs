//! Selectors: the jq dialect of templates, and JSONPath when the text starts with `$` (template-language 7).

use std::sync::Arc;

use crate::{Limits, Value};

/// A compiled selector or jq program. Compile once, run often; a clone is cheap.
#[derive(Clone, Debug)]
pub struct Selector {
    text: Arc<str>,
}

/// Why a selector does not compile or run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// It does not compile (`InvalidSelector`).
    #[error("selector `{text}` does not compile: {message}")]
    Compile {
        /// The text.
        text: Arc<str>,
        /// What is wrong.
        message: Arc<str>,
        /// Byte offset in the text, when known.
        offset: Option<usize>,
    },
    /// It failed on this input (`SelectorError`).
    #[error("{message}")]
    Run {
        /// What went wrong.
        message: Arc<str>,
    },
    /// It ran into a bound (`SelectorError`).
    #[error("selector was stopped: {what}")]
    Limit {
        /// Which bound.
        what: Arc<str>,
    },
}

impl Selector {
    /// Compiles a `ValueSelector` or `PropertySelector`: supplies the leading dot that authors omit; `$` starts
    /// JSONPath.
    ///
    /// # Errors
    /// [`SelectorError::Compile`].
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        Ok(Self { text: text.into() })
    }

    /// Compiles a program of `Fn::Jq`, taken verbatim.
    ///
    /// # Errors
    /// [`SelectorError::Compile`].
    pub fn parse_program(text: &str) -> Result<Self, SelectorError> {
        Ok(Self { text: text.into() })
    }

    /// All results on an input, within limits.
    ///
    /// # Errors
    /// [`SelectorError::Run`] and [`SelectorError::Limit`].
    pub fn run(&self, _input: &Value, _limits: &Limits) -> Result<Vec<Value>, SelectorError> {
        Err(SelectorError::Run { message: "not written".into() })
    }

    /// The text that was compiled.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Compiled selectors by text, bounded; for texts known only at run time. Shared and cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SelectorCache {}

impl SelectorCache {
    /// [`Selector::parse`] through the cache.
    ///
    /// # Errors
    /// As there.
    pub fn selector(&self, text: &str) -> Result<Selector, SelectorError> {
        Selector::parse(text)
    }

    /// [`Selector::parse_program`] through the cache.
    ///
    /// # Errors
    /// As there.
    pub fn program(&self, text: &str) -> Result<Selector, SelectorError> {
        Selector::parse_program(text)
    }
}

/// Makes the value of an output or parameter of a declared type out of the results of its selector
/// (template-language 7.3): `List` wraps all results, any other type takes the first, null without one.
pub fn wrap(value_type: crate::template::ValueType, results: Vec<Value>) -> Value {
    match value_type {
        crate::template::ValueType::List => results.into_iter().collect(),
        _ => results.into_iter().next().unwrap_or_default(),
    }
}
