//! CloudMonitor: alert rules, metrics, agents on instances, groups.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    api::{Api, Ctx},
    ecs::{instance, make::map},
    error::missing,
    page::{FIFTY, page},
    params::Params,
    store::{Kind, Resource},
    transition::nothing,
};

const RULE: Kind = "CMS::Rule";
const METRIC: Kind = "CMS::Metric";
const AGENT: Kind = "CMS::Agent";
const GROUP: Kind = "CMS::Group";
const CONTACTS: Kind = "CMS::ContactGroup";

pub(crate) const APIS: &[Api] = &[
    Api::new(
        "PutResourceMetricRule",
        put_rule,
        "RuleId! RuleName! Namespace! MetricName! Resources! ContactGroups Webhook EffectiveInterval NoEffectiveInterval SilenceTime Period Interval EmailSubject NoDataPolicy SendOK Labels.N CompositeExpression Prometheus Escalations Escalations.Critical.Statistics Escalations.Critical.ComparisonOperator Escalations.Critical.Threshold Escalations.Critical.Times Escalations.Warn.Statistics Escalations.Warn.ComparisonOperator Escalations.Warn.Threshold Escalations.Warn.Times Escalations.Info.Statistics Escalations.Info.ComparisonOperator Escalations.Info.Threshold Escalations.Info.Times",
    ),
    Api::new(
        "DescribeMetricRuleList",
        rules,
        "AlertState Dimensions EnableState GroupId MetricName Namespace Page RuleIds RuleName",
    ),
    Api::new("EnableMetricRules", |ctx, p| switch(ctx, p, true), "RuleId.N!"),
    Api::new("DisableMetricRules", |ctx, p| switch(ctx, p, false), "RuleId.N!"),
    Api::new("DeleteMetricRules", delete_rules, "Id.N!"),
    Api::new("DescribeMetricLast", last, "Namespace! MetricName! Dimensions Period StartTime EndTime Express Length"),
    Api::new("DescribeMetricList", last, "Namespace! MetricName! Dimensions Period StartTime EndTime Express Length"),
    Api::new("InstallMonitoringAgent", install, "InstanceIds.N Force InstallCommand"),
    Api::new("DescribeMonitoringAgentStatuses", agents, "InstanceIds! HostAvailabilityTaskId"),
    Api::new("CreateMonitorGroup", create_group, "GroupName! ContactGroups"),
    Api::new("CreateMonitorGroupInstances", add_instances, "GroupId! Instances.N!"),
    Api::new("PutContactGroup", put_contacts, "ContactGroupName! ContactNames.N Describe EnableSubscribed"),
    Api::new("DescribeContactGroupList", contacts, ""),
];

/// An answer as the product gives it: a code of its own beside the members.
fn well(members: &Value) -> Value {
    let mut members = map(members);
    members.insert("Code", "200");
    members.insert("Success", true);
    members.insert("Message", "");
    Value::from(members)
}

/// A rule of that id is replaced.
fn put_rule(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("RuleId")?;
    let levels = ["Critical", "Warn", "Info"].map(|level| (level, escalation(p, level)));
    if levels.iter().all(|(_, e)| e.is_none()) && !p.has("CompositeExpression") && !p.has("Prometheus") {
        return Err(missing("Escalations"));
    }
    ctx.checked()?;
    let mut data: Map =
        p.0.iter()
            .filter(|(k, _)| !k.starts_with("Escalations") && &***k != "RegionId")
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
    let given: Map = levels.into_iter().filter_map(|(level, e)| Some((Arc::from(level), e?))).collect();
    data.insert("Escalations", given);
    data.insert("EnableState", true);
    data.insert("AlertState", "OK");
    data.insert("GmtCreate", ctx.now().as_millis());
    // `EmailSubject` is `MailSubject` in lists.
    if let Some(subject) = data.remove("EmailSubject") {
        data.insert("MailSubject", subject);
    }
    ctx.create_as(RULE, &id, data)?;
    Ok(well(&Value::Null))
}

/// A level of `Escalations`, however deep it is written.
fn escalation(p: &Params, level: &str) -> Option<Value> {
    let member = |name: &str| {
        let flat = p.get(&format!("Escalations.{level}.{name}")).clone();
        let nested = p.get("Escalations").parsed_if_json_text().at(&[level, name]).clone();
        if flat.is_null() { nested } else { flat }
    };
    let threshold = member("Threshold");
    (!threshold.is_null()).then(|| {
        params! {
            "Threshold" => threshold.to_text(), "Statistics" => member("Statistics"), "Times" => member("Times"),
            "ComparisonOperator" => member("ComparisonOperator"),
        }
    })
}

fn rules(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let names = ["MetricName", "Namespace", "RuleName", "AlertState", "EnableState", "GroupId"];
    let equal: Vec<_> = names.iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let wanted = p.ids("RuleIds");
    let ids = ctx.ids(RULE, wanted.as_deref(), |r| equal.iter().all(|(m, v)| r.text(m).eq_ignore_ascii_case(v)));
    let total = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    // The number of the page is called `Page` here.
    let mut sized = p.clone();
    if let Some(number) = p.str("Page") {
        sized.0.insert("PageNumber", number);
    }
    let (ids, _) = page(&sized, ids, FIFTY.max(100))?;
    let rows: Vec<Value> = ids.iter().filter_map(|id| ctx.find(RULE, id)).map(|r| Value::from(r.view())).collect();
    Ok(well(&params! { "Alarms" => params! { "Alarm" => rows }, "Total" => total.to_string() }))
}

