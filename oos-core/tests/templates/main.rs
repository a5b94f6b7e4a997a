//! Templates from text: the official ones, the same as JSON, and bad input of every kind.
//!
//! The official templates are read from the directory that `OOS_CORPUS` names; without it those tests say so and pass.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]
#![expect(clippy::disallowed_methods, reason = "tests read the environment and measure time")]

mod bad_input;
mod language;
mod official;
mod properties;
mod schema;

use std::{
    fs,
    path::{Path, PathBuf},
};

use oos_core::{Limits, Template, diagnostic::Diagnostics, source::SourceText};

/// The one official document that is no task template.
pub(crate) const STATE: &str = "ACS-ECS-InventoryDataCollection.yml";
pub(crate) fn corpus() -> Option<PathBuf> {
    let path = std::env::var("OOS_CORPUS").ok().map(PathBuf::from);
    if path.is_none() {
        println!("skipped: OOS_CORPUS is not set");
    }
    path
}

pub(crate) fn files(dir: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

pub(crate) fn official() -> Vec<(String, String)> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let mut all = files(&corpus.join("public"));
    all.extend(files(&corpus.join("actions")));
    all.retain(|(name, _)| name != STATE);
    all
}

pub(crate) fn parse(name: &str, text: &str) -> Result<Template, Diagnostics> {
    Template::parse_source(SourceText::new(name, text), &Limits::default())
}
