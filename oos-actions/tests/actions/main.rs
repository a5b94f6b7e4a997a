//! Every action through its port: success, each error code, repeat, and cancel where it means something.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod catalog;
mod check_for;
mod control;
mod execute_api;
mod failures;
mod http_request;
mod notify;
mod select_targets;
mod small;
mod support;
mod templates;
mod timer;
mod trigger;
mod wait_for;
