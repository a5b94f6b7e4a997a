//! Elastic addresses, public addresses of instances, bandwidth packages.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::{
        instance,
        make::{map, no_eip},
    },
    error::{error, error_with},
    page::{TEN, page},
    params::Params,
    state::State,
    store::Resource,
};

pub(crate) const KIND: &str = "VPC::EIP";
const UNKNOWN: &str = "InvalidAllocationId.NotFound";
const PACKAGE: &str = "VPC::BandwidthPackage";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeEipAddresses", describe, ""),
    Api::new(
        "AllocateEipAddress",
        allocate,
        "Bandwidth InternetChargeType InstanceChargeType ISP Netmode Name Description Period PricingCycle AutoPay ActivityId SecurityProtectionTypes.N PublicIpAddressPoolId IpAddress Zone InstanceId Tag.N",
    ),
    Api::new("AssociateEipAddress", associate, "AllocationId! InstanceId!"),
    Api::new("UnassociateEipAddress", unassociate, "AllocationId! InstanceId InstanceType Force PrivateIpAddress"),
    Api::new("ReleaseEipAddress", release, "AllocationId!"),
    Api::new("ModifyEipAddressAttribute", modify, "AllocationId! Bandwidth Name Description"),
];

/// Operations on addresses that only ECS has.
pub(crate) const ECS_APIS: &[Api] = &[
    Api::new("ConvertNatPublicIpToEip", convert, "InstanceId!"),
    Api::new("AllocatePublicIpAddress", allocate_public, "InstanceId!"),
    Api::new("ReleasePublicIpAddress", release_public, "PublicIpAddress!"),
];

/// Operations on addresses that only VPC has.
pub(crate) const PACKAGE_APIS: &[Api] = &[
    Api::new("AddCommonBandwidthPackageIp", add_to_package, "BandwidthPackageId! IpInstanceId!"),
    Api::new("RemoveCommonBandwidthPackageIp", remove_from_package, "BandwidthPackageId! IpInstanceId!"),
    Api::new("DeleteCommonBandwidthPackage", delete_package, "BandwidthPackageId! Force"),
];

/// Makes an EIP that is Available.
pub(crate) fn add(state: &mut State, region: &str, address: &str) -> Arc<str> {
    let id = state.ids.next("eip-", region);
    let data = params! {
        "AllocationId" => id.as_str(), "IpAddress" => address, "Status" => "Available", "InstanceId" => "",
        "InstanceType" => "", "InstanceRegionId" => "", "Bandwidth" => "5", "BandwidthPackageId" => "", "ChargeType" => "PostPaid",
        "InternetChargeType" => "PayByTraffic", "RegionId" => region, "AllocationTime" => state.now.to_iso(), "ISP" => "BGP",
        "Name" => "", "Descritpion" => "", "ResourceGroupId" => "",
    };
    state.add(KIND, id, region, map(&data))
}

/// Binds an EIP to a resource at once.
pub(crate) fn bind(state: &mut State, id: &str, resource: &str, kind: &str) {
    let Some(r) = state.store.get_mut(KIND, id) else { return };
    r.set("InstanceId", resource);
    r.set("InstanceType", kind);
    r.set("Status", "InUse");
    let eip = params! {
        "AllocationId" => id, "IpAddress" => r.str("IpAddress"), "InternetChargeType" => r.str("InternetChargeType"),
        "Bandwidth" => r.int("Bandwidth"),
    };
    show(state, resource, &eip);
}

/// Shows the EIP on the resource that it is bound to.
fn show(state: &mut State, resource: &str, eip: &Value) {
    let address = eip.at(&["IpAddress"]).clone();
    state.store.get_mut(instance::KIND, resource).into_iter().for_each(|r| r.set("EipAddress", eip.clone()));
    if let Some(r) = state.store.get_mut("ECS::NetworkInterface", resource) {
        let public = if address.as_str() == Some("") {
            Value::empty_map()
        } else {
            params! { "PublicIpAddress" => address, "AllocationId" => eip.at(&["AllocationId"]).clone() }
        };
        let set = params! { "PrivateIpAddress" => r.str("PrivateIpAddress"), "Primary" => true, "AssociatedPublicIp" => public.clone() };
        r.set("AssociatedPublicIp", public);
        r.set("PrivateIpSets", params! { "PrivateIpSet" => vec![set] });
    }
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, addresses, tags) = (p.ids("AllocationId"), p.ids("EipAddress"), p.tags("Tag"));
    let (status, owner) = (p.str("Status"), p.str("AssociatedInstanceId"));
    let of_owner: Vec<_> = owner.iter().map(|o| ("InstanceId", Arc::clone(o))).collect();
    let wanted = wanted.or_else(|| {
        let one = |a: &Arc<str>| ctx.s.store.ids_by(KIND, "IpAddress", a);
        addresses.as_ref().map(|all| all.iter().flat_map(one).collect())
    });
    let wanted = ctx.narrowed(KIND, wanted, &of_owner, &tags);
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        addresses.as_ref().is_none_or(|a| a.contains(&r.text("IpAddress")))
            && status.as_deref().is_none_or(|s| r.str("Status").eq_ignore_ascii_case(s))
            && owner.as_deref().is_none_or(|o| r.str("InstanceId") == o)
            && r.has_tags(&tags)
    });
    let (ids, fields) = page(p, ids, TEN)?;
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let mut view = r.view();
        view.insert("Tags", r.tag_list("Key", "Value"));
        Value::from(view)
    });
    let list = list.collect();
    Ok(wrapped("EipAddresses", "EipAddress", list, fields))
}

