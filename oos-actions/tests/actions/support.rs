//! Scripted ports: queues of answers, recorded requests, a clock that jumps. No behaviour of a cloud.

use std::{
    collections::VecDeque,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::{FutureExt, executor::block_on, future::BoxFuture};
use oos_core::{
    ExecutionId, RegionId, TaskName, Timestamp, Value,
    ids::{MachinePath, StepKey},
    machine::{ExecutionStatus, UnknownOutcome},
    ports::{
        Action, ActionContext, ActionError, ActionErrorKind, ApiCaller, ApiError, ApiRequest, ApiResponse, Clock,
        ControlAction, ControlContext, ControlEvent, Decision, Outcome,
        action::{ActionPorts, Progress, Signature, StepInfo},
        control::{ControlError, LazyProperties},
        http::{HttpRequest, HttpResponse, HttpSend, Mail, Mailer},
        notify::{Message, Notifier},
        optional::{GitAuthorizer, GitRequest},
    },
};

/// The code of an error that a port answers with.
pub(crate) trait Coded {
    fn code(&self) -> &str;
}

impl Coded for ApiError {
    fn code(&self) -> &str {
        self.code()
    }
}

impl Coded for ActionError {
    fn code(&self) -> &str {
        &self.code
    }
}

/// A queue of answers, the requests that took them, and the codes of those that were errors.
#[derive(Debug)]
pub(crate) struct Script<Q, A, E> {
    answers: Mutex<VecDeque<Result<A, E>>>,
    requests: Mutex<Vec<Q>>,
    codes: Mutex<Vec<String>>,
}

impl<Q, A, E> Default for Script<Q, A, E> {
    fn default() -> Self {
        Self { answers: Mutex::default(), requests: Mutex::default(), codes: Mutex::default() }
    }
}

impl<Q: Clone, A, E: Coded> Script<Q, A, E> {
    pub(crate) fn push(&self, answer: Result<A, E>) {
        self.answers.lock().unwrap().push_back(answer);
    }
    fn take(&self, request: Q) -> Result<A, E> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("an answer is scripted for each request");
        self.codes.lock().unwrap().extend(answer.as_ref().err().map(|error| error.code().to_owned()));
        answer
    }
    fn codes(&self) -> Vec<String> {
        self.codes.lock().unwrap().clone()
    }
    pub(crate) fn requests(&self) -> Vec<Q> {
        self.requests.lock().unwrap().clone()
    }
    pub(crate) fn only(&self) -> Q {
        let requests = self.requests();
        assert_eq!(requests.len(), 1);
        requests[0].clone()
    }
}

pub(crate) type Api = Script<ApiRequest, ApiResponse, ApiError>;
pub(crate) type Http = Script<HttpRequest, HttpResponse, ActionError>;
pub(crate) type Post = Script<Mail, (), ActionError>;
pub(crate) type Messages = Script<Message, Value, ActionError>;
pub(crate) type Git = Script<GitRequest, Arc<str>, ActionError>;

#[async_trait]
impl ApiCaller for Api {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        self.take(request)
    }
}

#[async_trait]
impl HttpSend for Http {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ActionError> {
        self.take(request)
    }
}

#[async_trait]
impl Mailer for Post {
    async fn send(&self, mail: Mail) -> Result<(), ActionError> {
        self.take(mail)
    }
}

#[async_trait]
impl Notifier for Messages {
    async fn send(&self, message: &Message) -> Result<Value, ActionError> {
        self.take(message.clone())
    }
}

#[async_trait]
impl GitAuthorizer for Git {
    async fn authorized_url(&self, request: &GitRequest) -> Result<Arc<str>, ActionError> {
        self.take(request.clone())
    }
}

/// A clock that jumps to every deadline and remembers it.
#[derive(Debug)]
pub(crate) struct Jumping {
    now: Mutex<Timestamp>,
    slept: Mutex<Vec<u64>>,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        let mut now = self.now.lock().unwrap();
        self.slept.lock().unwrap().push(deadline.since(*now).as_secs());
        *now = deadline.max(*now);
        std::future::ready(()).boxed()
    }
}

impl Jumping {
    pub(crate) fn slept(&self) -> Vec<u64> {
        self.slept.lock().unwrap().clone()
    }
}

