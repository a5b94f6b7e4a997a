//! Balancers and VServer groups that calls make, their servers, listeners and health.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    BALANCER, GROUP, GROUP_UNKNOWN, Server, UNKNOWN, WEIGHT, backend, backends, check_busy, given, servers_view, write,
};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::map,
    error::{error, invalid},
    params::Params,
    store::Resource,
};

pub(crate) const APIS: &[Api] = &[
    Api::new(
        "CreateLoadBalancer",
        create,
        "LoadBalancerName Address AddressIPVersion AddressType AutoPay Bandwidth DeleteProtection Duration InstanceChargeType InternetChargeType LoadBalancerSpec MasterZoneId ModificationProtectionReason ModificationProtectionStatus PayType PricingCycle SlaveZoneId VSwitchId VpcId Tag.N",
    ),
    Api::new("SetLoadBalancerStatus", set_status, "LoadBalancerId! LoadBalancerStatus!"),
    Api::new("SetLoadBalancerName", set_name, "LoadBalancerId! LoadBalancerName!"),
    Api::new("CreateVServerGroup", create_group, "LoadBalancerId! VServerGroupName BackendServers Tag.N"),
    Api::new("DeleteVServerGroup", delete_group, "VServerGroupId!"),
    Api::new("DescribeVServerGroups", describe_groups, "LoadBalancerId! Description IncludeListener IncludeRule Tag.N"),
    Api::new("AddVServerGroupBackendServers", add, "VServerGroupId! BackendServers!"),
    Api::new("RemoveVServerGroupBackendServers", remove, "VServerGroupId! BackendServers!"),
    Api::new("DescribeHealthStatus", health, "LoadBalancerId! ListenerPort ListenerProtocol"),
    Api::new("StartLoadBalancerListener", start_listener, "LoadBalancerId! ListenerPort! ListenerProtocol"),
    Api::new("StopLoadBalancerListener", stop_listener, "LoadBalancerId! ListenerPort! ListenerProtocol"),
];

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.checked()?;
    let address = match p.str("Address") {
        Some(given) => given.to_string(),
        None if p.text("AddressType").eq_ignore_ascii_case("intranet") => ctx.s.private_address(),
        None => ctx.s.public_address(),
    };
    let text = |name: &str, usual: &str| p.str(name).unwrap_or_else(|| usual.into());
    let data = params! {
        "Address" => address.as_str(), "LoadBalancerName" => text("LoadBalancerName", ""), "LoadBalancerStatus" => "active",
        "AddressType" => text("AddressType", "internet"), "AddressIPVersion" => text("AddressIPVersion", "ipv4"),
        "NetworkType" => if p.has("VpcId") { "vpc" } else { "classic" }, "VpcId" => text("VpcId", ""),
        "VSwitchId" => text("VSwitchId", ""), "RegionId" => Arc::clone(&ctx.region), "ResourceGroupId" => "",
        "LoadBalancerSpec" => text("LoadBalancerSpec", ""), "DeleteProtection" => text("DeleteProtection", "off"),
        "PayType" => text("PayType", "PayOnDemand"), "MasterZoneId" => text("MasterZoneId", ""),
        "InternetChargeType" => text("InternetChargeType", "paybytraffic"), "Bandwidth" => p.int("Bandwidth")?.unwrap_or(1),
        "ModificationProtectionStatus" => text("ModificationProtectionStatus", "NonProtection"),
        "CreateTime" => ctx.now().to_iso(), "ListenerPorts" => params! { "ListenerPort" => Value::empty_list() },
        "_backends" => Value::empty_list(),
    };
    let id = ctx.create(BALANCER, "lb-", map(&data))?;
    let order = ctx.s.ids.number("order");
    let r = ctx.change(BALANCER, &id, UNKNOWN)?;
    r.set("LoadBalancerId", Arc::clone(&id));
    r.tags.extend(p.tags("Tag"));
    let mut out = Map::new();
    for member in [
        "LoadBalancerId",
        "Address",
        "LoadBalancerName",
        "NetworkType",
        "VpcId",
        "VSwitchId",
        "AddressIPVersion",
        "ResourceGroupId",
    ] {
        out.insert(member, r.data.get(member).cloned().unwrap_or_default());
    }
    out.insert("OrderId", order);
    Ok(Value::from(out))
}

/// Stores a member that may have these words; all when there are none.
fn set(ctx: &mut Ctx<'_>, p: &Params, member: &str, words: &[&str]) -> Result<Value, ApiError> {
    let (id, value) = (p.need("LoadBalancerId")?, p.need(member)?);
    ctx.need(BALANCER, &id, UNKNOWN)?;
    check_busy(ctx.s, BALANCER, &id)?;
    if !words.is_empty() && !words.contains(&&*value) {
        return Err(invalid(member, format_args!("it is one of {}", words.join(", "))));
    }
    ctx.change(BALANCER, &id, UNKNOWN)?.set(member, value);
    done()
}

fn set_status(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    set(ctx, p, "LoadBalancerStatus", &["active", "inactive"])
}

fn set_name(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    set(ctx, p, "LoadBalancerName", &[])
}

/// The rows of the servers of a request, over those that are there; the port tells two rows of a server apart.
fn with(mut list: Vec<Value>, servers: &[Server]) -> Vec<Value> {
    for (id, weight, port) in servers {
        list.retain(|row| !is(row, id, *port));
        list.push(backend(id, weight.unwrap_or(WEIGHT), *port));
    }
    list
}

