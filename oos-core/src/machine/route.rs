//! Signals on their way to the machine that they are for.

use std::collections::VecDeque;

use super::{
    input::{Signal, SignalKind},
    state::{Hold, Machine},
    transitions::{Cx, ToMachine},
    tree::{Applied, Refusal, Tree, stale},
};
use crate::{Timestamp, ids::MachinePath};

/// Signals that are remembered, so that one that comes twice changes nothing.
const REMEMBERED_SIGNALS: usize = 1_024;

impl Tree {
    pub(super) fn signal(&mut self, signal: &Signal, at: Timestamp, applied: &mut Applied) {
        if self.signals.contains(&signal.id) {
            applied.refused = Some(Refusal { code: "DuplicateSignal", message: format!("{signal} was taken already") });
            return;
        }
        let path = match self.route(signal) {
            Ok(path) => path,
            Err(refusal) => {
                applied.refused = Some(refusal);
                return;
            }
        };
        if let Err(refusal) = self.signal_machine(&path, signal, at, applied) {
            applied.refused = Some(refusal);
            return;
        }
        if matches!(signal.kind, SignalKind::Pause | SignalKind::Resume) {
            self.signal_below(&path, signal, at, applied);
        }
        self.signals.push_back(signal.id.clone());
        if self.signals.len() > REMEMBERED_SIGNALS {
            self.signals.pop_front();
        }
    }

    /// Pause and Resume reach all executions below; one that is in that state already does not mind.
    fn signal_below(&mut self, path: &MachinePath, signal: &Signal, at: Timestamp, applied: &mut Applied) {
        let below = self.machines.keys().filter(|p| p.starts_with(path) && *p != path).cloned().collect::<Vec<_>>();
        for path in below {
            // Refused means: ended, or in that state already.
            let _ = self.signal_machine(&path, signal, at, applied);
        }
    }

    fn signal_machine(
        &mut self,
        path: &MachinePath,
        signal: &Signal,
        at: Timestamp,
        applied: &mut Applied,
    ) -> Result<(), Refusal> {
        let mut out = Vec::new();
        let Some(machine) = self.machines.get_mut(path) else { return Err(stale("there is no such execution")) };
        let mut cx = Cx { shared: &mut self.shared, plans: &self.plans, risk: &*self.options.risk, at, out: &mut out };
        let to = ToMachine {
            from: &signal.from,
            task: signal.to.task.as_ref(),
            items: &signal.to.items,
            kind: &signal.kind,
        };
        machine.signal(&mut cx, &to).map_err(|(code, message)| Refusal { code, message })?;
        let mut queue = VecDeque::new();
        self.deliver(path, out, at, &mut queue, applied);
        while let Some((path, input)) = queue.pop_front() {
            let mut more = Applied::default();
            self.send(&path, input, at, &mut more);
            applied.effects.append(&mut more.effects);
        }
        Ok(())
    }

    /// The machine that a signal is for: the one named, or for a vote the only one below it that waits for one.
    fn route(&self, signal: &Signal) -> Result<MachinePath, Refusal> {
        let path = &signal.to.path;
        let missing =
            || Refusal { code: "EntityNotExists.Execution", message: "there is no such execution".to_owned() };
        let here = self.machines.get(path).ok_or_else(missing)?;
        let wanted: &dyn Fn(&Machine) -> bool = match signal.kind {
            SignalKind::Approve { .. } | SignalKind::Reject { .. } => &|m| {
                let named = |i: usize| {
                    let task = signal.to.task.as_ref();
                    task.is_none_or(|t| m.plan.tasks.get(i).is_some_and(|p| p.name == *t))
                };
                m.votable().iter().any(|(i, _, _)| named(*i))
            },
            SignalKind::RetryTask | SignalKind::SkipTask => &|m| matches!(m.state.hold, Some(Hold::Failure(_))),
            SignalKind::ExecuteTask { .. } | SignalKind::CompleteExecution { .. } => {
                &|m| matches!(m.state.hold, Some(Hold::DebugStep(_)))
            }
            // What is paused below a running execution is resumed through it.
            SignalKind::Resume if !here.state.paused => &|m| m.state.paused,
            _ => return Ok(path.clone()),
        };
        if wanted(here) {
            return Ok(path.clone());
        }
        let mut below = self.machines.values().filter(|m| m.path.starts_with(path) && wanted(m));
        match (below.next(), below.next()) {
            (Some(one), None) => Ok(one.path.clone()),
            (Some(_), Some(_)) => Err(Refusal {
                code: "InvalidParameter.TaskExecutionId",
                message: "several executions wait; name the one that is meant".to_owned(),
            }),
            (None, _) => Ok(path.clone()),
        }
    }
}
