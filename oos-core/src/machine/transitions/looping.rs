//! Loops: which item starts, what an ended item leaves, how a loop ends (machine.md 5).

use super::{Cx, Machine, Out};
use crate::{
    Timestamp, Value,
    expr::FunctionContext,
    ids::StepKey,
    machine::{
        Mode, TaskStatus,
        rate::{PauseOption, Rate},
        scope::expr_error,
        state::{Active, CancelState, Entry, LoopState, Step},
    },
    plan::{TaskPlan, VisibleKind},
    ports::{
        action::{ActionError, ActionErrorKind},
        control::WaitingFor,
        event::{EventKind, LoopCounts},
    },
    selector::wrap,
};

impl Rate {
    /// `LoopMode` of the start and the mode of the execution, which go before the template (service-model 3.4).
    pub(super) fn apply_start_options(&mut self, loop_mode: crate::machine::LoopMode, mode: Mode) {
        match loop_mode {
            crate::machine::LoopMode::Automatic => {}
            crate::machine::LoopMode::FirstBatchPause => self.pause = PauseOption::FirstBatchPause,
            crate::machine::LoopMode::EveryBatchPause => self.pause = PauseOption::EveryBatchPause,
        }
        if mode == Mode::Debug {
            self.windows = vec![1];
        }
    }
}

impl LoopState {
    /// The dispatch rule: true while another item may start.
    fn may_start(&self) -> bool {
        // Items that are run again are no larger batch than the author allowed.
        let window = self.rate.window(self.batch);
        let window = self.rate.batch_size(self.batch).map_or(window, |size| size.min(window)) as usize;
        !self.pausing
            && self.running.len() < window
            // What people want to run again runs, however many others have failed.
            && (!self.again.is_empty() || (self.failed <= self.rate.max_errors && self.next < self.batch_end))
    }

    /// True when no item runs and none will start.
    fn is_over(&self, stop: bool) -> bool {
        let enough = self.failed > self.rate.max_errors || self.next >= self.items.len();
        self.running.is_empty() && (stop || (self.again.is_empty() && enough))
    }

    /// True when the batch has ended and items are left.
    fn batch_ended(&self) -> bool {
        self.running.is_empty() && self.again.is_empty() && self.next >= self.batch_end && self.next < self.items.len()
    }

    /// Opens the next batch.
    pub(super) fn open_batch(&mut self) {
        self.pausing = false;
        self.batch += 1;
        let size = self.rate.batch_size(self.batch).map_or(self.items.len(), |s| s as usize);
        self.batch_end = (self.next + size).min(self.items.len());
    }

    /// Numbers of items by state.
    pub(crate) fn counts(&self) -> LoopCounts {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut counts = self.tally;
        (counts.total, counts.running) = (small(self.items.len()), small(self.running.len()));
        let ended = counts.success + counts.failed + counts.cancelled + counts.skipped;
        counts.pending = counts.total.saturating_sub(counts.running + ended);
        counts
    }

    fn tally(&mut self, status: TaskStatus) {
        match status {
            TaskStatus::Success => self.tally.success += 1,
            TaskStatus::Failed => self.tally.failed += 1,
            TaskStatus::Cancelled => self.tally.cancelled += 1,
            _ => self.tally.skipped += 1,
        }
    }

    /// Counts the entries anew, after some were taken back.
    pub(in crate::machine) fn recount(&mut self) {
        self.tally = LoopCounts::default();
        let statuses: Vec<TaskStatus> = self.entries.iter().flatten().map(|e| e.status).collect();
        statuses.into_iter().for_each(|status| self.tally(status));
    }
}

impl Machine {
    /// Starts items while the rule allows it, ends the loop when it is over.
    pub(super) fn dispatch(&mut self, cx: &mut Cx<'_>, i: usize) {
        let stop = self.state.cancel != CancelState::No;
        let hold = self.state.paused;
        let Some(state) = self.loop_mut(i) else { return };
        state.pass_kept();
        if state.is_over(stop) {
            return self.end_loop(cx, i);
        }
        if state.batch_ended() {
            if state.rate.pauses_after(state.batch) && !state.pausing {
                state.pausing = true;
                return self.tell_batch(cx, i);
            }
            if state.pausing {
                return;
            }
            state.open_batch();
        }
        if stop || hold || !self.loop_state(i).is_some_and(LoopState::may_start) {
            return;
        }
        self.start_item(cx, i);
        self.state.pump = Some(i);
    }

