//! The journal: what a host must keep so that an execution survives anything.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::index::Summary;
use crate::{ExecutionId, Timestamp, Value, machine::Input};

/// Version of the journal's format; a newer file is refused by older code.
pub const JOURNAL_FORMAT: u32 = 1;

/// Makes the JSON of a record that of the next format.
type Upgrade = fn(serde_json::Value) -> serde_json::Value;

/// The steps between formats: number n leads from format n + 1 to n + 2. A change of the format adds one here and raises
/// [`JOURNAL_FORMAT`]; new fields with a default need none.
const UPGRADES: [Upgrade; JOURNAL_FORMAT as usize - 1] = [];

fn upgraded(record: serde_json::Value, format: u32, steps: &[Upgrade]) -> serde_json::Value {
    let done = usize::try_from(format.saturating_sub(1)).unwrap_or(usize::MAX);
    steps.iter().skip(done).fold(record, |record, step| step(record))
}

/// What is fixed when an execution starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionHeader {
    /// Version of the journal's format.
    pub format: u32,
    /// Id of the root execution.
    pub id: ExecutionId,
    /// Name of the template, when it has one.
    pub template_name: Option<Arc<str>>,
    /// Version of the template, when it has one.
    pub template_version: Option<Arc<str>>,
    /// Digest of the root template.
    pub digest: Arc<str>,
    /// Text of every template that was known when the execution started, root and children: (digest, name, text).
    pub templates: Vec<PinnedTemplate>,
    /// When it was created.
    pub created: Timestamp,
    /// Who started it.
    pub executed_by: Option<Arc<str>>,
    /// Description given at start.
    pub description: Option<Arc<str>>,
    /// Tags given at start: a map.
    pub tags: Value,
    /// The execution that this one runs again.
    pub rerun_of: Option<ExecutionId>,
    /// The execution that this one was hung below at start.
    pub parent: Option<ExecutionId>,
}

/// The text of a template as it was when the execution started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedTemplate {
    /// SHA-256 of the text.
    pub digest: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its version.
    pub version: Option<Arc<str>>,
    /// Its text.
    pub text: Arc<str>,
}

/// A template that was found during the run, with those below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedTemplate {
    /// The template.
    #[serde(flatten)]
    pub template: PinnedTemplate,
    /// Every template that it names, directly or through others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<PinnedTemplate>,
}

/// One input as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Number from 1, without gaps.
    pub seq: u64,
    /// The input, with its time.
    pub input: Arc<Input>,
}

impl Record {
    /// The bytes of the input (JSON).
    ///
    /// # Errors
    /// Never in practice; the encoder's error.
    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(&*self.input).map_err(|e| StoreError::Corrupt(e.to_string().into()))
    }

    /// Reads a record that code of an older format wrote: its JSON goes through the steps from that format to this one.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] for a newer format, [`StoreError::Corrupt`] when the bytes are no input.
    pub fn decode_from(format: u32, seq: u64, bytes: &[u8]) -> Result<Self, StoreError> {
        if format == JOURNAL_FORMAT {
            return Self::decode(seq, bytes);
        }
        if format > JOURNAL_FORMAT {
            return Err(StoreError::TooNew { found: format, known: JOURNAL_FORMAT });
        }
        let corrupt = |e: serde_json::Error| StoreError::Corrupt(format!("record {seq}: {e}").into());
        let old: serde_json::Value = serde_json::from_slice(bytes).map_err(corrupt)?;
        let input = serde_json::from_value(upgraded(old, format, &UPGRADES)).map_err(corrupt)?;
        Ok(Self { seq, input: Arc::new(input) })
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are no input.
    pub fn decode(seq: u64, bytes: &[u8]) -> Result<Self, StoreError> {
        let input =
            serde_json::from_slice(bytes).map_err(|e| StoreError::Corrupt(format!("record {seq}: {e}").into()))?;
        Ok(Self { seq, input: Arc::new(input) })
    }
}

/// The state of a tree at a sequence number, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that it contains.
    pub seq: u64,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

/// Number of an owner's reign over an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// One durable write: all of it or nothing.
#[derive(Clone, Debug)]
pub struct JournalWrite {
    /// The root execution.
    pub id: ExecutionId,
    /// Number of records that the writer believes to be there.
    pub expected_seq: u64,
    /// The writer's epoch.
    pub epoch: Epoch,
    /// New records, numbered from `expected_seq + 1`.
    pub records: Vec<Record>,
    /// New rows of the index: the root's and those of children that changed.
    pub summaries: Vec<Summary>,
    /// A snapshot that contains the new records.
    pub snapshot: Option<Snapshot>,
}

/// Everything needed to go on.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The header.
    pub header: ExecutionHeader,
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// Records after the snapshot.
    pub records: Vec<Record>,
}

/// Why a store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No such thing.
    #[error("{0} does not exist")]
    NotFound(Arc<str>),
    /// It is there already.
    #[error("{0} exists already")]
    Exists(Arc<str>),
    /// Another owner wrote or claimed in between; the loser stops.
    #[error("{id} is owned by somebody else: {reason}")]
    Fenced {
        /// The execution.
        id: ExecutionId,
        /// Expected and found.
        reason: Arc<str>,
    },
    /// The bytes are not what this version wrote.
    #[error("the store holds data that cannot be read: {0}")]
    Corrupt(Arc<str>),
    /// The store was written by newer code.
    #[error("the store has format {found}, this code reads up to {known}")]
    TooNew {
        /// Format found.
        found: u32,
        /// Newest format known.
        known: u32,
    },
    /// The store cannot be reached.
    #[error("the store does not answer: {0}")]
    Unavailable(Arc<str>),
    /// The port refuses by default.
    #[error("{0}")]
    Refused(Arc<str>),
}

/// Keeps journals.
///
/// # Implementing
/// `append` is one transaction: it checks the epoch of the last claim and that exactly `expected_seq` records are
/// there, else [`StoreError::Fenced`]. When it returns, the write survives a crash to the degree that the store
/// promises. Nothing may be cached by the caller's side: `load` answers what was appended.
#[async_trait]
pub trait ExecutionStore: Debug + Send + Sync + 'static {
    /// Keeps the header of a new execution.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for an id that is there.
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError>;

    /// Appends.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when somebody else owns the execution or wrote to it.
    async fn append(&self, write: JournalWrite) -> Result<(), StoreError>;

    /// Reads header, newest snapshot and the records after it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Corrupt`], [`StoreError::TooNew`].
    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError>;

    /// Reads the whole journal without a snapshot, when the records before it are still there; else as [`Self::load`].
    ///
    /// # Errors
    /// As [`Self::load`].
    async fn history(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        self.load(id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_older_formats_take_the_steps_that_they_lack() {
        let steps: [Upgrade; 2] =
            [|old| serde_json::json!({ "two": old["one"] }), |old| serde_json::json!({ "three": old["two"] })];
        assert_eq!(upgraded(serde_json::json!({ "one": 1 }), 1, &steps), serde_json::json!({ "three": 1 }));
        assert_eq!(upgraded(serde_json::json!({ "two": 1 }), 2, &steps), serde_json::json!({ "three": 1 }));
        assert_eq!(upgraded(serde_json::json!({ "three": 1 }), 3, &steps), serde_json::json!({ "three": 1 }));
    }

    #[test]
    fn a_newer_format_is_refused_before_it_is_read() {
        let newer = JOURNAL_FORMAT + 1;
        let error = Record::decode_from(newer, 1, b"what the future wrote").unwrap_err();
        assert_eq!(error, StoreError::TooNew { found: newer, known: JOURNAL_FORMAT });
    }
}
