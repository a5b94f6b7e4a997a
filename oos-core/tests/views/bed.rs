//! Real runs for the views: an engine over a clock that jumps, with a few actions that need no cloud.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};

use futures::{
    FutureExt, StreamExt,
    channel::mpsc,
    executor::LocalPool,
    future::{BoxFuture, poll_fn},
    task::LocalSpawnExt,
};
use oos_core::{
    ActionName, Limits, TaskName, Template, TemplateName, Timestamp, Value,
    engine::{Engine, ExecutionHandle, StartOptions},
    expr::truth,
    ids::Name,
    plan::{Environment, Plan, PlanSet},
    ports::{
        Action, ActionContext, ActionError, Clock, ControlAction, ControlContext, ControlEvent, Decision, EventSink,
        ExecutionEvent, Outcome, Spawner,
        action::{ActionClass, Signature},
        control::{ChildRequest, ControlError, Purpose, Wait, WaitingFor},
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    registry::ActionRegistry,
    source::SourceText,
};

/// Where the clock starts.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Does as its properties say: `fails` gives an error, `after` an attempt number that suffices, else `result`.
#[derive(Debug)]
struct Fake(ActionName, ActionClass);

#[async_trait::async_trait]
impl Action for Fake {
    fn name(&self) -> &ActionName {
        &self.0
    }

    fn signature(&self) -> Signature {
        Signature { class: self.1, ..Signature::open(self.0.clone()) }
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let properties = ctx.raw_properties();
        ctx.emit("at work");
        if let Some(message) = properties.get("fails").and_then(Value::as_str).filter(|m| !m.is_empty()) {
            return Err(ActionError { request_id: Some("6F1A-77".into()), ..ActionError::failed("Broken", message) });
        }
        let after = properties.get("after").and_then(Value::as_i64).unwrap_or(1);
        if i64::from(ctx.info().key.attempt) < after {
            let otherwise = ActionError::failed("TimedOut", "not in {retries} retries");
            return Ok(Outcome::NotYet { observed: Value::from("Stopping"), otherwise });
        }
        Ok(Outcome::Done(properties.get("result").cloned().unwrap_or_else(Value::empty_map)))
    }
}

type Decide = fn(&ControlContext<'_>, &ControlEvent) -> Result<Decision, ControlError>;

/// A control action.
struct Control(ActionName, ActionClass, &'static [&'static str], Decide);

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl ControlAction for Control {
    fn name(&self) -> &ActionName {
        &self.0
    }

    fn signature(&self) -> Signature {
        Signature { class: self.1, lazy: self.2.to_vec(), ..Signature::open(self.0.clone()) }
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        (self.3)(ctx, event)
    }
}

fn choice(ctx: &ControlContext<'_>, _: &ControlEvent) -> Result<Decision, ControlError> {
    for i in (0..ctx.lazy.len(&["Choices"]).unwrap_or(0)).map(|i| i.to_string()) {
        if truth(&ctx.lazy.evaluate(&["Choices", &i, "When"])?).unwrap_or(false) {
            return Ok(Decision::Goto(TaskName::new(ctx.lazy.evaluate(&["Choices", &i, "NextTask"])?.to_text())));
        }
    }
    Ok(Decision::Goto(TaskName::new(ctx.properties.at(&["DefaultTask"]).to_text())))
}

fn sleep(ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
    let until = ctx.entered.plus_seconds(ctx.properties.at(&["seconds"]).as_i64().unwrap_or(0));
    Ok(match event {
        ControlEvent::Entered => Decision::Wait(Wait { timers: vec![(Purpose::Sleep, until)], ..Wait::default() }),
        _ => Decision::Done(Value::empty_map()),
    })
}

fn approve(_: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
    Ok(match event {
        ControlEvent::Entered => Decision::Wait(Wait { waiting_for: Some(WaitingFor::Approval), ..Wait::default() }),
        _ => Decision::Done(Value::empty_map()),
    })
}

/// Fires every hour; after the second firing it waits for ever.
fn timer(ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
    let hours = ctx.now.since(START).as_secs() / 3_600;
    let next = ctx.now.plus_seconds(3_600);
    Ok(match event {
        ControlEvent::Woke { scheduled, .. } => {
            Decision::RunChild(ChildRequest::Firing { message: Value::empty_map(), scheduled: Some(*scheduled) })
        }
        _ => Decision::Wait(Wait {
            timers: if hours < 2 { vec![(Purpose::Firing, next)] } else { Vec::new() },
            waiting_for: Some(WaitingFor::Timer),
            ..Wait::default()
        }),
    })
}

fn template(ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
    Ok(match event {
        ControlEvent::Entered => Decision::RunChild(ChildRequest::Inline {
            content: ctx.lazy.evaluate(&["TemplateContent"])?,
            parameters: Value::empty_map(),
        }),
        ControlEvent::ChildEnded { outputs, .. } => Decision::Done(outputs.clone()),
        _ => Decision::Wait(Wait::default()),
    })
}

fn never(_: &ControlContext<'_>, _: &ControlEvent) -> Result<Decision, ControlError> {
    Err(ActionError::unsupported("UnsupportedAction", "the machine drives it").into())
}

#[derive(Debug)]
struct Templates(BTreeMap<TemplateName, String>);

#[async_trait::async_trait]
impl TemplateStore for Templates {
    async fn get(&self, name: &TemplateName, _version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        let stored = |text: &String| StoredTemplate {
            name: name.clone(),
            version: "v1".into(),
            source: SourceText::new("template.yml", text.as_str()),
        };
        Ok(self.0.get(name).map(stored))
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        Ok(self.0.keys().cloned().collect())
    }
}

/// The actions of all tests, and these templates.
pub(crate) fn registry(templates: &[(&str, &str)]) -> ActionRegistry {
    let control = |name: &str, class, lazy, decide| Control(ActionName::new(name), class, lazy, decide);
    let templates = templates.iter().map(|(name, text)| (TemplateName::new(*name), (*text).to_owned())).collect();
    ActionRegistry::new()
        .with(Fake(ActionName::new("ACS::ExecuteAPI"), ActionClass::Api))
        .with(Fake(ActionName::new("Acme::Do"), ActionClass::Custom))
        .with_control(control("ACS::Choice", ActionClass::Control, &["Choices"], choice))
        .with_control(control("ACS::Sleep", ActionClass::Control, &[], sleep))
        .with_control(control("ACS::Approve", ActionClass::Control, &[], approve))
        .with_control(control("ACS::TimerTrigger", ActionClass::Trigger, &[], timer))
        .with_control(control("ACS::Template", ActionClass::Embedded, &["TemplateContent"], template))
        .with_control(control("ACS::Loop", ActionClass::Control, &["LoopTasks"], never))
        .with_templates(Templates(templates))
}

pub(crate) fn compile(text: &str, registry: &ActionRegistry) -> Plan {
    let template = Template::parse(text).unwrap_or_else(|found| panic!("{found}"));
    Plan::compile(&template, &Environment::new(Arc::new(registry.clone()))).unwrap_or_else(|found| panic!("{found}"))
}

/// The plans of the children that a plan names.
pub(crate) fn children(plan: &Plan, registry: &ActionRegistry) -> PlanSet {
    let limit = Limits::default().template_depth;
    let load = &mut |name: &TemplateName, _: Option<&str>| {
        let stored = registry.template(name, None).now_or_never().unwrap().unwrap().unwrap();
        Ok(Arc::new(compile(&stored.source.text, registry)))
    };
    PlanSet::link(plan, limit, load).unwrap()
}

/// A clock that jumps to its next timer when it is told to.
#[derive(Clone, Debug, Default)]
struct Jumping(Arc<Mutex<Timers>>);

/// The present, and who waits until when.
type Timers = (Timestamp, Vec<(Timestamp, Waker)>);

impl Jumping {
    fn jump(&self) -> bool {
        let mut inner = self.0.lock().unwrap();
        let Some(next) = inner.1.iter().map(|(at, _)| *at).min() else { return false };
        inner.0 = inner.0.max(next);
        let (due, later) = std::mem::take(&mut inner.1).into_iter().partition(|(at, _)| *at <= next);
        inner.1 = later;
        let due: Vec<(Timestamp, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
        true
    }
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        let inner = self.0.clone();
        poll_fn(move |cx| {
            let mut inner = inner.lock().unwrap();
            if inner.0 >= deadline {
                return Poll::Ready(());
            }
            inner.1.push((deadline, cx.waker().clone()));
            Poll::Pending
        })
        .boxed()
    }

    fn sleep_in_background(&self, _: Timestamp) -> BoxFuture<'static, ()> {
        // No other engine is there to whom a sign of life would say something.
        std::future::pending().boxed()
    }
}

