//! The failures that actions end with of their own accord. Each is one constant, from which both the error and the row
//! of the reference page are made, so that they cannot name different codes.

use std::fmt;

use oos_core::ports::{ActionError, ActionErrorKind, action::Signature};

/// A failure of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    kind: ActionErrorKind,
    code: &'static str,
    when: &'static str,
}

impl Failure {
    pub(crate) const fn new(kind: ActionErrorKind, code: &'static str, when: &'static str) -> Self {
        Self { kind, code, when }
    }

    /// The error to end with.
    pub(crate) fn error(self, message: impl fmt::Display) -> ActionError {
        ActionError::new(self.kind, self.code, message)
    }

    pub(crate) const fn code(self) -> &'static str {
        self.code
    }
}

/// The signature with its failures, in their order.
pub(crate) fn list(signature: Signature, failures: &[Failure]) -> Signature {
    failures.iter().fold(signature, |signature, failure| signature.fails(failure.code, failure.when))
}

/// A property is missing or wrong; its errors are those of [`properties`](crate::properties).
pub(crate) const WRONG_PROPERTY: Failure =
    Failure::new(ActionErrorKind::InvalidProperty, "InvalidProperty", "a property is missing or of another kind");

/// Paging that does not end; the page loop of `oos-core` raises it.
pub(crate) const TOO_MANY_PAGES: Failure =
    Failure::new(ActionErrorKind::Unsupported, "AutoPagingLimitExceeded", "the answer has more than a thousand pages");
