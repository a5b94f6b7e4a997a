//! Keys that calls make, and secrets with their versions (KMS).

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use crate::cloud::{
    api::{Api, Ctx, done},
    ecs::make::map,
    error::{error, invalid},
    page::{Counters, Paging, page},
    params::Params,
    store::{Kind, Resource},
};

const KEY: Kind = "KMS::Key";
const KEY_UNKNOWN: &str = "Forbidden.KeyNotFound";
const SECRET: Kind = "KMS::Secret";
const UNKNOWN: &str = "Forbidden.ResourceNotFound";

pub(crate) const SECRET_APIS: &[Api] = &[
    Api::new(
        "CreateKey",
        create_key,
        "DKMSInstanceId Description EnableAutomaticRotation KeySpec KeyStorageMechanism KeyUsage Origin Policy ProtectionLevel RotationInterval Tags",
    ),
    Api::new("ScheduleKeyDeletion", schedule_deletion, "KeyId! PendingWindowInDays!"),
    Api::new(
        "CreateSecret",
        create,
        "SecretName! SecretData! VersionId! SecretDataType SecretType Description EncryptionKeyId DKMSInstanceId EnableAutomaticRotation RotationInterval ExtendedConfig Policy Tags",
    ),
    Api::new("GetSecretValue", value, "SecretName! VersionId VersionStage FetchExtendedConfig Recipient"),
    Api::new("PutSecretValue", put_value, "SecretName! SecretData! VersionId! SecretDataType VersionStages"),
    Api::new("DescribeSecret", describe, "SecretName! FetchTags"),
    Api::new("ListSecrets", list, "FetchTags Filters"),
    Api::new("DeleteSecret", delete, "SecretName! ForceDeleteWithoutRecovery RecoveryWindowInDays"),
];

/// CHOICE: the stage of the value that is in force, and of the one before.
const CURRENT: &str = "ACSCurrent";
const PREVIOUS: &str = "ACSPrevious";

fn create_key(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.checked()?;
    let text = |name: &str, usual: &str| p.str(name).unwrap_or_else(|| usual.into());
    let data = params! {
        "KeyState" => "Enabled", "KeySpec" => text("KeySpec", "Aliyun_AES_256"), "Origin" => text("Origin", "Aliyun_KMS"),
        "KeyUsage" => text("KeyUsage", "ENCRYPT/DECRYPT"), "ProtectionLevel" => text("ProtectionLevel", "SOFTWARE"),
        "Description" => text("Description", ""), "RotationInterval" => text("RotationInterval", ""), "DeleteDate" => "",
        "AutomaticRotation" => if p.bool("EnableAutomaticRotation") { "Enabled" } else { "Disabled" },
        "CreationDate" => ctx.now().to_iso(), "Creator" => Arc::clone(&ctx.account),
    };
    let id = ctx.create(KEY, "key-", map(&data))?;
    let arn = format!("acs:kms:{}:{}:key/{id}", ctx.region, ctx.account);
    let r = ctx.change(KEY, &id, KEY_UNKNOWN)?;
    r.set("KeyId", Arc::clone(&id));
    r.set("Arn", arn.as_str());
    r.set("KeyArn", arn);
    r.tags.extend(p.tags("Tags"));
    let mut shown = r.view();
    shown.remove("KeyArn");
    Ok(params! { "KeyMetadata" => shown })
}

fn schedule_deletion(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, days) = (p.need("KeyId")?, p.int("PendingWindowInDays")?.unwrap_or(7));
    if !(7..=366).contains(&days) {
        return Err(invalid("PendingWindowInDays", "it goes from 7 to 366"));
    }
    if ctx.need(KEY, &id, KEY_UNKNOWN)?.str("DeletionProtection") == "Enabled" {
        return Err(error("Rejected.Disabled"));
    }
    ctx.checked()?;
    let at = ctx.now().plus_seconds(days * 86_400);
    let r = ctx.change(KEY, &id, KEY_UNKNOWN)?;
    r.set("KeyState", "PendingDeletion");
    r.set("DeleteDate", at.to_iso());
    ctx.s.queue.push(
        at,
        Box::new(move |state| {
            if state.store.get(KEY, &id).is_some_and(|r| r.str("KeyState") == "PendingDeletion") {
                state.store.remove(KEY, &id);
            }
        }),
    );
    done()
}

fn version(p: &Params) -> Value {
    let kind = p.str("SecretDataType").unwrap_or_else(|| "text".into());
    params! { "VersionId" => p.text("VersionId"), "SecretData" => p.get("SecretData").to_text(), "SecretDataType" => kind, "VersionStages" => [CURRENT] }
}

