//! Who calls: role chains, tokens, and the check of permissions.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use oos_core::{
    Map, Value, params,
    ports::{ApiError, ApiRequest},
};

use super::{
    MAX_SESSION, OOS, Principal, Role, Session, allow_all,
    policy::{Decision, Wish, decide},
    resource, trust_service,
};
use crate::{
    calls::{Answer, Call, Permission},
    cloud::{
        Enforcement,
        error::{error, error_with},
        params::{Params, texts},
        state::State,
    },
};

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Root {
        account: String,
    },
    User {
        account: String,
        name: String,
    },
    Role {
        account: String,
        name: String,
    },
    /// The OOS service itself, which assumes the first role of a chain.
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "only a signature tells it apart"))]
    Service {
        account: String,
    },
}

impl Caller {
    pub(crate) fn account(&self) -> &str {
        match self {
            Self::Root { account }
            | Self::User { account, .. }
            | Self::Role { account, .. }
            | Self::Service { account } => account,
        }
    }

    /// As the log shows it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Root { .. } => "root".to_owned(),
            Self::User { name, .. } => format!("user/{name}"),
            Self::Role { name, .. } => format!("role/{name}"),
            Self::Service { .. } => format!("service/{OOS}"),
        }
    }

    pub(crate) fn arn(&self) -> String {
        match self {
            Self::Root { account } => format!("acs:ram::{account}:root"),
            Self::User { account, name } => format!("acs:ram::{account}:user/{name}"),
            Self::Role { account, name } => format!("acs:ram::{account}:role/{name}"),
            Self::Service { .. } => OOS.to_owned(),
        }
    }
}

/// The hops of a role chain `RoleA|<account>/RoleB`, each as account and role name.
pub(crate) fn hops(chain: &str, own: &str) -> Vec<(String, String)> {
    let mut account = own.to_owned();
    let mut out = Vec::new();
    for hop in chain.split('|').map(str::trim).filter(|hop| !hop.is_empty()) {
        let name = match hop.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/")) {
            Some((other, name)) => {
                other.clone_into(&mut account);
                name
            }
            None => match hop.split_once('/') {
                Some((other, name)) => {
                    other.clone_into(&mut account);
                    name
                }
                None => hop,
            },
        };
        out.push((account.clone(), name.to_owned()));
    }
    out
}

/// The caller that a request is made as; the log's entry is made before this, so it looks only.
pub(crate) fn caller_of(state: &State, request: &ApiRequest) -> Caller {
    let own = state.account.to_string();
    match hops(&request.role, &own).pop() {
        Some((account, name)) => Caller::Role { account, name },
        None => base(state),
    }
}

fn base(state: &State) -> Caller {
    let account = state.account.to_string();
    if state.ram.user.is_empty() {
        Caller::Root { account }
    } else {
        Caller::User { account, name: state.ram.user.clone() }
    }
}

/// Assumes the roles of the chain hop by hop, where no token is left of an earlier call. Each hop is recorded.
pub(crate) fn resolve(state: &mut State, request: &ApiRequest, number: usize) -> Result<(), ApiError> {
    let own = state.account.to_string();
    let (mut key, mut from) = (String::new(), None);
    let starts_own = request.role.trim_start().starts_with('|');
    for (account, name) in hops(&request.role, &own) {
        key = format!("{key}|{account}/{}", name.to_lowercase());
        let live = state.ram.sessions.get(&key).is_some_and(|s| s.until > state.now);
        if live {
            expire(state, &key)?;
        } else {
            // The service assumes the first role, unless the chain begins with the caller's own identity.
            let by = from.clone().or_else(|| starts_own.then(|| base(state)));
            assume(state, number, by.as_ref(), &account, &name)?;
            let session = Session { since: state.now, until: state.now + session_length(state, &account, &name) };
            state.ram.sessions.insert(key.clone(), session);
        }
        from = Some(Caller::Role { account, name });
    }
    Ok(())
}

