//! Life-cycle hooks: instances are held, a token is minted, and whoever has it decides.

use std::{sync::Arc, time::Duration};

use oos_core::{Map, Value, params, ports::ApiError};

use super::{GROUP, MEMBER, UNKNOWN, add_members, drop_members};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::map,
    error::{error, invalid, missing},
    page::{FIFTY, Paging, page},
    params::Params,
    state::State,
};

const KIND: &str = "ESS::Hook";
pub(super) const ACTION: &str = "ESS::LifecycleAction";
const HOOK_UNKNOWN: &str = "InvalidLifecycleHookId.NotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new("CreateLifecycleHook", create, "ScalingGroupId! LifecycleTransition!"),
    Api::new("ModifyLifecycleHook", modify, ""),
    Api::new("DescribeLifecycleHooks", describe, ""),
    Api::new("DeleteLifecycleHook", delete, "ScalingGroupId LifecycleHookId LifecycleHookName"),
    Api::new("CompleteLifecycleAction", complete, "LifecycleHookId! LifecycleActionToken!"),
    Api::new("DescribeLifecycleActions", describe_actions, "ScalingActivityId LifecycleActionStatus"),
];

/// An execution that a life-cycle hook wants to run. The fake has no engine: who has one starts it.
#[derive(Clone, Debug, PartialEq)]
pub struct HookRun {
    /// The hook.
    pub hook: String,
    /// The token that the execution has to complete.
    pub token: String,
    /// The instances that are held.
    pub instances: Vec<String>,
    /// Name of the OOS template.
    pub template: String,
    /// Parameters of the execution, texts such as `${instanceIds}` filled in.
    pub parameters: Value,
}

/// CHOICE: seconds that a hook waits when nothing is said.
const HEARTBEAT: i64 = 600;

fn hook_data(id: &str, group: &str, name: &str, transition: &str) -> Map {
    map(&params! {
        "LifecycleHookId" => id, "LifecycleHookName" => name, "ScalingGroupId" => group, "LifecycleTransition" => transition,
        "DefaultResult" => "CONTINUE", "HeartbeatTimeout" => HEARTBEAT, "NotificationArn" => "", "NotificationMetadata" => "",
        "LifecycleHookStatus" => "Active",
    })
}

/// Makes a hook for a test.
pub(super) fn add(state: &mut State, group: &str, transition: &str, template: &str, parameters: &Value) -> String {
    let region = state.store.get(GROUP, group).map_or_else(String::new, |g| g.region.to_string());
    let id = state.ids.next("ash-", &region);
    let mut data = hook_data(&id, group, &id, transition);
    data.insert("NotificationArn", format!("acs:ess:{region}:{}:oos/{template}", state.account));
    data.insert("NotificationMetadata", parameters.to_string());
    state.add(KIND, id.as_str(), &region, data);
    id
}

/// The hooks of a group for a transition, ordered by id.
pub(super) fn hooks(state: &State, group: &str, transition: &str) -> Vec<Arc<str>> {
    let of = state
        .store
        .all(KIND)
        .filter(|r| r.str("ScalingGroupId") == group && r.str("LifecycleTransition") == transition);
    of.map(|r| Arc::clone(&r.id)).collect()
}

/// Adds members, held by the hooks if there are any.
pub(super) fn scale_out(state: &mut State, group: &str, count: usize) -> Vec<HookRun> {
    let hooks = hooks(state, group, "SCALE_OUT");
    let ids = add_members(state, group, count, if hooks.is_empty() { "InService" } else { "Pending:Wait" });
    hold(state, group, &hooks, &ids)
}

/// Takes members out, held by the hooks if there are any.
pub(super) fn scale_in(state: &mut State, group: &str, ids: &[Arc<str>]) -> Vec<HookRun> {
    let hooks = hooks(state, group, "SCALE_IN");
    if hooks.is_empty() {
        drop_members(state, ids);
        return Vec::new();
    }
    ids.iter().for_each(|id| state.set_status(MEMBER, id, "Removing:Wait"));
    hold(state, group, &hooks, ids)
}

fn hold(state: &mut State, group: &str, hooks: &[Arc<str>], ids: &[Arc<str>]) -> Vec<HookRun> {
    let batch = state.ids.number("ess-batch");
    let runs: Vec<HookRun> = hooks.iter().filter_map(|hook| hold_by(state, group, hook, ids, batch)).collect();
    state.hook_runs.extend(runs.clone());
    runs
}

