//! One action under test, without a template: what a plug-in's author writes first.
//!
//! [`ActionHarness::run`] goes through an engine, so that retries, waits and outputs are those of a real run;
//! [`ActionHarness::attempt`] calls the action once. The contract that every action must keep is in
//! [`conformance::action`](crate::conformance::action).

use std::sync::{Arc, Mutex, PoisonError};

use oos_actions::notify::DefaultNotifier;
use oos_core::{
    ActionName, ExecutionId, RegionId, Value,
    engine::RefuseAll,
    ids::{MachinePath, StepKey},
    machine::{ExecutionStatus, UnknownOutcome},
    ports::{
        Action, ActionContext, ActionError, Outcome,
        action::{ActionPorts, Progress, ProgressSink, Signature, StepInfo},
    },
    template::ValueType,
};

use crate::{FakeCloud, HttpRecorder, Run, TestBed, bed::REGION, calls::fail};

/// An action, its properties and its world.
///
/// ```
/// use oos_core::{outputs, ports::ActionContext, registry::FnAction};
/// use oos_testkit::{harness::ActionHarness, prelude::*};
///
/// let start = FnAction::new("Acme::Start", |ctx: ActionContext| async move {
///     ctx.call(ctx.request("ECS", "StartInstance", params! { "InstanceId" => ctx.raw_properties().at(&["id"]).clone() })).await?;
///     Ok(outputs! { "started" => true })
/// });
/// let cloud = FakeCloud::new().instance("i-1", "Stopped");
/// let run = ActionHarness::new(start).properties(json!({"id": "i-1"})).cloud(&cloud).run();
/// run.expect_success();
/// run.output("result").eq(json!({"started": true}));
/// cloud.calls().of("ECS", "StartInstance").count(1);
/// ```
#[derive(Debug)]
#[must_use = "say `run()` or `attempt()`"]
pub struct ActionHarness<A> {
    action: A,
    properties: Value,
    cloud: FakeCloud,
    http: HttpRecorder,
    role: String,
    repeat: bool,
}

/// What one attempt came to.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What the action answered.
    pub result: Result<Outcome, ActionError>,
    /// What it said meanwhile: log lines, and links as `kind: id`.
    pub said: Vec<String>,
}

impl<A: Action> ActionHarness<A> {
    /// The action, without properties, in an empty cloud.
    pub fn new(action: A) -> Self {
        Self {
            action,
            properties: Value::empty_map(),
            cloud: FakeCloud::new(),
            http: HttpRecorder::default(),
            role: String::new(),
            repeat: false,
        }
    }

    /// The same with evaluated properties: braces in them stay text.
    pub fn properties(mut self, properties: impl Into<Value>) -> Self {
        self.properties = properties.into();
        self
    }

    /// The same over a cloud that the test goes on using.
    pub fn cloud(mut self, cloud: &FakeCloud) -> Self {
        self.cloud = cloud.clone();
        self
    }

    /// The same with HTTP and mail going to a recorder; only for [`attempt`](Self::attempt): a run has its bed's.
    pub fn http(mut self, http: &HttpRecorder) -> Self {
        self.http = http.clone();
        self
    }

    /// The same under a role.
    pub fn role(mut self, role: &str) -> Self {
        role.clone_into(&mut self.role);
        self
    }

    /// The same as after a crash: [`attempt`](Self::attempt) tells the action that it may have run before.
    pub fn repeat(mut self) -> Self {
        self.repeat = true;
        self
    }

    /// Runs the action as the only task of an execution to its end; the output `result` is its result document.
    ///
    /// # Panics
    /// When the properties do not fit the signature, or the result document lacks what the signature says.
    #[track_caller]
    pub fn run(self) -> Run {
        let signature = self.action.signature();
        let bed = TestBed::on(&self.cloud).register(self.action);
        let run = bed.run_action_as(&self.role, signature.name.as_str(), self.properties);
        if run.status() == ExecutionStatus::Success {
            let document = run.outputs().at(&["result"]).clone();
            if let Some(text) = missing_output(&signature, &document) {
                fail(&format!("{text}\n{}", run.report()));
            }
        }
        run
    }

    /// Calls the action once and lets its waits pass in virtual time.
    ///
    /// # Panics
    /// When it waits for something that is not behind its ports.
    #[track_caller]
    pub fn attempt(&self) -> Attempt {
        let said = Arc::<Mutex<Vec<String>>>::default();
        let heard = said.clone();
        let progress: ProgressSink = Arc::new(move |progress| {
            let line = match progress {
                Progress::Log(line) => line.to_string(),
                Progress::Link(kind, id) => format!("{kind}: {id}"),
            };
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        });
        let step = Step { action: self.action.name(), role: &self.role, token: "token-1", repeat: self.repeat };
        let context = step.context(&self.cloud, &self.http, &self.properties, progress);
        let result = self.cloud.clock().block_on(self.action.run(context));
        let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Attempt { result, said }
    }
}

/// What the result document lacks of the signature, as a text.
fn missing_output(signature: &Signature, document: &Value) -> Option<String> {
    signature.outputs.iter().filter(|member| &*member.name != ".").find_map(|member| {
        let value = document.get(&member.name);
        let fits = |value: &Value| member.types.is_empty() || member.types.iter().any(|of| is_of(value, *of));
        (!value.is_some_and(fits)).then(|| {
            let found = value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            format!("the signature of `{}` says that `{}` is in the result, found {found}", signature.name, member.name)
        })
    })
}

/// True when a value is of a type.
pub(crate) fn is_of(value: &Value, of: ValueType) -> bool {
    match of {
        ValueType::String => value.as_str().is_some(),
        ValueType::Number => value.as_f64().is_some(),
        ValueType::Boolean => value.as_bool().is_some(),
        ValueType::List => value.as_list().is_some(),
        ValueType::Json => value.as_map().is_some() || value.as_list().is_some(),
    }
}

/// A step without an engine.
pub(crate) struct Step<'a> {
    pub(crate) action: &'a ActionName,
    pub(crate) role: &'a str,
    pub(crate) token: &'a str,
    pub(crate) repeat: bool,
}

impl Step<'_> {
    /// The context of an attempt whose ports are a fake cloud and a recorder.
    pub(crate) fn context(
        &self,
        cloud: &FakeCloud,
        http: &HttpRecorder,
        properties: &Value,
        progress: ProgressSink,
    ) -> ActionContext {
        let (clock, http) = (Arc::new(cloud.clock().clone()), Arc::new(http.clone()));
        let ports = ActionPorts {
            api: Arc::new(cloud.clone()),
            clock: clock.clone(),
            http: http.clone(),
            mailer: http.clone(),
            notifier: Arc::new(DefaultNotifier::new(http.clone(), http, clock)),
            git: Arc::new(RefuseAll),
        };
        let info = StepInfo {
            execution: ExecutionId::from("exec-harness"),
            path: MachinePath::root(),
            key: StepKey { task: "action".into(), run: 1, item: None, attempt: 1 },
            action: self.action.clone(),
            region: Some(RegionId::from(REGION)),
            role: self.role.into(),
            token: self.token.into(),
            repeat: self.repeat,
            started: cloud.now(),
            unknown_outcome: UnknownOutcome::default(),
        };
        ActionContext::new(info, properties.clone(), ports, progress)
    }
}
