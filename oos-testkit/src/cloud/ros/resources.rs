//! The resources that stacks make for real; any other type becomes a placeholder with a seeded id.

use std::sync::Arc;

use oos_core::{Map, Value, params};

use super::Plan;
use crate::cloud::{
    ecs::{
        instance,
        make::{self, Spec, map},
    },
    fc,
    params::{Params, tags_of},
    ram::{Policy, Principal, Role},
    state::State,
};

/// A resource of a stack.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) id: String,
    /// All ids that are behind it.
    ids: Vec<String>,
}

/// Makes all resources in order.
pub(super) fn make_all(state: &mut State, plan: &mut Plan) -> Result<(), String> {
    for name in plan.template.order()? {
        let (kind, properties) = plan.template.resource(&name);
        let (id, ids, attributes) = make_one(state, plan, &kind, &Params(properties))
            .map_err(|e| format!("Resource CREATE failed: resources.{name}: {e}"))?;
        plan.template.set(&name, &Value::from(id.as_str()), attributes);
        plan.made.push(Made { name, kind, id, ids });
    }
    Ok(())
}

type New = (String, Vec<String>, Map);

fn one(id: &str, attributes: Value) -> New {
    (id.to_owned(), vec![id.to_owned()], map(&attributes))
}

fn make_one(state: &mut State, plan: &Plan, kind: &str, p: &Params) -> Result<New, String> {
    let region = &*plan.region;
    match kind {
        "ALIYUN::ECS::VPC" => {
            let id = make::add_vpc(state, region, &p.str("CidrBlock").unwrap_or_else(|| "172.16.0.0/12".into()));
            own(state, plan, "VPC::VPC", &id);
            Ok(one(&id, params! { "VpcId" => Arc::clone(&id), "VRouterId" => "vrt-fake" }))
        }
        "ALIYUN::ECS::VSwitch" => {
            let vpc = p
                .str("VpcId")
                .filter(|id| state.store.get("VPC::VPC", id).is_some())
                .ok_or("the VPC does not exist")?;
            let id = make::add_vswitch(state, region, None, &vpc, &p.text("ZoneId"), &p.text("CidrBlock"));
            own(state, plan, "VPC::VSwitch", &id);
            Ok(one(&id, params! { "VSwitchId" => Arc::clone(&id), "CidrBlock" => p.text("CidrBlock") }))
        }
        "ALIYUN::ECS::SecurityGroup" => {
            let id = make::add_security_group(state, region, &p.text("VpcId"), &p.text("SecurityGroupName"));
            own(state, plan, "ECS::SecurityGroup", &id);
            Ok(one(&id, params! { "SecurityGroupId" => Arc::clone(&id) }))
        }
        "ALIYUN::ECS::InstanceGroup" | "ALIYUN::ECS::Instance" => Ok(instances(state, plan, p)),
        "ALIYUN::RAM::Role" => role(state, plan, p),
        "ALIYUN::RAM::ManagedPolicy" => policy(state, plan, p),
        "ALIYUN::RAM::AttachPolicyToRole" | "ALIYUN::RAM::AttachPolicyToUser" => attach(state, plan, p, kind),
        "ALIYUN::FC::Service" => Ok(fc_resource(state, plan, fc::SERVICE, &p.text("ServiceName"), p)),
        "ALIYUN::FC::Function" => {
            let name = format!("{}/{}", p.text("ServiceName"), p.text("FunctionName"));
            Ok(fc_resource(state, plan, fc::FUNCTION, &name, p))
        }
        "ALIYUN::FC::FunctionInvoker" => {
            let result = fc::invoke(state, &p.text("ServiceName"), &p.text("FunctionName"), &p.get("Event").to_text());
            let id = state.ids.uuid("invoker");
            Ok(one(&id, params! { "Result" => result, "ResultType" => "Success" }))
        }
        _ => {
            let id = state.ids.next("ros-", region);
            Ok(one(&id, Value::empty_map()))
        }
    }
}

fn own(state: &mut State, plan: &Plan, kind: &'static str, id: &str) {
    state.store.get_mut(kind, id).into_iter().for_each(|r| r.account = Arc::clone(&plan.account));
}

