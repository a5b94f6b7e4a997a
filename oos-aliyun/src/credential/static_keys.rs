//! Fixed keys.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use oos_core::ports::credential::{Credential, CredentialError, CredentialProvider};
use secrecy::{ExposeSecret, SecretString};

use super::{Provided, Source};

/// An access key that never changes; wiped when it is dropped.
#[derive(Clone)]
pub struct StaticKeys {
    id: String,
    secret: Arc<SecretString>,
    token: Option<Arc<SecretString>>,
}

impl StaticKeys {
    /// A permanent key.
    pub fn new(access_key_id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        Self { id: access_key_id.into(), secret: Arc::new(secret.into()), token: None }
    }

    /// A temporary key of unknown end.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(Arc::new(token.into()));
        self
    }

    /// The credential.
    pub fn credential(&self) -> Credential {
        let token = self.token.as_ref().map(|token| Arc::from(token.expose_secret()));
        Credential::new(self.id.as_str(), self.secret.expose_secret(), token, None)
    }
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKeys").field("id", &self.id).finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for StaticKeys {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let name = if self.token.is_some() { "static_sts" } else { "static_ak" };
        Ok(Some(Provided::new(self.credential(), name)))
    }
}

#[async_trait]
impl CredentialProvider for StaticKeys {
    async fn provide(&self) -> Result<Option<Credential>, CredentialError> {
        Ok(Some(self.credential()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_secret_and_token() {
        let keys = StaticKeys::new("id-1", "hidden-secret").with_token("hidden-token");
        let shown = format!("{keys:?} {:?}", keys.credential());
        assert!(shown.contains("id-1") && !shown.contains("hidden"));
    }
}
