//! Plain text of calls: one line each, virtual times relative to the start, secrets masked.

use std::fmt;

use oos_core::{Map, Value, time::human};

use super::{Answer, Call, Calls, glob};

/// CHOICE: parts of parameter names whose values are secret.
const SECRET_NAMES: [&str; 7] =
    ["password", "passwd", "secret", "securitytoken", "privatekey", "accesskey", "authorizationtoken"];

/// CHOICE: longest text of one parameter in a line.
const LONGEST: usize = 80;

/// True for names of parameters whose values are secret.
pub(crate) fn is_secret(name: &str) -> bool {
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

/// ` Name=value` for each parameter that is kept, ordered by name.
fn parameters(masked: &Value, keep: impl Fn(&str) -> bool) -> String {
    let Some(map) = masked.as_map() else { return String::new() };
    let mut kept: Vec<_> = map.iter().filter(|(key, _)| keep(key)).collect();
    kept.sort_by(|a, b| a.0.cmp(b.0));
    kept.into_iter().map(|(key, value)| format!(" {key}={}", shortened(value))).collect()
}

/// CHOICE: parameters that a snapshot leaves out: the same everywhere, or different in each run.
const DULL: [&str; 7] = ["RegionId", "ClientToken", "PageNumber", "PageSize", "NextToken", "MaxResults", "Token"];

impl Call {
    /// The call in a snapshot: what was asked, the parameters that tell something, and what came of it.
    pub(crate) fn trace_line(&self) -> String {
        let told = |key: &str| !DULL.contains(&key);
        let masked = masked(&self.params);
        let answer = match &self.answer {
            Answer::Pending => "…".to_owned(),
            Answer::Ok(body) => rows_of(body).map_or_else(|| "ok".to_owned(), |n| n.to_string()),
            Answer::Error { code, .. } => code.to_string(),
        };
        let who = if &*self.caller == "root" { String::new() } else { format!(" as {}", self.caller) };
        format!("{}.{}{}{who} → {answer}", self.service, self.api, parameters(&masked, told))
    }
}

/// The number of rows of an answer that has the form of a list.
fn rows_of(body: &Value) -> Option<usize> {
    body.as_map()?.values().find_map(|member| match member {
        Value::List(rows) => Some(rows.len()),
        Value::Map(wrapper) if wrapper.len() == 1 => wrapper.values().find_map(Value::as_list).map(<[Value]>::len),
        _ => None,
    })
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
        let near = self.near_lines();
        if near.is_empty() {
            return String::new();
        }
        format!("near misses:\n{}", near.iter().map(|line| format!("  {line}\n")).collect::<String>())
    }

    /// The same as lines.
    pub(crate) fn near_lines(&self) -> Vec<String> {
        let Some((service, api)) = &self.pattern else { return Vec::new() };
        let others = self.all.iter().map(|c| &**c).filter(|c| self.picked.binary_search(&c.number).is_err());
        nearest(others, service, api).into_iter().take(NEAR).map(|c| self.line(c)).collect()
    }

    /// Calls of the view that come near to a pattern without matching it, as lines.
    pub(crate) fn near_to(&self, service: &str, api: &str) -> Vec<String> {
        let others = self.iter().filter(|c| !c.is(service, api));
        nearest(others, service, api).into_iter().take(NEAR).map(|c| self.line(c)).collect()
    }
}

/// Near misses that are shown.
const NEAR: usize = 5;

/// The calls that come near to a pattern, the nearest first.
fn nearest<'a>(calls: impl Iterator<Item = &'a Call>, service: &str, api: &str) -> Vec<&'a Call> {
    let mut near: Vec<(u8, &Call)> = calls.filter_map(|c| Some((nearness(service, api, c)?, c))).collect();
    near.sort_by_key(|(rank, c)| (*rank, c.number));
    near.into_iter().map(|(_, call)| call).collect()
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
