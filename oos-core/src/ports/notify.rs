//! Messages to people.

use std::fmt::Debug;

use async_trait::async_trait;

use super::ActionError;
use crate::{ExecutionId, TaskName, Value};

/// A message of `ACS::Notify` or `ACS::Approve`.
#[derive(Clone, PartialEq)]
pub struct Message {
    /// The execution that tells.
    pub execution: ExecutionId,
    /// The task that tells.
    pub task: TaskName,
    /// `NotifyType`, `WebHook`, `Mail`, `AppendExecutionLink` as the template gave them, references resolved.
    pub properties: Value,
    /// True when a decision is asked for.
    pub asks: bool,
    /// Time of the step.
    pub at: crate::Timestamp,
}

/// Properties may hold a mail password, so they are not shown.
impl Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("execution", &self.execution).field("task", &self.task).finish_non_exhaustive()
    }
}

/// Tells people. It only tells: an answer comes back later as a signal.
#[async_trait]
pub trait Notifier: Debug + Send + Sync + 'static {
    /// Sends a message; the value becomes the result document of `ACS::Notify`.
    ///
    /// # Errors
    /// `NotifyFailed` and the like when the message was not taken.
    async fn send(&self, message: &Message) -> Result<Value, ActionError>;
}
