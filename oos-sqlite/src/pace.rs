//! How long the writer waits for company. On a slow disk executions would otherwise fall into two groups, each of which
//! queues up while the other is flushed, and every write would wait for two flushes.

use std::time::Duration;

/// CHOICE: part of a commit's time that is worth waiting for those who will come anyway.
const PART: u32 = 4;
/// CHOICE: shorter waits cost more than they bring.
const LEAST: Duration = Duration::from_micros(100);
/// CHOICE: nobody waits longer, however slow the disk.
const MOST: Duration = Duration::from_millis(5);

/// What the last commit tells of the next.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    took: Duration,
    answered: usize,
}

impl Pace {
    /// Writes to be expected: of those that were answered last, who come again, and of those that queued up meanwhile. Who
    /// writes alone is expected alone and never waits.
    pub(crate) fn company(&self, queued: usize) -> usize {
        self.answered + queued
    }

    /// How long to wait for them.
    pub(crate) fn patience(&self) -> Duration {
        let part = self.took / PART;
        if part < LEAST { Duration::ZERO } else { part.min(MOST) }
    }

    /// Notes a commit.
    pub(crate) fn committed(&mut self, writes: usize, took: Duration) {
        (self.answered, self.took) = (writes, took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_groups_become_one_and_who_is_alone_never_waits() {
        let mut pace = Pace::default();
        pace.committed(4, Duration::from_millis(4));
        assert_eq!((pace.company(4), pace.patience()), (8, Duration::from_millis(1)));
        pace.committed(8, Duration::from_millis(4));
        assert_eq!(pace.company(0), 8, "all came; nobody queued up meanwhile");
        pace.committed(1, Duration::from_millis(4));
        assert_eq!(pace.company(0), 1);
    }

    #[test]
    fn a_fast_disk_is_not_waited_for_and_a_very_slow_one_not_long() {
        let mut pace = Pace::default();
        pace.committed(8, Duration::from_micros(300));
        assert_eq!(pace.patience(), Duration::ZERO);
        pace.committed(8, Duration::from_secs(1));
        assert_eq!(pace.patience(), MOST);
    }
}
