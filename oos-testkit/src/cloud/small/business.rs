//! Orders, API gateway, compute nest, shared resources.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{view, views};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::make::map,
    error::error_with,
    page::{Counters, Paging, TEN, page},
    params::{Params, texts},
    setter,
    store::Kind,
    transition::nothing,
};

pub(crate) const BSS_APIS: &[Api] = &[
    Api::new("GetOrderDetail", order_detail, "OrderId!"),
    Api::new("SetRenewal", set_renewal, "RenewalStatus!"),
    Api::new("RenewInstance", renew, "InstanceId!"),
];

pub(crate) const CLOUD_API_APIS: &[Api] = &[
    Api::new("DescribeApi", describe_api, "ApiId!"),
    Api::new("ModifyApi", modify_api, "ApiId!"),
    Api::new("AbolishApi", abolish_api, "ApiId! StageName!"),
    Api::new("DescribeApiGroups", describe_groups, ""),
    Api::new("ModifyApiGroupNetworkPolicy", setter::store, "GroupId!"),
    Api::new("ModifyInstanceAttribute", setter::store, "InstanceId!"),
];

pub(crate) const COMPUTE_NEST_APIS: &[Api] = &[
    Api::new("GetServiceInstance", get_service, "ServiceInstanceId!"),
    Api::new("ListServiceInstances", list_services, "Filter.N Tag.N ShowDeleted ServiceInstanceId ResourceARN.N"),
    Api::new("UpgradeServiceInstance", upgrade, "ServiceInstanceId!"),
    Api::new("RollbackServiceInstance", rollback, "ServiceInstanceId!"),
];

pub(crate) const SHARING_APIS: &[Api] = &[
    Api::new("ListSharedResources", list_shared, ""),
    Api::new("DisassociateResourceShare", unshare, "ResourceShareId!"),
];

/// An order that the test did not put there is paid.
fn order_detail(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("OrderId")?;
    let stored = ctx.find("BSS::Order", &id).map(|r| r.view());
    let mut order = map(
        &params! { "OrderId" => Arc::clone(&id), "PaymentStatus" => "Paid", "InstanceIDs" => "[]", "OrderType" => "New" },
    );
    order.extend(stored.unwrap_or_default());
    if let Some(Value::List(list)) = order.get("InstanceIDs").cloned() {
        order.insert("InstanceIDs", Value::List(list).to_string());
    }
    let list = params! { "Order" => vec![Value::from(order)] };
    Ok(
        params! { "Success" => true, "Code" => "Success", "Data" => params! { "OrderList" => list, "TotalCount" => 1, "PageNum" => 1, "PageSize" => 20 } },
    )
}

fn set_renewal(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    for id in p.comma("InstanceIDs") {
        ctx.create_as("BSS::Renewal", &format!("renewal/{id}"), p.0.clone())?;
    }
    Ok(params! { "Success" => true, "Code" => "Success" })
}

fn renew(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let order = ctx.s.ids.number("order").to_string();
    Ok(params! { "Success" => true, "Code" => "Success", "Data" => params! { "OrderId" => order } })
}

const GATEWAY_API: Kind = "CloudAPI::Api";

/// What was stored is given back: templates copy some 25 members from DescribeApi to ModifyApi.
fn describe_api(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ApiId")?;
    let mut out = view(ctx, GATEWAY_API, &id, "NotFoundApi")?;
    out.insert("ApiId", id);
    Ok(Value::from(out))
}

fn modify_api(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ApiId")?;
    let r = ctx.change(GATEWAY_API, &id, "NotFoundApi")?;
    for (name, value) in p.0.iter().filter(|(n, _)| &***n != "RegionId") {
        r.set(name, value.clone());
    }
    done()
}

fn abolish_api(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, stage) = (p.need("ApiId")?, p.need("StageName")?);
    let r = ctx.change(GATEWAY_API, &id, "NotFoundApi")?;
    let list = r.data.get("DeployedInfos").and_then(|d| d.at(&["DeployedInfo"]).as_list()).unwrap_or_default();
    let left: Vec<Value> = list.iter().filter(|d| *d.at(&["StageName"]).to_text() != *stage).cloned().collect();
    r.set("DeployedInfos", params! { "DeployedInfo" => left });
    done()
}

