//! Node → template, collecting findings.

use super::Template;
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    limits::Limits,
    source::{Node, SourceText},
};

pub(super) fn parse(source: SourceText, _limits: &Limits) -> Result<Template, Diagnostics> {
    let mut found = Diagnostics::new(Some(source));
    found.push(Diagnostic::error(Code::SYNTAX, "not written", None, ""));
    Err(found)
}

pub(super) fn parse_bytes(name: &str, _bytes: &[u8], limits: &Limits) -> Result<Template, Diagnostics> {
    parse(SourceText::new(name, ""), limits)
}

pub(super) fn from_node(_node: &Node, source: Option<SourceText>, limits: &Limits) -> Result<Template, Diagnostics> {
    parse(source.unwrap_or_else(|| SourceText::new("", "")), limits)
}
