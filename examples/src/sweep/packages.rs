//! Templates that no folder has: one that does nothing, and packages of software.

use async_trait::async_trait;
use oos_core::{
    TemplateName,
    ports::{
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
    source::SourceText,
};

use super::world::{NOTHING, PACKAGE};

/// How the names of the packages that the cloud itself offers begin.
const OFFERED: &str = "ACS-Extension-";

const REST: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
  - {Name: rest, Action: 'ACS::Sleep', Properties: {Duration: PT1S}}
";

/// A package that fits every machine.
const FILES: &str = "
FormatVersion: OOS-2019-06-01
Packages:
  - BucketName: bucket
    ObjectName: packages/sweep.tar.gz
    InstallScript: echo install
    UninstallScript: echo uninstall
    OutputScript: ''
";

/// The store of both; a package has every version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packages;

#[async_trait]
impl TemplateStore for Packages {
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        let text = match name.as_str() {
            NOTHING => REST,
            text if text == PACKAGE || text.starts_with(OFFERED) => FILES,
            _ => return Ok(None),
        };
        let (source, version) = (SourceText::new(name.text().clone(), text), version.unwrap_or("v1").to_owned());
        Ok(Some(StoredTemplate { name: name.clone(), version, source }))
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        Ok([NOTHING, PACKAGE].map(TemplateName::new).to_vec())
    }
}
