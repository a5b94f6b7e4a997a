//! Answers from a recording.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use oos_core::{
    Template, Value,
    ports::{ApiCaller, ApiError, ApiRequest, ApiResponse},
};

use super::{Asked, Entry, FORMAT, Redaction};
use crate::calls::fail;

/// Near misses that an error shows.
const NEAR: usize = 3;
/// Longest text of a value in an error.
const LONGEST: usize = 60;

/// Why a recording cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// A line of it is no call.
    Line {
        /// The file.
        path: PathBuf,
        /// Number from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Line { path, line, message } => write!(f, "{}:{line}: {message}", path.display()),
        }
    }
}

impl std::error::Error for ReplayError {}

/// Answers calls from a recording, without network. A clone of the state is not needed: share it by reference.
///
/// A call that was not recorded fails with `Testkit.NoRecording`, and the message names what was recorded that is near.
#[derive(Debug)]
pub struct Replay {
    path: PathBuf,
    entries: Vec<(usize, Entry)>,
    /// Entries of each call that are not used yet, in order.
    left: Mutex<BTreeMap<Asked, VecDeque<usize>>>,
    redaction: Redaction,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// When it cannot be read, or is none: with the line.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReplayError> {
        let path = path.as_ref().to_path_buf();
        let text = std::fs::read_to_string(&path).map_err(|e| ReplayError::Io(path.clone(), e))?;
        let wrong = |line: usize, message: String| ReplayError::Line { path: path.clone(), line, message };
        let mut lines = text.lines().enumerate().map(|(n, line)| (n + 1, line));
        let first = lines.next().and_then(|(_, line)| Value::from_json_str(line).ok()).unwrap_or_default();
        if first.at(&["format"]).as_str() != Some(FORMAT) {
            return Err(wrong(1, format!("this is no recording; one begins with {{\"format\":\"{FORMAT}\"}}")));
        }
        let mut entries = Vec::new();
        for (n, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            entries.push((n, Entry::from_line(line).map_err(|message| wrong(n, message))?));
        }
        let mut left: BTreeMap<Asked, VecDeque<usize>> = BTreeMap::new();
        for (index, (_, entry)) in entries.iter().enumerate() {
            left.entry(entry.asked.clone()).or_default().push_back(index);
        }
        Ok(Self { path, entries, left: Mutex::new(left), redaction: Redaction::default() })
    }

    /// The same replay, to which this text is a secret, as it was to the recorder.
    #[must_use]
    pub fn secret(self, text: &str) -> Self {
        self.redaction.secret(text);
        self
    }

    /// The same replay, to which the values of the template's `NoEcho` parameters are secrets.
    #[must_use]
    pub fn no_echo(self, template: &Template, parameters: &Value) -> Self {
        self.redaction.no_echo(template, parameters);
        self
    }

    /// Recorded calls that were not asked for, one line each.
    pub fn unused(&self) -> Vec<String> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut indices: Vec<usize> = left.values().flatten().copied().collect();
        indices.sort_unstable();
        let entries = indices.iter().filter_map(|index| self.entries.get(*index));
        entries.map(|(line, entry)| format!("line {line}: {}", shown(&entry.asked))).collect()
    }

    /// Asserts that every recorded call was asked for.
    ///
    /// # Panics
    /// When one was not.
    #[track_caller]
    pub fn assert_used_up(&self) {
        let unused = self.unused();
        if !unused.is_empty() {
            fail(&format!("recorded in {} and not asked for:\n{}", self.path.display(), unused.join("\n")));
        }
    }

    /// What an error says about a call that is not there.
    fn near(&self, asked: &Asked) -> String {
        let same: Vec<usize> = self.entries.iter().filter(|(_, e)| e.asked == *asked).map(|(line, _)| *line).collect();
        if let Some(last) = same.last() {
            return format!(
                "it was recorded {} times, in line {last} for the last time, and asked for again",
                same.len()
            );
        }
        let mut near: Vec<(usize, String)> =
            self.entries.iter().filter_map(|(line, e)| near_miss(*line, &e.asked, asked)).collect();
        near.sort();
        near.dedup_by(|a, b| a.1.split_once(": ").map(|s| s.1) == b.1.split_once(": ").map(|s| s.1));
        if !near.is_empty() {
            let lines: Vec<String> = near.into_iter().take(NEAR).map(|(_, text)| text).collect();
            return format!("near misses: {}", lines.join("; "));
        }
        let mut names: Vec<String> = self.entries.iter().map(|(_, e)| e.asked.name()).collect();
        names.sort();
        names.dedup();
        format!("recorded are {}", if names.is_empty() { "no calls".to_owned() } else { names.join(", ") })
    }
}

fn shown(asked: &Asked) -> String {
    format!("{} in {} {}", asked.name(), asked.region, asked.params)
}

/// How far a recorded call of the same operation is from the one asked for, and in what it differs.
fn near_miss(line: usize, recorded: &Asked, asked: &Asked) -> Option<(usize, String)> {
    if recorded.service != asked.service || recorded.api != asked.api {
        return None;
    }
    let mut names: Vec<&str> =
        [recorded, asked].iter().filter_map(|a| a.params.as_map()).flat_map(|m| m.keys().map(|k| &**k)).collect();
    names.sort_unstable();
    names.dedup();
    let text = |value: Option<&Value>| match value {
        Some(value) => value.to_string().chars().take(LONGEST).collect(),
        None => "nothing".to_owned(),
    };
    let mut differences: Vec<String> = names
        .into_iter()
        .filter(|name| recorded.params.get(name) != asked.params.get(name))
        .map(|name| {
            format!("{name} is {} there and {} here", text(recorded.params.get(name)), text(asked.params.get(name)))
        })
        .collect();
    if recorded.region != asked.region {
        differences.push(format!("the region is {} there and {} here", recorded.region, asked.region));
    }
    Some((differences.len(), format!("line {line}: {}", differences.join(", "))))
}

#[async_trait]
impl ApiCaller for Replay {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let asked = Asked::of(&request, &self.redaction);
        let next =
            self.left.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&asked).and_then(VecDeque::pop_front);
        match next.and_then(|index| self.entries.get(index)) {
            Some((_, entry)) => entry.answer.clone(),
            None => Err(ApiError::Unsupported {
                code: "Testkit.NoRecording".into(),
                message: format!("{} has no {}; {}", self.path.display(), shown(&asked), self.near(&asked)).into(),
            }),
        }
    }
}
