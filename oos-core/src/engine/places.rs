//! Places of executions that run at once (service-model 2.8); what comes beyond them waits, first in, first out.
//!
//! CHOICE: an execution that waits for somebody, or sleeps for long, gives its place up and goes on without queueing
//! again: a limit on what works, not on what exists.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::driver::Command;

/// Hands a command to a driver.
type Tell = Box<dyn Fn(Command) + Send>;

/// The places of an engine. A clone counts the same ones.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Mutex<State>>);

struct State {
    limit: usize,
    taken: usize,
    queue: VecDeque<Tell>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} places, {} wait", self.taken, self.limit, self.queue.len())
    }
}

/// A taken place; dropping it gives it to the next in the queue.
#[derive(Debug)]
pub(super) struct Place(Places);

impl Places {
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(State { limit: limit.max(1), taken: 0, queue: VecDeque::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if one is free and nobody waits for it.
    pub(super) fn take(&self) -> Option<Place> {
        let mut state = self.lock();
        if state.taken >= state.limit || !state.queue.is_empty() {
            return None;
        }
        state.taken += 1;
        Some(Place(self.clone()))
    }

    /// A place for an execution that was running before, even beyond the limit.
    pub(super) fn take_anyway(&self) -> Place {
        self.lock().taken += 1;
        Place(self.clone())
    }

    /// Waits for a place: the driver is told with [`Command::Admit`].
    pub(super) fn queue(&self, driver: impl Fn(Command) + Send + 'static) {
        self.lock().queue.push_back(Box::new(driver));
        self.serve();
    }

    /// Gives free places to those that wait.
    fn serve(&self) {
        loop {
            let next = {
                let mut state = self.lock();
                if state.taken >= state.limit {
                    return;
                }
                let Some(next) = state.queue.pop_front() else { return };
                state.taken += 1;
                next
            };
            // One that was cancelled meanwhile gives its place back by dropping the command.
            next(Command::Admit(Place(self.clone())));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.taken = state.taken.saturating_sub(1);
        drop(state);
        self.0.serve();
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;

    use super::*;

    #[test]
    fn places_go_to_those_who_wait_in_order_and_the_dead_pass_theirs_on() {
        let places = Places::new(1);
        let first = places.take().unwrap();
        assert!(places.take().is_none());
        let (dead, gone) = mpsc::unbounded();
        let (alive, mut inbox) = mpsc::unbounded();
        places.queue(move |command| _ = dead.unbounded_send(command));
        places.queue(move |command| _ = alive.unbounded_send(command));
        drop(gone);
        assert!(inbox.try_recv().is_err());
        drop(first);
        let Ok(Command::Admit(second)) = inbox.try_recv() else { unreachable!("the place comes to the living") };
        assert!(places.take().is_none());
        drop(second);
        assert!(places.take().is_some());
    }
}
