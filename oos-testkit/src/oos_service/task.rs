//! Task executions, their logs, and what became of each resource of a loop.

use std::sync::Arc;

use oos_core::{
    ExecutionId, Limits, Map, Template, Timestamp, Value, params,
    ports::{ApiError, store::PinnedTemplate},
    source::{Node, SourceText},
    template::Task,
    view::{ExecutionTrace, TaskTrace},
};

use super::{
    LONG_PAGES, OosService, PAGES, is_ascending, lock, missing, not_found, one_of,
    record::{Line, task_id},
    store_error, within,
};
use crate::cloud::{page::page, params::Params};

/// Statuses that a filter may name (service-model 2.2).
const STATUSES: [&str; 8] = ["Pending", "Started", "Running", "Waiting", "Success", "Failed", "Cancelled", "Skipped"];
/// What `ctx.link` of an action calls a run of a command.
const INVOCATION: &str = "ecs:invocation: ";

/// The templates of a run as they were when it started.
#[derive(Debug)]
pub(super) struct Pinned(Vec<(PinnedTemplate, Option<Template>)>);

impl Pinned {
    /// The template of a name; the root's without one.
    pub(super) fn named(&self, name: Option<&str>) -> Option<&(PinnedTemplate, Option<Template>)> {
        match name {
            None => self.0.first(),
            Some(name) => self.0.iter().find(|(pinned, _)| pinned.name.eq_ignore_ascii_case(name)),
        }
    }
}

/// A row and what filters look at.
struct Row {
    id: Arc<str>,
    parent: Option<Arc<str>>,
    name: Arc<str>,
    action: Arc<str>,
    status: &'static str,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    value: Value,
}

impl OosService {
    /// The templates of the run that an execution belongs to.
    pub(super) async fn pinned(&self, root: &ExecutionId) -> Result<Arc<Pinned>, ApiError> {
        if let Some(known) = lock(&self.0.pinned).get(root) {
            return Ok(known.clone());
        }
        let header = self.0.engine.header(root).await.map_err(|e| store_error(&e))?;
        let parse = |pinned: PinnedTemplate| {
            let source = SourceText::new(pinned.name.clone(), pinned.text.clone());
            let template = Template::parse_source(source, &Limits::unlimited()).ok();
            (pinned, template)
        };
        let pinned = Arc::new(Pinned(header.templates.into_iter().map(parse).collect()));
        lock(&self.0.pinned).insert(root.clone(), pinned.clone());
        Ok(pinned)
    }

    /// ListTaskExecutions. Items of loops are listed when children or their parent are asked for.
    pub(super) async fn list_tasks(&self, p: &Params) -> Result<Value, ApiError> {
        let status = one_of(p, "Status", &STATUSES)?;
        let sort = one_of(p, "SortField", &["StartDate", "EndDate", "Status"])?;
        let ascending = is_ascending(p)?;
        let execution = match (p.str("ExecutionId"), p.str("TaskExecutionId")) {
            (Some(id), _) => ExecutionId::new(id),
            (None, Some(task)) => {
                let place = self.0.records.find(None, &task);
                place.ok_or_else(|| not_found("TaskExecution", &task))?.execution
            }
            (None, None) => return Err(missing("ExecutionId")),
        };
        let summary = self.row(&execution).await?;
        let pinned = self.pinned(&summary.root).await.ok();
        let template = pinned.as_ref().and_then(|pinned| {
            let own = (summary.id != summary.root).then_some(summary.template_name.as_deref()).flatten();
            pinned.named(own)?.1.as_ref()
        });
        let id_of_template = self.facts_of(&summary).template_id;
        let rows = self.0.records.with(&execution, |record| {
            let trace = record.trace.execution(&execution)?;
            Some(rows_of(trace, &Of { template, id: &id_of_template, now: record.trace.now() }))
        });
        let mut kept = Vec::new();
        let (id, parent) = (p.str("TaskExecutionId"), p.str("ParentTaskExecutionId"));
        let items = p.bool("IncludeChildTaskExecution") || id.is_some() || parent.is_some();
        let equal = |name: &str, found: &str| p.str(name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(found));
        for row in rows.flatten().unwrap_or_default() {
            let keep = (items || row.parent.is_none())
                && id.as_ref().is_none_or(|id| *id == row.id)
                && parent.as_ref().is_none_or(|parent| row.parent.as_ref() == Some(parent))
                && status.is_none_or(|status| status == row.status)
                && equal("TaskName", &row.name)
                && equal("TaskAction", &row.action)
                && within(p, "StartDate", row.started)?
                && within(p, "EndDate", row.ended)?;
            if keep {
                kept.push(row);
            }
        }
        match sort {
            Some("EndDate") => kept.sort_by_key(|row| row.ended),
            Some("Status") => kept.sort_by_key(|row| row.status),
            _ => kept.sort_by_key(|row| row.started),
        }
        if !ascending && (sort.is_some() || p.has("SortOrder")) {
            kept.reverse();
        }
        let (rows, mut fields) = page(p, kept, LONG_PAGES)?;
        fields.insert("TaskExecutions", rows.into_iter().map(|row| row.value).collect::<Value>());
        Ok(Value::from(fields))
    }

