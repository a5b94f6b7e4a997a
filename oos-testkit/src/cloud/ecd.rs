//! Cloud desktops (ECD). Lists are not wrapped here.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    FakeCloud,
    api::{Api, Ctx},
    ecs::{
        assistant::{self, Command},
        make::map,
    },
    error::{error, error_with, invalid},
    page::{Counters, Paging, page},
    params::Params,
    store::{Key, Kind, Resource},
    transition::nothing,
};

const KIND: Kind = "ECD::Desktop";
const SNAPSHOT: Kind = "ECD::Snapshot";
const UNKNOWN: &str = "InvalidDesktopId.NotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeDesktops", describe, ""),
    Api::new("StartDesktops", start, "DesktopId.N!"),
    Api::new("StopDesktops", stop, "DesktopId.N!"),
    Api::new("RebootDesktops", reboot, "DesktopId.N!"),
    Api::new("RebuildDesktops", rebuild, "DesktopId.N!"),
    Api::new("CreateSnapshot", create_snapshot, "DesktopId! SourceDiskType!"),
    Api::new("DescribeSnapshots", describe_snapshots, ""),
    Api::new("RunCommand", run_command, "DesktopId.N! Type! CommandContent!"),
    Api::new("DescribeInvocations", describe_invocations, ""),
    Api::new("DescribeCloudAssistantStatus", agent_status, "DesktopId.N RegionId"),
    Api::new("RenewDesktops", renew, "DesktopId.N!"),
    Api::new("ModifyDesktopChargeType", charge_type, "DesktopId.N! ChargeType!"),
];

/// CHOICE: ten a page; tokens lead on.
const PAGES: Paging = Paging { default: 10, max: 100, tokens: Some((1, 100)), counters: Counters::TokenOnly };

fn listed(fields: Map, name: &str, rows: Vec<Value>) -> Value {
    let mut out = fields;
    out.insert(name, rows);
    Value::from(out)
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags) = (p.ids("DesktopId"), p.tags("Tag"));
    let equal: Vec<_> =
        ["DesktopStatus", "ChargeType", "DesktopName"].iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| r.has_tags(&tags) && equal.iter().all(|(m, v)| &r.text(m) == v));
    let (ids, fields) = page(p, ids, PAGES)?;
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let rows = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let mut out = r.view();
        out.insert("Tags", r.tag_list("Key", "Value").at(&["Tag"]).clone());
        Value::from(out)
    });
    let rows = rows.collect();
    Ok(listed(fields, "Desktops", rows))
}

/// All desktops of a call, which must exist; each in the state, or its result says that it is not.
fn each(ctx: &mut Ctx<'_>, p: &Params, legal: &str, name: &str, event: &'static str) -> Result<Value, ApiError> {
    let ids = p.need_list("DesktopId")?;
    for id in &ids {
        ctx.need(KIND, id, UNKNOWN)?;
    }
    ctx.checked()?;
    let mut rows = Vec::new();
    for id in ids {
        let status = ctx.need(KIND, &id, UNKNOWN)?.text("DesktopStatus");
        let (code, message) = if &*status == legal {
            ("success", "")
        } else {
            ("IncorrectDesktopStatus", "The status does not allow it.")
        };
        if &*status == legal {
            ctx.s.transit(KIND, &id, event, nothing());
        }
        rows.push(params! { "DesktopId" => id, "Code" => code, "Message" => message });
    }
    Ok(params! { name => rows })
}

fn start(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    each(ctx, p, "Stopped", "StartResults", "start")
}

fn stop(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    each(ctx, p, "Running", "StopResults", "stop")
}

fn reboot(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    each(ctx, p, "Running", "RebootResults", "reboot")
}

fn rebuild(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    each(ctx, p, "Stopped", "RebuildResults", "rebuild")
}

fn create_snapshot(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let desktop = p.need("DesktopId")?;
    ctx.need(KIND, &desktop, UNKNOWN)?;
    let data = params! {
        "DesktopId" => desktop, "SnapshotName" => p.text("SnapshotName"), "SourceDiskType" => p.text("SourceDiskType").to_uppercase(),
        "CreationTime" => ctx.now().to_iso(), "Progress" => "0%",
    };
    let id = ctx.create(SNAPSHOT, "s-ecd-", map(&data))?;
    ctx.change(SNAPSHOT, &id, UNKNOWN)?.set("SnapshotId", Arc::clone(&id));
    ctx.s.transit(SNAPSHOT, &id, "create", nothing());
    Ok(params! { "SnapshotId" => id })
}

fn describe_snapshots(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, desktop) = (p.ids("SnapshotId"), p.str("DesktopId"));
    let ids = ctx.ids(SNAPSHOT, wanted.as_deref(), |r| desktop.as_deref().is_none_or(|d| r.str("DesktopId") == d));
    let (ids, fields) = page(p, ids, PAGES)?;
    ids.iter().for_each(|id| ctx.s.described(SNAPSHOT, id));
    let rows = ids.iter().filter_map(|id| ctx.find(SNAPSHOT, id)).map(|r| Value::from(r.view())).collect();
    Ok(listed(fields, "Snapshots", rows))
}

