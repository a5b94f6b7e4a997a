//! Actions that steer: pure decisions over events.

mod approve;
mod choice;
mod for_each;
mod pause;
mod sleep;
mod template;

pub use approve::{Approve, ApproveOptions, DEFAULT_REQUIRED_APPROVALS};
pub use choice::Choice;
pub use for_each::ForEach;
pub use pause::Pause;
pub use sleep::Sleep;
pub use template::{CHILD_FAILED, Template, mirror_child};
