//! Start of a run, entering of tasks and steps.

use std::sync::Arc;

use super::{Cx, Machine, Out};
use crate::{
    Timestamp, Value,
    expr::drop_nulls,
    ids::StepKey,
    machine::{
        ExecutionStatus, Kept, Mode, SafetyCheck, TaskStatus,
        bind::refuse_unknown,
        leaves::same_plan,
        rate::Rate,
        scope::Evaluation,
        state::{Active, CancelState, Hold, LoopState, Next, Phase, Point, Step, TaskRun},
    },
    plan::{RetryPolicy, TaskKind, TaskPlan},
    ports::{
        action::{ActionError, ActionErrorKind, RetryRule},
        control::{ControlEvent, WaitingFor},
        event::{EventKind, LoopCounts},
    },
};

impl Machine {
    pub(super) fn start(&mut self, cx: &mut Cx<'_>, lenient: bool, kept: Kept) -> bool {
        self.state.status = ExecutionStatus::Running;
        self.state.started = cx.at;
        self.state.tasks = vec![TaskRun::default(); self.plan.tasks.len()];
        let template = self.plan.name.as_ref().map(|n| n.text().clone());
        cx.out.push(Out::Event(EventKind::ExecutionStarted { template, parent: self.parent.clone() }));
        self.keep(kept);
        self.tell_secrets(cx.shared, &self.state.given, "");
        if lenient {
            self.drop_unknown();
        }
        match refuse_unknown(&self.plan, &self.state.given) {
            Ok(()) => self.bind_and_go(cx, cx.at),
            Err(error) => self.fail_run(cx, &error),
        }
        true
    }

    fn drop_unknown(&mut self) {
        if let Value::Map(given) = &mut self.state.given {
            let plan = &self.plan;
            Arc::make_mut(given)
                .retain(|key, _| plan.parameters.iter().any(|p| p.name.as_str().eq_ignore_ascii_case(key)));
        }
    }

    /// Marks what an earlier execution already did.
    fn keep(&mut self, kept: Kept) {
        let cursor = kept.cursors.into_iter().next();
        if cursor.as_ref().is_some_and(|c| !same_plan(c, &self.plan.digest)) {
            return;
        }
        let (items, tasks): (Vec<_>, Vec<_>) = kept.steps.into_iter().partition(|k| k.item.is_some());
        self.state.kept = items;
        self.state.goes_on = cursor.map(|c| c.next);
        for step in tasks {
            let Some(i) = self.plan.task_index(step.task.as_str()) else { continue };
            let names: Vec<_> = self.plan.tasks.get(i).map(|t| t.visible.clone()).unwrap_or_default();
            let outputs =
                names.iter().map(|v| step.outputs.get(v.name.as_str()).cloned().unwrap_or_default()).collect();
            if let Some(run) = self.task_mut(i) {
                run.status = step.status;
                run.outputs = outputs;
                run.document = step.document.clone();
            }
        }
    }

    pub(super) fn bind_and_go(&mut self, cx: &mut Cx<'_>, at: Timestamp) {
        match self.bind(cx.shared, at) {
            Ok(parameters) => {
                self.state.parameters = parameters;
                self.tell_bound_secrets(cx.shared);
            }
            Err(stop) => {
                if let Some(error) = self.need(cx, at, Point::Start, stop) {
                    self.fail_run(cx, &error);
                }
                return;
            }
        }
        match self.own_role(cx, at) {
            Ok(role) => self.state.role = role,
            Err(stop) => {
                if let Some(error) = self.need(cx, at, Point::Start, stop) {
                    self.fail_run(cx, &error);
                }
                return;
            }
        }
        let first = match self.state.firing.clone() {
            Some(message) => self.take_firing(cx, &message, at),
            None => Ok(0),
        };
        match first {
            Ok(first) => self.state.next = Some(self.first_task(first)),
            Err(stop) => {
                if let Some(error) = self.need(cx, at, Point::Start, stop) {
                    self.fail_run(cx, &error);
                }
            }
        }
    }

    /// The role of this run: its own, or the parent's when it names none (template-language 1.2).
    fn own_role(&self, cx: &Cx<'_>, at: Timestamp) -> Result<Arc<str>, Evaluation> {
        let own = match &self.plan.ram_role {
            Some(expr) => self.evaluate(cx.shared, at, None, expr)?.to_text(),
            None => "".into(),
        };
        Ok(if own.trim().is_empty() { self.state.inherited_role.clone() } else { own })
    }

