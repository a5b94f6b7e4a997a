//! VPCs and VSwitches.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::{interface, make},
    error::error,
    page::{FIFTY, page},
    params::Params,
    store::Kind,
    transition::nothing,
};

pub(crate) const VPC: &str = "VPC::VPC";
pub(crate) const VSWITCH: &str = "VPC::VSwitch";
const VPC_UNKNOWN: &str = "InvalidVpcId.NotFound";
const VSWITCH_UNKNOWN: &str = "InvalidVSwitchId.NotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new(
        "CreateVpc",
        create_vpc,
        "CidrBlock VpcName Description EnableIpv6 Ipv6CidrBlock Ipv6Isp IpVersion UserCidr IpAddress Tag.N EnableDnsHostname",
    ),
    Api::new("DeleteVpc", delete_vpc, "VpcId! ForceDelete"),
    Api::new(
        "DescribeVpcs",
        describe_vpcs,
        "VpcId VpcName VpcOwnerId IsDefault DhcpOptionsSetId AdvancedFeature EnableIpv6 Tag.N",
    ),
    Api::new("DescribeVpcAttribute", describe_vpc, "VpcId!"),
    Api::new(
        "CreateVSwitch",
        create_vswitch,
        "VpcId! ZoneId! CidrBlock! VSwitchName Description Ipv6CidrBlock VpcIpv6CidrBlock Tag.N",
    ),
    Api::new("DeleteVSwitch", delete_vswitch, "VSwitchId!"),
    Api::new("DescribeVSwitches", describe_vswitches, ""),
    Api::new(
        "ModifyVpcAttribute",
        modify_vpc,
        "VpcId! VpcName Description CidrBlock EnableDnsHostname EnableIPv6 Ipv6CidrBlock Ipv6Isp",
    ),
    Api::new(
        "ModifyVSwitchAttribute",
        modify_vswitch,
        "VSwitchId! VSwitchName Description EnableIPv6 Ipv6CidrBlock Ipv6CidrMask VpcIpv6CidrBlock",
    ),
    Api::new("DescribeVSwitchAttributes", describe_vswitch, "VSwitchId!"),
];

fn create_vpc(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.checked()?;
    let (region, cidr) = (Arc::clone(&ctx.region), p.str("CidrBlock").unwrap_or_else(|| "172.16.0.0/12".into()));
    let id = make::add_vpc(ctx.s, &region, &cidr);
    own(ctx, VPC, &id);
    ctx.set_given(VPC, &id, VPC_UNKNOWN, p, &["VpcName", "Description"])?;
    ctx.s.transit(VPC, &id, "create", nothing());
    Ok(params! { "VpcId" => id, "VRouterId" => "vrt-fake", "RouteTableId" => "vtb-fake" })
}

fn own(ctx: &mut Ctx<'_>, kind: Kind, id: &str) {
    let account = Arc::clone(&ctx.account);
    ctx.s.store.get_mut(kind, id).into_iter().for_each(|r| r.account = Arc::clone(&account));
}

fn modify_vpc(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.set_given(VPC, &p.need("VpcId")?, VPC_UNKNOWN, p, &["VpcName", "Description"])?;
    done()
}

fn modify_vswitch(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.set_given(VSWITCH, &p.need("VSwitchId")?, VSWITCH_UNKNOWN, p, &["VSwitchName", "Description"])?;
    done()
}

fn describe_vswitch(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("VSwitchId")?;
    ctx.s.described(VSWITCH, &id);
    let r = ctx.need(VSWITCH, &id, VSWITCH_UNKNOWN)?;
    let mut out = r.view();
    out.insert("Tags", r.tag_list("Key", "Value"));
    Ok(Value::from(out))
}

fn delete_vpc(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("VpcId")?;
    ctx.need(VPC, &id, VPC_UNKNOWN)?;
    if ctx.with(VSWITCH, "VpcId", &id).next().is_some() {
        return Err(error("DependencyViolation.VSwitch"));
    }
    if ctx.list(interface::GROUP).any(|r| r.str("VpcId") == &*id) {
        return Err(error("DependencyViolation.SecurityGroup"));
    }
    ctx.checked()?;
    ctx.s.store.remove(VPC, &id);
    done()
}