fn session_length(state: &mut State, account: &str, name: &str) -> Duration {
    let role = state.ram.account(account).roles.get(&name.to_lowercase());
    let seconds = role.map_or(MAX_SESSION, |r| r.max_session.min(MAX_SESSION));
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// Ends a token early, when the test asked for it.
fn expire(state: &mut State, key: &str) -> Result<(), ApiError> {
    let Some(at) = state.rules.expire_tokens_at.filter(|at| *at <= state.now) else { return Ok(()) };
    if state.ram.sessions.get(key).is_none_or(|s| s.since >= at) {
        return Ok(());
    }
    state.ram.sessions.clear();
    Err(error("InvalidSecurityToken.Expired"))
}

/// One hop, recorded as a call of STS.
fn assume(state: &mut State, number: usize, by: Option<&Caller>, account: &str, name: &str) -> Result<(), ApiError> {
    let answer = may_assume(state, by, account, name);
    let Some(of) = state.calls.get(number) else { return answer };
    let session = of.origin.execution.as_ref().map_or_else(|| "oos".to_owned(), |id| format!("oos-{id}"));
    let arguments = params! {
        "RoleArn" => format!("acs:ram::{account}:role/{name}"),
        "RoleSessionName" => session.chars().take(64).collect::<String>(), "DurationSeconds" => MAX_SESSION,
    };
    let call = Call {
        number: state.calls.len(),
        service: "Sts".into(),
        api: "AssumeRole".into(),
        caller: by.map_or_else(|| format!("service/{OOS}"), Caller::label).into(),
        params: arguments.clone(),
        raw: arguments,
        started: state.now,
        ended: Some(state.now),
        attempt: 1,
        answer: match &answer {
            Ok(()) => Answer::Ok(Value::empty_map()),
            Err(e) => Answer::Error { code: e.code().into(), status: 403, message: e.to_string().into() },
        },
        warnings: Vec::new(),
        needs: Vec::new(),
        touched_by: Vec::new(),
        ..(**of).clone()
    };
    state.calls.push(Arc::new(call));
    answer
}

/// May `by` (the service itself when `None`) assume a role?
pub(crate) fn may_assume(state: &mut State, by: Option<&Caller>, account: &str, name: &str) -> Result<(), ApiError> {
    let wish = Wish {
        action: "sts:AssumeRole".to_owned(),
        resource: format!("acs:ram::{account}:role/{name}"),
        ..Wish::default()
    };
    let own_allows = by.is_none_or(|caller| decide(&documents(state, caller), &wish) == Decision::Allow);
    let of = state.ram.account(account);
    let enforcement = of.enforcement;
    let Some(role) = of.roles.get(&name.to_lowercase()) else {
        if enforcement != Enforcement::Off {
            return Err(error("EntityNotExist.Role"));
        }
        let role = Role {
            name: name.to_owned(),
            trust: trust_service(OOS),
            max_session: MAX_SESSION,
            of: Principal { inline: vec![allow_all()], ..Principal::default() },
        };
        of.roles.insert(name.to_lowercase(), role);
        return Ok(());
    };
    if enforcement != Enforcement::On || (trusts(&role.trust, by) && own_allows) {
        return Ok(());
    }
    let who = by.map_or_else(|| OOS.to_owned(), Caller::arn);
    Err(error_with("NoPermission", format!("{who} is not authorized to assume the role {name}.")))
}

fn trusts(trust: &Value, by: Option<&Caller>) -> bool {
    let statements = match trust.at(&["Statement"]) {
        Value::List(list) => list.to_vec(),
        one => vec![one.clone()],
    };
    let allows = |s: &Value| s.at(&["Effect"]).to_text().eq_ignore_ascii_case("Allow");
    let names = |s: &Value| match by {
        None => texts(s.at(&["Principal", "Service"])).iter().any(|name| &**name == OOS),
        Some(caller) => texts(s.at(&["Principal", "RAM"])).iter().any(|arn| {
            arn.eq_ignore_ascii_case(&caller.arn()) || **arn == *format!("acs:ram::{}:root", caller.account())
        }),
    };
    statements.iter().any(|s| allows(s) && names(s))
}

/// The policy documents of a caller.
fn documents(state: &mut State, caller: &Caller) -> Vec<Value> {
    let account = state.ram.account(caller.account());
    let principal = match caller {
        Caller::Root { .. } | Caller::Service { .. } => return vec![allow_all()],
        Caller::User { name, .. } => account.users.get(name).cloned(),
        Caller::Role { name, .. } => account.roles.get(&name.to_lowercase()).map(|r| r.of.clone()),
    };
    principal.map(|p| account.documents(&p)).unwrap_or_default()
}

/// True when nothing can be denied to a caller: root, the service, and roles whose only document allows all.
fn may_everything(state: &mut State, caller: &Caller) -> bool {
    static ALL: LazyLock<Value> = LazyLock::new(allow_all);
    let account = state.ram.account(caller.account());
    match caller {
        Caller::Root { .. } | Caller::Service { .. } => true,
        Caller::User { .. } => false,
        Caller::Role { name, .. } => account.roles.get(&name.to_lowercase()).is_some_and(|role| {
            let of = &role.of;
            of.attached.is_empty() && of.groups.is_empty() && of.inline.as_slice() == std::slice::from_ref(&*ALL)
        }),
    }
}

/// The policy documents of the last role of a chain; `None` when there is no such role.
pub(crate) fn role_documents(state: &mut State, chain: &str) -> Option<Vec<Value>> {
    let (account, name) = hops(chain, &state.account.clone()).pop()?;
    state.ram.account(&account).roles.get(&name.to_lowercase())?;
    Some(documents(state, &Caller::Role { account, name }))
}

/// Notes the permissions that a call needs and refuses it where policies decide.
pub(crate) fn check(
    state: &mut State,
    caller: &Caller,
    number: usize,
    params: &Params,
    bucket: Option<&str>,
) -> Result<(), ApiError> {
    let Some(call) = state.calls.get(number).map(Arc::clone) else { return Ok(()) };
    let action = resource::action(&call);
    // Who may do everything is not asked about each resource.
    let documents = if may_everything(state, caller) { None } else { Some(documents(state, caller)) };
    let mut denied = None;
    let mut needs = Vec::new();
    for (arn, id) in resource::resources(&call, params, bucket) {
        let decision = documents.as_ref().map_or(Decision::Allow, |documents| {
            let context = context(state, caller, &params.0, id.as_deref());
            decide(documents, &Wish { action: action.clone(), resource: arn.clone(), context })
        });
        needs.push(Permission { action: action.clone(), resource: arn.clone(), allowed: decision == Decision::Allow });
        if decision != Decision::Allow && denied.is_none() {
            denied = Some((arn, decision));
        }
    }
    let enforcement = state.ram.account(caller.account()).enforcement;
    drop(call);
    if let Some(call) = state.call_mut(number) {
        call.needs = needs;
        if let Some((arn, _)) = denied.as_ref().filter(|_| enforcement == Enforcement::Audit) {
            call.warnings.push(format!("RAM would deny {action} on {arn}"));
        }
    }
    match denied {
        Some((arn, decision)) if enforcement == Enforcement::On => match state.calls.get(number) {
            Some(call) => Err(refusal(call, caller, &action, &arn, decision)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn context(state: &State, caller: &Caller, params: &Map, id: Option<&str>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    // CHOICE: where calls of tests come from.
    out.insert("acs:SourceIp".to_owned(), "10.0.0.1".to_owned());
    out.insert("acs:SecureTransport".to_owned(), "true".to_owned());
    out.insert("acs:MFAPresent".to_owned(), "false".to_owned());
    out.insert("acs:CurrentTime".to_owned(), state.now.to_iso());
    out.insert("acs:PrincipalARN".to_owned(), caller.arn());
    for (key, value) in resource::request_tags(params) {
        out.insert(format!("acs:RequestTag/{key}"), value);
    }
    let found = id.and_then(|id| state.store.by_id(id));
    for (key, value) in found.map(|(_, r)| r.tags.clone()).unwrap_or_default() {
        out.insert(format!("acs:ResourceTag/{key}"), value.clone());
        out.insert(format!("ecs:tag/{key}"), value);
    }
    out
}

/// CHOICE: services that answer `NoPermission`; object storage answers `AccessDenied`, all others `Forbidden.RAM`.
const NO_PERMISSION: [&str; 5] = ["ram", "sts", "oos", "ros", "tag"];

fn refusal(call: &Call, caller: &Caller, action: &str, arn: &str, decision: Decision) -> ApiError {
    let sts = matches!(caller, Caller::Role { .. });
    let service = call.service.to_ascii_lowercase();
    let code = match &*service {
        "oss" => "AccessDenied",
        s if NO_PERMISSION.contains(&s) => "NoPermission",
        _ if sts => "Forbidden.RAMSTS",
        _ => "Forbidden.RAM",
    };
    let denied = if decision == Decision::ExplicitDeny { "ExplicitDeny" } else { "ImplicitDeny" };
    let text = format!("{} is not authorized to perform {action} on {arn}.", caller.arn());
    let ApiError::Service { code, message, http_status, body, .. } = error_with(code, text) else {
        return error("NoPermission");
    };
    let mut body = body.as_map().cloned().unwrap_or_default();
    body.insert("AccessDeniedDetail", params! {
        "AuthAction" => action, "AuthPrincipalDisplayName" => caller.label(), "AuthPrincipalOwnerId" => caller.account(),
        "AuthPrincipalType" => if sts { "AssumedRoleUser" } else { "SubUser" }, "EncodedDiagnosticMessage" => "",
        "NoPermissionType" => denied, "PolicyType" => "AccountLevelIdentityBasedPolicy",
    });
    ApiError::Service { code, message, http_status, request_id: None, retry_after: None, body: Value::from(body) }
}
