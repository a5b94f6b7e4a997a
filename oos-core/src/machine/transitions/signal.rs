//! Signals: what people and programs say, and when it is legal (service-model 3.2-3.5). Refused signals change nothing.

use super::{Cx, Machine, Out};
use crate::{
    TaskName, Value,
    ids::StepKey,
    machine::{
        ExecutionStatus, SignalKind, TaskStatus,
        state::{Active, Entry, Hold, Next, Phase},
    },
    ports::{
        control::{ControlEvent, Vote, WaitingFor},
        event::EventKind,
    },
};

/// Why a signal was not taken: a stable code and a line for people.
type SignalOutcome = Result<(), (&'static str, String)>;

/// A signal as it comes to one machine.
pub(in crate::machine) struct ToMachine<'a> {
    pub(in crate::machine) from: &'a str,
    pub(in crate::machine) task: Option<&'a TaskName>,
    pub(in crate::machine) items: &'a [u32],
    pub(in crate::machine) kind: &'a SignalKind,
}

fn conflict(message: impl Into<String>) -> SignalOutcome {
    Err(("EntityStatusConflict.Execution", message.into()))
}

impl Machine {
    pub(in crate::machine) fn signal(&mut self, cx: &mut Cx<'_>, signal: &ToMachine<'_>) -> SignalOutcome {
        if self.state.status.is_final() {
            return conflict(format!("the execution has ended ({})", self.state.status));
        }
        let taken = match signal.kind {
            SignalKind::Approve { note } => self.vote(cx, signal, true, note.as_ref()),
            SignalKind::Reject { note } => self.vote(cx, signal, false, note.as_ref()),
            SignalKind::ExecuteTask { parameters } => self.execute_task(cx, signal.task, parameters),
            SignalKind::CancelTask => self.cancel_task(cx, signal),
            SignalKind::CompleteExecution { status } => self.complete(cx, *status),
            SignalKind::RetryTask => self.retry_task(cx, signal),
            SignalKind::SkipTask => self.skip_failed(cx, signal),
            SignalKind::Pause => self.pause(),
            SignalKind::Resume => self.resume(cx),
            SignalKind::Cancel => {
                self.cancel(cx);
                Ok(())
            }
            SignalKind::Trigger { message } => self.trigger_by_hand(cx, message),
            SignalKind::UpdateParameters { parameters } => self.update_parameters(cx, parameters),
            SignalKind::SecretSupplied => Ok(()),
        };
        self.run_forward(cx);
        if taken.is_ok() {
            self.state.updated = cx.at;
            if self.state.status == ExecutionStatus::Waiting && self.state.hold.is_none() {
                self.state.status = ExecutionStatus::Running;
            }
        }
        taken
    }

    /// The steps that a vote may be for.
    pub(in crate::machine) fn votable(&self) -> Vec<(usize, Option<u32>, WaitingFor)> {
        let Some(i) = self.state.current else { return Vec::new() };
        let of = |item: Option<u32>| {
            let waiting = match &self.step(i, item)?.phase {
                Phase::Confirming => WaitingFor::RiskConfirmation,
                Phase::Waiting(wait) => {
                    wait.waiting_for.filter(|w| matches!(w, WaitingFor::Approval | WaitingFor::Pause))?
                }
                _ => return None,
            };
            Some((i, item, waiting))
        };
        match self.task(i).and_then(|t| t.active.as_ref()) {
            Some(Active::Single(_)) => of(None).into_iter().collect(),
            Some(Active::Loop(state)) if state.pausing => vec![(i, None, WaitingFor::Batch)],
            Some(Active::Loop(state)) => state.running.keys().filter_map(|item| of(Some(*item))).collect(),
            None => Vec::new(),
        }
    }