fn switch(ctx: &mut Ctx<'_>, p: &Params, on: bool) -> Result<Value, ApiError> {
    for id in p.need_list("RuleId")? {
        if ctx.find(RULE, &id).is_some() {
            ctx.change(RULE, &id, "ResourceNotFound")?.set("EnableState", on);
        }
    }
    Ok(well(&Value::Null))
}

fn delete_rules(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    for id in p.need_list("Id")? {
        if ctx.find(RULE, &id).is_some() {
            ctx.s.store.remove(RULE, &id);
        }
    }
    Ok(well(&Value::Null))
}

/// CHOICE: what a metric is of which the test says nothing.
const QUIET: i64 = 10;

/// The points of the instances that `Dimensions` names, as the test put them with an id of
/// `<namespace>/<metric>/<instance>`; as JSON text.
fn last(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (namespace, metric) = (p.need("Namespace")?, p.need("MetricName")?);
    let asked = p.get("Dimensions").parsed_if_json_text();
    let dimensions: Vec<Value> = match asked {
        Value::List(list) => list.to_vec(),
        Value::Map(_) => vec![asked],
        _ => ctx.list(instance::KIND).map(|r| params! { "instanceId" => Arc::clone(&r.id) }).collect(),
    };
    let (now, account) = (ctx.now().as_millis(), Arc::clone(&ctx.account));
    let points: Vec<Value> = dimensions
        .iter()
        .map(|dimension| {
            let id = dimension.at(&["instanceId"]).to_text();
            let told = ctx.find(METRIC, &format!("{namespace}/{metric}/{id}"));
            let mut point = map(dimension);
            point.insert("timestamp", now);
            point.insert("userId", Arc::clone(&account));
            for member in ["Average", "Minimum", "Maximum", "Value"] {
                let value = told.and_then(|r| r.data.get(member).or_else(|| r.data.get("Value"))).cloned();
                point.insert(member, value.unwrap_or_else(|| QUIET.into()));
            }
            Value::from(point)
        })
        .collect();
    let mut out = Map::new();
    out.insert("Datapoints", Value::from(points).to_string());
    out.insert("Period", p.str("Period").unwrap_or_else(|| "60".into()));
    Ok(well(&out.into()))
}

fn install(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = p.need_list("InstanceIds")?;
    for id in &ids {
        ctx.need(instance::KIND, id, instance::UNKNOWN)?;
    }
    for id in &ids {
        let installed = ctx.find(AGENT, id).is_some_and(|r| r.str("Status") == "running");
        if !installed || p.bool("Force") {
            ctx.create_as(AGENT, id, Map::new())?;
            ctx.s.transit(AGENT, id, "install", nothing());
        }
    }
    Ok(well(&Value::Null))
}

fn agents(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = p.comma("InstanceIds");
    ids.iter().for_each(|id| ctx.s.described(AGENT, id));
    let row = |id: &Arc<str>| {
        let status = ctx.find(AGENT, id).map_or_else(|| "not_installed".into(), |r: &Resource| r.text("Status"));
        params! { "InstanceId" => Arc::clone(id), "Status" => status, "AutoInstall" => true, "OsMonitorStatus" => "", "OsMonitorErrorCode" => "" }
    };
    let rows: Vec<Value> = ids.iter().filter(|id| ctx.find(instance::KIND, id).is_some()).map(row).collect();
    Ok(well(&params! { "NodeStatusList" => params! { "NodeStatus" => rows } }))
}

fn create_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = ctx.s.ids.number("cms-group");
    let data = params! { "GroupId" => id, "GroupName" => p.text("GroupName"), "ContactGroups" => p.text("ContactGroups"), "_instances" => Value::empty_list() };
    ctx.create_as(GROUP, &id.to_string(), map(&data))?;
    Ok(well(&params! { "GroupId" => id }))
}

fn add_instances(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, new) = (p.need("GroupId")?, p.maps("Instances"));
    let r = ctx.change(GROUP, &id, "ResourceNotFound")?;
    let mut all = r.data.get("_instances").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
    all.extend(new.into_iter().map(Value::from));
    r.set("_instances", all);
    Ok(well(&Value::Null))
}

fn put_contacts(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("ContactGroupName")?;
    let data = params! { "Name" => Arc::clone(&name), "Describe" => p.text("Describe"), "Contacts" => params! { "Contact" => p.list("ContactNames") } };
    ctx.create_as(CONTACTS, &name, map(&data))?;
    Ok(well(&Value::Null))
}

fn contacts(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = ctx.ids(CONTACTS, None, |_| true);
    let total = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let (ids, _) = page(p, ids, FIFTY.max(100))?;
    let rows: Vec<Value> = ids.iter().filter_map(|id| ctx.find(CONTACTS, id)).map(|r| Value::from(r.view())).collect();
    let mut out = Map::new();
    out.insert("ContactGroupList", params! { "ContactGroup" => rows });
    out.insert("ContactGroups", params! { "ContactGroup" => ids });
    out.insert("Total", total);
    Ok(well(&out.into()))
}