/// The world of one work action.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) api: Arc<Api>,
    pub(crate) http: Arc<Http>,
    pub(crate) post: Arc<Post>,
    pub(crate) messages: Arc<Messages>,
    pub(crate) git: Arc<Git>,
    pub(crate) clock: Arc<Jumping>,
    pub(crate) log: Arc<Mutex<Vec<String>>>,
    pub(crate) unknown_outcome: UnknownOutcome,
}

pub(crate) const NOW: &str = "2024-03-01T00:00:00Z";

impl World {
    pub(crate) fn new() -> Self {
        let clock = Jumping { now: Mutex::new(Timestamp::parse(NOW).unwrap()), slept: Mutex::default() };
        Self {
            api: Arc::default(),
            http: Arc::default(),
            post: Arc::default(),
            messages: Arc::default(),
            git: Arc::default(),
            clock: Arc::new(clock),
            log: Arc::default(),
            unknown_outcome: UnknownOutcome::default(),
        }
    }

    /// A world whose API answers so, one call after the other.
    pub(crate) fn answering<const N: usize>(answers: [Value; N]) -> Self {
        let world = Self::new();
        answers.into_iter().for_each(|body| world.api.push(Ok(ApiResponse { body, request_id: None })));
        world
    }

    pub(crate) fn run(&self, action: &dyn Action, properties: Value) -> Result<Outcome, ActionError> {
        self.listed(action, block_on(action.run(self.context(action, properties, false))))
    }

    pub(crate) fn run_again(&self, action: &dyn Action, properties: Value) -> Result<Outcome, ActionError> {
        self.listed(action, block_on(action.run(self.context(action, properties, true))))
    }

    /// The result, whose failure a port gave or the signature lists.
    #[track_caller]
    fn listed(&self, action: &dyn Action, result: Result<Outcome, ActionError>) -> Result<Outcome, ActionError> {
        let scripted =
            [self.api.codes(), self.http.codes(), self.post.codes(), self.messages.codes(), self.git.codes()];
        if let Err(error) | Ok(Outcome::NotYet { otherwise: error, .. }) = &result
            && !scripted.iter().flatten().any(|code| **code == *error.code)
        {
            is_listed(&action.signature(), error);
        }
        result
    }

