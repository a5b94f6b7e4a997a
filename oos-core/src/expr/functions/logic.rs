//! Conditions: `Fn::Equals`; `Fn::If`, `Fn::And`, `Fn::Or` and `Fn::Not` are lazy and live in `eval.rs`.

use super::{FunctionContext, args};
use crate::{
    Value,
    expr::{ExprError, truth},
};

/// Deep equality, strict about types, numbers by value.
pub(super) fn equals(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [a, b] = args::exactly(argument)?;
    Ok(Value::Bool(a == b))
}

/// `Fn::And` (decided by the first false) and `Fn::Or` (by the first true) on values.
pub(in crate::expr) fn junction(list: &[Value], decided_by: bool) -> Result<Value, ExprError> {
    for value in list {
        if truth(value)? == decided_by {
            return Ok(decided_by.into());
        }
    }
    Ok((!decided_by).into())
}