fn instances(state: &mut State, plan: &Plan, p: &Params) -> New {
    let text = |name: &str| p.str(name).map(|t| t.to_string());
    let count = p.int("MaxAmount").ok().flatten().unwrap_or(1).clamp(1, 100);
    let spec = Spec {
        name: text("InstanceName").unwrap_or_else(|| plan.name.to_string()),
        image: text("ImageId"),
        windows: p.text("ImageId").starts_with("win"),
        instance_type: text("InstanceType").unwrap_or_else(|| Spec::default().instance_type),
        zone: text("ZoneId"),
        vswitch: text("VSwitchId"),
        security_groups: text("SecurityGroupId").into_iter().collect(),
        public_ip: p.bool("AllocatePublicIP"),
        tags: tags_of(p.get("Tags")),
        charge_type: text("InstanceChargeType").unwrap_or_else(|| "PostPaid".to_owned()),
        ..Spec::default()
    };
    let ids: Vec<String> = (0..count).map(|_| make::make(state, &plan.region, spec.clone()).to_string()).collect();
    ids.iter().for_each(|id| own(state, plan, instance::KIND, id));
    let addresses: Vec<Value> = ids
        .iter()
        .filter_map(|id| state.store.get(instance::KIND, id))
        .filter_map(|r| r.data.get("VpcAttributes"))
        .filter_map(|v| v.at(&["PrivateIpAddress", "IpAddress"]).as_list().and_then(<[Value]>::first).cloned())
        .collect();
    let first = ids.first().cloned().unwrap_or_default();
    let attributes = params! {
        "InstanceIds" => ids.clone(), "InstanceId" => first.as_str(), "PrivateIps" => addresses.clone(),
        "PrivateIp" => addresses.first().cloned().unwrap_or_default(), "ZoneIds" => [p.text("ZoneId")],
    };
    (first, ids, map(&attributes))
}

fn role(state: &mut State, plan: &Plan, p: &Params) -> Result<New, String> {
    let name = p.str("RoleName").unwrap_or_else(|| format!("{}-role", plan.name).into()).to_string();
    let account = state.ram.account(&plan.account);
    if account.roles.contains_key(&name.to_lowercase()) {
        return Err(format!("EntityAlreadyExists.Role: the role {name} exists already"));
    }
    let inline = p.maps("Policies").iter().filter_map(|m| m.get("PolicyDocument").cloned()).collect();
    let role = Role {
        name: name.clone(),
        trust: p.get("AssumeRolePolicyDocument").parsed_if_json_text(),
        max_session: crate::cloud::ram::MAX_SESSION,
        of: Principal { inline, ..Principal::default() },
    };
    account.roles.insert(name.to_lowercase(), role);
    let arn = format!("acs:ram::{}:role/{}", plan.account, name.to_lowercase());
    Ok(one(&name, params! { "RoleName" => name.as_str(), "Arn" => arn, "RoleId" => "300000000000000001" }))
}

fn policy(state: &mut State, plan: &Plan, p: &Params) -> Result<New, String> {
    let name = p.need("PolicyName").map_err(|e| e.to_string())?.to_string();
    let account = state.ram.account(&plan.account);
    let key = ("Custom".to_owned(), name.clone());
    if account.policies.contains_key(&key) {
        return Err(format!("EntityAlreadyExists.Policy: the policy {name} exists already"));
    }
    let document = p.get("PolicyDocument").parsed_if_json_text();
    account
        .policies
        .insert(key.clone(), Policy { document, version: 1, description: p.text("Description").to_string() });
    for role in p.list("Roles") {
        let of = account.roles.get_mut(&role.to_lowercase()).ok_or_else(|| format!("EntityNotExist.Role: {role}"))?;
        of.of.attached.push(key.clone());
    }
    for user in p.list("Users") {
        account.users.get_mut(&*user).ok_or_else(|| format!("EntityNotExist.User: {user}"))?.attached.push(key.clone());
    }
    Ok(one(&name, params! { "PolicyName" => name.as_str() }))
}

