//! Executions in one SQLite file: journal and index of the engine, durable across crashes.
//!
//! One thread writes and takes everything that has queued up into one commit; read connections run beside it on
//! threads of their own. No call of SQLite ever runs on the caller's thread, except while the file is opened. The times
//! that count come with the calls; the clock is read only to pace commits.
//!
//! Deliberately absent: secrets (they live in the vault), templates by name (the template store), and any server.

mod error;
mod index;
mod journal;
mod options;
mod pace;
mod readers;
mod removal;
mod schema;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use oos_core::{
    ExecutionId, Timestamp,
    ports::{
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, StoreError},
    },
};
pub use options::{Durability, Options, Retention};
pub use schema::SCHEMA_VERSION;
pub use writer::Stats;

use crate::{readers::Readers, writer::Writer};

/// The oldest SQLite that may be linked: before it, write-ahead logs had a reset bug with two connections.
pub const OLDEST_SQLITE: &str = "3.51.3";

/// Keeps executions in a file. A clone is the same store; the last one to be dropped closes the file.
///
/// ```no_run
/// use oos_sqlite::{Options, SqliteStore};
/// # fn main() -> Result<(), oos_core::ports::store::StoreError> {
/// let store = SqliteStore::open("executions.db", Options::default())?;
/// // Engine::builder().store(store.clone())
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    options: Options,
    // Readers close before the writer, so that the writer's is the last connection and folds the log into the file.
    readers: Readers,
    writer: Writer,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.0.path).field("options", &self.0.options).finish()
    }
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings it to the newest schema. Blocks for as long as that takes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a file that is no store, [`StoreError::TooNew`] for one of newer code,
    /// [`StoreError::Unavailable`] when it cannot be opened or the linked SQLite is too old.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        schema::check_library(rusqlite::version_number())?;
        let db = schema::open_writer(&path, &options)?;
        let writer = Writer::start(db, options.slower)?;
        let connections = (0..options.readers.max(1)).map(|_| schema::open_reader(&path, &options));
        let readers = Readers::start(connections.collect::<Result<_, _>>()?)?;
        Ok(Self(Arc::new(Inner { path, options, readers, writer })))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How many writes were taken so far, in how many commits.
    pub fn stats(&self) -> Stats {
        self.0.writer.stats()
    }

    /// Removes ended executions that [`Retention`] no longer keeps, seen from `now`; gives their number.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let retention = self.0.options.retention;
        let mut removed = 0;
        loop {
            let some = self.0.writer.write(move |db| removal::retain(db, retention, now)).await?;
            if some == 0 {
                return Ok(removed);
            }
            removed += some;
        }
    }

    /// Gives the space of removed executions back to the file system. Writes wait meanwhile.
    ///
    /// # Errors
    /// When the file cannot be written, or there is no room for the copy.
    pub async fn vacuum(&self) -> Result<(), StoreError> {
        self.0.writer.alone(removal::vacuum).await
    }

    /// Copies a consistent state into a new file, while writes go on.
    ///
    /// # Errors
    /// When the other file exists or cannot be written.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let to = to.as_ref().to_path_buf();
        self.0.readers.read(move |db| removal::backup(db, &to)).await
    }

    /// Reads the whole file and checks its structure.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first thing found.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.0.readers.read(schema::check_integrity).await
    }
}

#[async_trait]
impl ExecutionStore for SqliteStore {
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError> {
        let create = journal::Create::encode(header)?;
        self.0.writer.write(move |db| create.run(db)).await
    }

    async fn append(&self, write: JournalWrite) -> Result<(), StoreError> {
        // Encoded here, so that the one writer only moves bytes.
        let append = journal::Append::encode(write)?;
        let options = self.0.options.clone();
        self.0.writer.write(move |db| append.run(db, &options)).await
    }

    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        let id = id.clone();
        self.0.readers.read(move |db| journal::load(db, &id, false)).await?.decode()
    }

    async fn history(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        let (id, whole) = (id.clone(), self.0.options.keep_history);
        self.0.readers.read(move |db| journal::load(db, &id, whole)).await?.decode()
    }
}

#[async_trait]
impl ExecutionIndex for SqliteStore {
    async fn claim(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError> {
        let (id, owner) = (id.clone(), owner.clone());
        self.0.writer.write(move |db| journal::claim(db, &id, &owner, now, until)).await
    }

    async fn renew(&self, owner: &OwnerId, until: Timestamp) -> Result<(), StoreError> {
        let owner = owner.clone();
        self.0.writer.write(move |db| journal::renew(db, &owner, until)).await
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        let query = query.clone();
        self.0.readers.read(move |db| index::list(db, &query)).await?.decode()
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.0.writer.write(move |db| ids.iter().try_for_each(|id| removal::forget(db, id))).await
    }
}
