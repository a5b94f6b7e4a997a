//! Calls of cloud APIs: request, answer, error, and the one classifier of errors.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{RegionId, Value};

/// One call of one API, as a template names it; the caller normalises spellings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiRequest {
    /// Product code in any case: `ECS`, `r-kvstore`.
    pub service: Arc<str>,
    /// Operation in any case: `DescribeInstances`.
    pub api: Arc<str>,
    /// Parameters as the template gave them: a map, or null for none.
    pub parameters: Value,
    /// HTTP method of a ROA or object-storage call.
    pub method: Option<Arc<str>>,
    /// Path and query of a ROA or object-storage call.
    pub uri: Option<Arc<str>>,
    /// Headers of a ROA call: a map or null.
    pub headers: Value,
    /// Body of a ROA call: a map, text or null.
    pub body: Value,
    /// API version, an extension.
    pub version: Option<Arc<str>>,
    /// Endpoint host, an extension.
    pub endpoint: Option<Arc<str>>,
    /// The region of the execution; `Parameters.RegionId` wins over it.
    pub region: Option<RegionId>,
    /// The evaluated `RamRole`: a role chain; empty for the caller's own identity.
    pub role: Arc<str>,
    /// Idempotency token, for `ClientToken` where the API has one and the template gave none.
    pub token: Option<Arc<str>>,
    /// Who asks, for logs and assertions.
    pub origin: Origin,
}

impl ApiRequest {
    /// A call with parameters and nothing else.
    pub fn new(service: impl Into<Arc<str>>, api: impl Into<Arc<str>>, parameters: impl Into<Value>) -> Self {
        Self { service: service.into(), api: api.into(), parameters: parameters.into(), ..Self::default() }
    }

    /// True when the call only reads: by HTTP method, else by the verb of its name (aliyun-client 5.4).
    pub fn is_read(&self) -> bool {
        const SAFE: [&str; 10] =
            ["Describe", "List", "Get", "Query", "Check", "Search", "Count", "Preview", "Validate", "Is"];
        match self.method.as_deref() {
            Some(method) if self.uri.is_some() => ["GET", "HEAD"].iter().any(|m| method.eq_ignore_ascii_case(m)),
            _ => SAFE.iter().any(|verb| {
                let rest = self.api.get(verb.len()..);
                self.api.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb))
                    && rest.is_some_and(|r| r.is_empty() || r.starts_with(|c: char| c.is_ascii_uppercase()))
            }),
        }
    }
}

/// Which step of which execution makes a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Execution (of the machine, i.e. a child has its own).
    pub execution: Option<crate::ExecutionId>,
    /// Task.
    pub task: Option<crate::TaskName>,
    /// Loop item from 1.
    pub item: Option<u32>,
    /// Loop items of the chain of parents, outermost first: `(task, item)`.
    pub parents: Vec<(crate::TaskName, Option<u32>)>,
}

/// The answer of a call that the cloud carried out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiResponse {
    /// JSON body; `{}` when it was empty.
    pub body: Value,
    /// Request id, when the cloud gave one.
    pub request_id: Option<Arc<str>>,
}

/// Calls cloud APIs.
///
/// # Implementing
/// One call, one attempt: the engine repeats (its decorator waits on its clock). Return the cloud's error code
/// verbatim. Dropping the future must leave nothing but a possibly delivered request.
#[async_trait]
pub trait ApiCaller: Debug + Send + Sync + 'static {
    /// Makes one call.
    ///
    /// # Errors
    /// The cloud's error as data, or why there was no answer.
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError>;
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The cloud answered with an error.
    #[error("{code}: {message}")]
    Service {
        /// The cloud's code, verbatim.
        code: Arc<str>,
        /// The cloud's message.
        message: Arc<str>,
        /// HTTP status.
        http_status: u16,
        /// Request id.
        request_id: Option<Arc<str>>,
        /// The server's wish how long to wait.
        retry_after: Option<Duration>,
        /// The whole error body, for selectors of WaitFor and CheckFor.
        body: Value,
    },
    /// No answer.
    #[error("no answer: {message}")]
    Transport {
        /// What happened.
        message: Arc<str>,
        /// True when the request may have been carried out.
        sent: bool,
    },
    /// No credential could be had.
    #[error("no credential: {message}")]
    Credential {
        /// Which source failed and why.
        message: Arc<str>,
    },
    /// The caller cannot make this call at all.
    #[error("{code}: {message}")]
    Unsupported {
        /// A stable code, e.g. `Testkit.UnmodelledApi`.
        code: Arc<str>,
        /// What is missing.
        message: Arc<str>,
    },
}

/// What a caller can do about an [`ApiError`]; `match` on it, never on texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// Too many calls; not carried out.
    Throttled,
    /// The server failed.
    ServerFault,
    /// A temporary key has ended.
    AuthExpired,
    /// The signature or key was refused.
    Auth,
    /// The clock or nonce was refused.
    Clock,
    /// Not allowed.
    Denied,
    /// No such thing.
    NotFound,
    /// The thing is in another state, or busy.
    Conflict,
    /// A wrong request.
    BadRequest,
    /// Trouble with an idempotency token.
    Idempotency,
    /// The request never left.
    NeverSent,
    /// The request left and no answer came.
    UnknownOutcome,
    /// Anything else.
    Other,
}

