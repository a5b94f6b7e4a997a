//! Stubs: answers written by the test, from one fixed answer to a model of its own.
//!
//! A sequence advances per matching call, retries included, and can be kept per value of a parameter
//! ([`Stub::per`]), so that parallel loop items do not steal each other's answers.

use std::{collections::BTreeMap, fmt, sync::Arc};

use oos_core::{Map, Value, ports::ApiError};

use crate::{
    FakeCloud,
    calls::{Call, Count},
};

/// One answer of a stub.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A body.
    Ok(Value),
    /// A body merged over what the fake would have answered.
    Merge(Value),
    /// An error.
    Error(ApiError),
    /// The fake answers.
    Pass,
}

/// An answer with a body.
pub fn ok(body: impl Into<Value>) -> Reply {
    Reply::Ok(body.into())
}

/// An answer with an error of the cloud.
pub fn err(code: &str, status: u16, message: &str) -> Reply {
    Reply::Error(ApiError::service(code, status, message))
}

/// The fake answers.
pub fn pass() -> Reply {
    Reply::Pass
}

/// A service written by a test; it keeps its state in itself.
pub trait Model: Send + 'static {
    /// Answers a call, or passes on with `None`. It must not use the cloud, which is locked meanwhile.
    fn call(&mut self, call: &Call) -> Option<Result<Value, ApiError>>;
}

type When = Arc<dyn Fn(&Call) -> bool + Send + Sync>;
type Respond = Box<dyn FnMut(&Call, &mut Map) -> Reply + Send>;

enum Source {
    Fixed(Reply),
    Sequence(Vec<Reply>, Then),
    Respond(Respond),
    Model(Box<dyn Model>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Last,
    Error,
    Pass,
}

/// What a stub says about a call.
#[derive(Debug)]
pub(crate) enum StubAnswer {
    Answer(Result<Value, ApiError>),
    Merge(Value),
}

pub(crate) struct StubRule {
    service: String,
    api: String,
    when: Option<When>,
    per: Option<String>,
    source: Source,
    expected: Option<Box<dyn Count + Send>>,
    memory: BTreeMap<String, (usize, Map)>,
    pub(crate) hits: usize,
}

impl StubRule {
    pub(crate) fn name(&self) -> String {
        format!("stub {}.{}", self.service, self.api)
    }

    pub(crate) fn pattern(&self) -> (String, String) {
        (self.service.clone(), self.api.clone())
    }

    pub(crate) fn unmet(&self) -> Option<String> {
        let met = self.expected.as_ref().map_or(self.hits > 0, |e| e.takes(self.hits));
        (!met).then(|| match &self.expected {
            Some(expected) => format!("{} answered {} calls, expected {expected:?}", self.name(), self.hits),
            None => format!("{} never answered", self.name()),
        })
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Option<StubAnswer> {
        if !call.is(&self.service, &self.api) || !self.when.as_ref().is_none_or(|when| when(call)) {
            return None;
        }
        self.hits += 1;
        let key = self.per.as_ref().map_or_else(String::new, |name| call.param(name).to_string());
        let (count, memory) = self.memory.entry(key).or_default();
        let reply = match &mut self.source {
            Source::Fixed(reply) => reply.clone(),
            Source::Sequence(replies, then) => next_of(replies, *then, count),
            Source::Respond(respond) => respond(call, memory),
            Source::Model(model) => match model.call(call)? {
                Ok(body) => Reply::Ok(body),
                Err(error) => Reply::Error(error),
            },
        };
        match reply {
            Reply::Ok(body) => Some(StubAnswer::Answer(Ok(body))),
            Reply::Error(error) => Some(StubAnswer::Answer(Err(error))),
            Reply::Merge(over) => Some(StubAnswer::Merge(over)),
            Reply::Pass => None,
        }
    }
}

fn next_of(replies: &[Reply], then: Then, count: &mut usize) -> Reply {
    let n = *count;
    *count += 1;
    match (replies.get(n), then) {
        (Some(reply), _) => reply.clone(),
        (None, Then::Last) => replies.last().cloned().unwrap_or(Reply::Pass),
        (None, Then::Pass) => Reply::Pass,
        (None, Then::Error) => Reply::Error(ApiError::Unsupported {
            code: "Testkit.SequenceEnded".into(),
            message: format!("the stub has {} answers, this is call {}", replies.len(), n + 1).into(),
        }),
    }
}

/// A stub in the making. The first word that gives an answer puts it in force.
///
/// ```
/// # use oos_testkit::{FakeCloud, fault::{ok, err}};
/// # use serde_json::json;
/// let cloud = FakeCloud::new();
/// cloud.stub("CAS", "DescribeCertificateState").per("OrderId").sequence([
///     ok(json!({"Type": "process"})),
///     err("Throttling.User", 429, "slow down"),
///     ok(json!({"Type": "certificate"})),
/// ]).then_last();
/// ```
#[must_use = "say what it answers, e.g. `ok()`"]
pub struct Stub {
    cloud: FakeCloud,
    service: String,
    api: String,
    when: Option<When>,
    per: Option<String>,
}

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stub({}.{})", self.service, self.api)
    }
}

