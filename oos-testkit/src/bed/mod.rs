//! The test bed: an engine over a fake cloud, in virtual time, driven synchronously by the test.

mod drive;
mod failure;
mod report;
mod run;
mod seed;
mod snapshot;
mod taken;
mod trace;
mod views;
mod webhooks;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use oos_actions::{notify::DefaultNotifier, product::DirectoryTemplates};
use oos_core::{
    ActionName, ExecutionId, Limits, Template, Value,
    engine::{ApiRetryPolicy, Engine, EngineBuilder, MemoryStore, StartOptions},
    machine::UnknownOutcome,
    params,
    ports::{
        Action, ApiCaller, Clock, EventSink, control::ControlAction, event::EventKind, index::ExecutionIndex,
        store::ExecutionStore, template_store::TemplateStore,
    },
    registry::ActionRegistry,
    source::SourceText,
};

pub use failure::FailureView;
pub use run::Run;
pub use seed::explore;
pub use snapshot::{LeastPrivilege, assert_policy_covers};
pub use views::{ItemsView, OutputView, TaskView};
pub use webhooks::Webhooks;

use crate::{
    Coverage, EventRecorder, Executor, FakeCloud, HttpRecorder, ParameterMap, TestTriggers, VirtualClock, calls::fail,
    coverage::Covered, ports::SeededIds,
};

/// Region, account and user that a bed starts executions with.
pub const REGION: &str = "cn-hangzhou";
/// Version of the in-guest helper that a bed pretends to have.
pub const OOSUTIL_VERSION: &str = "1.2";

/// An engine, a fake cloud, virtual time, scripted people. A clone is the same bed.
#[derive(Clone, Debug)]
pub struct TestBed(Arc<Bed>);

#[derive(Debug)]
struct Bed {
    cloud: FakeCloud,
    executor: Executor,
    events: EventRecorder,
    http: HttpRecorder,
    parameters: ParameterMap,
    triggers: TestTriggers,
    settings: Mutex<Settings>,
    engine: OnceLock<Engine>,
    /// Texts of the root executions, for coverage.
    roots: Mutex<BTreeMap<ExecutionId, SourceText>>,
    made: Instant,
}

impl Drop for Bed {
    fn drop(&mut self) {
        Coverage::add_to_process(|| self.covered());
    }
}

impl Bed {
    /// What coverage needs: events and the texts of the templates behind them.
    fn covered(&self) -> Covered {
        let events = self.events.all();
        let mut named = BTreeMap::new();
        for event in &events {
            let EventKind::ExecutionStarted { template: Some(name), parent: Some(_) } = &event.kind else { continue };
            if !named.contains_key(name)
                && let Some(text) = self.text_of(name)
            {
                named.insert(name.clone(), text);
            }
        }
        Covered { events, named, roots: self.roots.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }

    fn text_of(&self, name: &str) -> Option<SourceText> {
        let (engine, name) = (self.engine.get()?.clone(), oos_core::TemplateName::new(name));
        let found = async move { engine.actions().template(&name, None).await };
        self.executor.block_on(self.cloud.clock(), found)?.ok().flatten().map(|stored| stored.source)
    }
}

#[derive(Debug)]
struct Settings {
    seed: u64,
    registry: ActionRegistry,
    templates: Vec<PathBuf>,
    api: Option<Arc<dyn ApiCaller>>,
    store: Arc<dyn Store>,
    observers: Vec<Arc<dyn EventSink>>,
    retry: ApiRetryPolicy,
    limits: Limits,
    user: String,
    unknown_outcome: UnknownOutcome,
    snapshot_every: Option<u64>,
    owner: String,
    configure: Option<Configure>,
}

/// What a test changes in the engine's builder.
#[derive(Clone)]
struct Configure(Arc<dyn Fn(EngineBuilder) -> EngineBuilder + Send + Sync>);

impl std::fmt::Debug for Configure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Configure")
    }
}

/// Journal and index in one.
trait Store: ExecutionStore + ExecutionIndex {}
impl<T: ExecutionStore + ExecutionIndex> Store for T {}

impl TestBed {
    /// A bed over a cloud, with all standard actions and the embedded product actions. Its seed comes from the name of
    /// the test; see [`explore`].
    #[track_caller]
    pub fn new(cloud: FakeCloud) -> Self {
        let (seed, executor) = seed::start();
        Self::with_seed(cloud, seed, executor)
    }

    /// A bed over a cloud that the test goes on using.
    #[track_caller]
    pub fn on(cloud: &FakeCloud) -> Self {
        Self::new(cloud.clone())
    }

    /// A bed whose ids come from a seed, and whose ready tasks run in the order that the seed shuffles.
    pub fn shuffled(cloud: &FakeCloud, seed: u64) -> Self {
        Self::with_seed(cloud.clone(), seed, Executor::shuffled(seed))
    }

