//! The API of OOS itself, with a real engine behind it: templates, executions, parameters, and what surrounds them.
//!
//! ```
//! use oos_core::{params, ports::{ApiCaller, ApiRequest}};
//! use oos_testkit::{Executor, FakeCloud, oos_service::OosService};
//!
//! let (cloud, executor) = (FakeCloud::new(), Executor::default());
//! let service = OosService::builder(&cloud).engine({ let e = executor.clone(); move |b| b.spawner(e) }).build().unwrap();
//! let call = ApiRequest::new("OOS", "ListActions", params! { "OOSActionName" => "ACS::ECS::Reboot" });
//! let answer = executor.block_on(cloud.clock(), async move { service.call(call).await }).unwrap().unwrap();
//! assert_eq!(answer.body.at(&["Actions"]).as_list().unwrap().len(), 1);
//! ```
//!
//! It takes calls as an [`ApiCaller`] does, in any spelling that the catalogue knows, and gives the documented shapes and
//! error codes (service-model 4). What executions did is read from the engine's own index and from its events; nothing
//! is kept twice. The parameter store, packages and patches are the fake cloud's and are asked there. The engine's clock
//! is the cloud's: virtual in tests, real behind a [server](crate) that follows real time.
//!
//! Not here: HTTP and signatures; products on top of OOS (patch baselines, inventory, applications, OpsItems, Git,
//! chat), whose operations answer with an error that names them; the resource directory; quotas and rate limits.

mod analyse;
mod execution;
mod library;
mod list;
mod notify;
mod record;
mod settings;
mod tags;
mod task;
mod template;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use oos_actions::notify::DefaultNotifier;
use oos_core::{
    ExecutionId, Map, Timestamp, Value,
    catalogue::{self, NormaliseOptions},
    engine::{Engine, EngineBuilder, EngineError, SignalError},
    ports::{ApiCaller, ApiError, ApiRequest, ApiResponse, Clock, store::StoreError},
    registry::ActionRegistry,
};

pub use self::library::TemplateLibrary;
use self::{execution::Facts, record::Records};
use crate::{
    FakeCloud, HttpRecorder, SeededIds, TestTriggers,
    cloud::{
        completed,
        error::{error, error_with, invalid, missing},
        page::{Counters, Paging},
        params::Params,
        state::{REGION, Token},
    },
};

/// CHOICE: how long a client token is remembered (service-model 4.1).
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Longest client token.
const TOKEN_LENGTH: usize = 64;
/// Most tags of a thing.
const TAGS: usize = 20;
/// Pages of most lists.
const PAGES: Paging = Paging { default: 50, max: 100, tokens: Some((10, 100)), counters: Counters::TokenOnly };
/// Pages of lists that start at twenty.
const LONG_PAGES: Paging = PAGES.tokens(20, 100);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers by operation and client token.
type Tokens = BTreeMap<(Arc<str>, Arc<str>), Token>;

/// A change of the engine that is being built.
type Change = Box<dyn FnOnce(EngineBuilder) -> EngineBuilder + Send>;

/// Settings of an [`OosService`].
#[must_use]
pub struct OosServiceBuilder {
    cloud: FakeCloud,
    actions: ActionRegistry,
    user: String,
    changes: Vec<Change>,
}

impl fmt::Debug for OosServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OosServiceBuilder").field("user", &self.user).finish_non_exhaustive()
    }
}

impl OosServiceBuilder {
    /// Other actions than the standard ones; templates of their stores are public templates here.
    pub fn actions(mut self, actions: ActionRegistry) -> Self {
        self.actions = actions;
        self
    }

    /// The RAM user that calls without a role or user of their own are made by, who starts, votes and cancels.
    pub fn user(mut self, name: &str) -> Self {
        name.clone_into(&mut self.user);
        self
    }

