//! Virtual time: the clock jumps to the next timer instead of waiting.
//!
//! Timers are discrete events ordered by (deadline, order of registration). The clock never moves by itself: an
//! executor advances it when nothing is ready to run ([`VirtualClock::advance_to_next`]), or
//! [`VirtualClock::block_on`] does it for one future. No thread, no real time.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::future::BoxFuture;
use oos_core::{Timestamp, ports::Clock};

/// CHOICE: where a virtual clock starts, 2026-01-01T00:00:00Z (a fixed, readable instant).
pub const DEFAULT_START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A clock that jumps. Clones share the same time.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<Inner>>);

struct Inner {
    now: Timestamp,
    next: u64,
    timers: BTreeMap<(Timestamp, u64), Waker>,
    /// Those that time does not jump for.
    background: BTreeMap<(Timestamp, u64), Waker>,
    holds: BTreeMap<u64, String>,
    /// Holds that do not count at present: the other side waits for virtual time.
    waived: usize,
    /// Who waits for the holds to change.
    watcher: Option<Waker>,
    fired: u64,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new(DEFAULT_START)
    }
}

impl VirtualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now: start,
            next: 0,
            timers: BTreeMap::new(),
            background: BTreeMap::new(),
            holds: BTreeMap::new(),
            waived: 0,
            watcher: None,
            fired: 0,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present virtual instant.
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// The earliest instant that somebody waits for.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.lock().timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Number of timers that somebody waits for.
    pub fn pending(&self) -> usize {
        self.lock().timers.len()
    }

    /// Number of timers that have fired so far.
    pub fn fired(&self) -> u64 {
        self.lock().fired
    }

    /// Jumps to the earliest timer and wakes all timers of that instant in order of registration; gives the new
    /// instant, or `None` when nobody waits or a [`hold`](Self::hold) forbids jumps.
    pub fn advance_to_next(&self) -> Option<Timestamp> {
        if self.held_by().is_some() {
            return None;
        }
        let at = self.next_deadline()?;
        self.advance_to(at);
        Some(at)
    }

    /// Moves to `at` and wakes what is due by then, by deadline and order of registration. An instant in the past
    /// changes nothing.
    pub fn advance_to(&self, at: Timestamp) {
        self.set(at);
        for waker in self.take_due() {
            waker.wake();
        }
    }

    /// Moves forward by `duration`; see [`advance_to`](Self::advance_to).
    pub fn advance(&self, duration: Duration) {
        self.advance_to(self.now() + duration);
    }

    /// Sets the time without waking anybody; an instant in the past changes nothing, for time never goes back.
    pub fn set(&self, at: Timestamp) {
        let mut inner = self.lock();
        inner.now = inner.now.max(at);
    }

    fn take_due(&self) -> Vec<Waker> {
        let mut inner = self.lock();
        let now = inner.now;
        let mut due = Vec::new();
        while let Some(entry) = inner.timers.first_entry().filter(|e| e.key().0 <= now) {
            due.push(entry.remove());
        }
        inner.fired += due.len() as u64;
        // After what they must not keep waiting.
        while let Some(entry) = inner.background.first_entry().filter(|e| e.key().0 <= now) {
            due.push(entry.remove());
        }
        due
    }

    /// Forbids jumps until the guard is dropped: for code that does something outside virtual time.
    pub fn hold(&self, reason: impl Into<String>) -> Hold {
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.holds.insert(number, reason.into());
        Hold { clock: self.clone(), number }
    }

    /// The reason of the oldest guard that forbids jumps.
    pub fn held_by(&self) -> Option<String> {
        let inner = self.lock();
        let counts = inner.holds.len() > inner.waived;
        inner.holds.first_key_value().filter(|_| counts).map(|(_, reason)| reason.clone())
    }

    /// Wakes `watcher` whenever the holds change; one at a time.
    pub(crate) fn watch(&self, watcher: Option<Waker>) {
        self.lock().watcher = watcher;
    }

    /// Changes what is held, and tells the watcher when the lock is free again.
    fn change_holds(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        change(&mut inner);
        let watcher = inner.watcher.clone();
        drop(inner);
        if let Some(watcher) = watcher {
            watcher.wake();
        }
    }

    /// One more, or one less, of the holds does not count.
    #[cfg(feature = "server")]
    pub(crate) fn waive(&self, one_more: bool) {
        self.change_holds(|inner| {
            inner.waived = if one_more { inner.waived + 1 } else { inner.waived.saturating_sub(1) };
        });
    }

    /// Runs one future to its end, jumping over every wait.
    ///
    /// # Panics
    /// When the future waits for something that no timer brings: it would hang.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut ctx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut ctx) {
                return output;
            }
            if self.advance_to_next().is_none() {
                let why = self.held_by().map_or_else(|| "no timer is set".to_owned(), |h| format!("held by `{h}`"));
                crate::calls::fail(&format!("the future waits for something that never comes ({why})"));
            }
        }
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        write!(f, "VirtualClock({}, {} timers)", inner.now, inner.timers.len())
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.now()
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(Sleep { clock: self.clone(), deadline, number: None, background: false })
    }

    fn sleep_in_background(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(Sleep { clock: self.clone(), deadline, number: None, background: true })
    }
}

