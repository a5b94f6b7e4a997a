//! Answers and errors in the form that each product gives them (aliyun-client 2.5, 5.1).

use std::sync::Arc;

use bytes::Bytes;
use oos_core::{
    Map, Value,
    catalogue::Style,
    ports::{ApiError, ApiResponse},
};

use super::{decode::Decoded, xml};

/// An HTTP answer, or none.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Status, headers, body.
    Answer(Answer),
    /// The connection is closed without an answer: nobody knows what happened.
    Closed,
}

/// An HTTP answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

const JSON: &str = "application/json;charset=utf-8";
const XML: &str = "application/xml";

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, JSON, body.to_string())
    }

    pub(crate) fn new(status: u16, kind: &str, body: String) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.into() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What the caller gets.
pub(crate) fn reply(decoded: &Decoded, outcome: Result<ApiResponse, ApiError>) -> Reply {
    match outcome {
        Ok(response) => Reply::Answer(success(decoded, &response)),
        Err(ApiError::Transport { .. }) => Reply::Closed,
        Err(error) => Reply::Answer(failure(Some(decoded), &error)),
    }
}

fn success(decoded: &Decoded, response: &ApiResponse) -> Answer {
    let id = response.request_id.as_deref().unwrap_or_default();
    let answer = match decoded.style {
        // The policy itself is the answer, as the JSON that it was put as.
        Style::ObjectStorage if &*decoded.request.api == "GetBucketPolicy" => policy(&response.body),
        Style::ObjectStorage | Style::MnsRest => object_storage(&decoded.request.method, &response.body),
        _ => Answer::json(200, &response.body),
    };
    answer.with(id_header(decoded.style), id)
}

fn id_header(style: Style) -> &'static str {
    match style {
        Style::ObjectStorage => "x-oss-request-id",
        Style::MnsRest => "x-mns-request-id",
        _ => "x-acs-request-id",
    }
}

fn policy(body: &Value) -> Answer {
    let mut policy = body.as_map().cloned().unwrap_or_default();
    policy.remove("RequestId");
    Answer::json(200, &policy.into())
}

/// One member is the root of a document; where there is nothing, nothing is sent.
fn object_storage(method: &Option<Arc<str>>, body: &Value) -> Answer {
    let Some(map) = body.as_map() else {
        return Answer::new(200, "application/octet-stream", body.to_text().to_string());
    };
    let mut map = map.clone();
    map.remove("RequestId");
    let empty = if method.as_deref() == Some("DELETE") { 204 } else { 200 };
    let mut members = map.iter();
    match (members.next(), members.next()) {
        (None, _) => Answer { status: empty, ..Answer::default() },
        (Some((root, value)), None) => Answer::new(200, XML, xml::document(root, value)),
        _ => Answer::json(200, &map.clone().into()),
    }
}

/// An error of the call, or of a request that is no call (`None`).
pub(crate) fn failure(decoded: Option<&Decoded>, error: &ApiError) -> Answer {
    let ApiError::Service { code, message, http_status, request_id, retry_after, body } = error else {
        // What the fake cannot do: for whoever writes the test.
        let named = ApiError::service(error.code(), 501, error.to_string());
        return failure(decoded, &named);
    };
    let style = decoded.map_or(Style::Rpc, |d| d.style);
    let mut members = body.as_map().cloned().unwrap_or_default();
    members.insert("Code", code.clone());
    members.insert("Message", message.clone());
    if let Some(id) = request_id {
        members.insert("RequestId", id.clone());
    }
    let product = decoded.map(|d| &*d.product);
    let answer = match (style, product) {
        (Style::ObjectStorage | Style::MnsRest, _) => Answer::new(*http_status, XML, xml::error(&members)),
        (Style::Roa, Some("fc-open" | "fc")) => Answer::json(*http_status, &function_compute(&members)),
        (Style::Roa, _) => Answer::json(*http_status, &lower_camel(&members)),
        _ => Answer::json(*http_status, &members.into()),
    };
    let answer = answer.with(id_header(style), request_id.as_deref().unwrap_or_default());
    match retry_after {
        Some(delay) => answer.with("x-acs-retry-after", delay.as_millis().to_string()),
        None => answer,
    }
}

/// `{code, message, requestId, …}`.
fn lower_camel(members: &Map) -> Value {
    let lower = |name: &str| {
        let mut chars = name.chars();
        chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect::<String>()
    };
    Value::from(members.iter().map(|(name, value)| (Arc::from(lower(name)), value.clone())).collect::<Map>())
}

/// `{ErrorCode, ErrorMessage, RequestId}`.
fn function_compute(members: &Map) -> Value {
    let of = |name: &str| members.get(name).cloned().unwrap_or_default();
    oos_core::params! { "ErrorCode" => of("Code"), "ErrorMessage" => of("Message"), "RequestId" => of("RequestId") }
}
