//! Redis (R-KVSTORE).

use std::sync::Arc;

use oos_core::{Map, Timestamp, Value, params, ports::ApiError};

use super::{change_group, fresh_groups, groups};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::{default_zone, map},
    error::{error, error_with},
    page::{Paging, TEN, page},
    params::Params,
    setter,
    state::State,
    transition::nothing,
};

pub(super) const KIND: &str = "Redis::Instance";
const UNKNOWN: &str = "InvalidInstanceId.NotFound";
const BACKUP: &str = "Redis::Backup";

pub(crate) const APIS: &[Api] = &[
    Api::new(
        "DescribeInstances",
        describe,
        "InstanceIds InstanceStatus ChargeType NetworkType EngineVersion InstanceClass VpcId VSwitchId PrivateIp SearchKey ArchitectureType Expired EditionType ZoneId InstanceType NodeType GlobalInstance Tag.N",
    ),
    Api::new("DescribeInstanceAttribute", attribute, "InstanceId!"),
    Api::new("CreateBackup", create_backup, "InstanceId!"),
    Api::new("DescribeBackupTasks", describe_tasks, "InstanceId! BackupJobId JobMode"),
    Api::new("DescribeBackups", describe_backups, "InstanceId! StartTime! EndTime!"),
    Api::new("ModifySecurityIps", modify_ips, "InstanceId! SecurityIps!"),
    Api::new("DescribeSecurityIps", describe_ips, "InstanceId!"),
    Api::new("DescribeDBInstanceNetInfo", describe_net, "InstanceId!"),
    Api::new("ReleaseInstancePublicConnection", release_public, "InstanceId! CurrentConnectionString!"),
    Api::new("DeleteInstance", delete, "InstanceId!"),
    Api::new("FlushExpireKeys", flush, "InstanceId!"),
    Api::new("ModifyInstanceConfig", config, "InstanceId!"),
    Api::new("ModifyBackupPolicy", setter::store, "InstanceId!"),
    Api::new("ModifyInstanceMaintainTime", change, "InstanceId!"),
    Api::new("ModifyAuditLogConfig", change, "InstanceId!"),
    Api::new("ModifyInstanceAttribute", setter::store, "InstanceId!"),
    Api::new("EnableAdditionalBandwidth", change, "InstanceId!"),
    Api::new("RenewInstance", change, "InstanceId!"),
];

pub(super) fn data(state: &State, id: &str, region: &str) -> Map {
    let nets = ["Public", "Private"].map(|kind| {
        let suffix = if kind == "Public" { "-pub" } else { "" };
        params! { "IPType" => kind, "Port" => "6379", "IPAddress" => "", "ConnectionString" => format!("{id}{suffix}.redis.rds.aliyuncs.com") }
    });
    map(&params! {
        "InstanceId" => id, "InstanceName" => id, "InstanceStatus" => "Normal", "RegionId" => region, "ZoneId" => default_zone(region),
        "InstanceClass" => "redis.master.small.default", "InstanceType" => "Redis", "EngineVersion" => "7.0", "ChargeType" => "PostPaid",
        "NetworkType" => "VPC", "Capacity" => 1024, "CreateTime" => state.now.to_iso(), "ConnectionDomain" => format!("{id}.redis.rds.aliyuncs.com"),
        "InstanceReleaseProtection" => false, "Config" => "{}", "_nets" => nets, "_ips" => fresh_groups(),
    })
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags) = (p.ids("InstanceIds"), p.tags("Tag"));
    let equal: Vec<_> =
        ["InstanceStatus", "ZoneId", "ChargeType"].iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| r.has_tags(&tags) && equal.iter().all(|(m, v)| &r.text(m) == v));
    let (ids, fields) = page(p, ids, Paging { default: 30, ..TEN.max(50) })?;
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let mut out = r.view();
        out.insert("Tags", r.tag_list("Key", "Value"));
        Value::from(out)
    });
    let list = list.collect();
    Ok(wrapped("Instances", "KVStoreInstance", list, fields))
}

fn attribute(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    ctx.s.described(KIND, &id);
    let row = Value::from(ctx.need(KIND, &id, UNKNOWN)?.view());
    Ok(wrapped("Instances", "DBInstanceAttribute", vec![row], Map::new()))
}

fn normal(ctx: &Ctx<'_>, p: &Params) -> Result<Arc<str>, ApiError> {
    let id = p.need("InstanceId")?;
    let status = ctx.need(KIND, &id, UNKNOWN)?.str("InstanceStatus");
    if status == "Normal" {
        return Ok(id);
    }
    Err(error_with("IncorrectDBInstanceState", format!("The instance {id} is in the state \"{status}\".")))
}

fn create_backup(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let db = normal(ctx, p)?;
    ctx.checked()?;
    let id = (1_000_000 + ctx.s.ids.number("redis-backup")).to_string();
    let data = params! {
        "BackupJobID" => id.as_str(), "BackupJobId" => id.as_str(), "JobMode" => "Manual", "TaskAction" => "CreateBackup", "Process" => "",
        "StartTime" => ctx.now().format("%Y-%m-%dT%H:%MZ"), "_db" => db, "_at" => ctx.now().as_millis(),
    };
    ctx.create_as(BACKUP, &format!("redis/{id}"), map(&data))?;
    ctx.s.transit(BACKUP, &format!("redis/{id}"), "create", nothing());
    Ok(params! { "BackupJobID" => id })
}