fn allocate(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.checked()?;
    let (region, address) = (Arc::clone(&ctx.region), ctx.s.public_address());
    let id = add(ctx.s, &region, &address);
    let account = Arc::clone(&ctx.account);
    ctx.s.store.get_mut(KIND, &id).into_iter().for_each(|r| r.account = Arc::clone(&account));
    ctx.set_given(KIND, &id, UNKNOWN, p, &["InternetChargeType", "ISP", "Name", "ResourceGroupId"])?;
    if let Some(bandwidth) = p.str("Bandwidth") {
        ctx.change(KIND, &id, UNKNOWN)?.set("Bandwidth", bandwidth);
    }
    ctx.change(KIND, &id, UNKNOWN)?.tags.extend(p.tags("Tag"));
    Ok(params! { "AllocationId" => id, "EipAddress" => address, "ResourceGroupId" => "" })
}

fn in_status(ctx: &Ctx<'_>, id: &str, legal: &str) -> Result<(), ApiError> {
    let status = ctx.need(KIND, id, UNKNOWN)?.str("Status");
    if status == legal {
        return Ok(());
    }
    Err(error_with(
        "IncorrectEipStatus",
        format!("The status \"{status}\" of \"{id}\" does not support this operation."),
    ))
}

fn associate(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, resource) = (p.need("AllocationId")?, p.need("InstanceId")?);
    let kind = p.str("InstanceType").unwrap_or_else(|| "EcsInstance".into());
    in_status(ctx, &id, "Available")?;
    if &*kind == "EcsInstance" {
        let r = ctx.need(instance::KIND, &resource, instance::UNKNOWN)?;
        if !["Running", "Stopped"].contains(&r.str("Status")) {
            return Err(error("IncorrectInstanceStatus"));
        }
        if r.data.get("EipAddress").is_some_and(|e| e.at(&["IpAddress"]).as_str() != Some("")) {
            return Err(error_with("InvalidInstance.AlreadyHasEip", "The instance has an EIP already."));
        }
    } else if &*kind == "NetworkInterface" {
        ctx.need("ECS::NetworkInterface", &resource, "InvalidEniId.NotFound")?;
    }
    ctx.checked()?;
    let eip = ctx.change(KIND, &id, UNKNOWN)?;
    eip.set("InstanceId", Arc::clone(&resource));
    eip.set("InstanceType", Arc::clone(&kind));
    let allocation = Arc::clone(&id);
    ctx.s.transit(
        KIND,
        &id,
        "associate",
        Box::new(move |state, ok| {
            if ok {
                bind(state, &allocation, &resource, &kind);
            }
        }),
    );
    done()
}

fn unassociate(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("AllocationId")?;
    in_status(ctx, &id, "InUse")?;
    let owner = ctx.need(KIND, &id, UNKNOWN)?.text("InstanceId");
    if p.str("InstanceId").is_some_and(|given| given != owner) {
        return Err(error_with("InvalidAssociation.NotExist", "The EIP is not bound to the specified instance."));
    }
    ctx.checked()?;
    let allocation = Arc::clone(&id);
    // CHOICE: the owner is without the address at once and may get another; the address is free when this has ended.
    show(ctx.s, &owner, &no_eip());
    ctx.s.transit(
        KIND,
        &id,
        "unassociate",
        Box::new(move |state, ok| {
            if ok {
                state.store.get_mut(KIND, &allocation).into_iter().for_each(|r| {
                    r.set("InstanceId", "");
                    r.set("InstanceType", "");
                });
            }
        }),
    );
    done()
}

