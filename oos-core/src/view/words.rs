//! Words that all views share: marks, times, counts, and text that cannot break a line.

use std::{borrow::Cow, time::Duration};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{
    Timestamp, Value,
    machine::{ExecutionStatus, TaskStatus},
    ports::event::LoopCounts,
    time::human,
};

/// CHOICE: from here on an offset is written in hours and minutes.
const LONG_OFFSET: u64 = 3_600;

/// The mark of a status: one column wide, told apart without colour.
pub(super) fn mark(status: TaskStatus) -> char {
    match status {
        TaskStatus::Pending => '·',
        TaskStatus::Running => '▸',
        TaskStatus::Waiting => '◦',
        TaskStatus::Success => '✓',
        TaskStatus::Failed => '✗',
        TaskStatus::Cancelled => '⊘',
        TaskStatus::Skipped => '↷',
    }
}

/// The status of an execution in the words of tasks.
pub(super) fn as_task(status: ExecutionStatus) -> TaskStatus {
    match status {
        ExecutionStatus::Started | ExecutionStatus::Queued => TaskStatus::Pending,
        ExecutionStatus::Running => TaskStatus::Running,
        ExecutionStatus::Waiting => TaskStatus::Waiting,
        ExecutionStatus::Success => TaskStatus::Success,
        ExecutionStatus::Failed => TaskStatus::Failed,
        ExecutionStatus::Cancelled => TaskStatus::Cancelled,
    }
}

/// `+90s`, `+0.25s`, `+1h5m`: the time since `start`.
pub(super) fn offset(at: Timestamp, start: Timestamp) -> String {
    let since = at.since(start);
    if since.as_secs() >= LONG_OFFSET {
        return format!("+{}", human(since).replace(' ', ""));
    }
    let millis = format!("{:03}", since.subsec_millis());
    match millis.trim_end_matches('0') {
        "" => format!("+{}s", since.as_secs()),
        millis => format!("+{}.{millis}s", since.as_secs()),
    }
}

/// `250ms`, `0s`, `1m 30s`.
pub(super) fn length(took: Duration) -> String {
    if took.as_secs() == 0 && took.as_millis() > 0 { format!("{}ms", took.as_millis()) } else { human(took) }
}

/// `98 Success, 2 Failed`: what is not zero, bad news last.
pub(super) fn by_status(counts: LoopCounts) -> String {
    let named = [
        (counts.success, TaskStatus::Success),
        (counts.skipped, TaskStatus::Skipped),
        (counts.cancelled, TaskStatus::Cancelled),
        (counts.running, TaskStatus::Running),
        (counts.pending, TaskStatus::Pending),
        (counts.failed, TaskStatus::Failed),
    ];
    let words: Vec<_> = named.iter().filter(|(n, _)| *n > 0).map(|(n, status)| format!("{n} {status}")).collect();
    words.join(", ")
}

/// `100 items: 98 Success, 2 Failed`.
pub(super) fn loop_words(counts: LoopCounts) -> String {
    let unit = if counts.total == 1 { "item" } else { "items" };
    match by_status(counts) {
        words if words.is_empty() => format!("{} {unit}", counts.total),
        words => format!("{} {unit}: {words}", counts.total),
    }
}

/// `1 firing`, `12 firings`.
pub(super) fn firings(count: usize) -> String {
    if count == 1 { "1 firing".to_owned() } else { format!("{count} firings") }
}

/// The text on one line: characters that would move the cursor, colour the terminal or turn the direction of writing
/// are shown as blanks.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(bad) { Cow::Owned(text.replace(bad, " ")) } else { Cow::Borrowed(text) }
}

/// At most that many columns; what is cut is shown by `…`.
pub(super) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < columns.max(1)
    };
    let kept: String = text.chars().take_while(fits).collect();
    Cow::Owned(format!("{}…", kept.trim_end()))
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// A value on one line: text as it is, anything else as JSON with sorted keys, at most that many columns.
pub(super) fn value_words(value: &Value, columns: usize) -> String {
    let text = match value {
        Value::String(text) => text.to_string(),
        other => sorted(&other.to_json()).to_string(),
    };
    cut(&clean(&text), columns).into_owned()
}

fn sorted(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut members: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            members.into_iter().collect()
        }
        serde_json::Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_lengths() {
        let at = |millis| offset(Timestamp::from_millis(millis), Timestamp::default());
        assert_eq!([at(0), at(90_000), at(250), at(3_900_000)], ["+0s", "+90s", "+0.25s", "+1h5m"]);
        assert_eq!(length(Duration::from_millis(20)), "20ms");
        assert_eq!(length(Duration::from_millis(90_020)), "1m 30s");
    }

    #[test]
    fn a_cut_text_is_never_wider() {
        for columns in 1..12 {
            for text in ["plain text here", "实例状态异常", "a实b例c"] {
                assert!(cut(text, columns).width() <= columns, "{text} {columns}");
            }
        }
        assert_eq!(cut("实例", 4), "实例");
    }

    #[test]
    fn nothing_moves_the_cursor_or_the_direction() {
        assert_eq!(clean("a\u{1b}[31m\r\nb\u{202e}c"), "a [31m  b c");
    }

    #[test]
    fn values_have_sorted_keys() {
        let value = Value::from_json_str(r#"{"b":1,"a":[{"d":1,"c":"x\ny"}]}"#).unwrap();
        assert_eq!(value_words(&value, 80), r#"{"a":[{"c":"x\ny","d":1}],"b":1}"#);
        assert_eq!(value_words(&Value::from("i-1"), 80), "i-1");
    }
}
