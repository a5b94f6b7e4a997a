//! Where templates come from by name.

use std::fmt::Debug;

use async_trait::async_trait;

use super::store::StoreError;
use crate::{TemplateName, source::SourceText};

/// A stored template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTemplate {
    /// Its name.
    pub name: TemplateName,
    /// `v1`, `v2`, …
    pub version: String,
    /// Its text.
    pub source: SourceText,
}

/// Gives templates by name; writing is a method of each implementation.
#[async_trait]
pub trait TemplateStore: Debug + Send + Sync + 'static {
    /// The template of that name (case ignored), newest version without one; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError>;

    /// Names of all templates, sorted.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn list(&self) -> Result<Vec<TemplateName>, StoreError>;
}
