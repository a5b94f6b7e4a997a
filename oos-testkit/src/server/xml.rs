//! JSON values as XML: the inverse of how a client reads the XML of object storage.

use oos_core::{Map, Value};

/// The document of a map with one member, its root.
pub(crate) fn document(root: &str, value: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    element(root, value, &mut out);
    out
}

/// An error as object storage and MNS write it.
pub(crate) fn error(members: &Map) -> String {
    document("Error", &Value::from(members.clone()))
}

fn element(name: &str, value: &Value, out: &mut String) {
    if let Some(items) = value.as_list() {
        items.iter().for_each(|item| element(name, item, out));
        return;
    }
    out.push_str(&format!("<{name}>"));
    match value {
        Value::Map(members) => members.iter().for_each(|(name, value)| element(name, value, out)),
        Value::Null => {}
        scalar => out.push_str(&escaped(&scalar.to_text())),
    }
    out.push_str(&format!("</{name}>"));
}

fn escaped(text: &str) -> String {
    // Characters that XML cannot hold become a replacement, so that the document stays one.
    let legal = |c: char| if c.is_control() && !matches!(c, '\t' | '\n' | '\r') { '\u{fffd}' } else { c };
    let text: String = text.chars().map(legal).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_repeat_their_element_and_texts_are_escaped() {
        let value = Value::from(json!({"A": "1 < 2 & 3\u{1}", "L": {"X": ["a", "b"]}, "E": ""}));
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                        <R><A>1 &lt; 2 &amp; 3\u{fffd}</A><L><X>a</X><X>b</X></L><E></E></R>";
        assert_eq!(document("R", &value), expected);
    }
}
