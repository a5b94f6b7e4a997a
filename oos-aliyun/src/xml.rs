//! XML answers → [`Value`]: element → map, repeated element → list, text → string (aliyun-client 2.5).
//!
//! Attributes and namespaces are dropped; entities other than the five of XML are refused, and so is a nesting beyond
//! any real answer.

use oos_core::{Map, Value};
use quick_xml::{Reader, events::Event};

/// Elements that are lists by nature, also when single.
const LISTS: [&str; 5] = ["Contents", "CommonPrefixes", "Bucket", "Rule", "Referer"];
/// Their parents: here the list is there even when it is empty.
const LIST_PARENTS: [(&str, &str); 2] = [("RefererList", "Referer"), ("Buckets", "Bucket")];
/// CHOICE: deeper answers are hostile; the deepest of object storage has 7 levels.
const DEEPEST: usize = 64;

/// One open element.
#[derive(Default)]
struct Open {
    name: String,
    members: Map,
    text: String,
}

impl Open {
    fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    fn add(&mut self, name: &str, value: Value) {
        let by_nature = LISTS.contains(&name);
        let joined = match (self.members.get(name), by_nature) {
            (None, false) => value,
            (None, true) => Value::from(vec![value]),
            (Some(Value::List(list)), _) => list.iter().cloned().chain([value]).collect(),
            (Some(first), _) => Value::from(vec![first.clone(), value]),
        };
        self.members.insert(name, joined);
    }

    fn close(mut self) -> (String, Value) {
        if let Some((_, list)) = LIST_PARENTS.iter().find(|(parent, _)| *parent == self.name)
            && !self.members.contains_key(list)
        {
            self.members.insert(*list, Value::empty_list());
        }
        let value = if self.members.is_empty() { Value::from(self.text.trim()) } else { Value::from(self.members) };
        (self.name, value)
    }
}

/// The document as a map with the root element as its only member.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    let mut stack = vec![Open::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => stack.push(Open::named(local_name(start.local_name().as_ref()))),
            Event::Empty(start) => {
                stack.push(Open::named(local_name(start.local_name().as_ref())));
                close(&mut stack)?;
            }
            Event::End(_) => close(&mut stack)?,
            Event::Text(text) => append(&mut stack, &text.xml10_content()),
            Event::CData(text) => append(&mut stack, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = entity(&reference)?;
                append(&mut stack, &text);
            }
            Event::Eof => break,
            _ => {}
        }
        if stack.len() > DEEPEST {
            return Err("the document is nested too deeply".to_owned());
        }
    }
    match stack.pop() {
        Some(root) if stack.is_empty() && !root.members.is_empty() => Ok(Value::from(root.members)),
        _ => Err("the document is not complete".to_owned()),
    }
}

fn local_name(name: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(name.as_ref()).into_owned()
}

fn close(stack: &mut Vec<Open>) -> Result<(), String> {
    let (name, value) = stack.pop().ok_or("an element is closed twice")?.close();
    stack.last_mut().ok_or("an element is closed twice")?.add(&name, value);
    Ok(())
}

fn append(stack: &mut [Open], text: &str) {
    if let Some(open) = stack.last_mut() {
        open.text.push_str(text);
    }
}

fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, String> {
    if let Some(char) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(char.to_string());
    }
    let name = reference.xml10_content();
    let known = quick_xml::escape::resolve_predefined_entity(&name);
    known.map(str::to_owned).ok_or_else(|| format!("the entity `{name}` is not known"))
}

#[cfg(test)]
mod tests {
    use oos_core::params;

    use super::*;

    #[test]
    fn keeps_the_root_and_makes_lists_of_what_repeats() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <A xmlns="x"><B>1</B><B>2</B><C/><D> a &lt;&#x4e2d;<![CDATA[&]]> </D></A>"#;
        let expected = params! { "A" => params! { "B" => ["1", "2"], "C" => "", "D" => "a <中&" } };
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn lists_by_nature_are_lists_when_single_or_absent() {
        let one = "<R><AllowEmptyReferer>true</AllowEmptyReferer><RefererList><Referer>a</Referer></RefererList></R>";
        assert_eq!(parse(one).unwrap().at(&["R", "RefererList", "Referer"]), &Value::from(["a"]));
        let none = "<R><RefererList/></R>";
        assert_eq!(parse(none).unwrap().at(&["R", "RefererList", "Referer"]), &Value::empty_list());
    }

    #[test]
    fn broken_or_hostile_text_is_an_error() {
        for bad in ["<A>", "", "<A></B>", "<A>&custom;</A>", "plain"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&"<a>".repeat(100)).unwrap_err().contains("nested"));
    }
}
