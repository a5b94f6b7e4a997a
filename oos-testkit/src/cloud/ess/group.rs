//! Scaling groups and configurations that calls make, enable and remove.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use super::{GROUP, UNKNOWN, config, drop_members, members};
use crate::cloud::{
    api::{Api, Ctx, done},
    ecs::make::{self, map},
    error::error,
    params::Params,
};

pub(crate) const APIS: &[Api] = &[
    Api::new(
        "CreateScalingGroup",
        create,
        "MinSize! MaxSize! ScalingGroupName DefaultCooldown DesiredCapacity LaunchTemplateId LaunchTemplateVersion InstanceId VSwitchId VSwitchIds.N RemovalPolicy.N LoadBalancerIds DBInstanceIds MultiAZPolicy HealthCheckType ScalingPolicy OnDemandBaseCapacity OnDemandPercentageAboveBaseCapacity SpotInstanceRemedy CompensateWithOnDemand SpotInstancePools GroupDeletionProtection LifecycleHook.N VServerGroup.N Tag.N LaunchTemplateOverride.N AlbServerGroup.N",
    ),
    Api::new(
        "EnableScalingGroup",
        enable,
        "ScalingGroupId! ActiveScalingConfigurationId LaunchTemplateId LaunchTemplateVersion InstanceId.N LoadBalancerWeight.N LaunchTemplateOverride.N",
    ),
    Api::new("DisableScalingGroup", disable, "ScalingGroupId!"),
    Api::new("DeleteScalingGroup", delete, "ScalingGroupId! ForceDelete"),
    Api::new(
        "CreateScalingConfiguration",
        create_config,
        "ScalingGroupId! ImageId ImageName ImageFamily InstanceType InstanceTypes.N Cpu Memory DeploymentSetId SecurityGroupId SecurityGroupIds.N IoOptimized InternetChargeType InternetMaxBandwidthIn InternetMaxBandwidthOut ScalingConfigurationName LoadBalancerWeight Tags UserData KeyPairName RamRoleName SecurityEnhancementStrategy InstanceName HostName SpotStrategy PasswordInherit Password HpcClusterId InstanceDescription Ipv6AddressCount CreditSpecification ZoneId DedicatedHostId Affinity Tenancy SchedulerOptions SpotDuration SpotInterruptionBehavior InstanceTypeOverride.N DataDisk.N SpotPriceLimit.N InstancePatternInfo.N SystemDiskCategory.N SystemDisk.Category SystemDisk.Size SystemDisk.DiskName SystemDisk.Description SystemDisk.AutoSnapshotPolicyId SystemDisk.PerformanceLevel PrivatePoolOptions.MatchCriteria PrivatePoolOptions.Id",
    ),
    Api::new("DeleteScalingConfiguration", delete_config, "ScalingConfigurationId!"),
];

/// A new group is Inactive until it is enabled.
fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let mut switches = p.list("VSwitchIds");
    switches.extend(p.str("VSwitchId").filter(|_| switches.is_empty()));
    if switches.is_empty() {
        switches.push(make::network(ctx.s, &region, None, None).vswitch);
    }
    let balancers = p.list("LoadBalancerIds");
    let data = params! {
        "LifecycleState" => "Inactive", "MinSize" => p.int("MinSize")?, "MaxSize" => p.int("MaxSize")?,
        "DefaultCooldown" => p.int("DefaultCooldown")?.unwrap_or(300), "RegionId" => region, "ActiveScalingConfigurationId" => "",
        "HealthCheckType" => p.str("HealthCheckType").unwrap_or_else(|| "ECS".into()), "CreationTime" => ctx.now().to_iso(),
        "VSwitchId" => switches.first().cloned(), "VSwitchIds" => params! { "VSwitchId" => switches },
        "_balancers" => balancers, "_suspended" => Value::empty_list(),
    };
    let id = ctx.create(GROUP, "asg-", map(&data))?;
    let r = ctx.change(GROUP, &id, UNKNOWN)?;
    r.set("ScalingGroupId", Arc::clone(&id));
    r.set("ScalingGroupName", p.str("ScalingGroupName").unwrap_or_else(|| Arc::clone(&id)));
    // Templates tell by the lack of the member that a group has no launch template.
    for name in ["LaunchTemplateId", "LaunchTemplateVersion", "DesiredCapacity"] {
        p.str(name).into_iter().for_each(|value| r.set(name, value));
    }
    r.tags.extend(p.tags("Tag"));
    Ok(params! { "ScalingGroupId" => id })
}

