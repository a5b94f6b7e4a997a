//! Load balancers (SLB): backend servers and their weights, access control lists, protection.

mod more;

use std::{sync::Arc, time::Duration};

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    FakeCloud,
    api::{Api, Ctx, done, wrapped},
    ecs::make::map,
    error::{error, invalid},
    page::{TEN, page},
    params::Params,
    state::State,
    store::{Kind, Resource},
};

pub(crate) const BALANCER: Kind = "SLB::LoadBalancer";
pub(crate) const GROUP: Kind = "SLB::VServerGroup";
const ACL: Kind = "SLB::Acl";
const UNKNOWN: &str = "InvalidLoadBalancerId.NotFound";
const GROUP_UNKNOWN: &str = "InvalidVServerGroupId.NotFound";
const ACL_UNKNOWN: &str = "InvalidAclId.NotFound";

pub(crate) const TABLES: &[&[Api]] = &[APIS, more::APIS];

const APIS: &[Api] = &[
    Api::new("DescribeLoadBalancers", describe_all, ""),
    Api::new("DescribeLoadBalancerAttribute", describe, "LoadBalancerId!"),
    Api::new("DescribeVServerGroupAttribute", describe_group, "VServerGroupId!"),
    Api::new("SetBackendServers", set_servers, "LoadBalancerId! BackendServers!"),
    Api::new("AddBackendServers", add_servers, "LoadBalancerId! BackendServers!"),
    Api::new("RemoveBackendServers", remove_servers, "LoadBalancerId! BackendServers!"),
    Api::new("SetVServerGroupAttribute", set_group, "VServerGroupId!"),
    Api::new("AddAccessControlListEntry", add_entries, "AclId! AclEntrys!"),
    Api::new("RemoveAccessControlListEntry", remove_entries, "AclId!"),
    Api::new("DescribeAccessControlListAttribute", describe_acl, "AclId! AclEntryComment Page"),
    Api::new("ModifyLoadBalancerInstanceSpec", instance_spec, "LoadBalancerId! LoadBalancerSpec!"),
    Api::new("ModifyLoadBalancerInternetSpec", internet_spec, "LoadBalancerId!"),
    Api::new("SetLoadBalancerDeleteProtection", delete_protection, "LoadBalancerId! DeleteProtection!"),
    Api::new(
        "SetLoadBalancerModificationProtection",
        modification_protection,
        "LoadBalancerId! ModificationProtectionStatus!",
    ),
    Api::new("DeleteLoadBalancer", delete, "LoadBalancerId!"),
];

/// CHOICE: the weight of a backend server when none is given.
const WEIGHT: i64 = 100;

