//! Backup (HBR): clients and SAP HANA. Every answer has `Success`, `Code` and `Message`, errors of the business too.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    api::{Api, Ctx},
    ecs::make::map,
    params::Params,
    store::Kind,
    transition::nothing,
};

const CLIENT: Kind = "HBR::Client";
const TASK: Kind = "HBR::Task";
const INSTANCE: Kind = "HBR::HanaInstance";
const SETTING: Kind = "HBR::HanaBackupSetting";
const RESTORE: Kind = "HBR::Restore";

pub(crate) const APIS: &[Api] = &[
    Api::new("CreateClients", create_clients, "VaultId!"),
    Api::new("DescribeClients", describe_clients, ""),
    Api::new("DescribeTask", describe_task, "TaskId!"),
    Api::new("CreateHanaInstance", create_hana, "VaultId!"),
    Api::new("DescribeHanaInstances", describe_hana, ""),
    Api::new("DeleteHanaInstance", delete_hana, "ClusterId!"),
    Api::new("DescribeHanaBackupSetting", backup_setting, "ClusterId!"),
    Api::new("UpdateHanaBackupSetting", update_setting, "ClusterId!"),
    Api::new("DescribeHanaBackupsAsync", backups_async, "ClusterId!"),
    Api::new("CreateHanaRestore", create_restore, "ClusterId!"),
    Api::new("DescribeHanaRestores", describe_restores, ""),
];

fn well(members: Value) -> Result<Value, ApiError> {
    let mut out = map(&params! { "Success" => true, "Code" => "200", "Message" => "successful" });
    out.extend(map(&members));
    Ok(Value::from(out))
}

fn ill(code: &str, message: &str) -> Result<Value, ApiError> {
    Ok(params! { "Success" => false, "Code" => code, "Message" => message })
}

fn task(ctx: &mut Ctx<'_>, result: &Value) -> Result<Arc<str>, ApiError> {
    let id =
        ctx.create(TASK, "t-hbr-", map(&params! { "Result" => "", "Progress" => 0, "_result" => result.to_string() }))?;
    let ended = Arc::clone(&id);
    ctx.s.transit(
        TASK,
        &id,
        "run",
        Box::new(move |state, ok| {
            if let Some(r) = state.store.get_mut(TASK, &ended).filter(|_| ok) {
                let result = r.text("_result");
                r.set("Result", result);
                r.set("Progress", 10_000);
            }
        }),
    );
    Ok(id)
}

fn create_clients(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let vault = p.need("VaultId")?;
    for info in p.maps("ClientInfo") {
        let text = |name: &str| info.get_folded(name).map(|(_, v)| v.to_text()).unwrap_or_default();
        let instance = text("InstanceId");
        let data = params! {
            "InstanceId" => Arc::clone(&instance), "VaultId" => Arc::clone(&vault), "ClusterId" => text("ClusterId"),
            "SourceType" => text("SourceTypeList"), "ClientType" => "ECS_AGENT",
        };
        let id = ctx.create(CLIENT, "c-hbr-", map(&data))?;
        ctx.s.store.get_mut(CLIENT, &id).into_iter().for_each(|r| r.set("ClientId", Arc::clone(&id)));
        ctx.s.transit(CLIENT, &id, "install", nothing());
    }
    let id = task(ctx, &params! {})?;
    well(params! { "TaskId" => id })
}

fn describe_clients(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let equal: Vec<_> = ["VaultId", "ClusterId"].iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    // A client of which no cluster is known is listed under every one.
    let ids = ctx.ids(CLIENT, None, |r| equal.iter().all(|(m, v)| r.str(m).is_empty() || &r.text(m) == v));
    ids.iter().for_each(|id| ctx.s.described(CLIENT, id));
    let rows: Vec<Value> = ids.iter().filter_map(|id| ctx.find(CLIENT, id)).map(|r| Value::from(r.view())).collect();
    let count = i64::try_from(rows.len()).unwrap_or(0);
    well(
        params! { "Clients" => params! { "Client" => rows }, "TotalCount" => count, "PageNumber" => 1, "PageSize" => 99 },
    )
}

