//! Dates, always in UTC. What reads the clock or the local time zone is deliberately absent.

use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz};

use super::{Spec, once};
use crate::value::{
    Value,
    jaq::{JqError, JqResult, JqValue, fail, meter, show},
};

pub(super) static NATIVES: [Spec; 4] = [
    Spec::new("mktime", "", |cv| once(mktime(&cv.1))),
    Spec::new("gmtime", "", |cv| once(gmtime(&cv.1))),
    Spec::new("strftime", "v", |mut cv| {
        let format = cv.0.pop_var();
        once(strftime(&cv.1, &format))
    }),
    Spec::new("strptime", "v", |mut cv| {
        let format = cv.0.pop_var();
        once(strptime(&cv.1, &format))
    }),
];

fn wrong(error: impl std::fmt::Display) -> JqError {
    JqError::str(error)
}

/// A number of seconds as a broken down time: year, month from 0, day, hours, minutes, seconds, weekday, day of year.
fn gmtime(value: &JqValue) -> JqResult {
    let Some(seconds) = value.value.as_f64() else {
        return fail("gmtime() requires a number");
    };
    let date = from_seconds(seconds)?;
    let fraction = seconds - seconds.floor();
    Ok(broken_down(date, fraction))
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates and the date is checked")]
fn from_seconds(seconds: f64) -> Result<DateTime, JqError> {
    let time = Timestamp::from_second(seconds.floor() as i64).map_err(wrong)?;
    Ok(time.to_zoned(tz::TimeZone::UTC).datetime())
}

fn broken_down(date: DateTime, fraction: f64) -> JqValue {
    let seconds = if fraction > 0.0 {
        Value::Float(f64::from(date.second()) + fraction)
    } else {
        i32::from(date.second()).into()
    };
    let parts = [
        Value::from(i32::from(date.year())),
        (i32::from(date.month()) - 1).into(),
        i32::from(date.day()).into(),
        i32::from(date.hour()).into(),
        i32::from(date.minute()).into(),
        seconds,
        i32::from(date.weekday().to_sunday_zero_offset()).into(),
        (i32::from(date.day_of_year()) - 1).into(),
    ];
    JqValue::derived(parts.into_iter().collect(), 1)
}

fn mktime(value: &JqValue) -> JqResult {
    let date = date_of_parts(value, "mktime")?;
    let time = date.to_zoned(tz::TimeZone::UTC).map_err(wrong)?.timestamp();
    Ok(JqValue::scalar(time.as_second()))
}

/// The date that a broken down time means.
fn date_of_parts(value: &JqValue, name: &str) -> Result<DateTime, JqError> {
    let Some(parts) = value.value.as_list().filter(|parts| parts.len() >= 3) else {
        return fail(format!("{name} requires array of 6 numbers"));
    };
    let mut numbers = [0; 6];
    for (number, part) in numbers.iter_mut().zip(parts) {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates and the date is checked")]
        let whole = part.as_f64().map(|f| f.floor() as i64);
        *number = whole.ok_or_else(|| wrong(format!("{name} requires parsed datetime inputs")))?;
    }
    let [year, month, day, hour, minute, second] = numbers;
    let start = DateTime::new(i16::try_from(year).map_err(wrong)?, 1, 1, 0, 0, 0, 0).map_err(wrong)?;
    let span = jiff::Span::new()
        .try_months(month)
        .and_then(|s| s.try_days(day - 1))
        .and_then(|s| s.try_hours(hour))
        .and_then(|s| s.try_minutes(minute))
        .and_then(|s| s.try_seconds(second));
    start.checked_add(span.map_err(wrong)?).map_err(wrong)
}

fn strftime(value: &JqValue, format: &JqValue) -> JqResult {
    let date = match &value.value {
        Value::Int(_) | Value::Float(_) => from_seconds(value.number()?)?,
        Value::List(_) => date_of_parts(value, "strftime/1")?,
        _ => return fail("strftime/1 requires parsed datetime inputs"),
    };
    let Value::String(format) = &format.value else {
        return fail("strftime/1 requires a string format");
    };
    meter::take(16 * format.len())?;
    let zoned = date.to_zoned(tz::TimeZone::UTC).map_err(wrong)?;
    strtime::format(format.as_bytes(), &zoned).map(JqValue::scalar).map_err(wrong)
}

fn strptime(value: &JqValue, format: &JqValue) -> JqResult {
    let Value::String(text) = &value.value else {
        return fail(format!("strptime/1 requires string inputs and arguments, not {}", show(&value.value)));
    };
    let format = format.text("is not a time format")?;
    meter::take(text.len() + format.len())?;
    let mismatch = || wrong(format!("date \"{text}\" does not match format \"{format}\""));
    let parsed = strtime::parse(format.as_bytes(), text.as_bytes()).map_err(|_| mismatch())?;
    let date =
        parsed.to_datetime().or_else(|_| parsed.to_timestamp().map(|t| t.to_zoned(tz::TimeZone::UTC).datetime()));
    date.map(|date| broken_down(date, 0.0)).map_err(|_| mismatch())
}
