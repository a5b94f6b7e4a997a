//! HTTP answers → [`ApiResponse`] or [`ApiError`] (aliyun-client 2.5, 5.1).
//!
//! What kind an error is of is said by `oos_core::ports::api`, never here. A 2xx that carries `Success: false` is an
//! answer; whoever asked decides.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Response};
use oos_core::{
    Map, Timestamp, Value,
    ports::api::{ApiError, ApiResponse},
};

use crate::{transport::TransportError, xml};

/// How much of an answer that is neither JSON nor XML is kept.
const KEPT_BYTES: usize = 2048;
/// Longest wait that a server may ask for (aliyun-client 5.3).
pub const LONGEST_SERVER_DELAY: Duration = Duration::from_secs(60);
/// Code of an answer that is neither JSON nor XML.
pub const UNPARSABLE: &str = "UnparsableError";

/// The answer of a call, or the error it carries.
///
/// # Errors
/// The cloud's error, or [`UNPARSABLE`].
pub fn read_answer(response: &Response<Bytes>, object_storage: bool) -> Result<ApiResponse, ApiError> {
    if !response.status().is_success() {
        return Err(service_error(response));
    }
    let header_id = request_id_of(response.headers());
    if response.body().iter().all(u8::is_ascii_whitespace) {
        let id = header_id.as_ref().map(|id| ("RequestId", Value::from(id.clone())));
        let body = Value::from(id.into_iter().collect::<Map>());
        return Ok(ApiResponse { body, request_id: header_id });
    }
    let body = match structured(response) {
        Some(body) => body,
        None if object_storage && !says_structured(response) => {
            Value::from(String::from_utf8_lossy(response.body()).as_ref())
        }
        None => return Err(unparsable(response)),
    };
    let request_id = field(&body, "RequestId").or(header_id);
    Ok(ApiResponse { body, request_id })
}

fn content_type(response: &Response<Bytes>) -> &str {
    response.headers().get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

fn says_structured(response: &Response<Bytes>) -> bool {
    content_type(response).contains("json") || content_type(response).contains("xml")
}

/// The body as JSON or XML, whatever the content type says: gateways lie about it.
fn structured(response: &Response<Bytes>) -> Option<Value> {
    let text = std::str::from_utf8(response.body()).ok()?;
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if start.starts_with('<') {
        let html = start.get(..14).is_some_and(|head| head.to_ascii_lowercase().starts_with("<!doctype html"))
            || start.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("<html"));
        return if html { None } else { xml::parse(start).ok() };
    }
    Value::from_json_str(start).ok()
}

fn service_error(response: &Response<Bytes>) -> ApiError {
    let head_error = || header(response.headers(), "x-oss-err").and_then(|text| xml_in_base64(&text));
    let Some(body) = structured(response).or_else(head_error).map(unwrap_root) else {
        return if response.body().is_empty() { status_error(response) } else { unparsable(response) };
    };
    // Function Compute 2.0 has names of its own.
    let any = |names: [&str; 2]| names.into_iter().find_map(|name| field(&body, name));
    let Some(code) = any(["Code", "ErrorCode"]) else { return unparsable(response) };
    ApiError::Service {
        code,
        message: any(["Message", "ErrorMessage"]).unwrap_or_else(|| "no message".into()),
        http_status: response.status().as_u16(),
        request_id: field(&body, "RequestId").or_else(|| request_id_of(response.headers())),
        retry_after: retry_after(response.headers()),
        body,
    }
}

/// `<Error>…</Error>` and `{"Error": …}` are shown without their root.
fn unwrap_root(body: Value) -> Value {
    match body.get("Error") {
        Some(inner @ Value::Map(_)) if body.as_map().is_some_and(|map| map.len() == 1) => inner.clone(),
        _ => body,
    }
}

fn xml_in_base64(text: &str) -> Option<Value> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(text).ok()?;
    xml::parse(std::str::from_utf8(&bytes).ok()?).ok()
}

/// An error without a body, as a HEAD request gets it. CHOICE: the code names the status.
fn status_error(response: &Response<Bytes>) -> ApiError {
    let status = response.status();
    with_response(format!("Http{}", status.as_u16()), "the answer has no body".to_owned(), response)
}