    #[expect(clippy::disallowed_methods, reason = "only for `real_elapsed`, which only tests read")]
    fn with_seed(cloud: FakeCloud, seed: u64, executor: Executor) -> Self {
        let settings = Settings {
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
        };
        let bed = Self(Arc::new(Bed {
            cloud,
            executor,
            events: EventRecorder::default(),
            http: HttpRecorder::default(),
            parameters: ParameterMap::default(),
            triggers: TestTriggers::default(),
            settings: Mutex::new(settings),
            engine: OnceLock::new(),
            roots: Mutex::default(),
            made: Instant::now(),
        }));
        bed.tell_cloud();
        bed
    }

    fn change(self, change: impl FnOnce(&mut Settings)) -> Self {
        if self.0.engine.get().is_some() {
            fail("the bed has started executions already; set it up first");
        }
        change(&mut self.settings());
        self
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.0.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same bed with another seed of its ids.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.change(|s| s.seed = seed)
    }

    fn seed_of_bed(&self) -> u64 {
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

    /// What coverage needs.
    pub(crate) fn covered(&self) -> Covered {
        self.0.covered()
    }

    /// The fake cloud.
    pub fn cloud(&self) -> &FakeCloud {
        &self.0.cloud
    }

    /// Virtual time.
    pub fn clock(&self) -> &VirtualClock {
        self.0.cloud.clock()
    }

    /// What runs the bed's tasks, for callers that spawn tasks of their own.
    pub fn executor(&self) -> &Executor {
        &self.0.executor
    }

    /// HTTP requests and mails that left the bed.
    pub fn http(&self) -> &HttpRecorder {
        &self.0.http
    }

    /// Stored parameters.
    pub fn parameters(&self) -> &ParameterMap {
        &self.0.parameters
    }

    /// Events of all executions.
    pub fn events(&self) -> &EventRecorder {
        &self.0.events
    }

    /// The engine, built when it is first needed.
    ///
    /// # Panics
    /// Never in practice: clock and spawner are given.
    pub fn engine(&self) -> &Engine {
        self.0.engine.get_or_init(|| self.build())
    }

    #[track_caller]
    fn build(&self) -> Engine {
        let settings = self.settings();
        let bed = &self.0;
        let clock: Arc<dyn Clock> = Arc::new(bed.cloud.clock().clone());
        let http = Arc::new(bed.http.clone());
        let api = settings.api.clone().unwrap_or_else(|| Arc::new(bed.cloud.clone()));
        let api = if bed.executor.is_shuffled() {
            Arc::new(seed::Jostled { api, executor: bed.executor.clone() })
        } else {
            api
        };
        let builder = Engine::builder()
            .actions(settings.registry.clone())
            .api_shared(api)
            .api_retry(settings.retry.clone())
            .clock(bed.cloud.clock().clone())
            .spawner(bed.executor.clone())
            .ids(SeededIds::new(settings.seed))
            .store_shared(settings.store.clone(), settings.store.clone())
            .parameters(bed.parameters.clone())
            .events(bed.events.with_observers(settings.observers.clone()))
            .triggers(bed.triggers.clone())
            .http(bed.http.clone())
            .mailer(bed.http.clone())
            .notifier(DefaultNotifier::new(http.clone(), http, clock))
            .limits(settings.limits.clone())
            .region(REGION)
            .variable("AccountId", bed.cloud.account_id())
            .variable("OOSUtilVersion", OOSUTIL_VERSION)
            .owner(settings.owner.as_str())
            .unknown_outcome(settings.unknown_outcome);
        let builder = match settings.snapshot_every {
            Some(records) => builder.snapshot_every(records),
            None => builder,
        };
        let builder = match &settings.configure {
            Some(configure) => (configure.0)(builder),
            None => builder,
        };
        match builder.build() {
            Ok(engine) => engine,
            Err(error) => fail(&error.to_string()),
        }
    }

    /// Starts a template and gives its handle; nothing has run yet. `template` is text, or the name of a template
    /// that the bed knows.
    ///
    /// # Panics
    /// When the template has errors, does not exist, or the parameters do not fit: with the findings.
    #[track_caller]
    pub fn start(&self, template: &str, parameters: impl Into<Value>) -> Run {
        match self.try_start(template, parameters.into(), StartOptions::default()) {
            Ok(run) => run,
            Err(text) => fail(&text),
        }
    }

    /// The same with start options.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn start_with(&self, template: &str, parameters: impl Into<Value>, options: StartOptions) -> Run {
        match self.try_start(template, parameters.into(), options) {
            Ok(run) => run,
            Err(text) => fail(&text),
        }
    }

    /// Starts a template.
    ///
    /// # Errors
    /// What [`TestBed::start`] would panic with.
    pub fn try_start(&self, template: &str, parameters: Value, mut options: StartOptions) -> Result<Run, String> {
        let (source, name) = self.find(template)?;
        if let Some(name) = name {
            options.template_name.get_or_insert(name.into());
        }
        self.try_start_source(source, parameters, options)
    }

