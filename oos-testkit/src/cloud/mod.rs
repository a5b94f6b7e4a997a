//! The fake cloud: accounts, regions and products in memory, on virtual time.
//!
//! [`FakeCloud`] is a cheap clone of shared state and an [`ApiCaller`]. A call goes through a fixed order: record,
//! latency, faults, stubs, role chain, RAM check, parameter checks, handler, record. Transitions of resources are due
//! at virtual instants and are applied when somebody looks. The fake knows no action, no template and no network;
//! what is specific to a product stands in that product's file.

mod access;
mod api;
pub mod cs;
pub mod database;
mod declared;
mod dispatch;
pub mod ecd;
pub mod ecs;
pub(crate) mod error;
pub mod ess;
pub mod fc;
mod hbr;
pub(crate) mod ids;
mod index;
mod inventory;
mod limits;
mod monitor;
mod names;
pub mod oos;
pub mod oss;
pub(crate) mod page;
pub(crate) mod params;
pub mod ram;
mod rates;
pub mod ros;
mod server_group;
mod services;
mod setter;
pub mod shaped;
pub mod slb;
pub mod small;
pub(crate) mod state;
pub(crate) mod store;
mod tag;
pub mod transition;
pub mod vpc;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(crate) use access::kinds_to_put;
use async_trait::async_trait;
pub(crate) use dispatch::completed;
use oos_core::{
    Timestamp, Value,
    ports::{
        ApiCaller, ApiError, ApiRequest, ApiResponse,
        credential::{Credential, CredentialError, CredentialProvider},
    },
};
pub use transition::{Behaviour, Profile, Transitions};

pub(crate) use self::services::SERVICES;
use self::state::State;
use crate::{
    calls::{Call, Calls, fail},
    clock::{DEFAULT_START, VirtualClock},
    fault::{Fault, Stub},
};

/// Answers operations that the fake has no model of, e.g. by the shapes of the catalogue.
pub trait Fallback: fmt::Debug + Send + 'static {
    /// The answer to a call.
    ///
    /// # Errors
    /// What the call shall fail with.
    fn answer(&mut self, call: &Call) -> Result<Value, ApiError>;
}

/// What operations without a model are answered with.
#[derive(Debug, Default)]
pub enum Unmodelled {
    /// The error `Testkit.UnmodelledApi`, which says what to do about it.
    #[default]
    Strict,
    /// An empty body with a request id.
    Echo,
    /// An answer of the shape that the catalogue knows, else the error.
    Shaped,
    /// The answer of a fallback.
    By(Box<dyn Fallback>),
}

/// How RAM policies are applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforcement {
    /// Everything is allowed.
    #[default]
    Off,
    /// Everything is allowed, and what would be denied is noted.
    Audit,
    /// Policies decide.
    On,
}

pub use Enforcement::{Audit, Off, On};

/// A cloud in memory. Clones share the same state.
///
/// ```
/// use oos_testkit::prelude::*;
///
/// let cloud = FakeCloud::new();
/// let ids = cloud.ecs().instances(3).named("web-{n}").stopped().create();
/// cloud.call_now("ECS", "StartInstance", json!({"InstanceId": ids[0]})).unwrap();
/// assert!(cloud.ecs().all(&ids[..1]).are(Starting));
/// cloud.clock().advance(secs(20));
/// assert!(cloud.ecs().all(&ids[..1]).are(Running));
/// cloud.calls().of("ECS", "StartInstance").count(1).params(json!({"InstanceId": ids[0]}));
/// ```
#[derive(Clone)]
pub struct FakeCloud {
    state: Arc<Mutex<State>>,
    clock: VirtualClock,
}

impl Default for FakeCloud {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FakeCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeCloud({})", self.clock.now())
    }
}

