//! Children: product actions, `ACS::Template`, items of `ACS::Loop`, firings of a trigger.

use std::sync::Arc;

use super::{Cx, Machine, NewChild, Out};
use crate::{
    TemplateName, Value,
    ids::{PathStep, StepKey},
    machine::{
        Effect, ExecutionStatus, PlanRef, TaskStatus, child_execution_id,
        state::{Outer, Phase, Point},
    },
    plan::{Plan, TaskKind, TaskPlan},
    ports::{
        action::{ActionError, ActionErrorKind},
        control::{ChildRequest, ControlEvent},
    },
};

impl Machine {
    /// A product action: the template of that name, with the properties as its parameters.
    pub(super) fn run_action_template(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, task: &TaskPlan) {
        let Some(properties) = self.step(i, item).map(|s| s.properties.clone()) else { return };
        let name = TemplateName::new(task.action.text().clone());
        match cx.plans.named(&name, None).cloned() {
            Some(plan) => self.create_child(cx, i, item, plan, properties, Create::default()),
            None => {
                let message = format!("the template of `{}` was not linked", task.action);
                let error = ActionError::unsupported("EntityNotExists.Template", message);
                self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
            }
        }
    }

    pub(super) fn run_loop_tasks(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, plan: &Arc<Plan>) {
        let value = self.item_value(i, item).cloned();
        let create = Create { outer: Some(self.freeze()), item: value, ..Create::default() };
        self.create_child(cx, i, item, plan.clone(), Value::Null, create);
    }

    /// The scope of this machine as the tasks of an `ACS::Loop` see it.
    pub(in crate::machine) fn freeze(&self) -> Arc<Outer> {
        Arc::new(Outer {
            plan: self.plan.clone(),
            id: self.outer.as_ref().map_or_else(|| self.id.clone(), |o| o.id.clone()),
            parameters: match &self.outer {
                Some(outer) => outer.parameters.clone(),
                None => self.state.parameters.clone(),
            },
            tasks: self.state.tasks.iter().map(|t| (t.outputs.clone(), t.document.clone())).collect(),
            item: self.state.item.clone(),
            outer: self.outer.clone(),
        })
    }

    /// What a control action asked for.
    pub(super) fn run_child(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, request: ChildRequest) {
        match &request {
            ChildRequest::Firing { message, .. } => {
                let create = Create { firing: Some(message.clone()), ..Create::default() };
                let (plan, given) = (self.plan.clone(), self.state.given.clone());
                self.create_child(cx, i, item, plan, given, create);
            }
            ChildRequest::Named { name, version, parameters } => {
                match cx.plans.named(name, version.as_deref()).cloned() {
                    Some(plan) => {
                        let create = Create { lenient: true, ..Create::default() };
                        self.create_child(cx, i, item, plan, parameters.clone(), create);
                    }
                    None => self.link(cx, i, item, PlanRef::Named(name.clone(), version.clone()), request),
                }
            }
            ChildRequest::Inline { content, .. } => self.link(cx, i, item, PlanRef::Inline(content.clone()), request),
        }
    }

    fn link(&mut self, cx: &mut Cx<'_>, i: usize, item: Option<u32>, plan: PlanRef, request: ChildRequest) {
        let Some(key) = self.key(i, item) else { return };
        if let Some(step) = self.step_mut(i, item) {
            step.phase = Phase::Linking(request);
        }
        cx.out.push(Out::Effect(Effect::Link { path: self.path.clone(), key, plan }));
    }

