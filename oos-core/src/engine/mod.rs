//! The engine: the public door. It drives trees of machines over the ports.
//!
//! One driver per root execution is spawned through the `Spawner` port; actions and children are polled in place by
//! their driver. An input is applied in memory, journalled, and only then are its effects performed.

mod builder;
mod driver;
mod handle;
mod leases;
mod link;
mod memory_store;
mod oos_api;
mod oos_list;
mod parking;
mod places;
mod redact;
mod refuse;
mod replay;
mod rerun;
mod retrying;
mod run;
mod secrets;
mod single;
mod snapshot;
mod task_executions;
#[cfg(feature = "tokio")]
mod tokio_ports;
mod watch;
mod withheld;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

pub use builder::EngineBuilder;
pub use handle::{ExecutionHandle, Finished, SignalError};
pub use memory_store::MemoryStore;
pub use oos_api::{OosApi, execution_row};
pub use redact::{MASK, Redactor};
pub use refuse::{RefuseAll, TracingSink};
pub use rerun::RerunOptions;
pub use retrying::{ApiRetryPolicy, RetryingCaller};
pub use single::single_action;
#[cfg(feature = "tokio")]
pub use tokio_ports::{TokioClock, TokioSpawner};
pub use watch::{Lagged, Watch};

use crate::{
    ExecutionId, Limits, Template, TemplateName, Timestamp, Value,
    diagnostic::Diagnostics,
    machine::{
        Input, InputKind, Kept, LoopMode, Mode, RiskPolicy, SafetyCheck, Started, Tree, TreeOptions, UnknownOutcome,
        bind_parameters,
    },
    plan::{Environment, LinkError, Plan, PlanSet},
    ports::{
        Clock, EventSink, Spawner,
        action::{ActionError, ActionPorts},
        ids::IdSource,
        index::{ExecutionIndex, OwnerId},
        parameter_store::ParameterStore,
        store::{ExecutionHeader, ExecutionStore, JOURNAL_FORMAT, StoreError},
        template_store::StoredTemplate,
        trigger::TriggerSource,
        vault::SecretVault,
    },
    registry::ActionRegistry,
    source::SourceText,
};

/// What a start may choose; [`StartOptions::default`] is the service's.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// Name under which the template is recorded.
    pub template_name: Option<TemplateName>,
    /// `Mode`.
    pub mode: Mode,
    /// `SafetyCheck`.
    pub safety_check: SafetyCheck,
    /// `LoopMode`.
    pub loop_mode: LoopMode,
    /// True when a handled critical failure does not fail the execution (template-language 5.5).
    pub forgive_handled: bool,
    /// Region; the engine's when empty.
    pub region: Option<String>,
    /// Who starts it.
    pub executed_by: Option<String>,
    /// `Description`.
    pub description: Option<String>,
    /// `Tags`: a map.
    pub tags: Value,
    /// Id of the execution; made by the id source when empty.
    pub id: Option<ExecutionId>,
    /// The execution below which this one is listed.
    pub parent: Option<ExecutionId>,
    /// What an earlier execution already did.
    pub kept: Kept,
    /// The execution that this one runs again.
    pub rerun_of: Option<ExecutionId>,
}

/// Why the engine did not do it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The template has errors.
    #[error("{0}")]
    Template(Diagnostics),
    /// A child of the template cannot be linked.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The parameters do not fit.
    #[error("{0}")]
    Parameters(ActionError),
    /// There is no such template.
    #[error("template `{0}` does not exist")]
    NoTemplate(TemplateName),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The execution cannot be run again like this.
    #[error("execution {id} cannot be run again: {message}")]
    Rerun {
        /// The execution.
        id: ExecutionId,
        /// Why.
        message: String,
    },
    /// The builder was not given what it needs.
    #[error("the engine needs {0}")]
    Incomplete(&'static str),
}

/// Drives executions. A clone is the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// Name and digest of a compiled template.
type PlanKey = (Option<TemplateName>, Arc<str>);

/// A template of the registry and its plan.
type LinkedPlan = (Arc<StoredTemplate>, Arc<Plan>);