fn enable(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingGroupId")?;
    let group = ctx.need(GROUP, &id, UNKNOWN)?;
    let active = p.str("ActiveScalingConfigurationId").unwrap_or_else(|| group.text("ActiveScalingConfigurationId"));
    let has_template = p.has("LaunchTemplateId") || !group.str("LaunchTemplateId").is_empty();
    if group.str("LifecycleState") != "Inactive" {
        return Err(error("IncorrectScalingGroupStatus"));
    }
    if !active.is_empty() {
        ctx.need(config::KIND, &active, config::UNKNOWN_CONFIG)?;
    } else if !has_template {
        return Err(error("InvalidScalingConfigurationId.NotFound"));
    }
    ctx.checked()?;
    ctx.set_given(GROUP, &id, UNKNOWN, p, &["LaunchTemplateId", "LaunchTemplateVersion"])?;
    ctx.change(GROUP, &id, UNKNOWN)?.set("ActiveScalingConfigurationId", active);
    ctx.s.set_status(GROUP, &id, "Active");
    done()
}

fn disable(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingGroupId")?;
    if ctx.need(GROUP, &id, UNKNOWN)?.str("LifecycleState") != "Active" {
        return Err(error("IncorrectScalingGroupStatus"));
    }
    ctx.checked()?;
    ctx.s.set_status(GROUP, &id, "Inactive");
    done()
}

/// A group with members goes only by force; its members go with it.
fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingGroupId")?;
    ctx.need(GROUP, &id, UNKNOWN)?;
    let of = members(ctx.s, &id);
    if !of.is_empty() && !p.bool("ForceDelete") {
        return Err(error("IncorrectScalingGroupStatus"));
    }
    ctx.checked()?;
    drop_members(ctx.s, &of);
    ctx.s.store.remove(GROUP, &id);
    done()
}

fn create_config(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let group = p.need("ScalingGroupId")?;
    ctx.need(GROUP, &group, UNKNOWN)?;
    ctx.checked()?;
    let mut given = p.0.clone();
    ["ScalingGroupId", "RegionId", "ClientToken"].iter().for_each(|name| drop(given.remove(name)));
    let types = p.list("InstanceTypes");
    if !types.is_empty() {
        given.insert("InstanceTypes", params! { "InstanceType" => types });
    } else if let Some(one) = p.str("InstanceType") {
        given.insert("InstanceTypes", params! { "InstanceType" => [one] });
    }
    given.insert("LifecycleState", "Inactive");
    let region = Arc::clone(&ctx.region);
    let (id, account) = (config::add(ctx.s, &region, &group, given), Arc::clone(&ctx.account));
    ctx.s.store.get_mut(config::KIND, &id).into_iter().for_each(|r| r.account = Arc::clone(&account));
    Ok(params! { "ScalingConfigurationId" => id })
}

fn delete_config(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ScalingConfigurationId")?;
    ctx.need(config::KIND, &id, config::UNKNOWN_CONFIG)?;
    if ctx.list(GROUP).any(|g| g.str("ActiveScalingConfigurationId") == &*id && g.str("LifecycleState") == "Active") {
        return Err(error("IncorrectScalingConfigurationLifecycleState"));
    }
    ctx.checked()?;
    ctx.s.store.remove(config::KIND, &id);
    done()
}