    pub(crate) fn context(&self, action: &dyn Action, properties: Value, repeat: bool) -> ActionContext {
        let info = StepInfo {
            execution: ExecutionId::new("exec-1"),
            path: MachinePath::root(),
            key: StepKey { task: TaskName::new("task"), run: 1, item: None, attempt: 1 },
            action: action.name().clone(),
            region: Some(RegionId::new("cn-hangzhou")),
            role: "OOSServiceRole".into(),
            token: "token-1".into(),
            repeat,
            started: Timestamp::parse(NOW).unwrap(),
            unknown_outcome: self.unknown_outcome,
        };
        let ports = ActionPorts {
            api: self.api.clone(),
            clock: self.clock.clone(),
            http: self.http.clone(),
            mailer: self.post.clone(),
            notifier: self.messages.clone(),
            git: self.git.clone(),
        };
        let log = Arc::clone(&self.log);
        let sink = Arc::new(move |progress| {
            if let Progress::Log(line) = progress {
                log.lock().unwrap().push(line.to_string());
            }
        });
        ActionContext::new(info, properties, ports, sink)
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn fails(&self, error: ApiError) {
        self.api.push(Err(error));
    }

    /// Scripts an HTTP answer.
    pub(crate) fn web(&self, status: u16, body: &str) {
        let headers = vec![("X-Id".to_owned(), "7".to_owned())];
        self.http.push(Ok(HttpResponse { status, headers, body: body.as_bytes().to_vec() }));
    }
}

/// A failure of an action's own must stand in its signature, from which the reference page is made.
#[track_caller]
fn is_listed(signature: &Signature, error: &ActionError) {
    let listed = signature.failures.iter().any(|failure| failure.code == error.code);
    assert!(listed, "{} fails with {error}, which its signature does not list", signature.name);
}

/// The result document of a success.
#[track_caller]
pub(crate) fn done(result: Result<Outcome, ActionError>) -> Value {
    match result {
        Ok(Outcome::Done(document)) => document,
        other => panic!("expected a result, got {other:?}"),
    }
}

/// The value seen and the error to end with.
#[track_caller]
pub(crate) fn not_yet(result: Result<Outcome, ActionError>) -> (Value, ActionError) {
    match result {
        Ok(Outcome::NotYet { observed, otherwise }) => (observed, otherwise),
        other => panic!("expected to be asked again, got {other:?}"),
    }
}

/// The error of a connection that broke; `sent` tells whether the request had left.
pub(crate) fn broken(sent: bool) -> ApiError {
    ApiError::Transport { message: "connection reset".into(), sent }
}

pub(crate) fn lost_connection(retryable: bool) -> ActionError {
    ActionError { retryable, ..ActionError::new(ActionErrorKind::Transport, "NotConnected", "connection refused") }
}

pub(crate) fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

pub(crate) fn ended(status: ExecutionStatus) -> ControlEvent {
    ControlEvent::ChildEnded { status, outputs: Value::empty_map(), error: None }
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The code of an expression that fails: the machine's, not the action's.
const FAILED_EXPRESSION: &str = "FunctionError";

/// Lazy properties whose evaluation is their value; `Fail` in one of them fails.
#[derive(Debug)]
struct Lazy(Value);

impl Lazy {
    fn find(&self, path: &[&str]) -> Value {
        path.iter().fold(self.0.clone(), |value, key| match &value {
            Value::List(list) => key.parse().ok().and_then(|i: usize| list.get(i)).cloned().unwrap_or_default(),
            other => other.get(key).cloned().unwrap_or_default(),
        })
    }
}

impl LazyProperties for Lazy {
    fn len(&self, path: &[&str]) -> Option<usize> {
        self.find(path).as_list().map(<[Value]>::len)
    }
    fn evaluate(&self, path: &[&str]) -> Result<Value, ControlError> {
        let value = self.find(path);
        if value.as_str() == Some("Fail") {
            return Err(ActionError::failed(FAILED_EXPRESSION, "it fails").into());
        }
        Ok(value)
    }
}

/// One run of a control step: events in, decisions out.
pub(crate) struct Steps {
    action: Box<dyn ControlAction>,
    properties: Value,
    lazy: Lazy,
    history: Vec<(Timestamp, ControlEvent)>,
    pub(crate) now: Timestamp,
}

impl Steps {
    pub(crate) fn of(action: impl ControlAction, properties: Value) -> Self {
        let lazy = Lazy(properties.clone());
        Self { action: Box::new(action), properties, lazy, history: Vec::new(), now: at(NOW) }
    }

    /// Moves the time of the next events.
    pub(crate) fn at(&mut self, time: &str) -> &mut Self {
        self.now = at(time);
        self
    }

    pub(crate) fn send(&mut self, event: ControlEvent) -> Result<Decision, ControlError> {
        self.history.push((self.now, event.clone()));
        let ctx = ControlContext {
            execution: &ExecutionId::new("exec-1"),
            task: &TaskName::new("task"),
            properties: &self.properties,
            lazy: &self.lazy,
            now: self.now,
            entered: self.history[0].0,
            history: &self.history,
        };
        let decision = self.action.decide(&ctx, &event);
        assert_eq!(decision, self.action.decide(&ctx, &event), "a decision is pure");
        let given = matches!(&event, ControlEvent::ChildEnded { error: Some(_), .. });
        match &decision {
            Err(ControlError::Failed(error)) if &*error.code != FAILED_EXPRESSION => {
                is_listed(&self.action.signature(), error);
            }
            Ok(Decision::Fail(error)) if !given => is_listed(&self.action.signature(), error),
            _ => {}
        }
        decision
    }

    /// The decision about an event that must not fail.
    #[track_caller]
    pub(crate) fn on(&mut self, event: ControlEvent) -> Decision {
        self.send(event).unwrap()
    }

    /// The text of the failure of `Entered`.
    #[track_caller]
    pub(crate) fn refusal(&mut self) -> String {
        match self.send(ControlEvent::Entered) {
            Err(ControlError::Failed(error)) => error.to_string(),
            other => panic!("expected a failure, got {other:?}"),
        }
    }
}
