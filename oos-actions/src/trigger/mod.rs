//! Triggers: the first task of a template that waits and starts one firing after the other (actions.md 17).
//!
//! A trigger only says when a firing begins; that a firing is a child execution of the same plan from its second task
//! is the machine's part. Matching of events and alarms is pure and public, so that a `TriggerSource` uses the same
//! rules that the documentation of the actions states.

pub mod alarm;
pub mod cron;
pub mod event;
mod fold;
pub mod schedule;
mod timer;
mod transform;

pub use alarm::AlarmTrigger;
pub use event::EventTrigger;
pub use fold::Overlap;
pub use timer::{Missed, TimerOptions, TimerTrigger};
