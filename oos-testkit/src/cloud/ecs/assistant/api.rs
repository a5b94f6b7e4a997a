//! The operations of Cloud Assistant.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use oos_core::{Map, Timestamp, Value, params, ports::ApiError};

use super::{Command, How, Invocation, Run, script::output_for};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    ecs::{instance, make::map},
    error::{error, error_with, invalid, missing},
    page::{TEN, page},
    params::Params,
    store::Kind,
    transition::Profile,
};

pub(crate) const APIS: &[Api] = &[
    Api::new("RunCommand", run_command, "Type! CommandContent!"),
    Api::new("CreateCommand", create_command, "Type! CommandContent! Name!"),
    Api::new("InvokeCommand", invoke_command, "CommandId!"),
    Api::new("DeleteCommand", delete_command, "CommandId!"),
    Api::new(
        "DescribeCommands",
        describe_commands,
        "CommandId Name Type Description Provider Latest ContentEncoding Repeat Tag.N",
    ),
    Api::new("StopInvocation", stop_invocation, "InvokeId! InstanceId.N"),
    Api::new("DescribeInvocations", describe_invocations, ""),
    Api::new("DescribeInvocationResults", describe_results, ""),
    Api::new("DescribeCloudAssistantStatus", agent_status, ""),
    Api::new("InstallCloudAssistant", install, "InstanceId.N!"),
    Api::new(
        "SendFile",
        send_file,
        "InstanceId.N! Name! Content! ContentType Description FileGroup FileMode FileOwner Overwrite TargetDir Timeout ResourceTag.N Tag.N",
    ),
];

const COMMAND: &str = "ECS::Command";

/// CHOICE: largest content after Base64.
const LONGEST_CONTENT: usize = 24 * 1024;

/// CHOICE: time-out of a command when none is given, in seconds.
const TIMEOUT: i64 = 60;

/// CHOICE: how long a command is Pending.
const PENDING: Duration = Duration::from_secs(1);

const TYPES: [&str; 3] = ["RunShellScript", "RunBatScript", "RunPowerShellScript"];

fn run_command(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let command = command_of(ctx, p)?;
    let instances = targets(ctx, p)?;
    let (values, user) = (p.get("Parameters").parsed_if_json_text(), p.text("Username"));
    let content = filled(&command.content, &values, p.bool("EnableParameter"));
    ctx.checked()?;
    if p.bool("KeepCommand") {
        keep(ctx, &command, p.bool("EnableParameter"))?;
    }
    let id = invoke(ctx, instance::KIND, Command { content, ..command.clone() }, &instances, user, values)?;
    Ok(params! { "InvokeId" => id, "CommandId" => command.id })
}

fn create_command(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let command = command_of(ctx, p)?;
    ctx.checked()?;
    keep(ctx, &command, p.bool("EnableParameter"))?;
    let tags = p.tags("Tag");
    ctx.change(COMMAND, &command.id, "InvalidCmdId.NotFound")?.tags.extend(tags);
    Ok(params! { "CommandId" => command.id })
}

fn keep(ctx: &mut Ctx<'_>, command: &Command, parameters: bool) -> Result<(), ApiError> {
    let data = params! {
        "CommandId" => Arc::clone(&command.id), "Name" => Arc::clone(&command.name), "Type" => Arc::clone(&command.kind),
        "CommandContent" => STANDARD.encode(&command.content), "WorkingDir" => Arc::clone(&command.working_dir),
        "Timeout" => command.timeout, "EnableParameter" => parameters, "CreationTime" => ctx.now().to_iso(),
        "Provider" => "User", "Version" => 1, "_content" => command.content.as_str(),
    };
    ctx.create_as(COMMAND, &command.id, map(&data)).map(|_| ())
}

/// CHOICE: the cloud itself provides commands whose ids start like this, in every account; the ending tells the type.
const PROVIDED: [&str; 2] = ["ACS-", "cmd-ACS-"];

