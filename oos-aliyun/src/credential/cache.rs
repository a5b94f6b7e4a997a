//! One cache for every source: refreshed in the background, one fetch at a time, failures remembered (aliyun-client
//! 3.7).
//!
//! The shared fetch is a task of its own, so a caller that is dropped does not end it for the others. Nothing runs
//! while nobody calls. A lock is never held across an `await`.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, Shared, select},
};
use oos_core::{
    Timestamp,
    ports::{
        Clock, Spawner,
        credential::{Credential, CredentialError, CredentialProvider},
    },
};
use tracing::Instrument;

use super::{Provided, Source, broken, unavailable};
use crate::transport::{Entropy, Runtime};

/// Times of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Before the end, callers wait for a new credential.
    pub mandatory: Duration,
    /// Before the end, a new credential is fetched in the background; at most half the life.
    pub prefetch: Duration,
    /// Longest wait for the fetch of somebody else.
    pub wait: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            mandatory: Duration::from_secs(180),
            prefetch: Duration::from_secs(15 * 60),
            wait: Duration::from_secs(5),
        }
    }
}

/// Longest time that a failure is remembered.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// CHOICE: failures are remembered up to a tenth longer, at random, so that processes do not march in step.
const JITTER: f64 = 0.1;

type Outcome = Result<Option<Provided>, CredentialError>;
type Flight = Shared<oneshot::Receiver<Outcome>>;

/// A source with a memory; cheap to clone.
#[derive(Clone)]
pub struct Cached(Arc<Inner>);

struct Inner {
    source: Arc<dyn Source>,
    clock: Arc<dyn Clock>,
    spawner: Arc<dyn Spawner>,
    entropy: Arc<dyn Entropy>,
    options: CacheOptions,
    /// Drawn once per cache: how much shorter the prefetch window is.
    shorter: f64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entry: Option<Entry>,
    failure: Option<Failure>,
    failures: u32,
    flight: Option<(u64, Flight)>,
    started: u64,
}

#[derive(Clone)]
struct Entry {
    provided: Provided,
    /// From here on a fetch in the background; `None` for a key without end.
    prefetch_at: Option<Timestamp>,
    mandatory_at: Option<Timestamp>,
}

struct Failure {
    /// `None`: the source is not configured.
    error: Option<CredentialError>,
    until: Timestamp,
}

/// What a caller does next.
enum Plan {
    Answer(Outcome),
    /// Answer at once; somebody has to start this flight.
    Refresh(Outcome, u64, oneshot::Sender<Outcome>),
    Wait(Flight, Option<Provided>, Option<(u64, oneshot::Sender<Outcome>)>),
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("source", &self.0.source).finish_non_exhaustive()
    }
}

impl Cached {
    /// A cache over a source.
    pub fn new(source: Arc<dyn Source>, runtime: &Runtime) -> Self {
        Self::with_options(source, runtime, CacheOptions::default())
    }

    /// A cache with times of your own.
    pub fn with_options(source: Arc<dyn Source>, runtime: &Runtime, options: CacheOptions) -> Self {
        let shorter = JITTER * runtime.entropy.unit();
        Self(Arc::new(Inner {
            source,
            clock: Arc::clone(&runtime.clock),
            spawner: Arc::clone(&runtime.spawner),
            entropy: Arc::clone(&runtime.entropy),
            options,
            shorter,
            state: Mutex::default(),
        }))
    }

    /// The present credential and where it came from.
    ///
    /// # Errors
    /// The source's, also while it is remembered.
    pub async fn get(&self) -> Outcome {
        let (flight, fallback, start) = match self.0.plan() {
            Plan::Answer(outcome) => return outcome,
            Plan::Refresh(outcome, id, sender) => {
                self.start(id, sender);
                return outcome;
            }
            Plan::Wait(flight, fallback, start) => (flight, fallback, start),
        };
        if let Some((id, sender)) = start {
            self.start(id, sender);
        }
        let limit = self.0.clock.sleep_until(self.0.clock.now() + self.0.options.wait);
        let outcome = match select(flight, limit).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(_), _)) => self.0.abandoned(),
            Either::Right(_) => Err(unavailable("cache", "the credential takes too long to refresh")),
        };
        match (outcome, fallback) {
            (Err(_) | Ok(None), Some(fallback)) if !self.0.is_over(&fallback) => Ok(Some(fallback)),
            (outcome, _) => outcome,
        }
    }

    fn start(&self, id: u64, sender: oneshot::Sender<Outcome>) {
        let inner = Arc::clone(&self.0);
        let span = tracing::debug_span!(
            "aliyun.credential",
            provider = tracing::field::Empty,
            outcome = tracing::field::Empty
        );
        let work = async move {
            let outcome = inner.source.fetch().await;
            record(&outcome);
            let outcome = inner.finish(id, outcome);
            drop(sender.send(outcome));
        };
        self.0.spawner.spawn(Box::pin(work.instrument(span)));
    }

    /// Forgets the credential, if it is still this one: the service said that it has ended.
    pub fn invalidate(&self, used: &Credential) {
        let mut state = self.0.lock();
        if state.entry.as_ref().is_some_and(|e| e.provided.credential.access_key_id == used.access_key_id) {
            state.entry = None;
        }
    }

    /// True when nothing usable is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        let now = self.0.clock.now();
        let state = self.0.lock();
        state.flight.is_none() && state.entry.as_ref().is_none_or(|e| e.mandatory_at.is_some_and(|at| at <= now))
    }
}