    fn vote(&mut self, cx: &mut Cx<'_>, signal: &ToMachine<'_>, approve: bool, note: Option<&String>) -> SignalOutcome {
        let votable = self.votable();
        let named = |i: usize| signal.task.is_none_or(|t| self.plan.tasks.get(i).is_some_and(|p| p.name == *t));
        let wanted = |item: Option<u32>| signal.items.is_empty() || item.is_some_and(|n| signal.items.contains(&n));
        let chosen: Vec<_> = votable.into_iter().filter(|(i, item, _)| named(*i) && wanted(*item)).collect();
        if chosen.is_empty() {
            return conflict("nothing here waits for a decision");
        }
        let (mut taken, mut refused) = (false, Ok(()));
        for (i, item, waiting) in chosen {
            let answer = match waiting {
                WaitingFor::Batch => self.vote_batch(cx, i, approve),
                WaitingFor::RiskConfirmation => self.vote_risk(cx, i, item, approve),
                _ => self.vote_control(cx, i, item, signal.from, approve, note),
            };
            taken |= answer.is_ok();
            refused = refused.and(answer);
        }
        if taken { Ok(()) } else { refused }
    }

    fn vote_batch(&mut self, cx: &mut Cx<'_>, i: usize, approve: bool) -> SignalOutcome {
        if approve {
            if let Some(state) = self.loop_mut(i) {
                state.open_batch();
            }
            self.state.pump = Some(i);
        } else {
            self.cancel(cx);
        }
        Ok(())
    }

    fn vote_risk(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, approve: bool) -> SignalOutcome {
        if approve {
            let Some(step) = self.step_mut(i, item) else { return conflict("the step is gone") };
            step.confirmed = true;
            step.phase = Phase::Evaluating;
            let started = step.started;
            self.evaluate_step(cx, i, item, started);
        } else if item.is_some() {
            // Who refuses one item refuses the run (service-model 3.5); as an ended item it would only count as an error.
            self.cancel(cx);
        } else {
            self.end_step(cx, i, item, TaskStatus::Cancelled, None, Vec::new(), Value::Null);
        }
        Ok(())
    }

    fn vote_control(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        from: &str,
        approve: bool,
        note: Option<&String>,
    ) -> SignalOutcome {
        let phase = self.step(i, item).map(|s| &s.phase);
        let stranger = matches!(phase, Some(Phase::Waiting(wait)) if !wait.voters.is_empty() && !wait.voters.iter().any(|v| v == from));
        if stranger {
            return Err(("NotApprover", format!("`{from}` is not among the approvers")));
        }
        let same = |e: &ControlEvent| matches!(e, ControlEvent::Signalled(v) if v.from == from && v.approve == approve);
        if self.step(i, item).is_some_and(|s| s.history.iter().any(|(_, event)| same(event))) {
            return Err(("DuplicateSignal", format!("`{from}` has voted already")));
        }
        let vote = Vote { approve, from: from.to_owned(), note: note.cloned() };
        self.decide(cx, i, item, cx.at, ControlEvent::Signalled(vote));
        Ok(())
    }

    fn execute_task(&mut self, cx: &mut Cx<'_>, task: Option<&TaskName>, parameters: &Value) -> SignalOutcome {
        let Some(Hold::DebugStep(next)) = self.state.hold.clone() else {
            return conflict("the execution does not wait for a step");
        };
        let target = match task {
            Some(name) => self.plan.task_index(name.as_str()),
            None => next,
        };
        let Some(i) = target else {
            return Err(("EntityNotExists.TaskExecution", "there is no such task".to_owned()));
        };
        self.state.hold = None;
        self.state.overrides = parameters.clone();
        self.state.granted = Some(i);
        self.tell_status(cx, ExecutionStatus::Running, None);
        self.state.next = Some(Next::Task(i));
        Ok(())
    }

