//! One visit of a task: whether it acts and how often, what it gives, and that it leads on.

use std::sync::Arc;

use super::{
    super::{
        evaluate::describe,
        frame::{Frame, Items, Results},
        line_of,
        symbolic::Symbolic,
    },
    act::Acted,
    explore::{Explorer, Way, on_failure, unknown_results},
    give::{aggregate, batches, outputs, windows},
    step::{Does, FanOut, Reach, Step},
    ways::way_on,
};
use crate::{
    expr::ExprError,
    machine::{PauseOption, Rate},
    plan::{Following, TaskPlan, VisibleKind},
};

/// A loop that has been looked at.
pub(super) struct Looped {
    fan_out: FanOut,
    pub(super) items: Items,
    pub(super) rate: Option<Rate>,
}

impl Explorer<'_> {
    /// Visits a task in a frame that holds what tasks gave before.
    pub(super) fn visit(&mut self, frame: &mut Frame<'_>, i: usize, depth: usize) -> (Step, Vec<Way>) {
        let plan = frame.plan;
        let Some(task) = plan.tasks.get(i) else { return (empty_step(frame), Vec::new()) };
        let mut step = Step {
            task: task.name.clone(),
            action: task.action.clone(),
            line: line_of(plan, task.span),
            on_error: on_failure(plan, task.on_error),
            ..empty_step(frame)
        };
        let decided = match task.when.as_ref().filter(|_| !task.when_per_item) {
            Some(when) => frame.decide(when),
            None => Ok(Some(true)),
        };
        match decided {
            Err(error) => return self.fails(frame, i, step, error.message),
            Ok(Some(false)) => {
                step.does = Does::Nothing("When is false".into());
                let ways = vec![way_on(frame, i, Following::Next, None, None)];
                return (step, ways);
            }
            Ok(Some(true)) => {}
            Ok(None) => step.when = task.when.as_ref().map(|w| describe(w).into()),
        }
        let looped = match self.looped(frame, task) {
            Ok(looped) => looped,
            Err(error) => return self.fails(frame, i, step, error.message),
        };
        self.act_and_go(frame, i, step, looped, depth)
    }

    fn act_and_go(
        &mut self,
        frame: &mut Frame<'_>,
        i: usize,
        mut step: Step,
        looped: Option<Looped>,
        depth: usize,
    ) -> (Step, Vec<Way>) {
        let plan = frame.plan;
        let Some(task) = plan.tasks.get(i) else { return (step, Vec::new()) };
        let outer_item = frame.item.clone();
        if let Some(looped) = &looped {
            frame.item = Some(looped.items.any());
        }
        let acted = match &looped {
            Some(Looped { items: Items::Exact(items), .. }) if items.is_empty() => {
                Acted::doing(Does::Nothing("the loop has no items".into()))
            }
            _ => self.act_per_item(frame, task, &mut step, depth),
        };
        let results = self.results(frame, task, &acted, looped.as_ref());
        frame.item = outer_item;
        step.fan_out = looped.map(|l| l.fan_out);
        (step.does, step.body, step.polls) = (acted.does, acted.body, acted.polls);
        let skipped = step.when.as_ref().filter(|_| !task.when_per_item).map(|when| {
            way_on(frame, i, Following::Next, Some(format!("{} is skipped unless {when}", task.name).into()), None)
        });
        if let Some(failure) = acted.failure {
            let (step, mut ways) = self.fails(frame, i, step, failure);
            ways.extend(skipped);
            return (step, ways);
        }
        let mut ways = match results {
            Ok(results) => self.ways(frame, i, &mut step, Arc::new(results)),
            Err(error) => {
                let (failed, mut ways) = self.fails(frame, i, step, error.message);
                ways.extend(skipped);
                return (failed, ways);
            }
        };
        ways.extend(skipped);
        (step, ways)
    }

    /// A condition that reads the item, then the action.
    fn act_per_item(&mut self, frame: &mut Frame<'_>, task: &TaskPlan, step: &mut Step, depth: usize) -> Acted {
        if let Some(when) = task.when.as_ref().filter(|_| task.when_per_item) {
            match frame.decide(when) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Acted::doing(Does::Nothing("When is false for every item".into())),
                Ok(None) => step.when = Some(describe(when).into()),
                Err(error) => return Acted::failing(Does::Acts(Vec::new()), error.message),
            }
        }
        self.act(frame, task, depth)
    }

    /// A step that would fail in every run.
    fn fails(&self, frame: &Frame<'_>, i: usize, step: Step, failure: Arc<str>) -> (Step, Vec<Way>) {
        let following = frame.plan.tasks.get(i).map_or(Following::End, |t| t.on_error);
        let mut way = way_on(frame, i, following, None, None);
        way.failed = following == Following::End;
        (Step { failure: Some(failure), ..step }, vec![way])
    }

    fn looped(&self, frame: &Frame<'_>, task: &TaskPlan) -> Result<Option<Looped>, ExprError> {
        let Some(looping) = &task.looping else { return Ok(None) };
        let items = frame.items(looping)?;
        let (number, origin) = match &items {
            Items::Exact(list) => (Some(list.len()), None),
            Items::Unknown(origin) => (None, Some(origin.clone())),
        };
        let (written, rate) = frame.rate(looping, number)?;
        let batches = rate.as_ref().map(|r| batches(r, number.unwrap_or(0))).unwrap_or_default();
        let fan_out = FanOut {
            items: number,
            origin,
            windows: rate.as_ref().map(|r| windows(r, &batches)).unwrap_or_default(),
            batches,
            max_errors: rate.as_ref().map(|r| r.max_errors),
            pause: rate.as_ref().map_or(PauseOption::Automatic, |r| r.pause),
            rate_control: if rate.is_none() && !written.is_null() { Some(written) } else { None },
        };
        Ok(Some(Looped { fan_out, items, rate }))
    }

    /// What the task gives after a success.
    fn results(
        &self,
        frame: &Frame<'_>,
        task: &TaskPlan,
        acted: &Acted,
        looped: Option<&Looped>,
    ) -> Result<Results, ExprError> {
        let acts = !matches!(acted.does, Does::Nothing(_));
        let outputs = match acts {
            true => outputs(frame, task, acted.document.as_ref())?,
            false => vec![Symbolic::NULL; task.outputs.len()],
        };
        let unknown = unknown_results(task);
        let document = acted.document.clone().unwrap_or(unknown.document);
        let visible = task.visible.iter().zip(unknown.outputs).map(|(v, origin)| match (&v.kind, looped) {
            (VisibleKind::Output(index), _) => outputs.get(*index).cloned().unwrap_or(Symbolic::NULL),
            (VisibleKind::Aggregate { field, function, .. }, Some(looped)) => {
                let value = field.and_then(|f| outputs.get(f)).cloned().unwrap_or_else(|| origin.clone());
                aggregate(frame, task, function, &value, looped).unwrap_or(origin)
            }
            (VisibleKind::Aggregate { .. }, None) => origin,
        });
        Ok(Results { outputs: visible.collect(), document })
    }
}

fn empty_step(frame: &Frame<'_>) -> Step {
    Step {
        task: frame.plan.tasks.first().map_or_else(|| crate::TaskName::new(""), |t| t.name.clone()),
        action: crate::ActionName::new(""),
        line: None,
        reach: Reach::Maybe(Vec::new()),
        when: None,
        fan_out: None,
        does: Does::Acts(Vec::new()),
        polls: None,
        branches: Vec::new(),
        on_error: None,
        failure: None,
        body: Vec::new(),
    }
}