    pub(super) fn linked(&mut self, cx: &mut Cx<'_>, key: &StepKey, result: Result<Arc<Plan>, ActionError>) -> bool {
        let Some((i, item)) = self.find(key) else { return false };
        let Some(Phase::Linking(request)) = self.step(i, item).map(|s| s.phase.clone()) else { return false };
        let (ChildRequest::Named { parameters, .. } | ChildRequest::Inline { parameters, .. }) = request else {
            return false;
        };
        match result {
            Ok(plan) => {
                let create = Create { lenient: true, ..Create::default() };
                self.create_child(cx, i, item, plan, parameters, create);
            }
            Err(error) => self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null),
        }
        true
    }

    fn create_child(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        plan: Arc<Plan>,
        given: Value,
        create: Create,
    ) {
        let Some(key) = self.key(i, item) else { return };
        // CHOICE: only templates count as depth; the levels of `ACS::Loop` are bounded by the document's depth.
        if self.path.steps().len() + 1 >= cx.shared.limits.template_depth && create.outer.is_none() {
            let message = format!("templates are nested deeper than {}", cx.shared.limits.template_depth);
            let error = ActionError::new(ActionErrorKind::InvalidProperty, "LimitExceeded.Depth", message);
            return self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
        }
        if create.firing.is_none() && plan.has_trigger() {
            let error = ActionError::invalid_property("a template with a trigger cannot be a child");
            return self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
        }
        let id = match &create.firing {
            Some(_) => child_execution_id(&self.id, i + 1, Some(key.run), 1),
            None => child_execution_id(&self.id, i + 1, item, key.run),
        };
        let decides = self.plan.tasks.get(i).is_some_and(|t| matches!(t.kind, TaskKind::Control(_)));
        if let Some(step) = self.step_mut(i, item) {
            step.phase = Phase::Child;
            // The child holds them now; a control action will be asked again and needs its own.
            if !decides {
                step.properties = Value::Null;
            }
        }
        cx.out.push(Out::RunChild(Box::new(NewChild {
            step: PathStep { task: key.task.clone(), run: key.run, item },
            key,
            id,
            plan,
            given,
            role: self.state.role.clone(),
            firing: create.firing,
            outer: create.outer,
            item: create.item,
            lenient: create.lenient,
        })));
    }

    pub(super) fn child_ended(
        &mut self,
        cx: &mut Cx<'_>,
        key: &StepKey,
        status: ExecutionStatus,
        outputs: Value,
        error: Option<ActionError>,
        kept: Option<Box<crate::machine::Kept>>,
    ) -> bool {
        let Some((i, item)) = self.find(key) else { return false };
        if let Some(kept) = kept {
            self.leave_child(i, item, *kept);
        }
        let plan = self.plan.clone();
        let Some(task) = plan.tasks.get(i) else { return false };
        let stopping = self.step(i, item).is_some_and(|s| matches!(s.phase, Phase::Stopping(_)));
        if stopping {
            self.stopped(cx, i, item);
        } else if let TaskKind::Control(_) = task.kind {
            let event = ControlEvent::ChildEnded { status, outputs, error };
            self.decide(cx, i, item, cx.at, event);
        } else {
            self.take_child(cx, i, item, task, status, outputs, error);
        }
        true
    }

    /// The end of a child whose outputs are the result document of the step.
    #[expect(clippy::too_many_arguments, reason = "the parts of one end")]
    fn take_child(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        task: &TaskPlan,
        status: ExecutionStatus,
        outputs: Value,
        error: Option<ActionError>,
    ) {
        match status {
            ExecutionStatus::Success => self.take_document(cx, i, item, task, outputs),
            ExecutionStatus::Cancelled => {
                self.end_step(cx, i, item, TaskStatus::Cancelled, error, Vec::new(), Value::Null);
            }
            _ => {
                let error = error.unwrap_or_else(|| {
                    ActionError::failed("ChildExecutionFailed", format!("the child of `{}` failed", task.name))
                });
                self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
            }
        }
    }

    /// Ends a step well with a result document that the machine itself has at hand.
    pub(super) fn take_document(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        item: Option<u32>,
        task: &TaskPlan,
        document: Value,
    ) {
        // References of `LoopTasks` outputs name inner tasks, so their values came as the document.
        let started = self.step(i, item).map_or(cx.at, |s| s.started);
        let extract = match (&task.kind, self.extract(cx, i, item, task, started)) {
            (TaskKind::LoopTasks(_), _) => {
                let values = task.outputs.iter().map(|o| document.get(o.name.as_str()).cloned().unwrap_or_default());
                let values = values.collect();
                return self.end_step(cx, i, item, TaskStatus::Success, None, values, document);
            }
            (_, Ok(extract)) => extract,
            (_, Err(stop)) => {
                if let Some(error) = self.need(cx, started, Point::Step(i, item), stop) {
                    self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null);
                }
                return;
            }
        };
        match extract.apply(&document, &cx.shared.limits) {
            Ok(outputs) => {
                let document = if task.keep_document { document } else { Value::Null };
                self.end_step(cx, i, item, TaskStatus::Success, None, outputs, document);
            }
            Err(error) => self.end_step(cx, i, item, TaskStatus::Failed, Some(error), Vec::new(), Value::Null),
        }
    }
}

/// What a child gets beside plan and parameters.
#[derive(Default)]
struct Create {
    firing: Option<Value>,
    outer: Option<Arc<Outer>>,
    item: Option<Value>,
    lenient: bool,
}
