//! Scaling rules and activities.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use super::{GROUP, MEMBER, UNKNOWN, drop_members, hook, members};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::map,
    error::{error, invalid},
    page::{FIFTY, page},
    params::Params,
    state::State,
};

const RULE: &str = "ESS::Rule";
const KIND: &str = "ESS::Activity";

pub(crate) const APIS: &[Api] = &[
    Api::new("CreateScalingRule", create_rule, "ScalingGroupId!"),
    Api::new("DeleteScalingRule", delete_rule, "ScalingRuleId!"),
    Api::new(
        "ModifyScalingRule",
        modify_rule,
        "ScalingRuleId! ScalingRuleName AdjustmentType AdjustmentValue Cooldown MinAdjustmentMagnitude EstimatedInstanceWarmup MetricName TargetValue DisableScaleIn ScaleInEvaluationCount ScaleOutEvaluationCount PredictiveScalingMode PredictiveValueBehavior PredictiveValueBuffer PredictiveTaskBufferTime InitialMaxSize StepAdjustment.N",
    ),
    Api::new(
        "DescribeScalingRules",
        describe_rules,
        "ScalingGroupId ScalingRuleType ShowAlarmRules ScalingRuleId.N ScalingRuleName.N ScalingRuleAri.N",
    ),
    Api::new("AttachInstances", attach, "ScalingGroupId! InstanceId.N! Entrusted LoadBalancerWeight.N"),
    Api::new("DetachInstances", detach, "ScalingGroupId! InstanceId.N! DecreaseDesiredCapacity DetachOption"),
    Api::new("ExecuteScalingRule", execute_rule, "ScalingRuleAri!"),
    Api::new("RemoveInstances", remove_instances, "ScalingGroupId! InstanceId.N!"),
    Api::new("DescribeScalingActivities", describe, ""),
    Api::new("DescribeScalingActivityDetail", detail, "ScalingActivityId!"),
];

fn create_rule(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, value) = (p.need("ScalingGroupId")?, p.int("AdjustmentValue")?.unwrap_or(0));
    ctx.need(GROUP, &group, UNKNOWN)?;
    let kind = p.text("AdjustmentType");
    let legal = ["QuantityChangeInCapacity", "PercentChangeInCapacity", "TotalCapacity"];
    if !legal.contains(&&*kind) {
        return Err(invalid("AdjustmentType", "it is not known"));
    }
    let region = Arc::clone(&ctx.region);
    let id = ctx.s.ids.next("asr-", &region);
    let ari = format!("ari:acs:ess:{region}:{}:scalingrule/{id}", ctx.account);
    let data = params! {
        "ScalingRuleId" => id.as_str(), "ScalingRuleAri" => ari.as_str(), "ScalingGroupId" => group, "AdjustmentType" => kind,
        "AdjustmentValue" => value, "ScalingRuleName" => p.text("ScalingRuleName"),
    };
    ctx.create_as(RULE, &id, map(&data))?;
    Ok(params! { "ScalingRuleId" => id, "ScalingRuleAri" => ari })
}

fn delete_rule(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingRuleId")?;
    ctx.need(RULE, &id, "InvalidScalingRuleId.NotFound")?;
    ctx.s.store.remove(RULE, &id);
    done()
}

fn modify_rule(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, unknown) = (p.need("ScalingRuleId")?, "InvalidScalingRuleId.NotFound");
    ctx.set_given(RULE, &id, unknown, p, &["ScalingRuleName", "AdjustmentType", "TargetValue"])?;
    for name in ["AdjustmentValue", "Cooldown"] {
        if let Some(number) = p.int(name)? {
            ctx.change(RULE, &id, unknown)?.set(name, number);
        }
    }
    done()
}