    /// A change of the engine, e.g. its spawner (tokio's by default, where the feature is on), its store or its HTTP.
    /// Actions and events are the service's own.
    pub fn engine(mut self, change: impl FnOnce(EngineBuilder) -> EngineBuilder + Send + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// The service.
    ///
    /// # Errors
    /// What the engine lacks.
    pub fn build(self) -> Result<OosService, EngineError> {
        let (cloud, records, http) = (self.cloud, Records::default(), HttpRecorder::default());
        let library = TemplateLibrary::default();
        let clock: Arc<dyn Clock> = Arc::new(cloud.clock().clone());
        let shared = Arc::new(http.clone());
        let builder = Engine::builder()
            .api(cloud.clone())
            .clock(cloud.clock().clone())
            .ids(SeededIds::new(0))
            .parameters(cloud.clone())
            .triggers(TestTriggers::default())
            .http(http.clone())
            .mailer(http.clone())
            .notifier(DefaultNotifier::new(shared.clone(), shared, clock))
            .region(REGION)
            .variable("AccountId", cloud.account_id())
            .owner("service");
        let builder = self.changes.into_iter().fold(builder, |builder, change| change(builder));
        let engine = builder.actions(self.actions.with_templates(library.clone())).events(records.clone()).build()?;
        Ok(OosService(Arc::new(Inner {
            cloud,
            engine,
            library,
            records,
            http,
            user: self.user,
            facts: Mutex::default(),
            pinned: Mutex::default(),
            tokens: futures::lock::Mutex::default(),
            settings: Mutex::default(),
        })))
    }
}

/// The OOS of a fake cloud. A clone is the same service.
#[derive(Clone, Debug)]
pub struct OosService(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cloud: FakeCloud,
    engine: Engine,
    library: TemplateLibrary,
    records: Records,
    http: HttpRecorder,
    user: String,
    /// What the index does not hold about executions that were started here.
    facts: Mutex<BTreeMap<ExecutionId, Facts>>,
    /// Templates of executions that were asked about.
    pinned: Mutex<BTreeMap<ExecutionId, Arc<task::Pinned>>>,
    tokens: futures::lock::Mutex<Tokens>,
    settings: Mutex<Map>,
}

/// Who makes a call.
#[derive(Clone, Debug)]
struct Who {
    /// The name that approvers are compared with.
    user: String,
    /// `ana(1234567890123456)`, as `ExecutedBy` and `CreatedBy` have it.
    label: String,
}

impl OosService {
    /// A service in the making, over the resources of a cloud.
    pub fn builder(cloud: &FakeCloud) -> OosServiceBuilder {
        OosServiceBuilder {
            cloud: cloud.clone(),
            actions: oos_actions::standard(),
            user: "root".to_owned(),
            changes: Vec::new(),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The templates that were made here.
    pub fn templates(&self) -> &TemplateLibrary {
        &self.0.library
    }

    /// Messages and requests that actions sent, unless the engine was given a sender of its own.
    pub fn http(&self) -> &HttpRecorder {
        &self.0.http
    }

    /// True when an operation is answered here or by the cloud's own part of OOS.
    pub fn serves(api: &str) -> bool {
        Self::answers(api) || FakeCloud::models("OOS", api)
    }

    /// Operations that the engine answers; tags of parameters go to the cloud all the same.
    fn answers(api: &str) -> bool {
        OPERATIONS.contains(&api)
    }

    fn now(&self) -> Timestamp {
        self.0.engine.now()
    }

    fn account(&self) -> Arc<str> {
        self.0.cloud.account_id()
    }

    /// Who calls, by the role or the user that a signature has told.
    fn who(&self, role: &str) -> Who {
        let hop = role.rsplit('|').next().unwrap_or_default();
        let (name, account) = match hop.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(':')) {
            Some((account, rest)) => (rest.rsplit('/').next().unwrap_or(rest), account.to_owned()),
            None => match hop.split_once('/') {
                Some((account, name)) => (name, account.to_owned()),
                None => (hop, self.account().to_string()),
            },
        };
        let user = if name.is_empty() { self.0.user.clone() } else { name.to_owned() };
        Who { label: format!("{user}({account})"), user }
    }

    async fn answer(&self, api: &str, p: &Params, who: &Who) -> Result<Value, ApiError> {
        match api {
            "CreateTemplate" => self.create_template(p, who),
            "UpdateTemplate" => self.update_template(p, who),
            "UpdateTemplateAttributes" => self.update_attributes(p),
            "DeleteTemplate" | "DeleteTemplates" => self.delete_templates(p).await,
            "GetTemplate" => self.get_template(p).await,
            "ListTemplates" => self.list_templates(p).await,
            "ListTemplateVersions" => self.list_versions(p).await,
            "ValidateTemplateContent" => self.validate(p),
            "GetTemplateParameterConstraints" => self.constraints(p).await,
            "GenerateExecutionPolicy" => self.policy(p).await,
            "ListExecutionRiskyTasks" => self.risky_tasks(p).await,
            "ListActions" => self.list_actions(p),
            "StartExecution" => self.start(p, who).await,
            "StartDebugExecution" => self.start_debug(p, who).await,
            "UpdateExecution" => self.update_execution(p, who).await,
            "CancelExecution" => self.cancel(p, who).await,
            "TriggerExecution" => self.trigger(p, who).await,
            "NotifyExecution" => self.notify(p, who).await,
            "DeleteExecutions" => self.delete_executions(p, who).await,
            "ListExecutions" => self.list_executions(p).await,
            "GetExecutionTemplate" => self.execution_template(p).await,
            "ListTaskExecutions" => self.list_tasks(p).await,
            "ListTaskExecutionInvocations" => self.list_invocations(p),
            "ListExecutionLogs" => self.list_logs(p).await,
            "ListResourceExecutionStatus" => self.list_resources(p).await,
            "TagResources" => self.tag(p).await,
            "UntagResources" => self.untag(p).await,
            "ListTagResources" => self.list_tags(p).await,
            "ListTagKeys" => self.list_tag_keys(p).await,
            "ListTagValues" => self.list_tag_values(p).await,
            "ChangeResourceGroup" => self.change_group(p).await,
            "DescribeRegions" => Ok(settings::regions(p)),
            "GetServiceSettings" => Ok(self.get_settings()),
            "SetServiceSettings" => Ok(self.set_settings(p)),
            _ => Err(unsupported(api)),
        }
    }

    /// The same token with the same parameters gives the first answer again. Calls with tokens wait for each other, so
    /// that two at once start one execution.
    async fn answer_once(&self, api: &str, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let Some(token) = p.str("ClientToken") else { return self.answer(api, p, who).await };
        if token.len() > TOKEN_LENGTH {
            return Err(invalid("ClientToken", format_args!("it has more than {TOKEN_LENGTH} characters")));
        }
        let mut without = p.clone();
        without.0.remove("ClientToken");
        let same = Value::from(without.0);
        let mut tokens = self.0.tokens.lock().await;
        let (key, now) = ((Arc::from(api), token), self.now());
        if let Some(old) = tokens.get(&key).filter(|t| now.since(t.at) < TOKEN_LIFE) {
            return if old.params == same { Ok(old.answer.clone()) } else { Err(error("IdempotentParameterMismatch")) };
        }
        let answer = self.answer(api, p, who).await?;
        tokens.insert(key, Token { params: same, answer: answer.clone(), at: now });
        Ok(answer)
    }

    /// A call that goes on to the cloud; a user is nothing that its role chains know.
    async fn below(&self, mut request: ApiRequest) -> Result<ApiResponse, ApiError> {
        if request.role.contains(":user/") {
            request.role = "".into();
        }
        self.0.cloud.call(request).await
    }
}

/// Operations that are answered here.
const OPERATIONS: &[&str] = &[
    "CancelExecution",
    "ChangeResourceGroup",
    "CreateTemplate",
    "DeleteExecutions",
    "DeleteTemplate",
    "DeleteTemplates",
    "DescribeRegions",
    "GenerateExecutionPolicy",
    "GetExecutionTemplate",
    "GetServiceSettings",
    "GetTemplate",
    "GetTemplateParameterConstraints",
    "ListActions",
    "ListExecutionLogs",
    "ListExecutionRiskyTasks",
    "ListExecutions",
    "ListResourceExecutionStatus",
    "ListTagKeys",
    "ListTagResources",
    "ListTagValues",
    "ListTaskExecutionInvocations",
    "ListTaskExecutions",
    "ListTemplateVersions",
    "ListTemplates",
    "NotifyExecution",
    "SetServiceSettings",
    "StartDebugExecution",
    "StartExecution",
    "TagResources",
    "TriggerExecution",
    "UntagResources",
    "UpdateExecution",
    "UpdateTemplate",
    "UpdateTemplateAttributes",
    "ValidateTemplateContent",
];

#[async_trait]
impl ApiCaller for OosService {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let known = catalogue::normalise(&request, &NormaliseOptions::default());
        if !request.service.eq_ignore_ascii_case("OOS") {
            return self.below(request).await;
        }
        let (api, p) = (&*known.api, Params(known.params()));
        let elsewhere = tags::OPERATIONS.contains(&api) && tags::is_of_the_store(&p);
        if elsewhere || (!Self::answers(api) && FakeCloud::models("OOS", api)) {
            return self.below(request).await;
        }
        let absent = known.operation.iter().flat_map(|o| &o.parameters).find(|parameter| {
            // The region of the endpoint stands in for the parameter.
            parameter.required && &*parameter.name != "RegionId" && p.str(&parameter.name).is_none()
        });
        let answer = match (Self::answers(api), absent) {
            (true, Some(parameter)) => Err(missing(&parameter.name)),
            (true, None) => self.answer_once(api, &p, &self.who(&request.role)).await,
            (false, _) if known.operation.is_none() => Err(unknown(api)),
            (false, _) => Err(unsupported(api)),
        };
        let region = known.region.as_deref().unwrap_or(REGION);
        self.0.cloud.with(|state| completed(state, answer, &format!("oos.{region}.aliyuncs.com")))
    }
}

fn unknown(api: &str) -> ApiError {
    ApiError::service("InvalidAction.NotFound", 404, format!("OOS has no operation `{api}` in version 2019-06-01."))
}

/// An operation that OOS has and this service has not.
fn unsupported(api: &str) -> ApiError {
    let message =
        format!("OOS.{api} is not served: it belongs to a product on top of OOS, not to templates and executions");
    ApiError::Unsupported { code: "Testkit.UnmodelledApi".into(), message: message.into() }
}

fn store_error(error: &StoreError) -> ApiError {
    ApiError::service("InternalError", 500, error.to_string())
}

/// What the engine refused, in the words of the service.
fn engine_error(error: EngineError) -> ApiError {
    match error {
        EngineError::Template(found) => error_with("InvalidTemplate", found.render()),
        EngineError::Link(error) => error_with("InvalidTemplate", error.to_string()),
        EngineError::Parameters(error) => error_with("InvalidParameter.Parameters", error.to_string()),
        EngineError::NoTemplate(name) => not_found("Template", name.as_str()),
        EngineError::Store(error) => store_error(&error),
        other => ApiError::service("InternalError", 500, other.to_string()),
    }
}

fn not_found(what: &str, name: &str) -> ApiError {
    ApiError::service(format!("EntityNotExists.{what}"), 404, format!("The {what} `{name}` does not exist."))
}

fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::service("EntityStatusConflict.Execution", 409, message.into())
}

