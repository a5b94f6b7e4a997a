//! Attempts of work actions: launch, result, retry.

use std::sync::Arc;

use super::{Cx, Machine, Out};
use crate::{
    Limits, Timestamp, Value,
    ids::StepKey,
    machine::{
        Effect, Extract, ExtractKind, StepResult, TaskStatus,
        scope::Evaluation,
        state::{Phase, Point},
    },
    plan::{SelectorPlan, TaskPlan},
    ports::{
        action::{ActionError, ActionErrorKind},
        control::{ControlEvent, Purpose, Wait, WaitingFor},
        event::EventKind,
    },
    selector::{SelectorError, wrap},
};

impl Machine {
    /// Starts the present attempt of a work step.
    pub(super) fn launch(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, task: &TaskPlan) {
        let Some(started) = self.step(i, item).map(|s| s.started) else { return };
        let extract = match self.extract(cx, i, item, task, started) {
            Ok(extract) => extract,
            Err(stop) => {
                if let Some(error) = self.need(cx, started, Point::Step(i, item), stop) {
                    self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
                }
                return;
            }
        };
        let action = task.action.clone();
        self.send_run(cx, i, item, action, extract);
        if let Some(step) = self.step_mut(i, item) {
            step.phase = Phase::Running;
        }
    }

    pub(in crate::machine) fn send_run(
        &self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        action: crate::ActionName,
        extract: Arc<Extract>,
    ) {
        let (Some(key), Some(step)) = (self.key(i, item), self.step(i, item)) else { return };
        cx.out.push(Out::Effect(Effect::Run {
            path: self.path.clone(),
            token_run: step.token.run,
            answers: step.token.answers,
            key,
            action,
            properties: step.properties.clone(),
            role: self.state.role.clone(),
            extract,
            started: step.started,
        }));
    }

    /// Sends the message of a control action through the work action that `ACS::Notify` is.
    pub(super) fn send_message(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, message: Value) {
        if let Some(step) = self.step_mut(i, item) {
            step.phase = Phase::Notifying;
            step.properties = message;
        }
        self.send_run(cx, i, item, crate::ActionName::new("ACS::Notify"), Self::message_extract());
    }

    /// Of the answer to a message all is kept.
    pub(in crate::machine) fn message_extract() -> Arc<Extract> {
        Arc::new(Extract { outputs: Vec::new(), keep_document: true })
    }

    /// The selectors of a task with their references substituted.
    pub(in crate::machine) fn extract(
        &self,
        cx: &Cx<'_>,
        i: usize,
        item: Option<u32>,
        task: &TaskPlan,
        at: Timestamp,
    ) -> Result<Arc<Extract>, Evaluation> {
        if let Some(extract) = &task.extract {
            return Ok(extract.clone());
        }
        let value = self.item_value(i, item);
        let mut outputs = Vec::with_capacity(task.outputs.len());
        for output in &task.outputs {
            let kind = match &output.selector {
                SelectorPlan::Fixed(selector) => ExtractKind::Selector(selector.clone()),
                SelectorPlan::Value(expr) => ExtractKind::Value(self.evaluate(cx.shared, at, value, expr)?),
                SelectorPlan::Text(expr) => {
                    let text = self.evaluate(cx.shared, at, value, expr)?.to_text();
                    match cx.shared.selectors.selector(&text) {
                        Ok(selector) => ExtractKind::Selector(selector),
                        Err(error) => ExtractKind::Failed(selector_error(task, output.name.as_str(), &error)),
                    }
                }
            };
            outputs.push((output.name.text().clone(), output.value_type, kind));
        }
        Ok(Arc::new(Extract { outputs, keep_document: task.keep_document }))
    }

