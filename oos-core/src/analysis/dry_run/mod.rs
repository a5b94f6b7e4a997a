//! The dry run: the steps of an execution in order, with what each would do, as far as that can be told beforehand.
//!
//! The plan is run with symbolic values. Where a condition cannot be decided, every way is taken, and what the ways
//! have in common goes on where they meet again; tasks that only a failure or a cancellation leads to come last. A
//! child is explored inside its step. It stands for a run in which no call fails, in mode Automatic.

mod act;
mod explore;
mod give;
mod render;
mod step;
mod visit;
mod ways;

use std::{collections::BTreeSet, sync::Arc};

pub use step::{ApiCall, Does, DryRun, FanOut, OnFailure, Polls, Reach, Step};

use self::explore::Explorer;
use super::{
    frame::{Facts, Frame},
    symbolic::Symbolic,
};
use crate::{
    Limits, Timestamp, Value,
    machine::{RiskPolicy, VerbRisk},
    plan::{Plan, PlanSet},
};

/// Visits of one task by default. CHOICE: the second visit sees what the first left behind, so a condition that a jump
/// back decides anew is seen open; a third would show nothing new.
const VISITS: usize = 2;

/// Steps that a dry run tells by default. CHOICE: more than anybody reads; the largest official template has a hundred.
const STEPS: usize = 2_000;

/// What a dry run may know and how far it goes.
#[derive(Clone, Debug)]
pub struct DryRunOptions {
    /// System variables by the name after `ACS::`, e.g. RegionId.
    pub variables: Value,
    /// The instant that time variables and functions see; without it they are not known.
    pub now: Option<Timestamp>,
    /// False to leave parameters that are not given open instead of taking their defaults.
    pub defaults: bool,
    /// Visits of one task of one run at most.
    pub visits: usize,
    /// Steps at most, those of children included.
    pub steps: usize,
    /// Which calls are high-risk.
    pub risk: Arc<dyn RiskPolicy>,
    /// Bounds of the run.
    pub limits: Limits,
}

impl Default for DryRunOptions {
    fn default() -> Self {
        Self {
            variables: Value::Null,
            now: None,
            defaults: true,
            visits: VISITS,
            steps: STEPS,
            risk: Arc::new(VerbRisk),
            limits: Limits::default(),
        }
    }
}

/// Tells what an execution of a plan with these parameters would do. It cannot fail: what is wrong is told in the result.
pub fn dry_run(plan: &Plan, plans: &PlanSet, parameters: &Value, options: &DryRunOptions) -> DryRun {
    let facts = Facts {
        variables: options.variables.clone(),
        now: options.now,
        limits: options.limits.clone(),
        ..Facts::default()
    };
    let mut frame = Frame::new(&facts, plan, &Symbolic::Known(parameters.clone()), options.defaults);
    let names = plan.parameters.iter().map(|p| p.name.text().clone());
    let bound = names.zip(frame.parameters.iter().cloned()).collect();
    let (role, role_problem) = role_of(&frame);
    let mut problems = std::mem::take(&mut frame.problems);
    problems.extend(role_problem);
    let mut explorer = Explorer { plans, options, steps: 0, truncated: false };
    let explored = explorer.run(&mut frame, 1);
    let mut run = DryRun {
        template: plan.name.clone(),
        parameters: bound,
        role,
        steps: explored.steps,
        outputs: explored.outputs,
        failure: explored.failure,
        actions: Vec::new(),
        problems,
        truncated: explorer.truncated,
    };
    let mut actions = BTreeSet::new();
    run.each_step(&mut |step| actions.extend(step.calls().iter().filter_map(|c| c.action.clone())));
    run.actions = actions.into_iter().collect();
    run
}

/// The role of a plan that names one.
fn role_of(frame: &Frame<'_>) -> (Option<Symbolic>, Option<String>) {
    let Some(expr) = &frame.plan.ram_role else { return (None, None) };
    match frame.evaluate(expr) {
        Ok(role) if role.known().is_some() && role.known_text().is_none() => (None, None),
        Ok(role) => (Some(role), None),
        Err(error) => (Some(Symbolic::unknown("RamRole")), Some(format!("RamRole: {}", error.message))),
    }
}
