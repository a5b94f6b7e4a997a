//! Ports that few embedders need.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;

use super::ActionError;

/// A request of `ACS::GitCodeRepo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitRequest {
    /// `github`, `gitee`.
    pub platform: String,
    /// Owner.
    pub owner: String,
    /// Organization.
    pub organization: Option<String>,
    /// Repository.
    pub repository: String,
}

/// Gives repository addresses that carry a token.
#[async_trait]
pub trait GitAuthorizer: Debug + Send + Sync + 'static {
    /// The address; it is secret.
    ///
    /// # Errors
    /// `GitAccountNotAuthorized` without an account.
    async fn authorized_url(&self, request: &GitRequest) -> Result<Arc<str>, ActionError>;
}

/// May this caller do that to this execution? The default allows everything.
pub trait Authorizer: Debug + Send + Sync + 'static {
    /// True when `caller` may perform `operation` (an OOS API name) on `resource`.
    fn allows(&self, caller: &str, operation: &str, resource: &str) -> bool;
}