fn describe_task(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("TaskId")?;
    ctx.s.described(TASK, &id);
    match ctx.find(TASK, &id) {
        Some(r) => well(Value::from(r.view())),
        None => ill("TaskNotFound", "The task does not exist."),
    }
}

fn create_hana(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let mut data = p.0.clone();
    ["Password", "RegionId", "EcsInstanceId"].iter().for_each(|n| {
        data.remove(n);
    });
    data.insert("InstanceIds", p.list("EcsInstanceId"));
    data.insert("Status", "INITIALIZED");
    let id = ctx.create(INSTANCE, "cl-", data)?;
    ctx.s.store.get_mut(INSTANCE, &id).into_iter().for_each(|r| r.set("ClusterId", Arc::clone(&id)));
    let setting = params! { "CatalogBackupUsingBackint" => false, "EnableAutoLogBackup" => true, "LogBackupUsingBackint" => false, "LogBackupTimeout" => 900 };
    ctx.create_as(SETTING, &format!("setting/{id}"), map(&setting))?;
    well(params! { "ClusterId" => id, "HanaInstanceId" => "" })
}

fn describe_hana(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (vault, cluster) = (p.str("VaultId"), p.str("ClusterId"));
    let rows: Vec<Value> = ctx
        .list(INSTANCE)
        .filter(|r| {
            vault.as_ref().is_none_or(|v| r.text("VaultId") == *v) && cluster.as_deref().is_none_or(|c| &*r.id == c)
        })
        .map(|r| Value::from(r.view()))
        .collect();
    let count = i64::try_from(rows.len()).unwrap_or(0);
    well(params! { "Hanas" => params! { "Hana" => rows }, "TotalCount" => count, "PageNumber" => 1, "PageSize" => 99 })
}

fn delete_hana(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    match ctx.s.store.remove(INSTANCE, &p.need("ClusterId")?) {
        Some(_) => well(params! {}),
        None => ill("HanaInstanceNotFound", "The instance does not exist."),
    }
}

fn backup_setting(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    match ctx.find(SETTING, &format!("setting/{}", p.need("ClusterId")?)) {
        Some(r) => well(params! { "HanaBackupSetting" => r.view() }),
        None => ill("HanaInstanceNotFound", "The instance does not exist."),
    }
}

fn update_setting(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = format!("setting/{}", p.need("ClusterId")?);
    let Some(r) = ctx.s.store.get_mut(SETTING, &id) else {
        return ill("HanaInstanceNotFound", "The instance does not exist.");
    };
    for (name, value) in p.0.iter().filter(|(n, _)| !["ClusterId", "VaultId", "RegionId"].contains(&&***n)) {
        let text = value.to_text().to_ascii_lowercase();
        let flag = ["true", "false"].contains(&&*text);
        r.set(name, if flag { Value::from(&*text == "true") } else { value.clone() });
    }
    well(params! {})
}

fn backups_async(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let cluster = p.str("SourceClusterId").unwrap_or(p.need("ClusterId")?);
    let of =
        ctx.s.store.all("HBR::HanaBackup").filter(|r| r.str("ClusterId").is_empty() || r.str("ClusterId") == &*cluster);
    let list: Vec<Value> = of.map(|r| Value::from(r.view())).collect();
    let id = task(ctx, &params! { "HanaBackups" => list })?;
    well(params! { "TaskId" => id })
}

fn create_restore(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let mut data = p.0.clone();
    data.remove("RegionId");
    let id = ctx.create(RESTORE, "r-hbr-", data)?;
    ctx.s.store.get_mut(RESTORE, &id).into_iter().for_each(|r| r.set("RestoreId", Arc::clone(&id)));
    ctx.s.transit(RESTORE, &id, "run", nothing());
    well(params! { "RestoreId" => id })
}

fn describe_restores(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("RestoreId");
    let ids = ctx.ids(RESTORE, wanted.as_deref(), |_| true);
    ids.iter().for_each(|id| ctx.s.described(RESTORE, id));
    let rows: Vec<Value> = ids.iter().filter_map(|id| ctx.find(RESTORE, id)).map(|r| Value::from(r.view())).collect();
    let mut out = Map::new();
    out.insert("HanaRestores", rows);
    well(params! { "HanaRestore" => out })
}
