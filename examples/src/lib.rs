//! What the example programs share: arguments, and live progress.
//!
//! The README of the workspace is part of these docs, so its code compiles and runs.
#![doc = include_str!("../../README.md")]

pub mod progress;
#[cfg(feature = "real-cloud")]
pub mod real_cloud;
pub mod sweep;

use std::{fmt::Display, path::PathBuf};

use oos_core::Value;

/// `--name value` arguments of a program.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    named: Vec<(String, String)>,
}

impl Arguments {
    /// Reads the arguments of the process.
    ///
    /// # Errors
    /// A line for people when an argument is not `--name value` of a known name.
    pub fn read(known: &[&str]) -> Result<Self, String> {
        Self::parse(std::env::args().skip(1), known)
    }

    /// Reads arguments.
    ///
    /// # Errors
    /// As [`Arguments::read`].
    pub fn parse(mut given: impl Iterator<Item = String>, known: &[&str]) -> Result<Self, String> {
        let mut named = Vec::new();
        while let Some(argument) = given.next() {
            let name = argument.strip_prefix("--").filter(|n| known.contains(n)).ok_or_else(|| {
                let list = known.iter().map(|n| format!("--{n} VALUE")).collect::<Vec<_>>().join(", ");
                format!("`{argument}` is not known; there are {list}")
            })?;
            let value = given.next().ok_or_else(|| format!("`--{name}` needs a value"))?;
            named.push((name.to_owned(), value));
        }
        Ok(Self { named })
    }

    /// The value of an argument.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Reads a file into text.
///
/// # Errors
/// A line for people.
pub fn read_text(path: &str) -> Result<String, String> {
    std::fs::read_to_string(PathBuf::from(path)).map_err(|e| problem(path, e))
}

/// Reads a JSON file.
///
/// # Errors
/// A line for people.
pub fn read_json(path: &str) -> Result<Value, String> {
    Value::from_json_str(&read_text(path)?).map_err(|e| problem(path, e))
}

fn problem(path: &str, error: impl Display) -> String {
    format!("{path}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(list: &[&str]) -> impl Iterator<Item = String> {
        list.iter().map(ToString::to_string).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn arguments_are_named_and_known() {
        let read = Arguments::parse(given(&["--template", "a.yml"]), &["template"]).unwrap();
        assert_eq!(read.get("template"), Some("a.yml"));
        assert!(Arguments::parse(given(&["--other", "x"]), &["template"]).unwrap_err().contains("--template"));
        assert!(Arguments::parse(given(&["--template"]), &["template"]).is_err());
    }
}
