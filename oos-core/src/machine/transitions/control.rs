//! Control actions: their decisions, and what the machine does about them.

use super::{Cx, Machine, Out};
use crate::{
    TaskName, Timestamp, Value,
    expr::{Expr, ExprKind},
    ids::StepKey,
    machine::{
        Effect, ExecutionStatus, TaskStatus,
        scope::{Evaluation, Shared},
        state::{Next, Phase, Point},
    },
    plan::{TaskKind, TaskPlan},
    ports::{
        action::ActionError,
        control::{ControlContext, ControlError, ControlEvent, Decision, LazyProperties, Purpose, Wait},
        trigger::Rule,
    },
};

impl Machine {
    /// Asks a control action what to do about an event, and does it.
    pub(super) fn decide(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, at: Timestamp, event: ControlEvent) {
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return };
        let TaskKind::Control(action) = &task.kind else { return };
        self.note_firing(i, item, &event, at);
        let Some(step) = self.step_mut(i, item) else { return };
        step.history.push((at, event.clone()));
        let decision = {
            let Some(step) = self.step(i, item) else { return };
            let lazy = Lazy { machine: self, shared: cx.shared, task, at, item: self.item_value(i, item) };
            let context = ControlContext {
                execution: &self.id,
                task: &task.name,
                properties: &step.properties,
                lazy: &lazy,
                now: at,
                entered: step.started,
                history: &step.history,
            };
            action.decide(&context, &event)
        };
        match decision {
            Ok(decision) => self.carry_out(cx, i, item, task, decision),
            Err(ControlError::Failed(error)) => self.fail_step(cx, i, item, error),
            Err(ControlError::Need(names)) => {
                if let Some(step) = self.step_mut(i, item) {
                    step.history.pop();
                }
                self.block(cx, at, Point::Decide(i, item, event), names);
            }
        }
    }

    /// The end of a firing is the start of a new run of the trigger task, with a short history: it may fire for years.
    fn note_firing(&mut self, i: usize, item: Option<u32>, event: &ControlEvent, at: Timestamp) {
        let ControlEvent::ChildEnded { status, outputs, error } = event else { return };
        if !self.is_trigger_parent(i) {
            return;
        }
        let mut trigger = self.state.trigger.as_map().cloned().unwrap_or_default();
        trigger.insert("LastTriggerTime", at.to_iso());
        trigger.insert("LastTriggerStatus", status.as_str());
        trigger.insert("LastTriggerStatusMessage", error.as_ref().map(ToString::to_string));
        trigger.insert("LastTriggerOutputs", outputs.clone());
        if *status == ExecutionStatus::Success {
            trigger.insert("LastSuccessfulTriggerTime", at.to_iso());
        }
        self.state.trigger = Value::from(trigger);
        let Some(step) = self.step_mut(i, item) else { return };
        step.run += 1;
        step.token.run = step.run;
        // Entered tells rates where they began, the last Woke which instants were missed.
        let woke = step.history.iter().rposition(|(_, e)| matches!(e, ControlEvent::Woke { .. })).filter(|i| *i > 0);
        let woke = woke.map(|i| step.history.remove(i));
        step.history.truncate(1);
        step.history.extend(woke);
        let run = step.run;
        if let Some(task) = self.task_mut(i) {
            task.run = run;
        }
    }

    /// True for the trigger task of an execution that is not itself a firing.
    pub(in crate::machine) fn is_trigger_parent(&self, i: usize) -> bool {
        i == 0 && self.state.firing.is_none() && self.plan.has_trigger()
    }

    pub(super) fn fail_step(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, error: ActionError) {
        self.release(cx, i, item);
        self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
    }

    fn carry_out(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, task: &TaskPlan, decision: Decision) {
        match decision {
            Decision::Done(document) => {
                self.release(cx, i, item);
                self.take_document(cx, i, item, task, document);
            }
            Decision::Goto(target) => {
                self.release(cx, i, item);
                self.goto(cx, i, item, &target);
            }
            Decision::Wait(wait) => self.wait(cx, i, item, wait),
            Decision::Notify(message) => self.send_message(cx, i, item, message),
            Decision::RunChild(request) => {
                // A trigger goes on listening while its child runs: what comes is queued.
                self.release_timers(cx, i, item);
                self.run_child(cx, i, item, request);
            }
            Decision::Fail(error) => self.fail_step(cx, i, item, error),
            Decision::Cancel => {
                self.release(cx, i, item);
                self.end_step(cx, i, item, TaskStatus::Cancelled, None, Vec::new(), Value::Null);
            }
        }
    }

    fn goto(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, target: &TaskName) {
        match crate::plan::jump(&self.plan, target.as_str()) {
            Some(following) => {
                let next = self.following(i, following);
                self.end_step(cx, i, item, TaskStatus::Success, None, Vec::new(), Value::Null);
                self.state.next = Some(next);
            }
            None => {
                let error = ActionError::invalid_property(format!("jump to unknown task `{target}`"));
                self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
            }
        }
    }

    fn wait(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, wait: Wait) {
        self.release_timers(cx, i, item);
        let Some(key) = self.key(i, item) else { return };
        let wake =
            |&(purpose, at)| Out::Effect(Effect::Wake { path: self.path.clone(), key: key.clone(), purpose, at });
        cx.out.extend(wait.timers.iter().map(wake));
        self.subscribe(cx, i, item, &key, wait.rule.as_ref());
        let until = wait.timers.iter().map(|(_, at)| *at).min();
        if self.is_trigger_parent(i) {
            let firing = wait.timers.iter().find(|(purpose, _)| *purpose == Purpose::Firing).map(|(_, at)| at.to_iso());
            let mut trigger = self.state.trigger.as_map().cloned().unwrap_or_default();
            trigger.insert("NextScheduleTime", firing);
            self.state.trigger = Value::from(trigger);
        }
        self.tell_waiting(cx, i, item, wait.waiting_for, until);
        let Some(step) = self.step_mut(i, item) else { return };
        step.phase = Phase::Waiting(wait);
        // Messages that came while a child ran are taken one by one.
        if let Some(event) = step.queue.pop_front() {
            self.decide(cx, i, item, cx.at, event);
        }
    }

    /// Listens by a rule, unless the step does already.
    fn subscribe(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, key: &StepKey, rule: Option<&Rule>) {
        let path = self.path.clone();
        let Some(step) = self.step_mut(i, item) else { return };
        let old = step.subscription.take();
        match (old, rule) {
            (Some((at, there)), Some(rule)) if there == *rule => step.subscription = Some((at, there)),
            (old, rule) => {
                step.subscription = rule.map(|rule| (key.clone(), rule.clone()));
                let subscribe =
                    rule.map(|rule| Effect::Subscribe { path: path.clone(), key: key.clone(), rule: rule.clone() });
                let unsubscribe = old.map(|(key, _)| Effect::Unsubscribe { path, key });
                cx.out.extend(subscribe.into_iter().chain(unsubscribe).map(Out::Effect));
            }
        }
    }

    fn release_timers(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>) {
        let (Some(key), Some(step)) = (self.key(i, item), self.step(i, item)) else { return };
        if matches!(&step.phase, Phase::Waiting(wait) if !wait.timers.is_empty()) {
            cx.out.push(Out::Effect(Effect::Unwake { path: self.path.clone(), key }));
        }
    }

    /// Takes back timers and subscription of a step.
    pub(super) fn release(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>) {
        self.release_timers(cx, i, item);
        let subscribed = self.step_mut(i, item).and_then(|s| s.subscription.take());
        if let Some((key, _)) = subscribed {
            cx.out.push(Out::Effect(Effect::Unsubscribe { path: self.path.clone(), key }));
        }
    }

    /// A message of a subscription, or a firing by hand.
    pub(super) fn fired(&mut self, cx: &mut Cx<'_>, key: &StepKey, message: Value) -> bool {
        // A trigger keeps the subscription of its first run, so the run in the key may be an older one.
        let trigger = self.is_trigger_parent(0) && self.plan.tasks.first().is_some_and(|t| t.name == key.task);
        let Some((i, item)) = (if trigger { Some((0, None)) } else { self.find(key) }) else { return false };
        self.fire(cx, i, item, message)
    }

    pub(super) fn fire(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, message: Value) -> bool {
        /// Messages that may wait while a child runs (actions.md 17.1).
        const QUEUE: usize = 1_000;
        let Some(step) = self.step_mut(i, item) else { return false };
        match step.phase {
            Phase::Waiting(_) => {
                self.decide(cx, i, item, cx.at, ControlEvent::Fired(message));
                true
            }
            Phase::Child if step.queue.len() < QUEUE => {
                step.queue.push_back(ControlEvent::Fired(message));
                true
            }
            _ => false,
        }
    }

    /// Where a step of a control flow leads.
    pub(super) fn following(&self, i: usize, following: crate::plan::Following) -> Next {
        match following {
            crate::plan::Following::Next if i + 1 < self.plan.tasks.len() => Next::Task(i + 1),
            crate::plan::Following::Next | crate::plan::Following::End => Next::Finish,
            crate::plan::Following::Task(t) => Next::Task(t),
        }
    }
}

