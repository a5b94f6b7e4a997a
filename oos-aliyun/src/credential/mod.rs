//! Credentials: sources, the default chain, the cache (aliyun-client 3).
//!
//! A [`Source`] fetches anew each time it is asked and knows nothing of caching; [`Cached`] refreshes any source and is
//! what the client asks. A source that is absent gives `None`; one that is there and broken is an error that names it.
//! Messages never hold secrets, file contents or program output.

pub mod assume_role;
pub mod cache;
pub mod chain;
pub mod cloud_sso;
pub mod config_file;
pub mod ecs_ram_role;
pub mod env;
pub mod ini;
pub mod oidc;
#[cfg(feature = "process")]
pub mod process;
pub mod role_chain;
pub mod static_keys;
pub mod sts;
pub mod uri;

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use oos_core::{
    Timestamp, Value,
    ports::credential::{Credential, CredentialError, CredentialProvider},
};

pub use self::{
    cache::Cached,
    chain::{Chain, ChainMode, ChainOptions},
    role_chain::{RoleChain, RoleMap},
    static_keys::StaticKeys,
};
use crate::transport::Runtime;

/// A credential and where it came from.
#[derive(Clone, Debug)]
pub struct Provided {
    /// The credential.
    pub credential: Credential,
    /// Names of the sources it came through, e.g. `default/cli_profile/ram_role_arn/static_ak`.
    pub source: String,
    /// True when it may be used for one call only.
    pub single_use: bool,
}

impl Provided {
    /// A credential that lasts as long as it says.
    pub fn new(credential: Credential, source: impl Into<String>) -> Self {
        Self { credential, source: source.into(), single_use: false }
    }

    /// The same, with a further name in front of the others.
    #[must_use]
    pub fn under(mut self, name: &str) -> Self {
        self.source = format!("{name}/{}", self.source);
        self
    }
}

/// One place where credentials come from.
///
/// # Implementing
/// Fetch anew at every call; [`Cached`] decides when. `Ok(None)` means "not configured here" and lets a chain go on;
/// an error means "configured and broken" and stops it.
#[async_trait]
pub trait Source: Debug + Send + Sync + 'static {
    /// Fetches a credential.
    ///
    /// # Errors
    /// When this source is configured and fails.
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError>;
}

/// A provider of somebody else as a source.
#[derive(Clone, Debug)]
pub struct Foreign(pub Arc<dyn CredentialProvider>);

#[async_trait]
impl Source for Foreign {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        Ok(self.0.provide().await?.map(|credential| Provided::new(credential, "custom")))
    }
}

/// Which credentials a client uses; the client brings transport, clock and environment.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The default chain.
    Chain(ChainOptions),
    /// Fixed keys.
    Keys(StaticKeys),
    /// A source of your own, cached by the client.
    Source(Arc<dyn Source>),
    /// A cache that is shared with other clients.
    Cached(Cached),
}

impl Credentials {
    /// A provider of your own, cached by the client.
    pub fn provider(provider: Arc<dyn CredentialProvider>) -> Self {
        Self::Source(Arc::new(Foreign(provider)))
    }

    pub(crate) fn build(self, runtime: &Runtime) -> Cached {
        match self {
            Self::Chain(options) => Cached::new(Arc::new(Chain::new(runtime.clone(), options)), runtime),
            Self::Keys(keys) => Cached::new(Arc::new(keys), runtime),
            Self::Source(source) => Cached::new(source, runtime),
            Self::Cached(cached) => cached,
        }
    }
}

impl From<StaticKeys> for Credentials {
    fn from(keys: StaticKeys) -> Self {
        Self::Keys(keys)
    }
}

impl From<Cached> for Credentials {
    fn from(cached: Cached) -> Self {
        Self::Cached(cached)
    }
}

/// The default chain: environment, OIDC, CLI profile, INI file, instance metadata, credentials URI.
pub fn default_chain() -> Credentials {
    Credentials::Chain(ChainOptions::default())
}

/// A source that is there and wrong; asking again will not help.
pub(crate) fn broken(source: &str, message: impl Into<Arc<str>>) -> CredentialError {
    CredentialError { source_name: source.into(), message: message.into(), transient: false }
}

/// A source that may answer later.
pub(crate) fn unavailable(source: &str, message: impl Into<Arc<str>>) -> CredentialError {
    CredentialError { source_name: source.into(), message: message.into(), transient: true }
}

/// Reads `AccessKeyId`, `AccessKeySecret`, `SecurityToken`, `Expiration` of an answer. All four must be there, because
/// these are temporary keys.
pub(crate) fn read_keys(source: &str, keys: &Value) -> Result<Credential, CredentialError> {
    let text = |name: &str| {
        let value = keys.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        value.ok_or_else(|| broken(source, format!("the answer has no `{name}`")))
    };
    let expires =
        Timestamp::parse(text("Expiration")?).map_err(|_| broken(source, "the answer's `Expiration` is not a time"))?;
    let token: Arc<str> = text("SecurityToken")?.into();
    Ok(Credential::new(text("AccessKeyId")?, text("AccessKeySecret")?, Some(token), Some(expires)))
}

/// JSON of an answer, without showing it when it is none.
pub(crate) fn read_json(source: &str, bytes: &[u8]) -> Result<Value, CredentialError> {
    let parsed = std::str::from_utf8(bytes).ok().and_then(|text| Value::from_json_str(text).ok());
    parsed.ok_or_else(|| broken(source, "the answer is not JSON"))
}
