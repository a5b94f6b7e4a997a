//! Names and identifiers, each a type of its own.
//!
//! Names that templates refer to compare without case (template-language 3.5, 8.1: the public templates need it) and
//! keep the spelling they were written with. Identifiers compare exactly.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

/// A name that compares without ASCII case and keeps its spelling.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(Arc<str>);

impl Name {
    /// Wraps a name; no rule is checked here (`template::lower` does).
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared text.
    pub fn text(&self) -> &Arc<str> {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|c| c.to_ascii_lowercase())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        // Names in keys are clones of the plan's, so most comparisons end at the pointer.
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.folded().cmp(other.folded())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|c| state.write_u8(c.to_ascii_lowercase()));
        state.write_u8(0xff);
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Wraps the text; no rule is checked here.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(<$inner>::new_text(text.into()))
            }
            /// The text as written.
            pub fn as_str(&self) -> &str {
                self.0.as_ref_str()
            }
            /// The shared text.
            pub fn text(&self) -> &Arc<str> {
                self.0.shared()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self::new(text)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        impl From<&$name> for $crate::Value {
            fn from(name: &$name) -> Self {
                Self::String(Arc::clone(name.text()))
            }
        }
    };
}

/// What the macro needs of the two kinds of text.
trait Text: Sized {
    fn new_text(text: Arc<str>) -> Self;
    fn as_ref_str(&self) -> &str;
    fn shared(&self) -> &Arc<str>;
}

impl Text for Name {
    fn new_text(text: Arc<str>) -> Self {
        Self(text)
    }
    fn as_ref_str(&self) -> &str {
        &self.0
    }
    fn shared(&self) -> &Arc<str> {
        &self.0
    }
}

impl Text for Arc<str> {
    fn new_text(text: Arc<str>) -> Self {
        text
    }
    fn as_ref_str(&self) -> &str {
        self
    }
    fn shared(&self) -> &Arc<str> {
        self
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

text_type!(
    /// Name of an action, `ACS::ExecuteAPI` or `ACS::ECS::RunCommand`; compares without case.
    ActionName,
    Name
);
text_type!(
    /// Name of a task; compares without case.
    TaskName,
    Name
);
text_type!(
    /// Name of a template; compares without case when it is looked up (template-language 8.1).
    TemplateName,
    Name
);
text_type!(
    /// Identifier of an execution: `exec-` and 20 characters, children append dotted numbers (template-language 3.4).
    ExecutionId,
    Arc<str>
);
text_type!(
    /// Identifier of a task execution: `task-exec-` and hexadecimal digits.
    TaskExecutionId,
    Arc<str>
);
text_type!(
    /// A region such as `cn-hangzhou`.
    RegionId,
    Arc<str>
);

impl ActionName {
    /// The parts between `::`, e.g. `["ACS", "ECS", "RunCommand"]`.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.as_str().split("::")
    }

    /// True when the name equals `other`, case ignored.
    pub fn is(&self, other: &str) -> bool {
        self.as_str().eq_ignore_ascii_case(other)
    }
}

impl Borrow<str> for ExecutionId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// Key of one step inside a machine: task, run, loop item, attempt (machine.md 2). Never a position in a journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepKey {
    /// The task.
    pub task: TaskName,
    /// How often the task, or this item, has been entered; from 1.
    pub run: u32,
    /// Loop index from 1; `None` outside loops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// Attempt within the retries of one run, from 1.
    pub attempt: u32,
}

/// One step on the way from the root machine to a child machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PathStep {
    /// The task of the parent that asked for the child.
    pub task: TaskName,
    /// The run of that task or item.
    pub run: u32,
    /// The loop item, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
}

/// Where a machine stands in its tree; the empty path is the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachinePath(Arc<[PathStep]>);

impl MachinePath {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of the child that `step` names below this machine.
    #[must_use]
    pub fn child(&self, step: PathStep) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The steps from the root down.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The parent and the last step; `None` for the root.
    pub fn split_last(&self) -> Option<(Self, &PathStep)> {
        self.0.split_last().map(|(last, rest)| (Self(rest.into()), last))
    }

    /// True when this path is `other` or below it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_compare_without_case_and_keep_their_spelling() {
        let (a, b) = (ActionName::new("ACS::ExecuteAPI"), ActionName::new("acs::ExecuteApi"));
        assert_eq!(a, b);
        assert_eq!(a.cmp(&b), Ordering::Equal);
        assert_eq!(HashSet::from([a.clone()]).get(&b).map(ActionName::as_str), Some("ACS::ExecuteAPI"));
        assert_ne!(ExecutionId::new("a"), ExecutionId::new("A"));
    }
}
