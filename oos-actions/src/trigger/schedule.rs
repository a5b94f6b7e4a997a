//! When a timer fires: `cron`, `rate` or `at` (page "ACS::TimerTrigger").

use std::time::Duration;

use jiff::{civil::DateTime, tz::TimeZone};
use oos_core::Timestamp;

use super::cron::Cron;

/// A text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

/// When a timer fires.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// By a cron expression in a time zone.
    Cron(Box<Cron>, TimeZone),
    /// Every so often from the start, without drift.
    Rate(Duration),
    /// Once.
    At(Timestamp),
}

impl Schedule {
    /// Reads `Type`, `Expression` and `TimeZone` (UTC without one).
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(kind: &str, expression: &str, zone: Option<&str>) -> Result<Self, ScheduleError> {
        let zone = time_zone(zone)?;
        match kind.to_ascii_lowercase().as_str() {
            "cron" => Cron::parse(expression)
                .map(|cron| Self::Cron(Box::new(cron), zone))
                .map_err(|e| ScheduleError(e.to_string())),
            "rate" => rate(expression).map(Self::Rate),
            "at" => at(expression, &zone).map(Self::At),
            _ => Err(ScheduleError(format!("`{kind}` is none of rate, cron, at"))),
        }
    }

    /// The first instant later than `after`; a rate counts from `start`.
    pub fn next_after(&self, start: Timestamp, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron, zone) => cron.next_after(zone, after),
            Self::At(at) => (*at > after).then_some(*at),
            Self::Rate(period) => {
                let period = i64::try_from(period.as_millis()).ok()?.max(1);
                let periods = after.as_millis().saturating_sub(start.as_millis()).div_euclid(period) + 1;
                let offset = periods.max(0).checked_mul(period)?;
                Some(Timestamp::from_millis(start.as_millis().checked_add(offset)?))
            }
        }
    }

    /// The newest instant that is neither before `due` nor after `now`, looking back no further than `grace`.
    pub fn newest_within(
        &self,
        start: Timestamp,
        due: Timestamp,
        now: Timestamp,
        grace: Duration,
    ) -> Option<Timestamp> {
        let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let oldest = Timestamp::from_millis(now.as_millis().saturating_sub(grace)).max(due);
        let mut newest = None;
        let mut after = Timestamp::from_millis(oldest.as_millis().saturating_sub(1));
        while let Some(at) = self.next_after(start, after).filter(|at| *at <= now) {
            (newest, after) = (Some(at), at);
        }
        newest
    }
}

fn time_zone(name: Option<&str>) -> Result<TimeZone, ScheduleError> {
    name.map_or(Ok(TimeZone::UTC), |name| {
        TimeZone::get(name.trim())
            .map_err(|_| ScheduleError(format!("`{name}` is not a time zone such as Asia/Shanghai")))
    })
}

/// `<n> minute(s)`, `hour(s)` or `day(s)`.
fn rate(expression: &str) -> Result<Duration, ScheduleError> {
    let error = || ScheduleError(format!("`{expression}` is not a rate such as `30 minutes`"));
    let mut words = expression.split_whitespace();
    let (Some(number), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return Err(error());
    };
    let number = number.parse::<u64>().ok().filter(|n| *n > 0).ok_or_else(error)?;
    let unit = match unit.to_ascii_lowercase().as_str() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err(error()),
    };
    number.checked_mul(unit).filter(|s| *s < u64::from(u32::MAX)).map(Duration::from_secs).ok_or_else(error)
}

/// One instant; CHOICE: without an offset the time zone applies (actions.md 17.2).
fn at(expression: &str, zone: &TimeZone) -> Result<Timestamp, ScheduleError> {
    let text = expression.trim();
    if let Ok(local) = text.parse::<DateTime>()
        && !text.ends_with(['Z', 'z'])
        && text.parse::<jiff::Timestamp>().is_err()
    {
        let at = zone.to_ambiguous_timestamp(local).compatible();
        return at.map(|at| Timestamp::from_millis(at.as_millisecond())).map_err(|e| ScheduleError(e.to_string()));
    }
    Timestamp::parse(text).map_err(|e| ScheduleError(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_rate_counts_from_the_start_without_drift() {
        let rate = Schedule::parse("rate", "30 minutes", None).unwrap();
        let start = at("2024-03-01T00:07:11Z");
        assert_eq!(rate.next_after(start, start), Some(at("2024-03-01T00:37:11Z")));
        // The run ended late; the next one is on the grid all the same.
        assert_eq!(rate.next_after(start, at("2024-03-01T01:10:00Z")), Some(at("2024-03-01T01:37:11Z")));
        assert_eq!(rate.next_after(start, at("2024-02-01T00:00:00Z")), Some(start));
    }

    #[test]
    fn rates_are_read_in_both_numbers() {
        for (text, seconds) in [("5 minute", 300), ("1 Hour", 3_600), ("2 days", 172_800)] {
            assert!(
                matches!(Schedule::parse("Rate", text, None), Ok(Schedule::Rate(d)) if d.as_secs() == seconds),
                "{text}"
            );
        }
        for text in ["0 minutes", "5", "5 weeks", "minutes", "-1 hours", "5 minutes ago", "99999999999999 days"] {
            assert!(Schedule::parse("rate", text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn one_instant_takes_the_zone_when_it_has_no_offset() {
        let parse = |text, zone| match Schedule::parse("at", text, zone) {
            Ok(Schedule::At(at)) => at.to_iso(),
            other => format!("{other:?}"),
        };
        assert_eq!(parse("2024-03-01T08:00:00Z", Some("Asia/Shanghai")), "2024-03-01T08:00:00Z");
        assert_eq!(parse("2024-03-01T08:00:00+02:00", Some("Asia/Shanghai")), "2024-03-01T06:00:00Z");
        assert_eq!(parse("2024-03-01T08:00:00", Some("Asia/Shanghai")), "2024-03-01T00:00:00Z");
        assert_eq!(parse("2024-03-01T08:00:00", None), "2024-03-01T08:00:00Z");
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let text = |kind, expression, zone| Schedule::parse(kind, expression, zone).unwrap_err().to_string();
        assert_eq!(text("daily", "x", None), "`daily` is none of rate, cron, at");
        assert_eq!(
            text("cron", "0 0 0 * * ?", Some("Mars/Base")),
            "`Mars/Base` is not a time zone such as Asia/Shanghai"
        );
        assert_eq!(text("rate", "soon", None), "`soon` is not a rate such as `30 minutes`");
    }
}
