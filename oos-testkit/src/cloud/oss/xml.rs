//! XML of settings to JSON: elements and text; no attributes, no namespaces, no declarations of entities.

use oos_core::{Map, Value};

/// The document as a map of its root element; `None` when it is not well formed.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut rest = text.trim();
    while rest.starts_with("<?") || rest.starts_with("<!") {
        rest = rest.split_once('>')?.1.trim_start();
    }
    let (name, value, after) = element(rest, 0)?;
    let mut out = Map::new();
    out.insert(name, value);
    after.trim().is_empty().then(|| Value::from(out))
}

/// Deepest nesting that is read.
const DEEPEST: usize = 50;

/// Name, content and what follows the element that the text begins with.
fn element(text: &str, depth: usize) -> Option<(String, Value, &str)> {
    let (tag, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    if depth > DEEPEST {
        return None;
    }
    let name = tag.trim_end_matches('/').split_whitespace().next()?.to_owned();
    if tag.ends_with('/') {
        return Some((name, Value::from(""), rest));
    }
    let end = format!("</{name}>");
    let (mut children, mut plain) = (Map::new(), String::new());
    loop {
        if let Some(after) = rest.strip_prefix(end.as_str()) {
            let value = if children.is_empty() { Value::from(unescape(plain.trim())) } else { Value::from(children) };
            return Some((name, value, after));
        }
        if rest.starts_with('<') {
            let (child, value, after) = element(rest, depth + 1)?;
            add(&mut children, child, value);
            rest = after;
        } else {
            let at = rest.find('<')?;
            plain.push_str(rest.get(..at)?);
            rest = rest.get(at..)?;
        }
    }
}

/// A name that comes again becomes a list.
fn add(children: &mut Map, name: String, value: Value) {
    let value = match children.get(&name) {
        None => value,
        Some(Value::List(list)) => list.iter().cloned().chain([value]).collect(),
        Some(one) => Value::from(vec![one.clone(), value]),
    };
    children.insert(name, value);
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_become_maps_and_repeated_ones_lists() {
        let text = "<?xml version=\"1.0\"?>\n<A><B>1 &amp; 2</B><L><X>a</X><X>b</X></L><E/></A>";
        assert_eq!(parse(text), Some(Value::from(json!({"A": {"B": "1 & 2", "L": {"X": ["a", "b"]}, "E": ""}}))));
    }

    #[test]
    fn broken_documents_are_none() {
        for text in ["", "<A>", "<A></B>", "<A></A><B></B>", "text"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
