//! Compiled selectors by text, for texts that are known only at run time.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Selector, SelectorError};

/// Selectors that a cache keeps.
// CHOICE: one template has a few dozen; texts with substituted values come and go.
const CAPACITY: usize = 512;

/// Bytes of text that a cache keeps compiled, beside its newest entry.
// CHOICE: a compiled program takes some dozen times the memory of its text.
const TEXT_BYTES: usize = 4 << 20;

/// Compiled selectors by text, bounded; for texts known only at run time. Shared and cheap to clone.
#[derive(Clone, Default)]
pub struct SelectorCache(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    selectors: HashMap<Key, Entry>,
    /// Bytes of all texts.
    bytes: usize,
    /// Counts uses; the entry with the lowest number was not used for longest.
    uses: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    text: Arc<str>,
    verbatim: bool,
}

struct Entry {
    selector: Selector,
    last_use: u64,
}

impl SelectorCache {
    /// [`Selector::parse`] through the cache.
    ///
    /// # Errors
    /// As there.
    pub fn selector(&self, text: &str) -> Result<Selector, SelectorError> {
        self.get(Key { text: text.into(), verbatim: false }, Selector::parse)
    }

    /// [`Selector::parse_program`] through the cache.
    ///
    /// # Errors
    /// As there.
    pub fn program(&self, text: &str) -> Result<Selector, SelectorError> {
        self.get(Key { text: text.into(), verbatim: true }, Selector::parse_program)
    }

    /// Compiles outside the lock: two threads may both compile a new text, which does no harm.
    fn get(
        &self,
        key: Key,
        compile: impl FnOnce(&str) -> Result<Selector, SelectorError>,
    ) -> Result<Selector, SelectorError> {
        if let Some(known) = self.entries().find(&key) {
            return Ok(known);
        }
        let selector = compile(&key.text)?;
        self.entries().insert(key, selector.clone());
        Ok(selector)
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn find(&mut self, key: &Key) -> Option<Selector> {
        self.uses += 1;
        let entry = self.selectors.get_mut(key)?;
        entry.last_use = self.uses;
        Some(entry.selector.clone())
    }

    fn insert(&mut self, key: Key, selector: Selector) {
        while self.selectors.len() >= CAPACITY || self.bytes + key.text.len() > TEXT_BYTES {
            let oldest = self.selectors.iter().min_by_key(|(_, entry)| entry.last_use).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            self.selectors.remove(&oldest);
            self.bytes -= oldest.text.len();
        }
        self.uses += 1;
        let bytes = key.text.len();
        if self.selectors.insert(key, Entry { selector, last_use: self.uses }).is_none() {
            self.bytes += bytes;
        }
    }
}

impl fmt::Debug for SelectorCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectorCache").field("selectors", &self.entries().selectors.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_used_and_stays_bounded() {
        let cache = SelectorCache::default();
        let first = cache.selector("a | length").unwrap();
        for i in 0..CAPACITY + 50 {
            cache.selector(&format!(".a{i}")).unwrap();
            assert!(cache.selector("a | length").unwrap().shares_engine_with(&first));
        }
        assert_eq!(cache.entries().selectors.len(), CAPACITY);
        assert!(!cache.selector(".a0").unwrap().shares_engine_with(&first));
    }

    #[test]
    fn long_texts_are_kept_up_to_a_sum_of_their_lengths() {
        let cache = SelectorCache::default();
        for i in 0..10 {
            cache.selector(&format!("\"{}{i}\"", "x".repeat(1_000_000))).unwrap();
            cache.selector(&format!("\"{}{i}\"", "x".repeat(1_000_000))).unwrap();
        }
        let entries = cache.entries();
        assert_eq!(entries.selectors.len(), 4);
        assert_eq!(entries.bytes, entries.selectors.keys().map(|key| key.text.len()).sum::<usize>());
    }

    #[test]
    fn selectors_and_programs_are_kept_apart() {
        let cache = SelectorCache::default();
        assert!(cache.selector("first").is_ok());
        assert_eq!(cache.selector("first").unwrap().text(), "first");
        let input = crate::params! { "first" => 1 };
        let limits = crate::Limits::default();
        assert_eq!(cache.selector("first").unwrap().run(&input, &limits), Ok(vec![1.into()]));
        assert!(cache.program("first").unwrap().run(&input, &limits).is_err());
        assert!(cache.selector("a |").is_err());
    }
}
