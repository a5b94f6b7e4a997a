//! The operations of RAM and STS.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{Account, Caller, MAX_SESSION, Policy, Principal, Role, caller::may_assume, hops};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::{error, error_with},
    params::Params,
};

pub(crate) const APIS: &[Api] = &[
    Api::new("GetPolicy", get_policy, "PolicyName!"),
    Api::new("CreatePolicy", create_policy, "PolicyName! PolicyDocument! Description Tag.N"),
    Api::new("DeletePolicy", delete_policy, "PolicyName! CascadingDelete"),
    Api::new("CreateRole", create_role, "RoleName! AssumeRolePolicyDocument! Description MaxSessionDuration Tag.N"),
    Api::new("GetRole", get_role, "RoleName! Language"),
    Api::new("DeleteRole", delete_role, "RoleName!"),
    Api::new("CreateUser", create_user, "UserName! DisplayName MobilePhone Email Comments Tag.N"),
    Api::new("GetUser", get_user, "UserName!"),
    Api::new("AttachPolicyToRole", attach_to_role, "PolicyType PolicyName! RoleName!"),
    Api::new("AttachPolicyToUser", attach_to_user, "PolicyType PolicyName! UserName!"),
    Api::new("DetachPolicyFromRole", detach_from_role, "PolicyType PolicyName! RoleName!"),
    Api::new("DetachPolicyFromUser", detach_from_user, "PolicyType PolicyName! UserName!"),
    Api::new("ListPoliciesForRole", policies_for_role, "RoleName!"),
    Api::new("ListPoliciesForUser", policies_for_user, "UserName!"),
    Api::new("UpdateLoginProfile", update_login, "UserName!"),
    Api::new("GetLoginProfile", get_login, "UserName!"),
    Api::new("SetPasswordPolicy", set_password_policy, ""),
    Api::new("GetPasswordPolicy", get_password_policy, ""),
];

/// The operations of STS.
pub(crate) const STS_APIS: &[Api] = &[
    Api::new("AssumeRole", assume_role, "RoleArn! RoleSessionName! DurationSeconds Policy ExternalId SourceIdentity"),
    Api::new("GetCallerIdentity", identity, ""),
];

fn account<'a>(ctx: &'a mut Ctx<'_>) -> &'a mut Account {
    let id = ctx.account.to_string();
    ctx.s.ram.account(&id)
}

fn key(p: &Params) -> Result<(String, String), ApiError> {
    let kind = if p.text("PolicyType").eq_ignore_ascii_case("System") { "System" } else { "Custom" };
    Ok((kind.to_owned(), p.need("PolicyName")?.to_string()))
}

fn get_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let key = key(p)?;
    let policy = account(ctx).policies.get(&key).cloned().ok_or_else(|| error("EntityNotExist.Policy"))?;
    let version = format!("v{}", policy.version);
    Ok(params! {
        "Policy" => params! {
            "PolicyName" => key.1, "PolicyType" => key.0, "DefaultVersion" => version.as_str(),
            "Description" => policy.description, "AttachmentCount" => 0,
        },
        "DefaultPolicyVersion" => params! {
            "VersionId" => version.as_str(), "IsDefaultVersion" => true, "PolicyDocument" => policy.document.to_string(),
        },
    })
}

/// A policy document; JSON text or already parsed.
fn document(p: &Params, name: &str) -> Result<Value, ApiError> {
    let value = p.get(name).parsed_if_json_text();
    if value.get("Statement").is_some() { Ok(value) } else { Err(error("InvalidParameter.PolicyGrammar")) }
}

fn create_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (key, document) = (("Custom".to_owned(), p.need("PolicyName")?.to_string()), document(p, "PolicyDocument")?);
    let policies = &mut account(ctx).policies;
    if policies.contains_key(&key) {
        return Err(error("EntityAlreadyExists.Policy"));
    }
    policies.insert(key.clone(), Policy { document, version: 1, description: p.text("Description").to_string() });
    Ok(params! { "Policy" => params! { "PolicyName" => key.1, "PolicyType" => key.0, "DefaultVersion" => "v1" } })
}