fn attach(state: &mut State, plan: &Plan, p: &Params, kind: &str) -> Result<New, String> {
    let key = (p.str("PolicyType").unwrap_or_else(|| "Custom".into()).to_string(), p.text("PolicyName").to_string());
    let account = state.ram.account(&plan.account);
    if key.0 == "System" {
        account.policies.entry(key.clone()).or_insert_with(|| Policy { version: 1, ..Policy::default() });
    } else if !account.policies.contains_key(&key) {
        return Err(format!("EntityNotExist.Policy: {}", key.1));
    }
    let (of, whom) = if kind.ends_with("Role") {
        let name = p.text("RoleName");
        (account.roles.get_mut(&name.to_lowercase()).map(|r| &mut r.of), format!("role/{name}"))
    } else {
        let name = p.text("UserName");
        (account.users.get_mut(&*name), format!("user/{name}"))
    };
    of.ok_or_else(|| format!("EntityNotExist: {whom}"))?.attached.push(key.clone());
    let id = format!("{whom}|{}|{}", key.0, key.1);
    Ok(one(&id, params! { "PolicyName" => key.1 }))
}

fn fc_resource(state: &mut State, plan: &Plan, kind: &'static str, name: &str, p: &Params) -> New {
    fc::add(state, &plan.region, kind, name, &p.0);
    own(state, plan, kind, name);
    one(
        name,
        params! { "ServiceName" => p.text("ServiceName"), "FunctionName" => p.text("FunctionName"), "ServiceId" => name },
    )
}

/// Removes all resources of a stack, the last one first.
pub(super) fn remove_all(state: &mut State, stack: &str) -> Result<(), String> {
    let Some(plan) = state.ros.stacks.get(stack).cloned() else { return Ok(()) };
    for made in plan.made.iter().rev() {
        remove_one(state, &plan, made).map_err(|e| format!("Resource DELETE failed: resources.{}: {e}", made.name))?;
    }
    if let Some(plan) = state.ros.stacks.get_mut(stack) {
        plan.made.clear();
    }
    Ok(())
}

fn remove_one(state: &mut State, plan: &Plan, made: &Made) -> Result<(), String> {
    let simple = match made.kind.as_str() {
        "ALIYUN::ECS::VPC" => Some("VPC::VPC"),
        "ALIYUN::ECS::SecurityGroup" => Some("ECS::SecurityGroup"),
        "ALIYUN::FC::Service" => Some(fc::SERVICE),
        "ALIYUN::FC::Function" => Some(fc::FUNCTION),
        _ => None,
    };
    match (simple, made.kind.as_str()) {
        (Some(kind), _) => {
            state.store.remove(kind, &made.id);
        }
        (None, "ALIYUN::ECS::VSwitch") => {
            let used = state.store.with("ECS::NetworkInterface", "VSwitchId", &made.id).next().is_some();
            if used {
                return Err("DependencyViolation: the VSwitch is still in use".to_owned());
            }
            state.store.remove("VPC::VSwitch", &made.id);
        }
        (None, "ALIYUN::ECS::InstanceGroup" | "ALIYUN::ECS::Instance") => {
            made.ids.iter().for_each(|id| instance::remove(state, id));
        }
        (None, "ALIYUN::RAM::Role") => {
            state.ram.account(&plan.account).roles.remove(&made.id.to_lowercase());
        }
        (None, "ALIYUN::RAM::ManagedPolicy") => {
            let account = state.ram.account(&plan.account);
            let key = ("Custom".to_owned(), made.id.clone());
            account.policies.remove(&key);
            account.roles.values_mut().for_each(|r| r.of.attached.retain(|k| *k != key));
            account.users.values_mut().for_each(|u| u.attached.retain(|k| *k != key));
        }
        (None, "ALIYUN::RAM::AttachPolicyToRole" | "ALIYUN::RAM::AttachPolicyToUser") => detach(state, plan, &made.id),
        _ => {}
    }
    Ok(())
}

fn detach(state: &mut State, plan: &Plan, id: &str) {
    let mut parts = id.split('|');
    let (whom, kind, name) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let key = (kind.to_owned(), name.to_owned());
    let account = state.ram.account(&plan.account);
    let of = match whom.split_once('/') {
        Some(("role", role)) => account.roles.get_mut(&role.to_lowercase()).map(|r| &mut r.of),
        Some((_, user)) => account.users.get_mut(user),
        None => None,
    };
    of.into_iter().for_each(|p| p.attached.retain(|k| *k != key));
}
