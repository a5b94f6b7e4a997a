//! Launch templates and their versions.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::make::map;
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::{error, missing},
    page::{FIFTY, page},
    params::Params,
    state::State,
    store::Resource,
};

const KIND: &str = "ECS::LaunchTemplate";
const UNKNOWN: &str = "InvalidLaunchTemplate.NotFound";
const VERSION_UNKNOWN: &str = "InvalidLaunchTemplateVersion.NotFound";

/// Parameters of `CreateLaunchTemplate`.
const TEMPLATE: &str = "LaunchTemplateName! VersionDescription TemplateTag.N TemplateResourceGroupId ImageId ImageOwnerAlias \
    InstanceType InstanceName Description HostName UserData KeyPairName PasswordInherit RamRoleName SecurityGroupId \
    SecurityGroupIds.N SecurityEnhancementStrategy VpcId VSwitchId ZoneId PrivateIpAddress NetworkType NetworkInterface.N \
    Ipv6AddressCount InstanceChargeType Period AutoRenew AutoRenewPeriod AutoReleaseTime SpotStrategy SpotPriceLimit \
    SpotDuration InternetChargeType InternetMaxBandwidthIn InternetMaxBandwidthOut IoOptimized EnableVmOsConfig \
    CreditSpecification DeletionProtection DeploymentSetId HttpEndpoint HttpTokens HttpPutResponseHopLimit SystemDisk.Category \
    SystemDisk.Size SystemDisk.DiskName SystemDisk.Description SystemDisk.Iops SystemDisk.PerformanceLevel \
    SystemDisk.DeleteWithInstance SystemDisk.AutoSnapshotPolicyId SystemDisk.Encrypted SystemDisk.KMSKeyId DataDisk.N Tag.N";

pub(crate) const APIS: &[Api] = &[
    Api::new("CreateLaunchTemplate", create, TEMPLATE),
    Api::new("CreateLaunchTemplateVersion", create_version, ""),
    Api::new("DescribeLaunchTemplates", describe, ""),
    Api::new("DescribeLaunchTemplateVersions", describe_versions, ""),
    Api::new("ModifyLaunchTemplateDefaultVersion", set_default, "DefaultVersionNumber!"),
    Api::new("DeleteLaunchTemplateVersion", delete_version, "DeleteVersion.N!"),
    Api::new("DeleteLaunchTemplate", delete, "LaunchTemplateId LaunchTemplateName"),
];

/// Parameters of a request that are not data of the instance to be.
const NOT_DATA: [&str; 8] = [
    "RegionId",
    "LaunchTemplateId",
    "LaunchTemplateName",
    "VersionDescription",
    "ClientToken",
    "TemplateTag",
    "TemplateResourceGroupId",
    "SourceLaunchTemplateVersion",
];

/// Makes a launch template with one version, for tests; gives its id.
pub(crate) fn add(state: &mut State, region: &str, name: &str, data: &Map) -> Arc<str> {
    let id = state.ids.next("lt-", region);
    let row = params! {
        "LaunchTemplateId" => id.as_str(), "LaunchTemplateName" => name, "DefaultVersionNumber" => 1,
        "LatestVersionNumber" => 0, "CreateTime" => state.now.to_iso(), "ModifiedTime" => state.now.to_iso(),
        "CreatedBy" => "fake", "ResourceGroupId" => "", "_versions" => Value::empty_list(),
    };
    let id = state.add(KIND, id, region, map(&row));
    let now = state.now.to_iso();
    state.store.get_mut(KIND, &id).into_iter().for_each(|r| {
        add_version(r, data, "", &now);
    });
    id
}

/// Adds a version and gives its number.
pub(crate) fn add_version(r: &mut Resource, data: &Map, description: &str, now: &str) -> i64 {
    let number = r.int("LatestVersionNumber") + 1;
    let mut list = versions(r);
    list.push(params! {
        "VersionNumber" => number, "VersionDescription" => description, "CreateTime" => now, "_data" => data.clone(),
    });
    r.set("_versions", list);
    r.set("LatestVersionNumber", number);
    r.set("ModifiedTime", now);
    number
}

fn versions(r: &Resource) -> Vec<Value> {
    r.data.get("_versions").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

fn find(ctx: &Ctx<'_>, p: &Params) -> Result<Arc<str>, ApiError> {
    if let Some(id) = p.str("LaunchTemplateId") {
        return ctx.need(KIND, &id, UNKNOWN).map(|r| Arc::clone(&r.id));
    }
    let name = p.str("LaunchTemplateName").ok_or_else(|| missing("LaunchTemplateName"))?;
    let found = ctx.list(KIND).find(|r| r.str("LaunchTemplateName") == &*name);
    found.map(|r| Arc::clone(&r.id)).ok_or_else(|| error(UNKNOWN))
}

fn data_of(p: &Params) -> Map {
    let mut data = p.0.clone();
    data.retain(|key, _| !NOT_DATA.contains(&key));
    data
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("LaunchTemplateName")?;
    if ctx.list(KIND).any(|r| r.str("LaunchTemplateName") == &*name) {
        return Err(error("InvalidLaunchTemplateName.Duplicated"));
    }
    let region = Arc::clone(&ctx.region);
    let id = add(ctx.s, &region, &name, &data_of(p));
    Ok(params! { "LaunchTemplateId" => id, "LaunchTemplateVersionNumber" => 1 })
}

fn create_version(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, now) = (find(ctx, p)?, ctx.now().to_iso());
    ctx.checked()?;
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    let number = add_version(r, &data_of(p), &p.text("VersionDescription"), &now);
    Ok(params! { "LaunchTemplateId" => id, "LaunchTemplateVersionNumber" => number })
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, names) = (p.ids("LaunchTemplateId"), p.list("LaunchTemplateName"));
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        names.is_empty() || names.iter().any(|n| crate::calls::glob(n, r.str("LaunchTemplateName")))
    });
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let mut view = r.view();
        view.insert("Tags", r.tags_view());
        Value::from(view)
    });
    let list = list.collect();
    Ok(wrapped("LaunchTemplateSets", "LaunchTemplateSet", list, fields))
}