impl FakeCloud {
    fn build(start: Timestamp, seed: u64) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(start, seed))), clock: VirtualClock::new(start) }
    }

    /// One account, cn-hangzhou, profile [`Profile::Realistic`], enforcement off, 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::build(DEFAULT_START, 0)
    }

    /// The same with a seed for ids and for what is random in faults.
    pub fn seeded(seed: u64) -> Self {
        Self::build(DEFAULT_START, seed)
    }

    /// The same at another instant.
    ///
    /// # Panics
    /// When the text is no instant.
    #[track_caller]
    pub fn at(start: &str) -> Self {
        match Timestamp::parse(start) {
            Ok(at) => Self::build(at, 0),
            Err(error) => fail(&error.to_string()),
        }
    }

    /// The same cloud with another profile of transitions.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        self.with(|state| state.profile = profile);
        self
    }

    /// The same cloud with ids and random choices of another seed; before anything is made in it.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.with(|state| state.ids = ids::Ids::new(seed));
        self
    }

    /// The same cloud with one more ECS instance: `FakeCloud::new().instance("i-1", "Running")`.
    #[must_use]
    pub fn instance(self, id: &str, status: &str) -> Self {
        self.ecs().instance().id(id).status(status).create();
        self
    }

    /// The clock that this cloud lives by.
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// The present virtual instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs `f` on the state as it is at the present instant.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        state.settle(self.clock.now());
        f(&mut state)
    }

    /// The same with the cloud's own region.
    pub(crate) fn here<T>(&self, f: impl FnOnce(&mut State, &str) -> T) -> T {
        self.with(|state| {
            let region = state.region.to_string();
            f(state, &region)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was called so far.
    pub fn calls(&self) -> Calls {
        self.with(|state| Calls::new(state.calls.clone(), state.start, state.context.clone()))
    }

    /// Makes one call and jumps over its waits: for tests without an engine.
    ///
    /// # Errors
    /// What the cloud answers.
    pub fn call_now(&self, service: &str, api: &str, params: impl Into<Value>) -> Result<Value, ApiError> {
        self.send_now(ApiRequest::new(service, api, params))
    }

    /// The same with a request of its own, e.g. with a role or a URI.
    ///
    /// # Errors
    /// What the cloud answers.
    pub fn send_now(&self, request: ApiRequest) -> Result<Value, ApiError> {
        self.clock.block_on(ApiCaller::call(self, request)).map(|answer| answer.body)
    }

    /// Makes a call as somebody whom a signature has told; without one as the request's role chain says.
    #[cfg(feature = "server")]
    pub(crate) async fn call_as(
        &self,
        request: ApiRequest,
        caller: Option<ram::Caller>,
    ) -> Result<ApiResponse, ApiError> {
        dispatch::call(self, request, caller).await
    }

    /// Starts a fault; see [`Fault`].
    pub fn fault(&self, name: &str) -> Fault {
        Fault::new(self.clone(), name, self.with(|state| state.ids.seed()))
    }

    /// Starts a stub; see [`Stub`].
    pub fn stub(&self, service: &str, api: &str) -> Stub {
        Stub::new(self.clone(), service, api)
    }

    /// Bends the transitions of a kind, e.g. `ECS::Instance`.
    pub fn transitions(&self, kind: &str) -> Transitions {
        Transitions::new(self.clone(), Some(kind), None)
    }

    /// Bends the transitions of one resource, by its id.
    pub fn transitions_of(&self, id: &str) -> Transitions {
        Transitions::new(self.clone(), None, Some(id))
    }

    /// What failed assertions about calls tell besides the calls.
    pub(crate) fn set_context(&self, context: Arc<dyn crate::calls::Context>) {
        self.with(|state| state.context = Some(context));
    }

    /// Faults that never fired and stubs whose number of calls is not the expected one, one line each.
    pub fn unmet_rules(&self) -> Vec<String> {
        self.with(|state| state.rules.unmet())
    }

    /// Asserts that every fault fired and every stub answered as often as expected.
    ///
    /// # Panics
    /// When one did not.
    #[track_caller]
    pub fn assert_rules_used(&self) {
        let unmet = self.unmet_rules();
        if !unmet.is_empty() {
            fail(&unmet.join("\n"));
        }
    }

    /// Service and API of the faults and stubs that matched no call.
    pub(crate) fn unmatched_rules(&self) -> Vec<(String, String)> {
        self.with(|state| state.rules.unmatched())
    }

    /// All faults, stubs and unscripted commands with their counts, one line each: for failure reports.
    pub fn rules_report(&self) -> Vec<String> {
        self.with(|state| {
            let mut lines = state.rules.report();
            lines.extend(state.assistant.unmatched.iter().map(|c| format!("command without a script: {c}")));
            lines
        })
    }

    /// Writes to the services of the pattern become visible only after that long.
    pub fn eventual(&self, service: &str, delay: Duration) {
        let names = SERVICES.iter().map(|s| s.name).filter(|name| crate::calls::glob(service, name));
        self.with(|state| {
            for name in names {
                state.eventual.insert(name.to_owned(), delay);
            }
        });
    }

    /// Limits how many resources of a kind, e.g. `ECS::Instance`, calls can have.
    pub fn quota(&self, kind: &str, most: usize) {
        self.with(|state| state.quotas.insert(kind.to_owned(), most));
    }

    /// Answers `code` by another code and status, where a real cloud turned out to do so.
    pub fn rename_error(&self, code: &str, to: &str, status: u16) {
        self.with(|state| state.codes.insert(code.to_owned(), (to.to_owned(), status)));
    }

    /// True when the fake has a model of the operation, names compared as calls compare them.
    pub fn models(service: &str, api: &str) -> bool {
        api::service(service).is_some_and(|s| api::api(s, api).is_some())
    }

    /// Service and name of every operation that has a model.
    pub fn operations() -> Vec<(&'static str, &'static str)> {
        SERVICES.iter().flat_map(|s| s.tables.iter().flat_map(|t| t.iter()).map(|a| (s.name, a.name))).collect()
    }

    /// Says what operations without a model are answered with.
    pub fn unmodelled(&self, level: Unmodelled) {
        self.with(|state| state.fallback = level);
    }

    /// Unknown parameter names are taken instead of refused.
    pub fn lenient_parameters(&self) {
        self.with(|state| state.options.strict_parameters = false);
    }

    /// State changes of instances are published as events; see [`take_events`](Self::take_events).
    pub fn auto_events(&self, on: bool) {
        self.with(|state| state.options.auto_events = on);
    }

    /// Raises an event by hand.
    pub fn raise_event(&self, event: impl Into<Value>) {
        let event = event.into();
        self.with(|state| state.events.push(event));
    }

    /// The events that were published since the last time, oldest first.
    pub fn take_events(&self) -> Vec<Value> {
        self.with(|state| std::mem::take(&mut state.events))
    }

    /// True when events were published since the last time they were taken.
    pub fn has_events(&self) -> bool {
        self.with(|state| !state.events.is_empty())
    }

    /// Number of the account.
    pub fn account_id(&self) -> Arc<str> {
        self.with(|state| state.account.clone())
    }

    /// Tags of a resource.
    pub fn tags_of(&self, id: &str) -> Vec<(String, String)> {
        params::tags_of(&self.ecs().tags(id))
    }

    /// The next instant at which a resource changes by itself. Nobody needs to wait for it: changes are applied when
    /// somebody looks; it is for who delivers events.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.with(|state| state.queue.next_at())
    }
}

#[async_trait]
impl CredentialProvider for FakeCloud {
    async fn provide(&self) -> Result<Option<Credential>, CredentialError> {
        Ok(Some(Credential::new("LTAIfake", "fake secret", None, None)))
    }
}

#[async_trait]
impl ApiCaller for FakeCloud {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        dispatch::call(self, request, None).await
    }
}
