//! The default store: memory. Journals of living executions and the newest rows of ended ones.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    ExecutionId, Timestamp, Value,
    ports::{
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Page, Summary},
        store::{Epoch, ExecutionHeader, ExecutionStore, Journal, JournalWrite, Record, Snapshot, StoreError},
    },
};

/// Rows that stay (service-model 2.8).
const RETENTION: usize = 10_000;
/// Rows of a page when the query names no limit (the default of the service's MaxResults).
const PAGE: usize = 50;

/// Keeps everything in memory; a restart loses it.
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
    retention: usize,
    keep_history: bool,
}

#[derive(Debug, Default)]
struct State {
    journals: BTreeMap<ExecutionId, Entry>,
    rows: BTreeMap<ExecutionId, Summary>,
    /// Ended executions, roots and children, in the order of their end, for retention.
    ended: VecDeque<ExecutionId>,
}

#[derive(Debug)]
struct Entry {
    header: ExecutionHeader,
    records: Vec<Record>,
    snapshot: Option<Snapshot>,
    epoch: Epoch,
    owner: Option<(OwnerId, Timestamp)>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store that keeps the rows of the newest 10,000 ended executions, children included.
    pub fn new() -> Self {
        Self::with_retention(RETENTION)
    }

    /// An empty store that keeps the rows of that many ended executions, children included; with the row of a root its
    /// journal goes too.
    pub fn with_retention(retention: usize) -> Self {
        Self { state: Mutex::default(), retention, keep_history: false }
    }

