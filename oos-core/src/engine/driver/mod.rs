//! The driver: gathers inputs, applies them in memory, journals them, and only then performs their effects.
//!
//! Actions are polled in place; nothing is spawned per action. Inputs that are ready together are one turn and one
//! append. Under a clock that jumps only when nothing is ready, a run is deterministic.

mod calls;
mod late;
mod perform;
mod snapshots;
mod spans;
mod summary;
mod wake;

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, PoisonError},
    task::{Context, Poll},
};

use futures::{
    Stream,
    channel::{mpsc, oneshot},
    future::{AbortHandle, BoxFuture, poll_fn},
    stream::FuturesUnordered,
};

pub(super) use self::{perform::masked, summary::masked_report};
use tracing::Instrument;

use self::{snapshots::Due, spans::Spans, summary::Rows, wake::Wakes};
use super::{Finished, Inner, Redactor, places::Place, replay::Untold, secrets::Secrets};
use crate::{
    ids::{MachinePath, StepKey},
    machine::{Effect, ExecutionStatus, Input, InputKind, MachineReport, Refusal, Signal, Tree},
    plan::{Plan, PlanSet},
    ports::{
        ExecutionEvent,
        action::ActionError,
        store::{Epoch, ExecutionHeader, Journal, JournalWrite, LinkedTemplate, Record, StoreError},
    },
};

/// CHOICE: how far the next timer must lie for an execution to be parked: shorter waits come often, and waking costs a
/// task.
const PARK_AFTER: std::time::Duration = std::time::Duration::from_secs(10);

/// What the handle and subscriptions say to the driver.
#[derive(Debug)]
pub(super) enum Command {
    /// A signal, with the way back for the answer.
    Signal(Signal, Reply),
    /// A message of a subscription.
    Fired(MachinePath, StepKey, crate::Value),
    /// A question about the living machines.
    Report(oneshot::Sender<Vec<MachineReport>>),
    /// The value of a secret that a restart has lost.
    Supply(String, crate::Value, Reply),
    /// A place for a queued execution.
    Admit(Place),
    /// Events from now on; the answer is the number of the last one before.
    Watch(mpsc::Sender<ExecutionEvent>, oneshot::Sender<u64>),
}

/// The ends of the wires between a handle and its driver.
pub(super) struct Wires {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) receiver: mpsc::UnboundedReceiver<Command>,
    pub(super) done: oneshot::Sender<Result<Finished, StoreError>>,
}

/// What a piece of work came to.
pub(super) enum Arrived {
    Input(InputKind),
    Linked {
        path: MachinePath,
        key: StepKey,
        result: Result<Linked, ActionError>,
    },
    /// Nothing that the machine must hear.
    Nothing,
}

/// A template that was found during the run.
pub(super) struct Linked {
    pinned: LinkedTemplate,
    plan: Arc<Plan>,
    below: PlanSet,
}

/// Drives one root execution.
pub(super) struct Driver {
    inner: Arc<Inner>,
    tree: Tree,
    header: ExecutionHeader,
    epoch: Epoch,
    seq: u64,
    commands: mpsc::UnboundedSender<Command>,
    receiver: mpsc::UnboundedReceiver<Command>,
    done: Option<oneshot::Sender<Result<Finished, StoreError>>>,
    work: FuturesUnordered<BoxFuture<'static, Arrived>>,
    aborts: BTreeMap<(MachinePath, StepKey), AbortHandle>,
    wakes: Wakes,
    sleep: Option<(crate::Timestamp, BoxFuture<'static, ()>)>,
    redactor: Redactor,
    secrets: Secrets,
    rows: Rows,
    /// Events before a crash that may not have been told.
    untold: Vec<ExecutionEvent>,
    /// Effects of a replay that are still outstanding.
    outstanding: Vec<Effect>,
    due: Due,
    /// While it works.
    place: Option<Place>,
    watchers: Vec<mpsc::Sender<ExecutionEvent>>,
    /// A command that came while the driver was being parked.
    command: Option<Command>,
    /// Of the whole execution, also while it is parked.
    span: tracing::Span,
    spans: Spans,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Driver({})", self.header.id)
    }
}

/// The way back for the answer to a signal.
pub(super) type Reply = oneshot::Sender<Result<(), Refusal>>;

/// Everything that is ready now.
#[derive(Default)]
struct Turn {
    inputs: Vec<(Input, Option<Reply>)>,
    linked: Vec<Linked>,
}

impl Driver {
    pub(super) fn new(
        inner: Arc<Inner>,
        tree: Tree,
        header: ExecutionHeader,
        epoch: Epoch,
        seq: u64,
        wires: Wires,
    ) -> Self {
        Self {
            span: spans::root(&header),
            spans: Spans::default(),
            inner,
            tree,
            header,
            epoch,
            seq,
            commands: wires.commands,
            receiver: wires.receiver,
            done: Some(wires.done),
            work: FuturesUnordered::new(),
            aborts: BTreeMap::new(),
            wakes: Wakes::default(),
            sleep: None,
            redactor: Redactor::default(),
            secrets: Secrets::default(),
            rows: Rows::default(),
            untold: Vec::new(),
            outstanding: Vec::new(),
            due: Due::default(),
            place: None,
            watchers: Vec::new(),
            command: None,
        }
    }

