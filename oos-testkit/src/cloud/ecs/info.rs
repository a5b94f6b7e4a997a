//! What ECS tells about itself and about purchases: regions, zones, types, prices, quotas, reports. Data of a
//! catalogue, small and made up.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use super::{
    instance::{KIND, UNKNOWN},
    make::map,
};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::error,
    page::{TEN, page},
    params::Params,
    store::Resource,
    transition::nothing,
};

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeRegions", regions, ""),
    Api::new("DescribeZones", zones, "InstanceChargeType SpotStrategy AcceptLanguage Verbose"),
    Api::new("DescribeInstanceTypes", instance_types, ""),
    Api::new("DescribeAvailableResource", available, "DestinationResource!"),
    Api::new("DescribeSpotPriceHistory", spot_prices, "InstanceType!"),
    Api::new("DescribeAccountAttributes", attributes, ""),
    Api::new("CreateDiagnosticReport", create_report, "ResourceId!"),
    Api::new("DescribeDiagnosticReportAttributes", describe_report, "ReportId!"),
    Api::new("DescribeInstancesFullStatus", full_status, ""),
    Api::new("DescribeManagedInstances", managed, ""),
    Api::new("AcceptInquiredSystemEvent", accept_event, "EventId!"),
    Api::new("PurchaseReservedInstancesOffering", reserve, "InstanceType!"),
    Api::new("DescribeReservedInstances", describe_reserved, ""),
    Api::new("CreateSavingsPlan", savings_plan, ""),
    Api::new("DescribeSavingsPlanEstimation", savings_estimation, ""),
    Api::new("DescribeSavingsPlanPrice", savings_price, ""),
];

/// CHOICE: the regions of the fake.
pub(crate) const REGIONS: &[&str] =
    &["cn-hangzhou", "cn-beijing", "cn-shanghai", "cn-shenzhen", "ap-southeast-1", "us-west-1", "eu-central-1"];

/// CHOICE: the instance types of the fake: name, cores, GiB.
const TYPES: &[(&str, i64, f64)] = &[
    ("ecs.t6-c1m1.large", 2, 2.0),
    ("ecs.c7.large", 2, 4.0),
    ("ecs.c7.xlarge", 4, 8.0),
    ("ecs.g7.large", 2, 8.0),
    ("ecs.g7.xlarge", 4, 16.0),
    ("ecs.g6.large", 2, 8.0),
    ("ecs.r7.large", 2, 16.0),
    ("ecs.t5-lc1m1.small", 1, 1.0),
    ("ecs.t6-c4m1.large", 2, 0.5),
    ("ecs.s6-c1m1.small", 1, 1.0),
    ("ecs.n4.small", 1, 2.0),
    ("ecs.mn4.small", 1, 4.0),
    ("ecs.sn2ne.large", 2, 8.0),
    ("ecs.c5.large", 2, 4.0),
    ("ecs.c5.8xlarge", 32, 64.0),
    ("ecs.c6.large", 2, 4.0),
    ("ecs.g5.large", 2, 8.0),
    ("ecs.g5.8xlarge", 32, 128.0),
    ("ecs.r5.2xlarge", 8, 64.0),
    ("ecs.r5.4xlarge", 16, 128.0),
    ("ecs.r5.8xlarge", 32, 256.0),
    ("ecs.r6.large", 2, 16.0),
];

fn regions(_: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let list = REGIONS.iter().map(|id| params! {
        "RegionId" => *id, "LocalName" => *id, "RegionEndpoint" => format!("ecs.{id}.aliyuncs.com"), "Status" => "available",
    });
    Ok(wrapped("Regions", "Region", list.collect(), oos_core::Map::new()))
}

fn zone_ids(region: &str) -> Vec<String> {
    ["b", "g", "h"].iter().map(|z| format!("{region}-{z}")).collect()
}

fn zones(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let list =
        zone_ids(&ctx.region).into_iter().map(|id| params! { "ZoneId" => id.as_str(), "LocalName" => id.as_str() });
    Ok(wrapped("Zones", "Zone", list.collect(), oos_core::Map::new()))
}

