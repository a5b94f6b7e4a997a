//! Inner products, messages and events, edge, content delivery, trails, firewalls: one call or two each.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{view, views};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::{
        assistant::{self, Command},
        make::map,
    },
    error::error,
    page::{TEN, page},
    params::Params,
    setter,
    store::Kind,
};

const STARAGENT: Kind = "Staragent::Host";

const RUN: &str = "CommandContent CorpIdentifier DeployId Executor RdcRegionId ServiceTags ServiceTag";
const DESCRIBE: &str = "CorpIdentifier DeployId Executor RdcRegionId ServiceTag Uid!";

/// The operations of both inner products.
pub(crate) const STARAGENT_APIS: &[Api] = &[
    Api::new("StaragentRunCommand", run_command, RUN),
    Api::new("RunStaragentCommand", run_command, RUN),
    Api::new("StaragentDescribeCommand", describe_command, DESCRIBE),
    Api::new("DescribeStaragentCommand", describe_command, DESCRIBE),
];

pub(crate) const MNS_APIS: &[Api] = &[Api::new("PublishMessage", publish, "")];
pub(crate) const BUS_APIS: &[Api] = &[Api::new("PutEvents", put_events, "")];
pub(crate) const ENS_APIS: &[Api] =
    &[Api::new("DescribeInstances", ens_instances, ""), Api::new("DescribeDisks", ens_disks, "")];
pub(crate) const CDN_APIS: &[Api] = &[
    Api::new("DescribeCdnDomainDetail", domain, "DomainName!"),
    Api::new("SetDomainServerCertificate", set_certificate, "DomainName!"),
];
pub(crate) const WAF_APIS: &[Api] = &[
    Api::new("ModifyProtectionModuleStatus", setter::store, "Domain!"),
    Api::new("ModifyLogServiceStatus", setter::store, "Domain!"),
];
pub(crate) const EHPC_APIS: &[Api] = &[Api::new("ModifyClusterAttributes", setter::store, "ClusterId!")];
pub(crate) const ALB_APIS: &[Api] = &[Api::new("EnableDeletionProtection", setter::store, "ResourceId!")];
pub(crate) const TRAIL_APIS: &[Api] = &[Api::new("CreateTrail", create_trail, "Name!")];

/// One task for each tag; the commands go by the scripts of Cloud Assistant.
fn run_command(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let mut tags = p.comma("ServiceTags");
    tags.extend(p.str("ServiceTag"));
    let content = p.text("CommandContent").to_string();
    let mut tasks = Vec::new();
    for tag in tags {
        if ctx.find(STARAGENT, &tag).is_none() {
            ctx.create_as(STARAGENT, &tag, Map::new())?;
        }
        let command = Command {
            id: "staragent".into(),
            name: "".into(),
            kind: "RunShellScript".into(),
            content: content.clone(),
            working_dir: "".into(),
            timeout: 3600,
        };
        let uid = assistant::invoke(ctx, STARAGENT, command, &[Arc::clone(&tag)], "".into(), Value::Null)?;
        tasks.push(params! { "uid" => uid, "serviceTag" => tag });
    }
    Ok(params! { "Success" => true, "Data" => params! { "tasks" => tasks } })
}

fn describe_command(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (uid, now) = (p.need("Uid")?, ctx.now());
    let found = ctx
        .s
        .assistant
        .invocations
        .get(&uid)
        .filter(|i| i.target == STARAGENT)
        .ok_or_else(|| error("InvalidInvokeId.NotFound"))?;
    let status = match found.status(now) {
        "Pending" | "Running" => "Running",
        "Success" => "Success",
        _ => "Failed",
    };
    let result = if status == "Running" { String::new() } else { found.output() };
    Ok(params! { "Success" => true, "Data" => params! { "uid" => uid, "status" => status, "jobResult" => result } })
}

fn publish(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let id = ctx.s.ids.uuid("mns").replace('-', "").to_uppercase();
    Ok(params! { "Message" => params! { "MessageId" => id, "MessageBodyMD5" => "FAKE0000000000000000000000000000" } })
}

fn put_events(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let id = ctx.s.ids.uuid("event");
    Ok(params! { "FailedEntryCount" => 0, "EntryList" => vec![params! { "EventId" => id }] })
}

fn ens_instances(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("InstanceIds").or_else(|| p.ids("InstanceId"));
    let rows = views(ctx, "ENS::Instance", wanted.as_deref());
    let (rows, fields) = page(p, rows, TEN)?;
    Ok(wrapped("Instances", "Instance", rows, fields))
}

/// The list of disks has, oddly, the name of its wrapper.
fn ens_disks(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let rows = views(ctx, "ENS::Disk", p.ids("DiskIds").as_deref());
    let (rows, fields) = page(p, rows, TEN)?;
    Ok(wrapped("Disks", "Disks", rows, fields))
}

const DOMAIN: Kind = "CDN::Domain";

fn domain(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("DomainName")?;
    let mut out = map(
        &params! { "DomainName" => Arc::clone(&name), "DomainStatus" => "online", "ServerCertificateStatus" => "off" },
    );
    out.extend(view(ctx, DOMAIN, &name, "InvalidDomain.NotFound")?);
    Ok(params! { "GetDomainDetailModel" => out })
}

fn set_certificate(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.need("DomainName")?;
    ctx.set_given(DOMAIN, &name, "InvalidDomain.NotFound", p, &["ServerCertificateStatus", "CertType", "CertName"])?;
    done()
}

/// The answer is what was given.
fn create_trail(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let mut given = p.0.clone();
    given.remove("RegionId");
    given.insert("HomeRegion", Arc::clone(&ctx.region));
    ctx.create_as("ActionTrail::Trail", &p.need("Name")?, given.clone())?;
    Ok(Value::from(given))
}
