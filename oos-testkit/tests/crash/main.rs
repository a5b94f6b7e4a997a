//! A crash at any point of a run: another process over the same store and the same cloud takes it up and ends it as if
//! nothing had happened (durability.md 1).
//!
//! `prefixes` stops each run of `cases` after every prefix of its journal, over memory and SQLite. `classes` has one call
//! of each class of durability.md rule 5, stopped before and after the cloud carried it out. `kill` kills a real process.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::print_stdout, reason = "how much was tried")]

mod cases;
mod classes;
mod golden;
mod kill;
mod prefixes;
mod world;
