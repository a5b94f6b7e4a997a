//! Linked accounts of code platforms: the double of the port behind `ACS::GitCodeRepo`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use oos_core::ports::{
    ActionError,
    optional::{GitAuthorizer, GitRequest},
};

/// Accounts by platform and owner, and the repositories that were asked for. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct GitAccounts(Arc<Mutex<Accounts>>);

#[derive(Default)]
struct Accounts {
    tokens: BTreeMap<(String, String), String>,
    requests: Vec<GitRequest>,
}

/// Tokens stay out of reports.
impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.tokens.keys()).finish()
    }
}

impl GitAccounts {
    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Links the account of an owner; platform and owner compare without case.
    pub fn link(&self, platform: &str, owner: &str, token: &str) -> &Self {
        self.lock().tokens.insert(key(platform, owner), token.to_owned());
        self
    }

    /// Takes the link away, as its owner can.
    pub fn unlink(&self, platform: &str, owner: &str) -> &Self {
        self.lock().tokens.remove(&key(platform, owner));
        self
    }

    /// The repositories that were asked for, in order, refused ones included.
    pub fn requests(&self) -> Vec<GitRequest> {
        self.lock().requests.clone()
    }
}

fn key(platform: &str, owner: &str) -> (String, String) {
    (platform.to_ascii_lowercase(), owner.to_ascii_lowercase())
}

#[async_trait]
impl GitAuthorizer for GitAccounts {
    async fn authorized_url(&self, request: &GitRequest) -> Result<Arc<str>, ActionError> {
        let mut accounts = self.lock();
        accounts.requests.push(request.clone());
        let GitRequest { platform, owner, organization, repository } = request;
        let Some(token) = accounts.tokens.get(&key(platform, owner)) else {
            let why = format!("no account of `{owner}` on {platform} is linked: `TestBed::git_account`");
            return Err(ActionError::unsupported("GitAccountNotAuthorized", why));
        };
        // CHOICE: the form of the address; repositories of an organization stand below it, others below their owner.
        let (host, below) = (format!("{platform}.com"), organization.as_ref().unwrap_or(owner));
        Ok(format!("https://oauth2:{token}@{host}/{below}/{repository}.git").into())
    }
}