    fn cancel_task(&mut self, cx: &mut Cx<'_>, signal: &ToMachine<'_>) -> SignalOutcome {
        if self.settings.mode != crate::machine::Mode::Debug {
            return conflict("a task can be cancelled in Debug mode only");
        }
        let Some(i) = self.state.current.filter(|_| self.state.hold.is_none()) else {
            return conflict("no task runs");
        };
        let items: Vec<u32> = self.loop_state(i).map(|s| s.running.keys().copied().collect()).unwrap_or_default();
        self.state.step_cancelled = true;
        if items.is_empty() {
            self.stop_step(cx, i, None);
        }
        let wanted = |n: &u32| signal.items.is_empty() || signal.items.contains(n);
        items.into_iter().filter(wanted).for_each(|item| self.stop_step(cx, i, Some(item)));
        Ok(())
    }

    fn complete(&mut self, cx: &mut Cx<'_>, status: ExecutionStatus) -> SignalOutcome {
        if !matches!(self.state.hold, Some(Hold::DebugStep(_))) {
            return conflict("only an execution that waits for a debug step can be completed");
        }
        if !status.is_final() {
            return Err(("InvalidParameter.ExecutionStatus", format!("`{status}` is no final status")));
        }
        // Outputs of tasks that did not run are null, as in a failed run.
        self.state.outputs = self.final_outputs(cx, cx.at, false).unwrap_or_default();
        self.end(cx, status);
        Ok(())
    }

    fn failed_hold(&self, signal: &ToMachine<'_>) -> Result<usize, (&'static str, String)> {
        let wrong = || ("EntityStatusConflict.Execution", "no failed task waits for a decision".to_owned());
        let Some(Hold::Failure(i)) = self.state.hold else { return Err(wrong()) };
        let named = signal.task.is_none_or(|t| self.plan.tasks.get(i).is_some_and(|p| p.name == *t));
        if named { Ok(i) } else { Err(wrong()) }
    }

    fn retry_task(&mut self, cx: &mut Cx<'_>, signal: &ToMachine<'_>) -> SignalOutcome {
        let i = self.failed_hold(signal)?;
        let Some(failed) = self.loop_state(i).map(|s| failed_items(&s.entries)) else {
            self.leave_failure(cx);
            self.state.next = Some(Next::Task(i));
            return Ok(());
        };
        let items = chosen_items(&failed, signal.items)?;
        self.leave_failure(cx);
        if let Some(state) = self.loop_mut(i) {
            state.failed = state.failed.saturating_sub(u32::try_from(items.len()).unwrap_or(0));
            state.again.extend(items);
            reopen(state);
        }
        self.reopen_loop(i);
        Ok(())
    }

    fn skip_failed(&mut self, cx: &mut Cx<'_>, signal: &ToMachine<'_>) -> SignalOutcome {
        let i = self.failed_hold(signal)?;
        let looped = self.loop_state(i).is_some();
        if !looped || signal.items.is_empty() {
            self.leave_failure(cx);
            let plan = self.plan.clone();
            let following = plan.tasks.get(i).map_or(crate::plan::Following::Next, |t| t.on_success);
            let run = self.task(i).map_or(1, |t| t.run);
            if let Some(task) = plan.tasks.get(i) {
                let key = StepKey { task: task.name.clone(), run, item: None, attempt: 1 };
                let (status, outputs) = (TaskStatus::Skipped, Value::Null);
                cx.out.push(Out::Event(EventKind::StepEnded { key, status, message: None, outputs }));
            }
            if let Some(run) = self.task_mut(i) {
                run.active = None;
                run.status = TaskStatus::Skipped;
                run.unknown = None;
                run.outputs = Vec::new();
            }
            self.state.next = Some(self.following(i, following));
            return Ok(());
        }
        let failed = self.loop_state(i).map(|s| failed_items(&s.entries)).unwrap_or_default();
        let items = chosen_items(&failed, signal.items)?;
        self.leave_failure(cx);
        if let Some(state) = self.loop_mut(i) {
            for number in items {
                state.unknown.remove(&number);
                let entry = state.entries.get_mut((number as usize).wrapping_sub(1)).and_then(Option::as_mut);
                if let Some(entry) = entry {
                    entry.status = TaskStatus::Skipped;
                    state.failed = state.failed.saturating_sub(1);
                }
            }
            reopen(state);
        }
        self.reopen_loop(i);
        Ok(())
    }