fn instance_types(_: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.list("InstanceTypes");
    let list = TYPES.iter().filter(|(name, ..)| wanted.is_empty() || wanted.iter().any(|w| **w == **name)).map(|(name, cores, gib)| {
        params! {
            "InstanceTypeId" => *name, "InstanceTypeFamily" => name.rsplit_once('.').map_or("", |(f, _)| f),
            "CpuCoreCount" => *cores, "MemorySize" => *gib, "CpuArchitecture" => "X86", "EniQuantity" => 3,
            "GPUAmount" => 0, "GPUSpec" => "", "LocalStorageCategory" => "", "InstanceCategory" => "General-purpose",
        }
    });
    let list = list.collect();
    Ok(params! { "InstanceTypes" => params! { "InstanceType" => Value::List(Arc::new(list)) }, "NextToken" => "" })
}

/// The resources of which nothing is left, as the test said.
fn sold_out(ctx: &Ctx<'_>, name: &str) -> bool {
    ctx.s.store.get("ECS::SoldOut", name).is_some()
}

fn available(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (kind, wanted, zone) = (p.need("DestinationResource")?, p.str("InstanceType"), p.str("ZoneId"));
    let values: Vec<&str> = match &*kind {
        "SystemDisk" | "DataDisk" => vec!["cloud_efficiency", "cloud_ssd", "cloud_essd"],
        "Zone" => vec![],
        "IoOptimized" => vec!["optimized"],
        "Network" => vec!["vpc"],
        _ => TYPES.iter().map(|(name, ..)| *name).collect(),
    };
    let of_type = |v: &&&str| wanted.as_deref().is_none_or(|w| kind.to_ascii_lowercase().contains("disk") || w == **v);
    let supported: Vec<Value> = values
        .iter()
        .filter(of_type)
        .map(|v| {
            let (status, category) = if sold_out(ctx, v) { ("SoldOut", "WithoutStock") } else { ("Available", "WithStock") };
            params! { "Value" => *v, "Status" => status, "StatusCategory" => category, "Min" => 20, "Max" => 32_768, "Unit" => "GiB" }
        })
        .collect();
    let zones = zone_ids(&ctx.region).into_iter().filter(|z| zone.as_deref().is_none_or(|w| w == z)).map(|z| {
        let none = sold_out(ctx, &z);
        params! {
            "ZoneId" => z, "RegionId" => Arc::clone(&ctx.region), "Status" => if none { "SoldOut" } else { "Available" },
            "StatusCategory" => if none { "WithoutStock" } else { "WithStock" },
            "AvailableResources" => params! { "AvailableResource" => vec![params! {
                "Type" => Arc::clone(&kind), "SupportedResources" => params! { "SupportedResource" => supported.clone() },
            }] },
        }
    });
    let zones: Vec<Value> = zones.collect();
    Ok(wrapped("AvailableZones", "AvailableZone", zones, oos_core::Map::new()))
}

/// CHOICE: what a type costs an hour, and the part of it that a spot instance costs, by the hour of the day.
fn spot_prices(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (name, zone) = (p.need("InstanceType")?, p.str("ZoneId"));
    let cores = TYPES.iter().find(|(n, ..)| *n == &*name).map_or(2, |(_, c, _)| *c);
    let (now, region) = (ctx.now(), Arc::clone(&ctx.region));
    let discount = ctx
        .s
        .store
        .get("ECS::SpotDiscount", &name)
        .map_or(0.3, |r| r.data.get("Value").and_then(Value::as_f64).unwrap_or(0.3));
    #[expect(clippy::cast_precision_loss, reason = "a handful of cores")]
    let origin = cores as f64 * 0.25;
    let mut rows = Vec::new();
    for zone in zone_ids(&region).into_iter().filter(|z| zone.as_deref().is_none_or(|w| w == z)) {
        for hour in (0..3).rev() {
            rows.push(params! {
                "InstanceType" => Arc::clone(&name), "ZoneId" => zone.as_str(), "OriginPrice" => origin,
                "SpotPrice" => origin * discount, "Timestamp" => now.plus_seconds(-3600 * hour).to_iso(),
                "NetworkType" => "vpc", "IoOptimized" => "optimized",
            });
        }
    }
    // Ascending in time; the last entry is the newest.
    rows.sort_by_key(|r| r.at(&["Timestamp"]).to_text());
    Ok(params! { "SpotPrices" => params! { "SpotPriceType" => rows }, "Currency" => "CNY", "NextOffset" => 0 })
}

