//! The server over real sockets, called by the real client, in virtual time.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "wire/calls.rs"]
mod calls;
#[path = "wire/faults.rs"]
mod faults;
#[path = "wire/keys.rs"]
mod keys;
#[path = "wire/round_trip.rs"]
mod round_trip;
#[path = "wire/storage.rs"]
mod storage;
#[path = "wire_support/mod.rs"]
mod support;
