//! Operations that are rows of a table: things that are made, listed, changed and removed, and mean nothing more.
//!
//! A [`Thing`] says what a resource is called on the wire, a row what an operation does with it. Members are named as
//! parameters are, so what was given is what a list shows. What means more has a handler of its own in its product.

mod tables;

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

pub(crate) use self::tables::{ALB_APIS, DEPLOYMENT_APIS, DNS_APIS, KEY_APIS, PACKAGE_APIS, SCHEDULE_APIS, SNAT_APIS};
use super::{
    api::{Api, Ctx},
    error::error,
    page::{Counters, Paging, page},
    params::Params,
    store::{Kind, Resource},
};

/// A kind of resource on the wire.
pub(crate) struct Thing {
    kind: Kind,
    /// The parameter, and the member, that holds its id.
    id: &'static str,
    /// How ids begin; empty where the caller gives the id, as with names.
    prefix: &'static str,
    unknown: &'static str,
    /// Where its list stands in an answer: `DomainRecords.Record`.
    list: &'static str,
    /// Texts that a new one has, unless they are given.
    fresh: &'static [(&'static str, &'static str)],
    /// Members that are numbers, and members that are booleans, however they were given.
    numbers: &'static [&'static str],
    flags: &'static [&'static str],
    paging: Paging,
}

impl Thing {
    /// A member as lists show it.
    fn typed(&self, name: &str, value: &Value) -> Value {
        let text = value.to_text();
        if self.numbers.contains(&name) {
            text.trim().parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        } else if self.flags.contains(&name) {
            Value::from(text.eq_ignore_ascii_case("true"))
        } else {
            value.clone()
        }
    }
}

