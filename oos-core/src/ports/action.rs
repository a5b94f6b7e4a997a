//! Actions that do work: the open set that users write. What is known of them as data stands in `signature`.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    api::{ApiCaller, ApiError, ApiErrorKind, ApiRequest, ApiResponse, Origin},
    clock::Clock,
    control::ControlAction,
    http::{HttpSend, Mailer},
    notify::Notifier,
    optional::GitAuthorizer,
};
use crate::{
    ActionName, ExecutionId, RegionId, Timestamp, Value,
    ids::{MachinePath, StepKey},
    machine::{UnknownOutcome, step_token},
};

mod signature;

pub use signature::{ActionClass, ApiUse, FailureCode, Property, ResultMember, RetryRule, Signature, type_words};

/// Does work.
///
/// # Implementing
/// `run` is called **at least once**: after a crash an unfinished action runs again with the same
/// [`ActionContext::idempotency_token`] and [`ActionContext::is_repeat`] true. Reach outside only through the context.
/// Never sleep to poll: answer [`Outcome::NotYet`], and the machine asks again by the task's retry settings.
///
/// ```
/// # use oos_core::{ActionName, Value, params, ports::{Action, ActionContext, ActionError, Outcome}};
/// #[derive(Debug)]
/// struct Greet(ActionName);
///
/// #[async_trait::async_trait]
/// impl Action for Greet {
///     fn name(&self) -> &ActionName { &self.0 }
///     async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
///         let whom = ctx.raw_properties().at(&["whom"]).to_text();
///         Ok(Outcome::Done(params! { "greeting" => format!("hello {whom}") }))
///     }
/// }
/// ```
#[async_trait]
pub trait Action: fmt::Debug + Send + Sync + 'static {
    /// The name that templates use, e.g. `Acme::Pager::Page`.
    fn name(&self) -> &ActionName;

    /// One attempt.
    ///
    /// # Errors
    /// The error that the attempt ends with; a retryable one is retried within the task's retry settings.
    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError>;

    /// Called when the step is stopped while it runs; the future of `run` is dropped afterwards.
    ///
    /// # Errors
    /// Only recorded.
    async fn cancel(&self, _ctx: ActionContext) -> Result<(), ActionError> {
        Ok(())
    }

    /// What the checker, the analysis and the documentation know of the action; by default it takes anything, and
    /// nobody knows what it calls ([`calls`](field@Signature::calls)).
    fn signature(&self) -> Signature {
        Signature::open(self.name().clone())
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The result document, which the task's selectors read.
    Done(Value),
    /// Ask again later: the machine counts, waits, and fails with `otherwise` when no retry is left.
    NotYet {
        /// The value that was seen, for messages.
        observed: Value,
        /// The error to end with when no retry is left.
        otherwise: ActionError,
    },
}

/// A result document of named outputs: `outputs! { "pageId" => id }`.
#[macro_export]
macro_rules! outputs {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::ports::Outcome::Done($crate::params! { $($key => $value),* })
    };
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ActionErrorKind {
    /// A property is missing or wrong.
    InvalidProperty,
    /// A service answered with an error.
    Service,
    /// No answer.
    Transport,
    /// A wait was not fulfilled in time.
    TimedOut,
    /// The step was cancelled.
    Cancelled,
    /// Something the engine was not given.
    Unsupported,
    /// It is not known whether a write was carried out.
    UnknownOutcome,
    /// Anything else.
    Internal,
}

/// Why a step failed: concrete data, because it goes into the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionError {
    /// Kind.
    pub kind: ActionErrorKind,
    /// Stable code; a cloud's code verbatim.
    pub code: Arc<str>,
    /// One line.
    pub message: Arc<str>,
    /// True when the same step may succeed later.
    pub retryable: bool,
    /// Request id of the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Arc<str>>,
    /// Anything more, e.g. the last value that a wait saw.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

