//! Instants and durations; the only file that names the date library, apart from the cron triggers' time zones.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Prints and parses as UTC text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant that many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Parses `2024-03-01T23:30:00Z`, with or without seconds and fraction, with `Z` or an offset; a text without
    /// either is UTC, and a bare date is its first second.
    ///
    /// # Errors
    /// The text, when it is none of these.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        let error = || TimeError::new(text, "a time such as 2024-03-01T23:30:00Z");
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(at.as_millisecond()));
        }
        if let Some(local) = text.strip_suffix(['Z', 'z']) {
            return Self::parse_local(local).ok_or_else(error);
        }
        Self::parse_local(text).ok_or_else(error)
    }

    fn parse_local(text: &str) -> Option<Self> {
        let at = text.parse::<jiff::civil::DateTime>().ok().or_else(|| {
            let date = text.parse::<jiff::civil::Date>().ok()?;
            Some(date.to_datetime(jiff::civil::Time::midnight()))
        })?;
        Some(Self(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()))
    }

    fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`.
    pub fn to_iso(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%SZ")
    }

    /// `YYYY-MM-DD` in UTC.
    pub fn to_date(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// Formats in UTC by strftime conversions; a conversion that is not known stays as written.
    pub fn format(self, format: &str) -> String {
        let at = self.jiff().to_zoned(jiff::tz::TimeZone::UTC);
        jiff::fmt::strtime::format(format, &at).unwrap_or_else(|_| format_known(format, &at))
    }

    /// Seconds since midnight in UTC.
    pub const fn second_of_day(self) -> i64 {
        self.0.div_euclid(1000).rem_euclid(DAY_SECONDS)
    }

    /// This instant moved by whole seconds; `None` outside the years that can be written.
    pub fn checked_plus_seconds(self, seconds: i64) -> Option<Self> {
        let moved = self.0.checked_add(seconds.checked_mul(1000)?)?;
        jiff::Timestamp::from_millisecond(moved).ok().map(|_| Self(moved))
    }

    /// This instant moved by whole seconds, back when negative; stays inside the range of the type.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The time since `earlier`; zero when that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso())
    }
}

/// Formats the conversions that are known, one by one, and keeps the others as text.
fn format_known(format: &str, at: &jiff::Zoned) -> String {
    let mut out = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        let (before, conversion) = rest.split_at(start);
        out.push_str(before);
        let is_last = |(i, c): &(usize, char)| *i > 0 && (c.is_ascii_alphabetic() || *c == '%');
        let end = conversion.char_indices().find(is_last).map_or(conversion.len(), |(i, c)| i + c.len_utf8());
        let (conversion, after) = conversion.split_at(end);
        out.push_str(&jiff::fmt::strtime::format(conversion, at).unwrap_or_else(|_| conversion.to_owned()));
        rest = after;
    }
    out + rest
}

/// Seconds of a day.
pub const DAY_SECONDS: i64 = 86_400;

/// A text that is no time or no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct TimeError {
    text: String,
    expected: &'static str,
}

/// CHOICE: characters of the text that the error shows.
const SHOWN: usize = 60;

impl TimeError {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect(), expected }
    }
}

/// Parses a time of day, `08:00:00Z` or without seconds or `Z`: seconds since midnight in UTC.
///
/// # Errors
/// The text, when it is none.
pub fn parse_time_of_day(text: &str) -> Result<i64, TimeError> {
    let text = text.trim();
    time_of_day(text).ok_or_else(|| TimeError::new(text, "a time of day such as 08:00:00Z"))
}

fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.strip_suffix(['Z', 'z']).unwrap_or(text).split(':');
    let mut part = |bound: i64| {
        let digits = parts.next()?;
        let number: i64 = if digits.len() == 2 { whole_number(digits)? } else { return None };
        (number < bound).then_some(number)
    };
    let (hours, minutes) = (part(24)?, part(60)?);
    let seconds = if text.matches(':').count() == 2 { part(60)? } else { 0 };
    parts.next().is_none().then_some(hours * 3_600 + minutes * 60 + seconds)
}

/// Digits only: no sign, no blanks.
fn whole_number(digits: &str) -> Option<i64> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// A duration as `PTnHnMnS`, without the parts that are zero.
pub fn iso_duration(seconds: u64) -> String {
    let parts = [(seconds / 3_600, 'H'), (seconds / 60 % 60, 'M'), (seconds % 60, 'S')];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "PT0S".to_owned() } else { format!("PT{text}") }
}

/// CHOICE: the longest sleep (actions.md 10).
const LONGEST_SLEEP: u64 = 30 * 86_400;

/// Parses the duration of `ACS::Sleep`: `P[nD][T[nH][nM][nS]]` or the short form `[nH][nM][nS]`, in any case, with at
/// least one part and one after `T`; from 1 second to 30 days.
///
/// # Errors
/// The text, when it is none or out of range.
pub fn parse_sleep_duration(text: &str) -> Result<Duration, TimeError> {
    let text = text.trim();
    let seconds = sleep_seconds(&text.to_ascii_uppercase())
        .ok_or_else(|| TimeError::new(text, "a duration such as PT1H30M, 10S, 5M or 1H30M"))?;
    if (1..=LONGEST_SLEEP).contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    Err(TimeError::new(text, "a duration from 1 second to 30 days"))
}

fn sleep_seconds(text: &str) -> Option<u64> {
    const CLOCK: [(char, u64); 3] = [('H', 3_600), ('M', 60), ('S', 1)];
    let Some(standard) = text.strip_prefix('P') else { return duration_parts(text, &CLOCK) };
    match standard.split_once('T') {
        None => duration_parts(standard, &[('D', 86_400)]),
        Some(("", clock)) => duration_parts(clock, &CLOCK),
        Some((days, clock)) => duration_parts(days, &[('D', 86_400)])?.checked_add(duration_parts(clock, &CLOCK)?),
    }
}

/// Numbers with their units, in the order of `units`, at least one.
fn duration_parts(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    for (unit, seconds) in units {
        if let Some((digits, after)) = rest.split_once(*unit) {
            let number = u64::try_from(whole_number(digits)?).ok()?;
            total = total.checked_add(number.checked_mul(*seconds)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

/// A duration for people: `0s`, `90s`, `2m`, `1h 5m`, `1d 2h`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (size, unit) in parts {
        if rest >= size {
            words.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_templates_write() {
        let at = Timestamp::parse("2024-03-01T23:30:00Z").unwrap();
        assert_eq!(at.to_iso(), "2024-03-01T23:30:00Z");
        assert_eq!(Timestamp::parse("2024-03-01T23:30Z").unwrap(), at);
        assert_eq!(Timestamp::parse("2024-03-02T07:30:00+08:00").unwrap(), at);
        assert_eq!(Timestamp::parse("2024-03-01").unwrap().to_iso(), "2024-03-01T00:00:00Z");
        assert!(Timestamp::parse("tomorrow").is_err());
    }

    #[test]
    fn durations_for_people() {
        assert_eq!(human(Duration::from_secs(0)), "0s");
        assert_eq!(human(Duration::from_secs(3_661)), "1h 1m 1s");
    }

    #[test]
    fn unknown_conversions_stay_as_written() {
        let at = Timestamp::parse("2024-03-01T23:30:05Z").unwrap();
        assert_eq!(at.format("%Y-%m-%dT%H:%M:%SZ"), "2024-03-01T23:30:05Z");
        assert_eq!(at.format("%Y/%K/%m 100%"), "2024/%K/03 100%");
    }

    #[test]
    fn times_of_day() {
        for (text, seconds) in [("08:00:00Z", 28_800), ("23:59Z", 86_340), ("00:00:01", 1), (" 18:30:00z ", 66_600)] {
            assert_eq!(parse_time_of_day(text).unwrap(), seconds, "{text}");
        }
        for text in ["", "8:00", "24:00:00Z", "10:60:00", "10:00:60", "10", "10:00:00:00", "+1:00", "10:00:00+08:00"] {
            assert!(parse_time_of_day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sleep_durations_in_both_forms() {
        let cases = [
            ("PT1H2M", 3_720),
            ("PT10S", 10),
            ("PT1M", 60),
            ("3s", 3),
            ("1M", 60),
            ("4m", 240),
            ("1H2M", 3_720),
            ("pt10h30m", 37_800),
            ("P1D", 86_400),
            ("P1DT1S", 86_401),
            ("P30D", 2_592_000),
            (" 5S ", 5),
            ("PT14H", 50_400),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_sleep_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_sleep_duration() {
        let cases = [
            "",
            "P",
            "PT",
            "P1DT",
            "T1S",
            "10",
            "1D",
            "P1H",
            "PT1S1M",
            "PT1.5S",
            "1H1H",
            "-1S",
            "PT-1S",
            "0S",
            "PT0S",
            "P31D",
            "P30DT1S",
            "M",
            "PT1W",
            "1 H",
            "99999999999999999999H",
            "5124095576030431H",
            "{{ x }}M",
        ];
        for text in cases {
            assert!(parse_sleep_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_as_iso_text() {
        assert_eq!(iso_duration(37_800), "PT10H30M");
        assert_eq!(iso_duration(50_400), "PT14H");
        assert_eq!(iso_duration(0), "PT0S");
        assert_eq!(iso_duration(90_061), "PT25H1M1S");
        assert_eq!(parse_sleep_duration(&iso_duration(90_061)), Ok(Duration::from_secs(90_061)));
    }
}