fn release(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("AllocationId")?;
    in_status(ctx, &id, "Available")?;
    if ctx.need(KIND, &id, UNKNOWN)?.is_true("DeletionProtection") {
        return Err(error("InvalidOperation.DeletionProtection"));
    }
    ctx.checked()?;
    ctx.s.store.remove(KIND, &id);
    done()
}

fn modify(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("AllocationId")?;
    ctx.need(KIND, &id, UNKNOWN)?;
    ctx.checked()?;
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    for name in ["Bandwidth", "Name", "Description"] {
        p.str(name).into_iter().for_each(|v| r.set(name, v));
    }
    done()
}

fn publics(r: &Resource) -> Vec<Arc<str>> {
    r.data.get("PublicIpAddress").map_or_else(Vec::new, |v| crate::cloud::params::texts(v.at(&["IpAddress"])))
}

fn set_publics(r: &mut Resource, list: Vec<Arc<str>>) {
    r.set("PublicIpAddress", params! { "IpAddress" => list });
}

/// The address stays the same and belongs to a new EIP from now on.
fn convert(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    let r = ctx.need(instance::KIND, &id, instance::UNKNOWN)?;
    let Some(address) = publics(r).into_iter().next() else { return Err(error("InvalidPublicIp.NotFound")) };
    ctx.checked()?;
    set_publics(ctx.change(instance::KIND, &id, instance::UNKNOWN)?, Vec::new());
    let region = Arc::clone(&ctx.region);
    let eip = add(ctx.s, &region, &address);
    let account = Arc::clone(&ctx.account);
    ctx.s.store.get_mut(KIND, &eip).into_iter().for_each(|r| r.account = Arc::clone(&account));
    bind(ctx.s, &eip, &id, "EcsInstance");
    done()
}

fn allocate_public(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("InstanceId")?;
    let r = ctx.need(instance::KIND, &id, instance::UNKNOWN)?;
    if !publics(r).is_empty() {
        return Err(error_with("InvalidOperation.AlreadyAllocated", "The instance has a public address already."));
    }
    ctx.checked()?;
    let address: Arc<str> = ctx.s.public_address().into();
    set_publics(ctx.change(instance::KIND, &id, instance::UNKNOWN)?, vec![Arc::clone(&address)]);
    Ok(params! { "IpAddress" => address })
}

fn release_public(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let address = p.need("PublicIpAddress")?;
    let found = ctx.list(instance::KIND).find(|r| publics(r).contains(&address)).map(|r| Arc::clone(&r.id));
    let id = found.ok_or_else(|| error("InvalidPublicIp.NotFound"))?;
    ctx.checked()?;
    set_publics(ctx.change(instance::KIND, &id, instance::UNKNOWN)?, Vec::new());
    done()
}

/// With addresses in it only when it is forced.
fn delete_package(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("BandwidthPackageId")?;
    if ctx.need(PACKAGE, &id, "InvalidBandwidthPackageId.NotFound")?.is_true("DeletionProtection") {
        return Err(error("OperationDenied.DeletionProtection"));
    }
    let inside = ctx.s.store.ids_by(KIND, "BandwidthPackageId", &id);
    if !inside.is_empty() && !p.bool("Force") {
        return Err(error("InvalidBandwidthPackage.InUse"));
    }
    ctx.checked()?;
    for eip in &inside {
        ctx.s.store.get_mut(KIND, eip).into_iter().for_each(|r| r.set("BandwidthPackageId", ""));
    }
    ctx.s.store.remove(PACKAGE, &id);
    done()
}

fn add_to_package(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (package, id) = (p.need("BandwidthPackageId")?, p.need("IpInstanceId")?);
    ctx.need(PACKAGE, &package, "InvalidBandwidthPackageId.NotFound")?;
    let eip = ctx.change(KIND, &id, UNKNOWN)?;
    if !eip.str("BandwidthPackageId").is_empty() {
        return Err(error_with("OperationUnsupported.IpInCbwp", "The address is in a bandwidth package already."));
    }
    eip.set("BandwidthPackageId", package);
    done()
}

fn remove_from_package(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (package, id) = (p.need("BandwidthPackageId")?, p.need("IpInstanceId")?);
    ctx.need(PACKAGE, &package, "InvalidBandwidthPackageId.NotFound")?;
    let eip = ctx.change(KIND, &id, UNKNOWN)?;
    if eip.str("BandwidthPackageId") != &*package {
        return Err(error("OperationUnsupported.IpNotInCbwp"));
    }
    eip.set("BandwidthPackageId", "");
    done()
}
