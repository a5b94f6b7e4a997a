//! The transitions, one event family each, and what they share.

mod cancel;
mod child;
mod control;
mod finish;
mod looping;
mod outcome;
mod signal;
mod start;

use std::sync::Arc;

use super::{
    effect::Effect,
    risk::RiskPolicy,
    scope::{Evaluation, Shared},
    state::{Machine, Next, Outer, Point},
};
use crate::{
    ExecutionId, Timestamp, Value,
    ids::{PathStep, StepKey},
    machine::{ExecutionStatus, StepResult},
    plan::{Plan, PlanSet},
    ports::{action::ActionError, control::Purpose, event::EventKind, parameter_store::ParameterRef},
};

pub(super) use signal::ToMachine;

/// What a transition may use, and where its wishes go.
pub(in crate::machine) struct Cx<'a> {
    pub(super) shared: &'a mut Shared,
    pub(super) plans: &'a PlanSet,
    pub(super) risk: &'a dyn RiskPolicy,
    pub(super) at: Timestamp,
    pub(super) out: &'a mut Vec<Out>,
}

/// What a machine wants: of the world, of observers, of its children, of its parent.
pub(super) enum Out {
    Effect(Effect),
    Event(EventKind),
    RunChild(Box<NewChild>),
    StopChild(PathStep),
    End,
}

/// A child to create.
pub(super) struct NewChild {
    pub(super) step: PathStep,
    pub(super) key: StepKey,
    pub(super) id: ExecutionId,
    pub(super) plan: Arc<Plan>,
    pub(super) given: Value,
    pub(super) role: Arc<str>,
    pub(super) firing: Option<Value>,
    pub(super) outer: Option<Arc<Outer>>,
    pub(super) item: Option<Value>,
    /// True when names that the child does not declare are dropped, not refused.
    pub(super) lenient: bool,
}

/// What comes to one machine; the tree's inputs after routing.
pub(super) enum MachineInput {
    Start {
        lenient: bool,
        kept: super::Kept,
    },
    Outcome {
        key: StepKey,
        result: StepResult,
    },
    Woke {
        key: StepKey,
        purpose: Purpose,
        scheduled: Timestamp,
    },
    Linked {
        key: StepKey,
        result: Result<Arc<Plan>, ActionError>,
    },
    Fired {
        key: StepKey,
        message: Value,
    },
    ChildEnded {
        key: StepKey,
        status: ExecutionStatus,
        outputs: Value,
        error: Option<ActionError>,
        kept: Option<Box<super::Kept>>,
    },
    Fetched,
    Cancel,
}

impl Machine {
    /// Applies one input and runs forward until something from outside is needed. `false` means that the input was
    /// stale and changed nothing.
    pub(super) fn apply(&mut self, input: MachineInput, cx: &mut Cx<'_>) -> bool {
        if self.state.status.is_final() {
            return false;
        }
        let taken = match input {
            MachineInput::Start { lenient, kept } => self.start(cx, lenient, kept),
            MachineInput::Outcome { key, result } => self.outcome(cx, &key, result),
            MachineInput::Woke { key, purpose, scheduled } => self.woke(cx, &key, purpose, scheduled),
            MachineInput::Linked { key, result } => self.linked(cx, &key, result),
            MachineInput::Fired { key, message } => self.fired(cx, &key, message),
            MachineInput::ChildEnded { key, status, outputs, error, kept } => {
                self.child_ended(cx, &key, status, outputs, error, kept)
            }
            MachineInput::Fetched => self.fetched(cx),
            MachineInput::Cancel => self.cancel(cx),
        };
        self.run_forward(cx);
        if taken {
            self.state.updated = cx.at;
        }
        taken
    }

    /// Runs forward synchronously. A loop, not a recursion: a run may pass thousands of tasks in one input.
    pub(super) fn run_forward(&mut self, cx: &mut Cx<'_>) {
        loop {
            if let Some(i) = self.state.pump.take() {
                self.dispatch(cx, i);
            } else {
                match self.state.next.take() {
                    Some(Next::Task(i)) => self.enter(cx, i),
                    Some(Next::Finish) => self.reach_end(cx),
                    None => return,
                }
            }
        }
    }

    /// Remembers where to go on when stored parameters are there, and asks for those that nobody asked for yet.
    pub(super) fn block(&mut self, cx: &mut Cx<'_>, at: Timestamp, point: Point, names: Vec<ParameterRef>) {
        self.state.blocked.push((at, point));
        let names: Vec<_> = names.into_iter().filter(|n| cx.shared.asked.insert(n.clone())).collect();
        if !names.is_empty() {
            cx.out.push(Out::Effect(Effect::Fetch { names }));
        }
    }

    fn fetched(&mut self, cx: &mut Cx<'_>) -> bool {
        let blocked = std::mem::take(&mut self.state.blocked);
        let any = !blocked.is_empty();
        for (at, point) in blocked {
            match point {
                Point::Start => self.bind_and_go(cx, at),
                Point::Enter(i) => self.enter_checked(cx, i, at),
                Point::Step(i, item) => self.evaluate_step(cx, i, item, at),
                Point::Decide(i, item, event) => self.decide(cx, i, item, at, event),
                Point::Finish(_) => self.finish(cx, at),
            }
            self.run_forward(cx);
        }
        any
    }

    /// Blocks on a need, or hands the error back.
    pub(super) fn need(
        &mut self,
        cx: &mut Cx<'_>,
        at: Timestamp,
        point: Point,
        stop: Evaluation,
    ) -> Option<ActionError> {
        match stop {
            Evaluation::Need(names) => {
                self.block(cx, at, point, names);
                None
            }
            Evaluation::Failed(error) => Some(error),
        }
    }
}
