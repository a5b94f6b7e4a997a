//! Quartz cron expressions and their next instant in a time zone (page "ACS::TimerTrigger").
//!
//! Six fields: second, minute, hour, day of month, month, day of week, and an optional year. No clock in here. The
//! calendar rules are ours because the product leaves them open (actions.md 17.2): a local time that does not exist
//! moves to the end of its gap, one that occurs twice fires at the first.

mod field;

use std::collections::BTreeSet;

use jiff::{
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use oos_core::Timestamp;

use field::{DayOfMonth, DayOfWeek, Set};

/// CHOICE: an expression that matches nothing for so many years never fires (29 February on a fifth Monday comes
/// after 40 at the latest).
const HORIZON_YEARS: i16 = 100;

/// A text that is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a cron expression: {reason}")]
pub struct CronError {
    text: String,
    reason: String,
}

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    seconds: Set,
    minutes: Set,
    hours: Set,
    days: DayOfMonth,
    months: Set,
    weekdays: DayOfWeek,
    years: Option<BTreeSet<i16>>,
}

impl Cron {
    /// Parses `second minute hour day-of-month month day-of-week [year]`.
    ///
    /// # Errors
    /// The text and the field that is wrong.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fields: Vec<_> = text.split_whitespace().collect();
        Self::from_fields(&fields).map_err(|reason| CronError { text: text.to_owned(), reason })
    }

    fn from_fields(fields: &[&str]) -> Result<Self, String> {
        let (six, year) = match fields {
            [six @ .., year] if six.len() == 6 => (six, Some(*year)),
            all => (all, None),
        };
        let &[second, minute, hour, day, month, weekday] = six else {
            return Err(format!("it has {} fields, 6 or 7 are needed", fields.len()));
        };
        if day == "?" && weekday == "?" {
            return Err("only one of the day fields may be `?`".to_owned());
        }
        let cron = Self {
            seconds: field::set("second", second, 0..=59, &[])?,
            minutes: field::set("minute", minute, 0..=59, &[])?,
            hours: field::set("hour", hour, 0..=23, &[])?,
            days: DayOfMonth::parse(day)?,
            months: field::set("month", month, 1..=12, &field::MONTHS)?,
            weekdays: DayOfWeek::parse(weekday)?,
            years: year.map(field::years).transpose()?.flatten(),
        };
        if !cron.days.is_any() && !cron.weekdays.is_any() {
            return Err("one of the day fields must be `?`".to_owned());
        }
        Ok(cron)
    }

    /// The first instant later than `after` whose local time in `zone` matches; `None` when none comes.
    pub fn next_after(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let local = zone.to_datetime(jiff::Timestamp::from_millisecond(after.as_millis()).ok()?);
        let horizon = local.year().saturating_add(HORIZON_YEARS);
        let mut day = local.date();
        let mut from = second_of_day(local.time());
        while day.year() <= horizon {
            if !self.matches_month(day) {
                day = day.last_of_month().tomorrow().ok()?;
            } else {
                if self.matches_day(day) {
                    let found = self.times(from).filter_map(|time| instant(zone, day.to_datetime(time)));
                    if let Some(at) = found.into_iter().find(|at| *at > after) {
                        return Some(at);
                    }
                }
                day = day.tomorrow().ok()?;
            }
            from = 0;
        }
        None
    }

    fn matches_month(&self, day: Date) -> bool {
        self.months.contains(day.month().unsigned_abs())
            && self.years.as_ref().is_none_or(|years| years.contains(&day.year()))
    }

    fn matches_day(&self, day: Date) -> bool {
        self.days.matches(day) && self.weekdays.matches(day)
    }

    /// Matching times of a day from a second on, in order.
    fn times(&self, from: u32) -> impl Iterator<Item = Time> {
        let hours = self.hours.iter().filter(move |hour| u32::from(*hour) >= from / 3_600);
        hours
            .flat_map(|hour| self.minutes.iter().map(move |minute| (hour, minute)))
            .flat_map(|(hour, minute)| self.seconds.iter().map(move |second| (hour, minute, second)))
            .filter_map(|(hour, minute, second)| {
                let small = |n: u8| i8::try_from(n).ok();
                Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()
            })
            .filter(move |time| second_of_day(*time) >= from)
    }
}

