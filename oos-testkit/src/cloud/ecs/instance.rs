//! Instances: list, run, start, stop, reboot, delete.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::make::{Disk, Spec, make};
use crate::{
    calls::glob,
    cloud::{
        api::{Api, Ctx, done, wrapped},
        error::{error, error_with, invalid},
        page::{TEN, page},
        params::Params,
        state::State,
        store::Resource,
        transition::nothing,
    },
};

pub(crate) const KIND: &str = "ECS::Instance";
pub(crate) const UNKNOWN: &str = "InvalidInstanceId.NotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeInstances", describe, ""),
    Api::new("DescribeInstanceStatus", describe_status, "InstanceId.N ZoneId ClusterId"),
    Api::new("RunInstances", run, ""),
    Api::new("StartInstance", start, "InstanceId!"),
    Api::new("StopInstance", stop, "InstanceId!"),
    Api::new("RebootInstance", reboot, "InstanceId!"),
    Api::new("DeleteInstance", delete, "InstanceId!"),
];

/// An instance as answers show it.
pub(crate) fn view(r: &Resource) -> Value {
    r.shown(Resource::tagged_view)
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("InstanceIds");
    if wanted.as_ref().is_some_and(|w| w.len() > 100) {
        return Err(invalid("InstanceIds", "at most 100 ids are taken"));
    }
    let tags = p.tags("Tag");
    let filters = Filters::of(p);
    let wanted = ctx.narrowed(KIND, wanted, &[], &tags);
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| r.has_tags(&tags) && filters.take(r));
    let (ids, fields) = page(p, ids, TEN)?;
    let list = ids.iter().filter_map(|id| {
        ctx.s.described(KIND, id);
        ctx.find(KIND, id).map(view)
    });
    let list = list.collect();
    Ok(wrapped("Instances", "Instance", list, fields))
}

fn describe_status(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, zone) = (p.ids("InstanceId"), p.str("ZoneId"));
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| zone.as_deref().is_none_or(|z| r.str("ZoneId") == z));
    let (ids, fields) = page(p, ids, TEN.max(50))?;
    let list = ids.iter().filter_map(|id| {
        ctx.s.described(KIND, id);
        ctx.find(KIND, id).map(|r| params! { "InstanceId" => Arc::clone(&r.id), "Status" => r.str("Status") })
    });
    let list = list.collect();
    Ok(wrapped("InstanceStatuses", "InstanceStatus", list, fields))
}