fn signal_error(error: SignalError) -> ApiError {
    match error {
        SignalError::Refused(refusal) => match refusal.code {
            "NotApprover" => ApiError::service("NoPermission", 403, refusal.message),
            code if code.starts_with("EntityNotExists") => ApiError::service(code, 404, refusal.message),
            code if code.starts_with("EntityStatusConflict") => conflict(refusal.message),
            code => ApiError::service(code, 400, refusal.message),
        },
        SignalError::Gone(id) => conflict(format!("The execution {id} has ended.")),
        other => ApiError::service("InternalError", 500, other.to_string()),
    }
}

/// Tags of a request as a map of texts.
fn tags_in(p: &Params, name: &str) -> Result<Map, ApiError> {
    let tags = p.tags(name);
    if tags.len() > TAGS {
        return Err(error_with("LimitExceeded.Tags", format!("A thing has at most {TAGS} tags.")));
    }
    Ok(tags.into_iter().map(|(key, value)| (Arc::from(key), Value::from(value))).collect())
}

/// True when `tags` has all of `wanted`; an empty value matches any.
fn has_tags(tags: &Map, wanted: &[(String, String)]) -> bool {
    wanted.iter().all(|(k, v)| tags.get(k).is_some_and(|found| v.is_empty() || *found.to_text() == **v))
}

