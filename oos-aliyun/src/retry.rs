//! When to ask again: the policy for callers without an engine, and the limits that all calls share (aliyun-client
//! 5.3, 5.4).
//!
//! Pure but for the clock: the loop itself is in `client.rs`, because each attempt is signed anew.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oos_core::{
    Timestamp,
    ports::{
        Clock,
        api::{ApiError, ApiErrorKind},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How a caller without an engine repeats.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts for server faults and lost connections, the first included.
    pub attempts: u32,
    /// Attempts when throttled, the first included.
    pub throttled_attempts: u32,
    /// Time for everything.
    pub budget: Duration,
    /// First delay after a fault.
    pub base: Duration,
    /// First delay when throttled.
    pub throttled_base: Duration,
    /// Longest delay of our own.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            throttled_attempts: 8,
            budget: Duration::from_secs(120),
            base: Duration::from_millis(200),
            throttled_base: Duration::from_secs(1),
            cap: Duration::from_secs(20),
        }
    }
}

/// What a policy knows of a call so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptState {
    /// Attempts made.
    pub attempts: u32,
    /// May the call be repeated although it may have been carried out?
    pub safe: bool,
}

impl RetryPolicy {
    /// The delay before the next attempt; `None` to stop. `unit` is random in `0.0..1.0`.
    pub fn delay(&self, state: AttemptState, error: &ApiError, unit: f64) -> Option<Duration> {
        let (most, base) = match error.kind() {
            ApiErrorKind::Throttled => (self.throttled_attempts, self.throttled_base),
            ApiErrorKind::NeverSent => (self.attempts, self.base),
            ApiErrorKind::ServerFault | ApiErrorKind::UnknownOutcome if state.safe => (self.attempts, self.base),
            ApiErrorKind::Idempotency if error.code() == "IdempotentProcessing" => (self.attempts, self.base),
            _ => return None,
        };
        if state.attempts >= most {
            return None;
        }
        Some(match server_delay(error) {
            Some(delay) => (delay + delay.mul_f64(0.25 * unit)).min(crate::error::LONGEST_SERVER_DELAY),
            None => self.cap.min(base.saturating_mul(1 << (state.attempts.saturating_sub(1)).min(16))).mul_f64(unit),
        })
    }
}

/// The server's wish, if it named one.
pub(crate) fn server_delay(error: &ApiError) -> Option<Duration> {
    match error {
        ApiError::Service { retry_after, .. } => *retry_after,
        _ => None,
    }
}

/// Tokens that retries cost, so that an outage does not multiply the load (as in aws-smithy).
#[derive(Debug)]
pub struct TokenBucket(Mutex<u32>);

impl TokenBucket {
    /// Tokens of a full bucket.
    pub const CAPACITY: u32 = 500;
    const COST: u32 = 5;
    const TIMEOUT_COST: u32 = 10;

    /// Takes the tokens of one retry; false when there are too few.
    pub fn take(&self, error: &ApiError) -> bool {
        let cost = if error.kind() == ApiErrorKind::UnknownOutcome { Self::TIMEOUT_COST } else { Self::COST };
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.checked_sub(cost).map(|rest| *tokens = rest).is_some()
    }

    /// A success gives one token back.
    pub fn give_back(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = Self::CAPACITY.min(*tokens + 1);
    }
}

impl Default for TokenBucket {
    fn default() -> Self {
        Self(Mutex::new(Self::CAPACITY))
    }
}

/// Calls at once per product and region; quotas are per API, region and account (aliyun-client 4.2).
#[derive(Debug)]
pub(crate) struct Limiter {
    concurrency: usize,
    gates: Mutex<BTreeMap<(String, String), Arc<Gate>>>,
}

impl Limiter {
    pub(crate) fn new(concurrency: usize) -> Self {
        Self { concurrency: concurrency.max(1), gates: Mutex::default() }
    }

    pub(crate) fn gate(&self, product: &str, region: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (product.to_owned(), region.to_owned());
        Arc::clone(gates.entry(key).or_insert_with(|| Arc::new(Gate::new(self.concurrency))))
    }
}

/// The limit of one product in one region.
#[derive(Debug)]
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    closed_until: Mutex<Timestamp>,
}

impl Gate {
    fn new(concurrency: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(concurrency)), closed_until: Mutex::default() }
    }

    /// Waits for a place and for the end of a pause. The place is free again when the permit is dropped.
    pub(crate) async fn enter(&self, clock: &dyn Clock) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        loop {
            let until = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
            if until <= clock.now() {
                return permit;
            }
            clock.sleep_until(until).await;
        }
    }

    /// Nobody calls before `until`.
    pub(crate) fn pause(&self, until: Timestamp) {
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = until.max(*closed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(error: &ApiError, attempts: u32, safe: bool, unit: f64) -> Option<u128> {
        RetryPolicy::default().delay(AttemptState { attempts, safe }, error, unit).map(|d| d.as_millis())
    }

    #[test]
    fn faults_are_repeated_only_when_the_call_is_safe() {
        let fault = ApiError::service("InternalError", 500, "m");
        assert_eq!(delay(&fault, 1, true, 1.0), Some(200));
        assert_eq!(delay(&fault, 3, true, 0.5), Some(400));
        assert_eq!(delay(&fault, 4, true, 1.0), None);
        assert_eq!(delay(&fault, 1, false, 1.0), None);
        let lost = ApiError::Transport { message: "m".into(), sent: true };
        assert_eq!(delay(&lost, 1, false, 1.0), None);
        let never = ApiError::Transport { message: "m".into(), sent: false };
        assert_eq!(delay(&never, 1, false, 1.0), Some(200));
    }

    #[test]
    fn throttling_is_repeated_for_any_call_and_honours_the_server() {
        let mut throttled = ApiError::service("Throttling.User", 400, "m");
        assert_eq!(delay(&throttled, 7, false, 1.0), Some(20_000));
        assert_eq!(delay(&throttled, 8, false, 1.0), None);
        if let ApiError::Service { retry_after, .. } = &mut throttled {
            *retry_after = Some(Duration::from_secs(2));
        }
        assert_eq!(delay(&throttled, 1, false, 1.0), Some(2_500));
    }

    #[test]
    fn denied_and_conflicting_calls_are_final() {
        for code in ["Forbidden.RAM", "IncorrectInstanceStatus", "InvalidParameter", "IdempotentParameterMismatch"] {
            assert_eq!(delay(&ApiError::service(code, 400, "m"), 1, true, 1.0), None, "{code}");
        }
        assert!(delay(&ApiError::service("IdempotentProcessing", 400, "m"), 1, false, 1.0).is_some());
    }

    #[test]
    fn the_bucket_runs_dry_and_fills_with_successes() {
        let (bucket, fault) = (TokenBucket::default(), ApiError::service("InternalError", 500, "m"));
        assert!((0..100).all(|_| bucket.take(&fault)));
        assert!(!bucket.take(&fault));
        (0..5).for_each(|_| bucket.give_back());
        assert!(bucket.take(&fault));
    }
}
