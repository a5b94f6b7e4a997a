//! The machine: the state of one run of one plan, sans-I/O.
//!
//! [`Tree::apply`] takes an [`Input`] and gives [`Effect`]s. There is no clock, no async, no port, no randomness and no
//! hash-map order in here: time comes in with each input, ids are derived from keys. A [`Machine`] runs forward
//! synchronously until it needs something from outside; a [`Tree`] holds the machines of one root execution and routes
//! between them. The one trait object that a machine calls is `ControlAction`, which is sync and pure.

mod bind;
mod effect;
mod input;
mod leaves;
mod outstanding;
mod rate;
mod report;
mod risk;
mod route;
mod scope;
mod snapshot;
mod state;
mod token;
mod transitions;
mod tree;
mod visit;

pub(crate) use bind::bind_one;
pub use bind::bind_parameters;
pub use effect::{Effect, Extract, ExtractKind, PlanRef};
pub use input::{
    ExecutionStatus, Input, InputKind, Kept, KeptCursor, KeptStep, LoopMode, Mode, SafetyCheck, Signal, SignalKind,
    SignalTarget, Started, StepResult, TaskStatus, UnknownOutcome, child_execution_id,
};
pub use leaves::RerunFrom;
pub use rate::{PauseOption, Rate};
pub use report::{MachineReport, StepReport, TaskReport, WaitReport};
pub use risk::{RiskPolicy, VerbRisk};
pub(crate) use scope::BOUND;
pub use scope::Secret;
pub use snapshot::{Beside, SNAPSHOT_FORMAT, SavedTree};
pub use state::{Failure, Machine};
pub use token::{step_token, task_execution_id};
pub use tree::{Applied, Ended, Refusal, Tree, TreeOptions};
pub use visit::Change;
