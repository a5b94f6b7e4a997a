//! Where the link to the execution goes in a message (actions.md 12). CHOICE: a new line at the end of the text of
//! the shapes that are known, nothing in the others.

use oos_core::{Map, Value};

/// The content with the link at its end.
pub(super) fn append(content: &Value, link: &str) -> Value {
    let kind = content.at(&["msgtype"]).as_str().unwrap_or_default();
    match kind {
        "text" => append_at(content, "text", "content", link),
        "markdown" => append_at(content, "markdown", "text", link),
        _ => content.clone(),
    }
}

fn append_at(content: &Value, outer: &str, inner: &str, link: &str) -> Value {
    let (Some(whole), Some(part)) = (content.as_map(), content.get(outer).and_then(Value::as_map)) else {
        return content.clone();
    };
    let mut part: Map = part.clone();
    let text = part.get(inner).map(|v| v.to_text()).unwrap_or_default();
    part.insert(inner, to_text(&text, link));
    let mut whole = whole.clone();
    whole.insert(outer, part);
    whole.into()
}

/// A text with the link on a line of its own.
pub(super) fn to_text(text: &str, link: &str) -> String {
    if text.is_empty() { link.to_owned() } else { format!("{}\n{link}", text.trim_end_matches('\n')) }
}
