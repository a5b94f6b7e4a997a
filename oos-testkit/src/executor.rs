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
use oos_core::{Timestamp, ports::Spawner};

use crate::VirtualClock;

/// Virtual time that one drive may cover (testkit 2.2).
pub const MAX_VIRTUAL: Duration = Duration::from_secs(400 * 86_400);
/// Timers that one drive may fire.
pub const MAX_TIMERS: u64 = 1_000_000;
/// Real time that one exchange outside virtual time may take; a hang there must not hang the test.
pub const MAX_OUTSIDE: Duration = Duration::from_secs(60);

/// Runs tasks; clones share them.
#[derive(Clone, Default)]
pub struct Executor(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    tasks: Mutex<Vec<Option<Task>>>,
    /// Something became ready, or the clock may jump again.
    changed: Condvar,
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
        lock(&executor.0.queues).shuffle = Some(seed | 1);
        executor
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
                    if self.outside_is_stuck(clock) {
                        return Stop::Idle;
                    }
                    continue;
                }
                (None, None) => return Stop::Idle,
                (next, Some(deadline)) if next.is_none_or(|n| n > deadline) => {
                    clock.set(deadline);
                    return Stop::Deadline;
                }
                _ => clock.advance_to_next(),
            };
            if clock.now().since(start) > MAX_VIRTUAL && deadline.is_none() {
                return Stop::Runaway(format!(
                    "more than {} days of virtual time passed",
                    MAX_VIRTUAL.as_secs() / 86_400
                ));
            }
            if clock.fired() - fired > MAX_TIMERS {
                return Stop::Runaway(format!("more than {MAX_TIMERS} timers fired"));
            }
        }
    }

    /// Sleeps until a task is ready or the clock may jump again; true when neither happens.
    fn outside_is_stuck(&self, clock: &VirtualClock) -> bool {
        clock.watch(Some(Waker::from(self.0.clone())));
        let waits = |q: &mut Queues| q.ready.is_empty() && q.incoming.is_empty() && clock.held_by().is_some();
        let woken = self.0.changed.wait_timeout_while(lock(&self.0.queues), MAX_OUTSIDE, waits);
        clock.watch(None);
        woken.unwrap_or_else(PoisonError::into_inner).1.timed_out()
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
            let Some(index) = self.next_ready() else { return };
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
        let Some(seed) = queues.shuffle else { return queues.ready.pop_front() };
        // xorshift: enough to reorder a queue, and the same everywhere.
        let mut next = seed;
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        queues.shuffle = Some(next);
        let count = queues.ready.len().max(1) as u64;
        let at = usize::try_from(next % count).unwrap_or(0);
        queues.ready.remove(at)
    }
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
}
