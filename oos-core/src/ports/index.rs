//! The other reader of a store: rows about executions, and who owns them.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    control::WaitingFor,
    store::{Epoch, StoreError},
};
use crate::{
    ExecutionId, Timestamp, Value,
    ids::MachinePath,
    machine::{ExecutionStatus, TaskReport, TaskStatus},
};

/// Numbers of tasks by status, with the service's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskCounts {
    /// All tasks of the template.
    pub total: u32,
    /// Ended well.
    pub success: u32,
    /// Failed.
    pub failed: u32,
    /// Working.
    pub running: u32,
    /// Waiting for something from outside.
    pub waiting: u32,
    /// Not begun.
    pub pending: u32,
    /// Stopped.
    pub cancelled: u32,
    /// Left out.
    pub skipped: u32,
}

impl TaskCounts {
    /// Counts one more task of that status.
    pub fn add(&mut self, status: TaskStatus) {
        self.total += 1;
        *match status {
            TaskStatus::Success => &mut self.success,
            TaskStatus::Failed => &mut self.failed,
            TaskStatus::Running => &mut self.running,
            TaskStatus::Waiting => &mut self.waiting,
            TaskStatus::Pending => &mut self.pending,
            TaskStatus::Cancelled => &mut self.cancelled,
            TaskStatus::Skipped => &mut self.skipped,
        } += 1;
    }
}

impl From<TaskCounts> for Value {
    fn from(counts: TaskCounts) -> Self {
        crate::params! {
            "Total" => u64::from(counts.total),
            "Success" => u64::from(counts.success),
            "Failed" => u64::from(counts.failed),
            "Running" => u64::from(counts.running),
            "Waiting" => u64::from(counts.waiting),
            "Pending" => u64::from(counts.pending),
            "Cancelled" => u64::from(counts.cancelled),
            "Skipped" => u64::from(counts.skipped),
        }
    }
}

/// A row about an execution, root or child, with the service's fields (service-model 2.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// `ExecutionId`.
    pub id: ExecutionId,
    /// Root of the tree; equals `id` for a root.
    pub root: ExecutionId,
    /// `ParentExecutionId`.
    pub parent: Option<ExecutionId>,
    /// `TemplateName`.
    pub template_name: Option<Arc<str>>,
    /// `TemplateVersion`.
    pub template_version: Option<Arc<str>>,
    /// `Status`.
    pub status: ExecutionStatus,
    /// `WaitingStatus`.
    pub waiting_for: Option<WaitingFor>,
    /// `StatusMessage`: the failure text, at once visible.
    pub status_message: Option<Arc<str>>,
    /// `Parameters` in force, defaults included, secrets masked: a map.
    pub parameters: Value,
    /// `Outputs`: a map; null until the end.
    pub outputs: Value,
    /// `Category`: `TimerTrigger`, `EventTrigger`, `AlarmTrigger`, `Other`.
    pub category: Arc<str>,
    /// `Mode`.
    pub mode: Arc<str>,
    /// `RamRole`, evaluated.
    pub ram_role: Arc<str>,
    /// `Tags`: a map.
    pub tags: Value,
    /// `CurrentTasks`: names.
    pub current_tasks: Vec<Arc<str>>,
    /// `Counters`.
    pub counters: TaskCounts,
    /// `StartDate`.
    pub start: Timestamp,
    /// `EndDate`.
    pub end: Option<Timestamp>,
    /// `UpdateDate`.
    pub update: Timestamp,
    /// `ExecutedBy`.
    pub executed_by: Option<Arc<str>>,
    /// `LastTrigger*`, `NextScheduleTime` of a trigger parent: a map, or null.
    pub trigger: Value,
    /// Place of a child among the children of its parent, for their order.
    pub order: u64,
    /// What is left of an ended child whose records a snapshot drops: of the firings of a trigger, and all below them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Arc<Details>>,
}

/// The tasks of an execution as they ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// Its place in the tree.
    pub path: MachinePath,
    /// Its tasks, secrets masked.
    pub tasks: Vec<TaskReport>,
}

/// Who drives an execution: one engine instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(pub Arc<str>);

/// A query over rows; an empty field matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecutionQuery {
    /// Exactly this execution.
    pub id: Option<ExecutionId>,
    /// Children of this execution.
    pub parent: Option<ExecutionId>,
    /// Executions of this tree.
    pub root: Option<ExecutionId>,
    /// One of these statuses.
    pub status: Vec<ExecutionStatus>,
    /// Part of the template's name.
    pub template_name: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// All of these tags: a map.
    pub tags: Value,
    /// True to list children although neither `id` nor `parent` asks for them.
    pub include_children: bool,
    /// Rows of a page; 0 for the default.
    pub limit: usize,
    /// Rows to leave out, from an earlier page.
    pub offset: usize,
    /// True for oldest first; children of a parent are always in their order.
    pub ascending: bool,
}

/// One page of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many rows match in all.
    pub total: usize,
}

/// Rows and ownership.
///
/// # Implementing
/// `claim` makes the caller the only one whose appends are taken, until `until` or until it claims again; another
/// owner's lease that is not over refuses with [`StoreError::Fenced`]. `renew` is the owner's sign of life: engines give
/// one several times per lease for everything that they drive.
#[async_trait]
pub trait ExecutionIndex: Debug + Send + Sync + 'static {
    /// Claims or renews ownership; gives the epoch for appends.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] while another owner's lease holds.
    async fn claim(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError>;

    /// Lets all claims of an owner on executions that have not ended hold until `until`; no lease becomes shorter. Claims
    /// that others took over stay theirs.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn renew(&self, owner: &OwnerId, until: Timestamp) -> Result<(), StoreError>;

    /// Rows that match.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError>;

    /// Removes executions with their trees.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError>;
}
