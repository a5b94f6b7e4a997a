//! Stacks (ROS): create, read, delete, with a small interpreter of templates; and how a test bends them.
//!
//! Resources appear and vanish at the end of the delay, in the order of their dependencies, so a stack that is deleted
//! right after its instance finds the VSwitch free.

mod resources;
mod template;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use oos_core::{Value, params, ports::ApiError};

use self::template::Template;
use super::{
    FakeCloud,
    api::{Api, Ctx, done},
    ecs::make::map,
    error::{error, error_with, invalid, missing},
    page::{TEN, page},
    params::Params,
    state::State,
    store::Kind,
};

const KIND: Kind = "ROS::Stack";
const UNKNOWN: &str = "StackNotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new("CreateStack", create, "StackName!"),
    Api::new("GetStack", get, "StackId!"),
    Api::new("DeleteStack", delete, "StackId!"),
    Api::new(
        "ListStacks",
        list,
        "StackId StackIds.N StackName.N Status.N ParentStackId ShowNestedStack StartTime EndTime Tag.N",
    ),
    Api::new("ListStackResources", list_resources, "StackId!"),
];

/// What the test has planned for stacks.
#[derive(Debug, Default)]
pub(crate) struct Ros {
    fates: VecDeque<Fate>,
    urls: BTreeMap<String, Value>,
    /// What is needed to end a stack, by its id.
    stacks: BTreeMap<Arc<str>, Plan>,
}

#[derive(Clone, Debug)]
struct Plan {
    template: Template,
    region: Arc<str>,
    account: Arc<str>,
    name: Arc<str>,
    fate: Option<Fate>,
    rollback: bool,
    /// Resources that exist, in the order in which they were made.
    made: Vec<resources::Made>,
}

/// How a stack goes wrong; see [`fails_at`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    resource: String,
    reason: String,
}

/// The creation fails at that resource, for that reason.
pub fn fails_at(resource: &str, reason: &str) -> Fate {
    Fate { resource: resource.to_owned(), reason: reason.to_owned() }
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("StackName")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() > 255 || !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(legal) {
        return Err(invalid(
            "StackName",
            "it starts with a letter and has letters, digits, hyphens and underscores only",
        ));
    }
    let live = |r: &super::store::Resource| r.str("StackName") == &*name && r.str("Status") != "DELETE_COMPLETE";
    if ctx.list(KIND).any(live) {
        return Err(error("StackExists"));
    }
    if p.int("TimeoutInMinutes")?.is_some_and(|t| !(10..=1440).contains(&t)) {
        return Err(invalid("TimeoutInMinutes", "it goes from 10 to 1440"));
    }
    let body = body(ctx, p)?;
    let id: Arc<str> = ctx.s.ids.uuid("stack").into();
    let given = p.maps("Parameters");
    let template = Template::parse(&body, &given, &name, &id).map_err(|e| error_with("StackValidationFailed", e))?;
    ctx.checked()?;
    let no_rollback = p.bool("DisableRollback");
    let data = params! {
        "StackId" => Arc::clone(&id), "StackName" => Arc::clone(&name), "Status" => "CREATE_IN_PROGRESS",
        "StatusReason" => "Stack CREATE started", "CreateTime" => ctx.now().to_iso(), "RegionId" => Arc::clone(&ctx.region),
        "Description" => template.description(), "TimeoutInMinutes" => p.int("TimeoutInMinutes")?.unwrap_or(60),
        "DisableRollback" => no_rollback, "Parameters" => given.into_iter().map(Value::from).collect::<Value>(),
        "Outputs" => Value::empty_list(), "DeletionProtection" => "Disabled",
    };
    ctx.create_as(KIND, &id, map(&data))?;
    let plan = Plan {
        template,
        region: Arc::clone(&ctx.region),
        account: Arc::clone(&ctx.account),
        name,
        fate: ctx.s.ros.fates.pop_front(),
        rollback: !no_rollback,
        made: Vec::new(),
    };
    ctx.s.ros.stacks.insert(Arc::clone(&id), plan);
    let stack = Arc::clone(&id);
    ctx.s.transit(KIND, &id, "create", Box::new(move |state, ok| created(state, &stack, ok)));
    Ok(params! { "StackId" => id })
}

/// The template: text, a structure, or what the test registered for an URL.
fn body(ctx: &Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    if p.has("TemplateBody") {
        return template::read(p.get("TemplateBody")).map_err(|e| error_with("StackValidationFailed", e));
    }
    let url = p.str("TemplateURL").ok_or_else(|| missing("TemplateBody"))?;
    let urls = &ctx.s.ros.urls;
    let fits = || urls.iter().find(|(pattern, _)| crate::calls::glob(pattern, &url)).map(|(_, body)| body);
    let found = urls.get(&*url).or_else(fits).cloned();
    let hint = format!("no template is registered for {url}; register it: cloud.ros().template_url(\"{url}\", body)");
    let body = found.ok_or_else(|| error_with("TemplateNotFound", hint))?;
    template::read(&body).map_err(|e| error_with("StackValidationFailed", e))
}

