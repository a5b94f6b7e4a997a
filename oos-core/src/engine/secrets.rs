//! Secrets on the way into the journal and out of it.
//!
//! Values of NoEcho parameters are in the machine, not in the journal: every occurrence of one is replaced by a handle of
//! the vault, whole values by a handle alone, parts of a text by a handle inside the text. A handle names the execution
//! and the parameter, so that a host can supply a value that a restart has lost.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    Map, Value,
    machine::{Input, Secret},
    ports::vault::SecretVault,
};

/// Opens a handle that stands for a value with its type.
const TYPED: &str = "\u{1}vault:";
/// Opens a handle that stands for the text of a value.
const TEXT: &str = "\u{1}vault-text:";
/// Closes a handle.
const END: char = '\u{2}';
/// Texts shorter than this are replaced only where they are the whole value, as in the redactor.
const MIN_PART: usize = 4;

/// The secrets of one execution tree.
#[derive(Default)]
pub(crate) struct Secrets {
    /// Handle and value of each, as they are in the vault.
    known: Vec<(String, Value)>,
    /// Texts of scalars with the handle that leads to them; longer ones first.
    texts: Vec<(Arc<str>, String)>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.known.len())
    }
}

impl Secrets {
    /// True when nothing must be hidden.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Under what the vault keeps them.
    pub(crate) fn handles(&self) -> Vec<String> {
        self.known.iter().map(|(handle, _)| handle.clone()).collect()
    }

    /// Learns a secret and puts it into the vault; one whose value is known under another handle needs none.
    pub(crate) fn learn(&mut self, secret: &Secret, vault: &dyn SecretVault) {
        if self.known.iter().any(|(_, v)| *v == secret.value) {
            return;
        }
        vault.put(&secret.handle, secret.value.clone());
        self.add_texts(&secret.handle, "", &secret.value);
        self.texts.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        self.known.push((secret.handle.clone(), secret.value.clone()));
    }

    /// Texts inside a list or map are found by a pointer behind the handle.
    fn add_texts(&mut self, handle: &str, pointer: &str, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::List(list) => {
                let numbered = list.iter().enumerate();
                numbered.for_each(|(i, v)| self.add_texts(handle, &format!("{pointer}#{i}"), v));
            }
            Value::Map(map) => map.iter().for_each(|(k, v)| self.add_texts(handle, &format!("{pointer}#{k}"), v)),
            scalar => {
                let text = scalar.to_text();
                if !text.is_empty() && !self.texts.iter().any(|(t, _)| *t == text) {
                    self.texts.push((text, format!("{handle}{pointer}")));
                }
            }
        }
    }

    /// The input with handles for secrets; `None` when there is none in it.
    pub(crate) fn hidden(&self, input: &Input) -> Option<Input> {
        let mut copy = input.clone();
        let mut changed = false;
        copy.map_values(&mut |value| {
            let hidden = self.hide(value);
            changed |= hidden != *value;
            hidden
        });
        changed.then_some(copy)
    }

    /// The value with handles for secrets.
    pub(crate) fn hide(&self, value: &Value) -> Value {
        if let Some((handle, _)) = self.known.iter().find(|(_, secret)| secret == value) {
            return Value::from(format!("{TYPED}{handle}{END}"));
        }
        match value {
            Value::List(list) => list.iter().map(|v| self.hide(v)).collect(),
            Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), self.hide(v))).collect::<Map>()),
            Value::String(text) => self.hide_text(text).map_or_else(|| value.clone(), Value::from),
            other => other.clone(),
        }
    }

    fn hide_text(&self, text: &Arc<str>) -> Option<String> {
        if let Some((_, handle)) = self.texts.iter().find(|(secret, _)| secret == text) {
            return Some(format!("{TEXT}{handle}{END}"));
        }
        let mut hidden: Option<String> = None;
        for (secret, handle) in self.texts.iter().filter(|(secret, _)| secret.len() >= MIN_PART) {
            let now = hidden.as_deref().unwrap_or(text);
            if now.contains(&**secret) {
                hidden = Some(outside_handles(now, secret, &format!("{TEXT}{handle}{END}")));
            }
        }
        hidden
    }
}

/// Replaces a text everywhere but inside handles that stand there already.
fn outside_handles(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, part) in text.split('\u{1}').enumerate() {
        match part.split_once(END) {
            Some((handle, rest)) if n > 0 => {
                out.extend(["\u{1}", handle, "\u{2}"]);
                out.push_str(&rest.replace(from, to));
            }
            _ if n > 0 => out.extend(["\u{1}", &part.replace(from, to)]),
            _ => out.push_str(&part.replace(from, to)),
        }
    }
    out
}

