//! The client: one call, signed anew for every attempt (aliyun-client 5.3, 8).
//!
//! As the [`ApiCaller`] of an engine it makes one attempt, plus those repeats that need its own knowledge: a corrected
//! clock, a fresh nonce, a refreshed credential. Everything else goes back classified, and the engine waits on its own
//! clock. [`Client::call_with_retries`] is for callers without an engine.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use oos_core::{
    Timestamp,
    catalogue::{NormaliseOptions, Normalised, Pages, Repeat, Style, normalise},
    ports::{
        api::{ApiCaller, ApiError, ApiErrorKind, ApiRequest, ApiResponse},
        credential::Credential,
    },
};
use tracing::{Instrument, Span, field::Empty};

use crate::{
    builder::ClientBuilder,
    credential::{Cached, Provided, role_chain::Roles},
    encode,
    endpoint::{EndpointQuery, EndpointResolver, Network, split_endpoint},
    error::{diagnose, read_answer, server_time, transport_error},
    request::{self, Target},
    retry::{AttemptState, Limiter, RetryPolicy, TokenBucket, server_delay},
    sign::{RequestSigner, Signable, acs3::Acs3, oss_v4::OssV4},
    transport::{Runtime, SendOptions},
};

/// Calls Alibaba Cloud; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(pub(crate) Arc<Inner>);

/// What the builder puts together.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) runtime: Runtime,
    pub(crate) roles: Roles,
    pub(crate) region: Option<String>,
    pub(crate) network: Network,
    pub(crate) endpoint: Option<String>,
    pub(crate) endpoints: BTreeMap<String, String>,
    pub(crate) resolver: Arc<dyn EndpointResolver>,
    pub(crate) signers: BTreeMap<String, Arc<dyn RequestSigner>>,
    pub(crate) versions: BTreeMap<String, Arc<str>>,
    pub(crate) normalise: NormaliseOptions,
    pub(crate) policy: RetryPolicy,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) user_agent: String,
    pub(crate) bucket: TokenBucket,
    pub(crate) limiter: Limiter,
    /// What the server's clock is ahead of ours, in milliseconds.
    pub(crate) skew: AtomicI64,
}

/// One call with everything that stays the same over its attempts.
struct Prepared {
    call: Normalised,
    request: Signable,
    credentials: Cached,
    signer: Arc<dyn RequestSigner>,
    time_limit: Duration,
}

/// What has happened to a call so far.
#[derive(Default)]
struct History {
    attempts: u32,
    delay: Duration,
    renewed: bool,
    clock_set: bool,
    nonce_renewed: bool,
    /// The credential of the latest attempt.
    used: Option<Credential>,
}

