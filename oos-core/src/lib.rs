//! Templates of CloudOps Orchestration Service (OOS): parse, check, compile, run.
//!
//! Data flows one way: text → [`template::Template`] → [`plan::Plan`] → machine → effects → journal. See
//! `ARCHITECTURE.md` for the map.

pub mod check;
pub mod diagnostic;
pub mod engine;
pub mod expr;
pub mod ids;
pub mod limits;
pub mod machine;
pub mod plan;
pub mod ports;
pub mod registry;
pub mod selector;
pub mod source;
pub mod template;
pub mod time;
mod value;
pub mod view;

#[cfg(feature = "catalogue")]
pub mod analysis;
#[cfg(feature = "catalogue")]
pub mod catalogue;

pub use ids::{ActionName, ExecutionId, RegionId, TaskExecutionId, TaskName, TemplateName};
pub use limits::Limits;
pub use template::Template;
pub use time::Timestamp;
pub use value::{Map, Value};