fn describe_groups(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let rows = views(ctx, "CloudAPI::Group", p.ids("GroupId").as_deref());
    let (rows, fields) = page(p, rows, TEN)?;
    Ok(wrapped("ApiGroupAttributes", "ApiGroupAttribute", rows, fields))
}

const SERVICE: Kind = "ComputeNest::ServiceInstance";
const SERVICE_UNKNOWN: &str = "InvalidServiceInstanceId.NotFound";

fn get_service(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ServiceInstanceId")?;
    let mut out = view(ctx, SERVICE, &id, SERVICE_UNKNOWN)?;
    out.insert("ServiceInstanceId", id);
    Ok(Value::from(out))
}

fn list_services(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let tags = p.tags("Tag");
    let filters: Vec<(Arc<str>, Vec<Arc<str>>)> = p
        .maps("Filter")
        .iter()
        .map(|m| {
            let get = |name: &str| m.get_folded(name).map(|(_, v)| v.clone()).unwrap_or_default();
            (get("Name").to_text(), texts(&get("Value").parsed_if_json_text()))
        })
        .collect();
    let ids = ctx.ids(SERVICE, None, |r| {
        r.has_tags(&tags)
            && filters.iter().all(|(name, wanted)| match &**name {
                "ServiceInstanceId" => wanted.contains(&r.id),
                name => wanted.contains(&r.text(name)),
            })
    });
    let paging = Paging { default: 20, max: 100, tokens: Some((1, 100)), counters: Counters::Usual };
    let mut sized = p.clone();
    if !p.has("MaxResults") {
        sized.0.insert("MaxResults", 20);
    }
    let (ids, mut fields) = page(&sized, ids, paging)?;
    let rows: Vec<Value> = ids
        .iter()
        .filter_map(|id| ctx.find(SERVICE, id))
        .map(|r| {
            let mut out = r.view();
            out.insert("ServiceInstanceId", Arc::clone(&r.id));
            out.insert("Tags", r.tag_list("Key", "Value").at(&["Tag"]).clone());
            Value::from(out)
        })
        .collect();
    fields.insert("ServiceInstances", rows);
    Ok(Value::from(fields))
}

fn change_service(ctx: &mut Ctx<'_>, p: &Params, event: &'static str) -> Result<Value, ApiError> {
    let id = p.need("ServiceInstanceId")?;
    if ctx.need(SERVICE, &id, SERVICE_UNKNOWN)?.str("Status") == "Upgrading" {
        return Err(error_with("IncorrectStatus", "The service instance is being changed."));
    }
    ctx.checked()?;
    ctx.set_given(SERVICE, &id, SERVICE_UNKNOWN, p, &["ServiceVersion"])?;
    ctx.s.transit(SERVICE, &id, event, nothing());
    Ok(params! { "Status" => "Upgrading", "UpgradeRequiredParameters" => Value::empty_list() })
}

fn upgrade(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change_service(ctx, p, "upgrade")
}

fn rollback(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    change_service(ctx, p, "rollback")
}

const SHARED: Kind = "ResourceSharing::SharedResource";

fn list_shared(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, kind) = (p.list("ResourceIds"), p.str("ResourceType"));
    let rows: Vec<Value> = views(ctx, SHARED, None)
        .into_iter()
        .filter(|r| wanted.is_empty() || wanted.contains(&r.at(&["ResourceId"]).to_text()))
        .filter(|r| kind.as_deref().is_none_or(|k| *r.at(&["ResourceType"]).to_text() == *k))
        .collect();
    let mut out = Map::new();
    out.insert("SharedResources", rows);
    out.insert("NextToken", "");
    Ok(Value::from(out))
}

fn unshare(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let share = p.need("ResourceShareId")?;
    let ids: Vec<Arc<str>> =
        p.maps("Resources").iter().filter_map(|m| m.get_folded("ResourceId")).map(|(_, v)| v.to_text()).collect();
    let gone: Vec<Arc<str>> = ctx
        .list(SHARED)
        .filter(|r| r.str("ResourceShareId") == &*share && (ids.is_empty() || ids.contains(&r.text("ResourceId"))))
        .map(|r| Arc::clone(&r.id))
        .collect();
    for id in &gone {
        ctx.s.store.remove(SHARED, id);
    }
    let rows: Vec<Value> = gone
        .iter()
        .map(|id| params! { "EntityId" => Arc::clone(id), "AssociationStatus" => "Disassociating" })
        .collect();
    Ok(params! { "ResourceShareAssociations" => rows })
}
