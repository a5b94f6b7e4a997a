//! Spans for `tracing`: `oos.execution` for an execution, root or child; `oos.task` for an attempt of a work action, and
//! for a step that runs a child, loops, sleeps or waits; `oos.call` for an API call (service-model 8).
//!
//! They nest as the run does: call → attempt → loop → execution → the step that runs it. Fields hold names, numbers and
//! codes, never a value. A step that was begun before a restart is begun anew. Nothing is kept while nobody listens.

use std::collections::BTreeMap;

use tracing::{Span, field::Empty, info_span};

use super::Driver;
use crate::{
    ExecutionId, TaskName,
    ids::{MachinePath, StepKey},
    machine::{ExecutionStatus, StepResult, TaskStatus},
    ports::{
        action::{ActionCatalog, Entry, StepInfo},
        api::{ApiError, ApiRequest, ApiResponse},
        event::EventKind,
        store::ExecutionHeader,
    },
};

/// Open spans, those of the root execution and of attempts left out.
#[derive(Debug, Default)]
pub(super) struct Spans {
    executions: BTreeMap<MachinePath, Span>,
    steps: BTreeMap<(MachinePath, TaskName, Option<u32>), Span>,
}

/// The span of a root execution, below whatever started it.
pub(super) fn root(header: &ExecutionHeader) -> Span {
    info_span!(
        "oos.execution",
        otel.name = header.template_name.as_deref().unwrap_or("execution"),
        otel.status_code = Empty,
        execution = header.id.as_str(),
        template = header.template_name.as_deref(),
        rerun_of = header.rerun_of.as_ref().map(ExecutionId::as_str),
        status = Empty,
    )
}

fn child(above: &Span, id: &ExecutionId, template: Option<&str>) -> Span {
    info_span!(
        parent: above,
        "oos.execution",
        otel.name = template.unwrap_or("execution"),
        otel.status_code = Empty,
        execution = id.as_str(),
        template,
        status = Empty,
    )
}

/// The span of one attempt.
pub(super) fn attempt(above: &Span, info: &StepInfo) -> Span {
    info_span!(
        parent: above,
        "oos.task",
        otel.name = info.key.task.as_str(),
        otel.status_code = Empty,
        execution = info.execution.as_str(),
        task = info.key.task.as_str(),
        action = info.action.as_str(),
        run = info.key.run,
        item = info.key.item,
        attempt = info.key.attempt,
        repeat = info.repeat,
        error.code = Empty,
    )
}

fn step(above: &Span, execution: &ExecutionId, key: &StepKey, action: &str) -> Span {
    info_span!(
        parent: above,
        "oos.task",
        otel.name = key.task.as_str(),
        otel.status_code = Empty,
        execution = execution.as_str(),
        task = key.task.as_str(),
        action,
        run = key.run,
        item = key.item,
        status = Empty,
    )
}

/// The span of a call, below the attempt that makes it.
pub(super) fn call(request: &ApiRequest) -> Span {
    info_span!(
        "oos.call",
        otel.name = format_args!("{} {}", request.service, request.api),
        otel.kind = "client",
        otel.status_code = Empty,
        service = &*request.service,
        api = &*request.api,
        region = request.region.as_ref().map(crate::RegionId::as_str),
        request_id = Empty,
        error.code = Empty,
    )
}

/// Says in the span how a call ended.
pub(super) fn tell_answer(span: &Span, outcome: &Result<ApiResponse, ApiError>) {
    let request_id = match outcome {
        Ok(answer) => {
            span.record("otel.status_code", "OK");
            answer.request_id.as_deref()
        }
        Err(error) => {
            span.record("otel.status_code", "ERROR");
            span.record("error.code", error.code());
            error.request_id().map(|id| &**id)
        }
    };
    if let Some(id) = request_id {
        span.record("request_id", id);
    }
}

/// Says in the present span how an attempt ended; one that is not there yet is neither good nor bad.
pub(super) fn tell_outcome(result: &StepResult) {
    let span = Span::current();
    match result {
        StepResult::Failed(error) => {
            span.record("otel.status_code", "ERROR");
            span.record("error.code", &*error.code);
        }
        StepResult::Done { .. } => _ = span.record("otel.status_code", "OK"),
        StepResult::NotYet { .. } | StepResult::Stopped => {}
    }
}

/// Says how an execution ended. CHOICE: a cancelled one is neither good nor an error; `status` tells.
pub(super) fn tell_end(span: &Span, status: ExecutionStatus) {
    span.record("status", status.as_str());
    match status {
        ExecutionStatus::Success => _ = span.record("otel.status_code", "OK"),
        ExecutionStatus::Failed => _ = span.record("otel.status_code", "ERROR"),
        _ => {}
    }
}

