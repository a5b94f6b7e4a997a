//! The tag service and the resource centre: one view over the tags and resources of all products.

use std::sync::Arc;

use indexmap::IndexSet;
use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    api::{Api, Ctx, done},
    error::{error_with, missing},
    page::{Counters, Paging, page},
    params::{Params, texts},
    store::{Kind, Resource},
};

pub(crate) const APIS: &[Api] = &[
    Api::new("TagResources", tag, "ResourceARN.N! Tags!"),
    Api::new("UntagResources", untag, "ResourceARN.N! TagKey.N!"),
    Api::new("ListTagResources", list, ""),
    Api::new("ListTagValues", values, "Key!"),
    Api::new("ListTagKeys", keys, "ResourceType Category QueryType TagFilter FuzzyType"),
];

pub(crate) const CENTRE_APIS: &[Api] = &[Api::new("SearchResources", search, "")];

pub(crate) const MANAGER_APIS: &[Api] = &[Api::new("MoveResources", move_resources, "ResourceGroupId!")];

/// Kinds that the resource centre knows, with the word that ARNs and resource types have for them.
const KINDS: &[(Kind, &str, &str)] = &[
    ("ECS::Instance", "ECS", "Instance"),
    ("ECS::Disk", "ECS", "Disk"),
    ("ECS::Snapshot", "ECS", "Snapshot"),
    ("ECS::Image", "ECS", "Image"),
    ("ECS::SecurityGroup", "ECS", "SecurityGroup"),
    ("ECS::NetworkInterface", "ECS", "NetworkInterface"),
    ("VPC::VPC", "VPC", "VPC"),
    ("VPC::VSwitch", "VPC", "VSwitch"),
    ("VPC::EIP", "EIP", "EipAddress"),
    ("VPC::NatGateway", "VPC", "NatGateway"),
    ("SLB::LoadBalancer", "SLB", "LoadBalancer"),
    ("ESS::Group", "ESS", "ScalingGroup"),
    ("RDS::Instance", "RDS", "DBInstance"),
    ("Redis::Instance", "Redis", "DBInstance"),
    ("OSS::Bucket", "OSS", "Bucket"),
    ("ECD::Desktop", "ECD", "Desktop"),
];

fn arn_of(kind: Kind, r: &Resource) -> Option<String> {
    let (_, product, word) = KINDS.iter().find(|(k, ..)| *k == kind)?;
    let (product, word) = (product.to_ascii_lowercase(), word.to_ascii_lowercase());
    Some(format!("arn:acs:{product}:{}:{}:{word}/{}", r.region, r.account, r.id))
}

/// The resource that an ARN names: id and region must agree; the account may be left open.
fn find(ctx: &Ctx<'_>, arn: &str) -> Option<(Kind, Arc<str>)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, _, region, account, relative] = parts.as_slice() else { return None };
    let id = relative.split_once('/').map_or(*relative, |(_, id)| id);
    let (kind, r) = ctx.s.store.by_id(id)?;
    let agrees = (*region == &*r.region || r.region.is_empty() || region.is_empty() || *region == "*")
        && (*account == &*r.account || account.is_empty() || *account == "*");
    (agrees && r.account == ctx.account).then(|| (kind, Arc::clone(&r.id)))
}

fn each(ctx: &mut Ctx<'_>, p: &Params, mut f: impl FnMut(&mut Resource)) -> Result<Value, ApiError> {
    let arns = p.need_list("ResourceARN")?;
    if arns.len() > 50 {
        return Err(error_with("NumberExceed.ResourceARN", "At most 50 resources are taken."));
    }
    let mut failed = Vec::new();
    for arn in arns {
        match find(ctx, &arn) {
            Some((kind, id)) => ctx.s.store.get_mut(kind, &id).into_iter().for_each(&mut f),
            None => failed.push(params! {
                "ResourceARN" => Arc::clone(&arn),
                "Result" => params! { "Code" => "InvalidResourceId.NotFound", "Message" => "The specified resource does not exist." },
            }),
        }
    }
    Ok(params! { "FailedResources" => params! { "FailedResource" => failed } })
}

fn tag(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let tags = p.tags("Tags");
    if tags.is_empty() {
        return Err(missing("Tags"));
    }
    if tags.len() > 10 {
        return Err(error_with("NumberExceed.Tags", "At most 10 tags are taken."));
    }
    each(ctx, p, |r| r.tags.extend(tags.clone()))
}

fn untag(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let keys = p.list("TagKey");
    each(ctx, p, |r| r.tags.retain(|key, _| !keys.iter().any(|k| **k == **key)))
}

/// CHOICE: fifty a page; tokens lead on.
const PAGES: Paging = Paging { default: 50, max: 1000, tokens: Some((1, 1000)), counters: Counters::TokenOnly };

/// `PageSize` is the name of the size here.
fn paged(p: &Params, rows: Vec<Value>, name: &str) -> Result<Value, ApiError> {
    let mut sized = p.clone();
    if p.has("PageSize") && !p.has("MaxResults") {
        sized.0.insert("MaxResults", p.get("PageSize").clone());
    }
    let (rows, mut fields) = page(&sized, rows, PAGES)?;
    fields.insert(name, rows);
    Ok(Value::from(fields))
}

