//! Members of scaling groups: lists, standby, protection.

use std::sync::Arc;

use oos_core::{Value, ports::ApiError};

use super::{GROUP, MEMBER, UNKNOWN};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::error,
    page::{TEN, page},
    params::Params,
    slb,
    state::State,
    store::Kind,
};

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeScalingInstances", describe, ""),
    Api::new("EnterStandby", enter_standby, "ScalingGroupId! InstanceId.N!"),
    Api::new("ExitStandby", exit_standby, "ScalingGroupId! InstanceId.N!"),
    Api::new("SetInstancesProtection", protect, "ScalingGroupId! InstanceId.N! ProtectedFromScaleIn!"),
    Api::new("SetInstanceHealth", health, "InstanceId! HealthStatus!"),
];

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, group) = (p.ids("InstanceId"), p.str("ScalingGroupId"));
    // The scalars stand beside the lists.
    let either = |list: &str, one: &str| -> Vec<Arc<str>> { p.list(list).into_iter().chain(p.str(one)).collect() };
    let (states, types) = (either("LifecycleStates", "LifecycleState"), either("CreationTypes", "CreationType"));
    let fits =
        |wanted: &[Arc<str>], found: &str| wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(found));
    let of_group: Vec<_> = group.iter().map(|g| ("ScalingGroupId", Arc::clone(g))).collect();
    let wanted = ctx.narrowed(MEMBER, wanted, &of_group, &[]);
    let ids = ctx.ids(MEMBER, wanted.as_deref(), |r| {
        group.as_deref().is_none_or(|g| r.str("ScalingGroupId") == g)
            && fits(&states, r.str("LifecycleState"))
            && fits(&types, r.str("CreationType"))
    });
    let (ids, fields) = page(p, ids, TEN)?;
    let list = ids.iter().filter_map(|id| ctx.find(MEMBER, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("ScalingInstances", "ScalingInstance", list, fields))
}

/// The load balancers and VServer groups before a scaling group.
fn balancers(state: &State, group: &str) -> Vec<(Kind, Arc<str>)> {
    let ids = state.store.get(GROUP, group).map(|g| g.list("_balancers")).unwrap_or_default();
    ids.into_iter().map(|id| (if id.starts_with("rsp-") { slb::GROUP } else { slb::BALANCER }, id)).collect()
}

/// The group and the members of a call: an active group, members of it in one of these states.
fn chosen(ctx: &Ctx<'_>, p: &Params, legal: &[&str]) -> Result<(Arc<str>, Vec<Arc<str>>), ApiError> {
    let (group, ids) = (p.need("ScalingGroupId")?, p.need_list("InstanceId")?);
    if ctx.need(GROUP, &group, UNKNOWN)?.str("LifecycleState") != "Active" {
        return Err(error("IncorrectScalingGroupStatus"));
    }
    for id in &ids {
        let member = ctx.find(MEMBER, id).filter(|m| m.str("ScalingGroupId") == &*group);
        let member = member.ok_or_else(|| error("InvalidInstanceId.NotFound"))?;
        if !legal.contains(&member.str("LifecycleState")) {
            return Err(error("IncorrectInstanceStatus"));
        }
    }
    Ok((group, ids))
}

fn check_balancers(ctx: &Ctx<'_>, group: &str) -> Result<(), ApiError> {
    balancers(ctx.s, group).iter().try_for_each(|(kind, id)| slb::check_busy(ctx.s, kind, id))
}

/// Sets the weight of the members behind the load balancers of the group; `None` gives each its old weight back.
fn weigh(state: &mut State, group: &str, ids: &[Arc<str>], weight: Option<i64>) {
    for (kind, balancer) in balancers(state, group) {
        let Some(r) = state.store.get(kind, &balancer) else { continue };
        let mut list = slb::backends(r);
        for row in &mut list {
            let mut m = row.as_map().cloned().unwrap_or_default();
            let server = m.get("ServerId").map(Value::to_text).unwrap_or_default();
            if !ids.contains(&server) {
                continue;
            }
            match weight {
                Some(weight) => {
                    let old = m.insert("Weight", weight);
                    m.insert("_before", old);
                }
                None => {
                    if let Some(old) = m.remove("_before") {
                        m.insert("Weight", old);
                    }
                }
            }
            *row = Value::from(m);
        }
        slb::put(state, kind, &balancer, list);
    }
}

fn enter_standby(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, ids) = chosen(ctx, p, &["InService", "Protected"])?;
    check_balancers(ctx, &group)?;
    for id in &ids {
        ctx.s.set_status(MEMBER, id, "Standby");
    }
    weigh(ctx.s, &group, &ids, Some(0));
    done()
}

fn exit_standby(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (group, ids) = chosen(ctx, p, &["Standby"])?;
    check_balancers(ctx, &group)?;
    for id in &ids {
        ctx.s.set_status(MEMBER, id, "InService");
    }
    weigh(ctx.s, &group, &ids, None);
    done()
}

fn protect(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let to = if p.bool("ProtectedFromScaleIn") { "Protected" } else { "InService" };
    let (_, ids) = chosen(ctx, p, &["InService", "Protected", "Standby"])?;
    for id in &ids {
        ctx.s.set_status(MEMBER, id, to);
    }
    done()
}

fn health(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let status = p.need("HealthStatus")?;
    ctx.change(MEMBER, &p.need("InstanceId")?, "InvalidInstanceId.NotFound")?.set("HealthStatus", status);
    done()
}
