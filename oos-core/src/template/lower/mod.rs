//! Node → template, collecting findings.
//!
//! Only what concerns a key by itself is judged here: shapes, names, needed keys, types, counts. What needs more than
//! one place (references, jumps, actions, ranges) is the work of `check`. Lowering goes on after an error, so that
//! one run reports everything.

mod looping;
mod output;
mod parameter;
mod read;
mod section;
mod task;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Condition, FORMAT_VERSION, Template, keys};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    ids::Name,
    limits::Limits,
    source::{self, Node, SourceText, Span, SyntaxError, SyntaxErrorKind},
};
use read::{Fields, Place, described};

pub(super) fn parse(source: SourceText, limits: &Limits) -> Result<Template, Diagnostics> {
    match source::parse(&source, limits) {
        Ok(node) => {
            let digest = digest(source.text.as_bytes());
            lower(&node, Some(source), limits).map(|template| Template { digest, ..template })
        }
        Err(error) => Err(alone(Some(source), syntax(error))),
    }
}

pub(super) fn parse_bytes(name: &str, bytes: &[u8], limits: &Limits) -> Result<Template, Diagnostics> {
    if let Err(error) = source::check_size(bytes.len(), limits) {
        return Err(alone(Some(SourceText::new(name, "")), syntax(error)));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(SourceText::new(name, text), limits),
        Err(error) => {
            let (good, bad) = bytes.split_at(error.valid_up_to());
            let message =
                format!("the byte 0x{:02X} at position {} is not UTF-8", bad.first().unwrap_or(&0), good.len());
            let span = Some(Span::new(good.len(), good.len() + '\u{fffd}'.len_utf8()));
            let finding = Diagnostic::error(Code::SYNTAX, message, span, "").help("save the template as UTF-8");
            Err(alone(Some(SourceText::new(name, String::from_utf8_lossy(bytes))), finding))
        }
    }
}

pub(super) fn from_node(node: &Node, source: Option<SourceText>, limits: &Limits) -> Result<Template, Diagnostics> {
    let template = lower(node, source, limits)?;
    Ok(Template { digest: digest(template.to_json().as_bytes()), ..template })
}

/// SHA-256 of bytes, hexadecimal.
fn digest(bytes: &[u8]) -> Arc<str> {
    use std::fmt::Write;
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
        .into()
}

fn alone(source: Option<SourceText>, finding: Diagnostic) -> Diagnostics {
    let mut found = Diagnostics::new(source);
    found.push(finding);
    found
}

fn syntax(error: SyntaxError) -> Diagnostic {
    let code = match error.kind {
        SyntaxErrorKind::Syntax => Code::SYNTAX,
        SyntaxErrorKind::TooLarge => Code::TOO_LARGE,
        SyntaxErrorKind::TooDeep => Code::LIMIT_DEPTH,
    };
    let mut finding = Diagnostic::error(code, error.message, error.span, "");
    if let Some((span, text)) = error.also {
        finding = finding.also(Some(span), text);
    }
    finding.help = error.help;
    finding
}

fn lower(node: &Node, source: Option<SourceText>, limits: &Limits) -> Result<Template, Diagnostics> {
    let mut lowering = Lowering { found: Diagnostics::new(source.clone()), limits };
    let template = lowering.template(node);
    let mut found = lowering.found;
    found.sort();
    match template {
        Some(template) if !found.has_errors() => Ok(Template { source, warnings: found, ..template }),
        _ => Err(found),
    }
}

/// The findings so far, and the bounds.
struct Lowering<'l> {
    found: Diagnostics,
    limits: &'l Limits,
}