/// Evaluates lazy properties where the control action asks for them.
struct Lazy<'a> {
    machine: &'a Machine,
    shared: &'a Shared,
    task: &'a TaskPlan,
    at: Timestamp,
    item: Option<&'a Value>,
}

impl Lazy<'_> {
    fn find(&self, path: &[&str]) -> Option<Expr> {
        path.iter().try_fold(self.task.lazy.clone(), |expr, key| match &expr.kind {
            ExprKind::List(list) => list.get(key.parse::<usize>().ok()?).cloned(),
            ExprKind::Literal(Value::List(list)) => list
                .get(key.parse::<usize>().ok()?)
                .map(|v| Expr { kind: ExprKind::Literal(v.clone()), span: expr.span }),
            _ => expr.member(key),
        })
    }
}

impl LazyProperties for Lazy<'_> {
    fn len(&self, path: &[&str]) -> Option<usize> {
        match &self.find(path)?.kind {
            ExprKind::List(list) => Some(list.len()),
            ExprKind::Literal(Value::List(list)) => Some(list.len()),
            _ => self.evaluate(path).ok()?.as_list().map(<[_]>::len),
        }
    }

    fn evaluate(&self, path: &[&str]) -> Result<Value, ControlError> {
        let Some(expr) = self.find(path) else { return Ok(Value::Null) };
        self.machine.evaluate(self.shared, self.at, self.item, &expr).map_err(|stop| match stop {
            Evaluation::Need(names) => ControlError::Need(names),
            Evaluation::Failed(error) => ControlError::Failed(error),
        })
    }
}
