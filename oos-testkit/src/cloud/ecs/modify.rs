//! Instances: changes of attributes, specification, billing, network, key pairs and roles.

use std::{sync::Arc, time::Duration};

use oos_core::{Timestamp, Value, params, ports::ApiError};

use super::{
    instance::{KIND, UNKNOWN, in_state},
    make::map,
};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::{error, invalid, missing},
    page::{FIFTY, page},
    params::Params,
};

pub(crate) const APIS: &[Api] = &[
    Api::new("ModifyInstanceAttribute", attribute, "InstanceId!"),
    Api::new("ModifyInstanceNetworkSpec", network_spec, "InstanceId!"),
    Api::new("ModifyInstanceSpec", spec, "InstanceId!"),
    Api::new("ModifyPrepayInstanceSpec", prepay_spec, "InstanceId! InstanceType!"),
    Api::new("ModifyInstanceChargeType", charge_type, "InstanceIds!"),
    Api::new("ModifyInstanceVpcAttribute", vpc_attribute, "InstanceId! VSwitchId!"),
    Api::new("ModifyInstanceVncPasswd", vnc_password, "InstanceId! VncPassword!"),
    Api::new("ModifyInstanceMaintenanceAttributes", maintenance, ""),
    Api::new("ModifyInstanceAutoRenewAttribute", auto_renew, "InstanceId!"),
    Api::new("RenewInstance", renew, "InstanceId! Period!"),
    Api::new("AttachKeyPair", attach_key_pair, "KeyPairName! InstanceIds!"),
    Api::new("DetachKeyPair", detach_key_pair, "KeyPairName! InstanceIds!"),
    Api::new("CreateKeyPair", create_key_pair, "KeyPairName! Tag.N"),
    Api::new("ImportKeyPair", import_key_pair, "KeyPairName! PublicKeyBody! Tag.N"),
    Api::new("DeleteKeyPairs", delete_key_pairs, "KeyPairNames!"),
    Api::new("DescribeKeyPairs", describe_key_pairs, ""),
    Api::new("AttachInstanceRamRole", attach_role, "InstanceIds! RamRoleName!"),
    Api::new("DetachInstanceRamRole", detach_role, "InstanceIds!"),
    Api::new("DescribeInstanceRamRole", describe_roles, ""),
];

const KEY_PAIR: &str = "ECS::KeyPair";

fn attribute(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    ctx.need(KIND, &id, UNKNOWN)?;
    ctx.checked()?;
    let plain = ["InstanceName", "Description", "HostName", "CreditSpecification"];
    ctx.set_given(KIND, &id, UNKNOWN, p, &plain)?;
    let (protect, user_data, groups) = (p.str("DeletionProtection"), p.str("UserData"), p.list("SecurityGroupIds"));
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    if let Some(flag) = protect {
        r.set("DeletionProtection", flag.eq_ignore_ascii_case("true"));
    }
    if let Some(text) = user_data {
        r.set("_user_data", text);
    }
    if !groups.is_empty() {
        r.set("SecurityGroupIds", params! { "SecurityGroupId" => groups });
    }
    done()
}

fn order(ctx: &mut Ctx<'_>) -> Value {
    params! { "OrderId" => ctx.s.ids.number("order").to_string() }
}

fn network_spec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    let names = ["InternetMaxBandwidthOut", "InternetMaxBandwidthIn", "InternetChargeType"];
    let old: Vec<(&str, Value)> = {
        let r = ctx.need(KIND, &id, UNKNOWN)?;
        names.iter().map(|n| (*n, r.data.get(n).cloned().unwrap_or_default())).collect()
    };
    let mut new = Vec::new();
    for (name, given) in
        [("InternetMaxBandwidthOut", "InternetMaxBandwidthOut"), ("InternetMaxBandwidthIn", "InternetMaxBandwidthIn")]
    {
        if let Some(n) = p.int(given)? {
            new.push((name, Value::from(n)));
        }
    }
    new.extend(p.str("NetworkChargeType").map(|t| ("InternetChargeType", Value::from(t))));
    ctx.checked()?;
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    new.iter().for_each(|(name, value)| r.set(name, value.clone()));
    if let Some(end) = p.str("EndTime") {
        let at = Timestamp::parse(&end).map_err(|e| invalid("EndTime", e))?;
        ctx.s.queue.push(
            at,
            Box::new(move |state| {
                if let Some(r) = state.store.get_mut(KIND, &id) {
                    old.into_iter().for_each(|(name, value)| r.set(name, value));
                }
            }),
        );
    }
    Ok(order(ctx))
}