/// The attributes in the order in which templates read them by index.
const ATTRIBUTES: [&str; 17] = [
    "instance-network-type",
    "max-security-groups",
    "max-elastic-network-interfaces",
    "max-dedicated-hosts",
    "supported-postpay-instance-types",
    "real-name-authentication",
    "max-postpaid-instance-vcpu-count",
    "max-spot-instance-vcpu-count",
    "max-postpaid-yundisk-capacity-total",
    "max-image-copy",
    "max-axt-command-count",
    "max-axt-invocation-daily",
    "max-snapshot-count",
    "used-postpaid-instance-vcpu-count",
    "used-spot-instance-vcpu-count",
    "max-postpaid-yundisk-capacity",
    "used-postpaid-yundisk-capacity",
];

fn attributes(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.list("AttributeName");
    let set = |name: &str, n: usize| {
        ctx.s.store.get("ECS::AccountAttribute", &format!("{name}/{n}")).map(|r| r.text("Value"))
    };
    let list = ATTRIBUTES.iter().filter(|n| wanted.is_empty() || wanted.iter().any(|w| **w == ***n)).map(|name| {
        let otherwise = if name.starts_with("used-") { "0" } else { "100" };
        let disks = ["cloud_efficiency", "cloud_ssd", "cloud_essd"];
        let count = if name.ends_with("yundisk-capacity") { disks.len() } else { 1 };
        let items: Vec<Value> = (0..count)
            .map(|n| {
                let value = set(name, n).unwrap_or_else(|| otherwise.into());
                let kind = if count == 1 { "" } else { disks.get(n).copied().unwrap_or("") };
                params! { "Value" => value, "DiskCategory" => kind, "ZoneId" => "", "InstanceType" => "", "Count" => 0 }
            })
            .collect();
        params! { "AttributeName" => *name, "AttributeValues" => params! { "ValueItem" => items } }
    });
    let list = list.collect();
    Ok(wrapped("AccountAttributeItems", "AccountAttributeItem", list, oos_core::Map::new()))
}

const REPORT: &str = "ECS::DiagnosticReport";

fn create_report(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let resource = p.need("ResourceId")?;
    ctx.need(KIND, &resource, UNKNOWN)?;
    let data = params! {
        "ResourceId" => resource, "ResourceType" => "instance", "MetricSetId" => p.text("MetricSetId"), "Severity" => "Normal",
        "CreationTime" => ctx.now().to_iso(), "Issues" => Value::empty_list(),
    };
    let id = ctx.create(REPORT, "dr-", map(&data))?;
    ctx.s.transit(REPORT, &id, "create", nothing());
    Ok(params! { "ReportId" => id })
}

fn describe_report(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ReportId")?;
    ctx.s.described(REPORT, &id);
    let r = ctx.need(REPORT, &id, "InvalidReportId.NotFound")?;
    let mut out = r.view();
    out.insert("ReportId", Arc::clone(&id));
    let finished = r.str("Status") == "Finished";
    let metric = params! {
        "MetricId" => "GuestOS.CPUHighUtiliz", "MetricCategory" => "GuestOS.CPU", "Severity" => "Normal",
        "Status" => "Finished", "Issues" => params! { "Issue" => Value::empty_list() },
    };
    let metrics: Vec<Value> = finished.then_some(metric).into_iter().collect();
    Ok(wrapped("MetricResults", "MetricResult", metrics, out))
}