impl Lowering<'_> {
    fn template(&mut self, node: &Node) -> Option<Template> {
        let place = Place::root(node);
        if node.as_map().is_none() {
            self.not_a_template(node);
            return None;
        }
        self.format_version(node)?;
        let fields = self.fields(node, &keys::TEMPLATE, &place);
        let parameters = self.parameters(&fields);
        let conditions = self.conditions(&fields);
        let tasks = self.tasks(&fields, &place);
        let outputs = self.outputs(&fields);
        Some(Template {
            source: None,
            digest: Arc::from(""),
            description: fields.node("Description"),
            metadata: fields.node("Metadata"),
            ram_role: fields.node("RamRole"),
            parameters,
            conditions,
            tasks,
            outputs,
            unknown: fields.unknown,
            warnings: Diagnostics::default(),
        })
    }

    fn not_a_template(&mut self, node: &Node) {
        let message = if node.is_null() {
            "the template is empty".to_owned()
        } else {
            format!("a template is a map, this is {}", described(node))
        };
        let help = format!("a template starts with `FormatVersion: {FORMAT_VERSION}`");
        self.found.push(Diagnostic::error(Code::NOT_A_MAP, message, node.span, "").help(help));
    }

    /// Nothing when the document is of another kind, about which there is no more to say.
    fn format_version(&mut self, node: &Node) -> Option<()> {
        let help = format!("write `FormatVersion: {FORMAT_VERSION}`");
        let Some((key, version)) = node.entry("FormatVersion") else {
            let first = node.as_map().and_then(|m| m.first()).map_or(node.span, |(key, _)| key.span);
            let foreign = node.get("ROSTemplateFormatVersion").is_some();
            let message = if foreign {
                "`FormatVersion` is missing; this looks like a template of Resource Orchestration Service"
            } else {
                "`FormatVersion` is missing"
            };
            self.found.push(Diagnostic::error(Code::FORMAT_VERSION, message, first, "").help(help));
            return (!foreign).then_some(());
        };
        let span = version.span.or(key.span);
        let text = version.to_value().to_text();
        if *text == *FORMAT_VERSION {
            return Some(());
        }
        let finding = if &*text == STATE_VERSION {
            let message = format!("`{text}` marks a state configuration, which has `States` and no tasks to run");
            Diagnostic::error(Code::UNSUPPORTED_TYPE, message, span, "/FormatVersion")
                .help(format!("only task templates run; they have `FormatVersion: {FORMAT_VERSION}`"))
        } else {
            let message = format!("`{text}` is not a known format version");
            Diagnostic::error(Code::FORMAT_VERSION, message, span, "/FormatVersion").help(help)
        };
        let go_on = finding.code == Code::FORMAT_VERSION;
        self.found.push(finding);
        go_on.then_some(())
    }

    fn conditions(&mut self, fields: &Fields<'_>) -> Vec<Condition> {
        let section = self.section(fields, "Conditions");
        let entries = section.into_iter().map(|entry| Condition { name: entry.name(), node: entry.node.clone() });
        entries.collect()
    }
}

/// The format version of configuration documents (template-language 1.2).
const STATE_VERSION: &str = "OOS-2019-06-01-State";

/// What is wrong with the name of a `what`, if anything.
fn name_fault(what: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!("the {what} name is empty"));
    }
    let said = format!("the {what} name `{}`", shown(name));
    if name.chars().count() > keys::LONGEST_NAME {
        return Some(format!("{said} is longer than {} characters", keys::LONGEST_NAME));
    }
    let bad = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))?;
    Some(format!("{said} holds `{}`; letters, digits, `_` and `-` are allowed", bad.escape_debug()))
}

/// The name as messages show it: cut when long.
fn shown(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", name.get(..at).unwrap_or_default().escape_debug()),
        None => name.escape_debug().to_string(),
    }
}

type NameAt<'n> = (&'n str, Option<Span>, String);

impl Lowering<'_> {
    /// Reports names that differ in case at most.
    fn duplicates<'n>(&mut self, what: &str, names: impl IntoIterator<Item = NameAt<'n>>) {
        let mut seen = std::collections::BTreeMap::new();
        for (name, span, pointer) in names {
            let Some((first, first_span)) = seen.get(&Name::from(name)).copied() else {
                seen.insert(Name::from(name), (name, span));
                continue;
            };
            let message = if first == name {
                format!("two {what} are named `{}`", shown(name))
            } else {
                format!("two {what} are named `{}` and `{}`, which differ only in case", shown(first), shown(name))
            };
            let finding = Diagnostic::error(Code::DUPLICATE_NAME, message, span, pointer);
            self.found.push(finding.also(first_span, "first named here").help("rename one of them"));
        }
    }
}
