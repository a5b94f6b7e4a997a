//! Stored texts that a run is compared with: its trace and the policy it needed.
//!
//! A text lies in the folder `snapshots` next to the test. The environment variable `OOS_BLESS` makes
//! a test write it instead of comparing; a text that is missing is a failure, because nobody has looked at it yet.

use std::{collections::BTreeSet, panic::Location, path::PathBuf};

use oos_core::Value;

use super::Run;
use crate::{
    Calls,
    calls::{Permission, fail},
    cloud::ram::privilege,
};

/// The variable that makes tests write their texts.
const UPDATE: &str = "OOS_BLESS";

impl Run {
    /// Asserts that the trace of the run is the stored text of that name.
    ///
    /// # Panics
    /// When it is another, with the first line that differs.
    #[track_caller]
    pub fn matches_snapshot(&self, name: &str) -> &Self {
        compare(&format!("{name}.txt"), &self.trace_text());
        self
    }

    /// The smallest policy that would have sufficed for this run.
    pub fn least_privilege(&self) -> LeastPrivilege {
        LeastPrivilege(self.calls("*", "*"))
    }
}

/// The permissions that a run needed.
#[derive(Clone, Debug)]
pub struct LeastPrivilege(Calls);

impl LeastPrivilege {
    /// The policy.
    pub fn policy(&self) -> Value {
        self.0.least_privilege()
    }

    /// The permissions, each once.
    pub fn permissions(&self) -> Vec<Permission> {
        self.0.permissions()
    }

    /// Asserts that a policy covers what was needed, and has no statement that was not.
    ///
    /// # Panics
    /// When something is missing or of no use; the text names it.
    #[track_caller]
    pub fn assert_covered_by(&self, policy: &str) -> &Self {
        self.0.assert_policy_covers(policy);
        self
    }

    /// Asserts that the policy is the stored text of that name.
    ///
    /// # Panics
    /// When it is another, with the first line that differs.
    #[track_caller]
    pub fn assert_equals_snapshot(&self, name: &str) -> &Self {
        let text = serde_json::to_string_pretty(&self.policy()).unwrap_or_default();
        compare(&format!("{name}.json"), &format!("{text}\n"));
        self
    }
}

/// Asserts that a policy covers what all these runs needed, and has no statement that none of them needed.
///
/// # Panics
/// When something is missing or of no use; the text names it.
#[track_caller]
pub fn assert_policy_covers<'a>(policy: &str, runs: impl IntoIterator<Item = &'a Run>) {
    let needs: BTreeSet<Permission> = runs.into_iter().flat_map(|run| run.calls("*", "*").permissions()).collect();
    privilege::assert_covers(policy, &needs.into_iter().collect::<Vec<_>>());
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "documented: the variable says that texts are written")]
fn compare(file: &str, found: &str) {
    let path = folder().join(file);
    if std::env::var(UPDATE).is_ok() {
        if let Err(error) =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, found))
        {
            fail(&format!("{}: {error}", path.display()));
        }
        return;
    }
    let Ok(stored) = std::fs::read_to_string(&path) else {
        fail(&format!("{} is not there; run with {UPDATE}=1 to write it", path.display()));
    };
    if let Some((line, old, new)) = difference(&stored, found) {
        fail(&format!(
            "{} differs in line {line}\n  stored: {old}\n  found:  {new}\nrun with {UPDATE}=1 to take the new text",
            path.display(),
        ));
    }
}

/// The first line that differs, from 1; a checkout may have other ends of lines.
fn difference<'a>(stored: &'a str, found: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let (mut old, mut new) = (stored.lines(), found.lines());
    for line in 1.. {
        match (old.next(), new.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some((line, a.unwrap_or("(end)"), b.unwrap_or("(end)"))),
        }
    }
    None
}

/// The folder next to the calling test. The compiler names source files relative to the workspace, and tests run in the
/// folder of their package or in the workspace's.
#[track_caller]
fn folder() -> PathBuf {
    let source = PathBuf::from(Location::caller().file());
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().map(|root| root.join(&source)).find(|path| path.exists());
    found.unwrap_or(source).parent().map(|dir| dir.join("snapshots")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_differ_by_lines() {
        assert_eq!(difference("a\r\nb\r\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n"), Some((2, "b", "c")));
        assert_eq!(difference("a\n", "a\nb\n"), Some((2, "(end)", "b")));
    }

    #[test]
    #[should_panic(expected = "nobody_has_written_it.txt is not there")]
    fn a_text_that_is_missing_fails() {
        compare("nobody_has_written_it.txt", "a");
    }
}
