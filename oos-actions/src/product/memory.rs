//! Templates in memory, with versions.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use oos_core::{
    TemplateName,
    ports::{
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    source::SourceText,
};

/// Templates in memory; each insert under a name is its next version, `v1`, `v2`, ….
#[derive(Debug, Default)]
pub struct MemoryTemplates {
    templates: Mutex<BTreeMap<TemplateName, Vec<SourceText>>>,
}

impl MemoryTemplates {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same store with one more template.
    #[must_use]
    pub fn with(self, name: impl Into<TemplateName>, text: &str) -> Self {
        self.insert(name, text);
        self
    }

    /// Adds a template and gives its version.
    pub fn insert(&self, name: impl Into<TemplateName>, text: &str) -> String {
        let name = name.into();
        let source = SourceText::new(name.text().clone(), text);
        let mut templates = self.lock();
        let versions = templates.entry(name).or_default();
        versions.push(source);
        version(versions.len())
    }

    /// Removes all versions of a template; true when there was one.
    pub fn remove(&self, name: &TemplateName) -> bool {
        self.lock().remove(name).is_some()
    }

    /// A panic of another thread cannot leave the map half written.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TemplateName, Vec<SourceText>>> {
        self.templates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn version(number: usize) -> String {
    format!("v{number}")
}

#[async_trait]
impl TemplateStore for MemoryTemplates {
    async fn get(&self, name: &TemplateName, wanted: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        let templates = self.lock();
        let Some((name, versions)) = templates.get_key_value(name) else {
            return Ok(None);
        };
        let numbered = versions.iter().enumerate().map(|(index, source)| (version(index + 1), source));
        let found = numbered.rev().find(|(version, _)| wanted.is_none_or(|w| w.eq_ignore_ascii_case(version)));
        Ok(found.map(|(version, source)| StoredTemplate { name: name.clone(), version, source: source.clone() }))
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        Ok(self.lock().keys().cloned().collect())
    }
}
