//! What a restart does about a write of which nobody knows whether it was carried out.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use oos_core::{
    machine::{ExecutionStatus, SignalKind, UnknownOutcome},
    ports::{
        action::{Action, ActionContext, ActionError, ActionErrorKind, Outcome},
        control::WaitingFor,
    },
};
use oos_testkit::prelude::*;

use crate::support::{World, named, nothing, reports, resume, send, template};

/// A write without token or probe: a repeat does not know what the first call did.
#[derive(Clone, Debug)]
struct Never(oos_core::ActionName, Arc<AtomicU64>);

#[async_trait::async_trait]
impl Action for Never {
    fn name(&self) -> &oos_core::ActionName {
        &self.0
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        if ctx.is_repeat() {
            return Err(ActionError::new(ActionErrorKind::UnknownOutcome, "OutcomeUnknown", "nobody knows"));
        }
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(Outcome::Done(Value::Null))
    }
}

/// Crashes when the call was made and its outcome was not written; gives calls, and the handle of the second engine.
fn crash(policy: UnknownOutcome) -> (World, TestBed, oos_core::engine::ExecutionHandle, Arc<AtomicU64>) {
    let (world, calls) = (World::new(), Arc::new(AtomicU64::new(0)));
    let action = Never("Acme::Never".into(), calls.clone());
    let start = |bed: TestBed| bed.register(action.clone()).configure(move |e| e.unknown_outcome(policy));
    let first = start(world.bed_over(world.faulty().crash_after(1)));
    let run = first.start_with(&template("", &["Name: a, Action: Acme::Never"]), nothing(), named("exec-unknown"));
    first.run_to_end();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let second = start(world.bed());
    let handle = resume(&second, run.id());
    second.run_to_end();
    (world, second, handle, calls)
}

#[test]
fn by_default_the_step_fails_and_no_second_call_is_made() {
    let (_world, _bed, handle, calls) = crash(UnknownOutcome::Fail);
    let finished = handle.finished().unwrap().unwrap();
    assert_eq!((finished.status, calls.load(Ordering::Relaxed)), (ExecutionStatus::Failed, 1));
    assert!(finished.message().unwrap().contains("OutcomeUnknown"));
}

#[test]
fn it_may_wait_for_a_decision() {
    for (kind, calls_made) in [(SignalKind::SkipTask, 1), (SignalKind::RetryTask, 2)] {
        let (_world, bed, handle, calls) = crash(UnknownOutcome::Pause);
        assert!(handle.finished().is_none());
        assert_eq!(reports(&bed, &handle)[0].waiting_for, Some(WaitingFor::FailureDecision));
        send(&bed, &handle, kind).unwrap();
        bed.run_to_end();
        assert_eq!(handle.finished().unwrap().unwrap().status, ExecutionStatus::Success);
        assert_eq!(calls.load(Ordering::Relaxed), calls_made);
    }
}
