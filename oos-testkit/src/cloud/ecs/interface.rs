//! Network interfaces and security groups.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    instance::{self, groups, in_state},
    make,
};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::{error, error_with, missing},
    page::{TEN, page},
    params::Params,
    store::Resource,
    transition::nothing,
};

const KIND: &str = "ECS::NetworkInterface";
const UNKNOWN: &str = "InvalidEniId.NotFound";
pub(crate) const GROUP: &str = "ECS::SecurityGroup";
const GROUP_UNKNOWN: &str = "InvalidSecurityGroupId.NotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeNetworkInterfaces", describe, ""),
    Api::new("CreateNetworkInterface", create, "VSwitchId!"),
    Api::new("AttachNetworkInterface", attach, "NetworkInterfaceId! InstanceId!"),
    Api::new("DetachNetworkInterface", detach, "NetworkInterfaceId! InstanceId!"),
    Api::new("DeleteNetworkInterface", delete, "NetworkInterfaceId!"),
    Api::new(
        "CreateSecurityGroup",
        create_group,
        "VpcId SecurityGroupName Description SecurityGroupType ServiceManaged Tag.N",
    ),
    Api::new("DeleteSecurityGroup", delete_group, "SecurityGroupId!"),
    Api::new("JoinSecurityGroup", join, "SecurityGroupId!"),
    Api::new("LeaveSecurityGroup", leave, "SecurityGroupId!"),
    Api::new("AuthorizeSecurityGroup", authorize, "SecurityGroupId!"),
    Api::new(
        "AuthorizeSecurityGroupEgress",
        authorize,
        "SecurityGroupId! IpProtocol PortRange DestCidrIp DestGroupId DestGroupOwnerAccount DestGroupOwnerId DestPrefixListId Ipv6DestCidrIp SourceCidrIp SourcePortRange Policy Priority NicType Description Permissions.N",
    ),
    Api::new("RevokeSecurityGroup", revoke, "SecurityGroupId!"),
    Api::new(
        "RevokeSecurityGroupEgress",
        revoke,
        "SecurityGroupId! IpProtocol PortRange DestCidrIp DestGroupId DestGroupOwnerAccount DestGroupOwnerId DestPrefixListId Ipv6DestCidrIp SourceCidrIp SourcePortRange Policy Priority NicType Description Permissions.N SecurityGroupRuleId.N",
    ),
    Api::new("ModifySecurityGroupAttribute", modify_group, "SecurityGroupId! SecurityGroupName Description"),
    Api::new(
        "ModifyNetworkInterfaceAttribute",
        modify,
        "NetworkInterfaceId! NetworkInterfaceName Description SecurityGroupId.N QueueNumber DeleteOnRelease SourceDestCheck",
    ),
    Api::new(
        "AssignPrivateIpAddresses",
        assign,
        "NetworkInterfaceId! PrivateIpAddress.N SecondaryPrivateIpAddressCount Ipv4Prefix.N Ipv4PrefixCount",
    ),
    Api::new("UnassignPrivateIpAddresses", unassign, "NetworkInterfaceId! PrivateIpAddress.N Ipv4Prefix.N"),
    Api::new("DescribeSecurityGroups", describe_groups, ""),
    Api::new("DescribeSecurityGroupAttribute", describe_group, "SecurityGroupId!"),
];

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags, group) = (p.ids("NetworkInterfaceId"), p.tags("Tag"), p.str("SecurityGroupId"));
    let members = ["InstanceId", "Type", "VSwitchId", "VpcId", "Status", "NetworkInterfaceName"];
    let equal: Vec<_> = members.iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let address = p.str("PrimaryIpAddress").or_else(|| p.list("PrivateIpAddress").into_iter().next());
    let wanted = ctx.narrowed(KIND, wanted, &equal, &tags);
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        equal.iter().all(|(m, v)| r.text(m).eq_ignore_ascii_case(v))
            && group.as_ref().is_none_or(|g| groups(r).contains(g))
            && address.as_deref().is_none_or(|a| r.str("PrivateIpAddress") == a)
            && r.has_tags(&tags)
    });
    let (ids, fields) = page(p, ids, TEN.tokens(10, 500).max(500))?;
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| r.shown(Resource::tagged_view));
    let list = list.collect();
    Ok(wrapped("NetworkInterfaceSets", "NetworkInterfaceSet", list, fields))
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let vswitch = p.need("VSwitchId")?;
    ctx.need("VPC::VSwitch", &vswitch, "InvalidVSwitchId.NotFound")?;
    let mut given = p.list("SecurityGroupIds");
    given.extend(p.str("SecurityGroupId"));
    for id in &given {
        ctx.need(GROUP, id, GROUP_UNKNOWN)?;
    }
    if given.is_empty() {
        return Err(missing("SecurityGroupId"));
    }
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let net = make::network(ctx.s, &region, Some(&vswitch), None);
    let address = p.str("PrimaryIpAddress").map_or_else(|| ctx.s.private_address(), |a| a.to_string());
    let id = make::add_interface(ctx.s, &region, &net, &given, None, &address);
    ctx.set_given(KIND, &id, UNKNOWN, p, &["NetworkInterfaceName", "Description"])?;
    ctx.change(KIND, &id, UNKNOWN)?.tags.extend(p.tags("Tag"));
    ctx.s.transit(KIND, &id, "create", nothing());
    Ok(
        params! { "NetworkInterfaceId" => id, "Status" => "Creating", "VSwitchId" => vswitch, "PrivateIpAddress" => address },
    )
}