fn set_type(ctx: &mut Ctx<'_>, id: &str, instance_type: &Arc<str>) -> Result<(), ApiError> {
    let r = ctx.change(KIND, id, UNKNOWN)?;
    let family = instance_type.rsplit_once('.').map_or(&**instance_type, |(family, _)| family).to_owned();
    r.set("InstanceType", Arc::clone(instance_type));
    r.set("InstanceTypeFamily", family);
    Ok(())
}

fn spec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    if ctx.need(KIND, &id, UNKNOWN)?.str("InstanceChargeType") == "PrePaid" {
        return Err(error("ChargeTypeViolation"));
    }
    let instance_type = p.str("InstanceType");
    in_state(ctx, &id, if instance_type.is_some() { &["Stopped"] } else { &["Stopped", "Running"] })?;
    ctx.checked()?;
    if let Some(t) = instance_type {
        set_type(ctx, &id, &t)?;
    }
    ctx.set_given(KIND, &id, UNKNOWN, p, &["InternetMaxBandwidthOut", "InternetMaxBandwidthIn"])?;
    done()
}

fn prepay_spec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    if ctx.need(KIND, &id, UNKNOWN)?.str("InstanceChargeType") != "PrePaid" {
        return Err(error("ChargeTypeViolation"));
    }
    in_state(ctx, &id, &["Stopped", "Running"])?;
    ctx.checked()?;
    set_type(ctx, &id, &p.need("InstanceType")?)?;
    Ok(order(ctx))
}

/// CHOICE: the new way of billing shows after five seconds.
const CHARGE_DELAY: Duration = Duration::from_secs(5);

fn charge_type(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = p.need_list("InstanceIds")?;
    let to = p.str("InstanceChargeType").unwrap_or_else(|| "PrePaid".into());
    for id in &ids {
        in_state(ctx, id, &["Running", "Stopped"])?;
    }
    ctx.checked()?;
    let at = ctx.now() + CHARGE_DELAY;
    ctx.s.queue.push(
        at,
        Box::new(move |state| {
            for id in ids {
                state.store.get_mut(KIND, &id).into_iter().for_each(|r| r.set("InstanceChargeType", Arc::clone(&to)));
            }
        }),
    );
    Ok(order(ctx))
}

fn vpc_attribute(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, vswitch) = (p.need("InstanceId")?, p.need("VSwitchId")?);
    in_state(ctx, &id, &["Stopped"])?;
    let (vpc, zone) = {
        let r = ctx.need("VPC::VSwitch", &vswitch, "InvalidVSwitchId.NotFound")?;
        (r.text("VpcId"), r.text("ZoneId"))
    };
    ctx.checked()?;
    let address = p.str("PrivateIpAddress").map_or_else(|| ctx.s.private_address(), |a| a.to_string());
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    let attributes = params! {
        "VpcId" => vpc, "VSwitchId" => vswitch, "NatIpAddress" => "",
        "PrivateIpAddress" => params! { "IpAddress" => [address] },
    };
    r.set("VpcAttributes", attributes);
    r.set("ZoneId", zone);
    done()
}

fn vnc_password(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let password = p.need("VncPassword")?;
    if password.len() != 6 {
        return Err(invalid("VncPassword", "it must have six characters"));
    }
    ctx.change(KIND, &p.need("InstanceId")?, UNKNOWN)?.set("_vnc_password_set", true);
    done()
}

