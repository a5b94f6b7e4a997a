//! A run as the service shows it: the fields of ListExecutions and ListTaskExecutions (service-model 2.5), nested as the
//! run is. Fields that events do not carry (parameters, properties, tags) are not here; an engine adds those of its index.

use super::trace::{ExecutionTrace, TaskTrace};
use crate::{
    ExecutionId, Map, TaskExecutionId, Timestamp, Value,
    ids::StepKey,
    machine::task_execution_id,
    params,
    ports::{event::LoopCounts, index::TaskCounts},
};

/// Names by which a snapshot nests what the service lists flat.
const TASKS: &str = "TaskExecutions";
const CHILDREN: &str = "Executions";

impl ExecutionTrace {
    /// This execution with everything below it: under `TaskExecutions` its tasks in the order in which they were entered,
    /// in each of them its loop items under the same name, and in each step its child executions under `Executions`.
    /// `Counters` counts the tasks that were reached.
    pub fn snapshot(&self) -> Value {
        let rows: Value = self.tasks.iter().map(|task| task.nested(&self.id, task.run)).collect();
        let mut map = self.fields();
        map.insert(TASKS, rows);
        Value::from(map)
    }

    /// What became of each resource, as ListResourceExecutionStatus tells: loop items that are texts, each once, by the
    /// last task that was run for it.
    pub fn resources(&self) -> Vec<Value> {
        let mut rows = Map::new();
        for item in self.tasks.iter().flat_map(TaskTrace::items) {
            let Some(resource) = item.value.as_ref().and_then(Value::as_str) else { continue };
            let outputs = if item.outputs.is_null() { String::new() } else { item.outputs.to_string() };
            let row = params! {
                "ResourceId" => resource, "ExecutionId" => &self.id, "Status" => item.status().as_str(),
                "ExecutionTime" => item.started.map(Timestamp::to_iso), "Outputs" => outputs,
            };
            rows.insert(resource, row);
        }
        rows.values().cloned().collect()
    }

    /// The fields of this execution alone.
    pub(crate) fn fields(&self) -> Map {
        let mut counters = TaskCounts::default();
        let newest = |task: &&TaskTrace| self.task(task.name.as_str()).is_some_and(|last| std::ptr::eq(last, *task));
        self.tasks.iter().filter(newest).for_each(|task| counters.add(task.status()));
        let open = self.tasks.iter().filter(|task| !task.status().is_final());
        let current = open.map(|task| {
            params! {
                "TaskName" => &task.name, "TaskAction" => task.action.clone(),
                "TaskExecutionId" => task.id(&self.id, task.run).as_str(),
            }
        });
        let mut steps = self.tasks.iter().flat_map(|task| std::iter::once(task).chain(task.items()));
        let fields = params! {
            "ExecutionId" => &self.id,
            "ParentExecutionId" => self.parent.as_ref().map(|(id, _)| Value::from(id)),
            "TemplateName" => self.template.clone(),
            "Status" => self.status().as_str(),
            "StatusMessage" => self.message.clone(),
            "WaitingStatus" => self.waiting_for().map(|what| what.as_str()),
            "Outputs" => text_of(&self.outputs),
            "Counters" => counters,
            "CurrentTasks" => current.collect::<Value>(),
            "IsParent" => steps.any(|step| step.child().is_some()),
            "CreateDate" => self.started.to_iso(),
            "StartDate" => self.started.to_iso(),
            "EndDate" => self.ended.map(Timestamp::to_iso),
        };
        without_nulls(fields)
    }

    /// The rows of ListTaskExecutions: tasks as they were entered, behind each of them its items when `items` asks.
    pub(crate) fn rows(&self, items: bool) -> Vec<Value> {
        let mut rows = Vec::new();
        for task in &self.tasks {
            let items = task.items().filter(|_| items);
            rows.extend(std::iter::once(task).chain(items).map(|step| Value::from(step.fields(&self.id, task.run))));
        }
        rows
    }
}

impl TaskTrace {
    /// Its id within an execution. `run` is that of the task, also for an item, whose runs count for themselves.
    fn id(&self, execution: &ExecutionId, run: u32) -> TaskExecutionId {
        task_execution_id(execution, &StepKey { task: self.name.clone(), run, item: self.item, attempt: 1 })
    }

    fn fields(&self, execution: &ExecutionId, run: u32) -> Map {
        let task = StepKey { task: self.name.clone(), run, item: None, attempt: 1 };
        let task = self.item.map(|_| task_execution_id(execution, &task).to_string());
        let extra = params! {
            "Attempts" => self.attempts,
            "WaitingStatus" => self.waiting_for().map(|what| what.as_str()),
            "NextAttempt" => self.retry.as_ref().map(|(at, _)| at.to_iso()),
        };
        let fields = params! {
            "TaskExecutionId" => self.id(execution, run).as_str(),
            "ExecutionId" => execution,
            "ParentTaskExecutionId" => task,
            "ChildExecutionId" => self.child().map(|child| Value::from(&child.id)),
            "TaskName" => &self.name,
            "TaskAction" => self.action.clone(),
            "Status" => self.status().as_str(),
            "StatusMessage" => self.message.clone(),
            "Outputs" => text_of(&self.outputs),
            "CreateDate" => self.started.or(self.ended).map(Timestamp::to_iso),
            "StartDate" => self.started.map(Timestamp::to_iso),
            "EndDate" => self.ended.map(Timestamp::to_iso),
            "UpdateDate" => self.ended.or(self.started).map(Timestamp::to_iso),
            "Loop" => self.counts.filter(|_| self.item.is_none()).map(loop_counts),
            "LoopItem" => self.value.as_ref().map(Value::to_text),
            "ExtraData" => Value::from(without_nulls(extra)),
        };
        without_nulls(fields)
    }

    fn nested(&self, execution: &ExecutionId, run: u32) -> Value {
        let mut map = self.fields(execution, run);
        if self.items().len() > 0 {
            map.insert(TASKS, self.items().map(|item| item.nested(execution, run)).collect::<Value>());
        }
        if !self.children.is_empty() {
            map.insert(CHILDREN, self.children.iter().map(ExecutionTrace::snapshot).collect::<Value>());
        }
        Value::from(map)
    }
}

/// The counts of a loop, as in the field `Loop`.
pub(crate) fn loop_counts(c: LoopCounts) -> Value {
    params! {
        "Total" => c.total, "Pending" => c.pending, "Running" => c.running, "Success" => c.success,
        "Failed" => c.failed, "Skipped" => c.skipped, "Cancelled" => c.cancelled,
    }
}

/// JSON text, as `Outputs` is; null for nothing.
fn text_of(value: &Value) -> Value {
    if value.is_null() { Value::Null } else { value.to_string().into() }
}

fn without_nulls(value: Value) -> Map {
    let mut map = value.as_map().cloned().unwrap_or_default();
    map.retain(|_, member| !member.is_null());
    map
}
