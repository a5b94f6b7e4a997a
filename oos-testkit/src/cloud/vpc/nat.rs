//! NAT gateways, forward entries, deletion protection.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use super::{address, network};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::map,
    error::{error, invalid},
    page::{FIFTY, page},
    params::Params,
    state::State,
    store::Resource,
};

pub(crate) const KIND: &str = "VPC::NatGateway";
pub(super) const ENTRY: &str = "VPC::ForwardEntry";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeNatGateways", describe, ""),
    Api::new("DescribeForwardTableEntries", describe_entries, ""),
    Api::new(
        "CreateForwardEntry",
        create_entry,
        "ForwardTableId! ExternalIp ExternalPort InternalIp InternalPort IpProtocol ForwardEntryName PortBreak",
    ),
    Api::new("DeleteForwardEntry", delete_entry, "ForwardTableId! ForwardEntryId!"),
    Api::new("DeletionProtection", protect, "InstanceId!"),
    Api::new(
        "CreateNatGateway",
        create,
        "VpcId! VSwitchId Name Description NatType NetworkType InstanceChargeType InternetChargeType Spec Duration PricingCycle AutoPay EipBindMode IcmpReplyEnabled SecurityProtectionEnabled AvailabilityMode NatIp Ipv4Prefix PrivateLinkEnabled AccessMode Tag.N",
    ),
    Api::new("DeleteNatGateway", delete, "NatGatewayId! Force"),
    Api::new(
        "CreateSnatEntry",
        create_snat,
        "SnatTableId! SnatIp! SourceVSwitchId SourceCIDR SnatEntryName EipAffinity NetworkInterfaceId",
    ),
];

/// Makes a NAT gateway with one forward table.
pub(super) fn add(state: &mut State, region: &str) -> Arc<str> {
    let (id, table) = (state.ids.next("ngw-", region), state.ids.next("ftb-", region));
    let snat = state.ids.next("stb-", region);
    let data = params! {
        "NatGatewayId" => id.as_str(), "Name" => "", "Status" => "Available", "RegionId" => region,
        "ForwardTableIds" => params! { "ForwardTableId" => [table] }, "CreationTime" => state.now.to_iso(),
        "SnatTableIds" => params! { "SnatTableId" => [snat] }, "DeletionProtection" => false,
    };
    state.add(KIND, id, region, map(&data))
}

/// The forward table of a gateway.
fn table_of(state: &State, gateway: &str) -> Arc<str> {
    let ids = state.store.get(KIND, gateway).and_then(|r| r.data.get("ForwardTableIds"));
    let first = ids.and_then(|v| v.at(&["ForwardTableId"]).as_list()).and_then(<[Value]>::first);
    first.map_or_else(|| "".into(), Value::to_text)
}

pub(super) fn add_entry(
    state: &mut State,
    region: &str,
    gateway: &str,
    external: u16,
    ip: &str,
    internal: u16,
) -> Arc<str> {
    let (id, table) = (state.ids.next("fwd-", region), table_of(state, gateway));
    let data = params! {
        "ForwardEntryId" => id.as_str(), "ForwardTableId" => table, "ExternalIp" => "198.18.0.1",
        "ExternalPort" => external.to_string(), "InternalIp" => ip, "InternalPort" => internal.to_string(),
        "IpProtocol" => "tcp", "Status" => "Available", "ForwardEntryName" => "", "_gateway" => gateway,
    };
    state.add(ENTRY, id, region, map(&data))
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("NatGatewayId");
    let ids = ctx.ids(KIND, wanted.as_deref(), |_| true);
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("NatGateways", "NatGateway", list, fields))
}

const UNKNOWN: &str = "InvalidNatGatewayId.NotFound";
const SNAT_ENTRY: &str = "VPC::SnatEntry";

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let vpc = p.need("VpcId")?;
    ctx.need(network::VPC, &vpc, "InvalidVpcId.NotFound")?;
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let id = add(ctx.s, &region);
    ctx.change(KIND, &id, UNKNOWN)?.set("VpcId", vpc);
    ctx.set_given(KIND, &id, UNKNOWN, p, &["VSwitchId", "Name", "Description", "NatType", "NetworkType", "Spec"])?;
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    r.tags.extend(p.tags("Tag"));
    let table = |name: &str| r.data.get(name).cloned().unwrap_or_default();
    let (forward, snat) = (table("ForwardTableIds"), table("SnatTableIds"));
    Ok(params! { "NatGatewayId" => id, "ForwardTableIds" => forward, "SnatTableIds" => snat })
}

