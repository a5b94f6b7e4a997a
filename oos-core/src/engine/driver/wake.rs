//! The timers of one execution, ordered by instant, then by the order in which they were set.

use std::collections::BTreeMap;

use crate::{
    Timestamp,
    ids::{MachinePath, StepKey},
    ports::control::Purpose,
};

type Timer = (MachinePath, StepKey, Purpose, Timestamp);

/// Timers.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    by_time: BTreeMap<(Timestamp, u64), (MachinePath, StepKey, Purpose)>,
    counter: u64,
}

impl Wakes {
    /// Sets a timer.
    pub(super) fn set(&mut self, path: MachinePath, key: StepKey, purpose: Purpose, at: Timestamp) {
        self.counter += 1;
        self.by_time.insert((at, self.counter), (path, key, purpose));
    }

    /// Forgets all timers of a step.
    pub(super) fn forget(&mut self, path: &MachinePath, key: &StepKey) {
        self.by_time.retain(|_, (p, k, _)| !(p == path && k == key));
    }

    /// The earliest instant.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.keys().next().map(|(at, _)| *at)
    }

    /// Takes the timers that are due.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Timer> {
        let mut due = Vec::new();
        while let Some(entry) = self.by_time.first_entry().filter(|e| e.key().0 <= now) {
            let scheduled = entry.key().0;
            let (path, key, purpose) = entry.remove();
            due.push((path, key, purpose, scheduled));
        }
        due
    }
}
