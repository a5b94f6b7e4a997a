//! Access keys that the server knows: who they are, and until when.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use oos_core::Timestamp;

use crate::cloud::ram::Caller;

/// Whose access key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The OOS service in this account: its calls are made as the cloud's own caller, and it assumes roles that trust
    /// `oos.aliyuncs.com`, as the engine inside a test bed does.
    Service,
    /// The account itself.
    Root,
    /// A RAM user.
    User(String),
    /// A role of an account, by a temporary key.
    Role {
        /// Account.
        account: String,
        /// Role.
        name: String,
    },
}

impl Identity {
    /// Who the fake shall take the caller for; `None` leaves it to the cloud.
    pub(crate) fn caller(&self, account: &str, assumes: bool) -> Option<Caller> {
        let account = account.to_owned();
        match self {
            Self::Service => assumes.then_some(Caller::Service { account }),
            Self::Root => Some(Caller::Root { account }),
            Self::User(name) => Some(Caller::User { account, name: name.clone() }),
            Self::Role { account, name } => Some(Caller::Role { account: account.clone(), name: name.clone() }),
        }
    }
}

/// An access key.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) since: Timestamp,
    pub(crate) until: Option<Timestamp>,
    pub(crate) identity: Identity,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("identity", &self.identity).field("until", &self.until).finish_non_exhaustive()
    }
}

/// CHOICE: how long a nonce may not come again; the documented window of a signature.
pub(crate) const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Keys and the nonces that were used with them.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    keys: BTreeMap<String, Key>,
    nonces: BTreeMap<String, Timestamp>,
}

impl Keys {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, id: &str, key: Key) {
        self.lock().keys.insert(id.to_owned(), key);
    }

    pub(crate) fn get(&self, id: &str) -> Option<Key> {
        self.lock().keys.get(id).cloned()
    }

    /// False when the nonce was used within the window.
    pub(crate) fn use_nonce(&self, nonce: &str, now: Timestamp) -> bool {
        let mut inner = self.lock();
        inner.nonces.retain(|_, at| now.since(*at) < WINDOW);
        inner.nonces.insert(nonce.to_owned(), now).is_none()
    }
}