/// Filters of DescribeInstances by members.
struct Filters {
    equal: Vec<(&'static str, Arc<str>)>,
    name: Option<Arc<str>>,
    vpc: Option<Arc<str>>,
    vswitch: Option<Arc<str>>,
    group: Option<Arc<str>>,
    addresses: Vec<(&'static str, Vec<Arc<str>>)>,
}

impl Filters {
    fn of(p: &Params) -> Self {
        let members = [
            "Status",
            "ImageId",
            "InstanceType",
            "InstanceTypeFamily",
            "ZoneId",
            "InstanceChargeType",
            "InternetChargeType",
            "KeyPairName",
            "ResourceGroupId",
            "InstanceNetworkType",
        ];
        let lists = ["PrivateIpAddresses", "PublicIpAddresses", "EipAddresses"];
        Self {
            equal: members.iter().filter_map(|m| Some((*m, p.str(m)?))).collect(),
            name: p.str("InstanceName"),
            vpc: p.str("VpcId"),
            vswitch: p.str("VSwitchId"),
            group: p.str("SecurityGroupId"),
            addresses: lists.iter().filter_map(|l| Some((*l, p.ids(l)?))).collect(),
        }
    }

    fn take(&self, r: &Resource) -> bool {
        let inside = |path: &[&str], wanted: &Option<Arc<str>>| {
            wanted.as_ref().is_none_or(|w| {
                path.split_first()
                    .is_some_and(|(head, rest)| r.data.get(head).is_some_and(|v| *v.at(rest).to_text() == **w))
            })
        };
        self.equal.iter().all(|(member, wanted)| r.text(member).eq_ignore_ascii_case(wanted))
            && self.name.as_ref().is_none_or(|pattern| glob(pattern, r.str("InstanceName")))
            && inside(&["VpcAttributes", "VpcId"], &self.vpc)
            && inside(&["VpcAttributes", "VSwitchId"], &self.vswitch)
            && self.group.as_ref().is_none_or(|g| groups(r).contains(g))
            && self.addresses.iter().all(|(kind, wanted)| addresses(r, kind).iter().any(|a| wanted.contains(a)))
    }
}

/// The security groups of an instance or interface.
pub(crate) fn groups(r: &Resource) -> Vec<Arc<str>> {
    r.data.get("SecurityGroupIds").map_or_else(Vec::new, |v| crate::cloud::params::texts(v.at(&["SecurityGroupId"])))
}

fn addresses(r: &Resource, kind: &str) -> Vec<Arc<str>> {
    let value = |path: &[&str]| {
        let member = path.first().and_then(|head| r.data.get(head));
        member.map_or(Value::Null, |v| v.at(path.get(1..).unwrap_or_default()).clone())
    };
    crate::cloud::params::texts(&match kind {
        "PrivateIpAddresses" => value(&["VpcAttributes", "PrivateIpAddress", "IpAddress"]),
        "EipAddresses" => value(&["EipAddress", "IpAddress"]),
        _ => value(&["PublicIpAddress", "IpAddress"]),
    })
}

/// Checks that an instance exists and is in one of these states.
pub(crate) fn in_state(ctx: &Ctx<'_>, id: &str, legal: &[&str]) -> Result<(), ApiError> {
    let instance = ctx.need(KIND, id, UNKNOWN)?;
    let status = instance.str("Status");
    if legal.contains(&status) {
        return Ok(());
    }
    let text = format!("The current status \"{status}\" of the instance \"{id}\" does not support this operation.");
    Err(error_with("IncorrectInstanceStatus", text))
}

/// Refuses what is locked for security reasons: `OperationLocks` says so.
fn unlocked(ctx: &Ctx<'_>, id: &str) -> Result<(), ApiError> {
    let locks = ctx.need(KIND, id, UNKNOWN)?.data.get("OperationLocks").map(|v| v.at(&["LockReason"]).clone());
    let locks = locks.unwrap_or_default();
    let is_security = |lock: &Value| {
        let reason = lock.get("LockReason").unwrap_or(lock).to_text();
        reason.eq_ignore_ascii_case("security")
    };
    if locks.as_list().unwrap_or_default().iter().any(is_security) {
        return Err(error("InstanceLockedForSecurity"));
    }
    Ok(())
}

fn start(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    unlocked(ctx, &id)?;
    in_state(ctx, &id, &["Stopped"])?;
    ctx.checked()?;
    ctx.s.transit(KIND, &id, "start", nothing());
    ctx.change(KIND, &id, UNKNOWN)?.set("StoppedMode", "Not-applicable");
    done()
}

fn stop(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    in_state(ctx, &id, &["Running"])?;
    ctx.checked()?;
    let mode = p.str("StoppedMode").unwrap_or_else(|| "KeepCharging".into());
    ctx.change(KIND, &id, UNKNOWN)?.set("StoppedMode", mode);
    ctx.s.transit(KIND, &id, if p.bool("ForceStop") { "force_stop" } else { "stop" }, nothing());
    done()
}

fn reboot(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    unlocked(ctx, &id)?;
    in_state(ctx, &id, &["Running"])?;
    ctx.checked()?;
    ctx.s.transit(KIND, &id, "reboot", nothing());
    done()
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    may_be_deleted(ctx, &id, p.bool("Force"))?;
    ctx.checked()?;
    start_removal(ctx.s, &id);
    done()
}

/// Refuses what is protected, paid in advance, or runs and is not forced.
pub(super) fn may_be_deleted(ctx: &Ctx<'_>, id: &str, force: bool) -> Result<(), ApiError> {
    let instance = ctx.need(KIND, id, UNKNOWN)?;
    if instance.is_true("DeletionProtection") {
        return Err(error("InvalidOperation.DeletionProtection"));
    }
    if instance.str("InstanceChargeType") == "PrePaid" && !expired(ctx, instance) {
        return Err(error("ChargeTypeViolation"));
    }
    in_state(ctx, id, if force { &["Stopped", "Running"] } else { &["Stopped"] })
}

fn expired(ctx: &Ctx<'_>, instance: &Resource) -> bool {
    oos_core::Timestamp::parse(instance.str("ExpiredTime")).is_ok_and(|at| at <= ctx.now())
}

/// Starts the deletion of an instance.
pub(crate) fn start_removal(state: &mut State, id: &str) {
    let gone: Arc<str> = id.into();
    state.transit(
        KIND,
        id,
        "delete",
        Box::new(move |state, ok| {
            if ok {
                remove(state, &gone);
            }
        }),
    );
}

/// Removes an instance with what belongs to it: disks with DeleteWithInstance, the primary interface. Other disks,
/// interfaces and EIPs become free.
pub(crate) fn remove(state: &mut State, id: &str) {
    state.store.remove(KIND, id);
    let of = |state: &State, kind| -> Vec<(Arc<str>, bool)> {
        let goes =
            |r: &Resource| r.is_true("DeleteWithInstance") || r.str("Type") == "Primary" || r.str("Type") == "system";
        state.store.with(kind, "InstanceId", id).map(|r| (Arc::clone(&r.id), goes(r))).collect()
    };
    for kind in ["ECS::Disk", "ECS::NetworkInterface", "VPC::EIP"] {
        for (member, goes) in of(state, kind) {
            if goes {
                state.store.remove(kind, &member);
            } else if let Some(r) = state.store.get_mut(kind, &member) {
                r.set("InstanceId", "");
                r.set("Status", "Available");
                if kind == "ECS::Disk" {
                    r.set("Device", "");
                }
            }
        }
    }
}

fn run(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let amount = p.int("Amount")?.unwrap_or(1);
    if !(1..=100).contains(&amount) {
        return Err(invalid("Amount", "it goes from 1 to 100"));
    }
    let template = super::launch::data_for_run(ctx, p)?;
    let p = &Params(under(&template, &p.0));
    let spec = spec_of(ctx, p)?;
    let quota = ctx.s.quotas.get(KIND).copied();
    let have = ctx.s.store.all(KIND).filter(|r| r.account == ctx.account).count();
    let room = quota.map_or(100, |q| i64::try_from(q.saturating_sub(have)).unwrap_or(100));
    let least = p.int("MinAmount")?.unwrap_or(amount);
    if room < least {
        return Err(error("QuotaExceeded"));
    }
    ctx.checked()?;
    let ids: Vec<Arc<str>> = (0..amount.min(room)).map(|n| run_one(ctx, p, &spec, n, amount)).collect();
    let order = ctx.s.ids.number("order").to_string();
    let delay = ctx.s.eventual.get(ctx.service).copied();
    for id in &ids {
        if let Some(r) = ctx.s.store.get_mut(KIND, id) {
            r.account = Arc::clone(&ctx.account);
            r.visible_from = delay.map_or(r.created, |d| r.created + d);
        }
    }
    Ok(params! { "InstanceIdSets" => params! { "InstanceIdSet" => ids }, "OrderId" => order, "TradePrice" => 0.0 })
}

/// `over` with the members of `base` that it does not have.
fn under(base: &Map, over: &Map) -> Map {
    let mut out = base.clone();
    out.extend(over.clone());
    out
}

fn run_one(ctx: &mut Ctx<'_>, p: &Params, spec: &Spec, n: i64, of: i64) -> Arc<str> {
    let mut spec = spec.clone();
    if p.bool("UniqueSuffix") && of > 1 {
        spec.name = format!("{}{:03}", spec.name, n + 1);
        spec.host_name =
            if spec.host_name.is_empty() { String::new() } else { format!("{}{:03}", spec.host_name, n + 1) };
    }
    let region = Arc::clone(&ctx.region);
    let id = make(ctx.s, &region, spec);
    ctx.s.transit(KIND, &id, "run", nothing());
    id
}

fn spec_of(ctx: &Ctx<'_>, p: &Params) -> Result<Spec, ApiError> {
    let text = |name: &str| p.text(name).to_string();
    let vswitch = p
        .str("VSwitchId")
        .or_else(|| p.maps("NetworkInterface").first().and_then(|m| m.get("VSwitchId")).map(Value::to_text));
    if let Some(id) = &vswitch {
        ctx.need("VPC::VSwitch", id, "InvalidVSwitchId.NotFound")?;
    }
    let mut groups: Vec<String> =
        p.list("SecurityGroupIds").iter().chain(&p.str("SecurityGroupId")).map(ToString::to_string).collect();
    groups.dedup();
    for group in &groups {
        ctx.need("ECS::SecurityGroup", group, "InvalidSecurityGroupId.NotFound")?;
    }
    let image = p.str("ImageId");
    let windows = match &image {
        Some(id) => super::make::is_windows(ctx, id)?,
        None => false,
    };
    let mut members = Map::new();
    for name in [
        "KeyPairName",
        "DeploymentSetId",
        "ResourceGroupId",
        "Description",
        "CreditSpecification",
        "InternetMaxBandwidthOut",
        "InternetMaxBandwidthIn",
        "SpotStrategy",
    ] {
        if let Some(value) = p.str(name) {
            members.insert(name, value);
        }
    }
    members.insert("_ram_role", text("RamRoleName"));
    members.insert("_user_data", text("UserData"));
    Ok(Spec {
        name: text("InstanceName"),
        host_name: text("HostName"),
        status: "Pending".to_owned(),
        tags: p.tags("Tag"),
        zone: p.str("ZoneId").map(|z| z.to_string()),
        image: image.map(|i| i.to_string()),
        instance_type: p.str("InstanceType").map_or_else(|| Spec::default().instance_type, |t| t.to_string()),
        windows,
        vswitch: vswitch.map(|v| v.to_string()),
        security_groups: groups,
        private_ip: p.str("PrivateIpAddress").map(|a| a.to_string()),
        public_ip: p.int("InternetMaxBandwidthOut")?.unwrap_or(0) > 0,
        charge_type: p.str("InstanceChargeType").map_or_else(|| "PostPaid".to_owned(), |t| t.to_string()),
        deletion_protection: p.bool("DeletionProtection"),
        system_disk: disk_of(|name| p.sub("SystemDisk", name), Disk::system()),
        data_disks: p
            .maps("DataDisk")
            .iter()
            .map(|m| disk_of(|n| m.get(n).cloned().unwrap_or_default(), Disk::data()))
            .collect(),
        members,
        ..Spec::default()
    })
}

fn disk_of(get: impl Fn(&str) -> Value, base: Disk) -> Disk {
    let text = |name: &str| Some(get(name).to_text().to_string()).filter(|t| !t.is_empty());
    let flag = |name: &str| text(name).map(|t| t.eq_ignore_ascii_case("true"));
    Disk {
        kind: base.kind,
        category: text("Category").unwrap_or(base.category),
        size: text("Size").and_then(|t| t.parse().ok()).unwrap_or(base.size),
        name: text("DiskName").unwrap_or(base.name),
        description: text("Description").unwrap_or(base.description),
        performance_level: text("PerformanceLevel").unwrap_or(base.performance_level),
        encrypted: flag("Encrypted").unwrap_or(base.encrypted),
        kms_key: text("KMSKeyId").unwrap_or(base.kms_key),
        delete_with_instance: flag("DeleteWithInstance").unwrap_or(base.delete_with_instance),
        snapshot: text("SnapshotId").unwrap_or(base.snapshot),
        device: text("Device").or(base.device),
    }
}
