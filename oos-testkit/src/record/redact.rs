//! Secrets taken out of what is written.
//!
//! Three nets, because each alone has holes: names of members whose values are secret, forms of texts that are secret
//! (keys, tokens, private keys), and the texts that a test says are secret, plain, inside other texts and in Base64.

use std::sync::{Arc, LazyLock, RwLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use fancy_regex::Regex;
use oos_core::{Map, Template, Value};

use crate::calls::{fail, is_secret};

/// What stands for a secret.
const MASK: &str = "******";

/// CHOICE: members whose names end so are secret too, except these names: they are no keys to anything, and paging
/// hangs on them.
const TOKEN: &str = "token";
const HARMLESS: [&str; 5] = ["clienttoken", "nexttoken", "lifecycleactiontoken", "secretname", "secretnames"];

/// CHOICE: a shorter secret counts only where it is the whole text; else a default such as `1` would spoil everything.
const SHORTEST: usize = 4;

/// Forms of texts that are secret: access key ids, temporary ones, private keys, bearer tokens, secrets in a query.
static FORMS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let forms = [
        (r"\bLTAI[0-9A-Za-z]{12,}", MASK),
        (r"\bSTS\.[0-9A-Za-z]{8,}", MASK),
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", MASK),
        (r"(?i)\b(?:bearer|authorization\W+basic)\s+[0-9a-z._~+/=-]{6,}", MASK),
        (
            r"(?i)\b((?:access_?token|security_?token|x-oss-security-token|signature|access_?key_?(?:id|secret)?|ossaccesskeyid|password)=)[^&\s]+",
            "${1}******",
        ),
    ];
    forms.into_iter().map(|(form, mask)| (regex(form), mask)).collect()
});

fn regex(form: &str) -> Regex {
    match Regex::new(form) {
        Ok(regex) => regex,
        Err(error) => fail(&format!("`{form}`: {error}")),
    }
}

/// What is taken out. Clones share the texts that were said to be secret.
#[derive(Clone, Debug, Default)]
pub struct Redaction(Arc<RwLock<Vec<Secret>>>);

#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl Redaction {
    /// This text is secret, wherever it stands. An empty text is none.
    pub fn secret(&self, text: &str) {
        if !text.is_empty() {
            let mut secrets = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            secrets.push(Secret(text.to_owned()));
            // The longest first, so that a part of a secret does not spoil the whole.
            secrets.sort_by_key(|s| std::cmp::Reverse(s.0.len()));
        }
    }

    /// The values of the template's `NoEcho` parameters are secret: those that are given, and the defaults.
    pub fn no_echo(&self, template: &Template, parameters: &Value) {
        for parameter in template.parameters.iter().filter(|p| p.is_no_echo()) {
            let given = parameters.get(parameter.name.value.as_str()).cloned();
            let default = parameter.default.as_ref().map(oos_core::source::Node::to_value);
            given.into_iter().chain(default).for_each(|value| self.secret(&value.to_text()));
        }
    }

    /// The value without secrets.
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::Map(map) => map
                .iter()
                .map(|(key, member)| (key.clone(), if secret_name(key) { masked(member) } else { self.value(member) }))
                .collect::<Map>()
                .into(),
            Value::List(list) => list.iter().map(|member| self.value(member)).collect(),
            Value::String(text) if text.starts_with(['{', '[']) => match Value::from_json_str(text) {
                Ok(inner) => {
                    let clean = self.value(&inner);
                    if clean == inner { self.text(text) } else { Value::from(clean.to_string()) }
                }
                Err(_) => self.text(text),
            },
            Value::String(text) => self.text(text),
            other => self.scalar(other),
        }
    }

    /// A number can be the secret, too.
    fn scalar(&self, value: &Value) -> Value {
        let text = value.to_text();
        let secrets = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if secrets.iter().any(|s| s.0.len() >= SHORTEST && s.0 == *text) { Value::from(MASK) } else { value.clone() }
    }

    fn text(&self, text: &str) -> Value {
        let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(decoded) = decoded.filter(|d| !d.is_empty()) {
            let clean = self.plain(&decoded);
            if clean != decoded {
                return Value::from(BASE64_STANDARD.encode(clean));
            }
        }
        Value::from(self.plain(text))
    }

    fn plain(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let secrets = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if secrets.iter().any(|s| s.0 == text) {
            return MASK.to_owned();
        }
        for Secret(secret) in secrets.iter().filter(|s| s.0.len() >= SHORTEST) {
            for form in [secret.clone(), BASE64_STANDARD.encode(secret)] {
                if clean.contains(&form) {
                    clean = clean.replace(&form, MASK);
                }
            }
        }
        for (form, mask) in FORMS.iter() {
            clean = form.replace_all(&clean, *mask).into_owned();
        }
        clean
    }
}

fn secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !HARMLESS.contains(&name.as_str()) && (is_secret(&name) || name.ends_with(TOKEN))
}

/// Everything below, masked; the shape stays, so that selectors find their way.
fn masked(value: &Value) -> Value {
    match value {
        Value::Map(map) => map.iter().map(|(k, v)| (k.clone(), masked(v))).collect::<Map>().into(),
        Value::List(list) => list.iter().map(masked).collect(),
        Value::Null => Value::Null,
        Value::String(text) if text.is_empty() => value.clone(),
        _ => Value::from(MASK),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let redaction = Redaction::default();
        redaction.secret("s3cret");
        redaction.secret("x1");
        let clean = |v: serde_json::Value| redaction.value(&Value::from(v));
        let same = json!({"InstanceId": "i-1", "NextToken": "abc", "Text": "eA==", "N": 5, "J": "{\"a\": 1}"});
        assert_eq!(clean(same.clone()), Value::from(same), "a JSON text without secrets stays as it was written");
        assert_eq!(
            clean(json!({"Password": 5, "SecurityToken": ""})),
            json!({"Password": MASK, "SecurityToken": ""}).into()
        );
        assert_eq!(
            clean(json!({"AccessKey": {"AccessKeyId": "a", "CreateDate": ["b"]}})),
            json!({"AccessKey": {"AccessKeyId": MASK, "CreateDate": [MASK]}}).into()
        );
        assert_eq!(clean(json!(["x1", "box12", "basic settings"])), json!([MASK, "box12", "basic settings"]).into());
        assert_eq!(clean(json!("export P=s3cret;")), json!("export P=******;").into());
        let script = BASE64_STANDARD.encode("login s3cret");
        assert_eq!(clean(json!(script)), json!(BASE64_STANDARD.encode("login ******")).into());
        assert_eq!(clean(json!("{\"a\":{\"Password\":\"x\"}}")), json!("{\"a\":{\"Password\":\"******\"}}").into());
        for text in [
            "key LTAI5tAbCdEfGhIjKlMn.",
            "STS.NUabcdefgh123",
            "Authorization: Bearer abc.def-123",
            "?Signature=aB%3D&x=1",
        ] {
            let found = clean(json!(text)).to_text().to_string();
            assert!(found.contains(MASK) && found.len() < text.len() + 7, "{found}");
            assert!(!["LTAI5", "NUabc", "abc.def", "aB%3D"].iter().any(|part| found.contains(part)), "{found}");
        }
    }
}