    fn leave_failure(&mut self, cx: &mut Cx<'_>) {
        self.state.hold = None;
        // The text of a failure that a handler took before stays: it still fails the run.
        if !self.state.failed {
            self.state.failure = None;
        }
        self.tell_status(cx, ExecutionStatus::Running, None);
    }

    fn reopen_loop(&mut self, i: usize) {
        self.state.current = Some(i);
        if let Some(run) = self.task_mut(i) {
            (run.status, run.ended, run.message) = (TaskStatus::Running, None, None);
        }
        self.state.pump = Some(i);
    }

    fn pause(&mut self) -> SignalOutcome {
        if self.state.paused {
            return conflict("the execution is paused already");
        }
        self.state.paused = true;
        Ok(())
    }

    fn resume(&mut self, cx: &mut Cx<'_>) -> SignalOutcome {
        if !self.state.paused {
            return conflict("the execution is not paused");
        }
        self.state.paused = false;
        if let Some(Hold::Paused(i)) = self.state.hold.clone() {
            self.state.hold = None;
            self.tell_status(cx, ExecutionStatus::Running, None);
            self.state.next = Some(Next::Task(i));
        } else if let Some(i) = self.state.current.filter(|i| self.loop_state(*i).is_some()) {
            self.state.pump = Some(i);
        }
        Ok(())
    }

    fn trigger_by_hand(&mut self, cx: &mut Cx<'_>, message: &Value) -> SignalOutcome {
        let fired = self.state.current == Some(0) && self.plan.has_trigger() && self.fire(cx, 0, None, message.clone());
        if fired { Ok(()) } else { conflict("the execution does not wait for a trigger") }
    }

    fn update_parameters(&mut self, cx: &mut Cx<'_>, parameters: &Value) -> SignalOutcome {
        if !(self.plan.has_trigger() && self.state.firing.is_none()) {
            return conflict("only a waiting trigger takes new parameters");
        }
        crate::machine::bind_parameters(&self.plan, &merge(&self.state.given, parameters))
            .map_err(|e| ("InvalidParameter", e.to_string()))?;
        // A handle of its own: the record of the start still leads to the old value.
        self.tell_secrets(cx.shared, parameters, &format!("@{}", cx.at.as_millis()));
        self.state.given = merge(&self.state.given, parameters);
        Ok(())
    }
}

fn merge(given: &Value, extra: &Value) -> Value {
    let mut map = given.as_map().cloned().unwrap_or_default();
    map.extend(extra.as_map().cloned().unwrap_or_default());
    Value::from(map)
}

/// Items that count as errors: failed ones, and those whose child was cancelled by itself.
fn failed_items(entries: &[Option<Entry>]) -> Vec<u32> {
    let counts = |e: &Entry| matches!(e.status, TaskStatus::Failed | TaskStatus::Cancelled);
    let numbered = entries.iter().zip(1_u32..);
    numbered.filter(|(e, _)| e.as_ref().is_some_and(counts)).map(|(_, n)| n).collect()
}

/// The failed items that a decision is for: those named, each once, or all.
fn chosen_items(failed: &[u32], named: &[u32]) -> Result<Vec<u32>, (&'static str, String)> {
    if let Some(other) = named.iter().find(|n| !failed.contains(n)) {
        return Err(("EntityNotExists.TaskExecution", format!("item {other} has not failed")));
    }
    Ok(failed.iter().copied().filter(|n| named.is_empty() || named.contains(n)).collect())
}

/// Items that were given up because of too many errors may start after all.
fn reopen(state: &mut crate::machine::state::LoopState) {
    let next = state.next;
    let base = state.run_base;
    let given_up = |slot: &&mut Option<Entry>| slot.as_ref().is_some_and(|e| e.run <= base);
    state.entries.iter_mut().skip(next).filter(given_up).for_each(|slot| *slot = None);
    state.first_failure = None;
    state.recount();
}
