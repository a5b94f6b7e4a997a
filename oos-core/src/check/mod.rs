//! Checks over a template and its plan: every finding in one go, each with code, place and hint.
//!
//! One file per pass. What concerns a single key has been said by lowering, what concerns a single reference or
//! function call by `expr`; the passes here need the whole plan, the actions, or the API catalogue.

mod actions;
#[cfg(feature = "catalogue")]
mod api;
mod arguments;
mod children;
mod conditions;
mod flow;
mod loops;
mod names;
mod parameters;
mod rate;
mod references;
mod retry;
mod rules;
mod schema;
mod selectors;
mod types;
mod walk;

pub(crate) use children::declared;
pub use children::{Load, children};
pub(crate) use conditions::condition;
pub(crate) use names::{jump_target, unknown_action};
pub(crate) use parameters::constraints;
pub use schema::json_schema;

use crate::{
    diagnostic::{Code, Diagnostics},
    plan::{Environment, Plan},
    template::Template,
};

/// Runs all passes that need the whole plan.
pub(crate) fn run(template: &Template, plan: &Plan, environment: &Environment, found: &mut Diagnostics) {
    actions::check(template, plan, found);
    children::check(template, plan, environment, found);
    rules::check(template, plan, found);
    #[cfg(feature = "catalogue")]
    api::check(template, plan, found);
    retry::check(template, plan, found);
    loops::check(template, plan, environment, found);
    conditions::check(template, plan, found);
    selectors::check(template, plan, found);
    references::check(template, plan, found);
    flow::check(template, plan, found);
    parameters::check(template, plan, found);
}

/// True when one of these codes has been reported: what builds on it would only repeat it.
fn reported(found: &Diagnostics, codes: &[Code]) -> bool {
    found.iter().any(|finding| codes.contains(&finding.code))
}