fn run_command(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = p.need_list("DesktopId")?;
    for id in &ids {
        let status = ctx.need(KIND, id, UNKNOWN)?.str("DesktopStatus");
        if status != "Running" {
            return Err(error_with("IncorrectDesktopStatus", format!("The desktop {id} is not running.")));
        }
    }
    let given = p.get("CommandContent").to_text();
    let content = if p.text("ContentEncoding").eq_ignore_ascii_case("Base64") {
        let bytes = STANDARD.decode(given.trim()).map_err(|_| invalid("CommandContent", "it is not Base64"))?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        given.to_string()
    };
    let region = Arc::clone(&ctx.region);
    let command = Command {
        id: ctx.s.ids.next("c-", &region).into(),
        name: "".into(),
        kind: p.need("Type")?,
        content,
        working_dir: "".into(),
        timeout: u64::try_from(p.int("Timeout")?.unwrap_or(60)).unwrap_or(60),
    };
    ctx.checked()?;
    assistant::invoke(ctx, KIND, command, &ids, "".into(), Value::Null).map(|id| params! { "InvokeId" => id })
}

fn describe_invocations(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, desktops, with_output) = (p.list("InvokeId"), p.list("DesktopIds"), p.bool("IncludeOutput"));
    let now = ctx.now();
    let mut all: Vec<_> =
        ctx.s.assistant.invocations.values().filter(|i| i.target == KIND && i.region == ctx.region).collect();
    all.retain(|i| wanted.is_empty() || wanted.contains(&i.id));
    let rows: Vec<Value> = all
        .iter()
        .map(|i| {
            let runs = i.runs.iter().filter(|r| desktops.is_empty() || desktops.contains(&r.instance));
            let rows: Vec<Value> = runs.map(|r| r.desktop_view(now, with_output)).collect();
            params! {
                "InvokeId" => Arc::clone(&i.id), "CommandType" => Arc::clone(&i.command.kind), "CommandContent" => STANDARD.encode(&i.command.content),
                "InvocationStatus" => i.status(now), "CreationTime" => i.created.to_iso(), "InvokeDesktops" => rows,
            }
        })
        .collect();
    let (rows, fields) = page(p, rows, Paging { max: 50, ..PAGES })?;
    Ok(listed(fields, "Invocations", rows))
}

fn agent_status(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("DesktopId");
    let now = ctx.now();
    let ids = ctx.ids(KIND, wanted.as_deref(), |_| true);
    let rows: Vec<Value> = ids
        .iter()
        .filter_map(|id| ctx.find(KIND, id))
        .map(|r| {
            let up = r.str("DesktopStatus") == "Running";
            let beat = if up { now.to_iso() } else { String::new() };
            params! { "DesktopId" => Arc::clone(&r.id), "CloudAssistantStatus" => if up { "true" } else { "false" }, "LastHeartbeatTime" => beat }
        })
        .collect();
    Ok(params! { "StatusModels" => rows })
}

fn renew(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    for id in p.need_list("DesktopId")? {
        if ctx.need(KIND, &id, UNKNOWN)?.str("ChargeType") != "PrePaid" {
            return Err(error("InvalidChargeType.NotSupport"));
        }
    }
    Ok(params! { "OrderId" => ctx.s.ids.number("order").to_string() })
}

fn charge_type(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (ids, to) = (p.need_list("DesktopId")?, p.need("ChargeType")?);
    for id in &ids {
        ctx.need(KIND, id, UNKNOWN)?;
    }
    // CHOICE: the new way of billing shows after five seconds.
    let at = ctx.now() + Duration::from_secs(5);
    ctx.s.queue.push(
        at,
        Box::new(move |state| {
            for id in ids {
                state
                    .store
                    .get_mut(KIND, &id)
                    .into_iter()
                    .for_each(|r: &mut Resource| r.set("ChargeType", Arc::clone(&to)));
            }
        }),
    );
    Ok(params! { "OrderId" => ctx.s.ids.number("order").to_string() })
}

/// Cloud desktops as a test sees them.
#[derive(Clone, Debug)]
pub struct Desktops {
    cloud: FakeCloud,
}

impl Desktops {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Makes a desktop in a state, disconnected, pay-as-you-go; gives its id.
    pub fn create(&self, status: &str) -> String {
        self.cloud.with(|state| {
            let region = state.region.to_string();
            let id = state.ids.next("ecd-", &region);
            let data = params! {
                "DesktopId" => id.as_str(), "DesktopName" => id.as_str(), "DesktopStatus" => status, "ConnectionStatus" => "Disconnected",
                "ChargeType" => "PostPaid", "StartTime" => state.now.to_iso(), "CreationTime" => state.now.to_iso(), "OsType" => "Windows",
            };
            state.add(KIND, id, &region, map(&data)).to_string()
        })
    }

    /// The state of a desktop.
    pub fn status(&self, id: &str) -> String {
        self.cloud
            .with(|state| state.store.get(KIND, id).map_or_else(String::new, |r| r.str("DesktopStatus").to_owned()))
    }

    /// Puts a desktop into a state at once.
    pub fn set_status(&self, id: &str, status: &str) {
        self.cloud.with(|state| {
            state.next_generation(&Key::new(KIND, id));
            state.set_status(KIND, id, status);
        });
    }

    /// Sets a member in the shape of the wire, e.g. `ConnectionStatus`.
    pub fn set(&self, id: &str, member: &str, value: impl Into<Value>) {
        let value = value.into();
        self.cloud.with(|state| state.store.get_mut(KIND, id).into_iter().for_each(|r| r.set(member, value.clone())));
    }
}
