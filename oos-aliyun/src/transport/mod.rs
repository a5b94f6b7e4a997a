//! What this crate needs of the world below the engine's ports: HTTP, environment, files, randomness, processes.
//!
//! One trait each, all object safe, so that a whole situation can be scripted as data. [`Runtime`] bundles them with
//! the engine's clock and spawner; [`Runtime::system`] is the real thing.

mod system;

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
pub mod reqwest;

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use oos_core::{
    engine::{TokioClock, TokioSpawner},
    ports::{Clock, Spawner},
};

#[cfg(feature = "process")]
pub use system::SystemProcesses;
pub use system::{SystemEntropy, SystemEnv, SystemFiles};

/// Largest body that is read (aliyun-client 5.1).
pub const BODY_LIMIT: usize = 16 << 20;

/// How one request is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOptions {
    /// Time limit of the whole exchange.
    pub timeout: Duration,
    /// Never use a proxy, connect within one second: for metadata services and loopback.
    pub direct: bool,
    /// Largest body to read.
    pub body_limit: usize,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), direct: false, body_limit: BODY_LIMIT }
    }
}

/// What went wrong below HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// No connection: name, network, TLS.
    Connect,
    /// Out of time.
    Timeout,
    /// The connection broke.
    Interrupted,
    /// The answer is larger than allowed.
    TooLarge,
    /// The request could not be made at all.
    Request,
}

/// Why there is no answer. Never holds the URL's query, headers or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Kind.
    pub kind: TransportKind,
    /// True when the request may have reached the server.
    pub sent: bool,
    /// What happened.
    pub message: String,
}

/// Sends HTTP requests.
///
/// # Implementing
/// One request, one exchange: follow no redirect, repeat nothing. Any status is an answer. Set `sent` to false only
/// when no byte of the request can have left. Dropping the future ends the exchange.
#[async_trait]
pub trait Transport: Debug + Send + Sync + 'static {
    /// Sends a request.
    ///
    /// # Errors
    /// When no complete answer came.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &SendOptions,
    ) -> Result<http::Response<Bytes>, TransportError>;
}

/// Environment variables.
pub trait Env: Debug + Send + Sync + 'static {
    /// The variable as text; `None` when it is not set.
    fn var(&self, name: &str) -> Option<String>;
}

/// Files of the credential chain.
pub trait FileRead: Debug + Send + Sync + 'static {
    /// The whole file.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` means absent.
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>>;
}

/// Nonces and jitter.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// A text that never comes again.
    fn nonce(&self) -> String;
    /// A number in `0.0..1.0`.
    fn unit(&self) -> f64;
}

/// Runs the external programs of `mode: External`.
#[cfg(feature = "process")]
#[async_trait]
pub trait ProcessRun: Debug + Send + Sync + 'static {
    /// Standard output of the program, which must end with success within `limit`.
    ///
    /// # Errors
    /// When it could not be started, failed, or took too long.
    async fn run(&self, argv: &[String], limit: Duration) -> std::io::Result<Vec<u8>>;
}

/// Everything outside, in one value that is cheap to clone.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// HTTP.
    pub transport: Arc<dyn Transport>,
    /// Environment variables.
    pub env: Arc<dyn Env>,
    /// Files.
    pub files: Arc<dyn FileRead>,
    /// Nonces and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Runs shared refreshes.
    pub spawner: Arc<dyn Spawner>,
    /// External programs; `None` refuses them.
    #[cfg(feature = "process")]
    pub processes: Option<Arc<dyn ProcessRun>>,
}

impl Runtime {
    /// The real world with this transport. External programs stay switched off.
    pub fn with_transport(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            env: Arc::new(SystemEnv),
            files: Arc::new(SystemFiles),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(TokioClock),
            spawner: Arc::new(TokioSpawner),
            #[cfg(feature = "process")]
            processes: None,
        }
    }

    /// The real world.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    pub fn system() -> Result<Self, TransportError> {
        Ok(Self::with_transport(Arc::new(reqwest::ReqwestTransport::new()?)))
    }

    /// Switches external programs on.
    #[cfg(feature = "process")]
    #[must_use]
    pub fn with_processes(mut self) -> Self {
        self.processes = Some(Arc::new(SystemProcesses));
        self
    }

    /// A variable; an empty one counts as not set.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        self.env.var(name).filter(|value| !value.is_empty())
    }

    /// True when the variable says so.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.var(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// The home directory: `HOME`, on Windows `USERPROFILE`.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.var(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from)
    }
}

/// True for hosts on this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_by_address_not_by_prefix() {
        for (host, expected) in
            [("127.0.0.1", true), ("[::1]", true), ("LOCALHOST", true), ("127.0.0.1.evil.com", false)]
        {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