fn unparsable(response: &Response<Bytes>) -> ApiError {
    let kept = response.body().get(..KEPT_BYTES.min(response.body().len())).unwrap_or_default();
    let text = String::from_utf8_lossy(kept).replace(['\r', '\n'], " ");
    let message = format!("status {}, not an answer of the API: `{}`", response.status().as_u16(), text.trim());
    with_response(UNPARSABLE.to_owned(), message, response)
}

fn with_response(code: String, message: String, response: &Response<Bytes>) -> ApiError {
    let mut error = ApiError::service(code, response.status().as_u16(), message);
    if let ApiError::Service { request_id, retry_after: delay, .. } = &mut error {
        *request_id = request_id_of(response.headers());
        *delay = retry_after(response.headers());
    }
    error
}

/// A member by its name or its lower-camel form; ROA products write `code`, `requestId`.
fn field(body: &Value, name: &str) -> Option<Arc<str>> {
    let map = body.as_map()?;
    let (_, value) = map.get_folded(name)?;
    match value {
        Value::Null | Value::List(_) | Value::Map(_) => None,
        scalar => Some(scalar.to_text()),
    }
}

pub(crate) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn request_id_of(headers: &HeaderMap) -> Option<Arc<str>> {
    const NAMES: [&str; 5] =
        ["x-acs-request-id", "x-oss-request-id", "x-fc-request-id", "x-mns-request-id", "request-id"];
    NAMES.iter().find_map(|name| header(headers, name)).map(Into::into)
}

/// `x-acs-retry-after` in milliseconds: a positive integer, anything else is ignored (params.json `retry_after`).
pub fn retry_after_millis(text: &str) -> Option<Duration> {
    text.trim().parse::<u64>().ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}

/// The server's wish: `x-acs-retry-after`, else the standard `Retry-After` in seconds; capped.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let ours = header(headers, "x-acs-retry-after").and_then(|text| retry_after_millis(&text));
    let standard = || header(headers, "retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    ours.or_else(standard).map(|delay| delay.min(LONGEST_SERVER_DELAY))
}

/// The server's clock, from the header `Date`.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    crate::sign::oss_v4::parse_http_date(&header(headers, "date")?)
}

/// No answer came.
pub(crate) fn transport_error(error: &TransportError, host: &str) -> ApiError {
    ApiError::Transport { message: format!("{host}: {}", error.message).into(), sent: error.sent }
}

/// Adds to a refused signature what a comparison with our own text says, and hides the token (aliyun-client 1.7).
pub(crate) fn diagnose(error: ApiError, ours: Option<&str>, secrets: &[&str]) -> ApiError {
    let ApiError::Service { code, message, http_status, request_id, retry_after, body } = error else { return error };
    let verdict = match ours {
        Some(ours) if is_signature(&code) => verdict(&message, &body, ours),
        _ => "",
    };
    let message = format!("{}{verdict}", redact(&message, secrets)).into();
    let body = redact_value(&body, secrets);
    ApiError::Service { code, message, http_status, request_id, retry_after, body }
}

fn is_signature(code: &str) -> bool {
    matches!(code, "SignatureDoesNotMatch" | "IncompleteSignature" | "IncorrectSignature")
}

fn verdict(message: &str, body: &Value, ours: &str) -> &'static str {
    let flat = |text: &str| text.split_whitespace().collect::<String>();
    let theirs = match field(body, "StringToSign") {
        Some(text) => flat(&text),
        None => match message.to_ascii_lowercase().find("string to sign is:") {
            Some(at) => flat(message.get(at..).unwrap_or_default()),
            None => return "",
        },
    };
    if theirs.contains(&flat(ours)) {
        " (the server signed the same text: the access key secret is wrong)"
    } else {
        " (the server signed another text: a defect of this client, not of the key)"
    }
}

fn redact(text: &str, secrets: &[&str]) -> String {
    secrets.iter().filter(|secret| !secret.is_empty()).fold(text.to_owned(), |text, secret| {
        text.replace(secret, "******").replace(&crate::sign::percent_encode(secret), "******")
    })
}

