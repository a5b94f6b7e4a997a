//! NotifyExecution: what people say to an execution (service-model 3.2).

use std::{collections::BTreeMap, sync::Arc};

use oos_core::{
    ExecutionId, TaskName, Value,
    engine::{ExecutionHandle, SignalError},
    ids::MachinePath,
    machine::{ExecutionStatus, SignalKind, SignalTarget},
    ports::ApiError,
};

use super::{OosService, Who, conflict, invalid, missing, not_found, one_of, signal_error};
use crate::cloud::params::Params;

const TYPES: [&str; 7] =
    ["ExecuteTask", "CancelTask", "CompleteExecution", "Approve", "Reject", "RetryTask", "SkipTask"];

impl OosService {
    pub(super) async fn notify(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let kind = one_of(p, "NotifyType", &TYPES)?.ok_or_else(|| missing("NotifyType"))?;
        let id = ExecutionId::new(p.need("ExecutionId")?);
        let kind = signal(p, kind)?;
        let (_, handle, path) = self.live(&id).await?;
        for to in self.targets(p, &id, &handle, &path).await? {
            match handle.send(&who.user, to, kind.clone()).await {
                // A vote that comes twice counts once, and for the service that is no error.
                Err(SignalError::Refused(refusal)) if refusal.code == "DuplicateSignal" => {}
                sent => sent.map_err(signal_error)?,
            }
        }
        Ok(Value::empty_map())
    }

    /// The steps that `TaskExecutionId` and `TaskExecutionIds` name, items of a loop together; else `TaskName`; else
    /// what waits.
    async fn targets(
        &self,
        p: &Params,
        id: &ExecutionId,
        handle: &ExecutionHandle,
        path: &MachinePath,
    ) -> Result<Vec<SignalTarget>, ApiError> {
        let ids: Vec<Arc<str>> = p.str("TaskExecutionId").into_iter().chain(p.list("TaskExecutionIds")).collect();
        if ids.is_empty() {
            let task = p.str("TaskName").map(TaskName::new);
            return Ok(vec![SignalTarget { path: path.clone(), task, items: Vec::new() }]);
        }
        let reports = handle.report().await;
        let mut steps: BTreeMap<(ExecutionId, TaskName), Vec<u32>> = BTreeMap::new();
        for task in ids {
            let place = self.0.records.find(Some(id), &task).ok_or_else(|| not_found("TaskExecution", &task))?;
            steps.entry((place.execution, place.task)).or_default().extend(place.item);
        }
        let mut targets = Vec::new();
        for ((execution, task), items) in steps {
            let report = reports.iter().find(|report| report.id == execution);
            let path = report.ok_or_else(|| conflict(format!("The execution {execution} has ended.")))?.path.clone();
            targets.push(SignalTarget { path, task: Some(task), items });
        }
        Ok(targets)
    }
}

fn signal(p: &Params, kind: &str) -> Result<SignalKind, ApiError> {
    let note = p.str("NotifyNote").map(|note| note.to_string());
    Ok(match kind {
        "Approve" => SignalKind::Approve { note },
        "Reject" => SignalKind::Reject { note },
        "CancelTask" => SignalKind::CancelTask,
        "RetryTask" => SignalKind::RetryTask,
        "SkipTask" => SignalKind::SkipTask,
        "CompleteExecution" => {
            let status = match one_of(p, "ExecutionStatus", &["Success", "Failed", "Cancelled"])? {
                Some("Failed") => ExecutionStatus::Failed,
                Some("Cancelled") => ExecutionStatus::Cancelled,
                _ => ExecutionStatus::Success,
            };
            SignalKind::CompleteExecution { status }
        }
        _ => {
            if p.has("LoopItem") {
                return Err(invalid("LoopItem", "a loop is run as a whole here; leave the item out"));
            }
            let parameters = p.get("Parameters").parsed_if_json_text();
            if !matches!(parameters, Value::Null | Value::Map(_)) {
                return Err(invalid("Parameters", "it is no JSON object"));
            }
            SignalKind::ExecuteTask { parameters }
        }
    })
}