fn jobs(ctx: &mut Ctx<'_>, p: &Params) -> Result<Vec<Arc<str>>, ApiError> {
    let (db, job) = (p.need("InstanceId")?, p.str("BackupJobId"));
    ctx.need(KIND, &db, UNKNOWN)?;
    let ids =
        ctx.ids(BACKUP, None, |r| r.str("_db") == &*db && job.as_deref().is_none_or(|j| r.str("BackupJobID") == j));
    ids.iter().for_each(|id| ctx.s.described(BACKUP, id));
    Ok(ids)
}

fn describe_tasks(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = jobs(ctx, p)?;
    let list: Vec<Value> = ids.iter().filter_map(|id| ctx.find(BACKUP, id)).map(|r| Value::from(r.view())).collect();
    Ok(params! { "InstanceId" => p.need("InstanceId")?, "BackupJobs" => list })
}

fn describe_backups(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let time = |name: &str| Timestamp::parse(&p.text(name)).map_err(|e| crate::cloud::error::invalid(name, e));
    // Times have minutes only, so the last one counts whole.
    let (from, to) = (time("StartTime")?, time("EndTime")?.plus_seconds(59));
    let db = p.need("InstanceId")?;
    let ids = jobs(ctx, p)?;
    let rows: Vec<Value> = ids
        .iter()
        .filter_map(|id| ctx.find(BACKUP, id))
        .filter(|r| r.str("BackupProgressStatus") == "Finished" && (from.as_millis()..=to.as_millis()).contains(&r.int("_at")))
        .map(|r| {
            let job = r.str("BackupJobID");
            params! {
                "BackupId" => job, "BackupJobID" => job, "BackupStatus" => "Success", "BackupStartTime" => r.str("StartTime"),
                "BackupDownloadURL" => format!("https://rdsbak-fake.oss-{}.aliyuncs.com/{db}/{job}.rdb", ctx.region),
                "BackupIntranetDownloadURL" => format!("https://rdsbak-fake.oss-{}-internal.aliyuncs.com/{db}/{job}.rdb", ctx.region),
                "BackupSize" => 1024, "BackupType" => "FullBackup", "BackupMethod" => "Physical",
            }
        })
        .collect();
    let (rows, fields) = page(p, rows, Paging { default: 30, ..TEN.max(300) })?;
    Ok(wrapped("Backups", "Backup", rows, fields))
}

/// Changes that make the instance busy for a moment.
fn change(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = normal(ctx, p)?;
    let answer = setter::store(ctx, p)?;
    ctx.s.transit(KIND, &id, "change", nothing());
    Ok(answer)
}

fn modify_ips(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, group) = (p.need("InstanceId")?, p.str("SecurityIpGroupName"));
    change_group(ctx.change(KIND, &id, UNKNOWN)?, p, "SecurityIps", group)?;
    done()
}

fn describe_ips(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(KIND, &p.need("InstanceId")?, UNKNOWN)?;
    let rows = groups(r).into_iter().map(|(name, list)| {
        params! { "SecurityIpGroupName" => name, "SecurityIpList" => list, "SecurityIpGroupAttribute" => "" }
    });
    Ok(wrapped("SecurityIpGroups", "SecurityIpGroup", rows.collect(), Map::new()))
}

fn nets(r: &crate::cloud::store::Resource) -> Vec<Value> {
    r.data.get("_nets").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

fn describe_net(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(KIND, &p.need("InstanceId")?, UNKNOWN)?;
    Ok(wrapped("NetInfoItems", "InstanceNetInfo", nets(r), Map::new()))
}

fn release_public(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, text) = (normal(ctx, p)?, p.need("CurrentConnectionString")?);
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    let (before, mut list) = (nets(r).len(), nets(r));
    list.retain(|n| {
        !(n.at(&["IPType"]).as_str() == Some("Public") && n.at(&["ConnectionString"]).as_str() == Some(&text))
    });
    if list.len() == before {
        return Err(error("InvalidConnectionString.NotFound"));
    }
    r.set("_nets", list);
    done()
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    if ctx.need(KIND, &id, UNKNOWN)?.is_true("InstanceReleaseProtection") {
        return Err(error("InstanceReleaseProtection"));
    }
    ctx.checked()?;
    ctx.s.store.remove(KIND, &id);
    done()
}

fn flush(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = normal(ctx, p)?;
    ctx.s.transit(KIND, &id, "flush", nothing());
    Ok(params! { "InstanceId" => id, "TaskId" => ctx.s.ids.number("redis-task").to_string() })
}

/// `Config` is JSON text; its members are set one by one.
fn config(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = normal(ctx, p)?;
    let given = p.get("Config").parsed_if_json_text();
    let Some(members) = given.as_map() else { return Err(error("InvalidParameter.Config")) };
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    let mut config = Value::from(r.text("Config")).parsed_if_json_text().as_map().cloned().unwrap_or_default();
    config.extend(members.clone());
    r.set("Config", Value::from(config).to_string());
    ctx.s.transit(KIND, &id, "change", nothing());
    done()
}
