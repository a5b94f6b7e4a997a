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
        let error = || TimeError(text.to_owned());
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
        jiff::fmt::strtime::format(format, &at).unwrap_or_else(|_| format.to_owned())
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

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time such as 2024-03-01T23:30:00Z")]
pub struct TimeError(String);

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
}
