//! Filters of jq that are written in Rust, by name and number of arguments.
//!
//! Deliberately absent, for a selector reads its input and nothing else: `halt`, `halt_error`, `env`, `$ENV`, `now`,
//! `localtime`, `strflocaltime`, `debug`, `stderr`, `input`, `inputs`, `input_filename`, `input_line_number`,
//! `get_search_list`, `modulemeta`.

mod dates;
mod flow;
mod format;
mod lists;
mod numbers;
mod objects;
mod strings;

use jaq_core::{Bind, Native, PathsPtr, RunPtr, ValX, ValXs, native::Fun};

use super::{Kind, regex};
use crate::value::jaq::{JqResult, JqValue, meter};

/// A native filter before it is handed to jaq.
pub(super) struct Spec {
    pub(super) name: &'static str,
    /// One character for each argument: `v` for values, `f` for filters.
    args: &'static str,
    run: RunPtr<Kind>,
    paths: Option<PathsPtr<Kind>>,
}

impl Spec {
    pub(super) const fn new(name: &'static str, args: &'static str, run: RunPtr<Kind>) -> Self {
        Self { name, args, run, paths: None }
    }

    const fn with_paths(self, paths: PathsPtr<Kind>) -> Self {
        Self { paths: Some(paths), ..self }
    }

    pub(super) fn arity(&self) -> usize {
        self.args.len()
    }

    /// The form that jaq's compiler takes.
    pub(super) fn fun(&self) -> Fun<Kind> {
        let args = self.args.chars().map(|c| if c == 'v' { Bind::Var(()) } else { Bind::Fun(()) });
        let native = Native::<Kind>::new(self.run);
        let native = match self.paths {
            Some(paths) => native.with_paths(paths),
            None => native,
        };
        (self.name, args.collect(), native)
    }
}

/// Key of a filter: name and number of arguments.
pub(super) type Signature = (&'static str, usize);

/// Every native filter that is written here.
pub(super) fn all() -> impl Iterator<Item = &'static Spec> {
    let groups: [&'static [Spec]; 8] = [
        &flow::NATIVES,
        &lists::NATIVES,
        &objects::NATIVES,
        &strings::NATIVES,
        &format::NATIVES,
        &numbers::NATIVES,
        &dates::NATIVES,
        &regex::NATIVES,
    ];
    groups.into_iter().flatten()
}

/// The filter that every term of a stopped program is.
pub(super) fn stop(name: &'static str) -> Spec {
    Spec::new(name, "", |_| once(Err(meter::stopped())))
}

/// A single result.
pub(super) fn once<'a>(result: JqResult) -> ValXs<'a, JqValue> {
    Box::new(std::iter::once(result.map_err(Into::into)))
}

/// A single result that may come from a filter argument.
pub(super) fn once_x<'a>(result: ValX<'a, JqValue>) -> ValXs<'a, JqValue> {
    Box::new(std::iter::once(result))
}
