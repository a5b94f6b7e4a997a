//! Scaling groups and configurations: lists and setters.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{GROUP, UNKNOWN, members};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::{make::map, tags},
    error::{error, invalid},
    page::{FIFTY, page},
    params::Params,
    state::State,
};

pub(super) const KIND: &str = "ESS::Configuration";
pub(super) const UNKNOWN_CONFIG: &str = "InvalidScalingConfigurationId.NotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeScalingGroups", describe, ""),
    Api::new("ModifyScalingGroup", modify, "ScalingGroupId!"),
    Api::new("SuspendProcesses", suspend, "ScalingGroupId! Process.N!"),
    Api::new("ResumeProcesses", resume, "ScalingGroupId! Process.N!"),
    Api::new("DescribeScalingConfigurations", describe_configs, ""),
    Api::new("ModifyScalingConfiguration", modify_config, "ScalingConfigurationId!"),
    Api::new("ModifyEciScalingConfiguration", modify_config, "ScalingConfigurationId!"),
    Api::new("TagResources", tags::tag, "ResourceType! ResourceId.N! Tag.N! Propagate"),
    Api::new("UntagResources", tags::untag, "ResourceType! ResourceId.N! TagKey.N All"),
    Api::new("ListTagResources", tags::list, "ResourceType! ResourceId.N Tag.N"),
];

/// Makes a scaling configuration.
pub(super) fn add(state: &mut State, region: &str, group: &str, members: Map) -> String {
    let id = state.ids.next("asc-", region);
    let mut data = map(&params! {
        "ScalingConfigurationId" => id.as_str(), "ScalingConfigurationName" => id.as_str(), "ScalingGroupId" => group,
        "LifecycleState" => "Active", "ImageId" => "", "InstanceType" => "ecs.g7.large",
        "InstanceTypes" => params! { "InstanceType" => ["ecs.g7.large"] }, "KeyPairName" => "",
        "SystemDiskCategory" => "cloud_essd", "SystemDiskSize" => 40, "CreationTime" => state.now.to_iso(),
    });
    data.extend(members);
    state.add(KIND, id.as_str(), region, data);
    id
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, names, tags) = (p.ids("ScalingGroupId"), p.list("ScalingGroupName"), p.tags("Tag"));
    let ids = ctx.ids(GROUP, wanted.as_deref(), |r| {
        (names.is_empty() || names.iter().any(|n| **n == *r.str("ScalingGroupName"))) && r.has_tags(&tags)
    });
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids.iter().filter_map(|id| ctx.find(GROUP, id)).map(|r| {
        let mut out = r.view();
        let count = members(ctx.s, &r.id).len();
        out.insert("TotalCapacity", i64::try_from(count).unwrap_or(0));
        out.insert("TotalInstanceCount", i64::try_from(count).unwrap_or(0));
        out.insert("SuspendedProcesses", params! { "SuspendedProcess" => r.list("_suspended") });
        out.insert("Tags", r.tags_view());
        Value::from(out)
    });
    let list = list.collect();
    Ok(wrapped("ScalingGroups", "ScalingGroup", list, fields))
}

fn modify(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingGroupId")?;
    let names = [
        "ScalingGroupName",
        "MinSize",
        "MaxSize",
        "DefaultCooldown",
        "HealthCheckType",
        "LaunchTemplateId",
        "LaunchTemplateVersion",
        "ActiveScalingConfigurationId",
    ];
    ctx.set_given(GROUP, &id, UNKNOWN, p, &names)?;
    done()
}

const PROCESSES: [&str; 5] = ["ScaleIn", "ScaleOut", "HealthCheck", "AlarmNotification", "ScheduledAction"];

fn processes(
    ctx: &mut Ctx<'_>,
    p: &Params,
    f: impl FnOnce(&mut Vec<Arc<str>>, &[Arc<str>]),
) -> Result<Value, ApiError> {
    let (id, given) = (p.need("ScalingGroupId")?, p.need_list("Process")?);
    if given.iter().any(|g| !PROCESSES.contains(&&**g)) {
        return Err(invalid("Process", "a process is not known"));
    }
    let r = ctx.change(GROUP, &id, UNKNOWN)?;
    if r.str("LifecycleState") != "Active" {
        return Err(error("IncorrectScalingGroupStatus"));
    }
    let mut list = r.list("_suspended");
    f(&mut list, &given);
    r.set("_suspended", list);
    done()
}

fn suspend(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    processes(ctx, p, |list, given| {
        list.retain(|p| !given.contains(p));
        list.extend(given.iter().cloned());
    })
}

fn resume(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    processes(ctx, p, |list, given| list.retain(|p| !given.contains(p)))
}

fn describe_configs(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, group) = (p.ids("ScalingConfigurationId"), p.str("ScalingGroupId"));
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| group.as_deref().is_none_or(|g| r.str("ScalingGroupId") == g));
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("ScalingConfigurations", "ScalingConfiguration", list, fields))
}

fn modify_config(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingConfigurationId")?;
    let names: Vec<String> =
        p.0.keys()
            .filter(|k| !["ScalingConfigurationId", "RegionId"].contains(&&***k))
            .map(ToString::to_string)
            .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    ctx.set_given(KIND, &id, UNKNOWN_CONFIG, p, &names)?;
    done()
}