impl Client {
    /// A builder with the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client with the default chain, over the real network.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    pub fn from_env() -> Result<Self, crate::builder::BuildError> {
        Self::builder().build()
    }

    /// Calls and repeats by the client's policy; for callers without an engine.
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn call_with_retries(&self, mut request: ApiRequest) -> Result<ApiResponse, ApiError> {
        // Without an engine nobody else keeps the token the same over all attempts.
        request.token.get_or_insert_with(|| self.0.runtime.entropy.nonce().into());
        let span = span_of(&request);
        self.run(&request, true).instrument(span).await
    }

    /// The pages of a call one after the other, each with the repeats of [`Self::call_with_retries`]; only one when the
    /// request asks for a certain page or the operation has no pages.
    pub fn pages(&self, request: ApiRequest) -> impl Stream<Item = Result<ApiResponse, ApiError>> + Send + use<> {
        let start = (self.clone(), Pages::new(request));
        futures::stream::try_unfold(start, |(client, mut pages)| async move {
            let Some(request) = pages.next_request()? else { return Ok(None) };
            let answer = client.call_with_retries(request).await?;
            pages.answered(&answer.body);
            Ok(Some((answer, (client, pages))))
        })
    }

    /// The present credential of a role chain, or of the client itself for an empty text.
    ///
    /// # Errors
    /// When there is none.
    pub async fn credential(&self, role: &str) -> Result<Provided, ApiError> {
        let credentials = self.0.roles.credentials(role, None).await.map_err(credential_error)?;
        provided(&credentials).await
    }

    async fn run(&self, request: &ApiRequest, retry: bool) -> Result<ApiResponse, ApiError> {
        let start = self.now();
        let prepared = self.prepare(request).await?;
        let state = |attempts| AttemptState { attempts, safe: is_safe(&prepared.call) };
        let mut history = History::default();
        loop {
            history.attempts += 1;
            let error = match self.attempt(&prepared, &mut history).await {
                Ok(response) => {
                    self.0.bucket.give_back();
                    succeeded(&history, &response);
                    return Ok(response);
                }
                Err(error) => error,
            };
            let delay = if self.repaired(&prepared, &mut history, &error) {
                Some(Duration::ZERO)
            } else {
                let unit = self.0.runtime.entropy.unit();
                let wanted = self.0.policy.delay(state(history.attempts), &error, unit).filter(|_| retry);
                let in_budget = |delay: &Duration| self.now().since(start) + *delay < self.0.policy.budget;
                wanted.filter(in_budget).filter(|_| self.0.bucket.take(&error))
            };
            let Some(delay) = delay else { return Err(failed(&history, error)) };
            let kind = error.kind();
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(delay_ms, ?kind, code = error.code(), attempt = history.attempts, "repeating");
            self.0.runtime.clock.sleep_until(self.now() + delay).await;
            history.delay = delay;
        }
    }

    fn now(&self) -> Timestamp {
        self.0.runtime.clock.now()
    }

    async fn prepare(&self, request: &ApiRequest) -> Result<Prepared, ApiError> {
        let call = self.normalised(request);
        call.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let signer = self.signer(&call)?;
        let encoded = encode::encode(&call).map_err(|error| unsupported("InvalidParameter", &error.to_string()))?;
        let target = self.target(&call, request).await?;
        Span::current().record("action", &*call.api).record("region", target.region.as_str());
        let built = request::build(&call, encoded, target, &self.0.user_agent);
        let request_built = built.map_err(|error| unsupported("InvalidEndpoint", &error.to_string()))?;
        let execution = request.origin.execution.as_ref();
        let credentials = self.0.roles.credentials(&request.role, execution).await.map_err(credential_error)?;
        let time_limit = self.0.attempt_timeout.unwrap_or_else(|| request::time_limit(&call));
        Ok(Prepared { call, request: request_built, credentials, signer, time_limit })
    }

    fn normalised(&self, request: &ApiRequest) -> Normalised {
        let mut request = request.clone();
        let service = oos_core::catalogue::service_id(&request.service);
        request.version = request.version.or_else(|| self.0.versions.get(&*service).cloned());
        request.region = request.region.or_else(|| self.0.region.as_deref().map(Into::into));
        normalise(&request, &self.0.normalise)
    }

    /// A plugged-in signer first; a gateway of its own without one is refused.
    fn signer(&self, call: &Normalised) -> Result<Arc<dyn RequestSigner>, ApiError> {
        let product: &str = &call.product;
        if let Some(signer) = self.0.signers.get(product).or_else(|| self.0.signers.get(&*call.service)) {
            return Ok(Arc::clone(signer));
        }
        match call.style {
            Style::ObjectStorage | Style::Local if cfg!(feature = "oss") => Ok(Arc::new(OssV4::default())),
            Style::ObjectStorage | Style::Local => {
                Err(unsupported("SignatureMethod", "object storage is not built in"))
            }
            Style::MnsRest => Err(signs_differently(product)),
            _ if product == "eventbridge" && call.account_id.is_some() => Err(signs_differently(product)),
            _ if call.version.is_none() => {
                let message = format!("the version of `{product}` is not known: give `Version`");
                Err(unsupported("UnknownVersion", &message))
            }
            _ => Ok(Arc::new(Acs3::default())),
        }
    }

    /// Per call, per product, for everything, else by the resolver.
    async fn target(&self, call: &Normalised, request: &ApiRequest) -> Result<Target, ApiError> {
        let region = call.region.as_deref();
        let product: &str = &call.product;
        let given = request.endpoint.as_deref();
        let own = self.0.endpoints.get(product).or_else(|| self.0.endpoints.get(&*call.service));
        let fixed = given.or(own.map(String::as_str)).or(self.0.endpoint.as_deref());
        let host = match fixed {
            Some(endpoint) => endpoint.to_owned(),
            None => {
                let query = EndpointQuery {
                    product,
                    version: call.version.as_deref(),
                    region,
                    account: call.account_id.as_deref(),
                    network: self.network(call),
                };
                self.0.resolver.resolve(&query).await.map_err(|e| unsupported("InvalidEndpoint", &e.to_string()))?
            }
        };
        let (scheme, host) = split_endpoint(&host).map_err(|e| unsupported("InvalidEndpoint", &e.to_string()))?;
        let region = region.unwrap_or_default();
        let region = region.strip_prefix("oss-").filter(|_| product == "oss").unwrap_or(region).to_owned();
        if region.is_empty() && product == "oss" {
            return Err(unsupported("InvalidEndpoint", "`oss` needs a region for its signature"));
        }
        Ok(Target { scheme, host, region })
    }

    #[cfg(feature = "oss")]
    fn network(&self, call: &Normalised) -> Network {
        match call.style {
            Style::Local if crate::oss::is_internal(call) => Network::Internal,
            Style::Local => Network::Public,
            _ => self.0.network,
        }
    }

    #[cfg(not(feature = "oss"))]
    fn network(&self, _: &Normalised) -> Network {
        self.0.network
    }

    async fn attempt(&self, prepared: &Prepared, history: &mut History) -> Result<ApiResponse, ApiError> {
        let credential = provided(&prepared.credentials).await?.credential;
        history.used = Some(credential.clone());
        let now = Timestamp::from_millis(self.now().as_millis() + self.0.skew.load(Ordering::Relaxed));
        let mut request = prepared.request.clone();
        #[cfg(feature = "oss")]
        if prepared.call.style == Style::Local {
            let body = crate::oss::generate_url(&prepared.call, request, &credential, now)?;
            return Ok(ApiResponse { body, request_id: None });
        }
        if history.attempts > 1 && request.resource.is_none() {
            request.headers.insert("x-acs-retry-attempts", &(history.attempts - 1).to_string());
            request.headers.insert("x-acs-retry-delay", &history.delay.as_millis().to_string());
        }
        let nonce = self.0.runtime.entropy.nonce();
        let signed = prepared.signer.sign(&mut request, &credential, now, &nonce);
        signed.map_err(|error| unsupported("SignatureMethod", &error.to_string()))?;
        let gate = self.0.limiter.gate(&request.product, &request.region);
        let outcome = {
            let _place = gate.enter(&*self.0.runtime.clock).await;
            self.exchange(&request, prepared.time_limit).await
        };
        outcome.map_err(|error| {
            if let (ApiErrorKind::Throttled, Some(delay)) = (error.kind(), server_delay(&error)) {
                gate.pause(self.now() + delay);
            }
            let token = credential.expose_token().unwrap_or_default();
            diagnose(error, ours(&request).as_deref(), &[token, credential.expose_secret()])
        })
    }

    async fn exchange(&self, request: &Signable, timeout: Duration) -> Result<ApiResponse, ApiError> {
        let to_send: http::Request<Bytes> = request::to_http(request)
            .map_err(|_| unsupported("InvalidParameter", "a header or the URL has characters that cannot be sent"))?;
        let options = SendOptions { timeout, ..SendOptions::default() };
        let response = self.0.runtime.transport.send(to_send, &options).await;
        let response = response.map_err(|error| transport_error(&error, &request.host))?;
        Span::current().record("status", response.status().as_u16());
        let answer = read_answer(&response, request.resource.is_some());
        if let (Err(error), Some(server)) = (&answer, server_time(response.headers()))
            && error.kind() == ApiErrorKind::Clock
            && error.code() != "SignatureNonceUsed"
        {
            self.0.skew.store(server.as_millis() - self.now().as_millis(), Ordering::Relaxed);
        }
        answer
    }

    /// True when this client has mended the reason of the failure; each kind of mending happens once per call.
    fn repaired(&self, prepared: &Prepared, history: &mut History, error: &ApiError) -> bool {
        match error.kind() {
            ApiErrorKind::Clock if error.code() == "SignatureNonceUsed" => {
                // A later attempt may have been carried out under the first nonce.
                let allowed = history.attempts == 1 || is_safe(&prepared.call);
                allowed && !std::mem::replace(&mut history.nonce_renewed, true)
            }
            ApiErrorKind::Clock => !std::mem::replace(&mut history.clock_set, true),
            ApiErrorKind::AuthExpired => {
                let Some(used) = history.used.clone().filter(|used| used.expose_token().is_some()) else {
                    return false;
                };
                prepared.credentials.invalidate(&used);
                !std::mem::replace(&mut history.renewed, true)
            }
            _ => false,
        }
    }
}