/// Puts secrets back in the place of their handles and collects handles that the vault has lost.
pub(crate) fn reveal_input(vault: &dyn SecretVault, input: &mut Input, lost: &mut BTreeSet<String>) {
    input.map_values(&mut |value| reveal(vault, value, lost));
}

/// Puts secrets back into a value.
pub(crate) fn reveal(vault: &dyn SecretVault, value: &Value, lost: &mut BTreeSet<String>) -> Value {
    match value {
        Value::String(text) if text.contains('\u{1}') => reveal_text(vault, text, lost),
        Value::List(list) => list.iter().map(|v| reveal(vault, v, lost)).collect(),
        Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), reveal(vault, v, lost))).collect::<Map>()),
        other => other.clone(),
    }
}

fn reveal_text(vault: &dyn SecretVault, text: &str, lost: &mut BTreeSet<String>) -> Value {
    if let Some(handle) = text.strip_prefix(TYPED).and_then(|t| t.strip_suffix(END)).filter(|h| !h.contains(END)) {
        return find(vault, handle, lost);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(TEXT) {
        out.push_str(before);
        let Some((handle, behind)) = after.split_once(END) else { break };
        out.push_str(&find(vault, handle, lost).to_text());
        rest = behind;
    }
    out.push_str(rest);
    Value::from(out)
}

fn find(vault: &dyn SecretVault, handle: &str, lost: &mut BTreeSet<String>) -> Value {
    let mut parts = handle.split('#');
    let name = parts.next().unwrap_or(handle);
    let Some(value) = vault.get(name) else {
        lost.insert(name.to_owned());
        return Value::Null;
    };
    parts.fold(value, |value, part| match &value {
        Value::List(list) => part.parse::<usize>().ok().and_then(|i| list.get(i).cloned()).unwrap_or_default(),
        other => other.get(part).cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{params, ports::vault::MemoryVault};

    fn learned(values: &[(&str, Value)]) -> (Secrets, MemoryVault) {
        let (mut secrets, vault) = (Secrets::default(), MemoryVault::default());
        for (handle, value) in values {
            secrets.learn(&Secret { handle: (*handle).to_owned(), value: value.clone() }, &vault);
        }
        (secrets, vault)
    }

    #[test]
    fn what_is_hidden_comes_back_with_its_type_and_shows_nothing() {
        let nested = params! { "key" => "inner-secret", "n" => 123_456 };
        let (secrets, vault) = learned(&[
            ("e/p", Value::from("hunter22")),
            ("e/n", Value::Int(4711)),
            ("e/deep", nested.clone()),
            ("e/short", Value::from("ab")),
        ]);
        let value = params! {
            "whole" => "hunter22", "part" => "pw=hunter22;x=hunter22", "number" => 4711, "text" => "4711",
            "nested" => nested, "leaf" => "inner-secret", "in" => "<123456>", "short" => "ab", "shorts" => "cab",
        };
        let hidden = secrets.hide(&value);
        let text = hidden.to_string();
        for secret in ["hunter22", "4711", "inner-secret", "123456"] {
            assert!(!text.contains(secret), "{text}");
        }
        let mut lost = BTreeSet::new();
        assert_eq!(reveal(&vault, &hidden, &mut lost), value);
        assert!(lost.is_empty());
        assert_eq!(secrets.hide(&Value::from("nothing here")), Value::from("nothing here"));
    }

    #[test]
    fn a_secret_that_is_part_of_a_handle_does_not_spoil_the_handle() {
        let (secrets, vault) =
            learned(&[("exec-1/pass", Value::from("longer-secret")), ("exec-1/other", Value::from("pass"))]);
        let value = Value::from("a longer-secret and pass");
        assert_eq!(reveal(&vault, &secrets.hide(&value), &mut BTreeSet::new()), value);
    }

    #[test]
    fn lost_handles_are_told_once_each() {
        let (secrets, _) = learned(&[("e/p", Value::from("hunter22"))]);
        let hidden = secrets.hide(&params! { "a" => "hunter22", "b" => "xhunter22" });
        let mut lost = BTreeSet::new();
        reveal(&MemoryVault::default(), &hidden, &mut lost);
        assert_eq!(lost.into_iter().collect::<Vec<_>>(), ["e/p"]);
    }
}