/// Puts a command of the cloud there when it is first needed. Its content is not known: tests script what it does.
fn provide(ctx: &mut Ctx<'_>, id: &Arc<str>) -> Result<(), ApiError> {
    if !PROVIDED.iter().any(|start| id.starts_with(start)) || ctx.find(COMMAND, id).is_some() {
        return Ok(());
    }
    let [_, bat, power_shell] = TYPES;
    let kind = match id.rsplit('.').next().unwrap_or_default() {
        "bat" => bat,
        "ps1" => power_shell,
        _ => "RunShellScript",
    };
    let command = Command {
        id: Arc::clone(id),
        name: Arc::clone(id),
        kind: kind.into(),
        content: format!("# {id}"),
        working_dir: "".into(),
        timeout: u64::try_from(TIMEOUT).unwrap_or(60),
    };
    keep(ctx, &command, true)?;
    ctx.change(COMMAND, id, "InvalidCmdId.NotFound")?.set("Provider", "AlibabaCloud");
    Ok(())
}

fn invoke_command(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("CommandId")?;
    provide(ctx, &id)?;
    let stored = ctx.need(COMMAND, &id, "InvalidCmdId.NotFound")?;
    let values = p.get("Parameters").parsed_if_json_text();
    let timeout = p.int("Timeout")?.unwrap_or_else(|| stored.int("Timeout"));
    let command = Command {
        id,
        name: stored.text("Name"),
        kind: stored.text("Type"),
        content: filled(stored.str("_content"), &values, stored.is_true("EnableParameter")),
        working_dir: stored.text("WorkingDir"),
        timeout: u64::try_from(timeout).unwrap_or(0),
    };
    let instances = targets(ctx, p)?;
    ctx.checked()?;
    let invocation = invoke(ctx, instance::KIND, command, &instances, p.text("Username"), values)?;
    Ok(params! { "InvokeId" => invocation })
}

fn command_of(ctx: &mut Ctx<'_>, p: &Params) -> Result<Command, ApiError> {
    let kind = p.need("Type")?;
    let kind =
        TYPES.iter().find(|t| t.eq_ignore_ascii_case(&kind)).ok_or_else(|| invalid("Type", "it is not known"))?;
    let given = p.get("CommandContent").to_text();
    let base64 = p.text("ContentEncoding").eq_ignore_ascii_case("Base64");
    let encoded = if base64 { given.len() } else { given.len().div_ceil(3) * 4 };
    if encoded > LONGEST_CONTENT {
        return Err(error_with("InvalidParameter.CommandContent", "The content is longer than 24 KB after Base64."));
    }
    let content = if base64 {
        let bytes = STANDARD.decode(given.trim()).map_err(|_| invalid("CommandContent", "it is not Base64"))?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        given.to_string()
    };
    let timeout = p.int("Timeout")?.unwrap_or(TIMEOUT);
    let region = Arc::clone(&ctx.region);
    let id: Arc<str> = ctx.s.ids.next("c-", &region).into();
    Ok(Command {
        name: p.str("Name").unwrap_or_else(|| Arc::clone(&id)),
        id,
        kind: (*kind).into(),
        content,
        working_dir: p.text("WorkingDir"),
        timeout: u64::try_from(timeout).map_err(|_| invalid("Timeout", "it is negative"))?,
    })
}

/// The instances of a call: 1 to 100 that exist and run.
fn targets(ctx: &Ctx<'_>, p: &Params) -> Result<Vec<Arc<str>>, ApiError> {
    let mut ids = p.list("InstanceId");
    let tags = p.tags("ResourceTag");
    if ids.is_empty() && !tags.is_empty() {
        let tagged = ctx.narrowed(instance::KIND, None, &[], &tags);
        ids = ctx.ids(instance::KIND, tagged.as_deref(), |r| r.has_tags(&tags) && r.str("Status") == "Running");
    }
    if ids.is_empty() {
        return Err(missing("InstanceId"));
    }
    if ids.len() > 100 {
        return Err(invalid("InstanceId", "at most 100 instances are taken"));
    }
    for id in &ids {
        let instance = ctx.need(instance::KIND, id, "InvalidInstance.NotFound")?;
        if instance.str("Status") != "Running" {
            return Err(error_with("InvalidInstance.NotRunning", format!("The instance {id} is not running.")));
        }
    }
    Ok(ids)
}

/// The content with `{{name}}` replaced, names compared without case.
fn filled(content: &str, values: &Value, enabled: bool) -> String {
    let Some(values) = values.as_map().filter(|_| enabled) else { return content.to_owned() };
    let (mut out, mut rest) = (String::new(), content);
    while let Some((head, tail)) = rest.split_once("{{") {
        out.push_str(head);
        match tail.split_once("}}") {
            Some((name, after)) if values.get_folded(name.trim()).is_some() => {
                out.push_str(&values.get_folded(name.trim()).map(|(_, v)| v.to_text()).unwrap_or_default());
                rest = after;
            }
            _ => {
                out.push_str("{{");
                rest = tail;
            }
        }
    }
    out + rest
}

