//! The request of `ACS::ExecuteHttpRequest` from its properties.

use std::time::Duration;

use oos_core::{
    Map, Value,
    expr::drop_nulls,
    ports::{ActionError, http::HttpRequest},
};

use crate::{
    atom::address,
    properties::{Properties, wrong},
};

/// CHOICE: time limit of the whole exchange (actions.md 7).
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// CHOICE: redirects to follow for GET and HEAD; none otherwise (actions.md 7).
const REDIRECTS: u8 = 5;
/// The documented methods.
pub(super) const METHODS: [&str; 2] = ["POST", "GET"];
/// With the extension.
pub(super) const ALL_METHODS: [&str; 6] = ["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD"];

pub(super) fn request(properties: &Value, more_methods: bool) -> Result<HttpRequest, ActionError> {
    let properties = Properties(properties);
    let method = method(properties, more_methods)?;
    let reads = matches!(method.as_str(), "GET" | "HEAD");
    let mut headers = headers(properties)?;
    let body = match properties.get("Body").filter(|body| !is_empty(body)) {
        None => Vec::new(),
        Some(_) if reads => return Err(wrong("Body", "left out with GET")),
        Some(body) => body_bytes(body, &mut headers),
    };
    let redirects = if reads { REDIRECTS } else { 0 };
    Ok(HttpRequest { method, url: url(properties)?, headers, body, timeout: TIME_LIMIT, redirects })
}

fn method(properties: Properties<'_>, more_methods: bool) -> Result<String, ActionError> {
    let method = properties.text("Method")?.unwrap_or_else(|| "POST".to_owned()).to_ascii_uppercase();
    let allowed: &[&str] = if more_methods { &ALL_METHODS } else { &METHODS };
    if allowed.contains(&method.as_str()) {
        Ok(method)
    } else {
        Err(wrong("Method", &format!("one of {}", allowed.join(", "))))
    }
}

fn url(properties: Properties<'_>) -> Result<String, ActionError> {
    let text = properties.required_text("URL")?;
    let mut url = address::parse(text.trim())?;
    let query = drop_nulls(properties.map("Query")?.unwrap_or_default().into());
    let added = pairs(query.as_map().unwrap_or(&Map::new())).join("&");
    let old = url.query().unwrap_or_default().to_owned();
    match (old.is_empty(), added.is_empty()) {
        (_, true) => {}
        (true, _) => url.set_query(Some(&added)),
        _ => url.set_query(Some(&format!("{old}&{added}"))),
    }
    Ok(url.into())
}

/// `key=value` pairs, percent-encoded; each member of a list is a pair of its own.
fn pairs(map: &Map) -> Vec<String> {
    let one = |key: &str, value: &Value| format!("{}={}", encode(key), encode(&value.to_text()));
    map.iter()
        .flat_map(|(key, value)| match value {
            Value::List(list) => list.iter().map(|member| one(key, member)).collect(),
            value => vec![one(key, value)],
        })
        .collect()
}

/// Percent-encodes everything outside the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let byte = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn headers(properties: Properties<'_>) -> Result<Vec<(String, String)>, ActionError> {
    let headers = properties.map("Headers")?.unwrap_or_default();
    let given = headers.iter().filter(|(_, value)| !value.is_null());
    Ok(given.map(|(name, value)| (name.to_string(), value.to_text().to_string())).collect())
}

/// The empty text is no body, as everywhere, and neither is the empty map that a parameter may default to.
fn is_empty(body: &Value) -> bool {
    body.as_str() == Some("") || body.as_map().is_some_and(Map::is_empty)
}

/// Text goes as it is; anything else as JSON, or as a form where the content type says so.
fn body_bytes(body: &Value, headers: &mut Vec<(String, String)>) -> Vec<u8> {
    let body = drop_nulls(body.clone());
    let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, v)| v);
    let is_form =
        content_type.is_some_and(|v| v.trim().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
    if content_type.is_none() {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    match &body {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Map(map) if is_form => pairs(map).join("&").into_bytes(),
        other => other.to_string().into_bytes(),
    }
}