    pub(super) fn outcome(&mut self, cx: &mut Cx<'_>, key: &StepKey, result: StepResult) -> bool {
        let Some((i, item)) = self.find(key) else { return false };
        match self.step(i, item).map(|s| s.phase.clone()) {
            Some(Phase::Running) => self.answered(cx, i, item, result),
            Some(Phase::Notifying) => {
                let event = match result {
                    StepResult::Done { document, .. } => ControlEvent::Notified(Ok(document)),
                    StepResult::Failed(error) | StepResult::NotYet { otherwise: error, .. } => {
                        ControlEvent::Notified(Err(error))
                    }
                    StepResult::Stopped => return true,
                };
                self.decide(cx, i, item, cx.at, event);
            }
            Some(Phase::Stopping(_)) => self.stopped(cx, i, item),
            // Nobody delivers what the step listens for.
            Some(Phase::Waiting(Wait { rule: Some(_), .. })) => match result {
                StepResult::Failed(error) => self.fail_step(cx, i, item, error),
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    fn answered(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, result: StepResult) {
        match result {
            StepResult::Done { outputs, document } => {
                self.end_step(cx, i, item, TaskStatus::Success, None, outputs, document);
            }
            StepResult::NotYet { observed, otherwise } => {
                let reason = format!("not yet: {observed}").into();
                let error = || self.exhausted(i, item, cx.at, otherwise);
                match self.retry_at(i, item, cx.at) {
                    Some(until) => self.retry(cx, i, item, until, reason),
                    None => {
                        let error = error();
                        self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
                    }
                }
            }
            StepResult::Failed(error) => {
                let until = self.retry_at(i, item, cx.at).filter(|_| may_retry(&error));
                match until {
                    Some(until) => self.retry(cx, i, item, until, error.to_string().into()),
                    None => self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null),
                }
            }
            StepResult::Stopped => {
                self.end_step(cx, i, item, TaskStatus::Cancelled, None, Vec::new(), Value::Null);
            }
        }
    }

    /// The instant of the next attempt; `None` when no retry is left.
    fn retry_at(&self, i: usize, item: Option<u32>, at: Timestamp) -> Option<Timestamp> {
        let step = self.step(i, item)?;
        (step.attempt <= step.policy.retries).then(|| at + step.policy.interval(step.attempt))
    }

    fn retry(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, until: Timestamp, reason: Arc<str>) {
        let Some(key) = self.key(i, item) else { return };
        cx.out.push(Out::Event(EventKind::Retrying { key, until, reason }));
        if let Some(step) = self.step_mut(i, item) {
            step.attempt += 1;
            step.token.answers += 1;
            step.phase = Phase::Retrying(until);
        }
        let Some(key) = self.key(i, item) else { return };
        cx.out.push(Out::Effect(Effect::Wake { path: self.path.clone(), key, purpose: Purpose::Retry, at: until }));
    }

    /// The error of a wait that was not fulfilled: its message may name `{retries}` and `{seconds}`, which only the
    /// machine knows.
    fn exhausted(&self, i: usize, item: Option<u32>, at: Timestamp, mut error: ActionError) -> ActionError {
        if let Some(step) = self.step(i, item) {
            let seconds = at.since(step.started).as_secs();
            let message = error.message.replace("{retries}", &(step.attempt - 1).to_string());
            error.message = message.replace("{seconds}", &seconds.to_string()).into();
        }
        error
    }

    pub(super) fn woke(&mut self, cx: &mut Cx<'_>, key: &StepKey, purpose: Purpose, scheduled: Timestamp) -> bool {
        let Some((i, item)) = self.find(key) else { return false };
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return false };
        match (self.step(i, item).map(|s| s.phase.clone()), purpose) {
            (Some(Phase::Retrying(_)), Purpose::Retry) => self.launch(cx, i, item, task),
            (Some(Phase::Stopping(_)), Purpose::Grace) => self.stopped(cx, i, item),
            (Some(Phase::Waiting(wait)), _) if wait.timers.contains(&(purpose, scheduled)) => {
                self.decide(cx, i, item, cx.at, ControlEvent::Woke { purpose, scheduled });
            }
            _ => return false,
        }
        true
    }

    pub(super) fn tell_waiting(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        waiting_for: Option<WaitingFor>,
        until: Option<Timestamp>,
    ) {
        let Some(key) = self.key(i, item) else { return };
        cx.out.push(Out::Event(EventKind::StepWaiting { key, waiting_for, until }));
    }
}

impl Extract {
    /// The outputs of a result document, in order: a pure function, so that the driver may run it off the machine's
    /// turn and record a few bytes instead of the document.
    ///
    /// # Errors
    /// `SelectorError` or `InvalidSelector` naming the output.
    pub fn apply(&self, document: &Value, limits: &Limits) -> Result<Vec<Value>, ActionError> {
        self.outputs
            .iter()
            .map(|(name, value_type, kind)| match kind {
                ExtractKind::Value(value) => Ok(value.clone()),
                ExtractKind::Failed(error) => Err(error.clone()),
                ExtractKind::Selector(selector) => {
                    selector.run(document, limits).map(|results| wrap(*value_type, results)).map_err(|error| {
                        ActionError::new(
                            ActionErrorKind::InvalidProperty,
                            "SelectorError",
                            format!("output `{name}`: {error}"),
                        )
                    })
                }
            })
            .collect()
    }
}

/// The action says which errors may pass (actions.md 20.2); an unknown outcome is never tried again.
fn may_retry(error: &ActionError) -> bool {
    error.retryable && error.kind != ActionErrorKind::UnknownOutcome
}

fn selector_error(task: &TaskPlan, output: &str, error: &SelectorError) -> ActionError {
    let message = format!("task `{}` output `{output}`: {error}", task.name);
    ActionError::new(ActionErrorKind::InvalidProperty, "InvalidSelector", message)
}
