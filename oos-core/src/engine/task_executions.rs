//! Rows of tasks: of a running execution from its driver, of an ended one from its journal. They are not indexed.

use std::sync::{Arc, PoisonError};

use super::{
    Engine, EngineError, Inner, Redactor,
    driver::masked_report,
    oos_api::store_error,
    replay::replay,
    snapshot::{row_of, traced},
};
use crate::{
    ExecutionId, Value,
    ids::StepKey,
    machine::{MachineReport, TaskReport, TaskStatus, task_execution_id},
    params,
    ports::{
        ApiError,
        index::{Details, Summary},
        store::{Journal, StoreError},
    },
    view::loop_counts,
};

impl Engine {
    /// The report of an execution, root or child, running or ended; secrets are masked. `None` when there is none, or its
    /// records were dropped by a snapshot.
    ///
    /// # Errors
    /// What the store says.
    pub async fn report(&self, id: &ExecutionId) -> Result<Option<MachineReport>, EngineError> {
        report(&self.inner, id).await
    }
}

async fn report(inner: &Arc<Inner>, id: &ExecutionId) -> Result<Option<MachineReport>, EngineError> {
    let Some(row) = row_of(inner, id).await? else { return Ok(None) };
    if let Some(details) = row.details.clone() {
        return Ok(Some(from_row(row, &details)));
    }
    let root = row.root;
    let live = inner.live.lock().unwrap_or_else(PoisonError::into_inner).get(&root).cloned();
    if let Some(handle) = live
        && let Some(report) = handle.report().await.into_iter().find(|r| r.id == *id)
    {
        return Ok(Some(report));
    }
    match inner.store.history(&root).await {
        Ok(journal) => from_journal(inner, &journal, id),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The report of an execution that has ended, from its row.
fn from_row(row: Summary, details: &Details) -> MachineReport {
    MachineReport {
        path: details.path.clone(),
        tasks: details.tasks.clone(),
        id: row.id,
        status: row.status,
        waiting_for: row.waiting_for,
        message: row.status_message,
        parameters: row.parameters,
        outputs: row.outputs,
        role: row.ram_role,
        started: row.start,
        ended: row.end,
        updated: row.update,
    }
}

/// The last report of an execution while its journal is applied again.
fn from_journal(inner: &Arc<Inner>, journal: &Journal, id: &ExecutionId) -> Result<Option<MachineReport>, EngineError> {
    let redactor = Redactor::default();
    let mut found = None;
    let replayed = replay(inner, journal, &mut |_, tree, _| {
        tree.take_secrets().iter().for_each(|secret| redactor.learn(&secret.value));
        let (_, ended) = tree.take_changes();
        found = ended.iter().find(|m| m.id() == id).map(|m| m.final_report(tree)).or_else(|| found.take());
    })?;
    let tree = &replayed.tree;
    let living = tree.machines().find(|m| m.id() == id).and_then(|m| tree.report(m.path()));
    Ok(living.or(found).map(|report| masked_report(&redactor, report)))
}

/// `OOS.ListTaskExecutions` (service-model 2.5): tasks that were reached, in order, and the items of loops in flight when
/// children are asked for.
pub(super) async fn list(inner: &Arc<Inner>, parameters: &Value) -> Result<Value, ApiError> {
    let text = |key: &str| parameters.get(key).filter(|v| !v.is_null()).map(Value::to_text).filter(|t| !t.is_empty());
    let id = text("ExecutionId").map(ExecutionId::new);
    let id = id.ok_or_else(|| ApiError::service("MissingParameter", 400, "ExecutionId is needed"))?;
    let failed = |error| match error {
        EngineError::Store(error) => store_error(error),
        other => ApiError::service("InternalError", 500, other.to_string()),
    };
    let children = text("IncludeChildTaskExecution").is_some_and(|t| t.eq_ignore_ascii_case("true"));
    let of_loop = text("ParentTaskExecutionId").is_some() || text("TaskExecutionId").is_some_and(|t| t.contains('#'));
    // Items that have ended are in no report: they are read from the journal, and only when somebody asks.
    let traced = if children || of_loop { traced(inner, &id).await.map_err(failed)? } else { None };
    let rows = match traced.as_ref().and_then(|(trace, _)| trace.execution(&id)) {
        Some(execution) => execution.rows(true),
        None => report(inner, &id).await.map_err(failed)?.iter().flat_map(|report| rows(report, children)).collect(),
    };
    let equal =
        |row: &Value, key: &str| text(key).is_none_or(|wanted| row.get(key).is_some_and(|v| v.to_text() == wanted));
    let wanted = |row: &Value| {
        ["TaskExecutionId", "TaskName", "TaskAction", "Status", "ParentTaskExecutionId"].iter().all(|k| equal(row, k))
    };
    let rows: Vec<Value> = rows.into_iter().filter(wanted).collect();
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let limit = text("MaxResults").and_then(|t| t.parse().ok()).unwrap_or(50);
    let offset = text("NextToken").and_then(|t| t.parse().ok()).unwrap_or(0);
    let page: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
    let next = offset + page.len();
    let more = u64::try_from(next).is_ok_and(|next| next < total);
    let token = if more { Value::from(next.to_string()) } else { Value::Null };
    let max = u64::try_from(limit).unwrap_or(u64::MAX);
    Ok(params! { "TaskExecutions" => page, "TotalCount" => total, "MaxResults" => max, "NextToken" => token })
}

fn rows(report: &MachineReport, children: bool) -> Vec<Value> {
    let reached = report.tasks.iter().filter(|t| t.started.is_some() || t.status != TaskStatus::Pending);
    let mut rows = Vec::new();
    for task in reached {
        let key = StepKey { task: task.name.clone(), run: task.run.max(1), item: None, attempt: 1 };
        let id = task_execution_id(&report.id, &key).to_string();
        rows.push(row(report, task, &id));
        for step in task.steps.iter().filter(|s| children && s.item.is_some()) {
            let own = task_execution_id(&report.id, &StepKey { item: step.item, ..key.clone() }).to_string();
            let status = if step.waiting.is_some() { TaskStatus::Waiting } else { TaskStatus::Running };
            rows.push(params! {
                "TaskExecutionId" => own, "ExecutionId" => &report.id, "ParentTaskExecutionId" => id.as_str(),
                "TaskName" => task.name.as_str(), "TaskAction" => task.action.clone(), "Status" => status.as_str(),
            });
        }
    }
    rows
}

fn row(report: &MachineReport, task: &TaskReport, id: &str) -> Value {
    let waits = !task.status.is_final() && task.steps.iter().any(|s| s.waiting.is_some());
    params! {
        "TaskExecutionId" => id,
        "ExecutionId" => &report.id,
        "TaskName" => task.name.as_str(),
        "TaskAction" => task.action.clone(),
        "Status" => if waits { TaskStatus::Waiting.as_str() } else { task.status.as_str() },
        "StatusMessage" => task.message.clone(),
        "Outputs" => if task.outputs.is_null() { Value::Null } else { Value::from(task.outputs.to_string()) },
        "CreateDate" => task.started.map(|t| t.to_iso()),
        "StartDate" => task.started.map(|t| t.to_iso()),
        "EndDate" => task.ended.map(|t| t.to_iso()),
        "UpdateDate" => task.ended.or(task.started).map(|t| t.to_iso()),
        "Loop" => task.counts.map(loop_counts),
    }
}
