//! RDS. States are spelled as templates compare them: `STARTING`, `STOPPING`, `STOPPED`, but `Running`.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{change_group, fresh_groups, groups};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::{default_zone, map},
    error::{error, error_with, missing},
    page::{RECORDS, page},
    params::Params,
    setter,
    state::State,
    transition::nothing,
};

pub(super) const KIND: &str = "RDS::Instance";
const UNKNOWN: &str = "InvalidDBInstanceId.NotFound";
const ACCOUNT: &str = "RDS::Account";
const DATABASE: &str = "RDS::Database";
const BACKUP: &str = "RDS::Backup";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeDBInstances", describe, ""),
    Api::new("DescribeDBInstanceAttribute", attribute, "DBInstanceId!"),
    Api::new("CreateDBInstance", create, "Engine! EngineVersion! DBInstanceClass!"),
    Api::new("RecoveryDBInstance", recover, ""),
    Api::new("StartDBInstance", start, "DBInstanceId!"),
    Api::new("StopDBInstance", stop, "DBInstanceId!"),
    Api::new("RestartDBInstance", restart, "DBInstanceId!"),
    Api::new("DeleteDBInstance", delete, "DBInstanceId!"),
    Api::new("ModifyDBInstanceSpec", spec, "DBInstanceId!"),
    Api::new("UpgradeDBInstanceEngineVersion", upgrade, "DBInstanceId! EngineVersion!"),
    Api::new("RenewInstance", setter::store, "DBInstanceId!"),
    Api::new("ModifyBackupPolicy", setter::store, "DBInstanceId!"),
    Api::new("MigrateSecurityIPMode", setter::store, "DBInstanceId!"),
    Api::new("ModifyActionEventPolicy", event_policy, "EnableEventLog!"),
    Api::new("ModifyDBInstanceDeletionProtection", setter::store, "DBInstanceId!"),
    Api::new("ModifyDBInstanceMaintainTime", setter::store, "DBInstanceId!"),
    Api::new("ModifySQLCollectorPolicy", setter::store, "DBInstanceId!"),
    Api::new("ModifySQLCollectorRetention", setter::store, "DBInstanceId!"),
];

/// Operations on what is inside an instance.
pub(crate) const DATA_APIS: &[Api] = &[
    Api::new("CreateAccount", create_account, "DBInstanceId! AccountName! AccountPassword!"),
    Api::new("DescribeAccounts", describe_accounts, "DBInstanceId!"),
    Api::new("CreateDatabase", create_database, "DBInstanceId! DBName!"),
    Api::new("DescribeDatabases", describe_databases, "DBInstanceId!"),
    Api::new("GrantAccountPrivilege", grant, "DBInstanceId! AccountName! DBName!"),
    Api::new("CreateBackup", create_backup, "DBInstanceId!"),
    Api::new("DescribeBackupTasks", describe_backups, "DBInstanceId! BackupJobId BackupJobStatus BackupMode Flag"),
    Api::new("ModifySecurityIps", modify_ips, "DBInstanceId! SecurityIps!"),
    Api::new("DescribeDBInstanceIPArrayList", describe_ips, "DBInstanceId!"),
    Api::new("DescribeDBInstanceNetInfo", describe_net, "DBInstanceId!"),
    Api::new("ReleaseInstancePublicConnection", release_public, "DBInstanceId! CurrentConnectionString!"),
];

/// What a fresh instance looks like.
pub(super) fn data(state: &State, id: &str, region: &str) -> Map {
    let nets = ["Public", "Private"].map(|kind| {
        params! {
            "IPType" => kind, "Port" => "3306", "IPAddress" => "",
            "ConnectionString" => format!("{id}{}.mysql.rds.aliyuncs.com", if kind == "Public" { "-pub" } else { "" }),
        }
    });
    map(&params! {
        "DBInstanceId" => id, "DBInstanceStatus" => "Running", "DBInstanceDescription" => "", "Engine" => "MySQL",
        "EngineVersion" => "8.0", "DBInstanceClass" => "mysql.n2.medium.1", "DBInstanceStorage" => 20, "PayType" => "Postpaid",
        "RegionId" => region, "ZoneId" => default_zone(region), "DBInstanceNetType" => "Intranet", "InstanceNetworkType" => "VPC",
        "DBInstanceType" => "Primary", "LockMode" => "Unlock", "CreateTime" => state.now.to_iso(), "ExpireTime" => "",
        "ConnectionString" => format!("{id}.mysql.rds.aliyuncs.com"), "Port" => "3306", "_nets" => nets, "_ips" => fresh_groups(),
    })
}

