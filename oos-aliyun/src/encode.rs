//! A normalised call → the parts of an HTTP request: query, form, headers, body (aliyun-client 2.2, 2.3).
//!
//! Knows no API: names, places and forms come from `oos_core::catalogue`, which also numbers lists. The "flat map" style
//! of a few newer APIs is deliberately absent: the SDKs disagree about it.

use oos_core::{
    Value,
    catalogue::{Form, Normalised, Place, Style},
};

use crate::sign::percent_encode;

/// CHOICE: an encoded query longer than this moves into the form body of an RPC POST; gateways cut somewhere above
/// 8 KiB, and read RPC parameters from either place (aliyun-client 2.3).
pub const LONGEST_QUERY: usize = 4096;

/// Content type of a form body.
pub const FORM_TYPE: &str = "application/x-www-form-urlencoded";
/// Content type of a JSON body.
pub const JSON_TYPE: &str = "application/json; charset=utf-8";
/// Content type of raw bytes.
pub const BYTES_TYPE: &str = "application/octet-stream";

/// Headers that a template cannot set: they belong to the connection or to the signature.
const OWN_HEADERS: [&str; 6] =
    ["authorization", "connection", "content-length", "host", "transfer-encoding", "user-agent"];

/// A value that has no form on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A number that would need an exponent, or is none.
    #[error("parameter `{name}`: the number `{number}` cannot be sent, give it as text")]
    Number {
        /// Parameter.
        name: String,
        /// The number.
        number: String,
    },
    /// A part of the path that is missing.
    #[error("the path of `{api}` needs the parameter `{name}`")]
    Hole {
        /// Operation.
        api: String,
        /// Parameter.
        name: String,
    },
    /// A part of the path that would lead elsewhere.
    #[error("parameter `{name}`: `{value}` cannot be a part of the path of `{api}`")]
    Segment {
        /// Operation.
        api: String,
        /// Parameter.
        name: String,
        /// The text.
        value: String,
    },
    /// A parameter of an XML body, which is sent as text only.
    #[error("parameter `{name}` belongs into the XML body: give the whole text as `Body`")]
    XmlMember {
        /// Parameter.
        name: String,
    },
}

/// The parts of a request that come from its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Encoded {
    /// Query, not yet percent-encoded.
    pub query: Vec<(String, String)>,
    /// Headers, the content type among them.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Puts every parameter of a call in its place and form.
///
/// # Errors
/// When a number cannot be written, or a member of an XML body stands alone.
pub fn encode(call: &Normalised) -> Result<Encoded, EncodeError> {
    check(call)?;
    let mut query = call.pairs(Place::Query);
    let mut form = call.pairs(Place::FormBody);
    if call.style == Style::Rpc && &*call.method == "POST" && form_body(&query).len() > LONGEST_QUERY {
        form.splice(0..0, std::mem::take(&mut query));
    }
    let mut headers = call.pairs(Place::Header);
    headers.extend(call.headers.iter().map(|(name, value)| (name.to_string(), value.to_text().to_string())));
    headers.retain(|(name, value)| !value.is_empty() && !OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)));
    let (kind, body) = body(call, &form);
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if body.is_empty() {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    } else if let Some(kind) = kind.filter(|_| !typed || !form.is_empty()) {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    Ok(Encoded { query, headers, body })
}

/// The body and its content type, unless the template names one.
fn body(call: &Normalised, form: &[(String, String)]) -> (Option<&'static str>, Vec<u8>) {
    if !form.is_empty() {
        return (Some(FORM_TYPE), form_body(form).into_bytes());
    }
    match &call.body {
        Value::Null => (None, Vec::new()),
        Value::String(text) if call.style == Style::ObjectStorage => (None, text.as_bytes().to_vec()),
        Value::String(text) => {
            let json = text.trim_start().starts_with(['{', '[']);
            (Some(if json { JSON_TYPE } else { BYTES_TYPE }), text.as_bytes().to_vec())
        }
        other => (Some(JSON_TYPE), other.to_string().into_bytes()),
    }
}

fn check(call: &Normalised) -> Result<(), EncodeError> {
    check_path(call)?;
    for parameter in &call.tree {
        if parameter.place == Place::XmlBody && call.body.is_null() {
            return Err(EncodeError::XmlMember { name: parameter.wire.to_string() });
        }
        if parameter.form != Form::Structured {
            check_numbers(&parameter.wire, &parameter.value)?;
        }
    }
    Ok(())
}