fn delete_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let key = ("Custom".to_owned(), p.need("PolicyName")?.to_string());
    let account = account(ctx);
    let used = |of: &Principal| of.attached.contains(&key);
    if account.roles.values().any(|r| used(&r.of)) || account.users.values().any(used) {
        return Err(error_with("DeleteConflict.Policy", "The policy is attached to an identity."));
    }
    account.policies.remove(&key).map(|_| Value::empty_map()).ok_or_else(|| error("EntityNotExist.Policy"))
}

fn role_view(account: &str, role: &Role) -> Value {
    params! { "Role" => params! {
        "RoleName" => role.name.as_str(), "RoleId" => format!("3{:017}", role.name.len()),
        "Arn" => format!("acs:ram::{account}:role/{}", role.name.to_lowercase()),
        "AssumeRolePolicyDocument" => role.trust.to_string(), "MaxSessionDuration" => role.max_session,
    } }
}

fn create_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("RoleName")?.to_string();
    let role = Role {
        name: name.clone(),
        trust: document(p, "AssumeRolePolicyDocument")?,
        max_session: p.int("MaxSessionDuration")?.unwrap_or(MAX_SESSION),
        of: Principal::default(),
    };
    let (id, roles) = (ctx.account.to_string(), &mut account(ctx).roles);
    if roles.contains_key(&name.to_lowercase()) {
        return Err(error("EntityAlreadyExists.Role"));
    }
    let view = role_view(&id, &role);
    roles.insert(name.to_lowercase(), role);
    Ok(view)
}

fn get_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, name) = (ctx.account.to_string(), p.need("RoleName")?.to_lowercase());
    account(ctx).roles.get(&name).map(|role| role_view(&id, role)).ok_or_else(|| error("EntityNotExist.Role"))
}

fn delete_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("RoleName")?.to_lowercase();
    let roles = &mut account(ctx).roles;
    let role = roles.get(&name).ok_or_else(|| error("EntityNotExist.Role"))?;
    if !role.of.attached.is_empty() {
        return Err(error_with("DeleteConflict.Role.Policy", "The role still has policies."));
    }
    roles.remove(&name);
    done()
}

fn create_user(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("UserName")?.to_string();
    account(ctx).users.entry(name.clone()).or_default();
    Ok(params! { "User" => params! { "UserName" => name, "UserId" => "2000000000000001" } })
}

fn get_user(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("UserName")?.to_string();
    user(ctx, &name)?;
    Ok(params! { "User" => params! { "UserName" => name, "UserId" => "2000000000000001" } })
}

fn user<'a>(ctx: &'a mut Ctx<'_>, name: &str) -> Result<&'a mut Principal, ApiError> {
    account(ctx).users.get_mut(name).ok_or_else(|| error("EntityNotExist.User"))
}

fn role<'a>(ctx: &'a mut Ctx<'_>, name: &str) -> Result<&'a mut Principal, ApiError> {
    account(ctx).roles.get_mut(&name.to_lowercase()).map(|r| &mut r.of).ok_or_else(|| error("EntityNotExist.Role"))
}

/// The policy that is to be attached. System policies of which the fake has no document come to be with an empty one.
fn existing(ctx: &mut Ctx<'_>, p: &Params) -> Result<(String, String), ApiError> {
    let key = key(p)?;
    let policies = &mut account(ctx).policies;
    if key.0 == "System" {
        policies.entry(key.clone()).or_insert_with(|| Policy { version: 1, ..Policy::default() });
    }
    if policies.contains_key(&key) { Ok(key) } else { Err(error("EntityNotExist.Policy")) }
}

fn attach(of: &mut Principal, key: (String, String)) -> Result<Value, ApiError> {
    if of.attached.contains(&key) {
        return Err(error_with("EntityAlreadyExists.Policy", "The policy is attached already."));
    }
    of.attached.push(key);
    done()
}

fn attach_to_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let key = existing(ctx, p)?;
    attach(role(ctx, &p.need("RoleName")?)?, key)
}

fn attach_to_user(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let key = existing(ctx, p)?;
    attach(user(ctx, &p.need("UserName")?)?, key)
}

fn detach(of: &mut Principal, key: &(String, String)) -> Result<Value, ApiError> {
    let before = of.attached.len();
    of.attached.retain(|k| k != key);
    if of.attached.len() == before { Err(error("EntityNotExist.Policy")) } else { done() }
}

