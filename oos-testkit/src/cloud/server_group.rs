//! Server groups of the newer load balancers (ALB, NLB): their servers and weights.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    api::{Api, Ctx},
    error::{error, missing},
    page::{Counters, Paging, page},
    params::Params,
    store::{Kind, Resource},
};

const KIND: Kind = "ServerGroup";
const UNKNOWN: &str = "ResourceNotFound.ServerGroup";

/// CHOICE: the weight of a server when none is given.
const WEIGHT: i64 = 100;

pub(crate) const APIS: &[Api] = &[
    Api::new("AddServersToServerGroup", add, "ServerGroupId! Servers.N!"),
    Api::new("RemoveServersFromServerGroup", remove, "ServerGroupId! Servers.N!"),
    Api::new("UpdateServerGroupServersAttribute", update, "ServerGroupId! Servers.N!"),
    Api::new("ListServerGroupServers", list_servers, "ServerGroupId ServerIds.N ServerIps.N Tag.N"),
    Api::new("ListServerGroups", list, "ServerGroupIds.N ServerGroupNames.N ServerGroupType VpcId Tag.N"),
];

/// CHOICE: twenty a page, with tokens.
const PAGES: Paging = Paging { default: 20, max: 100, tokens: Some((1, 100)), counters: Counters::TokenOnly };

fn text(m: &Map, name: &str) -> Arc<str> {
    m.get_folded(name).map(|(_, v)| v.to_text()).unwrap_or_default()
}

/// Id and port tell servers of a group apart.
fn same(a: &Value, b: &Map) -> bool {
    *a.at(&["ServerId"]).to_text() == *text(b, "ServerId")
        && (b.get_folded("Port").is_none() || *a.at(&["Port"]).to_text() == *text(b, "Port"))
}

fn servers(r: &Resource) -> Vec<Value> {
    r.data.get("_servers").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

/// Changes the servers of a group that is not being changed; it is `Configuring` for a while.
fn change(
    ctx: &mut Ctx<'_>,
    p: &Params,
    f: impl FnOnce(Vec<Value>, &[Map]) -> Result<Vec<Value>, ApiError>,
) -> Result<Value, ApiError> {
    let (id, given) = (p.need("ServerGroupId")?, p.maps("Servers"));
    if given.is_empty() {
        return Err(missing("Servers"));
    }
    let group = ctx.need(KIND, &id, UNKNOWN)?;
    if group.str("ServerGroupStatus") == "Configuring" {
        return Err(error("IncorrectStatus.ServerGroup"));
    }
    let list = f(servers(group), &given)?;
    ctx.checked()?;
    ctx.change(KIND, &id, UNKNOWN)?.set("_servers", list);
    ctx.s.transit(KIND, &id, "change", super::transition::nothing());
    Ok(params! { "JobId" => ctx.s.ids.uuid("server-group-job") })
}

fn row(of: &Map) -> Value {
    let weight = of.get_folded("Weight").and_then(|(_, v)| v.as_i64().or_else(|| v.to_text().parse().ok()));
    let port = of.get_folded("Port").and_then(|(_, v)| v.as_i64().or_else(|| v.to_text().parse().ok()));
    let kind = Some(text(of, "ServerType")).filter(|t| !t.is_empty()).unwrap_or_else(|| "Ecs".into());
    params! {
        "ServerId" => text(of, "ServerId"), "ServerIp" => text(of, "ServerIp"), "ServerType" => kind, "Port" => port,
        "Weight" => weight.unwrap_or(WEIGHT), "Description" => text(of, "Description"), "Status" => "Available",
    }
}

fn add(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, |mut list, given| {
        list.retain(|old| !given.iter().any(|new| same(old, new)));
        list.extend(given.iter().map(row));
        Ok(list)
    })
}

fn remove(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, |mut list, given| {
        list.retain(|old| !given.iter().any(|gone| same(old, gone)));
        Ok(list)
    })
}

/// Only what is listed changes, and of it only what is given.
fn update(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, |list, given| {
        if given.iter().any(|new| !list.iter().any(|old| same(old, new))) {
            return Err(error("ResourceNotFound.BackendServer"));
        }
        let changed = list.into_iter().map(|old| match given.iter().find(|new| same(&old, new)) {
            Some(new) => {
                let mut all = old.as_map().cloned().unwrap_or_default();
                all.extend(new.clone());
                row(&all)
            }
            None => old,
        });
        Ok(changed.collect())
    })
}

fn list_servers(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, wanted) = (p.str("ServerGroupId"), p.list("ServerIds"));
    if let Some(id) = &group {
        ctx.need(KIND, id, UNKNOWN)?;
        ctx.s.described(KIND, id);
    }
    let groups = ctx.list(KIND).filter(|r| group.as_deref().is_none_or(|g| *g == *r.id));
    let rows = groups.flat_map(|r| {
        let status = r.text("ServerGroupStatus");
        servers(r).into_iter().map(move |s| {
            let mut out = s.as_map().cloned().unwrap_or_default();
            out.insert("ServerGroupId", Arc::clone(&r.id));
            if &*status == "Configuring" {
                out.insert("Status", "Configuring");
            }
            Value::from(out)
        })
    });
    let rows: Vec<Value> =
        rows.filter(|s| wanted.is_empty() || wanted.contains(&s.at(&["ServerId"]).to_text())).collect();
    answer(p, rows, "Servers")
}

fn list(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, names, tags) = (p.ids("ServerGroupIds"), p.list("ServerGroupNames"), p.tags("Tag"));
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        r.has_tags(&tags) && (names.is_empty() || names.contains(&r.text("ServerGroupName")))
    });
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let rows = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let mut out = r.view();
        out.insert("ServerGroupId", Arc::clone(&r.id));
        out.insert("ServerCount", i64::try_from(servers(r).len()).unwrap_or(0));
        out.insert("Tags", r.tag_list("Key", "Value").at(&["Tag"]).clone());
        if r.str("ServerGroupStatus").is_empty() {
            out.insert("ServerGroupStatus", "Available");
        }
        Value::from(out)
    });
    let rows = rows.collect();
    answer(p, rows, "ServerGroups")
}

fn answer(p: &Params, rows: Vec<Value>, name: &str) -> Result<Value, ApiError> {
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let (rows, mut fields) = page(p, rows, PAGES)?;
    fields.insert(name, rows);
    fields.insert("TotalCount", total);
    Ok(Value::from(fields))
}
