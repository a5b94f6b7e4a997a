//! The contract of clocks.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Waker},
    time::Duration,
};

use futures::future::{BoxFuture, join_all, select};
use oos_core::{Timestamp, ports::Clock};

use super::{Host, equal, hosted, require};

/// Runs the contract on a clock. `host` runs a future to its end where the clock works: `|f| clock.block_on(f)` for a
/// virtual one, `|f| runtime.block_on(f)` for one that needs a runtime. `step` is the shortest wait that the clock
/// tells from none; a real clock is really waited for, some twenty steps in all.
///
/// ```
/// use oos_testkit::{VirtualClock, clock::ms, conformance};
/// let clock = VirtualClock::default();
/// conformance::clock::suite(clock.clone(), &|f| clock.block_on(f), ms(1));
/// ```
///
/// # Panics
/// With the rule that is broken.
#[track_caller]
pub fn suite(clock: impl Clock, host: Host<'_>, step: Duration) {
    let clock: Arc<dyn Clock> = Arc::new(clock);
    never_goes_back(&clock, host, step);
    is_ready_at_once_for_the_past(&clock, host, step);
    wakes_at_or_after_the_deadline(&clock, host, step);
    wakes_in_the_order_of_deadlines(&clock, host, step);
    takes_dropped_sleeps(&clock, host, step);
    takes_sleeps_that_move_between_tasks(&clock, host, step);
    takes_deadlines_beyond_all_time(&clock, host, step);
}

fn never_goes_back(clock: &Arc<dyn Clock>, host: Host<'_>, step: Duration) {
    let mut last = clock.now();
    for n in 0..1_000 {
        let now = clock.now();
        require(now >= last, "the time never goes back");
        last = now;
        if n % 250 == 0 {
            hosted(host, clock.sleep_until(now + step));
        }
    }
}

fn is_ready_at_once_for_the_past(clock: &Arc<dyn Clock>, host: Host<'_>, step: Duration) {
    let now = clock.now();
    let before = Timestamp::from_millis(now.as_millis() - 1_000);
    for past in [now, before, Timestamp::from_millis(0), Timestamp::from_millis(i64::MIN)] {
        let sleep = clock.sleep_until(past);
        // A runtime may want a turn of its own even for a wait of nothing; it must not become a wait for something.
        let (clock, far) = (clock.clone(), now + step * 1_000);
        let first = hosted(host, async move { clock_wins(sleep, clock.sleep_until(far)).await });
        require(first, format_args!("a deadline in the past, {past}, is ready at once"));
    }
}

/// True when the first future is ready before the second.
async fn clock_wins(first: BoxFuture<'static, ()>, second: BoxFuture<'static, ()>) -> bool {
    matches!(select(first, second).await, futures::future::Either::Left(_))
}

fn wakes_at_or_after_the_deadline(clock: &Arc<dyn Clock>, host: Host<'_>, step: Duration) {
    for n in 1..4 {
        let deadline = clock.now() + step * n;
        hosted(host, clock.sleep_until(deadline));
        require(clock.now() >= deadline, "a sleep does not end before its deadline");
    }
}

fn wakes_in_the_order_of_deadlines(clock: &Arc<dyn Clock>, host: Host<'_>, step: Duration) {
    let woken = Arc::new(Mutex::new(Vec::new()));
    let start = clock.now();
    let sleepers = [3_u32, 1, 5].map(|n| {
        let (sleep, woken) = (clock.sleep_until(start + step * n * 2), woken.clone());
        async move {
            sleep.await;
            woken.lock().unwrap_or_else(PoisonError::into_inner).push(n);
        }
    });
    hosted(host, async move { drop(join_all(sleepers).await) });
    let woken = woken.lock().unwrap_or_else(PoisonError::into_inner).clone();
    equal(&woken, &vec![1, 3, 5], "sleeps end in the order of their deadlines");
}

fn takes_dropped_sleeps(clock: &Arc<dyn Clock>, host: Host<'_>, step: Duration) {
    let (inside, deadline) = (clock.clone(), clock.now() + step);
    hosted(host, async move {
        drop(inside.sleep_until(deadline));
        let mut polled = inside.sleep_until(deadline);
        let _ = polled.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(polled);
        inside.sleep_until(deadline).await;
    });
    require(clock.now() >= deadline, "dropped sleeps do not disturb others");
}

fn takes_sleeps_that_move_between_tasks(clock: &Arc<dyn Clock>, host: Host<'_>, step: Duration) {
    let (inside, deadline) = (clock.clone(), clock.now() + step);
    hosted(host, async move {
        let mut sleep = inside.sleep_until(deadline);
        // Polled by somebody who then goes away; whoever polls last is woken.
        let _ = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        sleep.await;
    });
    require(clock.now() >= deadline, "a sleep wakes who polled it last");
}

fn takes_deadlines_beyond_all_time(clock: &Arc<dyn Clock>, host: Host<'_>, step: Duration) {
    let (inside, near) = (clock.clone(), clock.now() + step);
    let first = hosted(host, async move {
        let never = inside.sleep_until(Timestamp::from_millis(i64::MAX));
        clock_wins(inside.sleep_until(near), never).await
    });
    require(first, "a deadline beyond all time is waited for, not refused");
}
