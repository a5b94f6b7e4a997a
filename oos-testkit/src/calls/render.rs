//! Plain text of calls: one line each, virtual times relative to the start, secrets masked.

use std::fmt;

use oos_core::{Map, Value, time::human};

use super::{Answer, Call, Calls, glob};

/// CHOICE: parts of parameter names whose values are secret.
const SECRET_NAMES: [&str; 7] =
    ["password", "passwd", "secret", "securitytoken", "privatekey", "accesskey", "authorizationtoken"];

/// CHOICE: longest text of one parameter in a line.
const LONGEST: usize = 80;

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// The value with secrets replaced by `******`.
pub fn masked(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::from(
            map.iter()
                .map(|(key, v)| (key.clone(), if is_secret(key) { Value::from("******") } else { masked(v) }))
                .collect::<Map>(),
        ),
        Value::List(list) => list.iter().map(masked).collect(),
        Value::String(text) if text.starts_with(['{', '[']) => {
            Value::from_json_str(text).map_or_else(|_| value.clone(), |v| Value::from(masked(&v).to_string()))
        }
        other => other.clone(),
    }
}

fn shortened(value: &Value) -> String {
    let text = value.to_text().replace('\n', "\\n");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}…")
}

impl Calls {
    /// One line of text for a call.
    pub(crate) fn line(&self, call: &Call) -> String {
        let at = format!("+{}", human(call.started.since(self.start)));
        let masked = masked(&call.params);
        let params = masked.as_map().map_or_else(String::new, |map| {
            map.iter().filter(|(k, _)| &***k != "RegionId").map(|(k, v)| format!(" {k}={}", shortened(v))).collect()
        });
        let answer = match &call.answer {
            Answer::Pending => "…".to_owned(),
            Answer::Ok(_) => "ok".to_owned(),
            Answer::Error { code, status: 0, .. } => code.to_string(),
            Answer::Error { code, status, .. } => format!("{status} {code}"),
        };
        let who = if &*call.caller == "root" { String::new() } else { format!(" as {}", call.caller) };
        let touched =
            if call.touched_by.is_empty() { String::new() } else { format!(" [{}]", call.touched_by.join(", ")) };
        format!("{at:<10} {}.{}{params}{who} → {answer}{touched}", call.service, call.api)
    }

    /// The text of the last `n` calls of the whole log.
    pub fn tail(&self, n: usize) -> String {
        let skipped = self.all.len().saturating_sub(n);
        let mut out = if skipped > 0 { format!("  ({skipped} earlier calls)\n") } else { String::new() };
        for call in self.all.iter().skip(skipped) {
            out.push_str(&format!("  {}\n", self.line(call)));
        }
        if self.all.is_empty() { "  (none)\n".to_owned() } else { out }
    }

    /// Calls that were nearly meant: the same API with other parameters or of another service, another API of the
    /// service with the same verb. Empty when there is nothing to tell.
    pub fn near_misses(&self) -> String {
        let Some((service, api)) = &self.pattern else { return String::new() };
        let mut near: Vec<(u8, &Call)> = self
            .all
            .iter()
            .filter(|c| !self.picked.contains(&c.number))
            .filter_map(|c| Some((nearness(service, api, c)?, c)))
            .collect();
        near.sort_by_key(|(rank, c)| (*rank, c.number));
        if near.is_empty() {
            return String::new();
        }
        let lines: String = near.iter().take(5).map(|(_, c)| format!("  {}\n", self.line(c))).collect();
        format!("near misses:\n{lines}")
    }
}

/// How near a call is to a pattern; smaller is nearer.
fn nearness(service: &str, api: &str, call: &Call) -> Option<u8> {
    let head = |s: &str| s.chars().take(5).collect::<String>().to_ascii_lowercase();
    match (glob(service, &call.service), glob(api, &call.api)) {
        (true, true) => Some(0),
        (false, true) => Some(1),
        (true, false) if head(api) == head(&call.api) => Some(2),
        _ => None,
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|call| writeln!(f, "{}", self.line(call)))
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_at_any_depth() {
        let value =
            Value::from(json!({"Password": "p", "A": [{"AccessKeySecret": "s", "k": 1}], "J": "{\"password\":\"x\"}"}));
        let text = masked(&value).to_string();
        assert!(!text.contains("\"p\"") && !text.contains("\"s\"") && !text.contains('x'), "{text}");
        assert!(text.contains("\"k\":1"), "{text}");
    }
}