    /// A firing starts at the second task: the trigger task has a record of its own in it, with outputs read from the
    /// message (actions.md 17.1).
    fn take_firing(&mut self, cx: &mut Cx<'_>, message: &Value, at: Timestamp) -> Result<usize, Evaluation> {
        let Some(task) = self.plan.tasks.first().cloned() else { return Ok(0) };
        let taken = self.extract(cx, 0, None, &task, at)?.apply(message, &cx.shared.limits);
        let (status, error, values) = match taken {
            Ok(values) => (TaskStatus::Success, None, values),
            Err(error) => (TaskStatus::Failed, Some(error), Vec::new()),
        };
        let text: Option<Arc<str>> = error.as_ref().map(|e| e.to_string().into());
        if let Some(run) = self.task_mut(0) {
            (run.status, run.run, run.message) = (status, 1, text.clone());
            (run.started, run.ended) = (Some(at), Some(at));
            (run.outputs, run.document) = (values, message.clone());
        }
        let key = StepKey { task: task.name.clone(), run: 1, item: None, attempt: 1 };
        let (action, outputs) = (task.action.text().clone(), self.visible_outputs(0));
        cx.out.push(Out::Event(EventKind::StepStarted { key: key.clone(), action, item: None }));
        cx.out.push(Out::Event(EventKind::StepEnded { key, status, message: text, outputs }));
        error.map_or(Ok(1), |error| Err(Evaluation::Failed(error)))
    }

    /// Where the run begins: where an earlier execution has to go on, else at the first task from `i` on that it did not
    /// do.
    fn first_task(&mut self, i: usize) -> Next {
        if let Some(next) = self.state.goes_on.take() {
            let task = next.and_then(|name| self.plan.task_index(name.as_str()));
            return task.map_or(Next::Finish, Next::Task);
        }
        let open = |i: &usize| self.task(*i).is_some_and(|t| !t.status.is_final());
        (i..self.plan.tasks.len()).find(open).map_or(Next::Finish, Next::Task)
    }

    /// Enters a task, or stops before it.
    pub(super) fn enter(&mut self, cx: &mut Cx<'_>, i: usize) {
        if i >= self.plan.tasks.len() || self.state.cancel == CancelState::Twice {
            self.state.next = Some(Next::Finish);
            return;
        }
        if self.settings.mode == Mode::Debug && self.state.granted.take() != Some(i) {
            return self.hold(cx, Hold::DebugStep(Some(i)), WaitingFor::DebugStep);
        }
        if self.state.paused {
            return self.hold(cx, Hold::Paused(i), WaitingFor::Pause);
        }
        self.state.steps += 1;
        if self.state.steps > cx.shared.limits.steps {
            let message =
                format!("more than {} tasks were started; does a jump lead back for ever?", cx.shared.limits.steps);
            let error = ActionError::new(ActionErrorKind::Internal, "LimitExceeded.Steps", message);
            return self.fail_run(cx, &error);
        }
        self.state.current = Some(i);
        let (at, number) = (cx.at, self.state.steps);
        if let Some(run) = self.task_mut(i) {
            run.run += 1;
            run.status = TaskStatus::Running;
            (run.started, run.ended, run.message) = (Some(at), None, None);
            run.outputs = Vec::new();
            run.document = Value::Null;
            run.remains = Kept::default();
            run.last = number;
            run.first = if run.first == 0 { number } else { run.first };
        }
        self.enter_checked(cx, i, at);
    }

    pub(super) fn hold(&mut self, cx: &mut Cx<'_>, hold: Hold, waiting_for: WaitingFor) {
        self.state.hold = Some(hold);
        self.tell_status(cx, ExecutionStatus::Waiting, Some(waiting_for));
    }

    pub(super) fn tell_status(&mut self, cx: &mut Cx<'_>, status: ExecutionStatus, waiting_for: Option<WaitingFor>) {
        self.state.status = status;
        let message = self.state.failure.as_ref().map(|f| f.error.to_string().into());
        cx.out.push(Out::Event(EventKind::ExecutionStatus { status, waiting_for, message }));
    }

