//! Effects: what the machine asked for, carried out over the ports.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::{
    FutureExt,
    future::{AbortHandle, Abortable},
};

use tracing::Instrument;

use super::{
    super::{
        link::actions_of,
        replay::{pin, pin_all},
    },
    Arrived, Command, Driver, Inner, Linked, Redactor,
    calls::ToldCalls,
    spans,
};
use crate::{
    Template, Value,
    ids::{MachinePath, StepKey},
    machine::{Effect, Extract, InputKind, PlanRef, StepResult},
    ports::{
        ExecutionEvent,
        action::{
            Action, ActionContext, ActionError, ActionErrorKind, ActionPorts, Entry, Outcome, Progress, ProgressSink,
            StepInfo, Token,
        },
        event::EventKind,
        parameter_store::ParameterRef,
        store::LinkedTemplate,
        trigger::Rule,
    },
    source::Node,
};

impl Driver {
    /// Carries out an effect; `repeat` is true when the step may have run before a crash.
    pub(super) fn perform(&mut self, effect: Effect, repeat: bool) {
        match effect {
            Effect::Run { path, key, action, properties, role, token_run, answers, extract, started } => {
                let Some(machine) = self.tree.machine(&path) else { return };
                let (execution, unknown_outcome) = (machine.id().clone(), machine.unknown_outcome());
                let region = self.inner.variables.get("RegionId").map(|r| crate::RegionId::new(r.to_text()));
                let region = self.tree.root().and_then(|m| m.region()).or(region);
                let token = Token::derived(token_run, answers);
                let info =
                    StepInfo { execution, path, key, action, region, role, token, repeat, started, unknown_outcome };
                self.run_action(info, properties, extract);
            }
            Effect::Wake { path, key, purpose, at } => self.wakes.set(path, key, purpose, at),
            Effect::Unwake { path, key } => self.wakes.forget(&path, &key),
            Effect::Stop { path, key } => {
                if let Some(abort) = self.aborts.remove(&(path, key)) {
                    abort.abort();
                }
            }
            Effect::Fetch { names } => self.fetch(names),
            Effect::Link { path, key, plan } => self.link(path, key, plan),
            Effect::Subscribe { path, key, rule } => self.subscribe(path, key, &rule),
            Effect::Unsubscribe { path, key } => self.inner.triggers.unsubscribe(&self.subscription(&path, &key)),
            Effect::Emit { path, execution, number, at, kind } => {
                self.trace(&path, &execution, &kind);
                let kind = if self.redactor.is_empty() { *kind } else { masked(*kind, &self.redactor) };
                self.tell(&ExecutionEvent { number, at, execution, kind });
            }
        }
    }

    /// Tells observers of an event.
    pub(super) fn tell(&mut self, event: &ExecutionEvent) {
        self.inner.events.emit(event);
        // One that does not keep up is let go, and told so by its stream.
        self.watchers.retain_mut(|watcher| watcher.try_send(event.clone()).is_ok());
    }

    /// The event that an effect tells of, masked.
    pub(super) fn event(&self, effect: &Effect) -> Option<ExecutionEvent> {
        let Effect::Emit { execution, number, at, kind, .. } = effect else { return None };
        let kind = masked((**kind).clone(), &self.redactor);
        Some(ExecutionEvent { number: *number, at: *at, execution: execution.clone(), kind })
    }

    fn run_action(&mut self, info: StepInfo, properties: Value, extract: Arc<Extract>) {
        let (path, key) = (info.path.clone(), info.key.clone());
        let outcome = |path, key, result| Arrived::Input(InputKind::Outcome { path, key, result });
        let Some(Entry::Work(action)) = crate::ports::action::ActionCatalog::entry(&self.inner.registry, &info.action)
        else {
            let message = format!("action `{}` is not registered", info.action);
            let result = StepResult::Failed(ActionError::unsupported("UnknownAction", message));
            return self.work.push(futures::future::ready(outcome(path, key, result)).boxed());
        };
        let (abort, registration) = AbortHandle::new_pair();
        self.aborts.insert((path.clone(), key.clone()), abort);
        let span = spans::attempt(&self.span_of_attempt(&path, &key), &info);
        let attempt = Arc::new(Attempt {
            progress: self.progress(&info),
            inner: self.inner.clone(),
            redactor: self.redactor.clone(),
            action,
            info: Arc::new(info),
            properties,
            extract,
        });
        let future = async move {
            let stopper = attempt.clone();
            let run = Abortable::new(AssertUnwindSafe(attempt.run()).catch_unwind(), registration);
            let result = match run.await {
                Ok(Ok(result)) => result,
                Ok(Err(_panic)) => StepResult::Failed(ActionError::new(
                    ActionErrorKind::Internal,
                    "ActionPanicked",
                    "the action panicked",
                )),
                Err(futures::future::Aborted) => stopper.cancel().await,
            };
            spans::tell_outcome(&result);
            outcome(path, key, result)
        };
        self.work.push(future.instrument(span).boxed());
    }