    /// Starts the text of a template under the name of its file, which findings then show.
    ///
    /// # Errors
    /// As [`TestBed::try_start`].
    pub fn try_start_source(
        &self,
        source: SourceText,
        parameters: Value,
        mut options: StartOptions,
    ) -> Result<Run, String> {
        let limits = self.engine().limits().clone();
        let parsed = Template::parse_source(source.clone(), &limits).map_err(|d| d.render())?;
        let user = self.settings().user.clone();
        options.executed_by.get_or_insert(user);
        let engine = self.engine().clone();
        let started = self
            .0
            .executor
            .block_on(self.clock(), async move { engine.start_with(&parsed, parameters, options).await });
        let handle = started.ok_or("the engine did not start")?.map_err(|e| e.to_string())?;
        self.0.roots.lock().unwrap_or_else(PoisonError::into_inner).insert(handle.id().clone(), source);
        Ok(Run::new(self.clone(), handle))
    }

    /// Runs a template to its end, or until it waits for somebody.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run(&self, template: &str, parameters: impl Into<Value>) -> Run {
        let run = self.start(template, parameters);
        self.run_to_end();
        run
    }

    /// Runs the text of a template; the same as [`TestBed::run`].
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run_yaml(&self, text: &str, parameters: impl Into<Value>) -> Run {
        self.run(text, parameters)
    }

    /// Starts the text of a template; the same as [`TestBed::start`].
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn start_yaml(&self, text: &str, parameters: impl Into<Value>) -> Run {
        self.start(text, parameters)
    }

    /// Real time since the bed was made. Only a test may ask: nothing that runs in a bed reads it.
    pub fn real_elapsed(&self) -> Duration {
        self.0.made.elapsed()
    }

    /// Runs an action as the only task of a template: a product action or any other that is registered.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run_action(&self, action: &str, properties: impl Into<Value>) -> Run {
        self.run_action_as("", action, properties)
    }

    /// The same under a role.
    ///
    /// # Panics
    /// As [`TestBed::start`].
    #[track_caller]
    pub fn run_action_as(&self, role: &str, action: &str, properties: impl Into<Value>) -> Run {
        let properties = properties.into();
        if oos_core::ports::action::ActionCatalog::entry(self.engine().actions(), &ActionName::new(action)).is_none() {
            fail(&format!("there is no action `{action}`"));
        }
        let (document, values) = one_task(role, action, &properties);
        self.run(&document.to_string(), values)
    }

    /// Text of a template: itself, an embedded or registered one, or a file of the template folders.
    fn find(&self, template: &str) -> Result<(SourceText, Option<String>), String> {
        if template.contains('\n') || template.trim_start().starts_with('{') {
            return Ok((SourceText::new("<template>", template), None));
        }
        for folder in self.settings().templates.clone() {
            for ending in ["yml", "yaml", "json"] {
                let path = folder.join(format!("{template}.{ending}"));
                if let Ok(text) = std::fs::read_to_string(&path) {
                    return Ok((SourceText::new(format!("{template}.{ending}"), text), Some(template.to_owned())));
                }
            }
        }
        let engine = self.engine().clone();
        let name = oos_core::TemplateName::new(template);
        let stored =
            self.0.executor.block_on(self.clock(), async move { engine.actions().template(&name, None).await });
        match stored.and_then(Result::ok).flatten() {
            Some(stored) => Ok((stored.source, Some(template.to_owned()))),
            None => Err(format!("there is no template `{template}`; is OOS_CORPUS set?")),
        }
    }
}

/// The folder of official templates that `OOS_CORPUS` names.
fn default_templates() -> Vec<PathBuf> {
    crate::corpus().map(|corpus| vec![corpus.join("public")]).unwrap_or_default()
}

/// A template whose only task is an action, and the values of its parameters. The properties are handed over as
/// parameters, so that braces in them stay text.
pub(crate) fn one_task(role: &str, action: &str, properties: &Value) -> (Value, Value) {
    let given: Vec<_> = properties.as_map().into_iter().flat_map(oos_core::Map::iter).collect();
    let declared = given.iter().enumerate().map(|(i, _)| (format!("p{i}"), params! { "Type" => "Json" }));
    let written = given.iter().enumerate().map(|(i, (key, _))| ((*key).clone(), format!("{{{{ p{i} }}}}")));
    let values = given.iter().enumerate().map(|(i, (_, value))| (format!("p{i}"), (*value).clone()));
    let (declared, written) = (declared.collect::<oos_core::Map>(), written.collect::<oos_core::Map>());
    let document = params! {
        "FormatVersion" => oos_core::template::FORMAT_VERSION,
        "RamRole" => role,
        "Parameters" => declared,
        "Tasks" => [params! {
            "Name" => "action", "Action" => action, "Properties" => written,
            "Outputs" => params! { "result" => params! { "Type" => "Json", "ValueSelector" => "." } },
        }],
        "Outputs" => params! { "result" => params! { "Type" => "Json", "Value" => "{{ action.result }}" } },
    };
    (document, Value::from(values.collect::<oos_core::Map>()))
}