    fn tell_batch(&mut self, cx: &mut Cx<'_>, i: usize) {
        let (Some(task), Some(run)) = (self.plan.tasks.get(i), self.task(i)) else { return };
        let key = StepKey { task: task.name.clone(), run: run.run, item: None, attempt: 1 };
        cx.out.push(Out::Event(EventKind::StepWaiting { key, waiting_for: Some(WaitingFor::Batch), until: None }));
    }

    fn start_item(&mut self, cx: &mut Cx<'_>, i: usize) {
        let at = cx.at;
        let Some(state) = self.loop_mut(i) else { return };
        let number = match state.again.pop_front() {
            Some(number) => number,
            None => {
                state.next += 1;
                u32::try_from(state.next).unwrap_or(u32::MAX)
            }
        };
        let before = state.entries.get_mut(number as usize - 1).and_then(Option::take);
        let run = before.as_ref().map_or(state.run_base, |e| e.run) + 1;
        if before.is_some() {
            state.recount();
        }
        let mut step = Step::new(run, at);
        step.token = state.unknown.remove(&number).unwrap_or(step.token);
        state.running.insert(number, step);
        if let Some(task) = self.task_mut(i) {
            task.item_run = task.item_run.max(run);
        }
        self.tell_started(cx, i, Some(number));
        self.evaluate_step(cx, i, Some(number), at);
    }

    /// Ends an item: what stays is its entry.
    #[expect(clippy::too_many_arguments, reason = "the parts of one end")]
    pub(super) fn end_item(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        number: u32,
        status: TaskStatus,
        error: Option<ActionError>,
        outputs: Vec<Value>,
        document: Value,
    ) {
        self.tell_ended(cx, i, Some(number), status, error.as_ref(), &outputs);
        let keep = self.plan.tasks.get(i).is_some_and(|t| t.keep_document);
        let cancelling = self.state.cancel != CancelState::No;
        let at = cx.at;
        let Some(state) = self.loop_mut(i) else { return };
        let Some(step) = state.running.remove(&number) else { return };
        // A child that was cancelled by itself is an error of the loop (template-language 5.5).
        let is_error = status == TaskStatus::Failed || (status == TaskStatus::Cancelled && !cancelling);
        if is_unknown(error.as_ref()) {
            state.unknown.insert(number, step.token);
        }
        if is_error {
            state.failed += 1;
            if state.first_failure.is_none() {
                state.first_failure = error.map(|e| format!("item {number}: {e}").into());
            }
        }
        let outputs = if keep { outputs.into_iter().chain([document]).collect() } else { outputs.into() };
        if let Some(slot) = state.entries.get_mut(number as usize - 1) {
            *slot = Some(Entry { status, run: step.run, outputs, ended: at });
        }
        state.tally(status);
        self.tell_progress(cx, i);
        self.state.pump = Some(i);
    }

    /// Progress of a loop, at most ten times a second (service-model 8).
    fn tell_progress(&mut self, cx: &mut Cx<'_>, i: usize) {
        const EVERY: std::time::Duration = std::time::Duration::from_millis(100);
        let (at, plan) = (cx.at, self.plan.clone());
        let (Some(state), Some(task)) = (self.loop_mut(i), plan.tasks.get(i)) else { return };
        if at.since(state.told) < EVERY {
            return;
        }
        state.told = at;
        let counts = state.counts();
        cx.out.push(Out::Event(EventKind::LoopProgress { task: task.name.clone(), counts }));
    }

