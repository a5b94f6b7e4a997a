//! Container groups, application engine, image registry.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use super::{view, views};
use crate::cloud::{
    api::{Api, Ctx},
    ecs::make::map,
    params::Params,
    setter,
    store::Kind,
    transition::nothing,
};

const GROUP: Kind = "ECI::ContainerGroup";

pub(crate) const ECI_APIS: &[Api] = &[
    Api::new("DescribeContainerGroups", describe, ""),
    Api::new("ExecContainerCommand", exec, "ContainerGroupId! ContainerName! Command!"),
    Api::new("UpdateContainerGroup", setter::store, "ContainerGroupId!"),
];

pub(crate) const SAE_APIS: &[Api] = &[
    Api::new("CreateApplication", create_application, "AppName!"),
    Api::new("BindSlb", bind_slb, "AppId!"),
    Api::new("DescribeChangeOrder", change_order, "ChangeOrderId!"),
];

pub(crate) const CR_APIS: &[Api] =
    &[Api::new("GetInstance", get_instance, "InstanceId!"), Api::new("GetAuthorizationToken", token, "")];

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, status) = (p.ids("ContainerGroupIds"), p.str("Status"));
    let rows = views(ctx, GROUP, wanted.as_deref());
    let rows: Vec<Value> =
        rows.into_iter().filter(|r| status.as_deref().is_none_or(|s| *r.at(&["Status"]).to_text() == *s)).collect();
    let count = i64::try_from(rows.len()).unwrap_or(0);
    Ok(params! { "ContainerGroups" => rows, "TotalCount" => count, "NextToken" => "" })
}

/// The answer of a command is the output that the test put on the group as `_exec`.
fn exec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(GROUP, &p.need("ContainerGroupId")?, "InvalidParameter.NotFound")?;
    Ok(params! { "SyncResponse" => r.text("_exec"), "WebSocketUri" => "", "HttpUrl" => "" })
}

const ORDER: Kind = "SAE::ChangeOrder";

fn start_order(ctx: &mut Ctx<'_>, app: &str) -> Result<Arc<str>, ApiError> {
    let id = ctx.s.ids.uuid("sae-order");
    let id = ctx.create_as(ORDER, &id, map(&params! { "AppId" => app }))?;
    ctx.s.store.get_mut(ORDER, &id).into_iter().for_each(|r| r.set("ChangeOrderId", Arc::clone(&id)));
    ctx.s.transit(ORDER, &id, "run", nothing());
    Ok(id)
}

fn well(data: Value) -> Value {
    params! { "Success" => true, "Code" => "200", "Message" => "success", "TraceId" => "fake", "Data" => data }
}

fn create_application(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = ctx.s.ids.uuid("sae-app");
    let mut data = p.0.clone();
    data.insert("AppId", id.as_str());
    ctx.create_as("SAE::Application", &id, data)?;
    let order = start_order(ctx, &id)?;
    Ok(well(params! { "AppId" => id, "ChangeOrderId" => order }))
}

fn bind_slb(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let app = p.need("AppId")?;
    ctx.need("SAE::Application", &app, "InvalidAppId.NotFound")?;
    ctx.set_given("SAE::Application", &app, "InvalidAppId.NotFound", p, &["Internet", "Intranet"])?;
    Ok(well(params! { "ChangeOrderId" => start_order(ctx, &app)? }))
}

/// Status is a number: 1 running, 2 success, 3 failed, 6 terminated, 10 system failure.
fn change_order(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let mut out = view(ctx, ORDER, &p.need("ChangeOrderId")?, "InvalidChangeOrderId.NotFound")?;
    let status = out.get("Status").and_then(|s| s.to_text().parse::<i64>().ok()).unwrap_or(1);
    out.insert("Status", status);
    Ok(well(Value::from(out)))
}

fn get_instance(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    let mut out = view(ctx, "CR::Instance", &id, "InstanceNotExist")?;
    out.insert("InstanceId", id);
    out.insert("IsSuccess", true);
    out.insert("Code", "success");
    Ok(Value::from(out))
}

fn token(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    if let Some(id) = p.str("InstanceId") {
        ctx.need("CR::Instance", &id, "InstanceNotExist")?;
    }
    let expires = ctx.now().plus_seconds(3600).as_millis();
    Ok(
        params! { "TempUsername" => "cr_temp_user", "AuthorizationToken" => "fake-token", "ExpireTime" => expires, "IsSuccess" => true, "Code" => "success" },
    )
}