#[async_trait]
impl ApiCaller for Client {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let span = span_of(&request);
        self.run(&request, false).instrument(span).await
    }
}

/// Names and outcome only: no parameter, header or body.
fn span_of(request: &ApiRequest) -> Span {
    tracing::info_span!(
        "aliyun.call",
        product = &*request.service,
        action = &*request.api,
        region = Empty,
        request_id = Empty,
        attempts = Empty,
        status = Empty,
        code = Empty,
    )
}

fn succeeded(history: &History, response: &ApiResponse) {
    let span = Span::current();
    span.record("attempts", history.attempts);
    if let Some(id) = &response.request_id {
        span.record("request_id", &**id);
    }
    tracing::debug!("answered");
}

fn failed(history: &History, error: ApiError) -> ApiError {
    let span = Span::current();
    span.record("attempts", history.attempts).record("code", error.code());
    if let Some(id) = error.request_id() {
        span.record("request_id", &**id);
    }
    tracing::debug!(kind = ?error.kind(), "failed");
    error
}

/// May the call be repeated although it may have been carried out (aliyun-client 5.4)?
fn is_safe(call: &Normalised) -> bool {
    let puts = matches!(&*call.method, "GET" | "HEAD" | "PUT" | "DELETE");
    match call.style {
        Style::ObjectStorage => puts,
        Style::Local => true,
        _ => call.is_read() || (call.repeat() == Repeat::Token && has_token(call)),
    }
}

