//! Findings as text with the source line and carets, as compilers write them.
//!
//! ```text
//! error[undefined-parameter]: parameter `instnaceId` is not declared
//!   --> reboot.yml:23:25
//!    |
//! 23 |         instanceId: '{{ instnaceId }}'
//!    |                         ^^^^^^^^^^ not found under `Parameters`
//!    = help: a parameter named `instanceId` exists
//! ```
//!
//! Further places are underlined with `-`. No colour: a terminal front end can add it.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::{LineIndex, SourceText};

/// CHOICE: columns of a source line that are shown; of a longer one (JSON on one line) the part around the place.
const WIDEST_LINE: usize = 160;
/// CHOICE: columns kept before the place in a line that is cut.
const KEPT_BEFORE: usize = 40;
/// Blanks that stand for a tab, as in rustc.
const TAB: &str = "    ";
/// The name of a text that has none.
const UNNAMED: &str = "<template>";

impl Diagnostics {
    /// All findings as text, an empty line between them.
    pub fn render(&self) -> String {
        let lines = self.source().map(|source| (source, LineIndex::new(&source.text)));
        let blocks: Vec<String> = self.iter().map(|d| Block { finding: d, lines: lines.as_ref() }.render()).collect();
        blocks.join("\n")
    }
}

/// One finding on its way to text.
struct Block<'d> {
    finding: &'d Diagnostic,
    lines: Option<&'d (&'d SourceText, LineIndex)>,
}

/// A label on its line.
struct Mark<'d> {
    line: usize,
    /// Byte offsets inside the line.
    start: usize,
    end: usize,
    sign: char,
    text: &'d str,
}

impl Block<'_> {
    fn render(&self) -> String {
        let finding = self.finding;
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut out = format!("{severity}[{}]: {}\n", finding.code, one_line(&finding.message));
        let marks = self.marks();
        let width = marks.iter().map(|mark| mark.line.to_string().len()).max().unwrap_or(2);
        let gutter = " ".repeat(width);
        let _ = writeln!(out, "{gutter}--> {}", self.place());
        if !marks.is_empty() {
            let _ = writeln!(out, "{gutter} |");
            self.excerpt(&mut out, &marks, width);
        }
        for label in finding.labels.iter().filter(|label| self.mark(label, '-').is_none() && !label.text.is_empty()) {
            let _ = writeln!(out, "{gutter} = note: {}", one_line(&label.text));
        }
        if let Some(help) = &finding.help {
            let _ = writeln!(out, "{gutter} = help: {}", one_line(help));
        }
        out
    }

    /// `name:line:column`, or the name and the JSON pointer.
    fn place(&self) -> String {
        let name = one_line(self.lines.map_or(UNNAMED, |(source, _)| &source.name));
        let span = self.finding.primary.span;
        match (span, self.lines) {
            (Some(span), Some((source, lines))) => {
                let at = lines.position(&source.text, span.start);
                format!("{name}:{}:{}", at.line, at.column)
            }
            _ if self.finding.pointer.is_empty() => name,
            _ => format!("{name}: {}", one_line(&self.finding.pointer)),
        }
    }

    /// The primary place and, when it is known, the others; by line, the primary first on its line.
    fn marks(&self) -> Vec<Mark<'_>> {
        let Some(primary) = self.mark(&self.finding.primary, '^') else { return Vec::new() };
        let others = self.finding.labels.iter().filter_map(|label| self.mark(label, '-'));
        let mut marks: Vec<_> = std::iter::once(primary).chain(others).collect();
        marks.sort_by_key(|mark| mark.line);
        marks
    }

    fn mark<'l>(&self, label: &'l Label, sign: char) -> Option<Mark<'l>> {
        let (source, lines) = self.lines?;
        let span = label.span?;
        let line = lines.position(&source.text, span.start).line;
        let first = lines.start(line)?;
        let length = lines.line(&source.text, line).len();
        let start = (span.start as usize).checked_sub(first)?.min(length);
        let end = (span.end as usize).checked_sub(first)?.min(length);
        Some(Mark { line, start, end, sign, text: &label.text })
    }

    fn excerpt(&self, out: &mut String, marks: &[Mark<'_>], width: usize) {
        let Some((source, lines)) = self.lines else { return };
        let mut last = None;
        for mark in marks {
            let cells = Cells::new(lines.line(&source.text, mark.line), mark.start);
            if last != Some(mark.line) {
                match last {
                    Some(before) if mark.line > before + 2 => out.push_str("...\n"),
                    Some(before) if mark.line == before + 2 => {
                        let between = Cells::new(lines.line(&source.text, before + 1), 0);
                        let _ = writeln!(out, "{}", format!("{:>width$} | {}", before + 1, between.text).trim_end());
                    }
                    _ => {}
                }
                let _ = writeln!(out, "{}", format!("{:>width$} | {}", mark.line, cells.text).trim_end());
            }
            last = Some(mark.line);
            let (before, under) = cells.columns(mark.start, mark.end);
            let signs = mark.sign.to_string().repeat(under.max(1));
            let row = format!("{:width$} | {:before$}{signs} {}", "", "", one_line(mark.text));
            let _ = writeln!(out, "{}", row.trim_end());
        }
    }
}

