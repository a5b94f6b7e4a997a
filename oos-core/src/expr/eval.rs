//! Evaluation of an expression to a value.

use super::{Expr, ExprError, Scope, StoreReference};
use crate::Value;

/// Why an evaluation stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// Values of the parameter store are needed first.
    Need(Vec<StoreReference>),
    /// It failed.
    Error(ExprError),
}

impl From<ExprError> for Stop {
    fn from(error: ExprError) -> Self {
        Self::Error(error)
    }
}

/// Evaluates an expression.
///
/// # Errors
/// [`Stop::Need`] when a stored parameter has to be fetched first, [`Stop::Error`] when it fails.
pub fn evaluate(_expr: &Expr, _scope: &dyn Scope) -> Result<Value, Stop> {
    Err(ExprError::function("not written").into())
}

/// Reads a value as a condition: a boolean, or the text `true` or `false` in any case.
///
/// # Errors
/// `InvalidConditionValue` for anything else.
pub fn truth(value: &Value) -> Result<bool, ExprError> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::String(s) if s.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(s) if s.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(ExprError::new("InvalidConditionValue", format!("`{other}` is neither true nor false"))),
    }
}