    /// Progress of an action goes straight to observers; it is not part of the record.
    fn progress(&self, info: &StepInfo) -> ProgressSink {
        let (events, clock) = (self.inner.events.clone(), self.inner.clock.clone());
        let (execution, key, redactor) = (info.execution.clone(), info.key.clone(), self.redactor.clone());
        Arc::new(move |progress| {
            let message: Arc<str> = match progress {
                Progress::Log(line) => redactor.text(&line).into(),
                Progress::Link(kind, id) => format!("{kind}: {id}").into(),
            };
            let kind = EventKind::Log { key: Some(key.clone()), message };
            events.emit(&ExecutionEvent { number: 0, at: clock.now(), execution: execution.clone(), kind });
        })
    }

    fn fetch(&mut self, names: Vec<ParameterRef>) {
        let store = self.inner.parameters.clone();
        let future = async move {
            let (values, missing) = match store.get(&names).await {
                Ok(found) => {
                    let values: Vec<_> = found.into_iter().map(|v| (v.reference, v.value)).collect();
                    let missing = names.iter().filter(|n| !values.iter().any(|(r, _)| r == *n)).cloned().collect();
                    (values, missing)
                }
                // A store that cannot be asked is told as missing names: the step ends with a clear error.
                Err(error) => {
                    tracing::warn!(%error, "stored parameters could not be read");
                    (Vec::new(), names)
                }
            };
            Arrived::Input(InputKind::Fetched { values, missing })
        };
        self.work.push(future.boxed());
    }

    fn link(&mut self, path: MachinePath, key: StepKey, plan: PlanRef) {
        let inner = self.inner.clone();
        let future = async move {
            let result = find(&inner, plan).await;
            Arrived::Linked { path, key, result }
        };
        self.work.push(future.boxed());
    }

    fn subscription(&self, path: &MachinePath, key: &StepKey) -> String {
        let steps = path.steps().iter().map(|s| format!("{}.{}.{}", s.task, s.run, s.item.unwrap_or(0)));
        let path = steps.collect::<Vec<_>>().join("/");
        format!("{}/{path}/{}.{}", self.header.id, key.task, key.run)
    }

    fn subscribe(&mut self, path: MachinePath, key: StepKey, rule: &Rule) {
        let name = self.subscription(&path, &key);
        let (sender, id, host) = (self.commands.clone(), self.header.id.clone(), Arc::downgrade(&self.inner));
        let (to, step) = (path.clone(), key.clone());
        let deliver = Arc::new(move |message| {
            // A driver that is gone has no use for the message.
            let _ = sender.unbounded_send(Command::Fired(to.clone(), step.clone(), message));
            if let Some(host) = host.upgrade() {
                host.unpark(&id);
            }
        });
        let subscribed = self.inner.triggers.subscribe(&name, rule, deliver);
        let future = async move {
            match subscribed.await {
                Ok(()) => Arrived::Nothing,
                Err(error) => {
                    let result = StepResult::Failed(error);
                    Arrived::Input(InputKind::Outcome { path, key, result })
                }
            }
        };
        self.work.push(future.boxed());
    }
}

/// One attempt of a work action.
struct Attempt {
    inner: Arc<Inner>,
    redactor: Redactor,
    action: Arc<dyn Action>,
    info: Arc<StepInfo>,
    properties: Value,
    extract: Arc<Extract>,
    progress: ProgressSink,
}

impl Attempt {
    async fn run(self: Arc<Self>) -> StepResult {
        let properties = match self.resolved().await {
            Ok(properties) => properties,
            Err(error) => return StepResult::Failed(error),
        };
        let limits = &self.inner.environment.limits;
        match self.action.run(self.context(properties)).await {
            Ok(Outcome::Done(document)) => match self.extract.apply(&document, limits) {
                Ok(outputs) => {
                    let document = if self.extract.keep_document { document } else { Value::Null };
                    StepResult::Done { outputs, document }
                }
                Err(error) => StepResult::Failed(error),
            },
            Ok(Outcome::NotYet { observed, otherwise }) => StepResult::NotYet { observed, otherwise },
            Err(error) => StepResult::Failed(error),
        }
    }

