//! What a name means here: at compile time ([`Names`]) and at run time ([`Scope`]).

use super::{ExprError, Functions, Stop, StoreReference, Variable};
use crate::{Limits, Timestamp, Value, selector::SelectorCache};

/// A name that was found, and whether only by ignoring case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<T> {
    /// What was found.
    pub found: T,
    /// False when the match needed case folding.
    pub exact: bool,
}

/// What names mean while an expression is compiled. Each look-up is exact first, else the only match without case.
pub trait Names {
    /// Index of a parameter.
    fn parameter(&self, name: &str) -> Option<Match<usize>>;
    /// Index of a task.
    fn task(&self, name: &str) -> Option<Match<usize>>;
    /// Index of an output of a task that is visible from outside (aggregates of a looped task win).
    fn output(&self, task: usize, name: &str) -> Option<Match<usize>>;
    /// Index of a condition.
    fn condition(&self, name: &str) -> Option<Match<usize>>;
    /// A variable that the embedder registered, by the text after `ACS::`.
    fn custom_variable(&self, name: &str) -> Option<Variable>;
    /// True where `ACS::TaskLoopItem` may be read.
    fn in_loop(&self) -> bool;
    /// True in the template's `Outputs`, where a name that a task does not declare may be a member of its raw result.
    fn in_outputs(&self) -> bool {
        false
    }
    /// Index of the task that the expression belongs to; its own outputs are an error, those of later ones a warning.
    fn current_task(&self) -> Option<usize>;
    /// True when a task comes after the one that the expression belongs to; those around an `ACS::Loop` may not.
    fn is_later(&self, task: usize) -> bool {
        self.current_task().is_some_and(|current| task > current)
    }
    /// How deep functions may nest.
    fn function_depth(&self) -> usize {
        Limits::default().function_depth
    }
    /// Functions that may be called.
    fn functions(&self) -> &Functions;
    /// Names near `name`, for hints: parameters, tasks, outputs of a task, conditions.
    fn candidates(&self, kind: NameKind) -> Vec<String>;
}

/// The name spaces that hints come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// Parameters.
    Parameter,
    /// Tasks.
    Task,
    /// Outputs of the task with that index.
    Output(usize),
    /// Conditions.
    Condition,
}

/// What references mean while an expression is evaluated.
pub trait Scope {
    /// The instant that `CurrentUTCTime` shows; the `at` of the input that started this evaluation.
    fn now(&self) -> Timestamp;
    /// A system variable.
    ///
    /// # Errors
    /// `UndefinedReference` when the engine was not given it.
    fn variable(&self, variable: &Variable) -> Result<Value, ExprError>;
    /// A parameter's value.
    ///
    /// # Errors
    /// As [`super::evaluate`]: a default is evaluated when it is first read.
    fn parameter(&self, index: usize) -> Result<Value, Stop>;
    /// A visible output of a task; null when the task did not produce it.
    fn output(&self, task: usize, output: usize) -> Value;
    /// The raw result of a task; null when it was not kept.
    fn raw(&self, task: usize) -> Value;
    /// A value of the parameter store, if it has been fetched.
    fn stored(&self, reference: &StoreReference) -> Option<Value>;
    /// The value of a condition of the plan.
    ///
    /// # Errors
    /// As [`super::evaluate`].
    fn condition(&self, index: usize) -> Result<Value, Stop>;
    /// Bounds.
    fn limits(&self) -> &Limits;
    /// Compiled programs of texts known only now.
    fn selectors(&self) -> &SelectorCache;
}
