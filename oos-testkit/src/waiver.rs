//! Waiting for virtual time on behalf of somebody who holds the clock.
//!
//! A client that waits for a socket holds the clock; the server at the other end may have to wait for virtual time
//! before it answers (a fault that makes the call slow). While it does, that one hold must not count, and it must count
//! again before the server runs on, or the clock would jump while bytes are under way.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use futures::future::BoxFuture;

use crate::VirtualClock;

/// Where a turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The future runs.
    Running,
    /// It waits, and one hold does not count.
    Waiting,
    /// It was woken.
    Woken,
}

/// A future whose waits waive one hold of the clock.
pub(crate) struct Waiver<T> {
    clock: VirtualClock,
    future: BoxFuture<'static, T>,
    turn: Option<Arc<Turn>>,
}

impl<T> fmt::Debug for Waiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiver").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The time from one poll to the next.
struct Turn {
    clock: VirtualClock,
    stage: Mutex<Stage>,
    outer: Waker,
}

impl Turn {
    /// The lock is kept while the clock is told, so that stage and count never differ.
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_waiting(&self) {
        let mut stage = self.stage();
        if *stage == Stage::Running {
            self.clock.waive(true);
            *stage = Stage::Waiting;
        }
    }

    /// The hold counts again.
    fn end(&self) {
        let mut stage = self.stage();
        if *stage == Stage::Waiting {
            self.clock.waive(false);
        }
        *stage = Stage::Woken;
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.end();
        self.outer.wake_by_ref();
    }
}

impl<T> Waiver<T> {
    pub(crate) fn new(clock: VirtualClock, future: BoxFuture<'static, T>) -> Self {
        Self { clock, future, turn: None }
    }

    fn end_turn(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.end();
        }
    }
}

impl<T> Future for Waiver<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<T> {
        self.end_turn();
        let turn =
            Arc::new(Turn { clock: self.clock.clone(), stage: Mutex::new(Stage::Running), outer: ctx.waker().clone() });
        let waker = Waker::from(Arc::clone(&turn));
        let poll = self.future.as_mut().poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            turn.begin_waiting();
            self.turn = Some(turn);
        }
        poll
    }
}

impl<T> Drop for Waiver<T> {
    fn drop(&mut self) {
        self.end_turn();
    }
}

#[cfg(test)]
mod tests {
    use oos_core::ports::Clock;

    use super::*;
    use crate::clock::secs;

    #[test]
    fn a_hold_does_not_count_while_the_other_side_waits_for_virtual_time() {
        let clock = VirtualClock::default();
        let _hold = clock.hold("a socket");
        let waiting = clock.sleep_until(clock.now() + secs(5));
        let mut waiver = Waiver::new(clock.clone(), Box::pin(waiting));
        assert!(clock.held_by().is_some());
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut waiver).poll(&mut context).is_pending());
        assert_eq!(clock.held_by(), None);
        assert!(clock.advance_to_next().is_some());
        assert!(clock.held_by().is_some(), "it counts again as soon as the timer has fired");
        assert!(Pin::new(&mut waiver).poll(&mut context).is_ready());
    }

    #[test]
    fn a_future_that_is_dropped_waives_nothing() {
        let clock = VirtualClock::default();
        let _hold = clock.hold("a socket");
        let mut waiver = Waiver::new(clock.clone(), Box::pin(futures::future::pending::<()>()));
        assert!(Pin::new(&mut waiver).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(waiver);
        assert!(clock.held_by().is_some());
    }
}