pub(crate) fn backends(r: &Resource) -> Vec<Value> {
    r.data.get("_backends").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

fn backend(server: &str, weight: i64, port: Option<i64>) -> Value {
    let mut out = map(
        &params! { "ServerId" => server, "Weight" => weight, "Type" => if server.starts_with("eni-") { "eni" } else { "ecs" }, "ServerIp" => "", "Description" => "" },
    );
    if let Some(port) = port {
        out.insert("Port", port);
    }
    Value::from(out)
}

/// Refuses a write while an earlier one is carried out, where the test wants that.
pub(crate) fn check_busy(state: &State, kind: Kind, id: &str) -> Result<(), ApiError> {
    let busy = state.store.get(kind, id).is_some_and(|r| r.int("_busy_until") > state.now.as_millis());
    if busy { Err(error("BackendServer.configuring")) } else { Ok(()) }
}

fn write(ctx: &mut Ctx<'_>, kind: Kind, id: &str, list: Vec<Value>) {
    put(ctx.s, kind, id, list);
}

/// Sets the backend servers and makes the balancer busy, where the test wants that.
pub(crate) fn put(state: &mut State, kind: Kind, id: &str, list: Vec<Value>) {
    let until = state.slb_busy.map(|d| (state.now + d).as_millis());
    if let Some(r) = state.store.get_mut(kind, id) {
        r.set("_backends", list);
        until.into_iter().for_each(|at| r.set("_busy_until", at));
    }
}

fn servers_view(list: Vec<Value>) -> Value {
    params! { "BackendServer" => list }
}

fn balancer_view(r: &Resource) -> Value {
    let mut out = r.view();
    out.insert("BackendServers", servers_view(backends(r)));
    out.insert("Tags", r.tags_view());
    Value::from(out)
}

fn describe_all(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, server, tags) = (p.ids("LoadBalancerId"), p.str("ServerId"), p.tags("Tag"));
    let behind = |ctx: &Ctx<'_>, id: &str, server: &str| {
        let has = |r: &Resource| backends(r).iter().any(|b| b.at(&["ServerId"]).as_str() == Some(server));
        ctx.find(BALANCER, id).is_some_and(has) || ctx.list(GROUP).any(|g| g.str("LoadBalancerId") == id && has(g))
    };
    let ids = ctx.ids(BALANCER, wanted.as_deref(), |r| {
        r.has_tags(&tags) && server.as_deref().is_none_or(|s| behind(ctx, &r.id, s))
    });
    let (ids, fields) = page(p, ids, TEN)?;
    let list = ids.iter().filter_map(|id| ctx.find(BALANCER, id)).map(|r| {
        let mut out = r.view();
        out.insert("Tags", r.tags_view());
        Value::from(out)
    });
    let list = list.collect();
    Ok(wrapped("LoadBalancers", "LoadBalancer", list, fields))
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.need(BALANCER, &p.need("LoadBalancerId")?, UNKNOWN).map(balancer_view)
}

fn describe_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(GROUP, &p.need("VServerGroupId")?, GROUP_UNKNOWN)?;
    let mut out = r.view();
    out.insert("BackendServers", servers_view(backends(r)));
    Ok(Value::from(out))
}

fn int(m: &Map, name: &str) -> Option<i64> {
    m.get_folded(name).and_then(|(_, v)| v.as_i64().or_else(|| v.to_text().trim().parse().ok()))
}

/// Id, weight and port of a server in a request.
type Server = (Arc<str>, Option<i64>, Option<i64>);

/// The servers of a request: id, weight where it is given, port where it is given.
fn given(p: &Params) -> Result<Vec<Server>, ApiError> {
    let texts = |m: &Map| m.get_folded("ServerId").map(|(_, v)| v.to_text()).unwrap_or_default();
    let mut list: Vec<_> =
        p.maps("BackendServers").iter().map(|m| (texts(m), int(m, "Weight"), int(m, "Port"))).collect();
    if list.is_empty() {
        // RemoveBackendServers takes plain ids, too.
        list = p.list("BackendServers").into_iter().map(|id| (id, None, None)).collect();
    }
    match list.iter().any(|(id, weight, _)| id.is_empty() || weight.is_some_and(|w| !(0..=100).contains(&w))) {
        true => Err(invalid("BackendServers", "it is a list of ServerId and Weight from 0 to 100")),
        false => Ok(list),
    }
}

/// Only the servers that are listed change.
fn reweighted(mut list: Vec<Value>, given: &[Server]) -> Vec<Value> {
    for row in &mut list {
        let mut m = map(row);
        let of = |(id, _, port): &&Server| {
            m.get("ServerId").and_then(Value::as_str) == Some(&**id)
                && port.is_none_or(|p| int(&m, "Port").is_none_or(|own| own == p))
        };
        if let Some((_, weight, _)) = given.iter().find(of) {
            m.insert("Weight", weight.unwrap_or(WEIGHT));
            *row = Value::from(m);
        }
    }
    list
}