/// With its entries when it is forced; else it must have none.
fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("NatGatewayId")?;
    if ctx.need(KIND, &id, UNKNOWN)?.is_true("DeletionProtection") {
        return Err(error("OperationDenied.DeletionProtection"));
    }
    let entries: Vec<_> = [ENTRY, SNAT_ENTRY]
        .into_iter()
        .flat_map(|kind| ctx.s.store.ids_by(kind, "_gateway", &id).into_iter().map(move |entry| (kind, entry)))
        .collect();
    if !entries.is_empty() && !p.bool("Force") {
        return Err(error("DependencyViolation.NatGateway"));
    }
    ctx.checked()?;
    for (kind, entry) in entries {
        ctx.s.store.remove(kind, &entry);
    }
    ctx.s.store.remove(KIND, &id);
    done()
}

fn create_snat(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let table = p.need("SnatTableId")?;
    let has = |r: &Resource| {
        let ids = r.data.get("SnatTableIds").map(|v| v.at(&["SnatTableId"]).clone()).unwrap_or_default();
        ids.as_list().is_some_and(|list| list.iter().any(|id| *id.to_text() == *table))
    };
    let gateway = ctx.list(KIND).find(|r| has(r)).map(|r| Arc::clone(&r.id));
    let gateway = gateway.ok_or_else(|| error("InvalidSnatTableId.NotFound"))?;
    ctx.checked()?;
    let data = params! {
        "SnatTableId" => table, "NatGatewayId" => Arc::clone(&gateway), "Status" => "Available", "SnatIp" => p.text("SnatIp"),
        "SourceVSwitchId" => p.text("SourceVSwitchId"), "SourceCIDR" => p.text("SourceCIDR"),
        "SnatEntryName" => p.text("SnatEntryName"), "_gateway" => gateway,
    };
    let id = ctx.create(SNAT_ENTRY, "snat-", map(&data))?;
    ctx.change(SNAT_ENTRY, &id, "InvalidSnatEntryId.NotFound")?.set("SnatEntryId", Arc::clone(&id));
    Ok(params! { "SnatEntryId" => id })
}

fn describe_entries(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let table = p.str("ForwardTableId");
    let unknown = |table: &Arc<str>| !ctx.list(KIND).any(|r| *table_of(ctx.s, &r.id) == **table);
    if table.as_ref().is_some_and(unknown) {
        return Err(error("InvalidForwardTableId.NotFound"));
    }
    let wanted = p.ids("ForwardEntryId");
    let names = ["InternalPort", "ExternalPort", "InternalIp", "ExternalIp", "IpProtocol"];
    let equal: Vec<_> = names.iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let ids = ctx.ids(ENTRY, wanted.as_deref(), |r| {
        table.as_deref().is_none_or(|t| r.str("ForwardTableId") == t)
            && equal.iter().all(|(m, v)| r.text(m).eq_ignore_ascii_case(v))
    });
    let (ids, fields) = page(p, ids, FIFTY)?;
    let list = ids.iter().filter_map(|id| ctx.find(ENTRY, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("ForwardTableEntries", "ForwardTableEntry", list, fields))
}

fn create_entry(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let table = p.need("ForwardTableId")?;
    let gateway = ctx.list(KIND).find(|r| *table_of(ctx.s, &r.id) == *table).map(|r| Arc::clone(&r.id));
    let gateway = gateway.ok_or_else(|| error("InvalidForwardTableId.NotFound"))?;
    let port = |name: &str| p.need(name)?.parse::<u16>().map_err(|_| invalid(name, "it is no port"));
    let (external, internal, ip) = (port("ExternalPort")?, port("InternalPort")?, p.need("InternalIp")?);
    let region = Arc::clone(&ctx.region);
    Ok(params! { "ForwardEntryId" => add_entry(ctx.s, &region, &gateway, external, &ip, internal) })
}

fn delete_entry(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (table, id) = (p.need("ForwardTableId")?, p.need("ForwardEntryId")?);
    if ctx.need(ENTRY, &id, "InvalidForwardEntryId.NotFound")?.str("ForwardTableId") != &*table {
        return Err(error("InvalidForwardTableId.NotFound"));
    }
    ctx.s.store.remove(ENTRY, &id);
    done()
}

fn protect(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, on) = (p.need("InstanceId")?, p.bool("ProtectionEnable"));
    let (kind, unknown) = match &*p.text("Type").to_ascii_uppercase() {
        "EIP" => (address::KIND, "InvalidAllocationId.NotFound"),
        "NATGW" => (KIND, "InvalidNatGatewayId.NotFound"),
        "CBWP" => ("VPC::BandwidthPackage", "InvalidBandwidthPackageId.NotFound"),
        "VPC" => (network::VPC, "InvalidVpcId.NotFound"),
        _ => return Err(invalid("Type", "it is not known")),
    };
    ctx.change(kind, &id, unknown)?.set("DeletionProtection", on);
    done()
}