fn versions(r: &Resource) -> Vec<Value> {
    r.data.get("_versions").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("SecretName")?;
    if ctx.find(SECRET, &name).is_some() {
        return Err(error("Rejected.ResourceExist"));
    }
    ctx.checked()?;
    let (now, arn) = (ctx.now().to_iso(), format!("acs:kms:{}:{}:secret/{name}", ctx.region, ctx.account));
    let data = params! {
        "SecretName" => Arc::clone(&name), "SecretType" => p.str("SecretType").unwrap_or_else(|| "Generic".into()),
        "Description" => p.text("Description"), "EncryptionKeyId" => p.text("EncryptionKeyId"), "Arn" => arn.as_str(),
        "CreateTime" => now.as_str(), "UpdateTime" => now.as_str(), "PlannedDeleteTime" => "",
        "AutomaticRotation" => if p.bool("EnableAutomaticRotation") { "Enabled" } else { "Disabled" },
        "RotationInterval" => p.text("RotationInterval"), "_versions" => vec![version(p)],
    };
    let id = ctx.create_as(SECRET, &name, map(&data))?;
    ctx.change(SECRET, &id, UNKNOWN)?.tags.extend(p.tags("Tags"));
    Ok(
        params! { "SecretName" => name, "Arn" => arn, "VersionId" => p.text("VersionId"), "SecretType" => p.str("SecretType").unwrap_or_else(|| "Generic".into()) },
    )
}

/// The secret, when it is not about to be deleted.
fn live<'c>(ctx: &'c Ctx<'_>, name: &str) -> Result<&'c Resource, ApiError> {
    let r = ctx.need(SECRET, name, UNKNOWN)?;
    if r.str("PlannedDeleteTime").is_empty() { Ok(r) } else { Err(error("Rejected.Disabled")) }
}

fn value(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (name, wanted) = (p.need("SecretName")?, p.str("VersionId"));
    let stage = p.str("VersionStage").unwrap_or_else(|| CURRENT.into());
    let r = live(ctx, &name)?;
    let has_stage =
        |v: &Value| v.at(&["VersionStages"]).as_list().unwrap_or_default().iter().any(|s| *s.to_text() == *stage);
    let takes =
        |v: &&Value| wanted.as_deref().map_or_else(|| has_stage(v), |id| *v.at(&["VersionId"]).to_text() == *id);
    let all = versions(r);
    let found = all.iter().find(takes).ok_or_else(|| error(UNKNOWN))?;
    Ok(params! {
        "SecretName" => name, "SecretData" => found.at(&["SecretData"]).clone(), "VersionId" => found.at(&["VersionId"]).clone(),
        "SecretDataType" => found.at(&["SecretDataType"]).clone(), "SecretType" => r.text("SecretType"),
        "VersionStages" => params! { "VersionStage" => found.at(&["VersionStages"]).clone() },
        "CreateTime" => r.text("CreateTime"), "AutomaticRotation" => r.text("AutomaticRotation"),
    })
}

/// The new value is in force; the one before keeps the stage of the previous one.
fn put_value(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (name, id) = (p.need("SecretName")?, p.need("VersionId")?);
    let mut all = versions(live(ctx, &name)?);
    if all.iter().any(|v| *v.at(&["VersionId"]).to_text() == *id) {
        return Err(error("Rejected.ResourceExist"));
    }
    ctx.checked()?;
    for old in &mut all {
        let was = old.at(&["VersionStages"]).as_list().is_some_and(|l| l.iter().any(|s| s.as_str() == Some(CURRENT)));
        let mut m = map(old);
        m.insert("VersionStages", if was { vec![Value::from(PREVIOUS)] } else { Vec::new() });
        *old = Value::from(m);
    }
    all.push(version(p));
    let now = ctx.now().to_iso();
    let r = ctx.change(SECRET, &name, UNKNOWN)?;
    r.set("_versions", all);
    r.set("UpdateTime", now);
    Ok(params! { "SecretName" => name, "VersionId" => id, "VersionStages" => params! { "VersionStage" => [CURRENT] } })
}

fn shown(r: &Resource, p: &Params) -> Map {
    let mut out = r.view();
    if p.bool("FetchTags") {
        out.insert("Tags", r.tags_view());
    }
    out
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(SECRET, &p.need("SecretName")?, UNKNOWN)?;
    Ok(Value::from(shown(r, p)))
}

fn list(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let rows = ctx.list(SECRET).map(|r| {
        let mut out = shown(r, p);
        out.retain(|key, _| {
            ["SecretName", "SecretType", "CreateTime", "UpdateTime", "PlannedDeleteTime", "Tags"].contains(&key)
        });
        Value::from(out)
    });
    let rows = rows.collect();
    let paging = Paging { default: 10, max: 100, tokens: None, counters: Counters::Usual };
    let (rows, mut fields) = page(p, rows, paging)?;
    fields.insert("SecretList", params! { "Secret" => rows });
    Ok(Value::from(fields))
}

/// At once when it is forced, else after the window, in which it cannot be read.
fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("SecretName")?;
    ctx.need(SECRET, &name, UNKNOWN)?;
    ctx.checked()?;
    if p.bool("ForceDeleteWithoutRecovery") {
        ctx.s.store.remove(SECRET, &name);
        return Ok(params! { "SecretName" => name, "PlannedDeleteTime" => ctx.now().to_iso() });
    }
    let at = ctx.now().plus_seconds(p.int("RecoveryWindowInDays")?.unwrap_or(30) * 86_400);
    ctx.change(SECRET, &name, UNKNOWN)?.set("PlannedDeleteTime", at.to_iso());
    let gone = Arc::clone(&name);
    ctx.s.queue.push(at, Box::new(move |state| drop(state.store.remove(SECRET, &gone))));
    Ok(params! { "SecretName" => name, "PlannedDeleteTime" => at.to_iso() })
}