impl ApiError {
    /// A cloud error with a body made of code and message.
    pub fn service(code: impl Into<Arc<str>>, http_status: u16, message: impl Into<Arc<str>>) -> Self {
        let (code, message) = (code.into(), message.into());
        let body = crate::params! { "Code" => code.clone(), "Message" => message.clone() };
        Self::Service { code, message, http_status, request_id: None, retry_after: None, body }
    }

    /// The cloud's code, or a code of ours.
    pub fn code(&self) -> &str {
        match self {
            Self::Service { code, .. } | Self::Unsupported { code, .. } => code,
            Self::Transport { sent: true, .. } => "NoAnswer",
            Self::Transport { sent: false, .. } => "NotConnected",
            Self::Credential { .. } => "CredentialError",
        }
    }

    /// The request id, when there is one.
    pub fn request_id(&self) -> Option<&Arc<str>> {
        match self {
            Self::Service { request_id, .. } => request_id.as_ref(),
            _ => None,
        }
    }

    /// What can be done about it.
    pub fn kind(&self) -> ApiErrorKind {
        match self {
            Self::Service { code, http_status, .. } => classify(code, *http_status),
            Self::Transport { sent: false, .. } => ApiErrorKind::NeverSent,
            Self::Transport { sent: true, .. } => ApiErrorKind::UnknownOutcome,
            Self::Credential { .. } => ApiErrorKind::Auth,
            Self::Unsupported { .. } => ApiErrorKind::Other,
        }
    }
}

/// The classifier (aliyun-client 5.2): codes of all rows first, top to bottom, then the bare statuses.
pub fn classify(code: &str, status: u16) -> ApiErrorKind {
    classify_code(code).unwrap_or(match status {
        429 => ApiErrorKind::Throttled,
        500 | 502 | 503 | 504 => ApiErrorKind::ServerFault,
        403 => ApiErrorKind::Denied,
        404 => ApiErrorKind::NotFound,
        409 => ApiErrorKind::Conflict,
        400..=499 => ApiErrorKind::BadRequest,
        _ => ApiErrorKind::Other,
    })
}

fn classify_code(code: &str) -> Option<ApiErrorKind> {
    use ApiErrorKind as K;
    let any = |list: &[&str]| list.contains(&code);
    let starts = |list: &[&str]| list.iter().any(|p| code.starts_with(p));
    Some(
        if code.contains("Throttling")
            || starts(&["FlowControl"])
            || any(&["ServiceBusy", "SystemBusy", "RequestLimitExceeded", "TooManyRequests", "QpsLimitExceeded"])
        {
            K::Throttled
        } else if any(&[
            "SignatureNonceUsed",
            "InvalidTimeStamp.Expired",
            "InvalidTimeStamp.Format",
            "RequestTimeTooSkewed",
            "IllegalTimestamp",
        ]) {
            K::Clock
        } else if starts(&["InvalidSecurityToken."]) || any(&["SecurityTokenExpired", "InvalidAccessKeyId.NotFound"]) {
            K::AuthExpired
        } else if any(&[
            "ServiceUnavailable",
            "InternalError",
            "UnknownError",
            "ServiceUnavailableTemporary",
            "InternalServerError",
        ]) {
            K::ServerFault
        } else if any(&["IncorrectSignature", "SignatureDoesNotMatch", "IncompleteSignature", "MissingSecurityToken"]) {
            K::Auth
        } else if starts(&["Forbidden", "Unauthorized", "NoPermission"]) || any(&["AccessDenied"]) {
            K::Denied
        } else if code.ends_with(".NotFound") || code.contains("NotExist") || starts(&["NoSuch"]) {
            K::NotFound
        } else if code.ends_with(".Conflict")
            || any(&["OperationConflict", "TaskConflict", "IncorrectInstanceStatus", "LastTokenProcessing"])
        {
            K::Conflict
        } else if starts(&["Idempotent"]) {
            K::Idempotency
        } else {
            return None;
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_tried_before_statuses() {
        assert_eq!(classify("IncorrectInstanceStatus", 403), ApiErrorKind::Conflict);
        assert_eq!(classify("Forbidden.KeyNotFound", 404), ApiErrorKind::Denied);
        assert_eq!(classify("Throttling.User", 400), ApiErrorKind::Throttled);
        assert_eq!(classify("Something", 429), ApiErrorKind::Throttled);
        assert_eq!(classify("InvalidInstanceId.NotFound", 404), ApiErrorKind::NotFound);
        assert_eq!(classify("InvalidParameter", 400), ApiErrorKind::BadRequest);
    }

    #[test]
    fn reads_are_told_by_verb_or_method() {
        assert!(ApiRequest::new("ECS", "DescribeInstances", Value::Null).is_read());
        assert!(!ApiRequest::new("ECS", "IssueThing", Value::Null).is_read());
        let mut roa = ApiRequest::new("CS", "DescribeClusters", Value::Null);
        (roa.method, roa.uri) = (Some("PUT".into()), Some("/clusters".into()));
        assert!(!roa.is_read());
    }
}
