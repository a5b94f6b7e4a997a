//! Building an engine: every port has a default that refuses, so that nothing reaches out by surprise.

use std::sync::{Arc, Mutex};

use super::{ApiRetryPolicy, Engine, EngineError, Inner, MemoryStore, OosApi, RefuseAll, RetryingCaller, TracingSink};
use crate::{
    Limits, Map, RegionId, Value,
    expr::{Function, Functions},
    machine::{RiskPolicy, TreeOptions, UnknownOutcome, VerbRisk},
    plan::Environment,
    ports::{
        ApiCaller, Clock, EventSink, Spawner,
        action::ActionPorts,
        http::{HttpSend, Mailer},
        ids::{IdSource, RandomIds},
        index::{ExecutionIndex, OwnerId},
        notify::Notifier,
        optional::GitAuthorizer,
        parameter_store::ParameterStore,
        store::ExecutionStore,
        trigger::TriggerSource,
        vault::{MemoryVault, SecretVault},
    },
    registry::ActionRegistry,
    selector::SelectorCache,
};

/// CHOICE: records after which a snapshot is due: reading them back takes a few milliseconds.
const SNAPSHOT_EVERY: u64 = 2_000;

/// Collects the parts of an [`Engine`].
#[derive(Debug)]
pub struct EngineBuilder {
    registry: ActionRegistry,
    functions: Functions,
    limits: Limits,
    variables: Map,
    custom: Vec<Arc<str>>,
    api: Option<Arc<dyn ApiCaller>>,
    retry: ApiRetryPolicy,
    clock: Option<Arc<dyn Clock>>,
    spawner: Option<Arc<dyn Spawner>>,
    ids: Arc<dyn IdSource>,
    store: Arc<dyn ExecutionStore>,
    index: Arc<dyn ExecutionIndex>,
    parameters: Arc<dyn ParameterStore>,
    vault: Arc<dyn SecretVault>,
    events: Arc<dyn EventSink>,
    triggers: Arc<dyn TriggerSource>,
    http: Arc<dyn HttpSend>,
    mailer: Arc<dyn Mailer>,
    notifier: Arc<dyn Notifier>,
    git: Arc<dyn GitAuthorizer>,
    risk: Arc<dyn RiskPolicy>,
    owner: Option<OwnerId>,
    snapshot_every: u64,
    unknown_outcome: UnknownOutcome,
}

impl Default for EngineBuilder {
    fn default() -> Self {
        let store = Arc::new(MemoryStore::new());
        let refuse = Arc::new(RefuseAll);
        Self {
            registry: ActionRegistry::new(),
            functions: Functions::default(),
            limits: Limits::default(),
            variables: Map::new(),
            custom: Vec::new(),
            api: None,
            retry: ApiRetryPolicy::default(),
            clock: None,
            spawner: None,
            ids: Arc::new(RandomIds),
            store: store.clone(),
            index: store,
            parameters: refuse.clone(),
            vault: Arc::new(MemoryVault::default()),
            events: Arc::new(TracingSink),
            triggers: refuse.clone(),
            http: refuse.clone(),
            mailer: refuse.clone(),
            notifier: refuse.clone(),
            git: refuse,
            risk: Arc::new(VerbRisk),
            owner: None,
            snapshot_every: SNAPSHOT_EVERY,
            unknown_outcome: UnknownOutcome::default(),
        }
    }
}

macro_rules! ports {
    ($($(#[$doc:meta])* $name:ident: $port:path;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, port: impl $port) -> Self {
            self.$name = Arc::new(port);
            self
        })*
    };
}

impl EngineBuilder {
    /// The actions; none by default.
    #[must_use]
    pub fn actions(mut self, registry: ActionRegistry) -> Self {
        self.registry = registry;
        self
    }

    /// The cloud; the engine's decorators answer `OOS.*` from its own stores and repeat throttled calls before it.
    #[must_use]
    pub fn api(mut self, api: impl ApiCaller) -> Self {
        self.api = Some(Arc::new(api));
        self
    }

    /// The same for a caller that is shared already.
    #[must_use]
    pub fn api_shared(mut self, api: Arc<dyn ApiCaller>) -> Self {
        self.api = Some(api);
        self
    }

