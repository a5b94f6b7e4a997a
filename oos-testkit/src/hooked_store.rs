//! A store whose appends go through a hook of the test: to count them, to tell of them, to make them slow.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::future::BoxFuture;
use oos_core::{
    ExecutionId, Timestamp,
    ports::{
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, StoreError},
    },
};

/// What a hook gives back: the answer to the append.
pub type Appended = BoxFuture<'static, Result<(), StoreError>>;

type Hook<S> = dyn Fn(Arc<S>, JournalWrite) -> Appended + Send + Sync;

/// Gives each append, with the store below, to a hook; everything else goes to the store below. A clone is the same
/// store.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
/// use oos_core::{engine::MemoryStore, ports::store::ExecutionStore};
/// use oos_testkit::HookedStore;
///
/// let (appends, count) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
/// let counting = count.clone();
/// let store = HookedStore::new(MemoryStore::new(), move |below, write| {
///     counting.fetch_add(1, Ordering::Relaxed);
///     Box::pin(async move { below.append(write).await })
/// });
/// # let _ = (appends, store);
/// ```
pub struct HookedStore<S> {
    below: Arc<S>,
    hook: Arc<Hook<S>>,
}

impl<S> Clone for HookedStore<S> {
    fn clone(&self) -> Self {
        Self { below: self.below.clone(), hook: self.hook.clone() }
    }
}

impl<S: fmt::Debug> fmt::Debug for HookedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookedStore({:?})", self.below)
    }
}

impl<S> HookedStore<S> {
    /// A store over another; `hook` does the appends.
    pub fn new(below: S, hook: impl Fn(Arc<S>, JournalWrite) -> Appended + Send + Sync + 'static) -> Self {
        Self { below: Arc::new(below), hook: Arc::new(hook) }
    }

    /// The store below.
    pub fn below(&self) -> &Arc<S> {
        &self.below
    }
}

#[async_trait]
impl<S: ExecutionStore> ExecutionStore for HookedStore<S> {
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError> {
        self.below.create(header).await
    }

    async fn append(&self, write: JournalWrite) -> Result<(), StoreError> {
        (self.hook)(self.below.clone(), write).await
    }

    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        self.below.load(id).await
    }

    async fn history(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        self.below.history(id).await
    }
}

#[async_trait]
impl<S: ExecutionIndex> ExecutionIndex for HookedStore<S> {
    async fn claim(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError> {
        self.below.claim(id, owner, now, until).await
    }

    async fn renew(&self, owner: &OwnerId, until: Timestamp) -> Result<(), StoreError> {
        self.below.renew(owner, until).await
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        self.below.list(query).await
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError> {
        self.below.remove(ids).await
    }
}
