//! Credentials of a cloud; used inside an [`super::ApiCaller`], never by the engine itself.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::Timestamp;

/// An access key, temporary when it has a token. `Debug` shows only the id; secret and token are wiped on drop.
#[derive(Clone)]
pub struct Credential {
    /// `AccessKeyId`.
    pub access_key_id: Arc<str>,
    secret: Arc<SecretString>,
    token: Option<Arc<SecretString>>,
    /// When it ends; `None` for a key without end.
    pub expires: Option<Timestamp>,
}

impl Credential {
    /// A credential of its parts.
    pub fn new(
        access_key_id: impl Into<Arc<str>>,
        secret: impl Into<Arc<str>>,
        token: Option<Arc<str>>,
        expires: Option<Timestamp>,
    ) -> Self {
        let hide = |text: Arc<str>| Arc::new(SecretString::from(&*text));
        Self { access_key_id: access_key_id.into(), secret: hide(secret.into()), token: token.map(hide), expires }
    }

    /// `AccessKeySecret`, for signing.
    pub fn expose_secret(&self) -> &str {
        self.secret.expose_secret()
    }

    /// `SecurityToken`, for signing.
    pub fn expose_token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.expose_secret())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("access_key_id", &self.access_key_id)
            .field("secret", &"******")
            .field("token", &self.token.as_ref().map(|_| "******"))
            .field("expires", &self.expires)
            .finish()
    }
}

/// Why a provider that is configured cannot give a credential. A chain stops here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("credential source {source_name}: {message}")]
pub struct CredentialError {
    /// The source, e.g. `config file ~/.aliyun/config.json`.
    pub source_name: Arc<str>,
    /// What is wrong, without any secret.
    pub message: Arc<str>,
    /// True when asking again later may help.
    pub transient: bool,
}

/// Gives credentials.
///
/// # Implementing
/// `Ok(None)` means "not configured here" and lets a chain go on; an error means "configured wrongly" and stops it.
#[async_trait]
pub trait CredentialProvider: fmt::Debug + Send + Sync + 'static {
    /// The present credential.
    ///
    /// # Errors
    /// When this source is configured and fails.
    async fn provide(&self) -> Result<Option<Credential>, CredentialError>;
}