fn is(row: &Value, id: &str, port: Option<i64>) -> bool {
    row.at(&["ServerId"]).as_str() == Some(id) && port.is_none_or(|p| row.at(&["Port"]).as_i64() == Some(p))
}

fn group_answer(id: &Arc<str>, list: Vec<Value>) -> Value {
    params! { "VServerGroupId" => Arc::clone(id), "BackendServers" => servers_view(list) }
}

fn create_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let balancer = p.need("LoadBalancerId")?;
    ctx.need(BALANCER, &balancer, UNKNOWN)?;
    let servers = if p.has("BackendServers") { with(Vec::new(), &given(p)?) } else { Vec::new() };
    ctx.checked()?;
    let data = params! {
        "LoadBalancerId" => balancer, "VServerGroupName" => p.text("VServerGroupName"), "CreateTime" => ctx.now().to_iso(),
        "_backends" => servers.clone(),
    };
    let id = ctx.create(GROUP, "rsp-", map(&data))?;
    let r = ctx.change(GROUP, &id, GROUP_UNKNOWN)?;
    r.set("VServerGroupId", Arc::clone(&id));
    r.tags.extend(p.tags("Tag"));
    Ok(group_answer(&id, servers))
}

fn delete_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("VServerGroupId")?;
    ctx.need(GROUP, &id, GROUP_UNKNOWN)?;
    ctx.checked()?;
    ctx.s.store.remove(GROUP, &id);
    done()
}

fn describe_groups(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (balancer, tags) = (p.need("LoadBalancerId")?, p.tags("Tag"));
    ctx.need(BALANCER, &balancer, UNKNOWN)?;
    let rows = ctx.with(GROUP, "LoadBalancerId", &balancer).filter(|r| r.has_tags(&tags)).map(|r| {
        params! {
            "VServerGroupId" => Arc::clone(&r.id), "VServerGroupName" => r.text("VServerGroupName"),
            "ServerCount" => i64::try_from(backends(r).len()).unwrap_or(0), "CreateTime" => r.text("CreateTime"),
            "Tags" => r.tags_view(),
        }
    });
    let rows = rows.collect();
    Ok(wrapped("VServerGroups", "VServerGroup", rows, Map::new()))
}

fn change(
    ctx: &mut Ctx<'_>,
    p: &Params,
    f: impl FnOnce(Vec<Value>, &[Server]) -> Vec<Value>,
) -> Result<Value, ApiError> {
    let id = p.need("VServerGroupId")?;
    let (list, given) = (backends(ctx.need(GROUP, &id, GROUP_UNKNOWN)?), given(p)?);
    check_busy(ctx.s, GROUP, &id)?;
    ctx.checked()?;
    let list = f(list, &given);
    write(ctx, GROUP, &id, list.clone());
    Ok(group_answer(&id, list))
}

fn add(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, with)
}

fn remove(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change(ctx, p, |mut list, gone| {
        list.retain(|row| !gone.iter().any(|(id, _, port)| is(row, id, *port)));
        list
    })
}

/// A server is well while its instance runs. What is no instance of the fake counts as running.
fn health(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, port) = (p.need("LoadBalancerId")?, p.int("ListenerPort")?);
    let own = backends(ctx.need(BALANCER, &id, UNKNOWN)?);
    let of_groups = ctx.with(GROUP, "LoadBalancerId", &id).flat_map(backends);
    let rows: Vec<Value> = own.into_iter().chain(of_groups).map(|b| health_row(ctx, &b, port)).collect();
    Ok(wrapped("BackendServers", "BackendServer", rows, Map::new()))
}

fn health_row(ctx: &Ctx<'_>, backend: &Value, listener: Option<i64>) -> Value {
    let server = backend.at(&["ServerId"]).to_text();
    let instance = ctx.find("ECS::Instance", &server);
    let up = instance.is_none_or(|r: &Resource| r.str("Status") == "Running");
    let address = instance.and_then(|r| r.data.get("VpcAttributes")).map(|v| v.at(&["PrivateIpAddress", "IpAddress"]));
    let address = address.and_then(Value::as_list).and_then(<[Value]>::first).cloned().unwrap_or_default();
    params! {
        "ServerId" => server, "ServerHealthStatus" => if up { "normal" } else { "abnormal" }, "ServerIp" => address.to_text(),
        "Port" => backend.at(&["Port"]).clone(), "ListenerPort" => listener.unwrap_or(80), "Protocol" => "tcp",
    }
}

/// The state of a listener; one that nobody made is not there.
fn listener(ctx: &mut Ctx<'_>, p: &Params, status: &str) -> Result<Value, ApiError> {
    let (id, port) = (p.need("LoadBalancerId")?, p.need("ListenerPort")?);
    let r = ctx.need(BALANCER, &id, UNKNOWN)?;
    let ports = r.data.get("ListenerPorts").map(|v| v.at(&["ListenerPort"]).clone()).unwrap_or_default();
    if !ports.as_list().unwrap_or_default().iter().any(|known| *known.to_text() == *port) {
        return Err(error("ListenerNotFound"));
    }
    ctx.change(BALANCER, &id, UNKNOWN)?.set(&format!("_listener_{port}"), status);
    done()
}

fn start_listener(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    listener(ctx, p, "running")
}

fn stop_listener(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    listener(ctx, p, "stopped")
}
