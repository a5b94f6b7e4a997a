//! The order of a dry run: which tasks are visited, with what, and whether every run comes there.
//!
//! Tasks wait in the order of the template, so ways that part at a decision meet again before the task behind them is
//! visited, and it is visited once with what they have in common. A run surely comes to a visit when no way from the
//! start to an end leads round it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{
        frame::{Frame, Given, Results},
        symbolic::Symbolic,
    },
    DryRunOptions,
    step::{OnFailure, Reach, Step},
};
use crate::{
    TaskName,
    plan::{Following, Plan, PlanSet},
};

/// What tasks gave so far.
pub(super) type State = Vec<Given>;

/// A dry run under way.
pub(super) struct Explorer<'a> {
    pub(super) plans: &'a PlanSet,
    pub(super) options: &'a DryRunOptions,
    pub(super) steps: usize,
    pub(super) truncated: bool,
}

/// One plan explored.
pub(super) struct Explored {
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Vec<(Arc<str>, Symbolic)>,
    pub(super) failure: Option<Arc<str>>,
}

/// A way on from a visit.
pub(super) struct Way {
    /// The task, `None` for the end.
    pub(super) to: Option<usize>,
    /// What decides for this way, when that is open.
    pub(super) label: Option<Arc<str>>,
    /// What tasks gave on this way.
    pub(super) state: State,
    /// True when the way leads to the end because the run failed.
    pub(super) failed: bool,
}

/// A task, or the end (greater than every task), that is to be visited.
#[derive(Default)]
struct Pending {
    state: Option<State>,
    from: Vec<(usize, Option<Arc<str>>)>,
}

/// The end of the run, behind all tasks.
const END: usize = usize::MAX;

/// A visit of a task, with what tasks gave before it.
struct Visit {
    task: usize,
    before: State,
    step: Step,
}

/// The visits of one plan and the ways between them.
#[derive(Default)]
struct Visits {
    steps: Vec<Visit>,
    /// From a visit to a visit, or to the end.
    edges: Vec<(usize, usize)>,
    pending: BTreeMap<usize, Pending>,
    count: BTreeMap<usize, usize>,
    failure: Option<Arc<str>>,
}

impl Explorer<'_> {
    /// Explores a plan whose parameters are bound.
    pub(super) fn run(&mut self, frame: &mut Frame<'_>, depth: usize) -> Explored {
        let nothing: State = vec![None; frame.plan.tasks.len()];
        let mut visits = Visits::default();
        let first = if frame.plan.tasks.is_empty() { END } else { 0 };
        visits.pending.insert(first, Pending { state: Some(nothing.clone()), from: Vec::new() });
        self.drain(frame, &mut visits, depth, None);
        let ended = visits.pending.remove(&END);
        let sure = surely_visited(&visits);
        for (visit, sure) in visits.steps.iter_mut().zip(&sure) {
            if *sure {
                visit.step.reach = Reach::Always;
            }
        }
        let failure = if ended.is_none() { visits.failure.clone() } else { None };
        self.handlers(frame, &mut visits, depth);
        frame.tasks = Some(ended.and_then(|p| p.state).unwrap_or(nothing));
        let outputs = self.outputs(frame, failure.is_some());
        Explored { steps: visits.steps.into_iter().map(|v| v.step).collect(), outputs, failure }
    }

    /// Visits what is pending, the end excepted.
    fn drain(&mut self, frame: &mut Frame<'_>, visits: &mut Visits, depth: usize, after: Option<&[TaskName]>) {
        while let Some((&task, _)) = visits.pending.first_key_value()
            && task != END
        {
            let Some(Pending { state: Some(state), from }) = visits.pending.remove(&task) else { continue };
            if self.steps >= self.options.steps {
                self.truncated = true;
                return;
            }
            self.steps += 1;
            *visits.count.entry(task).or_default() += 1;
            frame.tasks = Some(state.clone());
            let (mut step, ways) = self.visit(frame, task, depth);
            let number = visits.steps.len();
            step.reach = match after {
                Some(tasks) => Reach::AfterFailure(tasks.to_vec()),
                None => Reach::Maybe(labels(&from)),
            };
            visits.edges.extend(from.iter().map(|(from, _)| (*from, number)));
            let failure = step.failure.clone();
            visits.steps.push(Visit { task, before: state, step });
            for way in ways {
                self.follow(frame.plan, visits, number, way, &failure);
            }
        }
    }

    fn follow(&self, plan: &Plan, visits: &mut Visits, from: usize, way: Way, failure: &Option<Arc<str>>) {
        let to = way.to.filter(|t| *t < plan.tasks.len()).unwrap_or(END);
        if way.failed && to == END {
            visits.edges.push((from, END));
            visits.failure = visits.failure.take().or_else(|| failure.clone());
            return;
        }
        if to != END && visits.count.get(&to).copied().unwrap_or(0) >= self.options.visits {
            // What comes would be a repetition of the last visit.
            let last = visits.steps.iter().rposition(|v| v.task == to).unwrap_or(from);
            return visits.edges.push((from, last));
        }
        if to == END {
            visits.edges.push((from, END));
        }
        let pending = visits.pending.entry(to).or_default();
        pending.from.push((from, way.label));
        pending.state = Some(match pending.state.take() {
            Some(state) => merged(plan, &state, &way.state),
            None => way.state,
        });
    }

    /// Tasks that only failures and cancellations lead to, each with what the runs have in common that come to it.
    fn handlers(&mut self, frame: &mut Frame<'_>, visits: &mut Visits, depth: usize) {
        while let Some((to, state, names)) = next_handler(frame.plan, visits)
            && !self.truncated
        {
            visits.pending.clear();
            visits.pending.insert(to, Pending { state: Some(state), from: Vec::new() });
            self.drain(frame, visits, depth, Some(&names));
        }
    }

    fn outputs(&self, frame: &Frame<'_>, failed: bool) -> Vec<(Arc<str>, Symbolic)> {
        let value = |output: &crate::plan::OutputPlan| match frame.evaluate(&output.value) {
            Ok(Symbolic::Known(value)) if output.value_type == crate::template::ValueType::List => {
                let listed = value.as_list().is_some() || (failed && value.is_null());
                Symbolic::Known(if listed { value } else { vec![value].into() })
            }
            Ok(value) => value,
            Err(error) => Symbolic::unknown(format!("error: {}", error.message)),
        };
        frame.plan.outputs.iter().map(|o| (o.name.text().clone(), value(o))).collect()
    }
}

