//! The server over real sockets, called by the real client, in virtual time.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "wire/calls.rs"]
mod calls;
#[path = "wire_support/mod.rs"]
mod support;
