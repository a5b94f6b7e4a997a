//! What a plan would do, told without running it: permissions, risks, and the dry run.
//!
//! All three walk the plan and the plans of its children with symbolic values: what a call would answer is an
//! [`Symbolic::Unknown`] that flows through expressions, so nothing here ever stops at the first thing that is not
//! known, and nothing touches a cloud, a clock or a store (durability.md 6). [`permissions`] and [`risks`] look at
//! every task, reachable or not, as the service does; [`dry_run`] follows the edges and says what cannot be decided.
//!
//! Children are followed when their plans are at hand: those that a template names literally or has in place are, and
//! [`link_computed`] adds those whose computed names are known. What an action calls is told by its signature.
//!
//! Everything is bounded: plans visited, steps told, nodes evaluated. Deliberately absent: a guess about what a cloud
//! would answer; a run against fake answers is the test kit's business.

mod arn;
mod dry_run;
mod evaluate;
mod frame;
mod permissions;
mod policy;
mod published;
mod risks;
mod symbolic;
mod walk;
mod wanted;

pub use dry_run::{ApiCall, Does, DryRun, DryRunOptions, FanOut, OnFailure, Polls, Reach, Step, dry_run};
pub use permissions::{PermissionOptions, Permissions, RoleUse, permissions, permissions_with, used};
pub use policy::{Coverage, Effect, Need, Policy, PolicyError, Statement, covers};
pub use risks::{Risks, RiskyTask, risks};
pub use symbolic::Symbolic;
pub use walk::Unresolved;
pub use wanted::{link_computed, wanted};

/// The operation in its official spelling, where the catalogue knows it.
fn official_api(service: &str, api: &str) -> std::sync::Arc<str> {
    let known = crate::catalogue::Catalogue::embedded().operation(service, api, None);
    known.map_or_else(|| api.into(), |operation| operation.api.clone())
}

/// The RAM action of an operation: `ecs:StopInstance`.
fn ram_action(service: &str, api: &str) -> std::sync::Arc<str> {
    format!("{}:{}", crate::catalogue::ram_code(service, api), official_api(service, api)).into()
}

/// The line of a place in the text of a plan, from 1.
fn line_of(plan: &crate::plan::Plan, span: Option<crate::source::Span>) -> Option<usize> {
    let text = &plan.source.as_ref()?.text;
    Some(crate::source::LineIndex::new(text).position(text, span?.start).line)
}