impl Stub {
    pub(crate) fn new(cloud: FakeCloud, service: &str, api: &str) -> Self {
        Self { cloud, service: service.to_owned(), api: api.to_owned(), when: None, per: None }
    }

    /// Only for calls that the closure takes.
    pub fn when(mut self, when: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(when));
        self
    }

    /// Keeps sequences and memory apart by the value of this parameter.
    pub fn per(mut self, parameter: &str) -> Self {
        self.per = Some(parameter.to_owned());
        self
    }

    /// Answers with an empty body.
    pub fn ok(self) -> StubHandle {
        self.json(Value::empty_map())
    }

    /// Answers with a body.
    pub fn json(self, body: impl Into<Value>) -> StubHandle {
        self.install(Source::Fixed(ok(body)))
    }

    /// Merges a body over what the fake answers; over an empty answer where it has no model.
    pub fn merge(self, body: impl Into<Value>) -> StubHandle {
        self.install(Source::Fixed(Reply::Merge(body.into())))
    }

    /// Answers with an error.
    pub fn error(self, code: &str, status: u16, message: &str) -> StubHandle {
        self.install(Source::Fixed(err(code, status, message)))
    }

    /// Answers one after the other; then an error, unless the handle says otherwise.
    pub fn sequence(self, replies: impl IntoIterator<Item = Reply>) -> StubHandle {
        self.install(Source::Sequence(replies.into_iter().collect(), Then::Error))
    }

    /// Answers by a closure that has a memory. It must not use the cloud, which is locked meanwhile.
    pub fn respond(self, respond: impl FnMut(&Call, &mut Map) -> Reply + Send + 'static) -> StubHandle {
        self.install(Source::Respond(Box::new(respond)))
    }

    /// Answers by a model of the service.
    pub fn stateful_model(self, model: impl Model) -> StubHandle {
        self.install(Source::Model(Box::new(model)))
    }

    fn install(self, source: Source) -> StubHandle {
        let Self { cloud, service, api, when, per } = self;
        let memory = BTreeMap::new();
        let rule = StubRule { service, api, when, per, source, expected: None, memory, hits: 0 };
        let number = cloud.with(|state| {
            state.rules.stubs.push(rule);
            state.rules.stubs.len() - 1
        });
        StubHandle { cloud, number }
    }
}

/// A stub that is in force.
#[derive(Clone, Debug)]
pub struct StubHandle {
    cloud: FakeCloud,
    number: usize,
}

impl StubHandle {
    fn change(&self, change: impl FnOnce(&mut StubRule)) -> &Self {
        self.cloud.with(|state| state.rules.stubs.get_mut(self.number).map(change));
        self
    }

    /// After a sequence: its last answer, again and again.
    pub fn then_last(&self) -> &Self {
        self.then(Then::Last)
    }

    /// After a sequence: an error.
    pub fn then_error(&self) -> &Self {
        self.then(Then::Error)
    }

    /// After a sequence: the fake answers.
    pub fn then_pass(&self) -> &Self {
        self.then(Then::Pass)
    }

    fn then(&self, then: Then) -> &Self {
        self.change(|stub| {
            if let Source::Sequence(_, old) = &mut stub.source {
                *old = then;
            }
        })
    }

    /// How many calls it is expected to answer; checked by [`FakeCloud::assert_rules_used`].
    pub fn times(&self, count: impl Count + Send + 'static) -> &Self {
        self.change(|stub| stub.expected = Some(Box::new(count)))
    }

    /// How many calls it has answered.
    pub fn hits(&self) -> usize {
        self.cloud.with(|state| state.rules.stubs.get(self.number).map_or(0, |s| s.hits))
    }
}

/// `over` merged over `base`: members of maps one by one, everything else replaced.
pub(crate) fn merged(base: &Value, over: &Value) -> Value {
    let (Some(map), Some(members)) = (base.as_map(), over.as_map()) else { return over.clone() };
    let mut out = map.clone();
    for (key, value) in members {
        let value = map.get(key).map_or_else(|| value.clone(), |old| merged(old, value));
        out.insert(key.clone(), value);
    }
    Value::from(out)
}
