//! The test bed: an engine over a fake cloud, in virtual time, driven synchronously by the test.

mod drive;
mod failure;
mod package;
mod report;
mod run;
mod seed;
mod settings;
mod snapshot;
mod start;
mod taken;
mod trace;
mod views;
mod webhooks;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use oos_actions::notify::DefaultNotifier;
use oos_core::{
    ExecutionId,
    engine::{Engine, EngineBuilder},
    ports::{Clock, event::EventKind},
    source::SourceText,
};

pub use failure::FailureView;
pub use run::Run;
pub use seed::explore;
pub use snapshot::{LeastPrivilege, assert_policy_covers};
pub use views::{ItemsView, OutputView, TaskView};
pub use webhooks::Webhooks;

use self::settings::Settings;
use crate::{
    Coverage, EventRecorder, Executor, FakeCloud, GitAccounts, HttpRecorder, ParameterMap, TestTriggers, VirtualClock,
    calls::fail, coverage::Covered, ports::SeededIds,
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
    git: GitAccounts,
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
        let bed = Self(Arc::new(Bed {
            cloud,
            executor,
            events: EventRecorder::default(),
            http: HttpRecorder::default(),
            parameters: ParameterMap::default(),
            git: GitAccounts::default(),
            triggers: TestTriggers::default(),
            settings: Mutex::new(Settings::new(seed)),
            engine: OnceLock::new(),
            roots: Mutex::default(),
            made: Instant::now(),
        }));
        bed.tell_cloud();
        bed
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

    /// Accounts of code platforms that `ACS::GitCodeRepo` finds linked.
    pub fn git(&self) -> &GitAccounts {
        &self.0.git
    }

    /// Real time since the bed was made. Only a test may ask: nothing that runs in a bed reads it.
    pub fn real_elapsed(&self) -> Duration {
        self.0.made.elapsed()
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
            .git(bed.git.clone())
            .function(package::function())
            .notifier(DefaultNotifier::new(http.clone(), http, clock))
            .limits(settings.limits.clone())
            .region(REGION)
            .variable("AccountId", bed.cloud.account_id())
            .variable("OOSUtilVersion", OOSUTIL_VERSION)
            .owner(settings.owner.as_str())
            .unknown_outcome(settings.unknown_outcome);
        let builder = settings.functions.iter().cloned().fold(builder, EngineBuilder::function);
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
}
