//! Values of `NoEcho` parameters, kept out of the journal.

use std::{collections::BTreeMap, fmt, sync::Mutex};

use crate::Value;

/// Keeps secret values by handle.
pub trait SecretVault: fmt::Debug + Send + Sync + 'static {
    /// Keeps a value under a handle.
    fn put(&self, handle: &str, value: Value);
    /// The value of a handle; `None` when it was lost.
    fn get(&self, handle: &str) -> Option<Value>;
    /// Forgets all handles that start with `prefix`.
    fn forget(&self, prefix: &str);
}

/// Keeps values in memory; a restart loses them, and the execution then waits for the host to supply them.
#[derive(Default)]
pub struct MemoryVault(Mutex<BTreeMap<String, Value>>);

impl MemoryVault {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryVault({} values)", self.lock().len())
    }
}

impl SecretVault for MemoryVault {
    fn put(&self, handle: &str, value: Value) {
        self.lock().insert(handle.to_owned(), value);
    }

    fn get(&self, handle: &str) -> Option<Value> {
        self.lock().get(handle).cloned()
    }

    fn forget(&self, prefix: &str) {
        self.lock().retain(|handle, _| !handle.starts_with(prefix));
    }
}
