//! Actions that do one thing: a call of an API or of an HTTP service, a wait, a check.

pub mod address;
mod check_for;
mod execute_api;
mod execute_http_request;
mod git_code_repo;
pub mod judge;
mod poll;
mod repeat;
pub(crate) mod request;
mod wait_for;

pub use check_for::{CHECK_FOR_RETRIES, CheckFor};
pub use execute_api::{EXECUTE_API_RETRIES, ExecuteApi};
pub use execute_http_request::{ExecuteHttpRequest, HttpOptions};
pub use git_code_repo::GitCodeRepo;
pub use repeat::OUTCOME_UNKNOWN;
pub use wait_for::{WAIT_FOR_RETRIES, WaitFor};