    fn end_loop(&mut self, cx: &mut Cx<'_>, i: usize) {
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return };
        let cancelled = self.state.cancel != CancelState::No;
        let aggregates = self.aggregates(cx, i, task);
        let Some(state) = self.loop_mut(i) else { return };
        let (failed, budget) = (state.failed, state.rate.max_errors);
        // Items that will never start are Skipped after too many errors, Cancelled after a cancel.
        let rest = if cancelled { TaskStatus::Cancelled } else { TaskStatus::Skipped };
        let now = cx.at;
        fill(state, rest, now);
        let counts = state.counts();
        let (first, unknown) = (state.first_failure.clone(), !state.unknown.is_empty());
        cx.out.push(Out::Event(EventKind::LoopProgress { task: task.name.clone(), counts }));
        let (status, error) = match aggregates {
            _ if cancelled => (TaskStatus::Cancelled, None),
            Err(error) => (TaskStatus::Failed, Some(error)),
            Ok(_) if failed > budget => {
                (TaskStatus::Failed, Some(too_many(failed, budget, counts, first.as_deref(), unknown)))
            }
            Ok(_) => (TaskStatus::Success, None),
        };
        // Both ways the aggregates are the task's outputs (machine.md 5).
        let outputs = self.aggregates(cx, i, task).unwrap_or_default();
        let documents = self.documents(i, task);
        if status == TaskStatus::Success {
            if let Some(run) = self.task_mut(i) {
                run.remains = crate::machine::Kept::default();
            }
        } else {
            self.leave_items(i);
        }
        if let Some(run) = self.task_mut(i) {
            run.outputs = outputs;
            run.document = documents;
        }
        self.end_task(cx, i, status, error, None);
    }

    /// The raw result of a looped task: the list of the items' raw results (template-language 3.6).
    fn documents(&self, i: usize, task: &TaskPlan) -> Value {
        if !task.keep_document {
            return Value::Null;
        }
        let entries = self.loop_state(i).map(|s| s.entries.as_slice()).unwrap_or_default();
        entries.iter().map(|e| e.as_ref().and_then(|e| e.outputs.last().cloned()).unwrap_or_default()).collect()
    }

    fn aggregates(&self, cx: &Cx<'_>, i: usize, task: &TaskPlan) -> Result<Vec<Value>, ActionError> {
        let Some(state) = self.loop_state(i) else { return Ok(Vec::new()) };
        let context = FunctionContext { now: cx.at, limits: &cx.shared.limits, selectors: &cx.shared.selectors };
        task.visible
            .iter()
            .map(|visible| match &visible.kind {
                VisibleKind::Output(_) => Ok(Value::Null),
                VisibleKind::Aggregate { field, raw, function } => {
                    let values = state.entries.iter().map(|e| item_value(e.as_ref(), *field, raw.as_ref(), cx));
                    function.aggregate(&values.collect::<Vec<_>>(), &context).map_err(|e| {
                        let error = expr_error(&e);
                        let message = format!("aggregate `{}`: {}", visible.name, error.message);
                        ActionError { message: message.into(), ..error }
                    })
                }
            })
            .collect()
    }
}

/// The value that an item adds to an aggregate; null when it failed, was skipped or never started.
fn item_value(
    entry: Option<&Entry>,
    field: Option<usize>,
    raw: Option<&crate::selector::Selector>,
    cx: &Cx<'_>,
) -> Value {
    let Some(entry) = entry.filter(|e| e.status == TaskStatus::Success) else { return Value::Null };
    match (field, raw) {
        (Some(index), _) => entry.outputs.get(index).cloned().unwrap_or_default(),
        (None, Some(selector)) => {
            let document = entry.outputs.last().cloned().unwrap_or_default();
            let results = selector.run(&document, &cx.shared.limits).unwrap_or_default();
            wrap(crate::template::ValueType::String, results)
        }
        (None, None) => Value::Null,
    }
}

fn fill(state: &mut LoopState, status: TaskStatus, at: Timestamp) {
    let base = state.run_base;
    for slot in state.entries.iter_mut().filter(|s| s.is_none()) {
        *slot = Some(Entry { status, run: base, outputs: Box::default(), ended: at });
    }
    state.recount();
}

fn too_many(failed: u32, budget: u32, counts: LoopCounts, first: Option<&str>, unknown: bool) -> ActionError {
    let first = first.map(|f| format!("; first: {f}")).unwrap_or_default();
    let message = format!("{failed} of {} items failed, at most {budget} may{first}", counts.total);
    // The kind tells that a person may have to look: one of the failures may have been a success.
    let kind = if unknown { ActionErrorKind::UnknownOutcome } else { ActionErrorKind::Service };
    ActionError::new(kind, "LoopMaxErrorsExceeded", message)
}

pub(super) fn is_unknown(error: Option<&ActionError>) -> bool {
    error.is_some_and(|e| e.kind == ActionErrorKind::UnknownOutcome)
}

impl Active {
    /// Counts of a loop.
    pub(crate) fn counts(&self) -> Option<LoopCounts> {
        match self {
            Self::Loop(state) => Some(state.counts()),
            Self::Single(_) => None,
        }
    }
}