fn change(
    ctx: &mut Ctx<'_>,
    p: &Params,
    f: impl FnOnce(Vec<Value>, &[Server]) -> Vec<Value>,
) -> Result<Value, ApiError> {
    let id = p.need("LoadBalancerId")?;
    let (list, given) = (backends(ctx.need(BALANCER, &id, UNKNOWN)?), given(p)?);
    check_busy(ctx.s, BALANCER, &id)?;
    let list = f(list, &given);
    write(ctx, BALANCER, &id, list.clone());
    Ok(params! { "LoadBalancerId" => id, "BackendServers" => servers_view(list) })
}

fn set_servers(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, reweighted)
}

fn add_servers(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, |mut list, given| {
        for (id, weight, _) in given {
            list.retain(|b| b.at(&["ServerId"]).as_str() != Some(id));
            list.push(backend(id, weight.unwrap_or(WEIGHT), None));
        }
        list
    })
}

fn remove_servers(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, |mut list, given| {
        list.retain(|b| !given.iter().any(|(id, ..)| b.at(&["ServerId"]).as_str() == Some(id)));
        list
    })
}

fn set_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("VServerGroupId")?;
    let (list, given) = (backends(ctx.need(GROUP, &id, GROUP_UNKNOWN)?), given(p)?);
    check_busy(ctx.s, GROUP, &id)?;
    let list = reweighted(list, &given);
    write(ctx, GROUP, &id, list.clone());
    ctx.set_given(GROUP, &id, GROUP_UNKNOWN, p, &["VServerGroupName"])?;
    Ok(params! { "VServerGroupId" => id, "BackendServers" => servers_view(list) })
}

fn entries(p: &Params) -> Vec<Value> {
    let text = |m: &Map, name: &str| m.get_folded(name).map(|(_, v)| v.to_text()).unwrap_or_default();
    let rows = p.maps("AclEntrys");
    rows.iter().map(|m| params! { "AclEntryIP" => text(m, "entry"), "AclEntryComment" => text(m, "comment") }).collect()
}

fn acl_entries(r: &Resource) -> Vec<Value> {
    r.data.get("_entries").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

fn change_acl(ctx: &mut Ctx<'_>, p: &Params, f: impl FnOnce(&mut Vec<Value>, Vec<Value>)) -> Result<Value, ApiError> {
    let (id, new) = (p.need("AclId")?, entries(p));
    let mut list = acl_entries(ctx.need(ACL, &id, ACL_UNKNOWN)?);
    if check_busy(ctx.s, ACL, &id).is_err() {
        return Err(error("AclEntryProcessing"));
    }
    if new.is_empty() {
        return Err(error("AclEntryEmpty"));
    }
    f(&mut list, new);
    let until = ctx.s.slb_busy.map(|d| (ctx.s.now + d).as_millis());
    let r = ctx.change(ACL, &id, ACL_UNKNOWN)?;
    r.set("_entries", list);
    until.into_iter().for_each(|at| r.set("_busy_until", at));
    Ok(params! { "AclId" => id })
}

fn add_entries(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change_acl(ctx, p, |list, new| {
        list.retain(|old| !new.iter().any(|n| n.at(&["AclEntryIP"]) == old.at(&["AclEntryIP"])));
        list.extend(new);
    })
}

fn remove_entries(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change_acl(ctx, p, |list, gone| {
        list.retain(|old| !gone.iter().any(|n| n.at(&["AclEntryIP"]) == old.at(&["AclEntryIP"])))
    })
}

fn describe_acl(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(ACL, &p.need("AclId")?, ACL_UNKNOWN)?;
    let (list, out) = (acl_entries(r), r.view());
    Ok(wrapped("AclEntrys", "AclEntry", list, out))
}

fn set(ctx: &mut Ctx<'_>, p: &Params, names: &[&str]) -> Result<Value, ApiError> {
    let id = p.need("LoadBalancerId")?;
    ctx.need(BALANCER, &id, UNKNOWN)?;
    check_busy(ctx.s, BALANCER, &id)?;
    ctx.set_given(BALANCER, &id, UNKNOWN, p, names)?;
    Ok(params! { "OrderId" => ctx.s.ids.number("order").to_string() })
}

fn instance_spec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    set(ctx, p, &["LoadBalancerSpec"])
}