/// A source line as shown, with the column of each byte.
struct Cells {
    text: String,
    /// Byte offset in the line and column, for each character shown; the end of the line last.
    columns: Vec<(usize, usize)>,
}

impl Cells {
    /// The line, cut around byte `focus` when it is too wide to show.
    fn new(line: &str, focus: usize) -> Self {
        let from = if is_wide(line) { window(line, focus) } else { 0 };
        let mut cells = Self { text: String::new(), columns: Vec::new() };
        let mut column = 0;
        if from > 0 {
            cells.text.push('…');
            column = 1;
        }
        for (at, c) in line.get(from..).unwrap_or("").char_indices() {
            cells.columns.push((from + at, column));
            let (text, width) = shown(c);
            if column + width > WIDEST_LINE {
                cells.text.push('…');
                return cells;
            }
            cells.text.push_str(&text);
            column += width;
        }
        cells.columns.push((line.len(), column));
        cells
    }

    /// Columns before the bytes from `start` to `end`, and columns that they take.
    fn columns(&self, start: usize, end: usize) -> (usize, usize) {
        let column = |byte: usize| {
            let found = self.columns.iter().find(|(at, _)| *at >= byte).or(self.columns.last());
            found.map_or(0, |(_, column)| *column)
        };
        let before = column(start);
        (before, column(end).saturating_sub(before))
    }
}

/// True for a line that is too wide to show; looks no further than needed to tell.
fn is_wide(line: &str) -> bool {
    let mut left = WIDEST_LINE;
    line.chars().any(|c| match left.checked_sub(shown(c).1) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })
}

/// The byte from which a long line is shown, so that the place is in sight.
fn window(line: &str, focus: usize) -> usize {
    let before = line.get(..focus).unwrap_or("").char_indices().rev();
    let mut columns = 0;
    let mut from = focus;
    for (at, c) in before {
        columns += shown(c).1;
        if columns > KEPT_BEFORE {
            return from;
        }
        from = at;
    }
    0
}

/// How a character of the source is shown, and its width: tabs as blanks, what would disturb the layout as U+FFFD.
fn shown(c: char) -> (String, usize) {
    match c {
        '\t' => (TAB.to_owned(), TAB.len()),
        // Bidirectional controls could make the line look like another one.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ('\u{fffd}'.to_string(), 1),
        c if c.is_control() => ('\u{fffd}'.to_string(), 1),
        c => (c.to_string(), c.width().unwrap_or(0)),
    }
}

/// The text without line breaks and other controls.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