    async fn cancel(self: Arc<Self>) -> StepResult {
        let context = self.context(self.properties.clone());
        if let Err(error) = self.action.cancel(context).await {
            tracing::debug!(%error, "an action could not be cancelled");
        }
        StepResult::Stopped
    }

    fn context(&self, properties: Value) -> ActionContext {
        let (inner, below) = (&self.inner, self.inner.ports.api.clone());
        let api = Arc::new(ToldCalls::new(below, inner.events.clone(), inner.clock.clone(), &self.info));
        let ports = ActionPorts { api, ..(*inner.ports).clone() };
        ActionContext::new(self.info.clone(), properties, ports, self.progress.clone())
    }

    /// The properties with late-bound references to stored parameters replaced (template-language 2.5).
    async fn resolved(&self) -> Result<Value, ActionError> {
        let names = super::late::late_references(&self.properties);
        if names.is_empty() {
            return Ok(self.properties.clone());
        }
        let unavailable = |e| ActionError::new(ActionErrorKind::Internal, "ParameterStoreUnavailable", e);
        let found = self.inner.parameters.get(&names).await.map_err(unavailable)?;
        for name in &names {
            if !found.iter().any(|v| v.reference == *name) {
                let message = format!("the stored parameter `{name}` does not exist");
                return Err(ActionError::new(ActionErrorKind::InvalidProperty, "EntityNotExists.Parameter", message));
            }
        }
        found.iter().filter(|v| v.reference.secret).for_each(|v| self.redactor.learn(&v.value));
        Ok(super::late::bind_late(&self.properties, &found))
    }
}

async fn find(inner: &Arc<Inner>, plan: PlanRef) -> Result<Linked, ActionError> {
    let limits = &inner.environment.limits;
    let (name, version, template) = match plan {
        PlanRef::Named(name, version) => {
            let found = inner.registry.template(&name, version.as_deref()).await;
            let found = found.map_err(|e| ActionError::unsupported("TemplateStoreUnavailable", e))?;
            let stored = found.ok_or_else(|| {
                ActionError::failed("EntityNotExists.Template", format!("template `{name}` does not exist"))
            })?;
            let template = Template::parse_source(stored.source.clone(), limits);
            (Some(stored.name), Some(stored.version), template)
        }
        PlanRef::Inline(content) => (None, None, parse_inline(&content, limits)),
    };
    let invalid = |e: crate::diagnostic::Diagnostics| ActionError::invalid_property(first_line(&e));
    let template = template.map_err(invalid)?;
    inner.registry.load(actions_of(&template)).await.ok();
    let plan = inner.plan(name.clone(), &template).map_err(invalid)?;
    let below = inner.link(&plan).await.map_err(ActionError::invalid_property)?;
    let template = pin(name.as_ref(), version.map(Into::into).as_ref(), &plan);
    Ok(Linked { pinned: LinkedTemplate { template, below: pin_all(&below).collect() }, plan, below })
}

fn parse_inline(content: &Value, limits: &crate::Limits) -> Result<Template, crate::diagnostic::Diagnostics> {
    match content {
        Value::String(text) => {
            Template::parse_source(crate::source::SourceText::new("TemplateContent", text.clone()), limits)
        }
        map => Template::from_node(&Node::from_value(map), None, limits),
    }
}

fn first_line(findings: &crate::diagnostic::Diagnostics) -> String {
    let first = findings.iter().find(|d| d.severity == crate::diagnostic::Severity::Error);
    first.map_or_else(|| "the template has errors".to_owned(), |d| format!("the template has errors: {}", d.message))
}

/// An event with secrets masked.
pub(in crate::engine) fn masked(kind: EventKind, redactor: &Redactor) -> EventKind {
    let text = |t: Arc<str>| -> Arc<str> { redactor.text(&t).into() };
    match kind {
        EventKind::ExecutionStatus { status, waiting_for, message } => {
            EventKind::ExecutionStatus { status, waiting_for, message: message.map(text) }
        }
        EventKind::ExecutionEnded { status, outputs, message } => {
            EventKind::ExecutionEnded { status, outputs: redactor.value(&outputs), message: message.map(text) }
        }
        EventKind::StepStarted { key, action, item } => {
            EventKind::StepStarted { key, action, item: item.map(|i| redactor.value(&i)) }
        }
        EventKind::Retrying { key, until, reason } => EventKind::Retrying { key, until, reason: text(reason) },
        EventKind::StepEnded { key, status, message, outputs } => {
            EventKind::StepEnded { key, status, message: message.map(text), outputs: redactor.value(&outputs) }
        }
        other => other,
    }
}