fn describe_rules(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, group) = (p.ids("ScalingRuleId"), p.str("ScalingGroupId"));
    let (names, aris) = (p.list("ScalingRuleName"), p.list("ScalingRuleAri"));
    let fits = |wanted: &[Arc<str>], found: Arc<str>| wanted.is_empty() || wanted.contains(&found);
    let ids = ctx.ids(RULE, wanted.as_deref(), |r| {
        group.as_deref().is_none_or(|g| r.str("ScalingGroupId") == g)
            && fits(&names, r.text("ScalingRuleName"))
            && fits(&aris, r.text("ScalingRuleAri"))
    });
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids.iter().filter_map(|id| ctx.find(RULE, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("ScalingRules", "ScalingRule", list, fields))
}

/// Running instances that are in no group yet become members when the activity ends.
fn attach(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, ids) = (p.need("ScalingGroupId")?, p.need_list("InstanceId")?);
    let (_, high) = ready(ctx, &group)?;
    for id in &ids {
        let status = ctx.need("ECS::Instance", id, "InvalidInstanceId.NotFound")?.text("Status");
        if &*status != "Running" {
            return Err(error("IncorrectInstanceStatus"));
        }
        if ctx.find(MEMBER, id).is_some() {
            return Err(error("InvalidInstanceId.InUse"));
        }
    }
    if len(&members(ctx.s, &group)) + len(&ids) > high {
        return Err(error("IncorrectCapacity.MaxSize"));
    }
    let names: Vec<&str> = ids.iter().map(|id| &**id).collect();
    let id = begin(ctx, &group, &format!("attach ECS instances {}", names.join(",")))?;
    let done = Box::new(move |state: &mut State, ok| {
        ids.iter().filter(|_| ok).for_each(|id| super::enrol(state, &group, id, "InService", "Attached"));
    });
    ctx.s.transit(KIND, &id, "run", done);
    Ok(params! { "ScalingActivityId" => id })
}

/// Members leave the group and go on running.
fn detach(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, ids) = leaving(ctx, p)?;
    let names: Vec<&str> = ids.iter().map(|id| &**id).collect();
    let id = begin(ctx, &group, &format!("detach ECS instances {}", names.join(",")))?;
    let done = Box::new(move |state: &mut State, ok| {
        ids.iter().filter(|_| ok).for_each(|id| drop(state.store.remove(MEMBER, id)));
    });
    ctx.s.transit(KIND, &id, "run", done);
    Ok(params! { "ScalingActivityId" => id })
}

/// The group and the members that a call takes out of it; enough must stay.
fn leaving(ctx: &Ctx<'_>, p: &Params) -> Result<(Arc<str>, Vec<Arc<str>>), ApiError> {
    let (group, ids) = (p.need("ScalingGroupId")?, p.need_list("InstanceId")?);
    let (low, _) = ready(ctx, &group)?;
    let all = members(ctx.s, &group);
    if ids.iter().any(|id| !all.contains(id)) {
        return Err(error("InvalidInstanceId.NotFound"));
    }
    if len(&all) - len(&ids) < low {
        return Err(error("IncorrectCapacity.MinSize"));
    }
    Ok((group, ids))
}

