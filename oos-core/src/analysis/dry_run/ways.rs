//! Where a visited task leads: on, or by the choices of `ACS::Choice`.

use std::sync::Arc;

use super::{
    super::{
        evaluate::describe,
        frame::{Frame, Results},
    },
    explore::{Explorer, Way, target},
    step::{Does, Step},
};
use crate::{
    expr::{Expr, ExprKind},
    plan::{Following, TaskPlan, jump},
};

impl Explorer<'_> {
    /// Where the run goes on after a success.
    pub(super) fn ways(&self, frame: &Frame<'_>, i: usize, step: &mut Step, results: Arc<Results>) -> Vec<Way> {
        let Some(task) = frame.plan.tasks.get(i) else { return Vec::new() };
        if !matches!(step.does, Does::Chooses(_)) {
            return vec![way_on(frame, i, task.on_success, None, Some(results))];
        }
        let mut ways: Vec<Way> = Vec::new();
        for (number, choice) in choices(task).iter().enumerate() {
            let when = choice.member("When");
            let decided = when.as_ref().map_or(Ok(Some(false)), |w| frame.decide(w));
            let label = |when: &str| format!("choice {} of {}: {when}", number + 1, task.name);
            let named = choice.member("NextTask");
            let (following, name) = next_task(frame, named.as_ref());
            match decided {
                Ok(Some(false)) => {}
                Ok(Some(true)) => return self.chosen(frame, i, step, ways, following, &name),
                Ok(None) => {
                    let label = label(&when.as_ref().map(describe).unwrap_or_default());
                    step.branches.push(format!("{label} → {name}").into());
                    ways.push(way_on(frame, i, following, Some(label.into()), Some(results.clone())));
                }
                Err(error) => {
                    // Behind an open choice the error may never be met.
                    if ways.is_empty() {
                        step.failure = Some(error.message.clone());
                        let mut way = way_on(frame, i, task.on_error, None, None);
                        way.failed = task.on_error == Following::End;
                        ways.push(way);
                    }
                    return ways;
                }
            }
        }
        let default = task.properties.member("DefaultTask");
        let (following, name) = next_task(frame, default.as_ref());
        self.chosen(frame, i, step, ways, following, &name)
    }

    /// The way that is taken when none of the open ones before it is.
    fn chosen(
        &self,
        frame: &Frame<'_>,
        i: usize,
        step: &mut Step,
        mut ways: Vec<Way>,
        following: Following,
        name: &str,
    ) -> Vec<Way> {
        let label = (!ways.is_empty()).then(|| Arc::from(format!("otherwise at {}", step.task)));
        match &label {
            None => step.does = Does::Chooses(Some(name.into())),
            Some(_) => step.branches.push(format!("otherwise → {name}").into()),
        }
        ways.push(way_on(frame, i, following, label, None));
        ways
    }
}

/// A way to where a following leads, with what the task gave.
pub(super) fn way_on(
    frame: &Frame<'_>,
    from: usize,
    following: Following,
    label: Option<Arc<str>>,
    results: Option<Arc<Results>>,
) -> Way {
    let mut state = frame.tasks.clone().unwrap_or_default();
    if let Some(slot) = state.get_mut(from) {
        *slot = results;
    }
    Way { to: target(frame.plan, from, following), label, state, failed: false }
}

/// The choices of `ACS::Choice` as expressions.
fn choices(task: &TaskPlan) -> Vec<Expr> {
    let Some(choices) = task.lazy.member("Choices") else { return Vec::new() };
    match choices.kind {
        ExprKind::List(list) => list.to_vec(),
        ExprKind::Literal(value) => value.as_list().unwrap_or_default().iter().cloned().map(Expr::literal).collect(),
        _ => Vec::new(),
    }
}

/// A jump target and its name; the end for one that does not exist, which the check has refused.
fn next_task(frame: &Frame<'_>, target: Option<&Expr>) -> (Following, String) {
    let name = target.and_then(|t| frame.evaluate(t).ok()).and_then(|t| t.known_text());
    let name = name.map_or_else(|| "ACS::END".to_owned(), |n| n.to_string());
    (jump(frame.plan, &name).unwrap_or(Following::End), name)
}