fn modify_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.set_given(GROUP, &p.need("SecurityGroupId")?, GROUP_UNKNOWN, p, &["SecurityGroupName", "Description"])?;
    done()
}

fn modify(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, groups) = (p.need("NetworkInterfaceId")?, p.list("SecurityGroupId"));
    for group in &groups {
        ctx.need(GROUP, group, GROUP_UNKNOWN)?;
    }
    let plain = ["NetworkInterfaceName", "Description", "QueueNumber", "DeleteOnRelease", "SourceDestCheck"];
    ctx.set_given(KIND, &id, UNKNOWN, p, &plain)?;
    if !groups.is_empty() {
        ctx.change(KIND, &id, UNKNOWN)?.set("SecurityGroupIds", params! { "SecurityGroupId" => groups });
    }
    done()
}

/// The private addresses of an interface, the primary one first.
fn sets(r: &Resource) -> Vec<Value> {
    let list = r.data.get("PrivateIpSets").and_then(|v| v.at(&["PrivateIpSet"]).as_list());
    list.map(<[Value]>::to_vec).unwrap_or_default()
}

fn assign(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("NetworkInterfaceId")?;
    let mut new = p.list("PrivateIpAddress");
    if let Some(count) = p.int("SecondaryPrivateIpAddressCount")? {
        new.extend((0..count.clamp(0, 100)).map(|_| Arc::from(ctx.s.private_address())));
    }
    if new.is_empty() {
        return Err(missing("PrivateIpAddress"));
    }
    let mut all = sets(ctx.need(KIND, &id, UNKNOWN)?);
    ctx.checked()?;
    let secondary = |address: &Arc<str>| {
        params! { "PrivateIpAddress" => Arc::clone(address), "Primary" => false, "AssociatedPublicIp" => Value::empty_map() }
    };
    all.extend(new.iter().map(secondary));
    ctx.change(KIND, &id, UNKNOWN)?.set("PrivateIpSets", params! { "PrivateIpSet" => all });
    Ok(params! {
        "AssignedPrivateIpAddressesSet" => params! {
            "NetworkInterfaceId" => id, "PrivateIpSet" => params! { "PrivateIpAddress" => new },
            "Ipv4PrefixSet" => params! { "Ipv4Prefixes" => Value::empty_list() },
        },
    })
}

/// The primary address stays.
fn unassign(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, gone) = (p.need("NetworkInterfaceId")?, p.list("PrivateIpAddress"));
    let mut all = sets(ctx.need(KIND, &id, UNKNOWN)?);
    let goes = |set: &Value| {
        set.at(&["Primary"]).as_bool() != Some(true) && gone.contains(&set.at(&["PrivateIpAddress"]).to_text())
    };
    ctx.checked()?;
    all.retain(|set| !goes(set));
    ctx.change(KIND, &id, UNKNOWN)?.set("PrivateIpSets", params! { "PrivateIpSet" => all });
    done()
}

fn in_status(ctx: &Ctx<'_>, id: &str, legal: &str) -> Result<(), ApiError> {
    let status = ctx.need(KIND, id, UNKNOWN)?.str("Status");
    if status == legal {
        return Ok(());
    }
    Err(error_with("InvalidEniStatus", format!("The status \"{status}\" of \"{id}\" does not support this operation.")))
}

