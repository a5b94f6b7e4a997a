//! Tags of ECS resources. All tag calls of all products write the same tags on the resource itself.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::{error_with, invalid, missing},
    page::{Paging, TEN, page},
    params::Params,
    store::Kind,
};

pub(crate) const APIS: &[Api] = &[
    Api::new("TagResources", tag, "ResourceType! ResourceId.N! Tag.N!"),
    Api::new("UntagResources", untag, "ResourceType! ResourceId.N! TagKey.N All"),
    Api::new("ListTagResources", list, "ResourceType! ResourceId.N Tag.N TagFilter.N"),
    Api::new("AddTags", add, "ResourceType! ResourceId! Tag.N!"),
    Api::new("RemoveTags", remove, "ResourceType! ResourceId! Tag.N"),
    Api::new("DescribeTags", describe, "ResourceType ResourceId Tag.N Category"),
];

/// CHOICE: most tags of one resource, and the code for one too many.
const MOST_TAGS: usize = 20;

/// Words of `ResourceType` and the kinds that they mean.
const TYPES: &[(&str, Kind)] = &[
    ("instance", "ECS::Instance"),
    ("disk", "ECS::Disk"),
    ("snapshot", "ECS::Snapshot"),
    ("image", "ECS::Image"),
    ("securitygroup", "ECS::SecurityGroup"),
    ("eni", "ECS::NetworkInterface"),
    ("keypair", "ECS::KeyPair"),
    ("launchtemplate", "ECS::LaunchTemplate"),
    ("command", "ECS::Command"),
    ("invocation", "ECS::Invocation"),
    ("snapshotpolicy", "ECS::AutoSnapshotPolicy"),
    ("eip", "VPC::EIP"),
    ("vpc", "VPC::VPC"),
    ("vswitch", "VPC::VSwitch"),
    ("natgateway", "VPC::NatGateway"),
    ("commonbandwidthpackage", "VPC::BandwidthPackage"),
    ("scalinggroup", "ESS::Group"),
];

fn kind_of(p: &Params) -> Result<Kind, ApiError> {
    let word = p.need("ResourceType")?.to_ascii_lowercase();
    TYPES
        .iter()
        .find(|(w, _)| *w == word)
        .map(|(_, kind)| *kind)
        .ok_or_else(|| invalid("ResourceType", "the type is not known"))
}

pub(crate) fn tag(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    put(ctx, kind_of(p)?, &p.need_list("ResourceId")?, &p.tags("Tag"))
}

fn add(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    put(ctx, kind_of(p)?, &[p.need("ResourceId")?], &p.tags("Tag"))
}

fn put(ctx: &mut Ctx<'_>, kind: Kind, ids: &[Arc<str>], tags: &[(String, String)]) -> Result<Value, ApiError> {
    if ids.len() > 50 {
        return Err(invalid("ResourceId", "at most 50 ids are taken"));
    }
    if tags.is_empty() {
        return Err(missing("Tag"));
    }
    if tags.len() > MOST_TAGS {
        return Err(invalid("Tag", "at most 20 tags are taken"));
    }
    if tags.iter().any(|(key, _)| key.is_empty()) {
        return Err(missing("Tag.Key"));
    }
    for id in ids {
        let resource = ctx.need(kind, id, "InvalidResourceId.NotFound")?;
        let new = tags.iter().filter(|(key, _)| !resource.tags.contains_key(key)).count();
        if resource.tags.len() + new > MOST_TAGS {
            return Err(error_with(
                "QuotaExceeded.TagsPerResource",
                format!("{id} would have more than {MOST_TAGS} tags."),
            ));
        }
    }
    ctx.checked()?;
    for id in ids {
        ctx.change(kind, id, "InvalidResourceId.NotFound")?.tags.extend(tags.iter().cloned());
    }
    done()
}

pub(crate) fn untag(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (kind, keys, all) = (kind_of(p)?, p.list("TagKey"), p.bool("All"));
    for id in p.need_list("ResourceId")? {
        let tags = &mut ctx.change(kind, &id, "InvalidResourceId.NotFound")?.tags;
        let goes = |key: &str| (all && keys.is_empty()) || keys.iter().any(|k| **k == *key);
        tags.retain(|key, _| !goes(key));
    }
    done()
}

fn remove(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (kind, id, tags) = (kind_of(p)?, p.need("ResourceId")?, p.tags("Tag"));
    let resource = ctx.change(kind, &id, "InvalidResourceId.NotFound")?;
    resource.tags.retain(|key, _| !tags.is_empty() && !tags.iter().any(|(k, _)| k == key));
    done()
}

pub(crate) fn list(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (kind, word) = (kind_of(p)?, p.need("ResourceType")?);
    let (wanted, tags) = (p.ids("ResourceId"), p.tags("Tag"));
    if wanted.is_none() && tags.is_empty() && !p.has("TagFilter") {
        return Err(error_with("MissingParameter.ResourceId", "Either ResourceId or Tag must be given."));
    }
    let wanted = ctx.narrowed(kind, wanted, &[], &tags);
    let ids = ctx.ids(kind, wanted.as_deref(), |r| r.has_tags(&tags));
    let rows: Vec<Value> = ids
        .iter()
        .filter_map(|id| ctx.find(kind, id))
        .flat_map(|r| r.tags.iter().map(|(k, v)| row(&r.id, &word, k, v)))
        .collect();
    let (rows, mut fields) = page(p, rows, Paging { default: 50, ..TEN.tokens(1, 1000) })?;
    fields.retain(|key, _| key == "NextToken");
    if !fields.contains_key("NextToken") {
        fields.insert("NextToken", "");
    }
    Ok(wrapped("TagResources", "TagResource", rows, fields))
}

fn row(id: &Arc<str>, word: &str, key: &str, value: &str) -> Value {
    params! { "ResourceId" => Arc::clone(id), "ResourceType" => word, "TagKey" => key, "TagValue" => value }
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let kinds: Vec<Kind> =
        if p.has("ResourceType") { vec![kind_of(p)?] } else { TYPES.iter().map(|(_, k)| *k).collect() };
    let (wanted, tags) = (p.ids("ResourceId"), p.tags("Tag"));
    let mut seen = Map::new();
    for kind in kinds {
        for id in ctx.ids(kind, wanted.as_deref(), |r| r.has_tags(&tags)) {
            for (key, value) in ctx.find(kind, &id).map(|r| r.tags.clone()).unwrap_or_default() {
                seen.insert(format!("{key}={value}"), params! { "TagKey" => key, "TagValue" => value });
            }
        }
    }
    let (rows, fields) = page(p, seen.values().cloned().collect(), TEN)?;
    Ok(wrapped("Tags", "Tag", rows, fields))
}