/// The first task that was not visited and that visited ones name for a failure or cancellation.
fn next_handler(plan: &Plan, visits: &Visits) -> Option<(usize, State, Vec<TaskName>)> {
    let mut found: Option<(usize, State, Vec<TaskName>)> = None;
    for visit in &visits.steps {
        let Some(task) = plan.tasks.get(visit.task) else { continue };
        for following in [task.on_error, task.on_cancel] {
            let Following::Task(to) = following else { continue };
            if visits.count.contains_key(&to) || found.as_ref().is_some_and(|f| f.0 != to) {
                continue;
            }
            // What a failed task gave is not known: of a loop it is what its good items gave.
            let mut state = visit.before.clone();
            if let Some(slot) = state.get_mut(visit.task) {
                *slot = Some(Arc::new(unknown_results(task)));
            }
            found = Some(match found.take() {
                None => (to, state, vec![task.name.clone()]),
                Some((to, before, mut names)) => {
                    if !names.contains(&task.name) {
                        names.push(task.name.clone());
                    }
                    (to, merged(plan, &before, &state), names)
                }
            });
        }
    }
    found
}

/// Where a following leads from a task; `None` is the end.
pub(super) fn target(plan: &Plan, from: usize, following: Following) -> Option<usize> {
    match following {
        Following::Next => (from + 1 < plan.tasks.len()).then_some(from + 1),
        Following::End => None,
        Following::Task(task) => Some(task),
    }
}

/// Where a failure leads, for people.
pub(super) fn on_failure(plan: &Plan, following: Following) -> Option<OnFailure> {
    match following {
        Following::End => None,
        Following::Next => Some(OnFailure::GoesOn),
        Following::Task(task) => plan.tasks.get(task).map(|t| OnFailure::Task(t.name.clone())),
    }
}

/// Results of a task of which nothing is known.
pub(super) fn unknown_results(task: &crate::plan::TaskPlan) -> Results {
    let name = &task.name;
    Results {
        outputs: task.visible.iter().map(|v| Symbolic::unknown(format!("{name}.{}", v.name))).collect(),
        document: Symbolic::unknown(name.as_str()),
    }
}

fn labels(from: &[(usize, Option<Arc<str>>)]) -> Vec<Arc<str>> {
    let mut labels: Vec<Arc<str>> = Vec::new();
    for (_, label) in from {
        labels.extend(label.iter().filter(|l| !labels.contains(l)).cloned().collect::<Vec<_>>());
    }
    labels
}

/// What two ways have in common.
fn merged(plan: &Plan, a: &State, b: &State) -> State {
    let both = |((task, a), b): ((&crate::plan::TaskPlan, &Given), &Given)| match (a, b) {
        (None, None) => None,
        (Some(x), Some(y)) if Arc::ptr_eq(x, y) => Some(x.clone()),
        (a, b) => {
            let null = |i: usize, given: &Given| {
                given.as_ref().and_then(|r| r.outputs.get(i).cloned()).unwrap_or(Symbolic::NULL)
            };
            let document = |given: &Given| given.as_ref().map_or(Symbolic::NULL, |r| r.document.clone());
            let name = &task.name;
            let outputs = task.visible.iter().enumerate();
            let outputs = outputs.map(|(i, v)| null(i, a).join(&null(i, b), &format!("{name}.{}", v.name)));
            let document = document(a).join(&document(b), name.as_str());
            Some(Arc::new(Results { outputs: outputs.collect(), document }))
        }
    };
    plan.tasks.iter().zip(a).zip(b).map(both).collect()
}

/// For each visit: whether every way from the first visit to an end leads through it.
fn surely_visited(visits: &Visits) -> Vec<bool> {
    let mut next: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (from, to) in &visits.edges {
        next.entry(*from).or_default().insert(*to);
    }
    let avoidable = |avoided: usize| {
        let mut seen = BTreeSet::from([avoided]);
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            if at == END {
                return true;
            }
            if seen.insert(at) {
                open.extend(next.get(&at).into_iter().flatten());
            }
        }
        false
    };
    (0..visits.steps.len()).map(|visit| !avoidable(visit)).collect()
}
