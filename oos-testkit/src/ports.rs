//! Doubles of the small ports: recorders that answer what the test says.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures::{FutureExt, future::BoxFuture};
use oos_core::{
    ExecutionId, Value,
    ports::{
        ActionError,
        http::{HttpRequest, HttpResponse, HttpSend, Mail, Mailer},
        ids::{IdSource, execution_id_of},
        parameter_store::{ParameterRef, ParameterStore, ParameterValue},
        store::StoreError,
        trigger::{Deliver, Rule, TriggerSource},
    },
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records HTTP requests and mails; answers 200 with `{}` unless told otherwise.
#[derive(Clone, Debug, Default)]
pub struct HttpRecorder(Arc<Mutex<Http>>);

#[derive(Debug, Default)]
struct Http {
    requests: Vec<HttpRequest>,
    mails: Vec<Mail>,
    answers: std::collections::VecDeque<Result<HttpResponse, ActionError>>,
}

impl HttpRecorder {
    /// Answers the next requests, in order.
    pub fn answer(&self, status: u16, body: &str) -> &Self {
        let response = HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        lock(&self.0).answers.push_back(Ok(response));
        self
    }

    /// Fails the next request.
    pub fn fail(&self, error: ActionError) -> &Self {
        lock(&self.0).answers.push_back(Err(error));
        self
    }

    /// Requests so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        lock(&self.0).requests.clone()
    }

    /// Bodies of the requests so far, as text.
    pub fn bodies(&self) -> Vec<String> {
        self.requests().iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect()
    }

    /// Mails so far.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.0).mails.clone()
    }
}

#[async_trait]
impl HttpSend for HttpRecorder {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ActionError> {
        let mut http = lock(&self.0);
        http.requests.push(request);
        let default = || Ok(HttpResponse { status: 200, headers: Vec::new(), body: b"{}".to_vec() });
        http.answers.pop_front().unwrap_or_else(default)
    }
}

#[async_trait]
impl Mailer for HttpRecorder {
    async fn send(&self, mail: Mail) -> Result<(), ActionError> {
        lock(&self.0).mails.push(mail);
        Ok(())
    }
}

/// Stored parameters in a map.
#[derive(Clone, Debug, Default)]
pub struct ParameterMap(Arc<Mutex<BTreeMap<(bool, String), Value>>>);

impl ParameterMap {
    /// Sets a common parameter.
    pub fn set(&self, name: &str, value: impl Into<Value>) -> &Self {
        lock(&self.0).insert((false, name.to_owned()), value.into());
        self
    }

    /// Sets a secret parameter.
    pub fn secret(&self, name: &str, value: impl Into<Value>) -> &Self {
        lock(&self.0).insert((true, name.to_owned()), value.into());
        self
    }
}

#[async_trait]
impl ParameterStore for ParameterMap {
    async fn get(&self, names: &[ParameterRef]) -> Result<Vec<ParameterValue>, StoreError> {
        let values = lock(&self.0);
        let found = |name: &ParameterRef| {
            let value = values.get(&(name.secret, name.name.to_string()))?.clone();
            Some(ParameterValue { reference: name.clone(), value })
        };
        Ok(names.iter().filter_map(found).collect())
    }
}

/// Ids that count up: `exec-` and 20 characters, the same in every run with the same seed.
#[derive(Clone, Debug)]
pub struct SeededIds(u64, Arc<AtomicU64>);

impl SeededIds {
    /// Ids of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed, Arc::default())
    }
}

impl IdSource for SeededIds {
    fn execution_id(&self) -> ExecutionId {
        let n = self.1.fetch_add(1, Ordering::Relaxed) + 1;
        execution_id_of(u128::from(self.0) << 32 | u128::from(n))
    }
}

/// Decides whether a message is for a rule.
pub type RuleMatch = fn(&Rule, &Value) -> bool;

/// Subscriptions of triggers; a test emits messages.
#[derive(Clone, Default)]
pub struct TestTriggers {
    subscriptions: Arc<Mutex<BTreeMap<String, (Rule, Deliver)>>>,
}

impl std::fmt::Debug for TestTriggers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(lock(&self.subscriptions).keys()).finish()
    }
}

impl TestTriggers {
    /// Delivers a message to every subscription of an action that it matches; gives their number.
    pub fn emit(&self, action: &str, message: &Value, matches: impl Fn(&Rule, &Value) -> bool) -> usize {
        let chosen: Vec<Deliver> = lock(&self.subscriptions)
            .values()
            .filter(|(rule, _)| rule.action.is(action) && matches(rule, message))
            .map(|(_, deliver)| deliver.clone())
            .collect();
        chosen.iter().for_each(|deliver| deliver(message.clone()));
        chosen.len()
    }

    /// The rules that are subscribed.
    pub fn rules(&self) -> Vec<Rule> {
        lock(&self.subscriptions).values().map(|(rule, _)| rule.clone()).collect()
    }
}

impl TriggerSource for TestTriggers {
    fn subscribe(&self, key: &str, rule: &Rule, deliver: Deliver) -> BoxFuture<'static, Result<(), ActionError>> {
        lock(&self.subscriptions).insert(key.to_owned(), (rule.clone(), deliver));
        async { Ok(()) }.boxed()
    }

    fn unsubscribe(&self, key: &str) {
        lock(&self.subscriptions).remove(key);
    }
}