fn attach(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, instance) = (p.need("NetworkInterfaceId")?, p.need("InstanceId")?);
    in_status(ctx, &id, "Available")?;
    in_state(ctx, &instance, &["Running", "Stopped"])?;
    ctx.checked()?;
    ctx.change(KIND, &id, UNKNOWN)?.set("InstanceId", Arc::clone(&instance));
    let owner = Arc::clone(&instance);
    ctx.s.transit(KIND, &id, "attach", Box::new(move |state, _| make::list_interfaces(state, &owner)));
    Ok(params! { "NetworkInterfaceId" => id })
}

fn detach(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, instance) = (p.need("NetworkInterfaceId")?, p.need("InstanceId")?);
    in_status(ctx, &id, "InUse")?;
    let r = ctx.need(KIND, &id, UNKNOWN)?;
    if r.str("Type") == "Primary" || r.str("InstanceId") != &*instance {
        return Err(error("InvalidEniStatus"));
    }
    ctx.checked()?;
    let eni = Arc::clone(&id);
    ctx.s.transit(
        KIND,
        &id,
        "detach",
        Box::new(move |state, ok| {
            state.store.get_mut(KIND, &eni).into_iter().filter(|_| ok).for_each(|r| r.set("InstanceId", ""));
            make::list_interfaces(state, &instance);
        }),
    );
    done()
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("NetworkInterfaceId")?;
    in_status(ctx, &id, "Available")?;
    ctx.checked()?;
    ctx.s.store.remove(KIND, &id);
    done()
}

fn create_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let vpc = p.text("VpcId");
    if !vpc.is_empty() {
        ctx.need("VPC::VPC", &vpc, "InvalidVpcId.NotFound")?;
    }
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let id = make::add_security_group(ctx.s, &region, &vpc, &p.text("SecurityGroupName"));
    let account = Arc::clone(&ctx.account);
    if let Some(r) = ctx.s.store.get_mut(GROUP, &id) {
        r.account = account;
        r.set("Description", p.text("Description"));
        r.tags.extend(p.tags("Tag"));
    }
    Ok(params! { "SecurityGroupId" => id })
}

/// True when an instance or interface is in the group.
fn in_use(ctx: &Ctx<'_>, group: &Arc<str>) -> bool {
    ctx.list(instance::KIND).any(|r| groups(r).contains(group)) || ctx.list(KIND).any(|r| groups(r).contains(group))
}

fn delete_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("SecurityGroupId")?;
    ctx.need(GROUP, &id, GROUP_UNKNOWN)?;
    if in_use(ctx, &id) {
        return Err(error("DependencyViolation"));
    }
    ctx.checked()?;
    ctx.s.store.remove(GROUP, &id);
    done()
}

fn member(ctx: &Ctx<'_>, p: &Params) -> Result<(&'static str, Arc<str>), ApiError> {
    if let Some(id) = p.str("InstanceId") {
        ctx.need(instance::KIND, &id, instance::UNKNOWN)?;
        return Ok((instance::KIND, id));
    }
    let id = p.str("NetworkInterfaceId").ok_or_else(|| missing("InstanceId"))?;
    ctx.need(KIND, &id, UNKNOWN)?;
    Ok((KIND, id))
}

fn set_groups(r: &mut Resource, list: Vec<Arc<str>>) {
    r.set("SecurityGroupIds", params! { "SecurityGroupId" => list });
}

fn join(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, (kind, id)) = (p.need("SecurityGroupId")?, member(ctx, p)?);
    ctx.need(GROUP, &group, GROUP_UNKNOWN)?;
    let mut list = groups(ctx.need(kind, &id, instance::UNKNOWN)?);
    if list.contains(&group) {
        return Err(error("InvalidInstanceId.AlreadyExists"));
    }
    ctx.checked()?;
    list.push(group);
    set_groups(ctx.change(kind, &id, instance::UNKNOWN)?, list);
    done()
}

fn leave(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, (kind, id)) = (p.need("SecurityGroupId")?, member(ctx, p)?);
    let mut list = groups(ctx.need(kind, &id, instance::UNKNOWN)?);
    if !list.contains(&group) {
        return Err(error("InvalidInstanceId.NotInSecurityGroup"));
    }
    ctx.checked()?;
    list.retain(|g| *g != group);
    set_groups(ctx.change(kind, &id, instance::UNKNOWN)?, list);
    done()
}

