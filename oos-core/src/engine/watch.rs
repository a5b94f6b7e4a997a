//! Watching an execution from an event number on: what has happened is replayed from the journal, what comes is told by
//! the driver.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{
    Stream, StreamExt,
    channel::{mpsc, oneshot},
};

use super::{Engine, EngineError, Inner, Redactor, driver, replay::replay};
use crate::{
    ExecutionId,
    machine::{Effect, SavedTree},
    ports::{ExecutionEvent, event::EventKind, store::Journal},
};

/// CHOICE: events that a watcher may be behind before it is let go.
const BEHIND: usize = 1_024;

/// Why a watcher does not see the events it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("events from {wanted} on are not there any more; the first that can be told is {first}")]
pub struct Lagged {
    /// The first event that was not told.
    pub wanted: u64,
    /// The first event that can be told.
    pub first: u64,
}

/// Events of an execution tree in order, each once; it ends after the root has ended.
#[derive(Debug)]
pub struct Watch {
    root: ExecutionId,
    next: u64,
    past: std::vec::IntoIter<ExecutionEvent>,
    live: Option<mpsc::Receiver<ExecutionEvent>>,
    lagged: Option<Lagged>,
    ended: bool,
}

impl Stream for Watch {
    type Item = Result<ExecutionEvent, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(lagged) = self.lagged.take() {
            self.next = lagged.first;
            return Poll::Ready(Some(Err(lagged)));
        }
        while !self.ended {
            let event = match self.past.next() {
                Some(event) => event,
                None => match self.live.as_mut().map(|live| live.poll_next_unpin(cx)) {
                    Some(Poll::Pending) => return Poll::Pending,
                    Some(Poll::Ready(Some(event))) => event,
                    // The driver let this watcher go, or stopped.
                    Some(Poll::Ready(None)) => {
                        self.ended = true;
                        let lagged = Lagged { wanted: self.next, first: self.next };
                        return Poll::Ready(Some(Err(lagged)));
                    }
                    None => break,
                },
            };
            if event.number < self.next {
                continue;
            }
            self.next = event.number + 1;
            self.ended = matches!(event.kind, EventKind::ExecutionEnded { .. }) && event.execution == self.root;
            return Poll::Ready(Some(Ok(event)));
        }
        Poll::Ready(None)
    }
}

impl Engine {
    /// Events of an execution from number `from` on, those that have happened first; secrets are masked. A watcher that
    /// does not keep up, or asks for what a snapshot has dropped, gets [`Lagged`] and asks again from there.
    ///
    /// # Errors
    /// What the store says.
    pub async fn watch(&self, id: &ExecutionId, from: u64) -> Result<Watch, EngineError> {
        // First the driver, then the journal: so nothing falls between them.
        let live = match self.execution(id) {
            Some(handle) => {
                let (sender, events) = mpsc::channel(BEHIND);
                let (reply, answer) = oneshot::channel();
                let sent = handle.command(driver::Command::Watch(sender, reply));
                if sent && answer.await.is_ok() { Some(events) } else { None }
            }
            None => None,
        };
        let journal = self.inner.store.history(id).await?;
        let past = past(&self.inner, &journal, from)?;
        let from = from.max(1);
        let lagged = (from < past.first).then_some(Lagged { wanted: from, first: past.first });
        Ok(Watch { root: id.clone(), next: from, past: past.events.into_iter(), live, lagged, ended: false })
    }
}

/// What a journal tells.
pub(super) struct Past {
    /// Number of the first event that it still tells.
    pub(super) first: u64,
    pub(super) events: Vec<ExecutionEvent>,
}

/// The events of a journal from a number on, secrets masked.
pub(super) fn past(inner: &Arc<Inner>, journal: &Journal, from: u64) -> Result<Past, EngineError> {
    let first = match &journal.snapshot {
        Some(snapshot) => SavedTree::decode(&snapshot.bytes)?.events() + 1,
        None => 1,
    };
    let mut events = Vec::new();
    let redactor = Redactor::default();
    replay(inner, journal, &mut |_, tree, applied| {
        tree.take_secrets().iter().for_each(|secret| redactor.learn(&secret.value));
        for effect in applied.effects {
            if let Effect::Emit { execution, number, at, kind, .. } = effect
                && number >= from
            {
                let kind = driver::masked(*kind, &redactor);
                events.push(ExecutionEvent { number, at, execution, kind });
            }
        }
    })?;
    Ok(Past { first, events })
}
