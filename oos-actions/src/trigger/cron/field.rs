//! The fields of a cron expression: sets of numbers, and the two day fields with their special marks.

use std::{collections::BTreeSet, ops::RangeInclusive};

use jiff::civil::{Date, Weekday};

/// Names of months, in order from 1.
pub(super) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Names of days, in order from 1.
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const DAYS_OF_MONTH: RangeInclusive<u16> = 1..=31;
const DAYS_OF_WEEK: RangeInclusive<u16> = 1..=7;
const YEARS: RangeInclusive<u16> = 1970..=2099;

/// Small numbers, each in or out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    fn insert(&mut self, n: u16) {
        self.0 |= 1_u64.checked_shl(u32::from(n)).unwrap_or(0);
    }

    pub(super) fn contains(self, n: u8) -> bool {
        self.0 & 1_u64.checked_shl(u32::from(n)).unwrap_or(0) != 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0..64_u8).filter(move |n| self.contains(*n))
    }
}

/// How the numbers of a field are written.
struct Field<'a> {
    name: &'static str,
    range: RangeInclusive<u16>,
    names: &'a [&'a str],
}

impl Field<'_> {
    fn unknown(&self, part: &str) -> String {
        format!("`{part}` in the {} field is not known", self.name)
    }

    fn number(&self, text: &str) -> Result<u16, String> {
        if let Some(index) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            let index = u16::try_from(index).map_err(|_| self.unknown(text))?;
            return Ok(self.range.start() + index);
        }
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.unknown(text));
        }
        let (low, high) = (self.range.start(), self.range.end());
        text.parse()
            .ok()
            .filter(|n| self.range.contains(n))
            .ok_or_else(|| format!("`{text}` in the {} field is not between {low} and {high}", self.name))
    }

    /// One part: `*`, `a`, `a-b`, any of them with `/step`. A range whose end lies before its start runs over the
    /// end of the field.
    fn part(&self, part: &str) -> Result<Vec<u16>, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (*self.range.start(), *self.range.end()),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None => {
                let first = self.number(range)?;
                (first, if step.is_some() { *self.range.end() } else { first })
            }
        };
        let all: Vec<_> = if first <= last {
            (first..=last).collect()
        } else {
            (first..=*self.range.end()).chain(*self.range.start()..=last).collect()
        };
        Ok(all.into_iter().step_by(step.unwrap_or(1)).collect())
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("`{text}` in the {} field is no step", self.name))
    }
}

/// A field of plain numbers.
pub(super) fn set(name: &'static str, text: &str, range: RangeInclusive<u16>, names: &[&str]) -> Result<Set, String> {
    let field = Field { name, range, names };
    let mut set = Set::default();
    for part in text.split(',') {
        field.part(part)?.into_iter().for_each(|n| set.insert(n));
    }
    Ok(set)
}

/// The year field; `None` for every year.
pub(super) fn years(text: &str) -> Result<Option<BTreeSet<i16>>, String> {
    if text == "*" {
        return Ok(None);
    }
    let field = Field { name: "year", range: YEARS, names: &[] };
    let mut years = BTreeSet::new();
    for part in text.split(',') {
        years.extend(field.part(part)?.into_iter().filter_map(|n| i16::try_from(n).ok()));
    }
    Ok(Some(years))
}

/// The day-of-month field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DayOfMonth {
    any: bool,
    days: Set,
    /// Days before the last one.
    from_last: BTreeSet<u16>,
    last_workday: bool,
    /// The workday nearest to these.
    nearest: BTreeSet<u16>,
}

impl DayOfMonth {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let field = Field { name: "day-of-month", range: DAYS_OF_MONTH, names: &[] };
        let mut days = Self { any: matches!(text, "*" | "?"), ..Self::default() };
        for part in text.split(',').filter(|_| !days.any).map(str::to_ascii_uppercase).collect::<Vec<_>>() {
            days.add(&field, &part)?;
        }
        Ok(days)
    }

    fn add(&mut self, field: &Field<'_>, part: &str) -> Result<(), String> {
        if part == "L" {
            self.from_last.insert(0);
        } else if part == "LW" || part == "WL" {
            self.last_workday = true;
        } else if let Some(before) = part.strip_prefix("L-") {
            self.from_last.insert(field.number(before)?);
        } else if let Some(day) = part.strip_suffix('W') {
            self.nearest.insert(field.number(day)?);
        } else {
            field.part(part)?.into_iter().for_each(|n| self.days.insert(n));
        }
        Ok(())
    }

    pub(super) fn is_any(&self) -> bool {
        self.any
    }

    pub(super) fn matches(&self, date: Date) -> bool {
        let day = date.day().unsigned_abs();
        let before_last = u16::from(date.days_in_month().unsigned_abs().saturating_sub(day));
        self.any
            || self.days.contains(day)
            || self.from_last.contains(&before_last)
            || (self.last_workday && nearest_workday(date.last_of_month()) == Some(date))
            || self.nearest.iter().any(|n| day_of(date, *n).and_then(nearest_workday) == Some(date))
    }
}

fn day_of(date: Date, day: u16) -> Option<Date> {
    Date::new(date.year(), date.month(), i8::try_from(day).ok()?).ok()
}

/// The workday nearest to a day without leaving its month.
fn nearest_workday(date: Date) -> Option<Date> {
    let moved = match date.weekday() {
        Weekday::Saturday if date.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if date == date.last_of_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    date.checked_add(jiff::Span::new().days(moved)).ok()
}

/// The day-of-week field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DayOfWeek {
    any: bool,
    days: Set,
    /// The last of these weekdays in the month.
    last: Set,
    /// The n-th weekday of the month: (weekday, n).
    nth: BTreeSet<(u8, u8)>,
}

impl DayOfWeek {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let field = Field { name: "day-of-week", range: DAYS_OF_WEEK, names: &WEEKDAYS };
        let mut days = Self { any: matches!(text, "*" | "?"), ..Self::default() };
        for part in text.split(',').filter(|_| !days.any).map(str::to_ascii_uppercase).collect::<Vec<_>>() {
            days.add(&field, &part)?;
        }
        Ok(days)
    }

    fn add(&mut self, field: &Field<'_>, part: &str) -> Result<(), String> {
        if part == "L" {
            self.days.insert(7);
        } else if let Some((day, n)) = part.split_once('#') {
            let n = n.parse::<u8>().ok().filter(|n| (1..=5).contains(n)).ok_or_else(|| field.unknown(part))?;
            self.nth.insert((u8::try_from(field.number(day)?).map_err(|_| field.unknown(part))?, n));
        } else if let Some(day) = part.strip_suffix('L') {
            self.last.insert(field.number(day)?);
        } else {
            field.part(part)?.into_iter().for_each(|n| self.days.insert(n));
        }
        Ok(())
    }

    pub(super) fn is_any(&self) -> bool {
        self.any
    }

    pub(super) fn matches(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset().unsigned_abs();
        let day = date.day().unsigned_abs();
        let is_last = date.days_in_month().unsigned_abs() - day < 7;
        self.any
            || self.days.contains(weekday)
            || (is_last && self.last.contains(weekday))
            || self.nth.contains(&(weekday, day.div_ceil(7)))
    }
}
