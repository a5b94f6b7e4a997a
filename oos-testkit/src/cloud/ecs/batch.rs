//! Calls for several instances at once, and what an instance tells about its renewal, user data and events.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::instance::{self, KIND, UNKNOWN, in_state};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::missing,
    page::{TEN, page},
    params::Params,
    store::Resource,
    transition::nothing,
};

const EVENT: &str = "ECS::SystemEvent";

pub(crate) const APIS: &[Api] = &[
    Api::new("StartInstances", start, "InstanceId.N! BatchOptimization"),
    Api::new("StopInstances", stop, "InstanceId.N! BatchOptimization ForceStop StoppedMode"),
    Api::new("RebootInstances", reboot, "InstanceId.N! BatchOptimization ForceReboot"),
    Api::new("DeleteInstances", delete, "InstanceId.N! Force ForceStop TerminateSubscription"),
    Api::new("DescribeInstanceAutoRenewAttribute", auto_renew, "InstanceId RenewalStatus"),
    Api::new("DescribeUserData", user_data, "InstanceId!"),
    Api::new(
        "DescribeInstanceHistoryEvents",
        events,
        "EventCycleStatus EventId.N EventType ImpactLevel InstanceEventCycleStatus.N InstanceEventType.N InstanceId ResourceId.N ResourceType Tag.N EventPublishTime.Start EventPublishTime.End NotBefore.Start NotBefore.End",
    ),
];

/// Most instances of one call.
const MOST: usize = 100;

/// One transition for all of them. `AllTogether`, the default, changes nothing when one of them may not; `SuccessFirst`
/// goes on with the others, and each answer has its code.
fn each(ctx: &mut Ctx<'_>, p: &Params, legal: &[&str], event: &'static str) -> Result<Value, ApiError> {
    let ids = chosen(p)?;
    let together = &*p.text("BatchOptimization") != "SuccessFirst";
    let checks: Vec<_> = ids.iter().map(|id| in_state(ctx, id, legal)).collect();
    if together && let Some(error) = checks.iter().find_map(|check| check.as_ref().err()) {
        return Err(error.clone());
    }
    ctx.checked()?;
    let mut rows = Vec::new();
    for (id, check) in ids.iter().zip(checks) {
        let status = |ctx: &Ctx<'_>| ctx.find(KIND, id).map_or_else(|| "".into(), |r| r.text("Status"));
        let before = status(ctx);
        let (code, message) = match &check {
            Ok(()) => ("200".to_owned(), "success".to_owned()),
            Err(error) => (error.code().to_owned(), error.to_string()),
        };
        if check.is_ok() {
            ctx.s.transit(KIND, id, event, nothing());
        }
        rows.push(params! {
            "InstanceId" => Arc::clone(id), "Code" => code, "Message" => message, "PreviousStatus" => before,
            "CurrentStatus" => status(ctx),
        });
    }
    Ok(wrapped("InstanceResponses", "InstanceResponse", rows, Map::new()))
}

fn chosen(p: &Params) -> Result<Vec<Arc<str>>, ApiError> {
    let ids = p.need_list("InstanceId")?;
    if ids.len() > MOST {
        return Err(crate::cloud::error::invalid("InstanceId", "at most 100 instances are taken"));
    }
    Ok(ids)
}

fn start(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    each(ctx, p, &["Stopped"], "start")
}

fn stop(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let answer = each(ctx, p, &["Running"], if p.bool("ForceStop") { "force_stop" } else { "stop" })?;
    let mode = p.str("StoppedMode").unwrap_or_else(|| "KeepCharging".into());
    for row in answer.at(&["InstanceResponses", "InstanceResponse"]).as_list().unwrap_or_default() {
        if row.at(&["Code"]).as_str() == Some("200") {
            ctx.change(KIND, &row.at(&["InstanceId"]).to_text(), UNKNOWN)?.set("StoppedMode", Arc::clone(&mode));
        }
    }
    Ok(answer)
}

fn reboot(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    each(ctx, p, &["Running"], "reboot")
}

/// All of them, or none.
fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = chosen(p)?;
    for id in &ids {
        instance::may_be_deleted(ctx, id, p.bool("Force"))?;
    }
    ctx.checked()?;
    ids.iter().for_each(|id| instance::start_removal(ctx.s, id));
    done()
}

fn auto_renew(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, status) = (p.ids("InstanceId"), p.str("RenewalStatus"));
    if wanted.is_none() && status.is_none() {
        return Err(missing("InstanceId"));
    }
    let of = |r: &Resource| match r.str("_renew_RenewalStatus") {
        "" if r.is_true("_renew_AutoRenew") => "AutoRenewal".to_owned(),
        "" => "Normal".to_owned(),
        told => told.to_owned(),
    };
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        r.str("InstanceChargeType") == "PrePaid" && status.as_deref().is_none_or(|s| of(r) == s)
    });
    let (ids, fields) = page(p, ids, TEN)?;
    let rows = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let status = of(r);
        params! {
            "InstanceId" => Arc::clone(&r.id), "AutoRenewEnabled" => status == "AutoRenewal", "RenewalStatus" => status,
            "Duration" => r.int("_renew_Duration").max(1), "PeriodUnit" => "Month", "EnableExpectedRenewDay" => false,
        }
    });
    let rows = rows.collect();
    Ok(wrapped("InstanceRenewAttributes", "InstanceRenewAttribute", rows, fields))
}

fn user_data(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(KIND, &p.need("InstanceId")?, UNKNOWN)?;
    Ok(
        params! { "InstanceId" => Arc::clone(&r.id), "RegionId" => Arc::clone(&r.region), "UserData" => r.str("_user_data") },
    )
}

/// The events that a test put there with [`FakeCloud::put`](crate::FakeCloud::put), oldest first.
fn events(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let either = |one: &str, list: &str| -> Vec<Arc<str>> { p.list(list).into_iter().chain(p.str(one)).collect() };
    let states = either("EventCycleStatus", "InstanceEventCycleStatus");
    let types = either("EventType", "InstanceEventType");
    let (instances, level) = (either("InstanceId", "ResourceId"), p.str("ImpactLevel"));
    // A code is a text, or a map with the name beside it.
    let word = |r: &Resource, member: &str| match r.data.get(member) {
        Some(value @ Value::Map(_)) => value.at(&["Name"]).to_text(),
        _ => r.text(member),
    };
    let fits = |wanted: &[Arc<str>], found: &str| wanted.is_empty() || wanted.iter().any(|w| **w == *found);
    let wanted = p.ids("EventId");
    let ids = ctx.ids(EVENT, wanted.as_deref(), |r| {
        fits(&states, &word(r, "EventCycleStatus"))
            && fits(&types, &word(r, "EventType"))
            && fits(&instances, r.str("InstanceId"))
            && level.as_deref().is_none_or(|l| r.str("ImpactLevel") == l)
    });
    let (ids, fields) = page(p, ids, TEN)?;
    let rows = ids.iter().filter_map(|id| ctx.find(EVENT, id)).map(|r| event_view(r, word));
    let rows = rows.collect();
    Ok(wrapped("InstanceSystemEventSet", "InstanceSystemEventType", rows, fields))
}

fn event_view(r: &Resource, word: impl Fn(&Resource, &str) -> Arc<str>) -> Value {
    let mut out = r.view();
    for member in ["EventCycleStatus", "EventType"] {
        out.insert(member, params! { "Name" => word(r, member), "Code" => r.data.get(member).map_or(Value::Null, |v| v.at(&["Code"]).clone()) });
    }
    out.insert("EventId", Arc::clone(&r.id));
    Value::from(out)
}
