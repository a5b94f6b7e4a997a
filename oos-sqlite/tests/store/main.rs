//! The store over SQLite: the contract, its files, and kills.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests; a child process talks to its parent")]

mod common;
mod conformance;
mod files;
mod kill;
