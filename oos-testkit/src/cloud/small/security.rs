//! Keys and the security centre. Some names of the latter are misspelt on purpose: so they are on the wire.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use super::views;
use crate::cloud::{
    api::{Api, Ctx, done},
    error::error,
    params::Params,
    setter,
    store::Kind,
};

const KEY: Kind = "KMS::Key";

pub(crate) const KMS_APIS: &[Api] = &[
    Api::new("DescribeKey", describe_key, "KeyId!"),
    Api::new("SetDeletionProtection", protect, "ProtectedResourceArn!"),
    Api::new("UpdateRotationPolicy", setter::store, "KeyId!"),
];

pub(crate) const SAS_APIS: &[Api] = &[
    Api::new("DescribeCloudCenterInstances", instances, ""),
    Api::new("OperateAgentClientInstall", install, ""),
    Api::new("DescribeAgentInstallStatus", status, ""),
];

fn arn(ctx: &Ctx<'_>, id: &str) -> String {
    format!("acs:kms:{}:{}:key/{id}", ctx.region, ctx.account)
}

fn describe_key(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("KeyId")?;
    let mut out = ctx.need(KEY, &id, "Forbidden.KeyNotFound")?.view();
    out.insert("Arn", arn(ctx, &id));
    out.insert("KeyId", id);
    Ok(params! { "KeyMetadata" => out })
}

fn protect(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let given = p.need("ProtectedResourceArn")?;
    let id = given.rsplit('/').next().unwrap_or("").to_owned();
    if *arn(ctx, &id) != *given {
        return Err(error("Forbidden.KeyNotFound"));
    }
    let on = p.bool("EnableDeletionProtection");
    ctx.change(KEY, &id, "Forbidden.KeyNotFound")?.set("DeletionProtection", if on { "Enabled" } else { "Disabled" });
    done()
}

/// The machines are those of ECS, found by the id or name in `Criteria`; the UUID is made of the id.
fn instances(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let criteria = p.get("Criteria").parsed_if_json_text();
    let wanted: Vec<Arc<str>> =
        criteria.as_list().unwrap_or_default().iter().map(|c| c.at(&["value"]).to_text()).collect();
    let takes = |r: &crate::cloud::store::Resource| {
        wanted.is_empty() || wanted.iter().any(|w| **w == *r.id || **w == *r.str("InstanceName"))
    };
    let mut rows: Vec<Value> = ctx
        .list("ECS::Instance")
        .filter(|r| takes(r))
        .map(|r| params! { "InstanceId" => Arc::clone(&r.id), "Uuid" => format!("uuid-{}", r.id), "ClientStatus" => r.str("_sas"), "RegionId" => Arc::clone(&r.region) })
        .collect();
    rows.extend(views(ctx, "SAS::Machine", None));
    Ok(
        params! { "Instances" => rows, "PageInfo" => params! { "CurrentPage" => 1, "PageSize" => 20 }, "Success" => true },
    )
}

fn install(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let mut rows = Vec::new();
    for uuid in p.comma("Uuids") {
        let record = ctx.s.ids.number("sas-install");
        rows.push(params! { "RecordId" => record, "Uuid" => Arc::clone(&uuid), "InstanceId" => uuid.trim_start_matches("uuid-") });
    }
    Ok(params! { "AegisCelintInstallResposeList" => rows })
}

/// `ResuleCode` is text: `0` well, `2` or `1008` failed; the test sets another one with a resource `SAS::Result`.
fn status(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let rows: Vec<Value> = p
        .comma("Uuids")
        .into_iter()
        .map(|uuid| {
            let found = ctx
                .s
                .store
                .get("SAS::Result", &uuid)
                .or_else(|| ctx.s.store.get("SAS::Result", uuid.trim_start_matches("uuid-")));
            let code = found.map_or_else(|| "0".into(), |r| r.text("ResuleCode"));
            let (result, message) = if &*code == "0" { (1, "") } else { (0, "the installation failed") };
            params! { "Uuid" => uuid, "ResuleCode" => code, "Result" => result, "Message" => message }
        })
        .collect();
    Ok(params! { "AegisClientInvokeStatusResponseList" => rows })
}
