//! What a test sets up before the first start: the builder methods of a bed, and the engine that comes of them.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use oos_actions::product::DirectoryTemplates;
use oos_core::{
    Limits,
    engine::{ApiRetryPolicy, EngineBuilder, MemoryStore},
    expr::Function,
    machine::UnknownOutcome,
    ports::{
        Action, ApiCaller, EventSink, control::ControlAction, index::ExecutionIndex, store::ExecutionStore,
        template_store::TemplateStore,
    },
    registry::ActionRegistry,
};

use super::TestBed;
use crate::calls::fail;

/// What an engine is built of.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) seed: u64,
    pub(super) registry: ActionRegistry,
    pub(super) templates: Vec<PathBuf>,
    pub(super) api: Option<Arc<dyn ApiCaller>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) observers: Vec<Arc<dyn EventSink>>,
    pub(super) retry: ApiRetryPolicy,
    pub(super) limits: Limits,
    pub(super) user: String,
    pub(super) unknown_outcome: UnknownOutcome,
    pub(super) snapshot_every: Option<u64>,
    pub(super) owner: String,
    pub(super) configure: Option<Configure>,
    pub(super) functions: Vec<Function>,
}

impl Settings {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            registry: oos_actions::standard(),
            templates: default_templates(),
            api: None,
            store: Arc::new(MemoryStore::new()),
            observers: Vec::new(),
            retry: ApiRetryPolicy::default(),
            limits: Limits::default(),
            user: "tester".to_owned(),
            unknown_outcome: UnknownOutcome::default(),
            snapshot_every: None,
            owner: "bed".to_owned(),
            configure: None,
            functions: Vec::new(),
        }
    }
}

/// The folder of official templates that `OOS_CORPUS` names.
fn default_templates() -> Vec<PathBuf> {
    crate::corpus().map(|corpus| vec![corpus.join("public")]).unwrap_or_default()
}

/// What a test changes in the engine's builder.
#[derive(Clone)]
pub(super) struct Configure(pub(super) Arc<dyn Fn(EngineBuilder) -> EngineBuilder + Send + Sync>);

impl std::fmt::Debug for Configure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Configure")
    }
}

/// Journal and index in one.
pub(super) trait Store: ExecutionStore + ExecutionIndex {}
impl<T: ExecutionStore + ExecutionIndex> Store for T {}

impl TestBed {
    fn change(self, change: impl FnOnce(&mut Settings)) -> Self {
        if self.0.engine.get().is_some() {
            fail("the bed has started executions already; set it up first");
        }
        change(&mut self.settings());
        self
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.0.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same bed with another seed of its ids.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.change(|s| s.seed = seed)
    }

    pub(super) fn seed_of_bed(&self) -> u64 {
        self.settings().seed
    }

    /// The same bed with other bounds of one drive: virtual time, 400 days by default, and timers, a million.
    #[must_use]
    pub fn caps(self, time: Duration, timers: u64) -> Self {
        self.0.executor.set_caps(time, timers);
        self
    }

    /// The same bed with one more action.
    #[must_use]
    pub fn register(self, action: impl Action) -> Self {
        self.change(|s| s.registry = std::mem::take(&mut s.registry).with(action))
    }

    /// The same bed with one more control action.
    #[must_use]
    pub fn register_control(self, action: impl ControlAction) -> Self {
        self.change(|s| s.registry = std::mem::take(&mut s.registry).with_control(action))
    }

    /// The same bed with action templates of a directory over the embedded ones.
    ///
    /// # Panics
    /// When the directory cannot be read.
    #[must_use]
    #[track_caller]
    pub fn action_directory(self, directory: impl AsRef<Path>) -> Self {
        match DirectoryTemplates::open(directory.as_ref()) {
            Ok(store) => self.templates(store),
            Err(error) => fail(&format!("{}: {error}", directory.as_ref().display())),
        }
    }

    /// The same bed with templates of a store over those that are there.
    #[must_use]
    pub fn templates(self, store: impl TemplateStore) -> Self {
        self.change(|s| s.registry = std::mem::take(&mut s.registry).with_templates(store))
    }

    /// The same bed with calls going to another caller, e.g. a recorder around the cloud.
    #[must_use]
    pub fn api(self, api: impl ApiCaller) -> Self {
        self.change(|s| s.api = Some(Arc::new(api)))
    }

    /// The same bed over another store.
    #[must_use]
    pub fn store<S: ExecutionStore + ExecutionIndex>(self, store: S) -> Self {
        self.change(|s| s.store = Arc::new(store))
    }

    /// The same bed with other repeats of API calls.
    #[must_use]
    pub fn api_retry(self, policy: ApiRetryPolicy) -> Self {
        self.change(|s| s.retry = policy)
    }

    /// The same bed with one more observer of events.
    #[must_use]
    pub fn observe(self, sink: Arc<dyn EventSink>) -> Self {
        self.change(|s| s.observers.push(sink))
    }

    /// The same bed with other bounds.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.change(|s| s.limits = limits)
    }

    /// The same bed with one more function of the host, or another than the bed's own `Fn::FindMatchedPackage`.
    #[must_use]
    pub fn function(self, function: Function) -> Self {
        self.change(|s| s.functions.push(function))
    }

    /// The same bed with a linked account of a code platform, whose repositories `ACS::GitCodeRepo` gives addresses of:
    /// `github` or `gitee`, and the owner.
    #[must_use]
    pub fn git_account(self, platform: &str, owner: &str, token: &str) -> Self {
        self.0.git.link(platform, owner, token);
        self
    }

    /// The same bed with what else an engine's builder can be told.
    #[must_use]
    pub fn configure(self, change: impl Fn(EngineBuilder) -> EngineBuilder + Send + Sync + 'static) -> Self {
        self.change(|s| s.configure = Some(Configure(Arc::new(change))))
    }

    /// The same bed with another fate of writes of unknown outcome.
    #[must_use]
    pub fn unknown_outcome(self, what: UnknownOutcome) -> Self {
        self.change(|s| s.unknown_outcome = what)
    }

    /// The same bed with a snapshot of an execution after that many records.
    #[must_use]
    pub fn snapshot_every(self, records: u64) -> Self {
        self.change(|s| s.snapshot_every = Some(records))
    }

    /// The same bed whose engine owns executions under another name: what runs beside the first engine of a store.
    #[must_use]
    pub fn owned_by(self, name: &str) -> Self {
        self.change(|s| s.owner = name.to_owned())
    }

    /// The same bed whose executions are started by that user.
    #[must_use]
    pub fn as_user(self, user: &str) -> Self {
        self.settings().user = user.to_owned();
        self
    }
}