fn second_of_day(time: Time) -> u32 {
    let part = |n: i8| u32::from(n.unsigned_abs());
    part(time.hour()) * 3_600 + part(time.minute()) * 60 + part(time.second())
}

/// The instant of a local time. CHOICE: in a gap the instant at which the gap ends, in a fold the first of the two.
fn instant(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    let at = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok()?,
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok()?,
        AmbiguousOffset::Gap { before, .. } => {
            let inside = before.to_timestamp(local).ok()?;
            let just_after = jiff::Timestamp::from_second(inside.as_second().checked_add(1)?).ok()?;
            zone.preceding(just_after).next()?.timestamp()
        }
    };
    Some(Timestamp::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(expression).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let mut at = Timestamp::parse(from).unwrap();
        let mut found = Vec::new();
        while let Some(next) = cron.next_after(&zone, at).filter(|_| found.len() < count) {
            assert!(next > at, "time goes on");
            found.push(next.to_iso());
            at = next;
        }
        found
    }

    #[test]
    fn working_days_in_shanghai_over_a_week() {
        // Thursday 2024-02-29 08:30 in Shanghai is the first, the weekend is left out.
        assert_eq!(
            fires("0 30 8 ? * MON-FRI", "Asia/Shanghai", "2024-02-28T16:00:00Z", 5),
            [
                "2024-02-29T00:30:00Z",
                "2024-03-01T00:30:00Z",
                "2024-03-04T00:30:00Z",
                "2024-03-05T00:30:00Z",
                "2024-03-06T00:30:00Z",
            ]
        );
    }

    #[test]
    fn steps_lists_ranges_and_names() {
        let from = "2024-01-31T22:59:00Z";
        assert_eq!(
            fires("0 0/30 * * * ?", "UTC", from, 3),
            ["2024-01-31T23:00:00Z", "2024-01-31T23:30:00Z", "2024-02-01T00:00:00Z"]
        );
        assert_eq!(fires("0 0 12 ? * *", "UTC", from, 2), ["2024-02-01T12:00:00Z", "2024-02-02T12:00:00Z"]);
        assert_eq!(fires("0 * * ? * *", "UTC", from, 2), ["2024-01-31T23:00:00Z", "2024-01-31T23:01:00Z"]);
        assert_eq!(
            fires("5,10-12/2 0 0 1 jan,Mar ?", "UTC", from, 4),
            ["2024-03-01T00:00:05Z", "2024-03-01T00:00:10Z", "2024-03-01T00:00:12Z", "2025-01-01T00:00:05Z",]
        );
        // A range may run over the end: Friday to Monday.
        assert_eq!(
            fires("0 0 0 ? * FRI-MON", "UTC", "2024-01-04T12:00:00Z", 5),
            [
                "2024-01-05T00:00:00Z",
                "2024-01-06T00:00:00Z",
                "2024-01-07T00:00:00Z",
                "2024-01-08T00:00:00Z",
                "2024-01-12T00:00:00Z",
            ]
        );
        assert_eq!(fires("0 0 0 ? * 1", "UTC", "2024-01-01T00:00:00Z", 1), ["2024-01-07T00:00:00Z"]);
    }

    #[test]
    fn last_nearest_and_nth_days() {
        let from = "2024-01-31T00:00:00Z";
        assert_eq!(fires("0 0 0 L * ?", "UTC", from, 2), ["2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z"]);
        assert_eq!(fires("0 0 0 L-2 * ?", "UTC", from, 1), ["2024-02-27T00:00:00Z"]);
        assert_eq!(fires("0 0 0 LW * ?", "UTC", from, 2), ["2024-02-29T00:00:00Z", "2024-03-29T00:00:00Z"]);
        // 15 June 2024 is a Saturday, 15 September a Sunday, 1 June a Saturday, 30 June a Sunday.
        assert_eq!(fires("0 0 0 15W 6,9 ?", "UTC", from, 2), ["2024-06-14T00:00:00Z", "2024-09-16T00:00:00Z"]);
        assert_eq!(fires("0 0 0 1W 6 ?", "UTC", from, 1), ["2024-06-03T00:00:00Z"]);
        assert_eq!(fires("0 0 0 30W 6 ?", "UTC", from, 1), ["2024-06-28T00:00:00Z"]);
        assert_eq!(fires("0 0 0 ? * 6L", "UTC", from, 2), ["2024-02-23T00:00:00Z", "2024-03-29T00:00:00Z"]);
        assert_eq!(fires("0 0 0 ? * FRI#3", "UTC", from, 2), ["2024-02-16T00:00:00Z", "2024-03-15T00:00:00Z"]);
        assert_eq!(fires("0 0 0 ? * L", "UTC", from, 1), ["2024-02-03T00:00:00Z"]);
        assert_eq!(fires("0 0 0 29 2 ?", "UTC", "2024-03-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    }

    #[test]
    fn a_year_field_ends_the_firings() {
        assert_eq!(
            fires("0 0 0 1 1 ? 2025-2026", "UTC", "2024-06-01T00:00:00Z", 9),
            ["2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]
        );
        assert!(fires("0 0 0 30 2 ?", "UTC", "2024-06-01T00:00:00Z", 1).is_empty());
    }

    #[test]
    fn a_local_time_that_does_not_exist_moves_to_the_end_of_the_gap() {
        // New York, 2024-03-10: 02:00 to 03:00 does not exist; 03:00 EDT is 07:00Z.
        assert_eq!(
            fires("0 30 2 ? * *", "America/New_York", "2024-03-09T12:00:00Z", 2),
            ["2024-03-10T07:00:00Z", "2024-03-11T06:30:00Z"]
        );
        // Two times in the gap fall together and fire once.
        assert_eq!(
            fires("0 0,30 2 ? * *", "America/New_York", "2024-03-10T01:00:00Z", 2),
            ["2024-03-10T07:00:00Z", "2024-03-11T06:00:00Z"]
        );
    }

    #[test]
    fn a_local_time_that_occurs_twice_fires_once() {
        // New York, 2024-11-03: 01:00 to 02:00 occurs twice; the first 01:30 is 05:30Z.
        assert_eq!(
            fires("0 30 1 ? * *", "America/New_York", "2024-11-03T00:00:00Z", 2),
            ["2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"]
        );
        assert_eq!(fires("0 30 * ? * *", "America/New_York", "2024-11-03T05:30:00Z", 1), ["2024-11-03T07:30:00Z"]);
    }

    #[test]
    fn refuses_what_is_no_expression() {
        let table = [
            ("0 0 0 * *", "it has 5 fields, 6 or 7 are needed"),
            ("0 0 0 ? * ?", "only one of the day fields may be `?`"),
            ("0 0 0 1 * MON", "one of the day fields must be `?`"),
            ("60 0 0 * * ?", "`60` in the second field is not between 0 and 59"),
            ("0 0 0 0 * ?", "`0` in the day-of-month field is not between 1 and 31"),
            ("0 0 0 ? 13 *", "`13` in the month field is not between 1 and 12"),
            ("0 0 0 ? * FUN", "`FUN` in the day-of-week field is not known"),
            ("0 */0 0 ? * *", "`0` in the minute field is no step"),
            ("? 0 0 ? * *", "`?` in the second field is not known"),
            ("0 0 0 ? * MON#6", "`MON#6` in the day-of-week field is not known"),
            ("0 0 0 ? * * 1969", "`1969` in the year field is not between 1970 and 2099"),
            ("0 0 0 1,, * ?", "`` in the day-of-month field is not known"),
        ];
        for (text, reason) in table {
            let error = Cron::parse(text).unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not a cron expression: {reason}"));
        }
    }
}
