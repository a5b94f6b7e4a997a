//! A store that fails when a test says so: writes that are refused, and the crash of a process as its journal sees it.
//!
//! A crash is two moments: the last write may have reached the disk without its answer reaching the engine. Both are
//! here. What a crashed store refuses is not kept anywhere; the store below goes on and can be taken up again.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use oos_core::{
    ExecutionId, Timestamp,
    ports::{
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, StoreError},
    },
};

/// Fails as told; everything else goes to the store below. A clone is the same store with the same faults.
///
/// ```
/// # use oos_core::engine::MemoryStore;
/// # use oos_testkit::FaultyStore;
/// let store = FaultyStore::new(MemoryStore::new()).crash_after(3);
/// assert!(!store.is_down());
/// ```
#[derive(Debug)]
pub struct FaultyStore<S> {
    below: Arc<S>,
    faults: Arc<Mutex<Faults>>,
}

impl<S> Clone for FaultyStore<S> {
    fn clone(&self) -> Self {
        Self { below: self.below.clone(), faults: self.faults.clone() }
    }
}

#[derive(Debug, Default)]
struct Faults {
    /// Appends that arrived.
    appends: u64,
    refused: BTreeSet<u64>,
    crash: Option<Crash>,
    down: bool,
}

#[derive(Clone, Copy, Debug)]
enum Crash {
    After(u64),
    In(u64),
}

/// What happens to an append.
enum Fate {
    Taken,
    Refused,
    AnswerLost,
}

impl<S> FaultyStore<S> {
    /// A store without faults yet, over another.
    pub fn new(below: S) -> Self {
        Self::over(Arc::new(below))
    }

    /// The same over a store that is shared already.
    pub fn over(below: Arc<S>) -> Self {
        Self { below, faults: Arc::default() }
    }

    /// The store below.
    pub fn below(&self) -> &Arc<S> {
        &self.below
    }

    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same store, refusing the n-th append, from 1: nothing of it is kept, later ones are taken.
    #[must_use]
    pub fn fail_append(self, n: u64) -> Self {
        self.lock().refused.insert(n);
        self
    }

    /// The same store, down after n appends were taken and answered: everything later is dropped.
    #[must_use]
    pub fn crash_after(self, n: u64) -> Self {
        self.lock().crash = Some(Crash::After(n));
        self
    }

    /// The same store, going down in the n-th append, from 1: it is kept, and its answer is lost.
    #[must_use]
    pub fn crash_in(self, n: u64) -> Self {
        self.lock().crash = Some(Crash::In(n));
        self
    }

    /// Goes down now.
    pub fn crash(&self) {
        self.lock().down = true;
    }

    /// True when it has gone down.
    pub fn is_down(&self) -> bool {
        self.lock().down
    }

    /// Appends that arrived so far.
    pub fn appends(&self) -> u64 {
        self.lock().appends
    }

    fn fate(&self) -> Fate {
        let mut faults = self.lock();
        faults.appends += 1;
        let n = faults.appends;
        let (down, fate) = match faults.crash {
            Some(Crash::After(last)) if n > last => (true, Fate::Refused),
            Some(Crash::In(last)) if n == last => (true, Fate::AnswerLost),
            _ if faults.refused.contains(&n) => (false, Fate::Refused),
            _ => (false, Fate::Taken),
        };
        if faults.down {
            return Fate::Refused;
        }
        faults.down = down;
        fate
    }

    fn up(&self) -> Result<(), StoreError> {
        if self.is_down() { Err(down()) } else { Ok(()) }
    }
}

fn down() -> StoreError {
    StoreError::Unavailable("the store is down by a fault of the test".into())
}

#[async_trait]
impl<S: ExecutionStore> ExecutionStore for FaultyStore<S> {
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError> {
        self.up()?;
        self.below.create(header).await
    }

    async fn append(&self, write: JournalWrite) -> Result<(), StoreError> {
        match self.fate() {
            Fate::Taken => self.below.append(write).await,
            Fate::Refused => Err(down()),
            Fate::AnswerLost => self.below.append(write).await.and_then(|()| Err(down())),
        }
    }

    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        self.up()?;
        self.below.load(id).await
    }

    async fn history(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        self.up()?;
        self.below.history(id).await
    }
}

#[async_trait]
impl<S: ExecutionIndex> ExecutionIndex for FaultyStore<S> {
    async fn claim(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError> {
        self.up()?;
        self.below.claim(id, owner, now, until).await
    }

    async fn renew(&self, owner: &OwnerId, until: Timestamp) -> Result<(), StoreError> {
        self.up()?;
        self.below.renew(owner, until).await
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        self.up()?;
        self.below.list(query).await
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError> {
        self.up()?;
        self.below.remove(ids).await
    }
}
