//! What an embedder chooses: how durable, how long to wait, how many readers, how long to keep.

use std::time::Duration;

/// What a write that has been acknowledged survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Loss of power: every commit is flushed to the disk; a commit takes all writes that have queued up.
    #[default]
    Full,
    /// A kill of the process. Loss of power may cost the newest writes, never the file.
    Process,
    /// Nothing is flushed at all. CHOICE: the data lie in the operating system's memory until it writes them; loss of
    /// power may cost the file. For tests and for executions that are started again from elsewhere.
    Memory,
}

/// Which ended executions stay. Living ones always do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The newest that many; all when empty.
    pub count: Option<u64>,
    /// Those that ended within this time; all when empty.
    pub age: Option<Duration>,
}

impl Retention {
    /// Keeps everything: the default. CHOICE: what is durable goes only when somebody says so.
    pub const EVERYTHING: Self = Self { count: None, age: None };

    /// Keeps the newest that many ended executions.
    #[must_use]
    pub const fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Keeps executions that ended within this time.
    #[must_use]
    pub const fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }
}

/// CHOICE: how long a connection waits for a lock that another process holds.
const BUSY: Duration = Duration::from_secs(5);
/// CHOICE: connections that read beside the writer; reads are rare (start, resume, lists).
const READERS: usize = 2;

/// Options of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) durability: Durability,
    pub(crate) busy: Duration,
    pub(crate) readers: usize,
    pub(crate) retention: Retention,
    pub(crate) keep_history: bool,
    pub(crate) slower: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            busy: BUSY,
            readers: READERS,
            retention: Retention::EVERYTHING,
            keep_history: false,
            slower: Duration::ZERO,
        }
    }
}

impl Options {
    /// What an acknowledged write survives; [`Durability::Full`] by default.
    #[must_use]
    pub fn durability(mut self, level: Durability) -> Self {
        self.durability = level;
        self
    }

    /// How long to wait for another process; 5 seconds by default.
    #[must_use]
    pub fn busy_timeout(mut self, wait: Duration) -> Self {
        self.busy = wait;
        self
    }

    /// Connections and threads that read; 2 by default, at least 1.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Which ended executions stay; all by default. Applied whenever an execution ends, and by
    /// [`SqliteStore::sweep`](crate::SqliteStore::sweep).
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Lets every commit take so much longer, as on a slower disk: for benches and rehearsals.
    #[must_use]
    pub fn slow_disk(mut self, longer: Duration) -> Self {
        self.slower = longer;
        self
    }

    /// True to keep the records that a snapshot contains, for people; they are never loaded. Off by default.
    #[must_use]
    pub fn keep_history(mut self, keep: bool) -> Self {
        self.keep_history = keep;
        self
    }
}