fn rows(ctx: &mut Ctx<'_>, ids: &[Arc<str>]) -> Vec<Value> {
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| Value::from(r.view())).collect()
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags) = (p.ids("DBInstanceId"), p.tags("Tags"));
    let names = ["DBInstanceStatus", "Engine", "ZoneId", "PayType"];
    let equal: Vec<_> = names.iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        r.has_tags(&tags) && equal.iter().all(|(m, v)| r.text(m).eq_ignore_ascii_case(v))
    });
    let (ids, fields) = page(p, ids, RECORDS)?;
    Ok(wrapped("Items", "DBInstance", rows(ctx, &ids), fields))
}

fn attribute(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = p.comma("DBInstanceId");
    for id in &ids {
        ctx.need(KIND, id, UNKNOWN)?;
    }
    Ok(wrapped("Items", "DBInstanceAttribute", rows(ctx, &ids), Map::new()))
}

fn add(
    ctx: &mut Ctx<'_>,
    p: &Params,
    event: &'static str,
    done: impl FnOnce(&mut State, &str) + Send + 'static,
) -> Result<Value, ApiError> {
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let id = ctx.s.ids.next("rm-", &region);
    let mut members = data(ctx.s, &id, &region);
    for name in [
        "Engine",
        "EngineVersion",
        "DBInstanceClass",
        "DBInstanceStorage",
        "PayType",
        "InstanceNetworkType",
        "ZoneId",
        "DBInstanceNetType",
        "DBInstanceDescription",
        "VPCId",
        "VSwitchId",
    ] {
        if p.has(name) {
            members.insert(name, p.get(name).clone());
        }
    }
    if let Some(list) = p.str("SecurityIPList") {
        members.insert("_ips", params! { "default" => list });
    }
    let id = ctx.create_as(KIND, &id, members)?;
    let made = Arc::clone(&id);
    ctx.s.transit(
        KIND,
        &id,
        event,
        Box::new(move |state, ok| {
            if ok {
                done(state, &made)
            }
        }),
    );
    Ok(params! {
        "DBInstanceId" => Arc::clone(&id), "OrderId" => ctx.s.ids.number("order").to_string(), "Port" => "3306",
        "ConnectionString" => format!("{id}.mysql.rds.aliyuncs.com"),
    })
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    add(ctx, p, "create", |_, _| {})
}

fn recover(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let source = p.str("DBInstanceId").ok_or_else(|| missing("DBInstanceId"))?;
    ctx.need(KIND, &source, UNKNOWN)?;
    add(ctx, p, "restore", move |state, made| copy_contents(state, &source, made))
}

/// What was in the source is in the restored instance when that is ready.
fn copy_contents(state: &mut State, source: &str, made: &str) {
    for kind in [DATABASE, ACCOUNT] {
        let of: Vec<_> = state.store.with(kind, "DBInstanceId", source).cloned().collect();
        for r in of {
            let id = r.id.replacen(source, made, 1);
            let mut data = r.data.clone();
            data.insert("DBInstanceId", made);
            let id = state.add(kind, id, &r.region, data);
            if let Some(copy) = state.store.get_mut(kind, &id) {
                copy.account = r.account;
            }
        }
    }
}

/// Checks that an instance exists and is in this state.
fn in_state(ctx: &Ctx<'_>, p: &Params, legal: &str, code: &str) -> Result<Arc<str>, ApiError> {
    let id = p.need("DBInstanceId")?;
    let status = ctx.need(KIND, &id, UNKNOWN)?.str("DBInstanceStatus");
    if status.eq_ignore_ascii_case(legal) {
        return Ok(id);
    }
    Err(error_with(
        code,
        format!("The instance {id} is in the status \"{status}\", which does not support this operation."),
    ))
}

fn event(ctx: &mut Ctx<'_>, p: &Params, legal: &str, code: &str, event: &'static str) -> Result<Value, ApiError> {
    let id = in_state(ctx, p, legal, code)?;
    ctx.checked()?;
    ctx.s.transit(KIND, &id, event, nothing());
    Ok(params! { "DBInstanceId" => id, "TaskId" => ctx.s.ids.number("rds-task").to_string() })
}