fn list(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (arns, tags) = (p.list("ResourceARN"), p.tags("Tags"));
    let row = |arn: &str, r: &Resource| {
        let tags: Value = r
            .tags
            .iter()
            .map(|(k, v)| params! { "Key" => k.as_str(), "Value" => v.as_str(), "Category" => "Custom" })
            .collect();
        params! { "ResourceARN" => arn, "Tags" => tags }
    };
    let rows: Vec<Value> = if arns.is_empty() {
        let here = |r: &Resource| r.account == ctx.account && (r.region == ctx.region || r.region.is_empty());
        let tagged = ctx.s.store.everything().filter(|(_, r)| here(r) && !r.tags.is_empty() && r.has_tags(&tags));
        tagged.filter_map(|(kind, r)| Some(row(&arn_of(kind, r)?, r))).collect()
    } else {
        let found = arns.iter().filter_map(|arn| {
            let (kind, id) = find(ctx, arn)?;
            let r = ctx.s.store.get(kind, &id)?;
            (!r.tags.is_empty() && r.has_tags(&tags)).then(|| row(arn, r))
        });
        found.collect()
    };
    paged(p, rows, "TagResources")
}

fn distinct(ctx: &Ctx<'_>, pick: impl Fn(&str, &str) -> Option<String>) -> Vec<Value> {
    let all = ctx.s.store.everything().filter(|(_, r)| r.account == ctx.account).flat_map(|(_, r)| r.tags.iter());
    let mut set: IndexSet<String> = all.filter_map(|(k, v)| pick(k, v)).collect();
    set.sort();
    set.into_iter().map(Value::from).collect()
}

fn values(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let key = p.need("Key")?;
    let list = distinct(ctx, |k, v| (k == &*key).then(|| v.to_owned()));
    let answer = paged(p, list, "Value")?;
    Ok(
        params! { "Values" => params! { "Value" => answer.at(&["Value"]).clone() }, "NextToken" => answer.at(&["NextToken"]).clone() },
    )
}

fn keys(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let list = distinct(ctx, |k, _| Some(k.to_owned()))
        .into_iter()
        .map(|k| params! { "Key" => k, "Category" => "Custom", "Description" => "" });
    let answer = paged(p, list.collect(), "Key")?;
    Ok(
        params! { "Keys" => params! { "Key" => answer.at(&["Key"]).clone() }, "NextToken" => answer.at(&["NextToken"]).clone() },
    )
}

/// A resource as the centre shows it.
fn centre_row(product: &str, word: &str, r: &Resource) -> Value {
    let tags: Value = r.tags.iter().map(|(k, v)| params! { "Key" => k.as_str(), "Value" => v.as_str() }).collect();
    params! {
        "ResourceId" => Arc::clone(&r.id), "ResourceType" => format!("ACS::{product}::{word}"), "RegionId" => Arc::clone(&r.region),
        "AccountId" => Arc::clone(&r.account), "ResourceName" => r.text("InstanceName"), "ZoneId" => r.text("ZoneId"),
        "ResourceGroupId" => r.text("ResourceGroupId"), "CreateTime" => r.created.to_iso(), "Tags" => tags,
    }
}

fn search(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let known = ctx.s.store.everything().filter_map(|(kind, r)| {
        let (_, product, word) = KINDS.iter().find(|(k, ..)| *k == kind)?;
        let listed = |types: &Vec<String>| types.iter().any(|t| *t == format!("ACS::{product}::{word}"));
        let known = r.account == ctx.account && ctx.s.centre_types.as_ref().is_none_or(listed);
        known.then(|| centre_row(product, word, r))
    });
    // Entries of the centre whose resource is gone.
    let ghosts = ctx.s.store.all("ResourceCenter::Entry").map(|r| Value::from(r.view()));
    let filters: Vec<(Arc<str>, Vec<Arc<str>>)> = p
        .maps("Filter")
        .iter()
        .map(|m| {
            let get = |name: &str| m.get_folded(name).map(|(_, v)| v.clone()).unwrap_or_default();
            (get("Key").to_text(), texts(&get("Value").parsed_if_json_text()))
        })
        .collect();
    let takes = |row: &Value| {
        filters.iter().all(|(key, wanted)| {
            wanted.is_empty() || wanted.iter().any(|w| row.at(&[key]).to_text().eq_ignore_ascii_case(w))
        })
    };
    let mut rows: Vec<Value> = known.chain(ghosts).filter(takes).collect();
    rows.sort_by_key(|r| r.at(&["ResourceId"]).to_text());
    let (rows, mut fields) =
        page(p, rows, Paging { default: 20, max: 500, tokens: Some((1, 500)), counters: Counters::TokenOnly })?;
    fields.insert("Resources", rows);
    fields.insert("Filters", p.get("Filter").clone());
    Ok(Value::from(fields))
}

fn move_resources(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let group = p.need("ResourceGroupId")?;
    let mut responses = Vec::new();
    for m in p.maps("Resources") {
        let id = m.get_folded("ResourceId").map(|(_, v)| v.to_text()).unwrap_or_default();
        let kind = ctx.s.store.by_id(&id).map(|(kind, _)| kind);
        let found = kind.and_then(|kind| ctx.s.store.get_mut(kind, &id));
        let status = if found.is_some() { "SUCCESS" } else { "FAIL" };
        found.into_iter().for_each(|r| r.set("ResourceGroupId", Arc::clone(&group)));
        responses.push(params! { "ResourceId" => id, "Status" => status });
    }
    if responses.is_empty() {
        return done();
    }
    let mut out = Map::new();
    out.insert("Responses", responses);
    Ok(Value::from(out))
}