    /// When, Items and RateControl of a task that has been entered.
    pub(super) fn enter_checked(&mut self, cx: &mut Cx<'_>, i: usize, at: Timestamp) {
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return };
        if let Some(when) = task.when.as_ref().filter(|_| !task.when_per_item) {
            match self.condition(cx.shared, at, None, when) {
                Ok(true) => {}
                Ok(false) => return self.skip_task(cx, i),
                Err(stop) => {
                    if let Some(error) = self.need(cx, at, Point::Enter(i), stop) {
                        self.end_task(cx, i, TaskStatus::Failed, Some(error), None);
                    }
                    return;
                }
            }
        }
        if task.looping.is_some() {
            match self.loop_setup(cx, i, task, at) {
                Ok(state) => self.enter_loop(cx, i, task, state),
                Err(stop) => {
                    if let Some(error) = self.need(cx, at, Point::Enter(i), stop) {
                        self.end_task(cx, i, TaskStatus::Failed, Some(error), None);
                    }
                }
            }
            return;
        }
        let run = self.task(i).map_or(1, |t| t.run);
        if let Some(slot) = self.task_mut(i) {
            let mut step = Step::new(run, at);
            step.token = slot.unknown.take().unwrap_or(step.token);
            slot.active = Some(Active::Single(Box::new(step)));
        }
        self.tell_started(cx, i, None);
        self.evaluate_step(cx, i, None, at);
    }

    pub(super) fn tell_started(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>) {
        let (Some(key), Some(task)) = (self.key(i, item), self.plan.tasks.get(i)) else { return };
        let value = item.and_then(|_| self.item_value(i, item).cloned());
        cx.out.push(Out::Event(EventKind::StepStarted { key, action: task.action.text().clone(), item: value }));
    }

    fn loop_setup(&self, cx: &Cx<'_>, i: usize, task: &TaskPlan, at: Timestamp) -> Result<LoopState, Evaluation> {
        let Some(looping) = &task.looping else {
            return Err(Evaluation::Failed(ActionError::invalid_property("the task has no loop")));
        };
        let items = self.evaluate(cx.shared, at, None, &looping.items)?;
        let items = match items.parsed_if_json_text() {
            Value::Null => Arc::default(),
            Value::List(list) => list,
            // A single value is one item (template-language 6.3).
            one => Arc::new(vec![one]),
        };
        let limit = cx.shared.limits.loop_items;
        if items.len() > limit {
            let message = format!("the loop has {} items, at most {limit} are allowed", items.len());
            let error = ActionError::new(ActionErrorKind::InvalidProperty, "LimitExceeded.LoopItems", message);
            return Err(Evaluation::Failed(error));
        }
        let rate = self.evaluate(cx.shared, at, None, &looping.rate_control)?;
        let mut rate = Rate::read(&rate, items.len(), looping.old_form).map_err(Evaluation::Failed)?;
        rate.apply_start_options(self.settings.loop_mode, self.settings.mode);
        Ok(self.new_loop(i, items, rate, at))
    }

    fn new_loop(&self, i: usize, items: Arc<Vec<Value>>, rate: Rate, started: Timestamp) -> LoopState {
        let count = items.len();
        let batch_end = rate.batch_size(0).map_or(count, |size| (size as usize).min(count));
        LoopState {
            entries: vec![None; count],
            items,
            rate,
            next: 0,
            again: std::collections::VecDeque::new(),
            running: std::collections::BTreeMap::new(),
            failed: 0,
            batch: 0,
            batch_end,
            pausing: false,
            run_base: self.task(i).map_or(0, |t| t.item_run),
            unknown: std::collections::BTreeMap::new(),
            first_failure: None,
            started,
            tally: LoopCounts::default(),
            told: started,
        }
    }

    fn enter_loop(&mut self, cx: &mut Cx<'_>, i: usize, task: &TaskPlan, state: LoopState) {
        let mut state = state;
        if !self.state.kept.is_empty() {
            state.take_kept(task, &self.state.kept);
            self.state.kept.retain(|k| k.task != task.name);
        }
        let Some(run) = self.task_mut(i) else { return };
        run.active = Some(Active::Loop(Box::new(state)));
        let key = crate::ids::StepKey { task: task.name.clone(), run: run.run, item: None, attempt: 1 };
        cx.out.push(Out::Event(EventKind::StepStarted { key, action: task.action.text().clone(), item: None }));
        self.state.pump = Some(i);
    }

    /// Condition of an item, risk, properties, action: in this order (machine.md 4).
    pub(super) fn evaluate_step(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, at: Timestamp) {
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return };
        match self.prepare(cx, i, item, task, at) {
            Ok(Prepared::Go(properties, policy)) => {
                if let Some(step) = self.step_mut(i, item) {
                    (step.properties, step.policy) = (properties, policy);
                }
                self.run_step(cx, i, item, task, at);
            }
            Ok(Prepared::Skip) => self.end_step(cx, i, item, TaskStatus::Skipped, None, Vec::new(), Value::Null),
            Ok(Prepared::Confirm) => self.confirm(cx, i, item),
            Err(stop) => {
                if let Some(error) = self.need(cx, at, Point::Step(i, item), stop) {
                    self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
                }
            }
        }
    }

    fn prepare(
        &self,
        cx: &Cx<'_>,
        i: usize,
        item: Option<u32>,
        task: &TaskPlan,
        at: Timestamp,
    ) -> Result<Prepared, Evaluation> {
        let value = self.item_value(i, item);
        let when = task.when.as_ref().filter(|_| task.when_per_item);
        if let Some(false) = when.map(|when| self.condition(cx.shared, at, value, when)).transpose()? {
            return Ok(Prepared::Skip);
        }
        let confirmed = self.step(i, item).is_some_and(|s| s.confirmed);
        let asks = self.settings.safety_check == SafetyCheck::ConfirmEveryHighRiskAction && !confirmed;
        if asks && self.is_risky(cx, task, at, value)? {
            return Ok(Prepared::Confirm);
        }
        let mut properties = self.evaluate(cx.shared, at, value, &task.properties)?;
        if !self.state.overrides.is_null() {
            properties = merged(properties, &self.state.overrides);
        }
        let properties = drop_nulls(properties);
        Ok(Prepared::Go(properties, self.policy(cx, task, at, value)?))
    }

    fn is_risky(&self, cx: &Cx<'_>, task: &TaskPlan, at: Timestamp, item: Option<&Value>) -> Result<bool, Evaluation> {
        if !task.signature.calls_api {
            return Ok(false);
        }
        let text = |key: &str| match task.properties.member(key) {
            Some(expr) => self.evaluate(cx.shared, at, item, &expr).map(|v| v.to_text()),
            None => Ok("".into()),
        };
        Ok(cx.risk.is_high(&text("Service")?, &text("API")?, &text("Risk")?))
    }

    fn policy(
        &self,
        cx: &Cx<'_>,
        task: &TaskPlan,
        at: Timestamp,
        item: Option<&Value>,
    ) -> Result<RetryPolicy, Evaluation> {
        let default_retries = match task.retry.rule {
            RetryRule::None => return Ok(RetryPolicy::NONE),
            RetryRule::Task { default_retries } => default_retries,
            RetryRule::Property { default_retries, .. } => default_retries,
        };
        let keys = self.evaluate(cx.shared, at, item, &task.retry.keys)?;
        if keys.is_null() && matches!(task.retry.rule, RetryRule::Property { .. }) {
            return Ok(RetryPolicy::NONE);
        }
        Ok(RetryPolicy::from_keys(&keys, default_retries))
    }

    fn confirm(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>) {
        if let Some(step) = self.step_mut(i, item) {
            step.phase = Phase::Confirming;
        }
        self.tell_waiting(cx, i, item, Some(WaitingFor::RiskConfirmation), None);
    }

    fn run_step(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, task: &TaskPlan, at: Timestamp) {
        match &task.kind {
            TaskKind::Work => self.launch(cx, i, item, task),
            TaskKind::Control(_) => self.decide(cx, i, item, at, ControlEvent::Entered),
            TaskKind::Child => self.run_action_template(cx, i, item, task),
            TaskKind::LoopTasks(plan) => self.run_loop_tasks(cx, i, item, plan),
        }
    }
}

enum Prepared {
    Go(Value, RetryPolicy),
    Skip,
    Confirm,
}

/// Overrides of ExecuteTask, merged key by key.
fn merged(properties: Value, overrides: &Value) -> Value {
    let (Value::Map(mut map), Some(extra)) = (properties.clone(), overrides.as_map()) else { return properties };
    Arc::make_mut(&mut map).extend(extra.iter().map(|(k, v)| (k.clone(), v.clone())));
    Value::Map(map)
}
