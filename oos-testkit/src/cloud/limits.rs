//! What holds for every handler without its doing: quotas, and writes that are seen later (fake-cloud 1.10).
//!
//! A quota is checked before the handler of an operation that makes things; what these are stands in [`MAKES`].
//!
//! Where a service is eventually consistent, its reads see the resources as they were that long ago: before each write
//! the resources are kept, and a read takes the oldest ones that were kept within the delay. What a write has made is
//! unknown to other writes as long. Both cost nothing as long as nobody asks for them.

use std::{sync::Arc, time::Duration};

use oos_core::{Timestamp, Value, ports::ApiError};

use super::{
    error::error_with,
    params::Params,
    state::State,
    store::{Kind, Store},
};

/// Service, operation, kind of thing that it makes. `RunInstances` counts for itself, because it may make some only.
const MAKES: &[(&str, &str, Kind)] = &[
    ("ECS", "CreateDisk", "ECS::Disk"),
    ("ECS", "CreateImage", "ECS::Image"),
    ("ECS", "CopyImage", "ECS::Image"),
    ("ECS", "CreateSnapshot", "ECS::Snapshot"),
    ("ECS", "CreateNetworkInterface", "ECS::NetworkInterface"),
    ("ECS", "CreateSecurityGroup", "ECS::SecurityGroup"),
    ("ECS", "CreateKeyPair", "ECS::KeyPair"),
    ("ECS", "CreateLaunchTemplate", "ECS::LaunchTemplate"),
    ("ECS", "AllocateEipAddress", "VPC::EIP"),
    ("VPC", "AllocateEipAddress", "VPC::EIP"),
    ("ECS", "CreateVpc", "VPC::VPC"),
    ("VPC", "CreateVpc", "VPC::VPC"),
    ("ECS", "CreateVSwitch", "VPC::VSwitch"),
    ("VPC", "CreateVSwitch", "VPC::VSwitch"),
    ("VPC", "CreateForwardEntry", "VPC::ForwardEntry"),
    ("RDS", "CreateDBInstance", "RDS::Instance"),
    ("ROS", "CreateStack", "ROS::Stack"),
    ("ESS", "CreateLifecycleHook", "ESS::Hook"),
];

/// Refuses a call that would make more things than the quota allows.
pub(super) fn check_quota(
    state: &State,
    service: &str,
    api: &str,
    account: &str,
    params: &Params,
) -> Result<(), ApiError> {
    if state.quotas.is_empty() {
        return Ok(());
    }
    let makes = MAKES.iter().find(|(s, a, _)| *s == service && *a == api);
    let limit = makes.and_then(|(_, _, kind)| Some((*kind, *state.quotas.get(*kind)?)));
    let Some((kind, limit)) = limit else { return Ok(()) };
    let have = state.store.all(kind).filter(|r| &*r.account == account).count();
    let more = params.int("Amount").ok().flatten().and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
    if have + more <= limit {
        return Ok(());
    }
    Err(error_with("QuotaExceeded", format!("The quota of {limit} for {kind} is used up.")))
}

/// Resources as they were before a write.
#[derive(Debug)]
pub(super) struct Before {
    at: Timestamp,
    service: &'static str,
    store: Store,
}

/// Runs a handler so that it sees, and leaves, what the consistency of its service demands.
pub(super) fn run(
    state: &mut State,
    service: &'static str,
    account: &Arc<str>,
    is_read: bool,
    handler: impl FnOnce(&mut State) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let delay = state.eventual.get(service).copied();
    match delay {
        Some(delay) if is_read => read(state, service, delay, handler),
        _ => write(state, service, account, delay, handler),
    }
}

fn read(
    state: &mut State,
    service: &'static str,
    delay: Duration,
    handler: impl FnOnce(&mut State) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let now = state.now;
    state.before.retain(|b| b.service != service || b.at + delay > now);
    let Some(seen) = state.before.iter().position(|b| b.service == service) else { return handler(state) };
    let mut old = state.before.remove(seen);
    std::mem::swap(&mut state.store, &mut old.store);
    let answer = handler(state);
    std::mem::swap(&mut state.store, &mut old.store);
    state.before.insert(seen, old);
    answer
}

fn write(
    state: &mut State,
    service: &'static str,
    account: &Arc<str>,
    delay: Option<Duration>,
    handler: impl FnOnce(&mut State) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    state.fresh.clear();
    if delay.is_some() {
        let before = Before { at: state.now, service, store: state.store.clone() };
        state.before.push(before);
    }
    let answer = handler(state);
    for key in std::mem::take(&mut state.fresh) {
        if let Some(r) = state.store.get_mut(key.kind, &key.id) {
            r.account = Arc::clone(account);
            r.visible_from = delay.map_or(r.created, |d| r.created + d);
        }
    }
    answer
}