/// Runs a command on instances or desktops and gives the id of the invocation.
pub(crate) fn invoke(
    ctx: &mut Ctx<'_>,
    target: Kind,
    command: Command,
    instances: &[Arc<str>],
    user: Arc<str>,
    values: Value,
) -> Result<Arc<str>, ApiError> {
    let region = Arc::clone(&ctx.region);
    let mut runs = Vec::new();
    for instance in instances {
        runs.push(run_on(ctx, target, &command, instance)?);
    }
    let id: Arc<str> = ctx.s.ids.next("t-", &region).into();
    let invocation = Invocation {
        id: Arc::clone(&id),
        target,
        region,
        account: Arc::clone(&ctx.account),
        username: user,
        parameters: values,
        created: ctx.now(),
        command,
        runs,
    };
    ctx.s.assistant.add(invocation);
    Ok(id)
}

fn run_on(ctx: &mut Ctx<'_>, target: Kind, command: &Command, instance: &Arc<str>) -> Result<Run, ApiError> {
    let unscripted = || ApiError::Unsupported {
        code: "Testkit.UnscriptedCommand".into(),
        message: format!("no script matches the command on {instance}; script it: cloud.assistant().on_command(..)")
            .into(),
    };
    let agent = target != instance::KIND || ctx.find(target, instance).is_some_and(|r| r.is_true("_assistant"));
    let mut output = output_for(ctx.s, command, target, instance).ok_or_else(unscripted)?;
    if !agent {
        output = super::agent_offline();
    }
    let pending = if ctx.s.profile == Profile::Instant { Duration::ZERO } else { PENDING };
    let begins = ctx.now() + pending;
    let (limit, takes) = (Duration::from_secs(command.timeout), output.duration(ctx.s.profile));
    let how = if output.how == How::Exits && takes > limit { How::TimesOut } else { output.how };
    let ends = match how {
        How::TimesOut => begins + limit,
        How::Offline | How::Aborted => begins,
        How::Exits | How::Crashes => begins + takes,
    };
    if how == How::Crashes {
        let id = Arc::clone(instance);
        ctx.s.queue.push(ends, Box::new(move |state| state.set_status(target, &id, "Stopped")));
    }
    Ok(Run { instance: Arc::clone(instance), begins, ends: Some(ends), stopped: None, output, how })
}

fn delete_command(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("CommandId")?;
    ctx.need(COMMAND, &id, "InvalidCmdId.NotFound")?;
    ctx.s.store.remove(COMMAND, &id);
    done()
}

fn describe_commands(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, name, tags) = (p.ids("CommandId"), p.str("Name"), p.tags("Tag"));
    let named = |r: &crate::cloud::store::Resource| name.as_deref().is_none_or(|n| r.str("Name") == n);
    let ids = ctx.ids(COMMAND, wanted.as_deref(), |r| named(r) && r.has_tags(&tags));
    let (ids, fields) = page(p, ids, TEN.max(50))?;
    let list = ids.iter().filter_map(|id| ctx.find(COMMAND, id)).map(|r| Value::from(r.view())).collect();
    Ok(wrapped("Commands", "Command", list, fields))
}

fn stop_invocation(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, instances, now) = (p.need("InvokeId")?, p.list("InstanceId"), ctx.now());
    let found = ctx.s.assistant.invocations.get_mut(&*id).ok_or_else(|| error("InvalidInvokeId.NotFound"))?;
    for run in &mut found.runs {
        let meant = instances.is_empty() || instances.contains(&run.instance);
        if meant && run.stopped.is_none() && run.ends.is_none_or(|end| end > now) {
            run.stopped = Some(now);
        }
    }
    done()
}

