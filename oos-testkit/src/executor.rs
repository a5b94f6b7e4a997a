//! One thread, virtual time: everything that is ready runs; only then the clock jumps to the next timer. While somebody
//! holds the clock, because an exchange with the world outside is under way, the thread sleeps until that is over.
//!
//! Tasks are polled in the order in which they became ready, so two runs with the same inputs are equal; with a seed
//! the order is shuffled, to find what hangs on it.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::future::BoxFuture;
use oos_core::{Timestamp, ports::Spawner, time::human};

use crate::VirtualClock;

/// Virtual time that one drive may cover (testkit 2.2).
pub const MAX_VIRTUAL: Duration = Duration::from_secs(400 * 86_400);
/// Timers that one drive may fire.
pub const MAX_TIMERS: u64 = 1_000_000;
/// Real time that one exchange outside virtual time may take; a hang there must not hang the test.
pub const MAX_OUTSIDE: Duration = Duration::from_secs(60);
/// Real time after which a warning names who holds the clock.
pub const WARN_OUTSIDE: Duration = Duration::from_secs(5);

/// Runs tasks; clones share them.
#[derive(Clone, Default)]
pub struct Executor(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    tasks: Mutex<Vec<Option<Task>>>,
    /// Who stepped back for the others; see [`Executor::jostle`].
    stepped_back: Mutex<Vec<Waker>>,
    /// Something became ready, or the clock may jump again.
    changed: Condvar,
    caps: Mutex<Caps>,
}

/// What one drive may take.
#[derive(Clone, Copy)]
struct Caps {
    time: Duration,
    timers: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { time: MAX_VIRTUAL, timers: MAX_TIMERS }
    }
}

#[derive(Default)]
struct Queues {
    ready: VecDeque<usize>,
    incoming: Vec<BoxFuture<'static, ()>>,
    shuffle: Option<u64>,
}

struct Task {
    future: BoxFuture<'static, ()>,
    flag: Arc<Flag>,
}

struct Flag {
    index: usize,
    queued: AtomicBool,
    shared: Arc<Shared>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            lock(&self.shared.queues).ready.push_back(self.index);
            self.shared.changed.notify_all();
        }
    }
}

/// Wakes the thread that waits for the world outside.
impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        // With the lock, so that it cannot fall between the look and the sleep.
        let _queues = lock(&self.queues);
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = lock(&self.0.tasks).iter().flatten().count();
        write!(f, "Executor({tasks} tasks)")
    }
}

impl Spawner for Executor {
    fn spawn(&self, driver: BoxFuture<'static, ()>) {
        lock(&self.0.queues).incoming.push(driver);
    }
}

/// Why a drive stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The condition holds.
    Reached,
    /// Nothing is ready and no timer is set: somebody outside must act.
    Idle,
    /// The next timer lies behind the deadline; the clock stands at the deadline.
    Deadline,
    /// More timers or more virtual time than a test may take.
    Runaway(String),
}

impl Executor {
    /// An executor that shuffles the order of ready tasks by a seed.
    pub fn shuffled(seed: u64) -> Self {
        let executor = Self::default();
        // Mixed, so that seeds that differ in their last bit differ; xorshift stays at 0 for ever.
        lock(&executor.0.queues).shuffle = Some(crate::cloud::ids::mix(seed, 1) | 1);
        executor
    }

    /// Changes how much virtual time one drive may cover and how many timers it may fire.
    pub fn set_caps(&self, time: Duration, timers: u64) {
        *lock(&self.0.caps) = Caps { time, timers };
    }

    /// Runs until `reached` holds, nothing is left to do, or the next timer lies behind `deadline`.
    pub fn drive(&self, clock: &VirtualClock, deadline: Option<Timestamp>, mut reached: impl FnMut() -> bool) -> Stop {
        let (start, fired) = (clock.now(), clock.fired());
        loop {
            self.run_ready();
            if reached() {
                return Stop::Reached;
            }
            match (clock.next_deadline(), deadline) {
                _ if clock.held_by().is_some() => {
                    if self.outside_is_stuck(clock, [WARN_OUTSIDE, MAX_OUTSIDE], warn) {
                        return Stop::Idle;
                    }
                    continue;
                }
                (None, None) => return Stop::Idle,
                (next, Some(deadline)) if next.is_none_or(|n| n > deadline) => {
                    clock.advance_to(deadline);
                    // Nothing but upkeep can be due.
                    self.run_ready();
                    return Stop::Deadline;
                }
                _ => clock.advance_to_next(),
            };
            let caps = *lock(&self.0.caps);
            if clock.now().since(start) > caps.time && deadline.is_none() {
                return Stop::Runaway(format!("more than {} of virtual time passed", human(caps.time)));
            }
            if clock.fired() - fired > caps.timers {
                return Stop::Runaway(format!("more than {} timers fired", caps.timers));
            }
        }
    }