/// One of some words, or an error that lists them; `None` when it is not given.
fn one_of(p: &Params, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
    let Some(given) = p.str(name) else { return Ok(None) };
    let found = words.iter().find(|word| ***word == *given).copied();
    found.map(Some).ok_or_else(|| invalid(name, format_args!("`{given}` is none of {}", words.join(", "))))
}

/// True for `SortOrder=Ascending`.
fn is_ascending(p: &Params) -> Result<bool, ApiError> {
    Ok(one_of(p, "SortOrder", &["Ascending", "Descending"])? == Some("Ascending"))
}

/// An instant that a filter names.
fn instant(p: &Params, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let parsed = p.str(name).map(|text| Timestamp::parse(&text).map_err(|_| invalid(name, "it is no UTC time")));
    parsed.transpose()
}

/// `<Which>DateBefore` and `<Which>DateAfter`; bounds are within.
fn within(p: &Params, which: &str, at: Option<Timestamp>) -> Result<bool, ApiError> {
    let (before, after) = (instant(p, &format!("{which}Before"))?, instant(p, &format!("{which}After"))?);
    let early = before.is_none_or(|bound| at.is_some_and(|at| at <= bound));
    let late = after.is_none_or(|bound| at.is_some_and(|at| at >= bound));
    Ok(early && late)
}