#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<ExecutionEvent>>>);

impl EventSink for Recorder {
    fn emit(&self, event: &ExecutionEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

struct Queue(mpsc::UnboundedSender<BoxFuture<'static, ()>>);

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue")
    }
}

impl Spawner for Queue {
    fn spawn(&self, driver: BoxFuture<'static, ()>) {
        self.0.unbounded_send(driver).unwrap();
    }
}

/// A run that has ended, or waits for somebody.
pub(crate) struct Run {
    pub(crate) events: Vec<ExecutionEvent>,
    pub(crate) handle: ExecutionHandle,
    pool: LocalPool,
}

impl Run {
    /// Statuses of the tasks of the root as the machine reports them.
    pub(crate) fn reported(&mut self) -> Vec<(TaskName, oos_core::machine::TaskStatus)> {
        let reports = self.pool.run_until(self.handle.report());
        reports.first().map(|r| r.tasks.iter().map(|t| (t.name.clone(), t.status)).collect()).unwrap_or_default()
    }
}

/// Runs a template until nothing moves any more.
pub(crate) fn run(name: &str, text: &str, registry: &ActionRegistry) -> Run {
    let (clock, recorder) = (Jumping::default(), Recorder::default());
    let (queue, mut incoming) = mpsc::unbounded();
    clock.0.lock().unwrap().0 = START;
    let engine = Engine::builder()
        .actions(registry.clone())
        .clock(clock.clone())
        .spawner(Queue(queue))
        .events(recorder.clone())
        .build()
        .unwrap();
    let template = Template::parse(text).unwrap_or_else(|found| panic!("{found}"));
    let options = StartOptions {
        template_name: Some(TemplateName::new(name)),
        id: Some("exec-7f3a91".into()),
        ..StartOptions::default()
    };
    let mut pool = LocalPool::new();
    let spawner = pool.spawner();
    let pump = async move {
        while let Some(driver) = incoming.next().await {
            spawner.spawn_local(driver).unwrap();
        }
    };
    pool.spawner().spawn_local(pump).unwrap();
    let handle = pool.run_until(engine.start_with(&template, Value::empty_map(), options)).unwrap();
    // CHOICE: a run of a test jumps no more often than this; the lease timer of the engine would go on for ever.
    for _ in 0..60 {
        pool.run_until_stalled();
        if handle.finished().is_some() || !clock.jump() {
            break;
        }
    }
    let events = recorder.0.lock().unwrap().clone();
    Run { events, handle, pool }
}

/// A plan whose every text tries to break out of where it is put.
pub(crate) fn hostile(plan: &mut Plan, text: &str) {
    plan.name = Some(TemplateName::new(text));
    for task in &mut plan.tasks {
        task.name = TaskName::new(format!("{}{text}", task.name));
        task.action = ActionName::new(text);
        for output in &mut task.outputs {
            output.name = Name::new(text);
        }
    }
}
