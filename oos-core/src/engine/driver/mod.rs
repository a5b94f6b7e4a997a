//! The driver: gathers inputs, applies them in memory, journals them, and only then performs their effects.
//!
//! Actions are polled in place; nothing is spawned per action. Inputs that are ready together are one turn and one
//! append. Under a clock that jumps only when nothing is ready, a run is deterministic.

mod perform;
mod resume;
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

pub(super) use resume::{Replay, unvault};

use self::{summary::Rows, wake::Wakes};
use super::{Finished, Inner, Redactor};
use crate::{
    ids::{MachinePath, StepKey},
    machine::{Effect, Input, InputKind, MachineReport, Refusal, Signal, Tree},
    plan::{Plan, PlanSet},
    ports::{
        action::ActionError,
        store::{Epoch, ExecutionHeader, JournalWrite, PinnedTemplate, Record, StoreError},
    },
};

/// What the handle and subscriptions say to the driver.
#[derive(Debug)]
pub(super) enum Command {
    /// A signal, with the way back for the answer.
    Signal(Signal, Reply),
    /// A message of a subscription.
    Fired(MachinePath, StepKey, crate::Value),
    /// A question about the living machines.
    Report(oneshot::Sender<Vec<MachineReport>>),
}

/// What a piece of work came to.
pub(super) enum Arrived {
    Input(InputKind),
    Linked { path: MachinePath, key: StepKey, result: Result<Linked, ActionError> },
}

/// A template that was found during the run.
pub(super) struct Linked {
    pinned: PinnedTemplate,
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
    rows: Rows,
    /// Inputs that are applied before anything else.
    queued: Vec<Input>,
    /// Effects of a replay that are still outstanding.
    outstanding: Vec<(Effect, bool)>,
}

/// The way back for the answer to a signal.
type Reply = oneshot::Sender<Result<(), Refusal>>;

/// Everything that is ready now.
#[derive(Default)]
struct Turn {
    inputs: Vec<(Input, Option<Reply>)>,
    linked: Vec<Linked>,
}

impl Driver {
    #[expect(clippy::too_many_arguments, reason = "the parts of a driver, in one place")]
    pub(super) fn new(
        inner: Arc<Inner>,
        tree: Tree,
        header: ExecutionHeader,
        epoch: Epoch,
        seq: u64,
        commands: mpsc::UnboundedSender<Command>,
        receiver: mpsc::UnboundedReceiver<Command>,
        done: oneshot::Sender<Result<Finished, StoreError>>,
    ) -> Self {
        Self {
            inner,
            tree,
            header,
            epoch,
            seq,
            commands,
            receiver,
            done: Some(done),
            work: FuturesUnordered::new(),
            aborts: BTreeMap::new(),
            wakes: Wakes::default(),
            sleep: None,
            redactor: Redactor::default(),
            rows: Rows::default(),
            queued: Vec::new(),
            outstanding: Vec::new(),
        }
    }

    /// Inputs to apply first.
    pub(super) fn queue(&mut self, inputs: Vec<Input>) {
        self.queued = inputs;
    }

    /// What a replay left outstanding: work runs again with the same token, timers keep their instants.
    pub(super) fn take_up(&mut self, replay: Replay) {
        self.outstanding = replay.outstanding();
    }

    /// Runs to the end of the root execution.
    pub(super) async fn run(mut self) {
        let result = self.drive().await;
        if let Err(error) = &result {
            tracing::error!(execution = self.header.id.as_str(), %error, "the engine stops driving");
        }
        let id = self.header.id.clone();
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(done) = self.done.take() {
            let _ = done.send(result);
        }
    }

    async fn drive(&mut self) -> Result<Finished, StoreError> {
        // A replayed tree knows its secrets before any work runs, so that no log of that work shows one.
        self.learn_secrets();
        for (effect, repeat) in std::mem::take(&mut self.outstanding) {
            self.perform(effect, repeat);
        }
        if !self.queued.is_empty() {
            let inputs = std::mem::take(&mut self.queued).into_iter().map(|input| (input, None)).collect();
            self.take_turn(Turn { inputs, linked: Vec::new() }).await?;
        }
        loop {
            if let Some(ended) = self.tree.ended() {
                return Ok(Finished { status: ended.status, outputs: ended.outputs, failure: ended.failure });
            }
            let turn = poll_fn(|cx| self.poll_turn(cx)).await;
            self.take_turn(turn).await?;
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
        self.journal(records).await?;
        for effect in effects {
            self.perform(effect, false);
        }
        for (reply, answer) in replies {
            let _ = reply.send(answer);
        }
        Ok(())
    }

    async fn journal(&mut self, mut records: Vec<Record>) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let count = records.len() as u64;
        self.vault(&mut records);
        let summaries = self.summaries();
        let write = JournalWrite {
            id: self.header.id.clone(),
            expected_seq: self.seq,
            epoch: self.epoch,
            records,
            summaries,
            snapshot: None,
        };
        self.inner.store.append(write).await?;
        self.seq += count;
        Ok(())
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
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
                return Poll::Ready(turn);
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
        while let Poll::Ready(Some(command)) = Pin::new(&mut self.receiver).poll_next(cx) {
            match command {
                Command::Signal(signal, reply) => {
                    turn.inputs.push((Input { at: now, kind: InputKind::Signal(signal) }, Some(reply)));
                }
                Command::Fired(path, key, message) => {
                    turn.inputs.push((Input { at: now, kind: InputKind::Fired { path, key, message } }, None));
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