#[derive(Debug)]
struct Inner {
    registry: ActionRegistry,
    environment: Environment,
    options: TreeOptions,
    ports: Arc<ActionPorts>,
    clock: Arc<dyn Clock>,
    spawner: Arc<dyn Spawner>,
    ids: Arc<dyn IdSource>,
    store: Arc<dyn ExecutionStore>,
    index: Arc<dyn ExecutionIndex>,
    parameters: Arc<dyn ParameterStore>,
    vault: Arc<dyn SecretVault>,
    events: Arc<dyn EventSink>,
    triggers: Arc<dyn TriggerSource>,
    owner: OwnerId,
    snapshot_every: u64,
    unknown_outcome: UnknownOutcome,
    variables: Value,
    plans: Mutex<BTreeMap<PlanKey, Arc<Plan>>>,
    /// Plans of the registry's templates, so that their texts are parsed once and not at every start.
    linked: Mutex<BTreeMap<TemplateName, LinkedPlan>>,
    live: Mutex<BTreeMap<ExecutionId, ExecutionHandle>>,
    /// True while a task renews the leases of what is live.
    renewing: Mutex<bool>,
    places: places::Places,
    parking: Mutex<Weak<parking::Parking>>,
}

impl Engine {
    /// Starts building an engine.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The present instant of the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Compiles a template against the engine's actions.
    ///
    /// # Errors
    /// All findings when one of them is an error.
    pub fn compile(&self, template: &Template) -> Result<Arc<Plan>, Diagnostics> {
        self.inner.plan(None, template)
    }

    /// Compiles a template under a name and finds the plans of its children, as a start does: what `analysis` asks for.
    ///
    /// # Errors
    /// Findings of the template or a child, and what the stores of templates say.
    pub async fn linked(
        &self,
        template: &Template,
        name: Option<TemplateName>,
    ) -> Result<(Arc<Plan>, PlanSet), EngineError> {
        self.inner.registry.load(link::actions_of(template)).await?;
        let plan = self.inner.plan(name, template).map_err(EngineError::Template)?;
        let plans = self.inner.link(&plan).await?;
        Ok((plan, plans))
    }