fn full_status(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("InstanceId");
    let ids = ctx.ids(KIND, wanted.as_deref(), |_| true);
    let (ids, fields) = page(p, ids, TEN)?;
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let health = if r.str("_health").is_empty() { "Ok" } else { r.str("_health") };
        params! {
            "InstanceId" => Arc::clone(&r.id), "Status" => params! { "Name" => r.str("Status"), "Code" => 1 },
            "HealthStatus" => params! { "Name" => health, "Code" => if health == "Ok" { 0 } else { 1 } },
            "ScheduledSystemEventSet" => params! { "ScheduledSystemEventType" => Value::empty_list() },
        }
    });
    let list = list.collect();
    Ok(wrapped("InstanceFullStatusSet", "InstanceFullStatusType", list, fields))
}

fn managed(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags) = (p.ids("InstanceId"), p.tags("Tag"));
    let ids = ctx.ids("ECS::ManagedInstance", wanted.as_deref(), |r| r.has_tags(&tags));
    let (ids, mut fields) = page(p, ids, TEN.max(50))?;
    let list = ids.iter().filter_map(|id| ctx.find("ECS::ManagedInstance", id)).map(|r| {
        let mut view = r.view();
        view.insert("Tags", r.tag_list("TagKey", "TagValue").at(&["Tag"]).clone());
        Value::from(view)
    });
    let list: Vec<Value> = list.collect();
    fields.insert("Instances", list);
    Ok(Value::from(fields))
}

/// What the test put there as an event is carried out from now on.
fn accept_event(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    if let Some(event) = ctx.s.store.get_mut("ECS::SystemEvent", &p.need("EventId")?) {
        event.set("EventCycleStatus", "Executing");
    }
    done()
}

const RESERVED: &str = "ECS::ReservedInstance";

fn reserve(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let region = Arc::clone(&ctx.region);
    let id = ctx.s.ids.next("ecsri-", &region);
    let mut data = map(&params! {
        "ReservedInstanceId" => id.as_str(), "Status" => "Active", "RegionId" => region,
        "InstanceAmount" => p.int("InstanceAmount")?.unwrap_or(1), "CreationTime" => ctx.now().to_iso(),
    });
    for name in [
        "InstanceType",
        "Scope",
        "ZoneId",
        "Platform",
        "OfferingType",
        "Description",
        "ResourceGroupId",
        "ReservedInstanceName",
    ] {
        data.insert(name, p.text(name));
    }
    ctx.checked()?;
    ctx.create_as(RESERVED, &id, data)?;
    ctx.s.store.get_mut(RESERVED, &id).into_iter().for_each(|r| r.tags.extend(p.tags("Tag")));
    Ok(
        params! { "ReservedInstanceIdSets" => params! { "ReservedInstanceId" => [id] }, "OrderId" => ctx.s.ids.number("order").to_string() },
    )
}

fn describe_reserved(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("ReservedInstanceId");
    let ids = ctx.ids(RESERVED, wanted.as_deref(), |_| true);
    let (ids, fields) = page(p, ids, TEN)?;
    let list = ids.iter().filter_map(|id| ctx.find(RESERVED, id)).map(Resource::tagged_view).collect();
    Ok(wrapped("ReservedInstances", "ReservedInstance", list, fields))
}

fn savings_plan(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    if p.text("CommittedAmount").is_empty() {
        return Err(error("MissingParameter.CommittedAmount"));
    }
    let region = Arc::clone(&ctx.region);
    Ok(
        params! { "SavingsPlanId" => ctx.s.ids.next("spn-", &region), "OrderId" => ctx.s.ids.number("order").to_string() },
    )
}

fn savings_estimation(_: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    Ok(params! {
        "CommittedAmount" => 0.1, "Currency" => "CNY", "InstanceTypeFamily" => "ecs.g7", "OfferingType" => p.text("OfferingType"),
        "Period" => p.text("Period"), "PeriodUnit" => p.text("PeriodUnit"), "PlanType" => p.text("PlanType"),
    })
}

fn savings_price(_: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    Ok(
        params! { "PriceInfo" => params! { "Price" => params! { "TradePrice" => 80.0, "OriginalPrice" => 100.0, "DiscountPrice" => 20.0, "Currency" => "CNY" } } },
    )
}
