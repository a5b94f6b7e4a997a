//! The transport over reqwest and rustls: pooled connections, no redirects, no repeats of its own.
//!
//! A redirect would carry signed headers elsewhere, and an automatic repeat would re-use a nonce; both are off. The TLS
//! provider is handed over ready-made, so that no process-wide one is needed.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::{SendOptions, Transport, TransportError, TransportKind, is_loopback};

/// Connection limits (aliyun-client 4.2).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const DIRECT_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const IDLE_PER_HOST: usize = 32;
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Sends over reqwest; cheap to clone.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    pooled: reqwest::Client,
    direct: reqwest::Client,
}

impl ReqwestTransport {
    /// A transport with the platform's trusted certificates and the system's proxy settings.
    ///
    /// # Errors
    /// When TLS cannot be set up, e.g. without any trusted certificate.
    pub fn new() -> Result<Self, TransportError> {
        Self::with_tls(default_tls()?)
    }

    /// A transport with TLS settings of your own, e.g. private certificate authorities.
    ///
    /// # Errors
    /// When reqwest refuses the settings.
    pub fn with_tls(tls: rustls::ClientConfig) -> Result<Self, TransportError> {
        let pooled = base(tls.clone()).connect_timeout(CONNECT_TIMEOUT);
        let direct = base(tls).connect_timeout(DIRECT_CONNECT_TIMEOUT).no_proxy();
        Ok(Self { pooled: pooled.build().map_err(setup)?, direct: direct.build().map_err(setup)? })
    }

    /// A transport that finds every host at one address, whatever its name, and uses no proxy: for a gateway of one's
    /// own that stands for the cloud. The names stay as they are, so products, regions and buckets can be told by them;
    /// a port in a URL wins over that of the address.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn all_hosts_at(address: SocketAddr) -> Result<Self, TransportError> {
        let client =
            base(default_tls()?).connect_timeout(CONNECT_TIMEOUT).no_proxy().dns_resolver(Arc::new(At(address)));
        let client = client.build().map_err(setup)?;
        Ok(Self { pooled: client.clone(), direct: client })
    }
}

/// Answers every name with one address.
#[derive(Debug)]
struct At(SocketAddr);

impl reqwest::dns::Resolve for At {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let found: reqwest::dns::Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(found)))
    }
}

fn base(mut tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT)
}

#[cfg(feature = "tls-ring")]
fn provider() -> rustls::crypto::CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(not(feature = "tls-ring"))]
fn provider() -> rustls::crypto::CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn default_tls() -> Result<rustls::ClientConfig, TransportError> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&versions)
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| request_error(&format!("TLS cannot be set up: {error}")))?;
    Ok(config.with_no_client_auth())
}

fn setup(error: reqwest::Error) -> TransportError {
    request_error(&format!("the HTTP client cannot be set up: {}", innermost(&error)))
}

fn request_error(message: &str) -> TransportError {
    TransportError { kind: TransportKind::Request, sent: false, message: message.to_owned() }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &SendOptions,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let direct = options.direct || request.uri().host().is_some_and(is_loopback);
        let client = if direct { &self.direct } else { &self.pooled };
        let request = to_reqwest(request, options)?;
        let response = client.execute(request).await.map_err(|error| failed(error, false))?;
        let mut answer = http::Response::new(Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        *answer.body_mut() = read(response, options.body_limit).await?;
        Ok(answer)
    }
}

fn to_reqwest(request: http::Request<Bytes>, options: &SendOptions) -> Result<reqwest::Request, TransportError> {
    let says_empty = request.body().is_empty() && matches!(request.method().as_str(), "POST" | "PUT" | "PATCH");
    let mut request = reqwest::Request::try_from(request).map_err(|_| request_error("the URL is not valid"))?;
    // The host comes from the URL; a second one is refused by HTTP/2.
    request.headers_mut().remove(http::header::HOST);
    if says_empty {
        // Left to itself hyper says nothing, and gateways answer 411.
        request.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from_static("0"));
    }
    *request.timeout_mut() = Some(options.timeout);
    Ok(request)
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, true))? {
        if body.len() + chunk.len() > limit {
            let message = format!("the answer is larger than {limit} bytes");
            return Err(TransportError { kind: TransportKind::TooLarge, sent: true, message });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Only a connection that was never made is surely "not sent"; everything later may have been carried out.
fn failed(error: reqwest::Error, answered: bool) -> TransportError {
    let connect = error.is_connect() && !answered;
    let kind = match (connect, error.is_timeout()) {
        (true, _) => TransportKind::Connect,
        (false, true) => TransportKind::Timeout,
        (false, false) => TransportKind::Interrupted,
    };
    let message = match kind {
        TransportKind::Connect => format!("no connection: {}", innermost(&error)),
        TransportKind::Timeout => "no complete answer in time".to_owned(),
        _ => format!("the connection broke: {}", innermost(&error)),
    };
    TransportError { kind, sent: !connect, message }
}

/// The last cause; the outer ones repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = if error.is_timeout() { "out of time".to_owned() } else { "the exchange failed".to_owned() };
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}