fn maintenance(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    for id in p.need_list("InstanceId")? {
        let r = ctx.change(KIND, &id, UNKNOWN)?;
        for name in ["ActionOnMaintenance", "MaintenanceWindow", "NotifyOnMaintenance"] {
            if p.has(name) {
                r.set(&format!("_{name}"), p.get(name).clone());
            }
        }
    }
    done()
}

fn auto_renew(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    for id in p.comma("InstanceId") {
        let r = ctx.change(KIND, &id, UNKNOWN)?;
        for name in ["AutoRenew", "Duration", "PeriodUnit", "RenewalStatus"] {
            if p.has(name) {
                r.set(&format!("_renew_{name}"), p.get(name).clone());
            }
        }
    }
    done()
}

/// Days of a period in months, weeks or years.
pub(crate) fn days(p: &Params, period: &str, unit: &str) -> Result<i64, ApiError> {
    let count = p.int(period)?.unwrap_or(1);
    Ok(count.saturating_mul(match &*p.text(unit).to_ascii_lowercase() {
        "week" => 7,
        "year" => 365,
        _ => 30,
    }))
}

fn renew(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, days) = (p.need("InstanceId")?, days(p, "Period", "PeriodUnit")?);
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    if r.str("InstanceChargeType") != "PrePaid" {
        return Err(error("ChargeTypeViolation"));
    }
    let until = Timestamp::parse(r.str("ExpiredTime")).unwrap_or_default().plus_seconds(days * 86_400);
    r.set("ExpiredTime", until.format("%Y-%m-%dT%H:%MZ"));
    Ok(order(ctx))
}

fn instances(ctx: &Ctx<'_>, p: &Params) -> Result<Vec<Arc<str>>, ApiError> {
    let ids = p.need_list("InstanceIds")?;
    ids.iter().try_for_each(|id| ctx.need(KIND, id, UNKNOWN).map(|_| ()))?;
    Ok(ids)
}

fn results(ids: &[Arc<str>]) -> Value {
    let list: Vec<Value> = ids
        .iter()
        .map(|id| params! { "InstanceId" => Arc::clone(id), "Success" => "true", "Code" => "200", "Message" => "success" })
        .collect();
    params! {
        "TotalCount" => i64::try_from(ids.len()).unwrap_or(0), "FailCount" => 0, "Results" => params! { "Result" => list },
    }
}

fn attach_key_pair(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (name, ids) = (p.need("KeyPairName")?, instances(ctx, p)?);
    ctx.need(KEY_PAIR, &name, "InvalidKeyPair.NotFound")?;
    for id in &ids {
        ctx.change(KIND, id, UNKNOWN)?.set("KeyPairName", Arc::clone(&name));
    }
    Ok(results(&ids))
}

fn detach_key_pair(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (name, ids) = (p.need("KeyPairName")?, instances(ctx, p)?);
    for id in &ids {
        let r = ctx.change(KIND, id, UNKNOWN)?;
        if r.str("KeyPairName") == &*name {
            r.set("KeyPairName", "");
        }
    }
    Ok(results(&ids))
}

/// Makes a key pair.
pub(crate) fn add_key_pair(state: &mut crate::cloud::state::State, region: &str, name: &str) {
    let data = params! {
        "KeyPairName" => name, "KeyPairFingerPrint" => "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        "PublicKey" => format!("ssh-rsa AAAAfake {name}"), "CreationTime" => state.now.to_iso(), "ResourceGroupId" => "",
    };
    state.add(KEY_PAIR, name, region, map(&data));
}

fn create_key_pair(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("KeyPairName")?;
    if ctx.find(KEY_PAIR, &name).is_some() {
        return Err(error("KeyPair.AlreadyExist"));
    }
    let region = Arc::clone(&ctx.region);
    add_key_pair(ctx.s, &region, &name);
    Ok(params! { "KeyPairName" => name, "KeyPairId" => "ssh-fake", "PrivateKeyBody" => "fake private key" })
}

