//! The machine: the state of one run of one plan, sans-I/O.

mod effect;
mod input;

pub use effect::{Effect, Extract, ExtractKind, PlanRef};
pub use input::{
    ExecutionStatus, Input, InputKind, Kept, KeptStep, LoopMode, Mode, SafetyCheck, Signal, SignalKind, SignalTarget,
    Started, StepResult, TaskStatus,
};