    /// Repeats of throttled and failed calls.
    #[must_use]
    pub fn api_retry(mut self, policy: ApiRetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Time; the wall clock of tokio by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Where drivers run; tokio's runtime by default.
    #[must_use]
    pub fn spawner(mut self, spawner: impl Spawner) -> Self {
        self.spawner = Some(Arc::new(spawner));
        self
    }

    /// Journal and index in one; memory by default.
    #[must_use]
    pub fn store<S: ExecutionStore + ExecutionIndex>(mut self, store: S) -> Self {
        let store = Arc::new(store);
        self.store = store.clone();
        self.index = store;
        self
    }

    /// The same for a store that is shared already.
    #[must_use]
    pub fn store_shared(mut self, store: Arc<dyn ExecutionStore>, index: Arc<dyn ExecutionIndex>) -> Self {
        (self.store, self.index) = (store, index);
        self
    }

    ports! {
        /// Ids of executions; random by default.
        ids: IdSource;
        /// The parameter store; refuses by default.
        parameters: ParameterStore;
        /// Values of NoEcho parameters; memory by default.
        vault: SecretVault;
        /// Observers; `tracing` by default.
        events: EventSink;
        /// Events and alarms; refuses by default.
        triggers: TriggerSource;
        /// HTTP of actions; refuses by default.
        http: HttpSend;
        /// Mail of actions; refuses by default.
        mailer: Mailer;
        /// Messages to people; refuses by default.
        notifier: Notifier;
        /// Repository addresses; refuses by default.
        git: GitAuthorizer;
        /// Which calls need a confirmation.
        risk: RiskPolicy;
    }

    /// Bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// `ACS::RegionId`, and the region of calls that name none.
    #[must_use]
    pub fn region(self, region: impl Into<RegionId>) -> Self {
        let region = region.into();
        self.variable("RegionId", region.as_str())
    }

    /// A system variable: one of the language (`AccountId`, `OOSUtilVersion`, …) or one of the embedder's.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<Value>) -> Self {
        let built_in = crate::expr::Variable::BUILT_IN.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        match built_in {
            Some((known, _)) => {
                self.variables.insert(*known, value);
            }
            None => {
                self.custom.push(name.into());
                self.variables.insert(name, value);
            }
        }
        self
    }

    /// A function of the host.
    #[must_use]
    pub fn function(mut self, function: Function) -> Self {
        self.functions = self.functions.with(function);
        self
    }

    /// The name under which this engine owns executions; made from the id source by default. Engines that live at the
    /// same time must not share one. A process that starts again under the same name takes its executions up at once;
    /// under another it gets [`StoreError::Fenced`](crate::ports::store::StoreError) until the leases of the dead one are
    /// over, a minute after its last sign of life.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<Arc<str>>) -> Self {
        self.owner = Some(OwnerId(owner.into()));
        self
    }

    /// Records after which a snapshot of an execution is written; 2,000 by default.
    #[must_use]
    pub fn snapshot_every(mut self, records: u64) -> Self {
        self.snapshot_every = records;
        self
    }

    /// What becomes of writes of which a crash leaves unknown whether they were carried out, and which nothing makes
    /// safe to repeat. It is recorded with each execution that this engine starts.
    #[must_use]
    pub fn unknown_outcome(mut self, what: UnknownOutcome) -> Self {
        self.unknown_outcome = what;
        self
    }

    /// The engine.
    ///
    /// # Errors
    /// [`EngineError::Incomplete`] when no clock or spawner is given and the feature `tokio` is off.
    pub fn build(self) -> Result<Engine, EngineError> {
        let clock = self.clock.or_else(default_clock).ok_or(EngineError::Incomplete("a clock"))?;
        let spawner = self.spawner.or_else(default_spawner).ok_or(EngineError::Incomplete("a spawner"))?;
        let concurrent = self.limits.concurrent_executions;
        let environment = Environment {
            actions: Arc::new(self.registry.clone()),
            functions: self.functions,
            variables: self.custom,
            limits: self.limits.clone(),
        };
        let cloud = self.api.unwrap_or_else(|| Arc::new(RefuseAll));
        let repeated: Arc<dyn ApiCaller> = Arc::new(RetryingCaller::new(cloud, clock.clone(), self.retry));
        let api = Arc::new(OosApi::new(repeated, self.index.clone(), self.registry.stores().to_vec()));
        let oos = api.clone();
        let owner = self.owner.unwrap_or_else(|| OwnerId(format!("engine-{}", self.ids.execution_id()).into()));
        let engine = Engine {
            inner: Arc::new(Inner {
                registry: self.registry,
                environment,
                options: TreeOptions { limits: self.limits, selectors: SelectorCache::default(), risk: self.risk },
                ports: Arc::new(ActionPorts {
                    api,
                    clock: clock.clone(),
                    http: self.http,
                    mailer: self.mailer,
                    notifier: self.notifier,
                    git: self.git,
                }),
                clock,
                spawner,
                ids: self.ids,
                store: self.store,
                index: self.index,
                parameters: self.parameters,
                vault: self.vault,
                events: self.events,
                triggers: self.triggers,
                owner,
                snapshot_every: self.snapshot_every.max(1),
                unknown_outcome: self.unknown_outcome,
                variables: Value::from(self.variables),
                plans: Mutex::default(),
                linked: Mutex::default(),
                live: Mutex::default(),
                renewing: Mutex::default(),
                places: super::places::Places::new(concurrent),
                parking: Mutex::default(),
            }),
        };
        oos.serve(&engine.inner);
        Ok(engine)
    }
}

#[cfg(feature = "tokio")]
fn default_clock() -> Option<Arc<dyn Clock>> {
    Some(Arc::new(super::TokioClock))
}

#[cfg(not(feature = "tokio"))]
fn default_clock() -> Option<Arc<dyn Clock>> {
    None
}

#[cfg(feature = "tokio")]
fn default_spawner() -> Option<Arc<dyn Spawner>> {
    Some(Arc::new(super::TokioSpawner))
}

#[cfg(not(feature = "tokio"))]
fn default_spawner() -> Option<Arc<dyn Spawner>> {
    None
}