    /// The first turn: when it returns, the start is durable.
    pub(super) async fn begin(&mut self, input: Input) -> Result<(), StoreError> {
        self.take_turn(Turn { inputs: vec![(input, None)], linked: Vec::new() }).await
    }

    /// Goes on with a tree that was built again: work runs again with the same token, timers keep their instants, and
    /// events that may not have been told are told again, with the same numbers.
    pub(super) fn take_up(&mut self, journal: &Journal, untold: Untold) {
        let bytes = journal.snapshot.as_ref().map_or(0, |s| s.bytes.len());
        self.due = Due::after(journal.records.len() as u64, bytes as u64);
        if self.is_queued() {
            self.wait_for_place();
        } else {
            self.place = Some(self.inner.places.take_anyway());
        }
        self.untold = untold.saved;
        self.outstanding = untold.replayed;
        self.outstanding.extend(self.tree.outstanding());
    }

    /// Gives it a place, or puts it into the queue for one.
    pub(super) fn with_place(&mut self, place: Option<Place>) {
        if place.is_none() {
            self.wait_for_place();
        }
        self.place = place;
    }

    fn wait_for_place(&self) {
        let (commands, id, host) = (self.commands.clone(), self.header.id.clone(), Arc::downgrade(&self.inner));
        self.inner.places.queue(move |command| {
            let sent = commands.unbounded_send(command).is_ok();
            if let Some(host) = host.upgrade().filter(|_| sent) {
                host.unpark(&id);
            }
        });
    }

    pub(super) fn id(&self) -> &crate::ExecutionId {
        &self.header.id
    }

    /// The earliest timer.
    pub(super) fn next_wake(&self) -> Option<crate::Timestamp> {
        self.wakes.next()
    }

    /// True when a command waits to be taken.
    pub(super) fn has_command(&mut self) -> bool {
        self.command = self.command.take().or_else(|| self.receiver.try_recv().ok());
        self.command.is_some()
    }

    fn is_queued(&self) -> bool {
        self.tree.root().is_some_and(|m| m.status() == ExecutionStatus::Queued)
    }

    /// True when nothing is under way and no timer is near.
    fn may_park(&self, now: crate::Timestamp) -> bool {
        self.work.is_empty() && self.wakes.next().is_none_or(|at| at.since(now) >= PARK_AFTER)
    }

    /// Runs to the end of the root execution, or until it may be parked.
    pub(super) async fn run(mut self: Box<Self>) {
        if self.place.is_none() && !self.is_queued() {
            self.place = Some(self.inner.places.take_anyway());
        }
        let span = self.span.clone();
        let result = match self.drive().instrument(span).await {
            Ok(Some(finished)) => {
                spans::tell_end(&self.span, finished.status);
                Ok(finished)
            }
            Ok(None) => {
                self.place = None;
                self.sleep = None;
                let inner = self.inner.clone();
                return inner.park(self);
            }
            Err(error) => Err(error),
        };
        if let Err(error) = &result {
            self.span.record("otel.status_code", "ERROR");
            tracing::error!(execution = self.header.id.as_str(), %error, "the engine stops driving");
        }
        let id = self.header.id.clone();
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(done) = self.done.take() {
            let _ = done.send(result);
        }
    }

    /// `None` when it may be parked.
    async fn drive(&mut self) -> Result<Option<Finished>, StoreError> {
        // A replayed tree knows its secrets before any work runs, so that no log of that work shows one.
        self.learn_secrets();
        for event in std::mem::take(&mut self.untold) {
            self.tell(&event);
        }
        for effect in std::mem::take(&mut self.outstanding) {
            self.perform(effect, true);
        }
        loop {
            if let Some(ended) = self.tree.ended() {
                let (status, outputs, failure) = (ended.status, ended.outputs, ended.failure);
                return Ok(Some(Finished { status, outputs, failure }));
            }
            match poll_fn(|cx| self.poll_turn(cx)).await {
                Some(turn) => self.take_turn(turn).await?,
                None => return Ok(None),
            }
        }
    }

    /// Applies a turn, makes it durable, then acts.
    async fn take_turn(&mut self, turn: Turn) -> Result<(), StoreError> {
        for linked in turn.linked {
            self.tree.add_plan(linked.plan, linked.below);
        }
        let mut effects = Vec::new();
        let mut records = Vec::with_capacity(turn.inputs.len());
        let mut replies = Vec::new();
        for (input, reply) in turn.inputs {
            let mut applied = self.tree.apply(&input);
            effects.append(&mut applied.effects);
            if applied.refused.is_none() {
                records.push(Record { seq: self.seq + 1 + records.len() as u64, input: Arc::new(input) });
            }
            if let Some(reply) = reply {
                replies.push((reply, applied.refused.map_or(Ok(()), Err)));
            }
        }
        self.learn_secrets();
        let busy = !self.aborts.is_empty() || effects.iter().any(|e| matches!(e, Effect::Run { .. }));
        self.journal(records, busy, &effects).await?;
        for effect in effects {
            self.perform(effect, false);
        }
        for (reply, answer) in replies {
            let _ = reply.send(answer);
        }
        Ok(())
    }

