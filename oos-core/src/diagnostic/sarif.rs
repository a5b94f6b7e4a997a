//! Findings as a SARIF 2.1.0 log, which code hosts show beside the changed lines.

use serde_json::{Value as Json, json};

use super::{Code, Diagnostic, Diagnostics, Label, Severity};
use crate::source::{LineIndex, SourceText, Span};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

impl Diagnostics {
    /// The findings as a SARIF log with one run.
    pub fn to_sarif(&self) -> Json {
        sarif_log([self])
    }
}

/// The findings about several documents as one SARIF log with one run.
pub fn sarif_log<'d>(documents: impl IntoIterator<Item = &'d Diagnostics>) -> Json {
    let results: Vec<Json> = documents.into_iter().flat_map(results).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rules() -> Vec<Json> {
    let rule = |code: &Code, meaning: &str| {
        json!({
            "id": code.kebab(),
            "shortDescription": {"text": meaning.trim()},
            "properties": {"serviceCode": code.service()},
        })
    };
    Code::ALL.iter().map(|(code, meaning)| rule(code, meaning)).collect()
}

fn results(found: &Diagnostics) -> Vec<Json> {
    let document = Document { source: found.source(), lines: found.source().map(|s| LineIndex::new(&s.text)) };
    found.iter().map(|finding| document.result(finding)).collect()
}

struct Document<'d> {
    source: Option<&'d SourceText>,
    lines: Option<LineIndex>,
}

impl Document<'_> {
    fn result(&self, finding: &Diagnostic) -> Json {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut location = self.location(&finding.primary);
        if !finding.pointer.is_empty() {
            insert(&mut location, "logicalLocations", json!([{"fullyQualifiedName": finding.pointer}]));
        }
        let mut result = json!({
            "ruleId": finding.code.kebab(),
            "ruleIndex": Code::ALL.iter().position(|(code, _)| *code == finding.code),
            "level": level,
            "message": {"text": sentence(finding)},
            "locations": [location],
        });
        if !finding.labels.is_empty() {
            let related: Vec<Json> = finding.labels.iter().map(|label| self.location(label)).collect();
            insert(&mut result, "relatedLocations", Json::from(related));
        }
        result
    }

    fn location(&self, label: &Label) -> Json {
        let mut physical = json!({"artifactLocation": {"uri": uri(self.source.map_or("", |s| &*s.name))}});
        if let Some(region) = label.span.and_then(|span| self.region(span)) {
            insert(&mut physical, "region", region);
        }
        let mut location = json!({"physicalLocation": physical});
        if !label.text.is_empty() {
            insert(&mut location, "message", json!({"text": label.text}));
        }
        location
    }

    fn region(&self, span: Span) -> Option<Json> {
        let text = &self.source?.text;
        let lines = self.lines.as_ref()?;
        let (start, end) = (lines.position(text, span.start), lines.position(text, span.end));
        Some(json!({
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
            "byteOffset": span.start,
            "byteLength": span.end.saturating_sub(span.start),
        }))
    }
}

fn insert(object: &mut Json, key: &str, value: Json) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// The message with its hint: a SARIF result has one text.
fn sentence(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{} (help: {help})", finding.message),
        None => finding.message.clone(),
    }
}

/// A file name as URI reference: a URI stays as it is, the rest is percent-encoded.
pub(super) fn uri(name: &str) -> String {
    if name.contains("://") {
        return name.to_owned();
    }
    let encode = |byte: u8| match byte {
        b'\\' => "/".to_owned(),
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(encode).collect()
}