    /// Sleeps until a task is ready or the clock may jump again; true when neither happens in the longer of the two
    /// times. After the shorter one somebody is told who holds the clock.
    fn outside_is_stuck(&self, clock: &VirtualClock, [first, most]: [Duration; 2], tell: impl FnOnce(&str)) -> bool {
        clock.watch(Some(Waker::from(self.0.clone())));
        let waits = |q: &mut Queues| q.ready.is_empty() && q.incoming.is_empty() && clock.held_by().is_some();
        let stuck_for = |time: Duration| {
            let woken = self.0.changed.wait_timeout_while(lock(&self.0.queues), time, waits);
            woken.unwrap_or_else(PoisonError::into_inner).1.timed_out()
        };
        let stuck = stuck_for(first) && {
            let holder = clock.held_by().unwrap_or_default();
            tell(&format!("the clock has not moved for {first:?} of real time: `{holder}` holds it"));
            stuck_for(most.saturating_sub(first))
        };
        clock.watch(None);
        stuck
    }

    /// True when the order of what is ready is shuffled.
    pub fn is_shuffled(&self) -> bool {
        lock(&self.0.queues).shuffle.is_some()
    }

    /// Steps back: goes on when nothing else is ready, before time passes. All who stepped back go on together, in the
    /// order of the seed.
    pub fn jostle(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = self.0.clone();
        let mut waited = false;
        std::future::poll_fn(move |ctx| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            lock(&shared.stepped_back).push(ctx.waker().clone());
            Poll::Pending
        })
    }

    /// Wakes all who stepped back; false when nobody did.
    fn call_back(&self) -> bool {
        let mut waiting = std::mem::take(&mut *lock(&self.0.stepped_back));
        let some = !waiting.is_empty();
        while !waiting.is_empty() {
            let at = lock(&self.0.queues).choose(waiting.len());
            waiting.swap_remove(at).wake();
        }
        some
    }

    /// Runs a future together with everything else until it is done; `None` when nothing can move it on.
    pub fn block_on<T: Send + 'static>(
        &self,
        clock: &VirtualClock,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let slot = Arc::new(Mutex::new(None));
        let filled = slot.clone();
        self.spawn(Box::pin(async move {
            let value = future.await;
            *lock(&filled) = Some(value);
        }));
        self.drive(clock, None, || lock(&slot).is_some());
        lock(&slot).take()
    }

    /// Polls until no task is ready.
    pub fn run_ready(&self) {
        loop {
            self.admit();
            let Some(index) = self.next_ready() else {
                if self.call_back() {
                    continue;
                }
                return;
            };
            let task = lock(&self.0.tasks).get_mut(index).and_then(Option::take);
            let Some(mut task) = task else { continue };
            task.flag.queued.store(false, Ordering::Release);
            let waker = Waker::from(task.flag.clone());
            let pending = task.future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending;
            if pending && let Some(slot) = lock(&self.0.tasks).get_mut(index) {
                *slot = Some(task);
            }
        }
    }

    fn admit(&self) {
        let incoming = std::mem::take(&mut lock(&self.0.queues).incoming);
        for future in incoming {
            let mut tasks = lock(&self.0.tasks);
            let index = tasks.iter().position(Option::is_none).unwrap_or(tasks.len());
            let flag = Arc::new(Flag { index, queued: AtomicBool::new(true), shared: self.0.clone() });
            let task = Some(Task { future, flag });
            match tasks.get_mut(index) {
                Some(slot) => *slot = task,
                None => tasks.push(task),
            }
            drop(tasks);
            lock(&self.0.queues).ready.push_back(index);
        }
    }

    fn next_ready(&self) -> Option<usize> {
        let mut queues = lock(&self.0.queues);
        let count = queues.ready.len();
        let at = queues.choose(count);
        queues.ready.remove(at)
    }
}

impl Queues {
    /// One of so many: the first, or the next that the seed chooses.
    fn choose(&mut self, count: usize) -> usize {
        let Some(seed) = self.shuffle else { return 0 };
        // xorshift: enough to reorder a queue, and the same everywhere.
        let mut next = seed;
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        self.shuffle = Some(next);
        usize::try_from(next % count.max(1) as u64).unwrap_or(0)
    }
}