fn internet_spec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    set(ctx, p, &["Bandwidth", "InternetChargeType"])
}

fn delete_protection(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    set(ctx, p, &["DeleteProtection"])
}

fn modification_protection(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    set(ctx, p, &["ModificationProtectionStatus", "ModificationProtectionReason"])
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("LoadBalancerId")?;
    if ctx.need(BALANCER, &id, UNKNOWN)?.str("DeleteProtection") == "on" {
        return Err(error("OperationFailed.DeleteProtection"));
    }
    ctx.s.store.remove(BALANCER, &id);
    done()
}

/// SLB as a test sees it.
#[derive(Clone, Debug)]
pub struct Slb {
    cloud: FakeCloud,
}

impl Slb {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Makes a load balancer with these servers and weights; gives its id.
    pub fn balancer<S: AsRef<str>>(&self, servers: &[(S, i64)]) -> String {
        let rows: Vec<Value> = servers.iter().map(|(id, weight)| backend(id.as_ref(), *weight, None)).collect();
        self.cloud.here(|state, region| {
            let id = state.ids.next("lb-", region);
            let data = params! {
                "LoadBalancerId" => id.as_str(), "LoadBalancerName" => "", "LoadBalancerStatus" => "active", "RegionId" => region,
                "Address" => state.public_address(), "AddressType" => "internet", "LoadBalancerSpec" => "slb.s1.small",
                "Bandwidth" => "5", "DeleteProtection" => "off", "ModificationProtectionStatus" => "NonProtection",
                "ListenerPorts" => params! { "ListenerPort" => [80] }, "CreateTime" => state.now.to_iso(), "_backends" => rows,
            };
            state.add(BALANCER, id, region, map(&data)).to_string()
        })
    }

    /// Makes a VServer group of a load balancer with these servers, weights and ports; gives its id.
    pub fn vserver_group<S: AsRef<str>>(&self, balancer: &str, servers: &[(S, i64, i64)]) -> String {
        let rows: Vec<Value> =
            servers.iter().map(|(id, weight, port)| backend(id.as_ref(), *weight, Some(*port))).collect();
        self.cloud.here(|state, region| {
            let id = state.ids.next("rsp-", region);
            let data = params! { "VServerGroupId" => id.as_str(), "VServerGroupName" => "", "LoadBalancerId" => balancer, "_backends" => rows };
            state.add(GROUP, id, region, map(&data)).to_string()
        })
    }

    /// Makes an empty access control list; gives its id.
    pub fn acl(&self) -> String {
        self.cloud.here(|state, region| {
            let id = state.ids.next("acl-", region);
            let data = params! { "AclId" => id.as_str(), "AclName" => "", "AddressIPVersion" => "ipv4", "_entries" => Value::empty_list() };
            state.add(ACL, id, region, map(&data)).to_string()
        })
    }

    /// The weight of a server in a balancer or VServer group.
    pub fn weight(&self, of: &str, server: &str) -> Option<i64> {
        self.cloud.with(|state| {
            let (_, r) = state.store.by_id(of)?;
            let found = backends(r).into_iter().find(|b| b.at(&["ServerId"]).as_str() == Some(server))?;
            found.at(&["Weight"]).as_i64()
        })
    }

    /// The entries of an access control list, ordered as they were added.
    pub fn acl_entries(&self, acl: &str) -> Vec<String> {
        self.cloud.with(|state| {
            let rows = state.store.get(ACL, acl).map(acl_entries).unwrap_or_default();
            rows.iter().map(|e| e.at(&["AclEntryIP"]).to_text().to_string()).collect()
        })
    }

    /// After a write, another one is refused with `BackendServer.configuring` for that long. Off by default: official
    /// templates write again at once and do not retry.
    pub fn busy_after_write(&self, time: Duration) {
        self.cloud.with(|state| state.slb_busy = Some(time));
    }
}
