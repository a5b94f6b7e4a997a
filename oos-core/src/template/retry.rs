//! The five retry keys of a task, as written.

use crate::source::Node;

/// `Retries`, `DelayType`, `Delay`, `BackOff`, `MaxRetryInterval`; references are allowed, so they stay nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retry {
    /// `Retries`.
    pub retries: Option<Node>,
    /// `DelayType`.
    pub delay_type: Option<Node>,
    /// `Delay`.
    pub delay: Option<Node>,
    /// `BackOff`.
    pub back_off: Option<Node>,
    /// `MaxRetryInterval`.
    pub max_retry_interval: Option<Node>,
}

impl Retry {
    /// True when no key is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