/// Data as answers show it: lists in wrappers, members of the system disk as flat keys with dots.
fn shown(data: &Map) -> Value {
    // Lists are there even when they are empty; templates iterate over them.
    let empty = params! {
        "DataDisks" => params! { "DataDisk" => Value::empty_list() },
        "NetworkInterfaces" => params! { "NetworkInterface" => Value::empty_list() },
        "Tags" => params! { "InstanceTag" => Value::empty_list() },
    };
    let mut out = map(&empty);
    for (key, value) in data {
        match (&**key, value) {
            ("DataDisk", list) => out.insert("DataDisks", params! { "DataDisk" => list.clone() }),
            ("NetworkInterface", list) => {
                out.insert("NetworkInterfaces", params! { "NetworkInterface" => list.clone() })
            }
            ("Tag", list) => out.insert("Tags", params! { "InstanceTag" => list.clone() }),
            ("SecurityGroupIds", list) => out.insert("SecurityGroupIds", params! { "SecurityGroupId" => list.clone() }),
            ("SystemDisk", Value::Map(members)) => {
                members.iter().for_each(|(k, v)| {
                    out.insert(format!("SystemDisk.{k}"), v.clone());
                });
                None
            }
            (name, value) => out.insert(name, value.clone()),
        };
    }
    Value::from(out)
}

fn describe_versions(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = find(ctx, p)?;
    let numbers: Vec<i64> = p.list("LaunchTemplateVersion").iter().filter_map(|n| n.parse().ok()).collect();
    let only_default = p.bool("DefaultVersion");
    let r = ctx.need(KIND, &id, UNKNOWN)?;
    let default = r.int("DefaultVersionNumber");
    let number = |v: &Value| v.at(&["VersionNumber"]).as_i64().unwrap_or(0);
    let rows: Vec<Value> = versions(r)
        .iter()
        .rev()
        .filter(|v| (numbers.is_empty() || numbers.contains(&number(v))) && (!only_default || number(v) == default))
        .map(|v| {
            let mut row = map(&params! {
                "LaunchTemplateId" => Arc::clone(&id), "LaunchTemplateName" => r.str("LaunchTemplateName"),
                "DefaultVersion" => number(v) == default, "CreatedBy" => "fake",
            });
            row.extend(map(v).into_iter().filter(|(k, _)| !k.starts_with('_')));
            row.insert("LaunchTemplateData", v.at(&["_data"]).as_map().map_or(Value::Null, shown));
            Value::from(row)
        })
        .collect();
    let (rows, fields) = page(p, rows, FIFTY)?;
    Ok(wrapped("LaunchTemplateVersionSets", "LaunchTemplateVersionSet", rows, fields))
}

fn set_default(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, number) = (find(ctx, p)?, p.int("DefaultVersionNumber")?);
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    if !versions(r).iter().any(|v| v.at(&["VersionNumber"]).as_i64() == number) {
        return Err(error(VERSION_UNKNOWN));
    }
    r.set("DefaultVersionNumber", number);
    done()
}

fn delete_version(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = find(ctx, p)?;
    let numbers: Vec<i64> = p.list("DeleteVersion").iter().filter_map(|n| n.parse().ok()).collect();
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    if numbers.contains(&r.int("DefaultVersionNumber")) {
        return Err(error("InvalidLaunchTemplateVersion.DefaultVersion"));
    }
    let mut list = versions(r);
    let before = list.len();
    list.retain(|v| !v.at(&["VersionNumber"]).as_i64().is_some_and(|n| numbers.contains(&n)));
    if list.len() == before {
        return Err(error(VERSION_UNKNOWN));
    }
    r.set("_versions", list);
    done()
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = find(ctx, p)?;
    ctx.s.store.remove(KIND, &id);
    done()
}

/// Parameters of RunInstances that the named launch template gives; empty when none is named.
pub(crate) fn data_for_run(ctx: &Ctx<'_>, p: &Params) -> Result<Map, ApiError> {
    if !p.has("LaunchTemplateId") && !p.has("LaunchTemplateName") {
        return Ok(Map::new());
    }
    let r = ctx.need(KIND, &find(ctx, p)?, UNKNOWN)?;
    let number = p.int("LaunchTemplateVersion")?.unwrap_or_else(|| r.int("DefaultVersionNumber"));
    let found = versions(r).into_iter().find(|v| v.at(&["VersionNumber"]).as_i64() == Some(number));
    found.map(|v| map(v.at(&["_data"]))).ok_or_else(|| error(VERSION_UNKNOWN))
}
