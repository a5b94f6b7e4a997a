//! When a snapshot is due, and what is in it.

use super::Driver;
use crate::{
    machine::{Beside, Effect},
    ports::store::{Snapshot, StoreError},
};

/// CHOICE: records after which an execution that goes idle is snapshotted: it may sleep for months.
const IDLE_AFTER: u64 = 256;
/// CHOICE: bytes of the last snapshot that one record pays for. A loop of 100,000 items has a large state; with this the
/// cost of its snapshots per record stays the same.
const BYTES_PER_RECORD: u64 = 64;

/// CHOICE: bytes of a snapshot that cost nothing worth saving.
const SMALL: u64 = 65_536;

/// How far the last snapshot lies behind.
#[derive(Debug, Default)]
pub(super) struct Due {
    records: u64,
    bytes: u64,
}

impl Due {
    /// Records that a resumed execution has after its snapshot.
    pub(super) fn after(records: u64, bytes: u64) -> Self {
        Self { records, bytes }
    }

    /// Counts `more` records; true when a snapshot is due.
    fn count(&mut self, more: u64, every: u64, fired: bool, busy: bool) -> bool {
        self.records += more;
        let dear = if self.bytes > SMALL { self.bytes / BYTES_PER_RECORD } else { 0 };
        let enough = every.max(dear);
        let idle = !busy && self.records >= IDLE_AFTER.min(every).max(dear);
        fired || idle || self.records >= enough
    }
}

impl Driver {
    /// The snapshot that goes with `count` new records, when one is due: after many records, when a firing of a trigger
    /// has ended (the parent may live for years), and when the execution goes idle with a long journal. An ended
    /// execution needs none.
    pub(super) fn snapshot(
        &mut self,
        count: u64,
        fired: bool,
        busy: bool,
        effects: &[Effect],
    ) -> Result<Option<Snapshot>, StoreError> {
        let due = self.due.count(count, self.inner.snapshot_every, fired, busy);
        if !due || self.tree.ended().is_some() {
            return Ok(None);
        }
        let events = effects.iter().filter_map(|effect| self.event(effect)).collect();
        let beside = Beside { secrets: self.secrets.handles(), events };
        let bytes = if self.secrets.is_empty() {
            self.tree.encode(&beside)?
        } else {
            let mut hidden = self.tree.clone();
            hidden.map_values(&mut |value| self.secrets.hide(value));
            hidden.encode(&beside)?
        };
        self.due = Due::after(0, bytes.len() as u64);
        Ok(Some(Snapshot { seq: self.seq + count, bytes: bytes.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::Due;

    #[test]
    fn snapshots_come_after_many_records_a_firing_or_a_long_way_to_rest() {
        let mut due = Due::default();
        assert!(!due.count(255, 2_000, false, false));
        assert!(due.count(1, 2_000, false, false), "idle");
        assert!(!due.count(1_743, 2_000, false, true));
        assert!(due.count(1, 2_000, false, true));
        assert!(Due::default().count(1, 2_000, true, true), "a firing");
    }

    #[test]
    fn a_large_state_is_written_less_often() {
        let mut due = Due::after(0, 640_000);
        assert!(!due.count(9_999, 2_000, false, true));
        assert!(!due.count(0, 2_000, false, false));
        assert!(due.count(1, 2_000, false, true));
    }
}
