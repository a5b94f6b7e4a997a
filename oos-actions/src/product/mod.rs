//! Product actions are templates under an action's name: embedded ones, and any folder of official definitions.
//!
//! The embedded texts lie in `templates/<product>/*.yml` and are put in at build time by a table that `build.rs`
//! writes. Nothing is parsed here: a store gives text, and the engine parses what a plan asks for.

mod directory;
mod layered;
pub mod loader;
mod memory;
mod official;

use std::{collections::BTreeMap, sync::LazyLock};

use async_trait::async_trait;
use oos_core::{
    TemplateName,
    ports::{
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    source::SourceText,
};

pub use directory::DirectoryTemplates;
pub use layered::LayeredTemplates;
pub use memory::MemoryTemplates;
pub use official::{OfficialActions, official_signature};

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The only version of texts that have none of their own.
pub const ONLY_VERSION: &str = "v1";

/// Index of [`EMBEDDED`] by name.
static INDEX: LazyLock<BTreeMap<TemplateName, (&'static str, &'static str)>> =
    LazyLock::new(|| EMBEDDED.iter().map(|(path, text)| (loader::name_of(path, text), (*path, *text))).collect());

/// The product actions that come with this crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmbeddedTemplates;

/// The product actions that come with this crate.
pub fn embedded() -> EmbeddedTemplates {
    EmbeddedTemplates
}

impl EmbeddedTemplates {
    /// Their names, sorted.
    pub fn names(self) -> impl Iterator<Item = &'static TemplateName> {
        INDEX.keys()
    }

    /// The text of that name, case ignored.
    pub fn text(self, name: &TemplateName) -> Option<&'static str> {
        INDEX.get(name).map(|(_, text)| *text)
    }
}

#[async_trait]
impl TemplateStore for EmbeddedTemplates {
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        Ok(INDEX.get_key_value(name).filter(|_| is_only(version)).map(|(name, (path, text))| StoredTemplate {
            name: name.clone(),
            version: ONLY_VERSION.to_owned(),
            source: SourceText::new(*path, *text),
        }))
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        Ok(INDEX.keys().cloned().collect())
    }
}

/// True when a text with a single version answers for the version that is asked for.
fn is_only(version: Option<&str>) -> bool {
    version.is_none_or(|version| version.eq_ignore_ascii_case(ONLY_VERSION))
}
