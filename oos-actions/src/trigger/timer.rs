//! `ACS::TimerTrigger`: fires by cron, rate or once, until an end date.
//!
//! The instants follow from the expression, the time of the first `Entered` and the time of the event, so nothing is
//! stored and a restart changes nothing. A tick during a firing never becomes a timer; it is skipped (`Overlap::Skip`)
//! or made up for afterwards (`Overlap::Queue`).

use std::time::Duration;

use oos_core::{
    ActionName, Timestamp, Value, params,
    ports::{
        ActionError, ActionErrorKind, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, Signature},
        control::{ControlError, Purpose, Wait, WaitingFor},
    },
    template::ValueType,
};

use super::{
    fold::{self, Overlap},
    schedule::Schedule,
};
use crate::{
    failure::{self, Failure, WRONG_PROPERTY},
    properties::Properties,
    signature,
};

const NO_EXPRESSION: Failure = Failure::new(
    ActionErrorKind::InvalidProperty,
    "InvalidExpression",
    "Type, Expression or TimeZone cannot be read, or name no instant after the start",
);
const MISSED: Failure =
    Failure::new(ActionErrorKind::TimedOut, "TriggerMissed", "the instant of an `at` expression was missed");

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::TimerTrigger"));

/// What happens to instants that passed while nobody could fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// The newest fires once when it is no older than the grace; the others are skipped.
    #[default]
    Latest,
    /// None fires.
    Skip,
    /// Each fires, one after the other.
    All,
}

/// What the product leaves open. CHOICE: the defaults of actions.md 17.1 and 17.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerOptions {
    /// Missed instants.
    pub missed: Missed,
    /// How old an instant may be to count as on time (`Skip`) or as worth firing (`Latest`).
    pub missed_grace: Duration,
    /// Ticks during a firing.
    pub overlap: Overlap,
    /// True when a rate fires at once and not one period after the start.
    pub rate_fires_at_once: bool,
}

impl Default for TimerOptions {
    fn default() -> Self {
        Self {
            missed: Missed::Latest,
            missed_grace: Duration::from_secs(600),
            overlap: Overlap::Skip,
            rate_fires_at_once: false,
        }
    }
}

/// CHOICE: a firing this late was not missed, only slow; for [`Missed::Skip`].
const SLOW: Duration = Duration::from_secs(60);

/// `ACS::TimerTrigger`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimerTrigger {
    options: TimerOptions,
}

impl TimerTrigger {
    /// A trigger with options.
    pub fn new(options: TimerOptions) -> Self {
        Self { options }
    }
}

impl ControlAction for TimerTrigger {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let text = &[ValueType::String];
        let properties = vec![
            Property::required("Type", text, "kind of the expression").allowed(["rate", "cron", "at"]),
            Property::required("Expression", text, "`30 minutes`, a Quartz cron expression, or one instant"),
            Property::optional("TimeZone", text, "IANA name of the zone of a cron expression").default("UTC"),
            Property::required("EndDate", text, "UTC date (its first second) or instant at which the trigger ends"),
        ];
        let signature =
            signature::closed(&NAME, ActionClass::Trigger, "starts the tasks behind it by time", properties).gives([
                signature::text("ScheduledTime", "instant that the expression named"),
                signature::text("FireTime", "instant at which it fired"),
            ]);
        failure::list(signature, &[NO_EXPRESSION, MISSED])
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        let timer = Timer::of(ctx, self.options)?;
        Ok(match event {
            ControlEvent::Entered => timer.enter()?,
            ControlEvent::Woke { purpose: Purpose::Firing, scheduled } => timer.tick(*scheduled),
            ControlEvent::Fired(message) if !timer.runs() => fold::fire(by_hand(message, ctx.now), None),
            ControlEvent::ChildEnded { .. } => timer.go_on(timer.resume_after()),
            ControlEvent::Woke { purpose: Purpose::EndDate, .. } if !timer.runs() => Decision::Done(Value::empty_map()),
            _ if timer.runs() => Decision::Wait(Wait::default()),
            _ => timer.go_on(ctx.now),
        })
    }
}

/// A timer at one event of its run.
struct Timer<'a> {
    ctx: &'a ControlContext<'a>,
    options: TimerOptions,
    schedule: Schedule,
    start: Timestamp,
    end: Timestamp,
}