fn import_key_pair(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (name, key) = (p.need("KeyPairName")?, p.need("PublicKeyBody")?);
    if ctx.find(KEY_PAIR, &name).is_some() {
        return Err(error("KeyPair.AlreadyExist"));
    }
    let region = Arc::clone(&ctx.region);
    add_key_pair(ctx.s, &region, &name);
    let r = ctx.change(KEY_PAIR, &name, "InvalidKeyPair.NotFound")?;
    r.set("PublicKey", key);
    r.tags.extend(p.tags("Tag"));
    Ok(params! { "KeyPairName" => name, "KeyPairFingerPrint" => r.text("KeyPairFingerPrint") })
}

/// Names that are unknown are passed over; a pair that an instance uses stays.
fn delete_key_pairs(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let names = p.need_list("KeyPairNames")?;
    if ctx.list(KIND).any(|r| names.contains(&r.text("KeyPairName"))) {
        return Err(error("InvalidParameter.KeypairAlreadyAttachedInstance"));
    }
    ctx.checked()?;
    for name in &names {
        if ctx.find(KEY_PAIR, name).is_some() {
            ctx.s.store.remove(KEY_PAIR, name);
        }
    }
    done()
}

fn describe_key_pairs(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (name, tags, with_key) = (p.str("KeyPairName"), p.tags("Tag"), p.bool("IncludePublicKey"));
    let ids =
        ctx.ids(KEY_PAIR, None, |r| name.as_ref().is_none_or(|n| crate::calls::glob(n, &r.id)) && r.has_tags(&tags));
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids.iter().filter_map(|id| ctx.find(KEY_PAIR, id)).map(|r| {
        let mut view = r.view();
        if !with_key {
            view.remove("PublicKey");
        }
        view.insert("Tags", r.tags_view());
        Value::from(view)
    });
    let list = list.collect();
    Ok(wrapped("KeyPairs", "KeyPair", list, fields))
}

fn role_results(ids: &[Arc<str>], role: &str) -> Value {
    let list: Vec<Value> = ids
        .iter()
        .map(|id| params! { "InstanceId" => Arc::clone(id), "InstanceRamRoleSets" => params! {}, "Success" => true, "Code" => "200", "Message" => "success" })
        .collect();
    params! {
        "RamRoleName" => role, "TotalCount" => i64::try_from(ids.len()).unwrap_or(0), "FailCount" => 0,
        "AttachInstanceRamRoleResults" => params! { "AttachInstanceRamRoleResult" => list.clone() },
        "DetachInstanceRamRoleResults" => params! { "DetachInstanceRamRoleResult" => list },
    }
}

fn attach_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (role, ids) = (p.need("RamRoleName")?, instances(ctx, p)?);
    for id in &ids {
        ctx.change(KIND, id, UNKNOWN)?.set("_ram_role", Arc::clone(&role));
    }
    Ok(role_results(&ids, &role))
}

fn detach_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (role, ids) = (p.str("RamRoleName"), instances(ctx, p)?);
    for id in &ids {
        let r = ctx.change(KIND, id, UNKNOWN)?;
        if role.as_deref().is_none_or(|name| r.str("_ram_role") == name) {
            r.set("_ram_role", "");
        }
    }
    Ok(role_results(&ids, role.as_deref().unwrap_or("")))
}

fn describe_roles(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, role) = (p.ids("InstanceIds"), p.str("RamRoleName"));
    if wanted.is_none() && role.is_none() {
        return Err(missing("InstanceIds"));
    }
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| role.as_deref().is_none_or(|name| r.str("_ram_role") == name));
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids
        .iter()
        .filter_map(|id| ctx.find(KIND, id))
        .map(|r| params! { "InstanceId" => Arc::clone(&r.id), "RamRoleName" => r.str("_ram_role") })
        .collect();
    Ok(wrapped("InstanceRamRoleSets", "InstanceRamRoleSet", list, fields))
}