fn has_token(call: &Normalised) -> bool {
    let name = call.operation.as_ref().and_then(|operation| operation.client_token.clone());
    name.is_some_and(|name| call.parameter(&name).is_some())
}

async fn provided(credentials: &Cached) -> Result<Provided, ApiError> {
    let none = || ApiError::Credential {
        message: "no source is configured: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, a \
                  profile, or give the client credentials"
            .into(),
    };
    credentials.get().await.map_err(credential_error)?.ok_or_else(none)
}

fn credential_error(error: oos_core::ports::credential::CredentialError) -> ApiError {
    ApiError::Credential { message: error.to_string().into() }
}

fn unsupported(code: &str, message: &str) -> ApiError {
    ApiError::Unsupported { code: code.into(), message: message.into() }
}

fn signs_differently(product: &str) -> ApiError {
    let message = format!("`{product}` signs requests in its own way: give the client a signer for it");
    unsupported("SignatureMethod", &message)
}

/// Our own text to sign, for comparison with the server's.
fn ours(request: &Signable) -> Option<String> {
    use crate::sign::{acs3, oss_v4};
    let authorization = request.headers.get("authorization")?;
    if authorization.starts_with("ACS3-") {
        let algorithm = acs3::Algorithm::parse(authorization.split(' ').next()?).ok()?;
        return Some(acs3::string_to_sign(algorithm, &acs3::canonical_request_of(algorithm, request)));
    }
    let resource = request.resource.as_ref()?;
    let date = request.headers.get("x-oss-date")?;
    let canonical = oss_v4::canonical_request(&request.method, resource, &request.query, &request.headers, "");
    Some(oss_v4::string_to_sign(date, &oss_v4::scope(date, &request.region, "oss"), &canonical))
}