impl Driver {
    /// Opens and closes spans by what is told.
    pub(super) fn trace(&mut self, path: &MachinePath, execution: &ExecutionId, kind: &EventKind) {
        if self.span.is_disabled() {
            return;
        }
        match kind {
            EventKind::ExecutionStarted { template, .. } if !path.is_root() && !self.is_body(path) => {
                let span = child(&self.span_above(path), execution, template.as_deref());
                self.spans.executions.insert(path.clone(), span);
            }
            EventKind::ExecutionEnded { status, .. } => {
                self.spans.steps.retain(|(at, _, _), _| at != path);
                if let Some(span) = self.spans.executions.remove(path) {
                    tell_end(&span, *status);
                }
            }
            EventKind::StepStarted { key, action, .. } if !self.is_attempt(path, key, action) => {
                self.begin_step(path, execution, key, action);
            }
            EventKind::StepEnded { key, status, .. } => {
                let Some(span) = self.spans.steps.remove(&(path.clone(), key.task.clone(), key.item)) else { return };
                span.record("status", status.as_str());
                match status {
                    TaskStatus::Success => _ = span.record("otel.status_code", "OK"),
                    TaskStatus::Failed => _ = span.record("otel.status_code", "ERROR"),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// True for the tasks of an `ACS::Loop`, which are no execution.
    fn is_body(&self, path: &MachinePath) -> bool {
        self.tree.machine(path).is_some_and(|machine| !machine.is_execution())
    }

    /// True for a step whose attempts have spans of their own; a loop is none.
    fn is_attempt(&self, path: &MachinePath, key: &StepKey, action: &str) -> bool {
        let plan = self.tree.machine(path).map(crate::machine::Machine::plan);
        let task = plan.and_then(|p| p.tasks.get(p.task_index(key.task.as_str())?));
        let loops = key.item.is_none() && task.is_some_and(|t| t.looping.is_some());
        !loops && matches!(self.inner.registry.entry(&action.into()), Some(Entry::Work(_)))
    }

    fn begin_step(&mut self, path: &MachinePath, execution: &ExecutionId, key: &StepKey, action: &str) -> Span {
        let above = self.span_of(path, &key.task, key.item);
        let span = step(&above, execution, key, action);
        self.spans.steps.insert((path.clone(), key.task.clone(), key.item), span.clone());
        span
    }

    /// What an attempt stands below: its own step where that has a span, as an approval has that sends a message.
    pub(super) fn span_of_attempt(&mut self, path: &MachinePath, key: &StepKey) -> Span {
        if self.span.is_disabled() {
            return Span::none();
        }
        let own = self.spans.steps.get(&(path.clone(), key.task.clone(), key.item)).cloned();
        own.unwrap_or_else(|| self.span_of(path, &key.task, key.item))
    }

    /// What a step stands below: for an item the loop, else the execution.
    fn span_of(&mut self, path: &MachinePath, task: &TaskName, item: Option<u32>) -> Span {
        match item {
            Some(_) => self.step_span(path, &StepKey { task: task.clone(), run: 1, item: None, attempt: 1 }),
            None => self.execution_span(path),
        }
    }

    /// The span of the machine at a path; the tasks of `ACS::Loop` stand below its item.
    fn execution_span(&mut self, path: &MachinePath) -> Span {
        if path.is_root() {
            return self.span.clone();
        }
        if let Some(span) = self.spans.executions.get(path) {
            return span.clone();
        }
        let above = self.span_above(path);
        let Some(machine) = self.tree.machine(path).filter(|m| m.is_execution()) else { return above };
        let template = machine.plan().name.as_ref().map(crate::TemplateName::as_str);
        let span = child(&above, machine.id(), template);
        self.spans.executions.insert(path.clone(), span.clone());
        span
    }

    /// The span of the step that runs the machine at a path.
    fn span_above(&mut self, path: &MachinePath) -> Span {
        let Some((above, by)) = path.split_last() else { return self.span.clone() };
        let key = StepKey { task: by.task.clone(), run: by.run, item: by.item, attempt: 1 };
        self.step_span(&above, &key)
    }

    fn step_span(&mut self, path: &MachinePath, key: &StepKey) -> Span {
        if let Some(span) = self.spans.steps.get(&(path.clone(), key.task.clone(), key.item)) {
            return span.clone();
        }
        let Some(machine) = self.tree.machine(path) else { return self.execution_span(path) };
        let (id, plan) = (machine.id().clone(), machine.plan().clone());
        let task = plan.task_index(key.task.as_str()).and_then(|i| plan.tasks.get(i));
        let action = task.map_or("", |t| t.action.as_str());
        self.begin_step(path, &id, key, action)
    }
}