const WRONG: &str = "OperationDenied.DBInstanceStatus";

fn start(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    event(ctx, p, "STOPPED", WRONG, "start")
}

fn stop(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    event(ctx, p, "Running", WRONG, "stop")
}

fn restart(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    event(ctx, p, "Running", "InvalidDBInstanceStatus.NotSupport", "restart")
}

fn spec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let answer = event(ctx, p, "Running", WRONG, "class")?;
    let id = p.need("DBInstanceId")?;
    ctx.set_given(
        KIND,
        &id,
        UNKNOWN,
        p,
        &["DBInstanceClass", "DBInstanceStorage", "DBInstanceStorageType", "PayType"],
    )?;
    Ok(answer)
}

fn upgrade(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let answer = event(ctx, p, "Running", WRONG, "upgrade")?;
    ctx.set_given(KIND, &p.need("DBInstanceId")?, UNKNOWN, p, &["EngineVersion"])?;
    Ok(answer)
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("DBInstanceId")?;
    let r = ctx.need(KIND, &id, UNKNOWN)?;
    if r.is_true("DeletionProtection") {
        return Err(error("OperationDenied.DeletionProtection"));
    }
    if !["Running", "STOPPED"].contains(&r.str("DBInstanceStatus")) {
        return Err(error(WRONG));
    }
    ctx.checked()?;
    let gone = Arc::clone(&id);
    ctx.s.transit(
        KIND,
        &id,
        "delete",
        Box::new(move |state, ok| {
            if ok {
                state.store.remove(KIND, &gone);
            }
        }),
    );
    done()
}

fn event_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let on = p.need("EnableEventLog")?;
    ctx.create_as("RDS::EventPolicy", "policy", map(&params! { "EnableEventLog" => Arc::clone(&on) }))?;
    Ok(params! { "EnableEventLog" => on })
}

fn create_account(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (db, name) = (in_state(ctx, p, "Running", WRONG)?, p.need("AccountName")?);
    let id = format!("{db}/{name}");
    if ctx.find(ACCOUNT, &id).is_some() {
        return Err(error("InvalidAccountName.Duplicate"));
    }
    let data = params! {
        "DBInstanceId" => db, "AccountName" => name, "AccountDescription" => p.text("AccountDescription"),
        "AccountType" => p.str("AccountType").unwrap_or_else(|| "Normal".into()),
        "DatabasePrivileges" => params! { "DatabasePrivilege" => Value::empty_list() },
    };
    ctx.create_as(ACCOUNT, &id, map(&data))?;
    ctx.s.transit(ACCOUNT, &id, "create", nothing());
    done()
}

fn inside(
    ctx: &mut Ctx<'_>,
    p: &Params,
    kind: &'static str,
    name: &str,
    status: &str,
) -> Result<(Vec<Value>, Map), ApiError> {
    let (db, wanted, state) = (p.need("DBInstanceId")?, p.str(name), p.str(status));
    ctx.need(KIND, &db, UNKNOWN)?;
    let of_instance = ctx.s.store.ids_by(kind, "DBInstanceId", &db);
    let ids = ctx.ids(kind, Some(&of_instance), |r| {
        r.str("DBInstanceId") == &*db
            && wanted.as_deref().is_none_or(|w| r.str(name) == w)
            && state.as_deref().is_none_or(|s| r.str(status) == s)
    });
    let (ids, fields) = page(p, ids, RECORDS.max(200))?;
    ids.iter().for_each(|id| ctx.s.described(kind, id));
    Ok((ids.iter().filter_map(|id| ctx.find(kind, id)).map(|r| Value::from(r.view())).collect(), fields))
}

fn describe_accounts(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (rows, fields) = inside(ctx, p, ACCOUNT, "AccountName", "AccountStatus")?;
    Ok(wrapped("Accounts", "DBInstanceAccount", rows, fields))
}

fn create_database(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (db, name) = (in_state(ctx, p, "Running", WRONG)?, p.need("DBName")?);
    let id = format!("{db}#{name}");
    if ctx.find(DATABASE, &id).is_some() {
        return Err(error("InvalidDBName.Duplicate"));
    }
    let data = params! {
        "DBInstanceId" => db, "DBName" => name, "CharacterSetName" => p.text("CharacterSetName"), "Engine" => "MySQL",
        "DBDescription" => p.text("DBDescription"), "Accounts" => params! { "AccountPrivilegeInfo" => Value::empty_list() },
    };
    ctx.create_as(DATABASE, &id, map(&data))?;
    ctx.s.transit(DATABASE, &id, "create", nothing());
    done()
}

