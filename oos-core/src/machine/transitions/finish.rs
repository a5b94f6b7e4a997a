//! Ends: of a step, a task, a run.

use super::{Cx, Machine, Out, looping::is_unknown};
use crate::{
    Map, Timestamp, Value,
    ids::StepKey,
    machine::{
        ExecutionStatus, Mode, TaskStatus, UnknownOutcome,
        scope::Evaluation,
        state::{Active, CancelState, Hold, Next, Point},
    },
    plan::{Following, VisibleKind},
    ports::{action::ActionError, control::WaitingFor, event::EventKind},
    template::ValueType,
};

impl Machine {
    /// Ends a step: of a task without loop, that ends the task; else the item.
    #[expect(clippy::too_many_arguments, reason = "the parts of one end")]
    pub(super) fn end_step(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        status: TaskStatus,
        error: Option<ActionError>,
        outputs: Vec<Value>,
        document: Value,
    ) {
        if let Some(number) = item {
            return self.end_item(cx, i, number, status, error, outputs, document);
        }
        self.tell_ended(cx, i, None, status, error.as_ref(), &outputs);
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return };
        let visible = |outputs: &[Value]| {
            let value = |kind: &VisibleKind| match kind {
                VisibleKind::Output(index) => outputs.get(*index).cloned().unwrap_or_default(),
                VisibleKind::Aggregate { .. } => Value::Null,
            };
            task.visible.iter().map(|v| value(&v.kind)).collect()
        };
        if let Some(run) = self.task_mut(i) {
            run.outputs = if outputs.is_empty() { Vec::new() } else { visible(&outputs) };
            run.document = if task.keep_document { document } else { Value::Null };
        }
        self.end_task(cx, i, status, error, None);
    }

    pub(super) fn tell_ended(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        status: TaskStatus,
        error: Option<&ActionError>,
        outputs: &[Value],
    ) {
        let (Some(key), Some(task)) = (self.key(i, item), self.plan.tasks.get(i)) else { return };
        let names = task.outputs.iter().map(|o| o.name.text().clone());
        let outputs = match outputs {
            [] => Value::Null,
            values => Value::from(names.zip(values.iter().cloned()).collect::<Map>()),
        };
        let message = error.map(|e| e.to_string().into());
        cx.out.push(Out::Event(EventKind::StepEnded { key, status, message, outputs }));
    }

    pub(super) fn skip_task(&mut self, cx: &mut Cx<'_>, i: usize) {
        self.end_task(cx, i, TaskStatus::Skipped, None, None);
    }

    /// Ends a task and says where the run goes on; `goto` overrides where a success leads.
    pub(super) fn end_task(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        status: TaskStatus,
        error: Option<ActionError>,
        goto: Option<Next>,
    ) {
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return };
        let looped = matches!(self.task(i).and_then(|t| t.active.as_ref()), Some(Active::Loop(_)));
        let single = matches!(self.task(i).and_then(|t| t.active.as_ref()), Some(Active::Single(_)));
        let alone = std::mem::take(&mut self.state.step_cancelled) && self.state.cancel == CancelState::No;
        let pauses = status == TaskStatus::Failed && self.pauses_on_failure(task.on_error, error.as_ref());
        let unknown = match self.task(i).and_then(|t| t.active.as_ref()) {
            Some(Active::Single(step)) if pauses && is_unknown(error.as_ref()) => Some(step.token),
            _ => None,
        };
        let at = cx.at;
        let Some(run) = self.task_mut(i) else { return };
        let key = StepKey { task: task.name.clone(), run: run.run, item: None, attempt: 1 };
        (run.status, run.ended) = (status, Some(at));
        run.message = error.as_ref().map(|e| e.to_string().into());
        run.unknown = unknown;
        if !(pauses && looped) {
            run.active = None;
        }
        if !single {
            // A step tells by itself; a loop, or a task that never became a step, is told here.
            let message = run.message.clone();
            let outputs = if looped { self.visible_outputs(i) } else { Value::Null };
            cx.out.push(Out::Event(EventKind::StepEnded { key, status, message, outputs }));
        }
        self.state.current = if pauses { Some(i) } else { None };
        match status {
            // The tasks after a trigger belong to its firings: at the end date the parent ends (actions.md 17.1).
            TaskStatus::Success if self.is_trigger_parent(i) => self.state.next = Some(Next::Finish),
            TaskStatus::Success => {
                self.state.next = Some(goto.unwrap_or_else(|| self.following(i, task.on_success)));
            }
            TaskStatus::Skipped => self.state.next = Some(self.following(i, Following::Next)),
            // Debug: a cancelled task leads back to Waiting (service-model 3.2).
            TaskStatus::Cancelled if alone => {
                let next = Some(i + 1).filter(|next| *next < plan.tasks.len());
                self.hold(cx, Hold::DebugStep(next), WaitingFor::DebugStep);
            }
            TaskStatus::Cancelled => {
                self.state.cancelled = true;
                let next = self.following(i, task.on_cancel);
                self.state.next = Some(if self.state.cancel == CancelState::Twice { Next::Finish } else { next });
                // What comes now is clean-up; only another cancel stops it.
                if task.on_cancel == Following::End {
                    self.state.next = Some(Next::Finish);
                } else if self.state.cancel == CancelState::Once {
                    self.state.cancel = CancelState::No;
                }
            }
            _ => self.failed_task(cx, i, error.unwrap_or_else(|| ActionError::failed("TaskFailed", "the task failed"))),
        }
    }

    pub(super) fn visible_outputs(&self, i: usize) -> Value {
        let (Some(task), Some(run)) = (self.plan.tasks.get(i), self.task(i)) else { return Value::Null };
        if run.outputs.is_empty() {
            return Value::Null;
        }
        Value::from(
            task.visible.iter().map(|v| v.name.text().clone()).zip(run.outputs.iter().cloned()).collect::<Map>(),
        )
    }

    /// FailurePause stops after a failure that no OnError names a handler for (service-model 3.3); an engine may want
    /// that for unknown outcomes in every mode.
    fn pauses_on_failure(&self, on_error: Following, error: Option<&ActionError>) -> bool {
        let asks = self.settings.unknown_outcome == UnknownOutcome::Pause && is_unknown(error);
        (self.settings.mode == Mode::FailurePause || asks)
            && on_error == Following::End
            && self.state.cancel == CancelState::No
            && !self.state.cancelled
    }

    fn failed_task(&mut self, cx: &mut Cx<'_>, i: usize, error: ActionError) {
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return };
        let handled = task.on_error != Following::End;
        if self.pauses_on_failure(task.on_error, Some(&error)) {
            self.set_failure(Some(&task.name), &error);
            return self.hold(cx, Hold::Failure(i), WaitingFor::FailureDecision);
        }
        let counts = !handled || (task.critical && !self.settings.forgive_handled);
        if counts {
            self.state.failed = true;
            self.set_failure(Some(&task.name), &error);
        }
        self.state.next = Some(self.following(i, task.on_error));
    }

    /// The end of the run. In Debug mode the last task, like each, leads back to Waiting: people say how it ends
    /// (service-model 3.2). Children end by themselves, and so do cancelled runs and triggers.
    pub(super) fn reach_end(&mut self, cx: &mut Cx<'_>) {
        let debugged = self.settings.mode == Mode::Debug && self.path.is_root() && !self.plan.has_trigger();
        if debugged && self.state.cancel == CancelState::No && !self.state.cancelled {
            return self.hold(cx, Hold::DebugStep(None), WaitingFor::DebugStep);
        }
        self.finish(cx, cx.at);
    }

    /// Ends the run because something outside a task failed.
    pub(super) fn fail_run(&mut self, cx: &mut Cx<'_>, error: &ActionError) {
        self.set_failure(None, error);
        self.state.failed = true;
        self.state.next = None;
        self.finish(cx, cx.at);
    }

    /// Evaluates the outputs and ends the run.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>, at: Timestamp) {
        self.state.current = None;
        self.state.finishing = !self.state.failed && !self.state.cancelled;
        // A trigger's end does not hang on outputs of tasks that only its firings run (actions.md 17.1).
        let good = !self.state.failed && !self.state.cancelled && !self.is_trigger_parent(0);
        match self.final_outputs(cx, at, good) {
            Ok(outputs) => self.state.outputs = outputs,
            Err(stop) => match self.need(cx, at, Point::Finish(good), stop) {
                Some(error) => {
                    self.set_failure(None, &error);
                    self.state.failed = true;
                    self.state.outputs = self.final_outputs(cx, at, false).unwrap_or_default();
                }
                None => return,
            },
        }
        let status = match (self.state.cancelled, self.state.failed) {
            (true, _) => ExecutionStatus::Cancelled,
            (false, true) => ExecutionStatus::Failed,
            (false, false) => ExecutionStatus::Success,
        };
        self.end(cx, status);
    }

    pub(super) fn end(&mut self, cx: &mut Cx<'_>, status: ExecutionStatus) {
        self.state.status = status;
        self.state.ended = Some(cx.at);
        (self.state.hold, self.state.next, self.state.pump) = (None, None, None);
        self.state.blocked.clear();
        let message = self.state.failure.as_ref().map(|f| f.error.to_string().into());
        let outputs = self.state.outputs.clone();
        cx.out.push(Out::Event(EventKind::ExecutionEnded { status, outputs, message }));
        cx.out.push(Out::End);
    }

    /// Outputs of the run: an error fails a run that was a success, and gives null otherwise (template-language 5.5).
    pub(super) fn final_outputs(&self, cx: &Cx<'_>, at: Timestamp, strict: bool) -> Result<Value, Evaluation> {
        if self.outer.is_some() {
            return Ok(self.inner_outputs(cx, at));
        }
        let mut outputs = Map::with_capacity(self.plan.outputs.len());
        for output in &self.plan.outputs {
            let value = match self.evaluate(cx.shared, at, None, &output.value) {
                Ok(value) => value,
                Err(Evaluation::Failed(_)) if !strict => Value::Null,
                Err(stop @ Evaluation::Need(_)) => return Err(stop),
                Err(Evaluation::Failed(error)) => {
                    let message = format!("output `{}`: {}", output.name, error.message);
                    return Err(Evaluation::Failed(ActionError { message: message.into(), ..error }));
                }
            };
            outputs.insert(output.name.text().clone(), typed(output.value_type, value, strict));
        }
        Ok(Value::from(outputs))
    }

    /// Outputs of an item of `ACS::Loop`: those of the loop task, whose selectors are references to inner tasks.
    fn inner_outputs(&self, cx: &Cx<'_>, at: Timestamp) -> Value {
        let values = self.plan.outputs.iter().map(|o| {
            let value = self.evaluate(cx.shared, at, None, &o.value).unwrap_or_default();
            (o.name.text().clone(), typed(o.value_type, value, true))
        });
        Value::from(values.collect::<Map>())
    }
}

/// `Type` of a template output: `List` makes a list of one out of anything else, other types do nothing
/// (template-language 8). On a failed run an absent value stays null.
fn typed(value_type: ValueType, value: Value, strict: bool) -> Value {
    match (value_type, &value) {
        (ValueType::List, Value::List(_)) => value,
        (ValueType::List, Value::Null) if !strict => value,
        (ValueType::List, _) => Value::from(vec![value]),
        _ => value,
    }
}
