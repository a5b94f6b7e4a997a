//! Selectors: the jq dialect of templates, and JSONPath when the text starts with `$` (template-language 7).
//!
//! Plain paths, which most selectors are, run on a walker of their own; everything else in jq runs on jaq, within bounds.
//! Values are not converted for any of the three.

mod cache;
mod jq;
mod path;
mod text;
mod walk;

use std::{borrow::Cow, sync::Arc};

pub use cache::SelectorCache;
use text::Text;

use crate::{Limits, Value};

/// CHOICE: bytes of a path or program. Templates are shorter; this leaves room for the lists that references put in.
const LONGEST: usize = 1 << 20;

/// A compiled selector or jq program. Compile once, run often; a clone is cheap.
#[derive(Clone, Debug)]
pub struct Selector {
    text: Arc<str>,
    engine: Arc<Engine>,
}

/// What runs a selector.
#[derive(Debug)]
enum Engine {
    Walk(walk::Path),
    Jq(jq::Program),
    JsonPath(path::Query),
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
        // Offsets count from the text as given, without the dot that was supplied.
        let (engine, shift) = match text::classify(text) {
            Text::Jq(program) => (Engine::of_program(&program), usize::from(matches!(program, Cow::Owned(_)))),
            Text::JsonPath(query) => (path::Query::parse(query).map(Engine::JsonPath), 0),
        };
        let blanks = text.len() - text.trim_start().len();
        let place = |offset: usize| (offset + blanks).saturating_sub(shift);
        Self::with_engine(text, engine.map_err(|(message, offset)| (message, offset.map(place))))
    }

    /// Compiles a program of `Fn::Jq`, taken verbatim.
    ///
    /// # Errors
    /// [`SelectorError::Compile`].
    pub fn parse_program(text: &str) -> Result<Self, SelectorError> {
        Self::with_engine(text, Engine::of_program(text))
    }

    /// Compiles a JSONPath query, taken verbatim: unlike a selector of a template it may have no blanks around it
    /// (RFC 9535).
    ///
    /// # Errors
    /// [`SelectorError::Compile`].
    pub fn parse_json_path(text: &str) -> Result<Self, SelectorError> {
        Self::with_engine(text, path::Query::parse(text).map(Engine::JsonPath))
    }

    fn with_engine(text: &str, engine: Result<Engine, Mistake>) -> Result<Self, SelectorError> {
        let text: Arc<str> = text.into();
        match engine {
            Ok(engine) => Ok(Self { text, engine: Arc::new(engine) }),
            Err((message, offset)) => Err(SelectorError::Compile { text, message: message.into(), offset }),
        }
    }

    /// All results on an input, within limits.
    ///
    /// # Errors
    /// [`SelectorError::Run`] and [`SelectorError::Limit`].
    pub fn run(&self, input: &Value, limits: &Limits) -> Result<Vec<Value>, SelectorError> {
        match &*self.engine {
            Engine::Walk(path) => path.run(input, limits),
            Engine::Jq(program) => program.run(input, limits),
            Engine::JsonPath(query) => query.run(input, limits),
        }
    }

    /// True if both came from one compilation.
    #[cfg(test)]
    fn shares_engine_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.engine, &other.engine)
    }

    /// The text that was compiled.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What is wrong with a text, and where if that is known.
type Mistake = (String, Option<usize>);

impl Engine {
    fn of_program(text: &str) -> Result<Self, Mistake> {
        if text.len() > LONGEST {
            return Err((format!("the program is longer than {LONGEST} bytes"), None));
        }
        match walk::parse(text) {
            Some(path) => Ok(Self::Walk(path)),
            None => jq::compile(text).map(Self::Jq),
        }
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