/// The rules of a call: its list `Permissions`, or its own parameters. Answers show them in lower-case words.
fn rules(ctx: &Ctx<'_>, p: &Params) -> Vec<Map> {
    let direction = if ctx.api.ends_with("Egress") { "egress" } else { "ingress" };
    let given = p.maps("Permissions");
    let given = if given.is_empty() { vec![p.0.clone()] } else { given };
    given
        .iter()
        .map(|m| {
            let text = |name: &str, otherwise: &str| {
                m.get_folded(name).map_or_else(|| Arc::from(otherwise), |(_, v)| v.to_text())
            };
            let mut rule = make::map(&params! { "Direction" => direction });
            rule.insert("IpProtocol", text("IpProtocol", "").to_uppercase());
            rule.insert("PortRange", text("PortRange", ""));
            rule.insert("SourceCidrIp", text("SourceCidrIp", ""));
            rule.insert("DestCidrIp", text("DestCidrIp", ""));
            rule.insert("SourceGroupId", text("SourceGroupId", ""));
            let policy = text("Policy", "accept").to_ascii_lowercase();
            rule.insert("Policy", if policy == "drop" { "Drop" } else { "Accept" });
            rule.insert("Priority", text("Priority", "1"));
            rule.insert("NicType", text("NicType", "intranet"));
            rule.insert("Description", text("Description", ""));
            rule
        })
        .collect()
}

fn permissions(r: &Resource) -> Vec<Value> {
    r.data.get("_permissions").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
}

/// What tells one rule from another.
fn same(a: &Value, b: &Map) -> bool {
    let names = ["Direction", "IpProtocol", "PortRange", "SourceCidrIp", "DestCidrIp", "SourceGroupId", "Policy"];
    names.iter().all(|n| a.get(n) == b.get(n))
}

fn authorize(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, new) = (p.need("SecurityGroupId")?, rules(ctx, p));
    if new.iter().any(|r| r.get("IpProtocol").and_then(Value::as_str) == Some("")) {
        return Err(missing("IpProtocol"));
    }
    let mut list = permissions(ctx.need(GROUP, &id, GROUP_UNKNOWN)?);
    ctx.checked()?;
    for rule in new {
        if !list.iter().any(|old| same(old, &rule)) {
            list.push(Value::from(rule));
        }
    }
    ctx.change(GROUP, &id, GROUP_UNKNOWN)?.set("_permissions", list);
    done()
}

fn revoke(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, gone) = (p.need("SecurityGroupId")?, rules(ctx, p));
    let mut list = permissions(ctx.need(GROUP, &id, GROUP_UNKNOWN)?);
    ctx.checked()?;
    list.retain(|old| !gone.iter().any(|rule| same(old, rule)));
    ctx.change(GROUP, &id, GROUP_UNKNOWN)?.set("_permissions", list);
    done()
}

fn describe_groups(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("SecurityGroupIds").or_else(|| p.ids("SecurityGroupId"));
    let (tags, vpc, name) = (p.tags("Tag"), p.str("VpcId"), p.str("SecurityGroupName"));
    let ids = ctx.ids(GROUP, wanted.as_deref(), |r| {
        vpc.as_deref().is_none_or(|v| r.str("VpcId") == v)
            && name.as_deref().is_none_or(|n| r.str("SecurityGroupName") == n)
            && r.has_tags(&tags)
    });
    let (ids, fields) = page(p, ids, TEN)?;
    let list = ids.iter().filter_map(|id| ctx.find(GROUP, id)).map(|r| r.shown(Resource::tagged_view));
    let list = list.collect();
    Ok(wrapped("SecurityGroups", "SecurityGroup", list, fields))
}

fn describe_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, direction) = (p.need("SecurityGroupId")?, p.text("Direction"));
    let r = ctx.need(GROUP, &id, GROUP_UNKNOWN)?;
    let fits =
        |rule: &Value| direction.is_empty() || &*direction == "all" || *rule.at(&["Direction"]).to_text() == *direction;
    let list: Vec<Value> = permissions(r).into_iter().filter(fits).collect();
    let mut out = r.view();
    out.insert("InnerAccessPolicy", "Accept");
    Ok(wrapped("Permissions", "Permission", list, out))
}