/// The invocations that a call asks for, the newest first, as such lists are.
fn chosen<'a>(ctx: &'a Ctx<'_>, p: &Params) -> Vec<&'a Invocation> {
    let (id, command, instance) = (p.str("InvokeId"), p.str("CommandId"), p.str("InstanceId"));
    let (name, status, now) = (p.str("CommandName"), p.str("InvokeStatus"), ctx.now());
    let fits = |wanted: &Option<Arc<str>>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
    let all = &ctx.s.assistant;
    let found: Box<dyn Iterator<Item = &Invocation>> = match (&id, &instance) {
        (Some(id), _) => Box::new(all.invocations.get(id).into_iter()),
        (None, Some(instance)) => Box::new(all.on(instance)),
        (None, None) => Box::new(all.invocations.values()),
    };
    let mut found: Vec<&Invocation> = found
        .filter(|i| i.target == instance::KIND && i.region == ctx.region && i.account == ctx.account)
        .filter(|i| fits(&command, &i.command.id) && fits(&name, &i.command.name))
        .filter(|i| fits(&status, i.invoke_status(now)))
        .filter(|i| instance.is_none() || i.runs.iter().any(|r| fits(&instance, &r.instance)))
        .collect();
    found.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    found
}

fn describe_invocations(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (list, fields) = page(p, chosen(ctx, p), TEN.tokens(1, 50).max(50))?;
    let (now, outputs) = (ctx.now(), p.bool("IncludeOutput"));
    let plain = p.text("ContentEncoding").eq_ignore_ascii_case("PlainText");
    let list = list.iter().map(|i| i.view(now, outputs, plain)).collect();
    Ok(wrapped("Invocations", "Invocation", list, fields))
}

fn describe_results(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (now, instance, status) = (ctx.now(), p.str("InstanceId"), p.str("InvokeRecordStatus"));
    let plain = p.text("ContentEncoding").eq_ignore_ascii_case("PlainText");
    let mut rows = Vec::new();
    for invocation in chosen(ctx, p) {
        for run in &invocation.runs {
            let meant = instance.as_deref().is_none_or(|i| i == &*run.instance);
            if meant && status.as_deref().is_none_or(|s| s == run.record_status(now)) {
                rows.push(run.view(invocation, now, plain));
            }
        }
    }
    let (rows, mut fields) = page(p, rows, TEN.tokens(1, 50).max(50))?;
    fields.insert("InvocationResults", params! { "InvocationResult" => rows });
    Ok(params! { "Invocation" => fields })
}

/// CHOICE: the agent reports every minute, for the first time ten seconds after the instance runs.
fn heartbeat(since: i64, now: Timestamp) -> String {
    let first = since + 10_000;
    let passed = now.as_millis() - first;
    if passed < 0 { String::new() } else { Timestamp::from_millis(first + passed / 60_000 * 60_000).to_iso() }
}

fn agent_status(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("InstanceId");
    let ids = ctx.ids(instance::KIND, wanted.as_deref(), |_| true);
    let (ids, fields) = page(p, ids, TEN.tokens(1, 50).max(50))?;
    let now = ctx.now();
    let list = ids.iter().filter_map(|id| ctx.find(instance::KIND, id)).map(|r| {
        let up = r.str("Status") == "Running" && r.is_true("_assistant");
        let beat = if up { heartbeat(r.int("_running_since"), now) } else { String::new() };
        params! {
            "InstanceId" => Arc::clone(&r.id), "CloudAssistantStatus" => if up && !beat.is_empty() { "true" } else { "false" },
            "LastHeartbeatTime" => beat, "CloudAssistantVersion" => "2.2.3.100", "InvocationCount" => 0,
            "ActiveTaskCount" => 0, "LastInvokedTime" => "", "OSType" => r.str("OSType"), "SupportSessionManager" => true,
        }
    });
    let list = list.collect();
    Ok(wrapped("InstanceCloudAssistantStatusSet", "InstanceCloudAssistantStatus", list, fields))
}

fn install(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = p.need_list("InstanceId")?;
    for id in &ids {
        ctx.need(instance::KIND, id, instance::UNKNOWN)?;
    }
    for id in &ids {
        ctx.change(instance::KIND, id, instance::UNKNOWN)?.set("_assistant", true);
    }
    done()
}

fn send_file(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let instances = targets(ctx, p)?;
    let region = Arc::clone(&ctx.region);
    let command = Command {
        id: ctx.s.ids.next("f-", &region).into(),
        name: p.need("Name")?,
        kind: "SendFile".into(),
        content: p.get("Content").to_text().to_string(),
        working_dir: p.text("TargetDir"),
        timeout: 60,
    };
    ctx.checked()?;
    let id = invoke(ctx, instance::KIND, command, &instances, p.text("FileOwner"), Value::from(Map::new()))?;
    Ok(params! { "InvokeId" => id })
}
