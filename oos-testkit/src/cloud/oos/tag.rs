//! Tags of parameters.

use std::collections::BTreeSet;

use oos_core::{Value, params, ports::ApiError};

use super::parameter::{PAGES, PLAIN, SECRET, TAGS, key, tags_in, too_many_tags};
use crate::cloud::{
    api::{Api, Ctx, done},
    error::{error_with, invalid, missing},
    page::page,
    params::Params,
    store::{Kind, Resource},
};

/// Most resources in one call.
const RESOURCES: usize = 50;

pub(crate) const APIS: &[Api] = &[
    Api::new("TagResources", tag, "ResourceType! ResourceIds! Tags!"),
    Api::new("UntagResources", untag, "ResourceType! ResourceIds!"),
    Api::new("ListTagResources", list_tags, "ResourceType!"),
    Api::new("ListTagKeys", |ctx, p| words(ctx, p, "Keys", |key, _| Some(key)), "ResourceType!"),
    Api::new("ListTagValues", tag_values, "ResourceType! Key!"),
];

fn kind_of(p: &Params) -> Result<Kind, ApiError> {
    let given = p.need("ResourceType")?;
    match &*given.to_ascii_lowercase() {
        "parameter" => Ok(PLAIN),
        "secretparameter" => Ok(SECRET),
        _ => Err(invalid("ResourceType", format_args!("tags of `{given}` are not kept here"))),
    }
}

/// Changes the tags of what a request names, of all or of none.
fn change_tags(ctx: &mut Ctx<'_>, p: &Params, change: impl Fn(&mut Resource)) -> Result<Value, ApiError> {
    let (kind, names) = (kind_of(p)?, p.need_list("ResourceIds")?);
    if names.len() > RESOURCES {
        return Err(error_with("LimitExceeded.ResourceIds", format!("One call tags at most {RESOURCES}.")));
    }
    for name in &names {
        let mut changed = ctx.need(kind, &key(kind, name), "InvalidResourceId.NotFound")?.clone();
        change(&mut changed);
        if changed.tags.len() > TAGS {
            return Err(too_many_tags());
        }
    }
    for name in &names {
        change(ctx.change(kind, &key(kind, name), "InvalidResourceId.NotFound")?);
    }
    done()
}

fn tag(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let tags = tags_in(p)?;
    change_tags(ctx, p, |r| r.tags.extend(tags.clone()))
}

fn untag(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (all, keys) = (p.bool("All"), p.list("TagKeys"));
    if !all && keys.is_empty() {
        return Err(missing("TagKeys"));
    }
    change_tags(ctx, p, |r| r.tags.retain(|key, _| !all && !keys.iter().any(|k| **k == **key)))
}

fn list_tags(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (kind, names, wanted) = (kind_of(p)?, p.list("ResourceIds"), p.tags("Tags"));
    let mut rows = Vec::new();
    for r in ctx.list(kind).filter(|r| r.has_tags(&wanted)) {
        if !names.is_empty() && !names.contains(&r.text("Name")) {
            continue;
        }
        rows.extend(r.tags.iter().map(|(key, value)| {
            params! {
                "ResourceId" => r.text("Name"), "ResourceType" => p.text("ResourceType"), "TagKey" => key.as_str(),
                "TagValue" => value.as_str(),
            }
        }));
    }
    let (rows, mut fields) = page(p, rows, PAGES)?;
    fields.insert("TagResources", params! { "TagResource" => rows });
    Ok(Value::from(fields))
}

fn words(
    ctx: &mut Ctx<'_>,
    p: &Params,
    member: &str,
    pick: impl Fn(String, String) -> Option<String>,
) -> Result<Value, ApiError> {
    let kind = kind_of(p)?;
    let found = ctx.list(kind).flat_map(|r| r.tags.clone()).filter_map(|(key, value)| pick(key, value));
    let sorted: BTreeSet<_> = found.collect();
    let (texts, mut fields) = page(p, sorted.into_iter().collect(), PAGES)?;
    fields.insert(member, texts);
    Ok(Value::from(fields))
}

fn tag_values(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.need("Key")?;
    words(ctx, p, "Values", |key, value| (*key == *wanted).then_some(value))
}