/// A guard that forbids jumps of the clock.
#[derive(Debug)]
#[must_use = "time may jump again as soon as the guard is dropped"]
pub struct Hold {
    clock: VirtualClock,
    number: u64,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.clock.change_holds(|inner| {
            inner.holds.remove(&self.number);
        });
    }
}

struct Sleep {
    clock: VirtualClock,
    deadline: Timestamp,
    number: Option<u64>,
    background: bool,
}

impl Sleep {
    fn timers<'i>(&self, inner: &'i mut Inner) -> &'i mut BTreeMap<(Timestamp, u64), Waker> {
        if self.background { &mut inner.background } else { &mut inner.timers }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut inner = clock.lock();
        if inner.now >= self.deadline {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            inner.next += 1;
            inner.next
        });
        let deadline = self.deadline;
        self.timers(&mut inner).insert((deadline, number), ctx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.timers(&mut self.clock.lock()).remove(&(self.deadline, number));
        }
    }
}

/// That many milliseconds.
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// That many seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// That many minutes.
pub const fn mins(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// That many hours.
pub const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use futures::future::join_all;

    use super::*;

    #[test]
    fn starts_at_the_default_instant() {
        assert_eq!(VirtualClock::default().now().to_iso(), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn jumps_over_waits_in_order_of_deadline() {
        let clock = VirtualClock::default();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let one = |name: &'static str, wait: u64| {
            let (clock, seen) = (clock.clone(), Rc::clone(&seen));
            async move {
                clock.sleep_until(clock.now() + secs(wait)).await;
                seen.borrow_mut().push((name, clock.now().since(DEFAULT_START).as_secs()));
            }
        };
        clock.block_on(join_all([one("b", 20), one("a", 10), one("c", 20)]));
        assert_eq!(*seen.borrow(), [("a", 10), ("b", 20), ("c", 20)]);
        assert_eq!(clock.pending(), 0);
    }

    #[test]
    fn wakes_the_timers_of_an_instant_in_order_of_registration() {
        struct Note(usize, Arc<Mutex<Vec<usize>>>);
        impl std::task::Wake for Note {
            fn wake(self: Arc<Self>) {
                self.1.lock().unwrap().push(self.0);
            }
        }
        let (clock, woken) = (VirtualClock::default(), Arc::new(Mutex::new(Vec::new())));
        let mut timers: Vec<_> = (0..3).map(|_| clock.sleep_until(clock.now() + secs(5))).collect();
        for n in [2, 0, 1] {
            let waker = Waker::from(Arc::new(Note(n, Arc::clone(&woken))));
            assert!(timers[n].as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(clock.advance_to_next(), Some(DEFAULT_START + secs(5)));
        assert_eq!(*woken.lock().unwrap(), [2, 0, 1]);
        assert_eq!(clock.fired(), 3);
    }

    #[test]
    fn a_dropped_timer_is_forgotten() {
        let clock = VirtualClock::default();
        let mut timer = clock.sleep_until(clock.now() + secs(5));
        assert!(timer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(clock.pending(), 1);
        drop(timer);
        assert_eq!((clock.pending(), clock.next_deadline()), (0, None));
    }

    #[test]
    fn time_does_not_jump_for_the_background_and_passes_it_by_for_others() {
        let clock = VirtualClock::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut upkeep = clock.sleep_in_background(clock.now() + secs(5));
        assert!(upkeep.as_mut().poll(&mut context).is_pending());
        assert_eq!((clock.pending(), clock.advance_to_next()), (0, None));
        clock.block_on(clock.sleep_until(clock.now() + secs(9)));
        assert!(upkeep.as_mut().poll(&mut context).is_ready());
        assert_eq!(clock.fired(), 1);
    }

    #[test]
    fn a_hold_forbids_jumps_until_it_is_dropped() {
        let clock = VirtualClock::default();
        let mut timer = clock.sleep_until(clock.now() + secs(5));
        assert!(timer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let hold = clock.hold("a socket");
        assert_eq!((clock.advance_to_next(), clock.held_by().as_deref()), (None, Some("a socket")));
        drop(hold);
        assert!(clock.advance_to_next().is_some());
    }

    #[test]
    fn time_never_goes_back() {
        let clock = VirtualClock::default();
        clock.advance(secs(10));
        clock.set(DEFAULT_START);
        assert_eq!(clock.now(), DEFAULT_START + secs(10));
    }

    #[test]
    #[should_panic(expected = "waits for something that never comes")]
    fn a_future_that_nobody_wakes_is_an_error() {
        VirtualClock::default().block_on(futures::future::pending::<()>());
    }
}
