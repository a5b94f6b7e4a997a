//! Literal rate control: modes, numbers, percentages, batches (template-language 6.2, 6.4).

use super::walk::is_plain;
use crate::{
    Value,
    diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest},
    plan::escape,
    source::{Node, NodeKind, Span},
};

const KEYS: [&str; 6] = ["Mode", "Concurrency", "MaxErrors", "Batch", "ConcurrencyInBatches", "BatchPauseOption"];
const MODES: [&str; 2] = ["Concurrency", "Batch"];
const PAUSES: [&str; 3] = ["Automatic", "FirstBatchPause", "EveryBatchPause"];
/// Keys that only mean something in one mode.
const BY_MODE: [(&str, &str); 4] = [
    ("Concurrency", "Concurrency"),
    ("Batch", "Batch"),
    ("ConcurrencyInBatches", "Batch"),
    ("BatchPauseOption", "Batch"),
];

/// Judges rate controls; faults are of one severity.
pub(super) struct Rates<'f> {
    severity: Severity,
    found: &'f mut Diagnostics,
}

impl<'f> Rates<'f> {
    pub(super) fn new(severity: Severity, found: &'f mut Diagnostics) -> Self {
        Self { severity, found }
    }

    /// `RateControl`: a map, or something that gives one.
    pub(super) fn control(&mut self, node: &Node, pointer: &str) {
        let members = match &node.kind {
            _ if !is_plain(node) || node.is_null() => return,
            NodeKind::Map(members) => members,
            NodeKind::Scalar(value) if value.parsed_if_json_text().as_map().is_some() => return,
            _ => return self.fault("a rate control is a map or a reference to one".to_owned(), node.span, pointer),
        };
        for (key, member) in members {
            let pointer = format!("{pointer}/{}", escape(&key.text));
            if KEYS.contains(&&*key.text) {
                self.key(&key.text, member, &pointer);
                self.mode_of(&key.text, key.span, node, &pointer);
            } else {
                let message = format!("a rate control has no key `{}`", key.text);
                let finding = Diagnostic::warning(Code::UNKNOWN_KEY, message, key.span, pointer);
                self.found.push(match nearest(&key.text, KEYS) {
                    Some(near) => finding.help(format!("a key named `{near}` exists")),
                    None => finding,
                });
            }
        }
    }

    /// One key, also of the old form.
    pub(super) fn key(&mut self, key: &str, node: &Node, pointer: &str) {
        if !is_plain(node) || node.is_null() {
            return;
        }
        match key {
            "Mode" => self.word(key, node, &MODES, pointer),
            "BatchPauseOption" => self.word(key, node, &PAUSES, pointer),
            "MaxErrors" => self.amount(key, node, 0, pointer),
            // `Fn::CalculateBatch` may give a list of sizes, so a list is fine (template-language 11).
            "Concurrency" | "ConcurrencyInBatches" => self.amounts(key, node, pointer),
            _ if node.as_list().is_some_and(|list| !list.is_empty()) => self.amounts(key, node, pointer),
            _ => self.fault(format!("`{key}` must be a list with at least one size"), node.span, pointer),
        }
    }

    /// A key of the other mode is ignored.
    fn mode_of(&mut self, key: &str, span: Option<Span>, control: &Node, pointer: &str) {
        let mode = control.get("Mode").and_then(Node::as_str).map(bare);
        let wanted = BY_MODE.iter().find(|(of, _)| *of == key).map(|(_, mode)| *mode);
        let (Some(mode), Some(wanted)) = (mode, wanted) else { return };
        let known = MODES.iter().find(|m| m.eq_ignore_ascii_case(mode));
        if let Some(known) = known.filter(|known| **known != wanted) {
            let message = format!("`{key}` is ignored in mode {known}");
            let finding = Diagnostic::warning(Code::LOOP, message, span, pointer);
            self.found.push(finding.help(format!("it belongs to `Mode: {wanted}`")));
        }
    }

    fn word(&mut self, key: &str, node: &Node, words: &[&'static str], pointer: &str) {
        let text = node.as_str().unwrap_or("");
        self.comma(text, node.span, pointer);
        let written = bare(text);
        if words.contains(&written) {
            return;
        }
        match words.iter().find(|word| word.eq_ignore_ascii_case(written)) {
            Some(word) => {
                let message = format!("`{written}` matches only when case is ignored");
                let finding = Diagnostic::warning(Code::LOOP, message, node.span, pointer);
                self.found.push(finding.help(format!("it is spelled `{word}`")));
            }
            None => {
                let message = format!("`{}` is no `{key}` of a loop", node.to_value().to_text());
                let known = words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
                let help = match nearest(written, words.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it is one of {known}"),
                };
                self.finding(message, node.span, pointer, Some(help));
            }
        }
    }

    fn amounts(&mut self, key: &str, node: &Node, pointer: &str) {
        match node.as_list() {
            Some(list) => {
                let plain = list.iter().enumerate().filter(|(_, item)| is_plain(item));
                plain.for_each(|(i, item)| self.amount(key, item, 1, &format!("{pointer}/{i}")));
            }
            None => self.amount(key, node, 1, pointer),
        }
    }

    /// A whole number from `least`, or a percentage.
    fn amount(&mut self, key: &str, node: &Node, least: i64, pointer: &str) {
        let value = node.to_value();
        if let Some(text) = value.as_str() {
            self.comma(text, node.span, pointer);
        }
        if let Some(problem) = problem(&value, least) {
            self.fault(format!("`{key}` {problem}"), node.span, pointer);
        }
    }

    fn comma(&mut self, text: &str, span: Option<Span>, pointer: &str) {
        if text.trim_end().ends_with(',') {
            let finding = Diagnostic::warning(Code::LOOP, "the comma at the end is ignored", span, pointer);
            self.found.push(finding.help("remove it"));
        }
    }

    fn fault(&mut self, message: String, span: Option<Span>, pointer: &str) {
        self.finding(message, span, pointer, None);
    }

    fn finding(&mut self, message: String, span: Option<Span>, pointer: &str, help: Option<String>) {
        let finding = Diagnostic::error(Code::LOOP, message, span, pointer);
        self.found.push(Diagnostic { severity: self.severity, help, ..finding });
    }
}

/// The text without the stray comma that is tolerated (template-language 6.2).
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(',').trim()
}

fn problem(value: &Value, least: i64) -> Option<String> {
    let number = value.as_i64().or_else(|| bare(value.as_str()?).parse().ok());
    if let Some(number) = number {
        return (number < least).then(|| format!("must be at least {least}, not {number}"));
    }
    let percent: Option<f64> = value.as_str().and_then(|text| bare(text).strip_suffix('%')?.trim().parse().ok());
    match percent {
        Some(percent) if (0.0..=100.0).contains(&percent) => None,
        Some(_) => Some(format!("must be between 0% and 100%, not `{}`", value.to_text())),
        None => Some(format!("must be a whole number or a percentage, not `{}`", value.to_text())),
    }
}