    /// ListTaskExecutionInvocations: what the actions of a task have linked.
    pub(super) fn list_invocations(&self, p: &Params) -> Result<Value, ApiError> {
        let id = p.need("TaskExecutionId")?;
        let place = self.0.records.find(None, &id).ok_or_else(|| not_found("TaskExecution", &id))?;
        let rows = self.0.records.with(&place.execution, |record| {
            let links = record.log.iter().filter(|line| line.task.as_ref().is_some_and(|task| *task.as_str() == *id));
            let row = |line: &Line| {
                let invocation = line.message.strip_prefix(INVOCATION)?;
                Some(params! {
                    "InvocationId" => invocation, "InvocationTaskExecutionId" => id.clone(),
                    "InvocationTaskName" => &place.task,
                })
            };
            links.filter_map(row).collect::<Value>()
        });
        Ok(params! { "TaskExecutionInvocations" => rows.unwrap_or_else(Value::empty_list) })
    }

    /// ListExecutionLogs, oldest first.
    pub(super) async fn list_logs(&self, p: &Params) -> Result<Value, ApiError> {
        let execution = ExecutionId::new(p.need("ExecutionId")?);
        self.row(&execution).await?;
        let kind = one_of(p, "LogType", &["System", "Action", "Output", "Debug"])?;
        let task = p.str("TaskExecutionId");
        if let Some(task) = &task
            && self.0.records.find(Some(&execution), task).is_none()
        {
            return Err(not_found("TaskExecution", task));
        }
        let found = self.0.records.with(&execution, |record| {
            let lines = record.log.iter().filter(|line| {
                line.execution == execution
                    && kind.is_none_or(|kind| kind == line.kind)
                    && task.as_ref().is_none_or(|t| line.task.as_ref().is_some_and(|found| *found.as_str() == **t))
            });
            (lines.cloned().collect::<Vec<_>>(), record.is_cut(&execution))
        });
        let (lines, cut) = found.unwrap_or_default();
        let (lines, mut fields) = page(p, lines, PAGES)?;
        let rows = lines.into_iter().map(|line| {
            params! {
                "LogType" => line.kind, "Message" => line.message, "Timestamp" => line.at.to_iso(),
                "TaskExecutionId" => line.task.map_or_else(|| Value::from(""), |task| Value::from(task.as_str())),
            }
        });
        fields.insert("ExecutionLogs", rows.collect::<Value>());
        fields.insert("IsTruncated", cut);
        Ok(Value::from(fields))
    }