fn redact_value(value: &Value, secrets: &[&str]) -> Value {
    match value {
        Value::String(text) => Value::from(redact(text, secrets)),
        Value::List(list) => list.iter().map(|item| redact_value(item, secrets)).collect(),
        Value::Map(map) => Value::from(map.iter().map(|(k, v)| (k.clone(), redact_value(v, secrets))).collect::<Map>()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use oos_core::ports::api::ApiErrorKind;

    use super::*;

    fn response(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response<Bytes> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    fn error(status: u16, headers: &[(&'static str, &str)], body: &str) -> ApiError {
        read_answer(&response(status, headers, body), false).unwrap_err()
    }

    #[test]
    fn reads_both_spellings_and_xml_of_errors() {
        let bodies = [
            r#"{"RequestId":"r-1","HostId":"h","Code":"Throttling.User","Message":"slow"}"#,
            r#"{"requestId":"r-1","code":"Throttling.User","message":"slow"}"#,
            "<?xml version='1.0'?><Error><RequestId>r-1</RequestId><Code>Throttling.User</Code><Message>slow</Message></Error>",
        ];
        for body in bodies {
            let error = error(400, &[("x-acs-retry-after", "2000")], body);
            let ApiError::Service { code, message, request_id, retry_after, .. } = &error else { panic!("{error}") };
            assert_eq!((&**code, &**message, request_id.as_deref()), ("Throttling.User", "slow", Some("r-1")));
            assert_eq!((*retry_after, error.kind()), (Some(Duration::from_secs(2)), ApiErrorKind::Throttled));
        }
    }

    #[test]
    fn a_page_of_a_proxy_is_kept_in_part() {
        let page = format!("<html>\n{}</html>", "x".repeat(5000));
        let error = error(502, &[("content-type", "text/html")], &page);
        assert_eq!((error.code(), error.kind()), (UNPARSABLE, ApiErrorKind::ServerFault));
        assert!(error.to_string().len() < 2200 && !error.to_string().contains('\n'));
    }

    #[test]
    fn a_truncated_answer_is_not_a_success() {
        let error = read_answer(&response(200, &[], r#"{"RequestId":"#), false).unwrap_err();
        assert_eq!(error.code(), UNPARSABLE);
        assert_eq!(error.kind(), ApiErrorKind::Other);
    }

    #[test]
    fn an_empty_answer_is_a_map_with_the_request_id() {
        let answer = read_answer(&response(204, &[("x-oss-request-id", "r-9")], ""), true).unwrap();
        assert_eq!(answer.body.to_string(), r#"{"RequestId":"r-9"}"#);
        assert_eq!(answer.request_id.as_deref(), Some("r-9"));
    }

    #[test]
    fn a_head_error_comes_from_its_header() {
        let xml = crate::sign::base64(b"<Error><Code>NoSuchKey</Code><Message>m</Message></Error>");
        assert_eq!(error(404, &[("x-oss-err", &xml)], "").code(), "NoSuchKey");
        assert_eq!(error(404, &[], "").kind(), ApiErrorKind::NotFound);
    }

    #[test]
    fn integers_keep_their_digits() {
        let answer = read_answer(&response(200, &[], r#"{"Id":9007199254740993}"#), false).unwrap();
        assert_eq!(answer.body.to_string(), r#"{"Id":9007199254740993}"#);
    }

    #[test]
    fn a_refused_signature_says_whose_fault_it_is_and_hides_the_token() {
        let make = |text: &str| {
            let message = format!("not matched. server string to sign is:{text} tok+en tok%2Ben");
            diagnose(ApiError::service("SignatureDoesNotMatch", 400, message), Some("ACS3\nabc"), &["tok+en"])
        };
        assert!(make("ACS3\nabc").to_string().contains("the access key secret is wrong"));
        assert!(make("ACS3\nxyz").to_string().contains("a defect of this client"));
        assert!(!format!("{:?}", make("x")).contains("tok"));
    }

    #[test]
    fn the_waits_of_the_vectors() {
        let all = Value::from_json_str(include_str!("../tests/vectors/params.json")).unwrap();
        let cases = all.get("retry_after").and_then(Value::as_list).unwrap();
        assert_eq!(cases.len(), 8);
        for case in cases {
            let text = case.get("x-acs-retry-after").and_then(Value::as_str);
            let expected = case.get("milliseconds").and_then(Value::as_i64).map(i128::from);
            let got = text.and_then(retry_after_millis).map(|d| i128::try_from(d.as_millis()).unwrap());
            assert_eq!(got, expected, "{text:?}");
        }
    }
}