fn detach_from_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let key = key(p)?;
    detach(role(ctx, &p.need("RoleName")?)?, &key)
}

fn detach_from_user(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let key = key(p)?;
    detach(user(ctx, &p.need("UserName")?)?, &key)
}

fn listed(of: &Principal) -> Value {
    let list = of.attached.iter().map(|(kind, name)| {
        params! { "PolicyName" => name.as_str(), "PolicyType" => kind.as_str(), "DefaultVersion" => "v1" }
    });
    wrapped("Policies", "Policy", list.collect(), Map::new())
}

fn policies_for_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    role(ctx, &p.need("RoleName")?).map(|of| listed(of))
}

fn policies_for_user(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    user(ctx, &p.need("UserName")?).map(|of| listed(of))
}

fn update_login(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let of = user(ctx, &p.need("UserName")?)?;
    let mut login = of.login.as_map().cloned().unwrap_or_default();
    for name in ["UserName", "MFABindRequired", "PasswordResetRequired"] {
        if p.has(name) {
            login.insert(name, p.get(name).clone());
        }
    }
    of.login = Value::from(login);
    done()
}

fn get_login(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let login = user(ctx, &p.need("UserName")?)?.login.clone();
    if login.is_null() {
        Err(error("EntityNotExist.User.LoginProfile"))
    } else {
        Ok(params! { "LoginProfile" => login })
    }
}

fn set_password_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let mut given = p.0.clone();
    given.remove("RegionId");
    let account = account(ctx);
    let mut policy = account.password_policy.as_map().cloned().unwrap_or_default();
    policy.extend(given);
    account.password_policy = Value::from(policy);
    Ok(params! { "PasswordPolicy" => account.password_policy.clone() })
}

fn get_password_policy(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    Ok(params! { "PasswordPolicy" => account(ctx).password_policy.clone() })
}

fn assume_role(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (arn, session) = (p.need("RoleArn")?, p.need("RoleSessionName")?);
    let legal = |c: char| c.is_ascii_alphanumeric() || "@._-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(legal) {
        return Err(error("InvalidParameter.RoleSessionName"));
    }
    let parsed = arn.starts_with("acs:ram::").then(|| hops(&arn, "").pop()).flatten();
    let (account, name) = parsed.ok_or_else(|| error("InvalidParameter.RoleArn"))?;
    let most = ctx.s.ram.account(&account).roles.get(&name.to_lowercase()).map_or(MAX_SESSION, |r| r.max_session);
    let seconds = p.int("DurationSeconds")?.unwrap_or(MAX_SESSION);
    if !(900..=most).contains(&seconds) {
        return Err(error("InvalidParameter.DurationSeconds"));
    }
    if p.has("Policy") {
        document(p, "Policy")?;
    }
    if matches!(ctx.caller, Caller::Root { .. }) {
        return Err(error_with("NoPermission", "Roles may not be assumed by root accounts."));
    }
    let by = Some(ctx.caller.clone()).filter(|caller| !matches!(caller, Caller::Service { .. }));
    may_assume(ctx.s, by.as_ref(), &account, &name)?;
    let number = ctx.s.ids.number("sts");
    let (id, until) = (format!("STS.fake{number:08}"), ctx.now().plus_seconds(seconds).to_iso());
    Ok(params! {
        "Credentials" => params! {
            "AccessKeyId" => id.as_str(), "AccessKeySecret" => format!("secret-of-{id}"), "SecurityToken" => format!("token-of-{id}"),
            "Expiration" => until,
        },
        "AssumedRoleUser" => params! {
            "Arn" => format!("acs:ram::{account}:role/{}/{session}", name.to_lowercase()),
            "AssumedRoleId" => format!("3000000000000001:{session}"),
        },
    })
}

fn identity(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let kind = match &ctx.caller {
        Caller::Root { .. } | Caller::Service { .. } => "Account",
        Caller::User { .. } => "RAMUser",
        Caller::Role { .. } => "AssumedRoleUser",
    };
    Ok(params! {
        "AccountId" => Arc::clone(&ctx.account), "Arn" => ctx.caller.arn(), "IdentityType" => kind,
        "PrincipalId" => Arc::clone(&ctx.account), "UserId" => Arc::clone(&ctx.account), "RoleId" => "",
    })
}
