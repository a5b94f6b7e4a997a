//! Waiting in place: for stores whose answers come from threads of their own.
//!
//! The executor of a test bed jumps in time as soon as nothing is ready on its one thread. An answer that is on its way
//! from another thread looks like nothing to it, so such a store is waited for where it is called.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use async_trait::async_trait;
use oos_core::{
    ExecutionId, Timestamp,
    ports::{
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, StoreError},
    },
};

/// Makes a store fit for virtual time: every answer is there when the call returns. A clone is the same store.
#[derive(Debug)]
pub struct InPlace<S>(Arc<S>);

impl<S> Clone for InPlace<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> InPlace<S> {
    /// Wraps a store.
    pub fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    /// The store.
    pub fn store(&self) -> &Arc<S> {
        &self.0
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which sleeps while the future waits for others.
pub fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[async_trait]
impl<S: ExecutionStore> ExecutionStore for InPlace<S> {
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError> {
        wait(self.0.create(header))
    }

    async fn append(&self, write: JournalWrite) -> Result<(), StoreError> {
        wait(self.0.append(write))
    }

    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        wait(self.0.load(id))
    }

    async fn history(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        wait(self.0.history(id))
    }
}

#[async_trait]
impl<S: ExecutionIndex> ExecutionIndex for InPlace<S> {
    async fn claim(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError> {
        wait(self.0.claim(id, owner, now, until))
    }

    async fn renew(&self, owner: &OwnerId, until: Timestamp) -> Result<(), StoreError> {
        wait(self.0.renew(owner, until))
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        wait(self.0.list(query))
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError> {
        wait(self.0.remove(ids))
    }
}
