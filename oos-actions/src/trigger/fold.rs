//! What a trigger can tell from the events of its run so far.

use std::collections::VecDeque;

use oos_core::{
    Timestamp, Value,
    ports::{ControlContext, ControlEvent, Decision, control::ChildRequest},
};

/// CHOICE: messages kept while a firing runs; more are dropped (actions.md 17.1).
pub(super) const MAX_QUEUE: usize = 1_000;

/// What happens to a message that comes while a firing runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It waits for its turn; the default of events and alarms.
    #[default]
    Queue,
    /// It is dropped; the default of timers.
    Skip,
}

/// The events before the present one.
pub(super) fn past<'a>(ctx: &ControlContext<'a>) -> &'a [(Timestamp, ControlEvent)] {
    ctx.history.split_last().map_or(&[], |(_, past)| past)
}

/// Messages that wait, and whether a firing runs, after the given events.
#[derive(Debug, Default)]
pub(super) struct Firings<'a> {
    pub(super) running: bool,
    pub(super) queue: VecDeque<&'a Value>,
}

impl<'a> Firings<'a> {
    /// Folds over the events of a trigger that lives of messages.
    pub(super) fn of(events: &'a [(Timestamp, ControlEvent)], overlap: Overlap) -> Self {
        let mut firings = Self::default();
        for (_, event) in events {
            firings.take(event, overlap);
        }
        firings
    }

    fn take(&mut self, event: &'a ControlEvent, overlap: Overlap) {
        match event {
            ControlEvent::Fired(_) if !self.running => self.running = true,
            ControlEvent::Fired(message) if overlap == Overlap::Queue && self.queue.len() < MAX_QUEUE => {
                self.queue.push_back(message);
            }
            ControlEvent::ChildEnded { .. } => self.running = self.queue.pop_front().is_some(),
            _ => {}
        }
    }
}

/// A firing with this message.
pub(super) fn fire(message: Value, scheduled: Option<Timestamp>) -> Decision {
    Decision::RunChild(ChildRequest::Firing { message, scheduled })
}