/// What an operation does.
pub(crate) enum Does {
    /// Makes one, and answers with these members.
    Make(&'static [&'static str]),
    /// Lists those that have what is given.
    List,
    /// Shows one, in a wrapper where there is one.
    Show(&'static str),
    /// Stores what is given, and these; answers with these members.
    Set(&'static [(&'static str, &'static str)], &'static [&'static str]),
    /// Removes one.
    Remove,
}

/// One operation.
pub(crate) struct Row {
    service: &'static str,
    api: &'static str,
    thing: &'static Thing,
    does: Does,
}

const fn row(service: &'static str, api: &'static str, thing: &'static Thing, does: Does) -> Row {
    Row { service, api, thing, does }
}

/// Parameters that say how to answer, and nothing about the thing.
const ABOUT_THE_CALL: [&str; 13] = [
    "RegionId",
    "ClientToken",
    "DryRun",
    "PageNumber",
    "PageSize",
    "MaxResults",
    "NextToken",
    "Lang",
    "UserClientIp",
    "Tag",
    "Tags",
    "FetchTags",
    "OwnerId",
];

/// Carries out the row of the operation.
pub(crate) fn run(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let found = tables::ROWS.iter().find(|r| r.service == ctx.service && r.api == ctx.api);
    let Some(Row { thing, does, .. }) = found else { return Err(error("InternalError")) };
    match does {
        Does::Make(answer) => make(ctx, p, thing, answer),
        Does::List => list(ctx, p, thing),
        Does::Show(wrapper) => {
            let id = p.need(thing.id)?;
            ctx.s.described(thing.kind, &id);
            let shown = view(ctx.need(thing.kind, &id, thing.unknown)?);
            Ok(if wrapper.is_empty() {
                shown
            } else {
                params! { *wrapper => shown }
            })
        }
        Does::Set(fixed, answer) => {
            let id = p.need(thing.id)?;
            ctx.need(thing.kind, &id, thing.unknown)?;
            ctx.checked()?;
            let r = ctx.change(thing.kind, &id, thing.unknown)?;
            given(p, thing).for_each(|(name, value)| r.set(name, thing.typed(name, value)));
            fixed.iter().for_each(|(name, value)| r.set(name, *value));
            Ok(picked(r, answer))
        }
        Does::Remove => {
            let id = p.need(thing.id)?;
            ctx.need(thing.kind, &id, thing.unknown)?;
            ctx.checked()?;
            ctx.s.store.remove(thing.kind, &id);
            Ok(params! { thing.id => id })
        }
    }
}

fn given<'p>(p: &'p Params, thing: &Thing) -> impl Iterator<Item = (&'p Arc<str>, &'p Value)> {
    let id = thing.id;
    p.0.iter().filter(move |(name, _)| &***name != id && !ABOUT_THE_CALL.contains(&&***name))
}

fn picked(r: &Resource, members: &[&str]) -> Value {
    members.iter().map(|m| (Arc::from(*m), r.data.get(m).cloned().unwrap_or_default())).collect::<Map>().into()
}

/// Its members, with tags where it has some.
fn view(r: &Resource) -> Value {
    let mut out = r.view();
    if !r.tags.is_empty() {
        out.insert("Tags", r.tag_list("Key", "Value"));
    }
    Value::from(out)
}

fn make(ctx: &mut Ctx<'_>, p: &Params, thing: &Thing, answer: &[&str]) -> Result<Value, ApiError> {
    let id: Arc<str> = match thing.prefix {
        "" => p.need(thing.id)?,
        prefix => {
            let region = Arc::clone(&ctx.region);
            ctx.s.ids.next(prefix, &region).into()
        }
    };
    if thing.prefix.is_empty() && ctx.find(thing.kind, &id).is_some() {
        return Err(error("Rejected.ResourceExist"));
    }
    ctx.checked()?;
    let mut data: Map =
        thing.fresh.iter().map(|(name, text)| (Arc::from(*name), thing.typed(name, &Value::from(*text)))).collect();
    data.extend(given(p, thing).map(|(name, value)| (Arc::clone(name), thing.typed(name, value))));
    data.insert(thing.id, Arc::clone(&id));
    data.insert("CreationTime", ctx.now().to_iso());
    let tags = if p.has("Tag") { p.tags("Tag") } else { p.tags("Tags") };
    let id = ctx.create_as(thing.kind, &id, data)?;
    let r = ctx.change(thing.kind, &id, thing.unknown)?;
    r.tags.extend(tags);
    Ok(picked(r, answer))
}

/// True when the resource has what is given, or does not know such a member. Words of lists are searched in.
fn has(r: &Resource, name: &str, wanted: &Value) -> bool {
    let Some(found) = r.data.get(name) else { return true };
    let found = found.to_text();
    match wanted {
        Value::List(any) => any.iter().any(|one| one.to_text().eq_ignore_ascii_case(&found)),
        one => one.to_text().eq_ignore_ascii_case(&found),
    }
}

fn list(ctx: &mut Ctx<'_>, p: &Params, thing: &Thing) -> Result<Value, ApiError> {
    let several = format!("{}s", thing.id);
    let wanted = p.ids(thing.id).or_else(|| p.ids(&several));
    let tags = p.tags("Tag");
    let wanted = ctx.narrowed(thing.kind, wanted, &[], &tags);
    let filters: Vec<_> = given(p, thing).collect();
    let ids = ctx.ids(thing.kind, wanted.as_deref(), |r| {
        r.has_tags(&tags) && filters.iter().all(|(name, value)| has(r, name, value))
    });
    let total = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let (ids, mut fields) = page(p, ids, thing.paging)?;
    if thing.paging.counters == Counters::TokenOnly {
        fields.insert("TotalCount", total);
    }
    ids.iter().for_each(|id| ctx.s.described(thing.kind, id));
    let rows: Vec<Value> = ids.iter().filter_map(|id| ctx.find(thing.kind, id)).map(view).collect();
    match thing.list.split_once('.') {
        Some((outer, inner)) => fields.insert(outer, params! { inner => rows }),
        None => fields.insert(thing.list, rows),
    };
    Ok(Value::from(fields))
}