fn hold_by(state: &mut State, group: &str, hook: &Arc<str>, ids: &[Arc<str>], batch: u64) -> Option<HookRun> {
    let token = state.ids.uuid("lifecycle").to_uppercase();
    let r = state.store.get(KIND, hook)?.clone();
    let data = params! {
        "LifecycleActionToken" => token.as_str(), "LifecycleHookId" => Arc::clone(hook), "ScalingGroupId" => group,
        "LifecycleTransition" => r.str("LifecycleTransition"), "LifecycleActionStatus" => "Pending",
        "_instances" => ids.to_vec(), "_batch" => batch, "_result" => "",
    };
    state.add(ACTION, token.as_str(), &r.region, map(&data));
    let (at, expired) =
        (state.now + Duration::from_secs(u64::try_from(r.int("HeartbeatTimeout")).unwrap_or(600)), token.clone());
    let default = r.text("DefaultResult");
    state.queue.push(
        at,
        Box::new(move |state| {
            finish(state, &expired, &default);
        }),
    );
    let instances: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let region = r.region.to_string();
    let fill = Fill { region: &region, instances: &instances, hook, token: &token };
    let template = r.str("NotificationArn").rsplit("oos/").next().unwrap_or("").to_owned();
    let given = r.data.get("NotificationMetadata").map_or(Value::Null, Value::parsed_if_json_text);
    let parameters = if given.is_null() { Value::empty_map() } else { fill.value(&given) };
    let parameters = fill.complete(&parameters);
    Some(HookRun { hook: hook.to_string(), token, instances, template, parameters })
}

/// What ESS fills into the parameters of an execution.
struct Fill<'a> {
    region: &'a str,
    instances: &'a [String],
    hook: &'a str,
    token: &'a str,
}

impl Fill<'_> {
    fn named(&self) -> [(&'static str, Value); 4] {
        [
            ("regionId", Value::from(self.region)),
            ("instanceIds", Value::from(self.instances.to_vec())),
            ("lifecycleHookId", Value::from(self.hook)),
            ("lifecycleActionToken", Value::from(self.token)),
        ]
    }

    /// Replaces `${name}`; alone it gives the value itself.
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), self.value(v))).collect::<Map>()),
            // A list of which one entry is `${instanceIds}` holds the ids, not a list of them.
            Value::List(list) => list
                .iter()
                .flat_map(|v| match self.value(v) {
                    Value::List(ids) if v.as_list().is_none() => ids.to_vec(),
                    other => vec![other],
                })
                .collect(),
            Value::String(text) => {
                let whole = |(name, _): &(&str, Value)| **text == *format!("${{{name}}}");
                if let Some((_, value)) = self.named().into_iter().find(whole) {
                    return value;
                }
                let filled = self
                    .named()
                    .into_iter()
                    .fold(text.to_string(), |t, (name, v)| t.replace(&format!("${{{name}}}"), &v.to_text()));
                Value::from(filled)
            }
            other => other.clone(),
        }
    }

    /// The parameters with the four names, where nothing else was said.
    fn complete(&self, given: &Value) -> Value {
        let mut out = map(given);
        for (name, value) in self.named() {
            if out.get_folded(name).is_none() {
                out.insert(name, value);
            }
        }
        Value::from(out)
    }
}

/// Completes a token; false when it is unknown or used.
fn finish(state: &mut State, token: &str, result: &str) -> bool {
    let Some(action) = state.store.get_mut(ACTION, token).filter(|a| a.str("_result").is_empty()) else { return false };
    action.set("_result", result);
    action.set("LifecycleActionStatus", if result == "CONTINUE" { "Continue" } else { "Abandon" });
    let (ids, batch, out) =
        (action.list("_instances"), action.int("_batch"), action.str("LifecycleTransition") == "SCALE_OUT");
    let siblings: Vec<Arc<str>> = state
        .store
        .all(ACTION)
        .filter(|a| a.int("_batch") == batch && a.str("_result").is_empty())
        .map(|a| Arc::clone(&a.id))
        .collect();
    if result == "CONTINUE" && !siblings.is_empty() {
        return true;
    }
    for sibling in siblings {
        state.store.get_mut(ACTION, &sibling).into_iter().for_each(|a| a.set("_result", result));
    }
    match (out, result) {
        (true, "CONTINUE") | (false, "ROLLBACK") => ids.iter().for_each(|id| state.set_status(MEMBER, id, "InService")),
        _ => drop_members(state, &ids),
    }
    true
}

