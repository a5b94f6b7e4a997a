//! A folder of template files, read when they are asked for.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
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

use super::{ONLY_VERSION, is_only, loader};

/// Templates of a folder and the folders in it, named by their files. A file that is added later is not seen; a file
/// that changes is, by executions that start afterwards.
#[derive(Clone, Debug)]
pub struct DirectoryTemplates {
    files: BTreeMap<TemplateName, PathBuf>,
}

impl DirectoryTemplates {
    /// Lists the folder. Of two files with one name the first in the order of paths counts.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the folder cannot be listed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let mut paths = Vec::new();
        collect(path.as_ref(), MAX_DEPTH, &mut paths).map_err(|e| unavailable(path.as_ref(), &e))?;
        paths.sort();
        let mut files = BTreeMap::new();
        for file in paths {
            let relative = file.strip_prefix(path.as_ref()).unwrap_or(&file).to_string_lossy().into_owned();
            files.entry(loader::name_of_path(&relative)).or_insert(file);
        }
        Ok(Self { files })
    }
}

/// Folders in folders that are looked into: links may form rings.
const MAX_DEPTH: usize = 4;

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, found)?;
        } else if path.file_name().and_then(|name| name.to_str()).is_some_and(loader::is_template_file) {
            found.push(path);
        }
    }
    Ok(())
}

fn unavailable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("`{}`: {error}", path.display()).into())
}

#[async_trait]
impl TemplateStore for DirectoryTemplates {
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        let Some((name, path)) = self.files.get_key_value(name).filter(|_| is_only(version)) else {
            return Ok(None);
        };
        let bytes = fs::read(path).map_err(|e| unavailable(path, &e))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| StoreError::Corrupt(format!("`{}` is not UTF-8 text", path.display()).into()))?;
        let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
        let source = SourceText::new(file, text);
        Ok(Some(StoredTemplate { name: name.clone(), version: ONLY_VERSION.to_owned(), source }))
    }

    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        Ok(self.files.keys().cloned().collect())
    }
}
