//! Several stores one over the other.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use oos_core::{
    TemplateName,
    ports::{
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
};

/// Asks stores in order; the first that has a template gives it. An error stops the search: a template must not
/// silently come from a lower layer because a higher one could not be read.
#[derive(Clone, Debug)]
pub struct LayeredTemplates {
    layers: Vec<Arc<dyn TemplateStore>>,
}

impl LayeredTemplates {
    /// Stores in the order in which they are asked.
    pub fn new(layers: Vec<Arc<dyn TemplateStore>>) -> Self {
        Self { layers }
    }
}

#[async_trait]
impl TemplateStore for LayeredTemplates {
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        for layer in &self.layers {
            if let Some(template) = layer.get(name, version).await? {
                return Ok(Some(template));
            }
        }
        Ok(None)
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        let mut names = BTreeSet::new();
        for layer in &self.layers {
            // The spelling of the upper layer stays: inserting an equal name again changes nothing.
            names.extend(layer.list().await?);
        }
        Ok(names.into_iter().collect())
    }
}