    /// What was fixed when an execution started, the texts of its templates among it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn header(&self, id: &ExecutionId) -> Result<ExecutionHeader, StoreError> {
        Ok(self.inner.store.load(id).await?.header)
    }

    /// Starts an execution of a template. The start is durable when this returns.
    ///
    /// # Errors
    /// Findings of the template or a child, parameters that do not fit, and what the store says.
    pub async fn start(
        &self,
        template: &Template,
        parameters: impl Into<Value> + Send,
    ) -> Result<ExecutionHandle, EngineError> {
        self.start_with(template, parameters.into(), StartOptions::default()).await
    }

    /// Starts an execution of a template that the engine's stores know by name.
    ///
    /// # Errors
    /// As [`Engine::start`], and [`EngineError::NoTemplate`].
    pub async fn start_named(
        &self,
        name: &str,
        parameters: Value,
        mut options: StartOptions,
    ) -> Result<ExecutionHandle, EngineError> {
        let name = TemplateName::new(name);
        let stored = self.inner.registry.template(&name, None).await?;
        let stored = stored.ok_or_else(|| EngineError::NoTemplate(name.clone()))?;
        let template =
            Template::parse_source(stored.source, &self.inner.environment.limits).map_err(EngineError::Template)?;
        options.template_name.get_or_insert(name);
        self.start_with(&template, parameters, options).await
    }

    /// Starts an execution with options.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub async fn start_with(
        &self,
        template: &Template,
        parameters: Value,
        options: StartOptions,
    ) -> Result<ExecutionHandle, EngineError> {
        let inner = &self.inner;
        let (plan, plans) = self.linked(template, options.template_name.clone()).await?;
        bind_parameters(&plan, &parameters).map_err(EngineError::Parameters)?;
        let id = options.id.clone().unwrap_or_else(|| inner.ids.execution_id());
        let header = inner.header(&id, &plan, &plans, &options);
        let header = inner.create(header).await?;
        let now = inner.clock.now();
        let epoch = inner.index.claim(&id, &inner.owner, now, leases::lease_end(now)).await?;
        let tree = Tree::new(id, plan, plans, inner.options.clone());
        let mut started = inner.started(parameters, &options);
        let place = inner.places.take();
        started.queued = place.is_none();
        let first = Input { at: now, kind: InputKind::Started(Box::new(started)) };
        Ok(run::launch(inner, tree, header, epoch, first, place).await?)
    }

    /// Takes an unfinished execution up again from its journal.
    ///
    /// # Errors
    /// What the store says; [`EngineError::Template`] when a pinned template no longer compiles.
    pub async fn resume(&self, id: &ExecutionId) -> Result<ExecutionHandle, EngineError> {
        if let Some(handle) = self.execution(id) {
            return Ok(handle);
        }
        run::resume(&self.inner, id).await
    }

    /// Takes up all unfinished executions of the store. One that somebody else owns, or that cannot be read, is
    /// given back with its error and does not keep the others from going on. Where several engines share a store, each
    /// asks again now and then: so it takes over from one that has died.
    ///
    /// # Errors
    /// When the store cannot list them.
    pub async fn resume_all(&self) -> Result<Vec<(ExecutionId, Result<ExecutionHandle, EngineError>)>, EngineError> {
        let mut resumed = Vec::new();
        for id in run::unfinished(&self.inner).await? {
            let handle = self.resume(&id).await;
            resumed.push((id, handle));
        }
        Ok(resumed)
    }

    /// The handle of an execution that this engine drives.
    pub fn execution(&self, id: &ExecutionId) -> Option<ExecutionHandle> {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// True when this engine drives no execution.
    pub fn is_idle(&self) -> bool {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Rows about executions.
    pub fn index(&self) -> &Arc<dyn ExecutionIndex> {
        &self.inner.index
    }

    /// The actions of the engine.
    pub fn actions(&self) -> &ActionRegistry {
        &self.inner.registry
    }
}

impl Inner {
    /// The plan of a template, compiled once per name and text.
    fn plan(&self, name: Option<TemplateName>, template: &Template) -> Result<Arc<Plan>, Diagnostics> {
        let key = (name.clone(), template.digest.clone());
        if let Some(plan) = self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(plan.clone());
        }
        let mut plan = Plan { name, ..Plan::compile(template, &self.environment)? };
        // Pinned with every execution, so also for a template that was never a text.
        let printed = || SourceText::new("template", template.to_yaml());
        plan.source.get_or_insert_with(printed);
        let plan = Arc::new(plan);
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).insert(key, plan.clone());
        Ok(plan)
    }

    /// Keeps the header of a new execution. One that is there without a record is of a start whose process died before
    /// the first write: this start takes its place.
    async fn create(&self, header: ExecutionHeader) -> Result<ExecutionHeader, StoreError> {
        let exists = match self.store.create(&header).await {
            Ok(()) => return Ok(header),
            Err(StoreError::Exists(exists)) => StoreError::Exists(exists),
            Err(error) => return Err(error),
        };
        let there = self.store.load(&header.id).await?;
        let began = !there.records.is_empty() || there.snapshot.is_some();
        let same = there.header.digest == header.digest && there.header.templates == header.templates;
        if began || !same { Err(exists) } else { Ok(there.header) }
    }

    fn header(&self, id: &ExecutionId, plan: &Plan, plans: &PlanSet, options: &StartOptions) -> ExecutionHeader {
        let root = replay::pin(plan.name.as_ref(), None, plan);
        ExecutionHeader {
            format: JOURNAL_FORMAT,
            id: id.clone(),
            template_name: plan.name.as_ref().map(|n| n.text().clone()),
            template_version: plan.version.clone(),
            digest: plan.digest.clone(),
            templates: std::iter::once(root).chain(replay::pin_all(plans)).collect(),
            created: self.clock.now(),
            executed_by: options.executed_by.as_deref().map(Into::into),
            description: options.description.as_deref().map(Into::into),
            tags: options.tags.clone(),
            rerun_of: options.rerun_of.clone(),
            parent: options.parent.clone(),
        }
    }

    fn started(&self, parameters: Value, options: &StartOptions) -> Started {
        let mut variables = self.variables.as_map().cloned().unwrap_or_default();
        if let Some(region) = &options.region {
            variables.insert("RegionId", region.as_str());
        }
        if let Some(user) = &options.executed_by {
            variables.insert("ExecuteUser", user.as_str());
        }
        Started {
            parameters,
            mode: options.mode,
            safety_check: options.safety_check,
            loop_mode: options.loop_mode,
            forgive_handled: options.forgive_handled,
            unknown_outcome: self.unknown_outcome,
            variables: Value::from(variables),
            queued: false,
            kept: options.kept.clone(),
        }
    }
}

/// Limits and policies of an engine, for front ends.
impl Engine {
    /// The bounds that templates are held to.
    pub fn limits(&self) -> &Limits {
        &self.inner.environment.limits
    }

    /// Which calls need a confirmation.
    pub fn risk_policy(&self) -> &dyn RiskPolicy {
        &*self.inner.options.risk
    }
}