fn rows(
    ctx: &mut Ctx<'_>,
    p: &Params,
    kind: Kind,
    ids: Vec<Arc<str>>,
) -> Result<(Vec<Value>, oos_core::Map), ApiError> {
    let (ids, fields) = page(p, ids, FIFTY)?;
    ids.iter().for_each(|id| ctx.s.described(kind, id));
    let list = ids.iter().filter_map(|id| ctx.find(kind, id)).map(|r| {
        let mut view = r.view();
        view.insert("Tags", r.tag_list("Key", "Value"));
        Value::from(view)
    });
    Ok((list.collect(), fields))
}

fn switches_of(ctx: &Ctx<'_>, vpc: &str) -> Value {
    let ids: Vec<Arc<str>> = ctx.with(VSWITCH, "VpcId", vpc).map(|r| Arc::clone(&r.id)).collect();
    params! { "VSwitchId" => ids }
}

fn describe_vpcs(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags, name) = (p.ids("VpcId"), p.tags("Tag"), p.str("VpcName"));
    let ids =
        ctx.ids(VPC, wanted.as_deref(), |r| r.has_tags(&tags) && name.as_deref().is_none_or(|n| r.str("VpcName") == n));
    let (list, fields) = rows(ctx, p, VPC, ids)?;
    let list = list.iter().map(|row| {
        let mut row = make::map(row);
        let id = row.get("VpcId").map(Value::to_text).unwrap_or_default();
        row.insert("VSwitchIds", switches_of(ctx, &id));
        Value::from(row)
    });
    let list = list.collect();
    Ok(wrapped("Vpcs", "Vpc", list, fields))
}

fn describe_vpc(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("VpcId")?;
    ctx.s.described(VPC, &id);
    let mut out = ctx.need(VPC, &id, VPC_UNKNOWN)?.view();
    out.insert("VSwitchIds", switches_of(ctx, &id));
    Ok(Value::from(out))
}

fn create_vswitch(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (vpc, zone, cidr) = (p.need("VpcId")?, p.need("ZoneId")?, p.need("CidrBlock")?);
    ctx.need(VPC, &vpc, VPC_UNKNOWN)?;
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let id = make::add_vswitch(ctx.s, &region, None, &vpc, &zone, &cidr);
    own(ctx, VSWITCH, &id);
    ctx.set_given(VSWITCH, &id, VSWITCH_UNKNOWN, p, &["VSwitchName", "Description"])?;
    ctx.s.transit(VSWITCH, &id, "create", nothing());
    Ok(params! { "VSwitchId" => id })
}

/// True when an instance or interface has an address of the VSwitch.
fn in_use(ctx: &Ctx<'_>, id: &str) -> bool {
    let instance = |r: &crate::cloud::store::Resource| {
        r.data.get("VpcAttributes").is_some_and(|v| v.at(&["VSwitchId"]).as_str() == Some(id))
    };
    ctx.list("ECS::Instance").any(instance) || ctx.with("ECS::NetworkInterface", "VSwitchId", id).next().is_some()
}

fn delete_vswitch(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("VSwitchId")?;
    ctx.need(VSWITCH, &id, VSWITCH_UNKNOWN)?;
    if in_use(ctx, &id) {
        return Err(error("DependencyViolation"));
    }
    ctx.checked()?;
    ctx.s.store.remove(VSWITCH, &id);
    done()
}

fn describe_vswitches(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags) = (p.ids("VSwitchId"), p.tags("Tag"));
    let equal: Vec<_> = ["VpcId", "ZoneId", "VSwitchName"].iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let ids = ctx.ids(VSWITCH, wanted.as_deref(), |r| equal.iter().all(|(m, v)| &r.text(m) == v) && r.has_tags(&tags));
    let (list, fields) = rows(ctx, p, VSWITCH, ids)?;
    Ok(wrapped("VSwitches", "VSwitch", list, fields))
}