fn len(list: &[Arc<str>]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

fn execute_rule(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ari = p.need("ScalingRuleAri")?;
    let rule = ctx
        .list(RULE)
        .find(|r| r.str("ScalingRuleAri") == &*ari)
        .ok_or_else(|| error("InvalidScalingRuleAri.NotFound"))?;
    let (group, value) = (rule.text("ScalingGroupId"), rule.int("AdjustmentValue"));
    let have = len(&members(ctx.s, &group));
    let want = match rule.str("AdjustmentType") {
        "TotalCapacity" => value,
        "PercentChangeInCapacity" => have + have * value / 100,
        _ => have + value,
    };
    let (low, high) = ready(ctx, &group)?;
    if want < low {
        return Err(error("IncorrectCapacity.MinSize"));
    }
    if want > high {
        return Err(error("IncorrectCapacity.MaxSize"));
    }
    if want == have {
        return Err(error("IncorrectCapacity.NoChange"));
    }
    let id = begin(ctx, &group, &format!("change the Total Capacity from \"{have}\" to \"{want}\""))?;
    let scaled = Arc::clone(&group);
    ctx.s.transit(
        KIND,
        &id,
        "run",
        Box::new(move |state, ok| {
            if ok {
                scale_to(state, &scaled, want);
            }
        }),
    );
    Ok(params! { "ScalingActivityId" => id })
}

/// The limits of a group that is active and has no activity under way.
fn ready(ctx: &Ctx<'_>, group: &str) -> Result<(i64, i64), ApiError> {
    let g = ctx.need(GROUP, group, UNKNOWN)?;
    if g.str("LifecycleState") != "Active" {
        return Err(error("IncorrectScalingGroupStatus"));
    }
    if ctx.list(KIND).any(|a| a.str("ScalingGroupId") == group && a.str("StatusCode") == "InProgress") {
        return Err(error("ScalingActivityInProgress"));
    }
    Ok((g.int("MinSize"), g.int("MaxSize")))
}

fn begin(ctx: &mut Ctx<'_>, group: &str, what: &str) -> Result<Arc<str>, ApiError> {
    let region = Arc::clone(&ctx.region);
    let id = ctx.s.ids.next("asa-", &region);
    let data = params! {
        "ScalingActivityId" => id.as_str(), "ScalingGroupId" => group, "StatusCode" => "InProgress", "StatusMessage" => "",
        "Progress" => 0, "StartTime" => ctx.now().to_iso(), "EndTime" => "", "Cause" => format!("A user requests to {what}."),
        "Description" => what, "_detail" => format!("new instances: {what}"),
    };
    ctx.create_as(KIND, &id, map(&data))
}

/// Adds members, or takes the newest ones that are not protected, until the number is reached.
fn scale_to(state: &mut State, group: &str, want: i64) {
    let all = members(state, group);
    let have = len(&all);
    if want > have {
        hook::scale_out(state, group, usize::try_from(want - have).unwrap_or(0));
        return;
    }
    let free = |id: &&Arc<str>| state.store.get(MEMBER, id).is_some_and(|r| r.str("LifecycleState") == "InService");
    let gone: Vec<Arc<str>> =
        all.iter().rev().filter(free).take(usize::try_from(have - want).unwrap_or(0)).cloned().collect();
    hook::scale_in(state, group, &gone);
}

fn remove_instances(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, ids) = leaving(ctx, p)?;
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let id = begin(ctx, &group, &format!("remove ECS instances {}", names.join(",")))?;
    let with_hooks = hook::hooks(ctx.s, &group, "SCALE_IN").is_empty();
    ids.iter().for_each(|id| ctx.s.set_status(MEMBER, id, "Removing"));
    ctx.s.transit(
        KIND,
        &id,
        "run",
        Box::new(move |state, ok| match (ok, with_hooks) {
            (true, true) => drop_members(state, &ids),
            (true, false) => {
                hook::scale_in(state, &group, &ids);
            }
            (false, _) => ids.iter().for_each(|id| state.set_status(MEMBER, id, "InService")),
        }),
    );
    Ok(params! { "ScalingActivityId" => id })
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, group, status) = (p.ids("ScalingActivityId"), p.str("ScalingGroupId"), p.str("StatusCode"));
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        group.as_deref().is_none_or(|g| r.str("ScalingGroupId") == g)
            && status.as_deref().is_none_or(|s| r.str("StatusCode") == s)
    });
    let (mut ids, fields) = page(p, ids, FIFTY)?;
    ids.reverse();
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("ScalingActivities", "ScalingActivity", list, fields))
}

fn detail(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingActivityId")?;
    let r = ctx.need(KIND, &id, "InvalidScalingActivityId.NotFound")?;
    Ok(params! { "ScalingActivityId" => Arc::clone(&id), "Detail" => r.str("_detail") })
}