#[expect(clippy::print_stderr, reason = "a test that hangs must say why while it hangs")]
fn warn(text: &str) {
    eprintln!("warning: {text}");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use oos_core::ports::Clock;

    use super::*;
    use crate::clock::secs;

    #[test]
    fn a_long_sleep_takes_no_time_and_an_idle_executor_says_so() {
        let (clock, executor) = (VirtualClock::default(), Executor::default());
        let start = clock.now();
        let sleeper = clock.clone();
        executor.block_on(&clock, async move { sleeper.sleep_until(sleeper.now() + secs(1_000_000)).await }).unwrap();
        assert_eq!(clock.now().since(start), secs(1_000_000));
        assert_eq!(executor.block_on(&clock, futures::future::pending::<()>()), None);
    }

    #[test]
    fn tasks_run_in_the_order_of_their_timers() {
        let (clock, executor) = (VirtualClock::default(), Executor::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        for (name, wait) in [("b", 20), ("a", 10), ("c", 20)] {
            let (clock, order) = (clock.clone(), order.clone());
            executor.spawn(Box::pin(async move {
                clock.sleep_until(clock.now() + secs(wait)).await;
                lock(&order).push(name);
            }));
        }
        assert_eq!(executor.drive(&clock, None, || false), Stop::Idle);
        assert_eq!(*lock(&order), ["a", "b", "c"]);
    }

    #[test]
    fn a_deadline_stops_before_later_timers() {
        let (clock, executor) = (VirtualClock::default(), Executor::default());
        let (start, fired) = (clock.now(), Arc::new(AtomicU32::new(0)));
        for wait in [5, 50] {
            let (clock, fired) = (clock.clone(), fired.clone());
            executor.spawn(Box::pin(async move {
                clock.sleep_until(clock.now() + secs(wait)).await;
                fired.fetch_add(1, Ordering::Relaxed);
            }));
        }
        assert_eq!(executor.drive(&clock, Some(start + secs(10)), || false), Stop::Deadline);
        assert_eq!((fired.load(Ordering::Relaxed), clock.now()), (1, start + secs(10)));
    }

    #[test]
    fn who_holds_the_clock_is_named_before_the_wait_is_given_up() {
        let (clock, executor) = (VirtualClock::default(), Executor::default());
        let _hold = clock.hold("a socket");
        let mut told = String::new();
        let limits = [Duration::from_millis(1), Duration::from_millis(2)];
        assert!(executor.outside_is_stuck(&clock, limits, |text| text.clone_into(&mut told)));
        assert!(told.contains("`a socket` holds it"), "{told}");
    }

    #[test]
    fn who_steps_back_goes_on_in_the_order_of_the_seed() {
        let order = |executor: Executor| {
            let (clock, order) = (VirtualClock::default(), Arc::new(Mutex::new(Vec::new())));
            for n in 0..6 {
                let (order, stepped) = (order.clone(), executor.jostle());
                executor.spawn(Box::pin(async move {
                    stepped.await;
                    lock(&order).push(n);
                }));
            }
            assert_eq!(executor.drive(&clock, None, || false), Stop::Idle);
            lock(&order).clone()
        };
        let shuffled: Vec<_> = (0..8).map(|seed| order(Executor::shuffled(seed))).collect();
        assert!(shuffled.iter().any(|o| *o != shuffled[0]), "{shuffled:?}");
        assert_eq!(order(Executor::shuffled(3)), shuffled[3]);
        assert!(shuffled.iter().all(|o| o.len() == 6));
    }

    #[test]
    fn a_timer_without_end_is_stopped() {
        let (clock, executor) = (VirtualClock::default(), Executor::default());
        let sleeper = clock.clone();
        executor.spawn(Box::pin(async move {
            loop {
                sleeper.sleep_until(sleeper.now() + Duration::from_secs(86_400)).await;
            }
        }));
        let Stop::Runaway(why) = executor.drive(&clock, None, || false) else { panic!("it goes on for ever") };
        assert!(why.contains("400d"), "{why}");
        let (clock, executor) = (VirtualClock::default(), Executor::default());
        executor.set_caps(MAX_VIRTUAL, 1_000);
        let sleeper = clock.clone();
        executor.spawn(Box::pin(async move {
            loop {
                sleeper.sleep_until(sleeper.now() + Duration::from_millis(1)).await;
            }
        }));
        let Stop::Runaway(why) = executor.drive(&clock, None, || false) else { panic!("it goes on for ever") };
        assert!(why.contains("1000 timers"), "{why}");
    }
}