impl ActionError {
    /// An error of a kind.
    pub fn new(kind: ActionErrorKind, code: impl Into<Arc<str>>, message: impl fmt::Display) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.to_string().into(),
            retryable: false,
            request_id: None,
            details: Value::Null,
        }
    }

    /// A service's error that may pass.
    pub fn retryable(code: impl Into<Arc<str>>, message: impl fmt::Display) -> Self {
        Self { retryable: true, ..Self::new(ActionErrorKind::Service, code, message) }
    }

    /// A service's error that will not pass.
    pub fn failed(code: impl Into<Arc<str>>, message: impl fmt::Display) -> Self {
        Self::new(ActionErrorKind::Service, code, message)
    }

    /// A wrong or missing property.
    pub fn invalid_property(message: impl fmt::Display) -> Self {
        Self::new(ActionErrorKind::InvalidProperty, "InvalidProperty", message)
    }

    /// Something that the engine was not given.
    pub fn unsupported(code: impl Into<Arc<str>>, message: impl fmt::Display) -> Self {
        Self::new(ActionErrorKind::Unsupported, code, message)
    }

    /// The same error with details.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Value>) -> Self {
        self.details = details.into();
        self
    }
}

/// The StatusMessage of a task: `<code>: <message>`, and the request id when there is one (actions.md 3.7).
impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        self.request_id.as_ref().map_or(Ok(()), |id| write!(f, " (RequestId: {id})"))
    }
}

impl std::error::Error for ActionError {}

impl From<ApiError> for ActionError {
    fn from(error: ApiError) -> Self {
        let (kind, retryable) = match error.kind() {
            ApiErrorKind::Throttled | ApiErrorKind::ServerFault => (ActionErrorKind::Service, true),
            ApiErrorKind::NeverSent => (ActionErrorKind::Transport, true),
            ApiErrorKind::UnknownOutcome => (ActionErrorKind::Transport, false),
            _ if matches!(error, ApiError::Unsupported { .. }) => (ActionErrorKind::Unsupported, false),
            _ => (ActionErrorKind::Service, false),
        };
        let message = match &error {
            ApiError::Service { message, .. } | ApiError::Unsupported { message, .. } => message.clone(),
            other => other.to_string().into(),
        };
        Self {
            kind,
            code: error.code().into(),
            message,
            retryable,
            request_id: error.request_id().cloned(),
            details: Value::Null,
        }
    }
}

/// Facts about one attempt.
#[derive(Clone, Debug)]
pub struct StepInfo {
    /// The execution of the machine: a child has its own.
    pub execution: ExecutionId,
    /// Where that machine stands.
    pub path: MachinePath,
    /// The step.
    pub key: StepKey,
    /// The action as registered.
    pub action: ActionName,
    /// Region of the execution.
    pub region: Option<RegionId>,
    /// Evaluated role chain; empty for the caller's own identity.
    pub role: Arc<str>,
    /// Idempotency token of the step.
    pub token: Token,
    /// True when the step may have run before a crash.
    pub repeat: bool,
    /// Time of the input that started the run of this step.
    pub started: Timestamp,
    /// What the engine wants of a write of unknown outcome.
    pub unknown_outcome: UnknownOutcome,
}

/// The idempotency token of a step (durability.md rule 6), derived when it is first asked for: most actions never do.
#[derive(Clone, Debug, Default)]
pub struct Token {
    text: OnceLock<Arc<str>>,
    run: u32,
    answers: u32,
}

impl Token {
    /// The token of a step of that run that has had that many definite answers.
    pub fn derived(run: u32, answers: u32) -> Self {
        Self { text: OnceLock::new(), run, answers }
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self { text: OnceLock::from(Arc::<str>::from(text)), run: 0, answers: 0 }
    }
}

impl StepInfo {
    /// The token's text.
    pub fn token(&self) -> &Arc<str> {
        let Token { text, run, answers } = &self.token;
        text.get_or_init(|| step_token(&self.execution, &StepKey { run: *run, ..self.key.clone() }, *answers))
    }
}

/// What actions reach the world through.
#[derive(Clone, Debug)]
pub struct ActionPorts {
    /// Cloud APIs, the engine's decorators included.
    pub api: Arc<dyn ApiCaller>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// HTTP.
    pub http: Arc<dyn HttpSend>,
    /// Mail.
    pub mailer: Arc<dyn Mailer>,
    /// Messages to people.
    pub notifier: Arc<dyn Notifier>,
    /// Repository addresses.
    pub git: Arc<dyn GitAuthorizer>,
}

