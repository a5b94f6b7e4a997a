//! JSONPath (RFC 9535), for selectors that start with `$`.
//!
//! `jsonpath-rust` parses; evaluation is here, because its own cannot be bounded, compiles a regular expression for every
//! item and writes the path of every node. What the RFC calls well-typed is checked here too.
//!
//! Deliberately absent: the extension functions of `jsonpath-rust` (`in`, `nin`, …), which are no part of the RFC.

mod check;
mod eval;

use jsonpath_rust::parser::{model::JpQuery, parse_json_path};

use super::{Limits, Mistake, SelectorError, jq::regex::Patterns};
use crate::value::{Value, jaq::meter};

/// Bytes of a query.
// CHOICE: the size of a whole template.
const LONGEST: usize = 65_536;

/// Segments and selectors of a query, those in filters included.
// CHOICE: far beyond what a person writes; bounds the recursion over the query.
const MOST_PARTS: usize = 1_000;

/// A compiled query.
pub(super) struct Query {
    query: JpQuery,
    patterns: Patterns,
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Query({})", self.query)
    }
}

impl Query {
    /// Compiles a query.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        if text.len() > LONGEST {
            return Err(("the query is too long".into(), None));
        }
        // The grammar allows blanks at the end, the RFC does not.
        if text.trim_end() != text {
            return Err(("blanks after the query".into(), Some(text.trim_end().len())));
        }
        let query = parse_json_path(text).map_err(|error| (one_line(&error.to_string()), None))?;
        check::check(&query, MOST_PARTS).map_err(|message| (message, None))?;
        Ok(Self { query, patterns: Patterns::default() })
    }

    /// The nodes that the query selects.
    ///
    /// # Errors
    /// The bound that was hit.
    pub(super) fn run(&self, input: &Value, limits: &Limits) -> Result<Vec<Value>, SelectorError> {
        let _guard = meter::Guard::start(limits.selector_steps, limits.value_bytes as u64, limits.regex_steps);
        let nodes = eval::Run { root: input, patterns: &self.patterns }.query(&self.query.segments, input);
        if let Some(bound) = meter::hit() {
            return Err(SelectorError::Limit { what: bound.as_str().into() });
        }
        match nodes {
            Ok(nodes) if nodes.len() > limits.selector_results => {
                Err(SelectorError::Limit { what: "too many results".into() })
            }
            Ok(nodes) => Ok(nodes.into_iter().cloned().collect()),
            Err(eval::Stopped) => Err(SelectorError::Limit { what: "stopped".into() }),
        }
    }
}

/// The parser's message, which draws the query over several lines, on one line.
fn one_line(message: &str) -> String {
    let last = message.lines().rev().find_map(|line| line.trim().strip_prefix("= "));
    last.map_or_else(|| message.split_whitespace().collect::<Vec<_>>().join(" "), ToOwned::to_owned)
}