fn describe_databases(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (rows, fields) = inside(ctx, p, DATABASE, "DBName", "DBStatus")?;
    Ok(wrapped("Databases", "Database", rows, fields))
}

fn grant(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (db, account) = (p.need("DBInstanceId")?, p.need("AccountName")?);
    ctx.need(KIND, &db, UNKNOWN)?;
    let names = p.comma("DBName");
    for name in &names {
        ctx.need(DATABASE, &format!("{db}#{name}"), "InvalidDBName.NotFound")?;
    }
    let r = ctx.change(ACCOUNT, &format!("{db}/{account}"), "InvalidAccountName.NotFound")?;
    let old = r
        .data
        .get("DatabasePrivileges")
        .and_then(|v| v.at(&["DatabasePrivilege"]).as_list())
        .unwrap_or_default()
        .to_vec();
    let new =
        names.iter().map(|n| params! { "DBName" => Arc::clone(n), "AccountPrivilege" => p.text("AccountPrivilege") });
    let list: Vec<Value> =
        old.into_iter().filter(|o| !names.iter().any(|n| o.at(&["DBName"]).as_str() == Some(n))).chain(new).collect();
    r.set("DatabasePrivileges", params! { "DatabasePrivilege" => list });
    done()
}

fn create_backup(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let db = in_state(ctx, p, "Running", WRONG)?;
    let running =
        |r: &crate::cloud::store::Resource| r.str("DBInstanceId") == &*db && r.str("BackupProgressStatus") == "Running";
    if ctx.list(BACKUP).any(running) {
        return Err(error("BackupJobExists"));
    }
    ctx.checked()?;
    let id = (1_000_000 + ctx.s.ids.number("rds-backup")).to_string();
    let data = params! { "BackupJobId" => id.as_str(), "DBInstanceId" => db, "BackupMode" => "Manual", "Process" => "", "TaskAction" => "CreateBackup", "BackupId" => id.as_str() };
    ctx.create_as(BACKUP, &id, map(&data))?;
    ctx.s.transit(BACKUP, &id, "create", nothing());
    Ok(params! { "BackupJobId" => id })
}

fn describe_backups(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (rows, _) = inside(ctx, p, BACKUP, "BackupJobId", "BackupProgressStatus")?;
    Ok(wrapped("Items", "BackupJob", rows, Map::new()))
}

fn modify_ips(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, group) = (p.need("DBInstanceId")?, p.str("DBInstanceIPArrayName"));
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    change_group(r, p, "SecurityIps", group)?;
    Ok(params! { "DBInstanceId" => id, "TaskId" => ctx.s.ids.number("rds-task").to_string() })
}

fn describe_ips(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(KIND, &p.need("DBInstanceId")?, UNKNOWN)?;
    let rows = groups(r).into_iter().map(|(name, list)| {
        params! {
            "DBInstanceIPArrayName" => name, "SecurityIPList" => list, "SecurityIPType" => "IPv4",
            "DBInstanceIPArrayAttribute" => "", "WhitelistNetworkType" => "MIX",
        }
    });
    Ok(wrapped("Items", "DBInstanceIPArray", rows.collect(), Map::new()))
}

fn nets(r: &crate::cloud::store::Resource) -> Vec<Value> {
    r.data.get("_nets").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

fn describe_net(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(KIND, &p.need("DBInstanceId")?, UNKNOWN)?;
    let mut fields = Map::new();
    fields.insert("InstanceNetworkType", r.text("InstanceNetworkType"));
    Ok(wrapped("DBInstanceNetInfos", "DBInstanceNetInfo", nets(r), fields))
}

fn release_public(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, text) = (in_state(ctx, p, "Running", WRONG)?, p.need("CurrentConnectionString")?);
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    let (before, mut list) = (nets(r).len(), nets(r));
    list.retain(|n| {
        !(n.at(&["IPType"]).as_str() == Some("Public") && n.at(&["ConnectionString"]).as_str() == Some(&text))
    });
    if list.len() == before {
        return Err(error("InvalidCurrentConnectionString.NotFound"));
    }
    r.set("_nets", list);
    done()
}