    async fn journal(&mut self, mut records: Vec<Record>, busy: bool, effects: &[Effect]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let count = records.len() as u64;
        if !self.secrets.is_empty() {
            for record in &mut records {
                if let Some(hidden) = self.secrets.hidden(&record.input) {
                    record.input = Arc::new(hidden);
                }
            }
        }
        let (summaries, fired) = self.summaries();
        let snapshot = self.snapshot(count, fired, busy, effects)?;
        let write = JournalWrite {
            id: self.header.id.clone(),
            expected_seq: self.seq,
            epoch: self.epoch,
            records,
            summaries,
            snapshot,
        };
        self.inner.store.append(write).await?;
        self.seq += count;
        Ok(())
    }

    /// Learns secrets as soon as they come in, before anything is written or told.
    fn learn_secrets(&mut self) {
        for secret in self.tree.take_secrets() {
            self.redactor.learn(&secret.value);
            self.secrets.learn(&secret, &*self.inner.vault);
        }
    }

    /// The next turn; `None` when the execution may be parked.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Turn>> {
        loop {
            let mut turn = Turn::default();
            let now = self.inner.clock.now();
            self.poll_work(cx, now, &mut turn);
            self.poll_commands(cx, now, &mut turn);
            for (path, key, purpose, scheduled) in self.wakes.due(now) {
                let kind = InputKind::Woke { path, key, purpose, scheduled };
                turn.inputs.push((Input { at: now, kind }, None));
            }
            if !turn.inputs.is_empty() {
                return Poll::Ready(Some(turn));
            }
            if self.may_park(now) {
                return Poll::Ready(None);
            }
            if self.poll_sleep(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_work(&mut self, cx: &mut Context<'_>, now: crate::Timestamp, turn: &mut Turn) {
        while let Poll::Ready(Some(arrived)) = Pin::new(&mut self.work).poll_next(cx) {
            let kind = match arrived {
                Arrived::Input(kind) => kind,
                Arrived::Nothing => continue,
                Arrived::Linked { path, key, result } => {
                    let result = result.map(|linked| {
                        let pinned = linked.pinned.clone();
                        turn.linked.push(linked);
                        pinned
                    });
                    InputKind::Linked { path, key, result }
                }
            };
            if let InputKind::Outcome { path, key, .. } = &kind {
                self.aborts.remove(&(path.clone(), key.clone()));
            }
            turn.inputs.push((Input { at: now, kind }, None));
        }
    }

    fn poll_commands(&mut self, cx: &mut Context<'_>, now: crate::Timestamp, turn: &mut Turn) {
        loop {
            let command = match self.command.take() {
                Some(command) => command,
                None => match Pin::new(&mut self.receiver).poll_next(cx) {
                    Poll::Ready(Some(command)) => command,
                    _ => return,
                },
            };
            match command {
                Command::Signal(signal, reply) => {
                    turn.inputs.push((Input { at: now, kind: InputKind::Signal(signal) }, Some(reply)));
                }
                Command::Fired(path, key, message) => {
                    turn.inputs.push((Input { at: now, kind: InputKind::Fired { path, key, message } }, None));
                }
                Command::Admit(place) => {
                    self.place = Some(place);
                    turn.inputs.push((Input { at: now, kind: InputKind::Admitted }, None));
                }
                Command::Watch(watcher, reply) => {
                    self.watchers.push(watcher);
                    let _ = reply.send(self.tree.events());
                }
                Command::Supply(name, _, reply) => {
                    let message = format!("the value of `{name}` is not missing");
                    let _ = reply.send(Err(Refusal { code: "EntityStatusConflict.Execution", message }));
                }
                Command::Report(reply) => {
                    let _ = reply.send(self.reports());
                }
            }
        }
    }

    fn reports(&self) -> Vec<MachineReport> {
        let paths = self.tree.machines().map(crate::machine::Machine::path);
        let reports = paths.filter_map(|path| self.tree.report(path));
        reports.map(|report| self.masked_report(report)).collect()
    }

    /// Arms the clock for the earliest timer; ready when it is due.
    fn poll_sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(next) = self.wakes.next() else {
            self.sleep = None;
            return Poll::Pending;
        };
        if self.sleep.as_ref().is_none_or(|(at, _)| *at != next) {
            self.sleep = Some((next, self.inner.clock.sleep_until(next)));
        }
        let Some((_, sleep)) = &mut self.sleep else { return Poll::Pending };
        let ready = sleep.as_mut().poll(cx);
        if ready.is_ready() {
            self.sleep = None;
        }
        ready
    }
}
