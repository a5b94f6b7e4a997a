//! Threads: writers of many executions beside each other, and of one execution against each other.

use std::{
    pin::pin,
    sync::Barrier,
    task::{Context, Waker},
    thread,
};

use oos_core::ports::store::{Epoch, StoreError};

use super::{
    super::{equal, good, require},
    Check, Store,
    samples::{at, header, id, owner, started, write},
};
use crate::{calls::fail, in_place::wait};

const THREADS: usize = 8;
const APPENDS: u64 = 25;

pub(super) const CHECKS: [Check; 4] = [
    many_writers_do_not_disturb_each_other,
    one_of_two_writers_wins,
    one_of_many_claims_wins,
    a_dropped_write_is_whole_or_absent,
];

/// Runs a job on threads that start together, and gives what they came to.
#[track_caller]
fn together<T: Send>(job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    let run = |n| {
        start.wait();
        job(n)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|n| scope.spawn(move || run(n))).collect();
        let joined = threads.into_iter().map(|t| t.join().unwrap_or_else(|_| fail("broken: a thread panicked")));
        joined.collect()
    })
}

fn many_writers_do_not_disturb_each_other(store: &dyn Store) {
    together(|n| {
        let (id, epoch) = started(store, &format!("writer-{n}"));
        for seq in 0..APPENDS {
            good(wait(store.append(write(&id, seq, epoch, 1))), "writers of other executions do not fence");
        }
    });
    for n in 0..THREADS {
        let journal = good(wait(store.load(&id(&format!("writer-{n}")))), "a journal can be loaded");
        let numbers: Vec<u64> = journal.records.iter().map(|r| r.seq).collect();
        equal(&numbers, &(1..=APPENDS).collect(), "every acknowledged record is there");
    }
}

fn one_of_two_writers_wins(store: &dyn Store) {
    let (id, epoch) = started(store, "race");
    for seq in 0..APPENDS {
        let results = together(|_| wait(store.append(write(&id, seq, epoch, 1))));
        let won = results.iter().filter(|r| r.is_ok()).count();
        equal(&won, &1, "of writers that expect the same sequence exactly one wins");
        let fenced = results.iter().all(|r| matches!(r, Ok(()) | Err(StoreError::Fenced { .. })));
        require(fenced, "the others are fenced");
    }
    let journal = good(wait(store.load(&id)), "a journal can be loaded");
    equal(&(journal.records.len() as u64), &APPENDS, "one record per round is there");
}

fn one_of_many_claims_wins(store: &dyn Store) {
    let id = id("claims");
    good(wait(store.create(&header(&id))), "a new execution is created");
    let claim = |n| wait(store.claim(&id, &owner(&format!("engine-{n}")), at(0), at(60)));
    let results = together(claim);
    let epochs: Vec<Epoch> = results.iter().filter_map(|r| r.clone().ok()).collect();
    equal(&epochs.len(), &1, "of owners that claim at once exactly one wins");
    let epoch = epochs.first().copied().unwrap_or_default();
    good(wait(store.append(write(&id, 0, epoch, 1))), "the winner's writes are taken");
    let created = together(|_| wait(store.create(&header(&super::samples::id("created")))));
    equal(&created.iter().filter(|r| r.is_ok()).count(), &1, "of creators of one id exactly one wins");
}

/// A write whose caller goes away is there whole or not at all, and the store goes on.
fn a_dropped_write_is_whole_or_absent(store: &dyn Store) {
    let (id, epoch) = started(store, "dropped");
    let mut seq = 0;
    for polls in [0, 1, 2, 1, 0, 1] {
        let mut append = Box::pin(store.append(write(&id, seq, epoch, 3)));
        let mut context = Context::from_waker(Waker::noop());
        (0..polls).any(|_| pin!(&mut append).poll(&mut context).is_ready());
        drop(append);
        // The next write waits its turn behind whatever the dropped one left.
        let there = wait(store.append(write(&id, u64::from(u32::MAX), epoch, 1)));
        require(matches!(there, Err(StoreError::Fenced { .. })), "a store goes on after a dropped write");
        let found = good(wait(store.load(&id)), "a journal can be loaded").records.len() as u64;
        require(found == seq || found == seq + 3, "a dropped write is there whole or not at all");
        seq = found;
    }
    good(wait(store.append(write(&id, seq, epoch, 1))), "a store goes on after a dropped write");
}
