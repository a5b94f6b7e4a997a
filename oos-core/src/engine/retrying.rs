//! Repeats of one API call: the one such layer when an engine calls (actions.md 20.3). Waits on the engine's clock, so
//! virtual time, call log and faults of a fake see them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::ports::{ApiCaller, ApiError, ApiErrorKind, ApiRequest, ApiResponse, Clock};

/// How often and after which waits a call is repeated. CHOICE: actions.md 20.3; no page says what the service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRetryPolicy {
    /// Waits after throttling; their number is the number of repeats.
    pub throttled: Vec<Duration>,
    /// Waits after a server fault or a connection that was never made.
    pub faults: Vec<Duration>,
    /// All waits of one call together at most.
    pub budget: Duration,
}

impl Default for ApiRetryPolicy {
    fn default() -> Self {
        let seconds = |list: &[u64]| list.iter().copied().map(Duration::from_secs).collect();
        Self {
            throttled: seconds(&[1, 2, 4, 8, 16, 32, 60, 60]),
            faults: seconds(&[1, 2, 4]),
            budget: Duration::from_secs(300),
        }
    }
}

impl ApiRetryPolicy {
    /// No repeats.
    pub fn none() -> Self {
        Self { throttled: Vec::new(), faults: Vec::new(), budget: Duration::ZERO }
    }

    /// The wait before repeat `n` (from 0) of a request that ended with an error.
    fn wait(&self, request: &ApiRequest, error: &ApiError, n: usize) -> Option<Duration> {
        let repeatable = request.is_read() || has_token(request);
        match error.kind() {
            ApiErrorKind::Throttled => {
                let asked = if let ApiError::Service { retry_after, .. } = error { *retry_after } else { None };
                self.throttled.get(n).map(|wait| (*wait).max(asked.unwrap_or_default()))
            }
            ApiErrorKind::NeverSent => self.faults.get(n).copied(),
            ApiErrorKind::ServerFault if repeatable => self.faults.get(n).copied(),
            ApiErrorKind::UnknownOutcome if request.is_read() => self.faults.get(n).copied(),
            _ => None,
        }
    }
}

/// True when the request carries a token that makes it safe to repeat: one that the template gave, or the step's own
/// where the API takes one.
fn has_token(request: &ApiRequest) -> bool {
    let given = request.parameters.get("ClientToken").is_some_and(|t| !t.is_null());
    given || (request.token.is_some() && takes_token(request))
}

#[cfg(feature = "catalogue")]
fn takes_token(request: &ApiRequest) -> bool {
    use crate::catalogue::{NormaliseOptions, Repeat, normalise};
    normalise(request, &NormaliseOptions::default()).repeat() == Repeat::Token
}

/// Without the catalogue nobody knows which APIs take one.
#[cfg(not(feature = "catalogue"))]
fn takes_token(_: &ApiRequest) -> bool {
    false
}

/// Repeats throttled and failed calls of the caller below.
#[derive(Debug)]
pub struct RetryingCaller {
    below: Arc<dyn ApiCaller>,
    clock: Arc<dyn Clock>,
    policy: ApiRetryPolicy,
}

impl RetryingCaller {
    /// A decorator of `below`.
    pub fn new(below: Arc<dyn ApiCaller>, clock: Arc<dyn Clock>, policy: ApiRetryPolicy) -> Self {
        Self { below, clock, policy }
    }
}

#[async_trait]
impl ApiCaller for RetryingCaller {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let mut waited = Duration::ZERO;
        let mut n = 0;
        loop {
            let error = match self.below.call(request.clone()).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let wait = self.policy.wait(&request, &error, n).filter(|w| waited + *w <= self.policy.budget);
            let Some(wait) = wait else { return Err(error) };
            tracing::debug!(api = &*request.api, code = error.code(), ?wait, "call repeated");
            self.clock.sleep_until(self.clock.now() + wait).await;
            waited += wait;
            n += 1;
        }
    }
}