fn record(outcome: &Outcome) {
    let span = tracing::Span::current();
    match outcome {
        Ok(Some(provided)) => {
            span.record("provider", provided.source.as_str()).record("outcome", "ok");
        }
        Ok(None) => {
            span.record("outcome", "none");
        }
        Err(error) => {
            span.record("provider", &*error.source_name).record("outcome", "error");
            tracing::warn!(transient = error.transient, "{error}");
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self, provided: &Provided) -> bool {
        provided.credential.expires.is_some_and(|end| end <= self.clock.now())
    }

    fn plan(&self) -> Plan {
        let now = self.clock.now();
        let mut state = self.lock();
        let failing = state.failure.as_ref().is_some_and(|failure| now < failure.until);
        let past = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let fallback = match &state.entry {
            Some(entry) if !past(entry.mandatory_at) => {
                let answer = Ok(Some(entry.provided.clone()));
                let refresh = past(entry.prefetch_at) && !failing && state.flight.is_none();
                return if refresh { state.refresh(answer) } else { Plan::Answer(answer) };
            }
            Some(entry) => Some(entry.provided.clone()).filter(|provided| !self.is_over(provided)),
            None => None,
        };
        match &state.failure {
            Some(failure) if failing => Plan::Answer(match (fallback, &failure.error) {
                (Some(fallback), _) => Ok(Some(fallback)),
                (None, Some(error)) => Err(error.clone()),
                (None, None) => Ok(None),
            }),
            _ => state.wait(fallback),
        }
    }

    /// Stores what a fetch came to, and says what its waiters get.
    fn finish(&self, id: u64, outcome: Outcome) -> Outcome {
        let now = self.clock.now();
        let mut state = self.lock();
        if state.flight.as_ref().is_some_and(|(flight, _)| *flight == id) {
            state.flight = None;
        }
        let outcome = match outcome {
            Ok(Some(provided)) if self.is_over(&provided) => {
                Err(broken(&provided.source, "the credential has already ended: the clock or the source is wrong"))
            }
            outcome => outcome,
        };
        match &outcome {
            Ok(Some(provided)) => {
                let same = state.entry.as_ref().is_some_and(|e| same_end(&e.provided, provided));
                state.failures = if same { state.failures.saturating_add(1) } else { 0 };
                // A source that repeats itself is left alone for a while.
                let until = now + self.backoff(state.failures);
                state.failure = same.then_some(Failure { error: None, until });
                state.entry = (!provided.single_use).then(|| self.entry(provided.clone(), now));
            }
            Ok(None) => self.fail(&mut state, now, None),
            Err(error) => self.fail(&mut state, now, Some(error.clone())),
        }
        outcome
    }

    fn fail(&self, state: &mut State, now: Timestamp, error: Option<CredentialError>) {
        state.failures = state.failures.saturating_add(1);
        let permanent = error.as_ref().is_some_and(|error| !error.transient);
        let wait = if permanent { LONGEST_BACKOFF } else { self.backoff(state.failures) };
        let wait = wait + wait.mul_f64(JITTER * self.entropy.unit());
        state.failure = Some(Failure { error, until: now + wait });
    }

    /// 1 s, 2 s, 4 s … 30 s.
    fn backoff(&self, failures: u32) -> Duration {
        LONGEST_BACKOFF.min(Duration::from_secs(1 << failures.saturating_sub(1).min(5)))
    }

    fn entry(&self, provided: Provided, now: Timestamp) -> Entry {
        let Some(end) = provided.credential.expires else {
            return Entry { provided, prefetch_at: None, mandatory_at: None };
        };
        let life = end.since(now);
        let before_end = |window: Duration| {
            Timestamp::from_millis(end.as_millis() - i64::try_from(window.as_millis()).unwrap_or(i64::MAX))
        };
        // CHOICE: a key that is handed over shortly before its end is used for three quarters of what is left.
        let mandatory = self.options.mandatory.min(life / 4);
        let prefetch = self.options.prefetch.min(life / 2).mul_f64(1.0 - self.shorter);
        Entry { provided, prefetch_at: Some(before_end(prefetch)), mandatory_at: Some(before_end(mandatory)) }
    }

    /// The fetch ended without a result: it panicked, or its runtime is gone.
    fn abandoned(&self) -> Outcome {
        self.lock().flight = None;
        Err(unavailable("cache", "the refresh of the credential was abandoned"))
    }
}

impl State {
    fn take_off(&mut self) -> (u64, oneshot::Sender<Outcome>, Flight) {
        let (sender, receiver) = oneshot::channel();
        self.started += 1;
        let flight = receiver.shared();
        self.flight = Some((self.started, flight.clone()));
        (self.started, sender, flight)
    }

    fn refresh(&mut self, answer: Outcome) -> Plan {
        let (id, sender, _) = self.take_off();
        Plan::Refresh(answer, id, sender)
    }

    fn wait(&mut self, fallback: Option<Provided>) -> Plan {
        if let Some((_, flight)) = &self.flight {
            return Plan::Wait(flight.clone(), fallback, None);
        }
        let (id, sender, flight) = self.take_off();
        Plan::Wait(flight, fallback, Some((id, sender)))
    }
}

fn same_end(a: &Provided, b: &Provided) -> bool {
    a.credential.expires.is_some()
        && a.credential.expires == b.credential.expires
        && a.credential.access_key_id == b.credential.access_key_id
}

#[async_trait]
impl CredentialProvider for Cached {
    async fn provide(&self) -> Result<Option<Credential>, CredentialError> {
        Ok(self.get().await?.map(|provided| provided.credential))
    }
}

#[async_trait]
impl Source for Cached {
    async fn fetch(&self) -> Outcome {
        self.get().await
    }
}