/// What an action reports while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// A line for people.
    Log(Arc<str>),
    /// A link to something outside, e.g. (`ecs:invocation`, id).
    Link(Arc<str>, Arc<str>),
}

/// Takes progress.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// Everything an attempt may use; owned, so that actions need no lifetimes.
#[derive(Clone)]
pub struct ActionContext {
    info: Arc<StepInfo>,
    properties: Value,
    ports: Arc<ActionPorts>,
    progress: ProgressSink,
}

impl ActionContext {
    /// A context of its parts; the driver and the harness of the test kit make them.
    pub fn new(
        info: impl Into<Arc<StepInfo>>,
        properties: Value,
        ports: impl Into<Arc<ActionPorts>>,
        progress: ProgressSink,
    ) -> Self {
        Self { info: info.into(), properties, ports: ports.into(), progress }
    }

    /// The evaluated properties, read into a serde type.
    ///
    /// # Errors
    /// `InvalidProperty` naming the property that does not fit.
    pub fn properties<T: DeserializeOwned>(&self) -> Result<T, ActionError> {
        serde_json::from_value(self.properties.to_json()).map_err(ActionError::invalid_property)
    }

    /// The evaluated properties as they are.
    pub fn raw_properties(&self) -> &Value {
        &self.properties
    }

    /// Facts about this attempt.
    pub fn info(&self) -> &StepInfo {
        &self.info
    }

    /// Cloud APIs. Prefer [`ActionContext::request`] and [`ActionContext::call`], which fill in identity and token.
    pub fn api(&self) -> &Arc<dyn ApiCaller> {
        &self.ports.api
    }

    /// A request of this step: region, role, token and origin filled in.
    pub fn request(&self, service: &str, api: &str, parameters: impl Into<Value>) -> ApiRequest {
        ApiRequest {
            region: self.info.region.clone(),
            role: self.info.role.clone(),
            token: Some(self.info.token().clone()),
            origin: self.origin(),
            ..ApiRequest::new(service, api, parameters)
        }
    }

    fn origin(&self) -> Origin {
        let parents = self.info.path.steps().iter().map(|s| (s.task.clone(), s.item)).collect();
        Origin {
            execution: Some(self.info.execution.clone()),
            task: Some(self.info.key.task.clone()),
            item: self.info.key.item,
            parents,
        }
    }

    /// Makes a call.
    ///
    /// # Errors
    /// The cloud's error.
    pub async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        self.ports.api.call(request).await
    }

    /// The ports.
    pub fn ports(&self) -> &ActionPorts {
        &self.ports
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// The token of this step: the same when the step runs again after a crash, another for another step.
    pub fn idempotency_token(&self) -> &str {
        self.info.token()
    }

    /// True when this step may have run before a crash.
    pub fn is_repeat(&self) -> bool {
        self.info.repeat
    }

    /// Reports a line for people.
    pub fn emit(&self, line: impl Into<Arc<str>>) {
        (self.progress)(Progress::Log(line.into()));
    }

    /// Reports a link to something outside.
    pub fn link(&self, kind: impl Into<Arc<str>>, id: impl Into<Arc<str>>) {
        (self.progress)(Progress::Link(kind.into(), id.into()));
    }
}

impl fmt::Debug for ActionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionContext").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What a name in `Action` leads to.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Work.
    Work(Arc<dyn Action>),
    /// Steering.
    Control(Arc<dyn ControlAction>),
    /// A template under an action's name; its text is read when it is first needed.
    Template,
}

/// Name → action. The check and the plan ask this, never the registry.
pub trait ActionCatalog: fmt::Debug + Send + Sync {
    /// The entry of that name, case ignored.
    fn entry(&self, name: &ActionName) -> Option<Entry>;
    /// The signature of that name, case ignored.
    fn signature(&self, name: &ActionName) -> Option<Arc<Signature>>;
    /// All names, sorted.
    fn names(&self) -> Vec<ActionName>;
}