    /// The same store, but a snapshot does not drop the records that it contains: see [`ExecutionStore::history`].
    #[must_use]
    pub fn keeping_history(mut self) -> Self {
        self.keep_history = true;
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(id: &ExecutionId) -> StoreError {
    StoreError::NotFound(format!("execution {id}").into())
}

fn fenced(id: &ExecutionId, reason: String) -> StoreError {
    StoreError::Fenced { id: id.clone(), reason: reason.into() }
}

#[async_trait]
impl ExecutionStore for MemoryStore {
    async fn create(&self, header: &ExecutionHeader) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.journals.contains_key(&header.id) {
            return Err(StoreError::Exists(format!("execution {}", header.id).into()));
        }
        let entry = Entry { header: header.clone(), records: Vec::new(), snapshot: None, epoch: Epoch(0), owner: None };
        state.journals.insert(header.id.clone(), entry);
        Ok(())
    }

    async fn append(&self, write: JournalWrite) -> Result<(), StoreError> {
        let mut state = self.lock();
        let entry = state.journals.get_mut(&write.id).ok_or_else(|| not_found(&write.id))?;
        if entry.epoch != write.epoch {
            return Err(fenced(&write.id, format!("epoch {} was expected, {} rules", write.epoch.0, entry.epoch.0)));
        }
        let there = entry.records.last().map(|r| r.seq).max(entry.snapshot.as_ref().map(|s| s.seq)).unwrap_or(0);
        if there != write.expected_seq {
            return Err(fenced(&write.id, format!("{} records were expected, {there} are there", write.expected_seq)));
        }
        entry.records.extend(write.records);
        if let Some(snapshot) = write.snapshot {
            if !self.keep_history {
                entry.records.retain(|r| r.seq > snapshot.seq);
            }
            entry.snapshot = Some(snapshot);
        }
        for row in write.summaries {
            // A row that ends twice (it was told again after a restart) counts once.
            let again = state.rows.get(&row.id).is_some_and(|r| r.status.is_final());
            if row.status.is_final() && !again {
                state.ended.push_back(row.id.clone());
            }
            state.rows.insert(row.id.clone(), row);
        }
        while state.ended.len() > self.retention {
            if let Some(oldest) = state.ended.pop_front() {
                forget(&mut state, &oldest);
            }
        }
        Ok(())
    }

    async fn load(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        let state = self.lock();
        let entry = state.journals.get(id).ok_or_else(|| not_found(id))?;
        let after = entry.snapshot.as_ref().map_or(0, |s| s.seq);
        let records = entry.records.iter().filter(|r| r.seq > after).cloned().collect();
        Ok(Journal { header: entry.header.clone(), snapshot: entry.snapshot.clone(), records })
    }

    async fn history(&self, id: &ExecutionId) -> Result<Journal, StoreError> {
        if !self.keep_history {
            return self.load(id).await;
        }
        let state = self.lock();
        let entry = state.journals.get(id).ok_or_else(|| not_found(id))?;
        Ok(Journal { header: entry.header.clone(), snapshot: None, records: entry.records.clone() })
    }
}

/// Forgets a row, and with a root its journal and the rows of its tree. Ids of children begin with the id of their root,
/// so this looks at no other tree.
fn forget(state: &mut State, id: &ExecutionId) {
    // A child has no journal of its own and goes with its root, never alone.
    if state.rows.get(id).is_some_and(|row| row.id != row.root) {
        return;
    }
    state.journals.remove(id);
    if state.rows.remove(id).is_none() {
        return;
    }
    let mut below = Vec::new();
    for (child, row) in state.rows.range::<ExecutionId, _>(id..) {
        if !child.as_str().starts_with(id.as_str()) {
            break;
        }
        if row.root == *id {
            below.push(child.clone());
        }
    }
    below.iter().for_each(|child| _ = state.rows.remove(child));
}

#[async_trait]
impl ExecutionIndex for MemoryStore {
    async fn claim(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Epoch, StoreError> {
        let mut state = self.lock();
        let entry = state.journals.get_mut(id).ok_or_else(|| not_found(id))?;
        match &entry.owner {
            Some((other, lease)) if other != owner && *lease > now => {
                return Err(fenced(id, format!("{} holds it until {lease}", other.0)));
            }
            Some((same, _)) if same == owner => {}
            _ => entry.epoch.0 += 1,
        }
        entry.owner = Some((owner.clone(), until));
        Ok(entry.epoch)
    }

    async fn renew(&self, owner: &OwnerId, until: Timestamp) -> Result<(), StoreError> {
        let State { journals, rows, .. } = &mut *self.lock();
        for (id, entry) in journals {
            let ended = || rows.get(id).is_some_and(|row| row.status.is_final());
            if let Some((by, lease)) = &mut entry.owner
                && by == owner
                && *lease < until
                && !ended()
            {
                *lease = until;
            }
        }
        Ok(())
    }

    async fn list(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        let state = self.lock();
        let mut rows: Vec<&Summary> = state.rows.values().filter(|row| query.matches(row)).collect();
        query.sort(&mut rows);
        let total = rows.len();
        let limit = if query.limit == 0 { PAGE } else { query.limit };
        let rows = rows.into_iter().skip(query.offset).take(limit).cloned().collect();
        Ok(Page { rows, total })
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), StoreError> {
        let mut state = self.lock();
        for id in ids {
            // Only whole trees go.
            if state.rows.get(id).is_none_or(|row| row.id == row.root) {
                forget(&mut state, id);
            }
        }
        state.ended.retain(|id| !ids.contains(id));
        Ok(())
    }
}

impl ExecutionQuery {
    /// True when a row answers the query; the one place that says so, for every store.
    pub fn matches(&self, row: &Summary) -> bool {
        let asked_for = self.id.is_some() || self.parent.is_some() || self.root.is_some();
        (asked_for || self.include_children || row.id == row.root)
            && self.id.as_ref().is_none_or(|id| row.id == *id)
            && self.parent.as_ref().is_none_or(|id| row.parent.as_ref() == Some(id))
            && self.root.as_ref().is_none_or(|id| row.root == *id)
            && (self.status.is_empty() || self.status.contains(&row.status))
            && self.category.as_ref().is_none_or(|c| row.category.eq_ignore_ascii_case(c))
            && self.template_name.as_ref().is_none_or(|part| {
                row.template_name.as_ref().is_some_and(|n| n.to_lowercase().contains(&part.to_lowercase()))
            })
            && has_tags(&row.tags, &self.tags)
    }

    /// Orders rows: children of a parent in their order, others by start, newest first unless asked otherwise.
    pub fn sort(&self, rows: &mut [&Summary]) {
        if self.parent.is_some() {
            rows.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
        } else if self.ascending {
            rows.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        } else {
            rows.sort_by(|a, b| (b.start, &b.id).cmp(&(a.start, &a.id)));
        }
    }
}

fn has_tags(tags: &Value, wanted: &Value) -> bool {
    let wanted = wanted.as_map().into_iter().flat_map(crate::Map::iter);
    wanted.into_iter().all(|(key, value)| tags.get(key).is_some_and(|v| v.to_text() == value.to_text()))
}