impl<'a> Timer<'a> {
    fn of(ctx: &'a ControlContext<'a>, options: TimerOptions) -> Result<Self, ActionError> {
        let properties = Properties(ctx.properties);
        let (kind, expression) = (properties.required_text("Type")?, properties.required_text("Expression")?);
        let zone = properties.text("TimeZone")?;
        let schedule = Schedule::parse(&kind, &expression, zone.as_deref()).map_err(|e| NO_EXPRESSION.error(e))?;
        let end = properties.required_text("EndDate")?;
        // CHOICE: a bare date is its first second in UTC; the page does not say whether the day counts.
        let end = Timestamp::parse(&end).map_err(|e| WRONG_PROPERTY.error(format_args!("property `EndDate`: {e}")))?;
        Ok(Self { ctx, options, schedule, start: ctx.entered, end })
    }

    fn enter(&self) -> Result<Decision, ActionError> {
        let now = self.ctx.now;
        if self.end <= now {
            return Err(WRONG_PROPERTY.error(format_args!("property `EndDate`: {} is over", self.end)));
        }
        let at_once = self.options.rate_fires_at_once && matches!(self.schedule, Schedule::Rate(_));
        let after = if at_once { just_before(now) } else { now };
        if self.schedule.next_after(self.start, after).is_none() {
            return Err(NO_EXPRESSION.error("it never fires after the start"));
        }
        Ok(self.go_on(after))
    }

    /// Waits for the next instant later than `after`; ends when none comes before the end date.
    fn go_on(&self, after: Timestamp) -> Decision {
        let next = self.schedule.next_after(self.start, after);
        if self.end <= self.ctx.now || next.is_none() {
            return Decision::Done(Value::empty_map());
        }
        let firing = next.filter(|at| *at < self.end).map(|at| (Purpose::Firing, at));
        let timers = firing.into_iter().chain([(Purpose::EndDate, self.end)]).collect();
        Decision::Wait(Wait { timers, waiting_for: Some(WaitingFor::Timer), ..Wait::default() })
    }

    fn tick(&self, due: Timestamp) -> Decision {
        if self.runs() {
            return Decision::Wait(Wait::default());
        }
        match self.instant_of(due, self.ctx.now) {
            Some(scheduled) => fold::fire(on_time(scheduled, self.ctx.now), Some(scheduled)),
            None if matches!(self.schedule, Schedule::At(_)) => {
                Decision::Fail(MISSED.error(format_args!("the instant {due} passed while nobody could fire")))
            }
            None => self.go_on(self.ctx.now),
        }
    }

    /// The instant that a timer set to `due` fires for when it wakes at `now`; `None` when it was missed.
    fn instant_of(&self, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let newest = |grace| self.schedule.newest_within(self.start, due, now, grace);
        match self.options.missed {
            Missed::All => Some(due),
            Missed::Latest => newest(self.options.missed_grace),
            Missed::Skip => newest(SLOW),
        }
        .filter(|at| *at < self.end)
    }

    /// True when a firing of this run has not ended yet.
    fn runs(&self) -> bool {
        let last = fold::past(self.ctx).iter().rev().find_map(|(at, event)| match event {
            ControlEvent::ChildEnded { .. } => Some(false),
            ControlEvent::Fired(_) => Some(true),
            ControlEvent::Woke { purpose: Purpose::Firing, scheduled } => {
                self.instant_of(*scheduled, *at).is_some().then_some(true)
            }
            _ => None,
        });
        last.unwrap_or(false)
    }

    /// From where the next instant is looked for when a firing has ended.
    fn resume_after(&self) -> Timestamp {
        let catches_up = self.options.overlap == Overlap::Queue || self.options.missed == Missed::All;
        let last = fold::past(self.ctx).iter().rev().find_map(|(at, event)| match event {
            ControlEvent::Woke { purpose: Purpose::Firing, scheduled } => self.instant_of(*scheduled, *at),
            _ => None,
        });
        last.filter(|_| catches_up).unwrap_or(self.ctx.now)
    }
}

fn just_before(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_sub(1))
}

/// CHOICE: the result document of a timer; no page and no template reads one (actions.md 17.2).
fn on_time(scheduled: Timestamp, fired: Timestamp) -> Value {
    params! { "ScheduledTime" => scheduled.to_iso(), "FireTime" => fired.to_iso() }
}

/// A message given with TriggerExecution is the document; without one the times are.
fn by_hand(message: &Value, now: Timestamp) -> Value {
    match message {
        Value::Null => on_time(now, now),
        Value::Map(map) if map.is_empty() => on_time(now, now),
        given => given.clone(),
    }
}