fn set(state: &mut State, stack: &str, status: &str, reason: &str) {
    state.set_status(KIND, stack, status);
    state.store.get_mut(KIND, stack).into_iter().for_each(|r| r.set("StatusReason", reason));
}

/// The end of the delay of a creation.
fn created(state: &mut State, stack: &Arc<str>, ok: bool) {
    let Some(mut plan) = state.ros.stacks.get(stack).cloned() else { return };
    let failed = match (&plan.fate, ok) {
        (Some(fate), _) => Some(format!("Resource CREATE failed: resources.{}: {}", fate.resource, fate.reason)),
        (None, false) => Some("Resource CREATE failed".to_owned()),
        (None, true) => resources::make_all(state, &mut plan).err(),
    };
    let outputs = plan.template.outputs();
    state.ros.stacks.insert(Arc::clone(stack), plan.clone());
    match failed {
        None => {
            state.store.get_mut(KIND, stack).into_iter().for_each(|r| r.set("Outputs", outputs.clone()));
            set(state, stack, "CREATE_COMPLETE", "Stack CREATE completed successfully");
        }
        Some(reason) if plan.rollback => {
            let (id, text) = (Arc::clone(stack), reason.clone());
            state.store.get_mut(KIND, stack).into_iter().for_each(|r| r.set("StatusReason", reason.as_str()));
            state.transit(
                KIND,
                stack,
                "rollback",
                Box::new(move |state, _| {
                    resources::remove_all(state, &id).ok();
                    state.store.get_mut(KIND, &id).into_iter().for_each(|r| r.set("StatusReason", text.as_str()));
                }),
            );
        }
        Some(reason) => set(state, stack, "CREATE_FAILED", &reason),
    }
}

fn get(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("StackId")?;
    ctx.s.described(KIND, &id);
    ctx.need(KIND, &id, UNKNOWN).map(|r| Value::from(r.view()))
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, retain) = (p.need("StackId")?, p.bool("RetainAllResources"));
    let status = ctx.need(KIND, &id, UNKNOWN)?.text("Status");
    if ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"].contains(&&*status) {
        return done();
    }
    ctx.checked()?;
    let stack = Arc::clone(&id);
    ctx.s.transit(
        KIND,
        &id,
        "delete",
        Box::new(move |state, ok| {
            let removed = match (ok, retain) {
                (false, _) => Err("Resource DELETE failed".to_owned()),
                (true, true) => Ok(()),
                (true, false) => resources::remove_all(state, &stack),
            };
            match removed {
                Ok(()) => set(state, &stack, "DELETE_COMPLETE", "Stack DELETE completed successfully"),
                Err(reason) => set(state, &stack, "DELETE_FAILED", &reason),
            }
        }),
    );
    done()
}

fn list(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, names, statuses) = (p.ids("StackId"), p.list("StackName"), p.list("Status"));
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        (names.is_empty() || names.iter().any(|n| crate::calls::glob(n, r.str("StackName"))))
            && if statuses.is_empty() {
                r.str("Status") != "DELETE_COMPLETE"
            } else {
                statuses.contains(&r.text("Status"))
            }
    });
    let (ids, mut fields) = page(p, ids, TEN.max(50))?;
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| Value::from(r.view())).collect::<Value>();
    fields.insert("Stacks", list);
    Ok(Value::from(fields))
}

fn list_resources(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("StackId")?;
    ctx.need(KIND, &id, UNKNOWN)?;
    let made = ctx.s.ros.stacks.get(&id).map(|plan| plan.made.clone()).unwrap_or_default();
    let list: Vec<Value> = made
        .iter()
        .map(|m| {
            params! {
                "LogicalResourceId" => m.name.as_str(), "PhysicalResourceId" => m.id.as_str(), "ResourceType" => m.kind.as_str(),
                "Status" => "CREATE_COMPLETE", "StackId" => Arc::clone(&id),
            }
        })
        .collect();
    Ok(params! { "Resources" => list })
}

/// ROS as a test sees it.
#[derive(Clone, Debug)]
pub struct RosSetup {
    cloud: FakeCloud,
}

impl RosSetup {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// What happens to the next stack that is created and of which nothing is said yet: `next_stack(fails_at("Ecs", "quota"))`.
    pub fn next_stack(&self, fate: Fate) {
        self.cloud.with(|state| state.ros.fates.push_back(fate));
    }

    /// Registers the template that stands at an URL, or at all URLs of a pattern with `*`: text or a structure.
    pub fn template_url(&self, url: &str, body: impl Into<Value>) {
        let body = body.into();
        self.cloud.with(|state| state.ros.urls.insert(url.to_owned(), body));
    }

    /// Ids of all stacks, ordered by the time of their creation.
    pub fn stacks(&self) -> Vec<String> {
        self.cloud.with(|state| {
            let mut all: Vec<_> = state.store.all(KIND).collect();
            all.sort_by_key(|r| (r.created, Arc::clone(&r.id)));
            all.iter().map(|r| r.id.to_string()).collect()
        })
    }

    /// The status of a stack; empty when it does not exist.
    pub fn status(&self, id: &str) -> String {
        self.cloud.with(|state| state.store.get(KIND, id).map_or_else(String::new, |r| r.str("Status").to_owned()))
    }
}