    /// ListResourceExecutionStatus.
    pub(super) async fn list_resources(&self, p: &Params) -> Result<Value, ApiError> {
        let execution = ExecutionId::new(p.need("ExecutionId")?);
        self.row(&execution).await?;
        let rows = self.0.records.with(&execution, |record| Some(record.trace.execution(&execution)?.resources()));
        let (rows, mut fields) = page(p, rows.flatten().unwrap_or_default(), PAGES)?;
        fields.insert("ResourceExecutionStatus", rows.into_iter().collect::<Value>());
        Ok(Value::from(fields))
    }
}

/// JSON text; empty for nothing.
fn text_of(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

/// What rows tell beside the trace.
struct Of<'a> {
    template: Option<&'a Template>,
    id: &'a Arc<str>,
    now: Timestamp,
}

/// The loop as the template has it, and its counts.
fn loop_of(written: Option<&Task>, counts: Value) -> Value {
    let mut map = Map::new();
    if let Some(looping) = written.and_then(|task| task.looping.as_ref()) {
        map.insert("Items", looping.items.as_ref().map(Node::to_value));
        map.insert("RateControl", looping.rate_control.as_ref().map(|rate| rate.0.to_value()));
        map.retain(|_, member| !member.is_null());
    }
    map.extend(counts.as_map().cloned().unwrap_or_default());
    map.into()
}

fn rows_of(execution: &ExecutionTrace, of: &Of<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for task in &execution.tasks {
        let whole: Arc<str> = task_id(&execution.id, task, None).as_str().into();
        rows.push(row(execution, task, task, (whole.clone(), None), of));
        for item in task.items() {
            let id = task_id(&execution.id, task, item.item).as_str().into();
            rows.push(row(execution, task, item, (id, Some(whole.clone())), of));
        }
    }
    rows
}

/// A row of a task or of an item in it. CHOICE: `Properties` are shown as the template has them, since what they come
/// to is part of no event; so no secret can stand in them.
fn row(
    execution: &ExecutionTrace,
    task: &TaskTrace,
    step: &TaskTrace,
    (id, parent): (Arc<str>, Option<Arc<str>>),
    of: &Of<'_>,
) -> Row {
    let written = of.template.and_then(|t| t.task(task.name.as_str()));
    let action = task.action.clone().or_else(|| written.map(|w| w.action.value.text().clone())).unwrap_or_default();
    let status = step.status().as_str();
    let date = |at: Option<Timestamp>| at.map(Timestamp::to_iso).unwrap_or_default();
    let counts = task.counts.filter(|_| step.item.is_none()).map(|c| {
        params! {
            "Total" => c.total, "Pending" => c.pending, "Running" => c.running, "Success" => c.success,
            "Failed" => c.failed, "Skipped" => c.skipped, "Cancelled" => c.cancelled,
        }
    });
    let value = params! {
        "TaskExecutionId" => id.clone(), "ExecutionId" => &execution.id, "TaskName" => &task.name,
        "TaskAction" => action.clone(), "TemplateId" => of.id.clone(), "Status" => status,
        "StatusMessage" => step.message.clone().unwrap_or_default(),
        "Properties" => written.and_then(|w| w.properties.as_ref()).map(|n| n.to_value().to_string()).unwrap_or_default(),
        "Outputs" => text_of(&step.outputs),
        "CreateDate" => date(step.started.or(step.ended)), "StartDate" => date(step.started),
        "EndDate" => date(step.ended), "UpdateDate" => date(step.ended.or(Some(of.now))),
        "ParentTaskExecutionId" => parent.clone().unwrap_or_default(),
        "ChildExecutionId" => step.child().map(|child| Value::from(&child.id)),
        "Loop" => counts.map_or_else(Value::empty_map, |counts| loop_of(written, counts)),
        "LoopItem" => step.value.as_ref().map(Value::to_text).unwrap_or_default(),
        "ExtraData" => params! { "Attempts" => step.attempts, "Calls" => step.calls.0, "FailedCalls" => step.calls.1 },
    };
    let (started, ended) = (step.started, step.ended);
    Row { id, parent, name: task.name.text().clone(), action, status, started, ended, value }
}
