//! Assertions on why an execution failed.

use std::ops::Deref;

use oos_core::{
    Value,
    machine::TaskStatus,
    ports::{ActionError, ActionErrorKind, event::EventKind},
};

use super::Run;
use crate::calls::glob;

/// The failure of an execution; it reads like its error.
#[derive(Clone, Debug)]
pub struct FailureView {
    run: Run,
    error: ActionError,
}

impl Deref for FailureView {
    type Target = ActionError;
    fn deref(&self) -> &ActionError {
        &self.error
    }
}

impl FailureView {
    pub(super) fn new(run: Run, error: ActionError) -> Self {
        Self { run, error }
    }

    /// Asserts that a task of that name failed, in the execution or in a child of it.
    ///
    /// # Panics
    /// When none did.
    #[track_caller]
    pub fn task(&self, name: &str) -> &Self {
        let failed = self.run.events().iter().any(|event| match &event.kind {
            EventKind::StepEnded { key, status: TaskStatus::Failed, .. } => {
                key.task.as_str().eq_ignore_ascii_case(name)
            }
            _ => false,
        });
        self.check(failed, || format!("no task `{name}` failed"))
    }

    /// Asserts the kind of the error.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn kind(&self, expected: ActionErrorKind) -> &Self {
        self.check(self.error.kind == expected, || format!("the failure is {:?}, not {expected:?}", self.error.kind))
    }

    /// Asserts the code; `*` stands for any text.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn code(&self, expected: &str) -> &Self {
        self.check(glob(expected, &self.error.code), || format!("the code is `{}`, not `{expected}`", self.error.code))
    }

    /// Asserts the last value that a wait or a check saw.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn last_value(&self, expected: impl Into<Value>) -> &Self {
        let (expected, found) = (expected.into(), self.error.details.at(&["LastValue"]));
        self.check(*found == expected, || format!("the last value is {found}, not {expected}"))
    }

    #[track_caller]
    fn check(&self, holds: bool, complaint: impl FnOnce() -> String) -> &Self {
        if !holds {
            self.run.complain(&complaint());
        }
        self
    }
}
