//! `ACS::Pause`: waits until a person says go on.
//!
//! No page describes it; its one official use waits for work done by hand. CHOICE: the signals of an approval, from
//! anybody, without a time limit (actions.md 11).

use oos_core::{
    ActionName, Value,
    ports::{
        ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Signature},
        control::{ControlError, Wait, WaitingFor},
    },
};

use crate::signature;

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::Pause"));

/// `ACS::Pause`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pause;

impl ControlAction for Pause {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        signature::closed(&NAME, ActionClass::Control, "waits until a person approves or rejects", Vec::new())
    }

    fn decide(&self, _ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        Ok(match event {
            ControlEvent::Signalled(vote) if vote.approve => Decision::Done(Value::empty_map()),
            ControlEvent::Signalled(_) => Decision::Cancel,
            _ => Decision::Wait(Wait { waiting_for: Some(WaitingFor::Pause), ..Wait::default() }),
        })
    }
}
