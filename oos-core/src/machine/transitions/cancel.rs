//! Cancel: of a run and of everything below it (machine.md 6).

use std::time::Duration;

use super::{Cx, Machine, Out};
use crate::{
    Value,
    ids::PathStep,
    machine::{
        Effect, TaskStatus,
        state::{Active, CancelState, Next, Phase},
    },
    ports::control::Purpose,
};

/// How long stopped work may take to report. CHOICE: 10 s (service-model 2.3).
pub(crate) const CANCEL_GRACE: Duration = Duration::from_secs(10);

impl Machine {
    pub(super) fn cancel(&mut self, cx: &mut Cx<'_>) -> bool {
        let again = self.state.cancelled || self.state.cancel != CancelState::No;
        self.state.cancel = if again { CancelState::Twice } else { CancelState::Once };
        self.state.cancelled = true;
        self.state.paused = false;
        self.state.blocked.clear();
        let held = self.state.hold.take();
        match self.state.current {
            Some(i) if held.is_none() => self.stop_task(cx, i),
            Some(i) => {
                if let Some(run) = self.task_mut(i) {
                    run.active = None;
                }
                self.state.next = Some(Next::Finish);
            }
            None => self.state.next = Some(Next::Finish),
        }
        true
    }

    fn stop_task(&mut self, cx: &mut Cx<'_>, i: usize) {
        match self.task(i).and_then(|t| t.active.as_ref()) {
            Some(Active::Single(_)) => self.stop_step(cx, i, None),
            Some(Active::Loop(state)) => {
                let items: Vec<u32> = state.running.keys().copied().collect();
                items.into_iter().for_each(|item| self.stop_step(cx, i, Some(item)));
                self.state.pump = Some(i);
            }
            // Its expressions wait for stored parameters.
            None => self.end_task(cx, i, TaskStatus::Cancelled, None, None),
        }
    }

    pub(super) fn stop_step(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>) {
        let (Some(key), Some(phase)) = (self.key(i, item), self.step(i, item).map(|s| s.phase.clone())) else { return };
        let path = self.path.clone();
        match phase {
            Phase::Running | Phase::Notifying => {
                cx.out.push(Out::Effect(Effect::Stop { path: path.clone(), key: key.clone() }));
                let at = cx.at + CANCEL_GRACE;
                cx.out.push(Out::Effect(Effect::Wake { path, key, purpose: Purpose::Grace, at }));
                self.set_stopping(i, item, Some(at));
            }
            Phase::Child => {
                self.release(cx, i, item);
                cx.out.push(Out::StopChild(PathStep { task: key.task.clone(), run: key.run, item }));
                self.set_stopping(i, item, None);
            }
            Phase::Retrying(_) => {
                cx.out.push(Out::Effect(Effect::Unwake { path, key }));
                self.stopped(cx, i, item);
            }
            // A second cancel goes down too; work that is being stopped has no machine below it, and nobody hears it.
            Phase::Stopping(_) if self.state.cancel == CancelState::Twice => {
                cx.out.push(Out::StopChild(PathStep { task: key.task, run: key.run, item }));
            }
            Phase::Stopping(_) => {}
            Phase::Waiting(_) | Phase::Evaluating | Phase::Confirming | Phase::Linking(_) => {
                self.release(cx, i, item);
                self.stopped(cx, i, item);
            }
        }
    }

    fn set_stopping(&mut self, i: usize, item: Option<u32>, grace: Option<crate::Timestamp>) {
        if let Some(step) = self.step_mut(i, item) {
            step.phase = Phase::Stopping(grace);
        }
    }

    /// A stopped step has reported, or its grace is over.
    pub(super) fn stopped(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>) {
        if let Some(key) = self.key(i, item) {
            cx.out.push(Out::Effect(Effect::Unwake { path: self.path.clone(), key }));
        }
        self.end_step(cx, i, item, TaskStatus::Cancelled, None, Vec::new(), Value::Null);
    }
}
