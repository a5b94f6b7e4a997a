//! `ACS::Sleep`: a wake-up time, never a held timer, so that a sleep of days survives a restart.

use oos_core::{
    ActionName, Value,
    ports::{
        ActionErrorKind, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, Signature},
        control::{ControlError, Purpose, Wait},
    },
    template::ValueType,
    time::parse_sleep_duration,
};

use crate::{
    failure::{self, Failure},
    properties::Properties,
    signature,
};

const NO_DURATION: Failure =
    Failure::new(ActionErrorKind::InvalidProperty, "InvalidDuration", "Duration is no duration, or out of range");

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::Sleep"));

/// `ACS::Sleep`. The execution stays Running while it sleeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sleep;

impl ControlAction for Sleep {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let duration = "ISO 8601 duration or its short form without PT, from 1 second to 30 days";
        let properties = vec![Property::required("Duration", &[ValueType::String], duration)];
        let signature = signature::closed(&NAME, ActionClass::Control, "waits for a time", properties);
        failure::list(signature, &[NO_DURATION])
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        if matches!(event, ControlEvent::Woke { purpose: Purpose::Sleep, .. }) {
            return Ok(Decision::Done(Value::empty_map()));
        }
        let text = Properties(ctx.properties).required_text("Duration")?;
        let duration = parse_sleep_duration(&text).map_err(|e| NO_DURATION.error(e))?;
        let timers = vec![(Purpose::Sleep, ctx.entered + duration)];
        Ok(Decision::Wait(Wait { timers, ..Wait::default() }))
    }
}
