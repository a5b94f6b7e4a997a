//! Findings as editors want them: the parameters of `textDocument/publishDiagnostics` of the Language Server Protocol
//! 3.17. Lines and columns count from 0, columns in UTF-16 units.

use serde_json::{Value as Json, json};

use super::{Diagnostic, Diagnostics, Severity, sarif::uri};
use crate::source::{LineIndex, SourceText, Span};

impl Diagnostics {
    /// `{uri, diagnostics}`; the name of the source is the URI, encoded unless it is one.
    pub fn to_lsp(&self) -> Json {
        let source = self.source();
        let document = Document { source, lines: LineIndex::new(source.map_or("", |s| &s.text)) };
        let diagnostics: Vec<Json> = self.iter().map(|finding| document.diagnostic(finding)).collect();
        json!({"uri": document.uri(), "diagnostics": diagnostics})
    }
}

struct Document<'d> {
    source: Option<&'d SourceText>,
    lines: LineIndex,
}

impl Document<'_> {
    fn uri(&self) -> String {
        uri(self.source.map_or("", |source| &source.name))
    }

    fn diagnostic(&self, finding: &Diagnostic) -> Json {
        let severity = match finding.severity {
            Severity::Error => 1,
            Severity::Warning => 2,
        };
        let message = match &finding.help {
            Some(help) => format!("{}\nhelp: {help}", finding.message),
            None => finding.message.clone(),
        };
        let related = |label: &super::Label| {
            let location = json!({"uri": self.uri(), "range": self.range(label.span)});
            json!({"location": location, "message": label.text})
        };
        json!({
            "range": self.range(finding.primary.span),
            "severity": severity,
            "code": finding.code.kebab(),
            "source": "oos",
            "message": message,
            "relatedInformation": finding.labels.iter().map(related).collect::<Vec<_>>(),
            "data": {"pointer": finding.pointer, "serviceCode": finding.code.service()},
        })
    }

    /// The range of a span; the start of the document when it has none.
    fn range(&self, span: Option<Span>) -> Json {
        let text = self.source.map_or("", |source| &source.text);
        let position = |offset: u32| {
            let (line, character) = self.lines.position_utf16(text, offset);
            json!({"line": line, "character": character})
        };
        let span = span.unwrap_or(Span { start: 0, end: 0 });
        json!({"start": position(span.start), "end": position(span.end)})
    }
}
