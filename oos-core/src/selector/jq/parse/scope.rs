//! Which filters and variables are visible where, and what their calls need.

use super::{Parsed, Parser};

/// A filter that a program defines, or a parameter of one.
#[derive(Clone, Copy)]
pub(super) struct Filter<'s> {
    pub(super) name: &'s str,
    pub(super) arity: usize,
    /// True if it takes filters; calls then pass the nesting of closures along (see [`DEPTH`]).
    pub(super) takes_filters: bool,
}

/// What is visible at a place of the program.
#[derive(Default)]
pub(super) struct Scope<'s> {
    pub(super) filters: Vec<Filter<'s>>,
    pub(super) variables: Vec<&'s str>,
    pub(super) labels: Vec<&'s str>,
}

/// The variable that counts how deep filters that were passed as arguments are nested in each other.
///
/// A definition that passes a filter to itself makes a chain of environments as long as its recursion, which jaq drops
/// recursively. So such definitions get one parameter more, and every call counts it up by a native filter with a bound.
pub(in crate::selector::jq) const DEPTH: &str = "$oos__depth";

/// The places of a scope to return to.
pub(super) struct Mark(usize, usize, usize);

impl<'s> Scope<'s> {
    pub(super) fn mark(&self) -> Mark {
        Mark(self.filters.len(), self.variables.len(), self.labels.len())
    }

    pub(super) fn reset(&mut self, mark: &Mark) {
        self.filters.truncate(mark.0);
        self.variables.truncate(mark.1);
        self.labels.truncate(mark.2);
    }

    pub(super) fn find(&self, name: &str, arity: usize) -> Option<Filter<'s>> {
        self.filters.iter().rev().find(|f| f.name == name && f.arity == arity).copied()
    }
}

impl<'s> Parser<'s> {
    /// Runs a parser and forgets what it made visible.
    pub(super) fn scoped<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let mark = self.scope.mark();
        let parsed = parse(self);
        self.scope.reset(&mark);
        parsed
    }
}
