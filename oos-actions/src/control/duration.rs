//! Durations as templates write them: ISO 8601 without fractions, weeks, months or years, and the short form that
//! leaves out `PT` (page "ACS::Sleep"). Here `M` behind `T`, or in the short form, is minutes.

use std::time::Duration;

/// CHOICE: the longest sleep; the product names none (actions.md 10).
pub const MAX_SLEEP: Duration = Duration::from_secs(30 * 86_400);

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration such as PT1H2M or 1H2M, {reason}")]
pub struct DurationError {
    text: String,
    reason: &'static str,
}

/// Reads `P[nD][T[nH][nM][nS]]` or `[nH][nM][nS]`, any case, at least one second and at most [`MAX_SLEEP`].
///
/// # Errors
/// The text and what is wrong with it.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let error = |reason| DurationError { text: text.to_owned(), reason };
    let upper = text.trim().to_ascii_uppercase();
    let seconds = seconds(&upper).ok_or_else(|| error("with numbers in the order of days, hours, minutes, seconds"))?;
    match Duration::from_secs(seconds) {
        Duration::ZERO => Err(error("of at least one second")),
        duration if duration > MAX_SLEEP => Err(error("of at most 30 days")),
        duration => Ok(duration),
    }
}

fn seconds(text: &str) -> Option<u64> {
    const TIME: [(char, u64); 3] = [('H', 3_600), ('M', 60), ('S', 1)];
    let Some(rest) = text.strip_prefix('P') else {
        return parts(text, &TIME);
    };
    match rest.split_once('T') {
        None => parts(rest, &[('D', 86_400)]),
        Some(("", time)) => parts(time, &TIME),
        Some((date, time)) => parts(date, &[('D', 86_400)])?.checked_add(parts(time, &TIME)?),
    }
}

/// The sum of `<number><unit>` parts whose units stand in the given order, each at most once, at least one.
fn parts(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut sum = 0_u64;
    let mut units = units.iter();
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        let at = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, rest) = text.split_at_checked(at)?;
        let unit = rest.chars().next()?;
        let (_, size) = units.by_ref().find(|(u, _)| *u == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*size)?)?;
        text = rest.get(unit.len_utf8()..)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_templates_write() {
        let table = [
            ("1S", 1),
            ("1m", 60),
            ("1H", 3_600),
            ("1H2M", 3_720),
            ("PT1H2M", 3_720),
            ("pt10s", 10),
            ("PT90M", 5_400),
            ("4m", 240),
            ("3s", 3),
            ("12H", 43_200),
            ("P1D", 86_400),
            ("P1DT1H", 90_000),
            ("P30D", 2_592_000),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).map(|d| d.as_secs()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in
            ["", "0S", "M", "P", "PT", "1X", "P1DT", "1.5S", "-1S", "1M2H", "1M1M", "P1M", "P1W", "PT1H2", "你", "1D"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("P31D").is_err());
        assert!(parse("99999999999999999999S").is_err());
        assert_eq!(
            parse("0S").unwrap_err().to_string(),
            "`0S` is not a duration such as PT1H2M or 1H2M, of at least one second"
        );
    }
}