/// Everything in a filled path is encoded, so a brace is a hole that nothing fills. Dots would be resolved by every HTTP
/// library, and an empty part is dropped by some: either way another operation would be called.
fn check_path(call: &Normalised) -> Result<(), EncodeError> {
    if call.style != Style::Roa {
        return Ok(());
    }
    let api = || call.api.to_string();
    if let Some((hole, _)) = call.path.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
        return Err(EncodeError::Hole { api: api(), name: hole.to_owned() });
    }
    for parameter in call.tree.iter().filter(|p| p.place == Place::Path) {
        let text = parameter.value.to_text();
        if matches!(&*text, "" | "." | "..") {
            return Err(EncodeError::Segment { api: api(), name: parameter.wire.to_string(), value: text.to_string() });
        }
    }
    Ok(())
}

/// Refuses numbers that would be written with an exponent: the SDKs write those differently (aliyun-client 2.2).
///
/// # Errors
/// The first such number in `value`.
pub fn check_numbers(name: &str, value: &Value) -> Result<(), EncodeError> {
    match value {
        Value::Float(float) => match value.to_text() {
            text if float.is_finite() && !text.contains('e') => Ok(()),
            text => Err(EncodeError::Number { name: name.to_owned(), number: text.to_string() }),
        },
        Value::List(list) => list.iter().try_for_each(|item| check_numbers(name, item)),
        Value::Map(map) => map.values().try_for_each(|item| check_numbers(name, item)),
        _ => Ok(()),
    }
}

/// Pairs as a form body: spaces as `%20`, in the order given.
pub fn form_body(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", percent_encode(name), percent_encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use oos_core::{
        catalogue::{NormaliseOptions, normalise},
        params,
        ports::api::ApiRequest,
    };

    use super::*;

    fn encoded(request: &ApiRequest) -> Encoded {
        encode(&normalise(request, &NormaliseOptions::default())).unwrap()
    }

    #[test]
    fn a_long_query_of_a_post_moves_into_the_body() {
        let content = "x".repeat(5000);
        let request = ApiRequest::new("ECS", "RunCommand", params! { "CommandContent" => content, "Timeout" => 60 });
        let encoded = encoded(&request);
        assert_eq!(encoded.query, []);
        assert_eq!(encoded.headers, [("content-type".to_owned(), FORM_TYPE.to_owned())]);
        assert!(encoded.body.starts_with(b"CommandContent=xxx") && encoded.body.ends_with(b"&Timeout=60"));
    }

    #[test]
    fn a_map_as_body_is_compact_json() {
        let mut request = ApiRequest::new("CS", "ModifyClusterNodePool", Value::Null);
        request.method = Some("PUT".into());
        request.uri = Some("/clusters/c1/nodepools/np1".into());
        request.body = params! { "name" => "集群 🚀", "n" => 1.5 };
        let encoded = encoded(&request);
        assert_eq!(String::from_utf8(encoded.body).unwrap(), r#"{"name":"集群 🚀","n":1.5}"#);
        assert_eq!(encoded.headers, [("content-type".to_owned(), JSON_TYPE.to_owned())]);
    }

    #[test]
    fn a_path_with_a_hole_or_with_dots_is_not_sent() {
        let refused = |parameters: Value| {
            let request = ApiRequest::new("CS", "DescribeClusterDetail", parameters);
            encode(&normalise(&request, &NormaliseOptions::default())).unwrap_err().to_string()
        };
        assert_eq!(refused(Value::Null), "the path of `DescribeClusterDetail` needs the parameter `cluster_id`");
        let dots = refused(params! { "ClusterId" => ".." });
        assert!(dots.ends_with("`..` cannot be a part of the path of `DescribeClusterDetail`"), "{dots}");
    }

    #[test]
    fn text_for_object_storage_keeps_its_type_and_templates_cannot_set_the_signature() {
        let mut request = ApiRequest::new("OSS", "PutBucketPolicy", params! { "BucketName" => "examplebucket" });
        request.method = Some("PUT".into());
        request.uri = Some("?policy".into());
        request.headers = params! { "Content-MD5" => "", "Content-Type" => "application/json", "Authorization" => "x", "HOST" => "y" };
        request.body = "{}".into();
        let encoded = encoded(&request);
        assert_eq!(encoded.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
        assert_eq!(encoded.query, [("policy".to_owned(), String::new())]);
        assert_eq!(encoded.body, b"{}");
    }

    #[test]
    fn numbers_keep_all_digits_and_never_get_an_exponent() {
        let check = |value: Value| check_numbers("n", &value);
        for fine in [Value::Int(9_007_199_254_740_993), Value::Float(1.0), Value::Float(-0.25)] {
            assert_eq!(check(fine), Ok(()));
        }
        for bad in [1e21, 1e-9, f64::NAN, f64::INFINITY] {
            assert!(check(params! { "a" => vec![bad] }).is_err(), "{bad}");
        }
    }
}
