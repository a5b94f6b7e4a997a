//! Templates with versions: what CreateTemplate and UpdateTemplate write and the engine reads by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use oos_core::{
    Map, Template, TemplateName, Timestamp,
    ports::{
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    source::SourceText,
    template::Description,
};

use super::lock;

/// Templates of one account and region. A clone is the same library.
#[derive(Clone, Debug, Default)]
pub struct TemplateLibrary(Arc<Mutex<BTreeMap<TemplateName, Shelf>>>);

/// A template with its versions, oldest first; there is at least one.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) name: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) created_by: Arc<str>,
    pub(super) created: Timestamp,
    pub(super) tags: Map,
    pub(super) group: Arc<str>,
    pub(super) favorite: bool,
    pub(super) shared: Vec<Arc<str>>,
    pub(super) started: i64,
    pub(super) versions: Vec<Version>,
}

/// One version.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) label: Arc<str>,
    pub(super) text: Arc<str>,
    pub(super) hash: Arc<str>,
    pub(super) description: Arc<str>,
    pub(super) has_trigger: bool,
    pub(super) category: &'static str,
    pub(super) updated_by: Arc<str>,
    pub(super) updated: Timestamp,
}

impl Version {
    /// A version of a parsed template.
    pub(super) fn new(template: &Template, text: Arc<str>, category: &'static str) -> Self {
        let description = template.description.as_ref().and_then(|node| Description(node).text("en"));
        Self {
            label: "".into(),
            text,
            hash: template.digest.clone(),
            description: description.unwrap_or_default().into(),
            has_trigger: template.has_trigger(),
            category,
            updated_by: "".into(),
            updated: Timestamp::default(),
        }
    }

    pub(super) fn format(&self) -> &'static str {
        format_of(&self.text)
    }
}

/// `JSON` or `YAML`.
pub(super) fn format_of(text: &str) -> &'static str {
    if text.trim_start().starts_with('{') { "JSON" } else { "YAML" }
}

impl Shelf {
    /// A version by `v1`, `v2`, …; the newest without one.
    pub(super) fn version(&self, version: Option<&str>) -> Option<(usize, &Version)> {
        let Some(version) = version else {
            return self.versions.last().map(|found| (self.versions.len(), found));
        };
        let number: usize = version.strip_prefix(['v', 'V'])?.parse().ok()?;
        self.versions.get(number.checked_sub(1)?).map(|found| (number, found))
    }
}

impl TemplateLibrary {
    /// Works on the shelf of a name.
    pub(super) fn with<T>(&self, name: &str, work: impl FnOnce(Option<&mut Shelf>) -> T) -> T {
        work(lock(&self.0).get_mut(&TemplateName::new(name)))
    }

    pub(super) fn find(&self, name: &str) -> Option<Shelf> {
        self.with(name, |shelf| shelf.cloned())
    }

    pub(super) fn all(&self) -> Vec<Shelf> {
        lock(&self.0).values().cloned().collect()
    }

    /// False when the name is taken.
    pub(super) fn add(&self, shelf: Shelf) -> bool {
        let mut shelves = lock(&self.0);
        let name = TemplateName::new(shelf.name.clone());
        let free = !shelves.contains_key(&name);
        if free {
            shelves.insert(name, shelf);
        }
        free
    }

    pub(super) fn remove(&self, name: &str) {
        lock(&self.0).remove(&TemplateName::new(name));
    }
}

#[async_trait]
impl TemplateStore for TemplateLibrary {
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        Ok(self.with(name.as_str(), |shelf| {
            let shelf = shelf?;
            let (number, found) = shelf.version(version)?;
            Some(StoredTemplate {
                name: TemplateName::new(shelf.name.clone()),
                version: format!("v{number}"),
                source: SourceText::new(shelf.name.clone(), found.text.clone()),
            })
        }))
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        Ok(lock(&self.0).keys().cloned().collect())
    }
}