fn complete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (hook, token) = (p.need("LifecycleHookId")?, p.need("LifecycleActionToken")?);
    let default = ctx.need(KIND, &hook, HOOK_UNKNOWN)?.text("DefaultResult");
    let result = p.str("LifecycleActionResult").unwrap_or(default).to_uppercase();
    if !["CONTINUE", "ABANDON", "ROLLBACK"].contains(&&*result) {
        return Err(invalid("LifecycleActionResult", "it is CONTINUE, ABANDON or ROLLBACK"));
    }
    let known = ctx.find(ACTION, &token).is_some_and(|a| a.str("LifecycleHookId") == &*hook);
    if known && finish(ctx.s, &token, &result) { done() } else { Err(error("InvalidLifecycleActionToken.NotExist")) }
}

const SETTINGS: [&str; 6] = [
    "LifecycleTransition",
    "DefaultResult",
    "HeartbeatTimeout",
    "NotificationArn",
    "NotificationMetadata",
    "LifecycleHookStatus",
];

fn check_settings(p: &Params) -> Result<(), ApiError> {
    if p.int("HeartbeatTimeout")?.is_some_and(|t| !(30..=21_600).contains(&t)) {
        return Err(invalid("HeartbeatTimeout", "it goes from 30 to 21600"));
    }
    Ok(())
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, transition) = (p.need("ScalingGroupId")?, p.need("LifecycleTransition")?);
    ctx.need(GROUP, &group, UNKNOWN)?;
    check_settings(p)?;
    let region = Arc::clone(&ctx.region);
    let id = ctx.s.ids.next("ash-", &region);
    let name = p.str("LifecycleHookName").unwrap_or_else(|| id.as_str().into());
    if ctx.list(KIND).any(|r| r.str("ScalingGroupId") == &*group && r.str("LifecycleHookName") == &*name) {
        return Err(error("InvalidLifecycleHookName.Duplicate"));
    }
    ctx.create_as(KIND, &id, hook_data(&id, &group, &name, &transition))?;
    ctx.set_given(KIND, &id, HOOK_UNKNOWN, p, &SETTINGS)?;
    Ok(params! { "LifecycleHookId" => id })
}

/// A hook by its id, or by group and name.
fn find(ctx: &Ctx<'_>, p: &Params) -> Result<Arc<str>, ApiError> {
    if let Some(id) = p.str("LifecycleHookId") {
        return ctx.need(KIND, &id, HOOK_UNKNOWN).map(|r| Arc::clone(&r.id));
    }
    let (Some(group), Some(name)) = (p.str("ScalingGroupId"), p.str("LifecycleHookName")) else {
        return Err(missing("LifecycleHookId"));
    };
    let found = ctx.list(KIND).find(|r| r.str("ScalingGroupId") == &*group && r.str("LifecycleHookName") == &*name);
    found.map(|r| Arc::clone(&r.id)).ok_or_else(|| error(HOOK_UNKNOWN))
}

fn modify(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = find(ctx, p)?;
    check_settings(p)?;
    ctx.set_given(KIND, &id, HOOK_UNKNOWN, p, &SETTINGS)?;
    done()
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = find(ctx, p)?;
    ctx.s.store.remove(KIND, &id);
    done()
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, group, name) = (p.ids("LifecycleHookId"), p.str("ScalingGroupId"), p.str("LifecycleHookName"));
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        group.as_deref().is_none_or(|g| r.str("ScalingGroupId") == g)
            && name.as_deref().is_none_or(|n| r.str("LifecycleHookName") == n)
    });
    let (ids, fields) = page(p, ids, Paging { default: 50, ..FIFTY })?;
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("LifecycleHooks", "LifecycleHook", list, fields))
}

fn describe_actions(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let list = ctx.list(ACTION).map(|r| {
        let mut out = r.view();
        out.insert("InstanceIds", params! { "InstanceId" => r.list("_instances") });
        Value::from(out)
    });
    let list = list.collect();
    Ok(wrapped("LifecycleActions", "LifecycleAction", list, Map::new()))
}
