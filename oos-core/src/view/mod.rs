//! Views: a plan as a flow chart, a run as a tree of tasks and as lines of events.
//!
//! [`Trace`] folds events into a tree and is the one source of outcomes; [`mermaid`], [`dot`] and [`svg`] draw a plan,
//! with a trace also its outcomes; [`text`] and [`events`] are for terminals, failure reports and snapshots;
//! [`ExecutionTrace::snapshot`] is the tree with the service's field names. All of it is
//! text in, text out: no port, no clock (a live view tells its present by [`Trace::advance`]), no layout program, no
//! script in any output. Every text that came from a template or a cloud is escaped for the format it is put into.

mod collect;
mod dot;
mod events;
mod flow;
mod graphics;
mod layout;
mod mermaid;
mod outcome;
mod shape;
mod snapshot;
mod statistics;
mod svg;
mod text;
mod trace;
mod words;

pub(crate) use snapshot::loop_counts;

pub use dot::{dot, dot_with};
pub use events::events;
pub use mermaid::{mermaid, mermaid_with};
pub use statistics::Statistics;
pub use svg::{svg, svg_with};
pub use text::{TextOptions, text};
pub use trace::{ExecutionTrace, TaskTrace, Trace, Waiting};
