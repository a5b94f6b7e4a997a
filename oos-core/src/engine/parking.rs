//! Where executions stay that wait for somebody, or for a timer that is far: they cost no task and no polling. One task
//! of the engine watches over the earliest of their timers.
//!
//! That task owns the place: when its runtime goes, the executions go with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures::future::BoxFuture;

use super::{Inner, driver::Driver};
use crate::{
    ExecutionId, Timestamp,
    ports::{Clock, Spawner},
};

/// The executions that are parked.
#[derive(Debug, Default)]
pub(super) struct Parking(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    drivers: BTreeMap<ExecutionId, (Option<Timestamp>, Box<Driver>)>,
    wakes: BTreeSet<(Timestamp, ExecutionId)>,
    keeper: Option<Waker>,
    closed: bool,
}

impl State {
    fn take(&mut self, id: &ExecutionId) -> Option<Box<Driver>> {
        let (wake, driver) = self.drivers.remove(id)?;
        if let Some(at) = wake {
            self.wakes.remove(&(at, id.clone()));
        }
        Some(driver)
    }
}

impl Parking {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Parks a driver until its timer or a command comes. A command that came meanwhile brings it back at once.
    pub(super) fn park(self: &Arc<Self>, driver: Box<Driver>) {
        let parking = self.open_parking();
        let mut state = parking.lock();
        let mut driver = driver;
        if driver.has_command() {
            drop(state);
            self.spawner.spawn(Box::pin(driver.run()));
            return;
        }
        let (id, wake) = (driver.id().clone(), driver.next_wake());
        if let Some(at) = wake {
            state.wakes.insert((at, id.clone()));
        }
        state.drivers.insert(id, (wake, driver));
        let keeper = state.keeper.take();
        drop(state);
        keeper.into_iter().for_each(Waker::wake);
    }

    /// Brings a driver back for whom a command was sent.
    pub(super) fn unpark(self: &Arc<Self>, id: &ExecutionId) {
        let parking = self.parking.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let Some(parking) = parking else { return };
        let mut state = parking.lock();
        let driver = state.take(id);
        let keeper = driver.as_ref().and_then(|_| state.keeper.take());
        drop(state);
        if let Some(driver) = driver {
            self.spawner.spawn(Box::pin(driver.run()));
        }
        keeper.into_iter().for_each(Waker::wake);
    }

    fn open_parking(self: &Arc<Self>) -> Arc<Parking> {
        let mut slot = self.parking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parking) = slot.upgrade().filter(|p| !p.lock().closed) {
            return parking;
        }
        let parking = Arc::new(Parking::default());
        *slot = Arc::downgrade(&parking);
        let keeper = Keeper {
            parking: parking.clone(),
            clock: self.clock.clone(),
            spawner: self.spawner.clone(),
            sleep: None,
            begun: false,
        };
        self.spawner.spawn(Box::pin(keeper.keep()));
        parking
    }
}

/// Watches over the timers; ends when nothing is parked any more.
struct Keeper {
    parking: Arc<Parking>,
    clock: Arc<dyn Clock>,
    spawner: Arc<dyn Spawner>,
    sleep: Option<(Timestamp, BoxFuture<'static, ()>)>,
    begun: bool,
}

impl Keeper {
    async fn keep(mut self) {
        poll_fn(move |cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let next = {
                let mut state = self.parking.lock();
                // The first driver is parked after this task was made.
                self.begun |= !state.drivers.is_empty();
                if self.begun && state.drivers.is_empty() {
                    state.closed = true;
                    return Poll::Ready(());
                }
                state.keeper = Some(cx.waker().clone());
                state.wakes.first().map(|(at, _)| *at)
            };
            let Some(next) = next else {
                self.sleep = None;
                return Poll::Pending;
            };
            if self.sleep.as_ref().is_none_or(|(at, _)| *at != next) {
                self.sleep = Some((next, self.clock.sleep_until(next)));
            }
            let Some((_, sleep)) = &mut self.sleep else { return Poll::Pending };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
            self.wake_due();
        }
    }

    fn wake_due(&self) {
        let now = self.clock.now();
        let mut due = Vec::new();
        let mut state = self.parking.lock();
        while let Some((_, id)) = state.wakes.first().filter(|(at, _)| *at <= now).cloned() {
            due.extend(state.take(&id));
        }
        drop(state);
        due.into_iter().for_each(|driver| self.spawner.spawn(Box::pin(driver.run())));
    }
}
