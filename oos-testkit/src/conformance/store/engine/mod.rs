//! The contract under an engine: what a store keeps must be enough to go on as if nothing had happened.
//!
//! Each check runs beds over one store and one virtual clock; a second bed is what comes after a crash. Crashes come with
//! rare snapshots and with one after every second record.

mod crash;
mod late;
mod newer;
mod two;
mod waiting;

use oos_core::{
    ExecutionId,
    engine::{ExecutionHandle, Finished},
    machine::ExecutionStatus,
    ports::{
        index::{ExecutionIndex, ExecutionQuery, OwnerId, Summary},
        store::{Epoch, ExecutionStore, Journal, JournalWrite, Record},
    },
};

use super::{
    super::{equal, good},
    Store,
    steps::{Ask, Note},
};
use crate::{FakeCloud, FaultyStore, InPlace, Run, TestBed, calls::fail, clock::mins, in_place::wait};

pub(super) fn checks<S: Store>(make: &dyn Fn() -> S) {
    crash::any_crash_ends_as_no_crash(make);
    crash::a_refused_append_stops_the_engine_before_it_acts(make);
    crash::a_start_that_died_before_its_first_write_can_be_made_again(make);
    crash::a_thousand_items_survive_a_crash(make);
    late::an_outcome_that_comes_twice_counts_once(make);
    late::an_outcome_after_a_cancel_changes_nothing(make);
    late::a_timer_and_a_signal_of_one_instant_end_the_same_after_a_crash(make);
    late::a_cancel_reaches_the_innermost_child(make);
    waiting::an_approval_outlives_the_process(make);
    waiting::one_person_approves_before_and_after_a_restart(make);
    waiting::thirty_one_days_end_to_the_second(make);
    waiting::only_what_has_not_ended_is_taken_up(make);
    waiting::the_owner_that_lost_stops(make);
    two::engines_take_over_and_never_drive_together(make);
    two::a_living_engine_keeps_what_waits(make);
    newer::a_new_version_of_a_template_is_not_seen(make);
    newer::a_journal_of_newer_code_is_left_alone(make);
}

/// A store, a clock and a log that outlive the beds over them.
struct World<S> {
    cloud: FakeCloud,
    note: Note,
    store: InPlace<S>,
    /// Records after which a snapshot is written.
    snapshots: u64,
}

impl<S: Store> World<S> {
    fn new(make: &dyn Fn() -> S) -> Self {
        Self { cloud: FakeCloud::new(), note: Note::default(), store: InPlace::new(make()), snapshots: u64::MAX }
    }

    fn bed(&self) -> TestBed {
        self.bed_over(self.store.clone())
    }

    fn bed_over(&self, store: impl Store) -> TestBed {
        let bed = TestBed::on(&self.cloud).register(self.note.clone()).register_control(Ask);
        bed.store(store).snapshot_every(self.snapshots)
    }

    /// The store with faults of a process that will crash.
    fn faulty(&self) -> FaultyStore<InPlace<S>> {
        FaultyStore::new(self.store.clone())
    }

    /// A new process takes an execution up.
    #[track_caller]
    fn resume(&self, id: &ExecutionId) -> (TestBed, ExecutionHandle) {
        let bed = self.bed();
        let (engine, wanted) = (bed.engine().clone(), id.clone());
        let handle = bed.block_on(async move { engine.resume(&wanted).await });
        (bed, good(handle, "an execution can be taken up from its journal"))
    }

    /// A new process takes an execution up and drives it to its end.
    #[track_caller]
    fn finish(&self, id: &ExecutionId) -> Finished {
        let (bed, handle) = self.resume(id);
        drive(&bed, &handle);
        finished(&handle)
    }

    #[track_caller]
    fn journal(&self, id: &ExecutionId) -> Journal {
        good(wait(self.store.load(id)), "a journal can be loaded")
    }

    /// Writes another input behind those that are there, as the owner.
    #[track_caller]
    fn append(&self, id: &ExecutionId, input: &Record) {
        let seq = self.journal(id).records.last().map_or(0, |r| r.seq);
        let records = vec![Record { seq: seq + 1, input: input.input.clone() }];
        let epoch = self.claim(id, "bed");
        let write =
            JournalWrite { id: id.clone(), expected_seq: seq, epoch, records, summaries: Vec::new(), snapshot: None };
        good(wait(self.store.append(write)), "the owner can write");
    }

    #[track_caller]
    fn claim(&self, id: &ExecutionId, owner: &str) -> Epoch {
        let now = self.cloud.now();
        good(wait(self.store.claim(id, &OwnerId(owner.into()), now, now + mins(5))), "the owner can claim")
    }

    #[track_caller]
    fn rows(&self, id: &ExecutionId) -> Vec<Summary> {
        let query = ExecutionQuery { root: Some(id.clone()), limit: 100, ascending: true, ..ExecutionQuery::default() };
        good(wait(self.store.list(&query)), "rows can be listed").rows
    }
}

/// Drives an execution until it has ended or nothing can move it on.
fn drive(bed: &TestBed, handle: &ExecutionHandle) {
    bed.run_until(|| handle.finished().is_some());
}

#[track_caller]
fn finished(handle: &ExecutionHandle) -> Finished {
    match handle.finished() {
        Some(result) => good(result, "the engine drives to the end"),
        None => fail("broken: an execution that is taken up ends"),
    }
}

#[track_caller]
fn ended(run: &Run, status: ExecutionStatus) -> Finished {
    let found = finished(run.handle());
    equal(&found.status, &status, "the run ends as its template says");
    found
}
