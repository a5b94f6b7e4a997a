//! Selectors and jq programs that do not compile, as findings.

use crate::{
    diagnostic::{Code, Diagnostic},
    selector::SelectorError,
    source::{SourceText, Span},
};

/// CHOICE: characters of a selector that messages repeat.
const LONGEST_SHOWN: usize = 60;

/// A selector that does not compile; with the source text the fault inside it is underlined.
pub(crate) fn selector_error(
    error: &SelectorError,
    text: &str,
    span: Option<Span>,
    pointer: &str,
    source: Option<&SourceText>,
) -> Diagnostic {
    let cause = match error {
        SelectorError::Compile { message, .. } => message.to_string(),
        other => other.to_string(),
    };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown = words(text);
    if let Some((at, _)) = shown.char_indices().nth(LONGEST_SHOWN) {
        shown.truncate(at);
        shown.push('…');
    }
    let message = format!("selector `{shown}` does not compile: {}", words(&cause));
    Diagnostic::error(Code::SELECTOR, message, fault(error, text, span, source).or(span), pointer)
}

/// Where in the source the fault stands; nothing when escapes or folding hide the text.
fn fault(error: &SelectorError, text: &str, span: Option<Span>, source: Option<&SourceText>) -> Option<Span> {
    let SelectorError::Compile { offset: Some(offset), .. } = error else { return None };
    let (span, source) = (span?, source?);
    let at = span.start as usize + source.slice(span).find(text.trim_end())? + offset;
    let rest = source.text.get(at..)?;
    let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))).unwrap_or(rest.len());
    let next = rest.chars().next().map_or(1, char::len_utf8);
    Some(Span::new(at, at + word.max(next)))
}
