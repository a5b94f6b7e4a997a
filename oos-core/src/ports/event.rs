//! Events for observers.

use std::{fmt::Debug, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::control::WaitingFor;
use crate::{
    ExecutionId, TaskName, Timestamp, Value,
    ids::StepKey,
    machine::{ExecutionStatus, TaskStatus},
};

/// One event of an execution tree. Numbers count up without gaps and are equal across replays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionEvent {
    /// Number within the root execution, from 1; 0 for events that are not part of the record (calls, progress).
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The execution: root or child.
    pub execution: ExecutionId,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EventKind {
    /// An execution started.
    ExecutionStarted {
        /// Template name, when it has one.
        template: Option<Arc<str>>,
        /// The execution above it and the step there.
        parent: Option<(ExecutionId, StepKey)>,
    },
    /// An execution's status changed.
    ExecutionStatus {
        /// The new status.
        status: ExecutionStatus,
        /// What it waits for.
        waiting_for: Option<WaitingFor>,
        /// Its failure text.
        message: Option<Arc<str>>,
    },
    /// An execution ended; outputs are a map, secrets masked.
    ExecutionEnded {
        /// How.
        status: ExecutionStatus,
        /// Outputs.
        outputs: Value,
        /// Failure text.
        message: Option<Arc<str>>,
    },
    /// A task, or an item of a looped task, was entered.
    StepStarted {
        /// Which.
        key: StepKey,
        /// The action as written.
        action: Arc<str>,
        /// Loop item, masked.
        item: Option<Value>,
    },
    /// An attempt did not suffice; the next comes later.
    Retrying {
        /// Which; the attempt that ended.
        key: StepKey,
        /// When the next attempt is due.
        until: Timestamp,
        /// Why.
        reason: Arc<str>,
    },
    /// A step waits for something from outside.
    StepWaiting {
        /// Which.
        key: StepKey,
        /// For what.
        waiting_for: Option<WaitingFor>,
        /// Until when at most.
        until: Option<Timestamp>,
    },
    /// A task, or an item of a looped task, ended.
    StepEnded {
        /// Which.
        key: StepKey,
        /// How.
        status: TaskStatus,
        /// Failure text.
        message: Option<Arc<str>>,
        /// Outputs as a map, masked.
        outputs: Value,
    },
    /// Progress of a loop.
    LoopProgress {
        /// The task.
        task: TaskName,
        /// Counts.
        counts: LoopCounts,
    },
    /// An API call ended (not part of the record).
    ApiCall {
        /// The step.
        key: Option<StepKey>,
        /// Product.
        service: Arc<str>,
        /// Operation.
        api: Arc<str>,
        /// Code of the error, when it failed.
        error: Option<Arc<str>>,
        /// Request id.
        request_id: Option<Arc<str>>,
        /// How long it took.
        took: Duration,
    },
    /// A line of an action (not part of the record).
    Log {
        /// The step.
        key: Option<StepKey>,
        /// The line.
        message: Arc<str>,
    },
}

/// Numbers of loop items by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopCounts {
    /// All items.
    pub total: u32,
    /// Not started.
    pub pending: u32,
    /// In flight.
    pub running: u32,
    /// Ended well.
    pub success: u32,
    /// Failed.
    pub failed: u32,
    /// Skipped.
    pub skipped: u32,
    /// Cancelled.
    pub cancelled: u32,
}

/// Takes events.
///
/// # Implementing
/// `emit` is called on the driver's turn: return at once and never block.
pub trait EventSink: Debug + Send + Sync + 'static {
    /// Takes one event.
    fn emit(&self, event: &ExecutionEvent);
}
