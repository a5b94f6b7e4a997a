//! The handle of an execution: wait, signal, look.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU64, Ordering},
};

use futures::{
    FutureExt,
    channel::{mpsc, oneshot},
    future::Shared,
};

use super::{Inner, driver::Command};
use crate::{
    ExecutionId, TaskName, Value,
    ids::MachinePath,
    machine::{ExecutionStatus, Failure, MachineReport, Refusal, Signal, SignalKind, SignalTarget},
    ports::store::StoreError,
};

/// How an execution ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Final status.
    pub status: ExecutionStatus,
    /// Outputs: a map. Secrets are as they are: this goes to the program that started the execution.
    pub outputs: Value,
    /// The first critical failure.
    pub failure: Option<Failure>,
}

impl Finished {
    /// The text of `StatusMessage`.
    pub fn message(&self) -> Option<String> {
        self.failure.as_ref().map(|f| f.error.to_string())
    }
}

/// Why a signal was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// The execution refused it; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The execution is not driven by this engine any more.
    #[error("execution {0} is not running here")]
    Gone(ExecutionId),
}

/// An execution that this engine drives. A clone is the same execution.
#[derive(Clone, Debug)]
pub struct ExecutionHandle {
    id: ExecutionId,
    commands: mpsc::UnboundedSender<Command>,
    finished: Shared<oneshot::Receiver<Result<Finished, StoreError>>>,
    /// Records that were there when this handle began; see [`ExecutionHandle::send`].
    born: u64,
    signals: Arc<AtomicU64>,
    user: Arc<Mutex<Arc<str>>>,
    host: Weak<Inner>,
}

impl ExecutionHandle {
    pub(super) fn new(
        id: ExecutionId,
        born: u64,
        commands: mpsc::UnboundedSender<Command>,
        finished: oneshot::Receiver<Result<Finished, StoreError>>,
        host: Weak<Inner>,
    ) -> Self {
        Self {
            id,
            born,
            commands,
            finished: finished.shared(),
            signals: Arc::default(),
            user: Arc::new(Mutex::new("engine".into())),
            host,
        }
    }

    /// Hands a command to the driver and brings it back when it is parked; `false` when it is gone.
    pub(super) fn command(&self, command: Command) -> bool {
        let sent = self.commands.unbounded_send(command).is_ok();
        if let Some(host) = self.host.upgrade().filter(|_| sent) {
            host.unpark(&self.id);
        }
        sent
    }

    /// The execution's id.
    pub fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// Waits for the end. An execution with a trigger waits until its end date; see [`ExecutionHandle::report`].
    ///
    /// # Errors
    /// [`StoreError`] when the journal could not be written and the engine had to stop driving.
    pub async fn wait(&self) -> Result<Finished, StoreError> {
        match self.finished.clone().await {
            Ok(finished) => finished,
            Err(oneshot::Canceled) => Err(StoreError::Unavailable("the driver was dropped".into())),
        }
    }

    /// How it ended, if it has.
    pub fn finished(&self) -> Option<Result<Finished, StoreError>> {
        self.finished.clone().now_or_never().and_then(Result::ok)
    }

    /// Sends a signal with an id of the caller's: the same id twice is taken once.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn signal(&self, signal: Signal) -> Result<(), SignalError> {
        let (reply, answer) = oneshot::channel();
        let gone = || SignalError::Gone(self.id.clone());
        if !self.command(Command::Signal(signal, reply)) {
            return Err(gone());
        }
        answer.await.map_err(|_| gone())?.map_err(SignalError::from)
    }

    /// Sends a signal of a kind to a target, from a person.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn send(&self, from: &str, to: SignalTarget, kind: SignalKind) -> Result<(), SignalError> {
        let n = self.signals.fetch_add(1, Ordering::Relaxed);
        let user = self.user.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let from: Arc<str> = if from.is_empty() { user } else { from.into() };
        // A handle after a restart counts anew, but begins behind the last signal that was recorded. A program that wants
        // a signal taken once across restarts names its id.
        let id = format!("{}/{from}/{}.{n}", self.id, self.born).into();
        self.signal(Signal { id, from, to, kind }).await
    }

    /// One yes of a person, to what waits for one.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn approve(&self, from: &str, task: Option<&str>) -> Result<(), SignalError> {
        self.send(from, target(task), SignalKind::Approve { note: None }).await
    }

    /// One no of a person.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn reject(&self, from: &str, task: Option<&str>) -> Result<(), SignalError> {
        self.send(from, target(task), SignalKind::Reject { note: None }).await
    }

    /// Cancels the execution; a second cancel skips clean-up handlers.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn cancel(&self) -> Result<(), SignalError> {
        self.send("", SignalTarget::default(), SignalKind::Cancel).await
    }

    /// In Debug mode: runs the next task in the order of the template.
    ///
    /// # Errors
    /// Why it was refused: the execution does not wait for a step, or the last task has run.
    pub async fn step(&self) -> Result<(), SignalError> {
        self.send("", target(None), SignalKind::ExecuteTask { parameters: Value::Null }).await
    }

    /// In Debug mode: runs a task, with some of its properties replaced by members of a map, or none.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn step_task(&self, task: &str, overrides: impl Into<Value> + Send) -> Result<(), SignalError> {
        self.send("", target(Some(task)), SignalKind::ExecuteTask { parameters: overrides.into() }).await
    }

    /// In Debug mode: stops the task that runs; the execution waits for the next step.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn cancel_task(&self) -> Result<(), SignalError> {
        self.send("", target(None), SignalKind::CancelTask).await
    }

    /// In Debug mode: ends the execution with a final status.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn complete(&self, status: ExecutionStatus) -> Result<(), SignalError> {
        self.send("", target(None), SignalKind::CompleteExecution { status }).await
    }

    /// After a failure that waits for a decision: runs the failed task, or the failed items of its loop, again.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn retry_task(&self, task: Option<&str>) -> Result<(), SignalError> {
        self.send("", target(task), SignalKind::RetryTask).await
    }

    /// After a failure that waits for a decision: goes on without the failed task.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn skip_task(&self, task: Option<&str>) -> Result<(), SignalError> {
        self.send("", target(task), SignalKind::SkipTask).await
    }

    /// Supplies the value of a secret that a restart has lost: of a NoEcho parameter by its name, of one of a child by the
    /// name that `StatusMessage` shows. When none is missing any more the execution goes on.
    ///
    /// # Errors
    /// When it is not missing, or does not fit.
    pub async fn supply_secret(&self, name: &str, value: impl Into<Value> + Send) -> Result<(), SignalError> {
        let (reply, answer) = oneshot::channel();
        let gone = || SignalError::Gone(self.id.clone());
        if !self.command(Command::Supply(name.to_owned(), value.into(), reply)) {
            return Err(gone());
        }
        answer.await.map_err(|_| gone())?.map_err(SignalError::from)
    }

    /// Reports of all living machines of the execution, root first, secrets masked. Empty when it is not driven here.
    pub async fn report(&self) -> Vec<MachineReport> {
        let (reply, answer) = oneshot::channel();
        if !self.command(Command::Report(reply)) {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }
}

fn target(task: Option<&str>) -> SignalTarget {
    SignalTarget { path: MachinePath::root(), task: task.map(TaskName::from), items: Vec::new() }
}
